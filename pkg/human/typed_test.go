package human

import "testing"

func TestTyped(t *testing.T) {
	for _, command := range []string{"", "rm -f /swap", "rm -f '/a b'", "rm -f /größe"} {
		if text, got := Typed("remove it", command); got != command || text != "remove it" {
			t.Errorf("Typed(%q) = %q, %q", command, text, got)
		}
	}
	for _, command := range []string{"rm '/etc\npasswd'", "rm '/swap\tx'", "rm '/a\x1b[2J'", "rm '/a\x7f'", "rm '/a\u202eb'", "rm '/a\u200bb'", "rm '/a\u2028b'", "rm '/a\xff'", "rm '/a\ufffd'"} {
		if text, got := Typed("remove it", command); got != "" || text != "remove it (no command is given: a name has characters that cannot be typed)" {
			t.Errorf("Typed(%q) = %q, %q", command, text, got)
		}
	}
}

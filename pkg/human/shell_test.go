package human

import "testing"

func TestShellWord(t *testing.T) {
	for in, want := range map[string]string{
		"web": "web", "": "''", "a b": "'a b'", "$(reboot)": "'$(reboot)'", "it's": `'it'\''s'`, "/swap\nfile": "'/swap\nfile'", "ünï": "'ünï'",
	} {
		if got := ShellWord(in); got != want {
			t.Errorf("ShellWord(%q) = %s, want %s", in, got, want)
		}
	}
}

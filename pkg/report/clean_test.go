package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	for _, c := range []struct {
		name, in string
		most     int
		wide     bool
		want     string
	}{
		{"plain", "web-1", 10, true, "web-1"},
		{"escape sequence", "a\x1b[31mred\x07", 20, true, "a?[31mred?"},
		{"newline and tab", "a\nb\tc\rd", 20, true, "a b c d"},
		{"bidi override", "a\u202eb\u2066c", 20, true, "a?b?c"},
		{"C1 control", "a\u009b31m", 20, true, "a?31m"},
		{"zero width", "a\u200bb\ufeff", 20, true, "a?b?"},
		{"line separator", "a\u2028b", 20, true, "a?b"},
		{"invalid UTF-8", "a\xff\xfeb", 20, true, "a??b"},
		{"wide kept", "größe 日本", 20, true, "größe 日本"},
		{"wide in an ASCII locale", "größe", 20, false, "gr??e"},
		{"cut", strings.Repeat("x", 10000), 5, true, "xxxxx..."},
		{"empty", "", 5, true, ""},
	} {
		if got := Clean(c.in, c.most, c.wide); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// FuzzClean: nothing that a terminal acts on comes out, whatever goes in, and what was
// clean already stays as it is.
func FuzzClean(f *testing.F) {
	for _, s := range []string{"", "web", "\x1b]0;x\x07", "\u202e", "\xff", "日本", "a\nb"} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, s string, wide bool) {
		const most = 100
		got := Clean(s, most, wide)
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > most+3 {
			t.Fatalf("%q: invalid or too long", got)
		}
		for _, r := range got {
			if hidden(r) || r < ' ' || !wide && r > 0x7f {
				t.Fatalf("%q holds %U", got, r)
			}
		}
		if again := Clean(got, most+3, wide); again != got {
			t.Fatalf("%q became %q", got, again)
		}
	})
}

// FuzzJSON: a document is safe to look at, and reads back as what was written.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{"", "web", "\x1b[31m", "\u009b", "\u202e", "\U000e0001", "<&>", "\\u202e", "日本 \u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.ToValidUTF8(s, "")
		var doc bytes.Buffer
		if err := JSON(&doc, "Test", map[string]string{"name": s}); err != nil {
			t.Fatal(err)
		}
		for _, r := range doc.String() {
			if hidden(r) && r != '\n' {
				t.Fatalf("document holds %U: %q", r, doc.String())
			}
		}
		var got struct {
			SchemaVersion int
			Kind          string
			Data          map[string]string
		}
		if err := json.Unmarshal(doc.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if got.SchemaVersion != schemaVersion || got.Kind != "Test" || got.Data["name"] != s {
			t.Fatalf("%q came back as %+v", s, got)
		}
	})
}

// FuzzWrap: wrapping changes blanks alone, and no line is longer than the width but
// for a word that is.
func FuzzWrap(f *testing.F) {
	f.Add("one two three", 7)
	f.Add("  a  ", 1)
	f.Add(strings.Repeat("x", 50)+" y", 10)
	f.Fuzz(func(t *testing.T, text string, width int) {
		if width < 1 || width > 1000 || !utf8.ValidString(text) {
			return
		}
		got := wrap(text, width, "")
		if strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(text), " ") {
			t.Fatalf("%q became %q", text, got)
		}
		for line := range strings.Lines(got) {
			line = strings.TrimSuffix(line, "\n")
			if utf8.RuneCountInString(line) > width && len(strings.Fields(line)) > 1 {
				t.Fatalf("%q is longer than %d", line, width)
			}
		}
	})
}

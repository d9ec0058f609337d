package report

import (
	"bufio"
	"io"
	"strings"
	"unicode/utf8"
)

// markup writes a page piece by piece; the first error of the writer is kept for its end.
type markup struct{ out *bufio.Writer }

func newMarkup(w io.Writer) *markup { return &markup{bufio.NewWriterSize(w, 64<<10)} }

// put writes markup of our own as it is.
func (m *markup) put(pieces ...string) {
	for _, p := range pieces {
		_, _ = m.out.WriteString(p) // the error stays in the writer, and Flush gives it
	}
}

// text writes foreign text of at most so many runes, cleaned and escaped.
func (m *markup) text(s string, most int) { m.put(escapeHTML(s, most)) }

// The longest texts of a page, in runes.
const (
	htmlName     = 200
	htmlSentence = 2000
	htmlCommand  = 8000
)

// apart writes foreign text whose direction is its own, and leaves that of the text around it alone.
func (m *markup) apart(s, class string, most int) {
	m.put(`<bdi class="`, class, `">`)
	m.text(s, most)
	m.put("</bdi>")
}

// name writes a foreign name.
func (m *markup) name(s, class string) { m.apart(s, class, htmlName) }

func (m *markup) flush() error { return m.out.Flush() }

// escapeHTML makes foreign text of at most so many runes safe as text and as the value of
// an attribute in quotes, in HTML and in XML: cleaned as Clean does it, without the code points that are
// never characters, and with the five characters of markup escaped.
func escapeHTML(s string, most int) string {
	if len(s) <= most && !strings.ContainsFunc(s, needsCare) {
		return s
	}
	var b strings.Builder
	for _, r := range Clean(s, most, true) {
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '"':
			b.WriteString("&#34;")
		case r == '\'':
			b.WriteString("&#39;")
		case noCharacter(r):
			b.WriteByte('?')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// needsCare tells the runes that escapeHTML may change, and a few that it does not.
func needsCare(r rune) bool {
	return r < ' ' || r > '~' || r == utf8.RuneError || r == '&' || r == '<' || r == '>' || r == '"' || r == '\''
}

// noCharacter tells the code points that Unicode keeps free of characters for ever, which XML refuses.
func noCharacter(r rune) bool {
	return r&0xfffe == 0xfffe || r >= 0xfdd0 && r <= 0xfdef
}

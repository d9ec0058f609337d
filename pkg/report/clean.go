// Package report writes results for readers: text for a terminal, JSON for programs.
// It decides nothing: statuses, severities and the exit code come with the result.
package report

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"vmguard/pkg/human"
)

// Clean makes foreign text safe for a terminal: control characters, invalid bytes and
// the marks that reorder or hide text (Unicode's format characters) become a question
// mark, and so does everything beyond ASCII unless wide is set. Newlines and tabs become blanks.
// Text of more than most runes is cut.
func Clean(s string, most int, wide bool) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n++; n > most {
			b.WriteString("...")
			break
		}
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			b.WriteByte(' ')
		case r == utf8.RuneError || hidden(r) || !wide && r > unicode.MaxASCII:
			b.WriteByte('?')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// hidden tells the characters that a terminal would act on, or that a reader cannot see.
func hidden(r rune) bool { return human.Hidden(r) }

package human

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Hidden tells the characters that a terminal would act on, or that a reader cannot see:
// control characters, Unicode's format characters and its line separators.
func Hidden(r rune) bool {
	if r <= unicode.MaxASCII { // nearly all text
		return r < ' ' || r == '\x7f'
	}
	return unicode.Is(unicode.C, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r)
}

// Typed gives the text and the command of a remedy. A command that nobody could type as it is
// printed, since a name in it has characters that are hidden or no text at all, is left out, and
// the text says so: with these characters replaced it would mean another name.
func Typed(text, command string) (string, string) {
	if strings.ContainsFunc(command, func(r rune) bool { return r == utf8.RuneError || Hidden(r) }) {
		return text + " (no command is given: a name has characters that cannot be typed)", ""
	}
	return text, command
}

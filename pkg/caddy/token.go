package caddy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// token is one word of a Caddyfile.
type token struct {
	text   string
	file   string
	line   int
	quoted bool
	marker int // 1 for a heredoc, whose marker has a line of its own
}

// An environment variable without a default becomes its name between these two, which no
// Caddyfile has a reason to hold.
const (
	openVariable  = "\ue000"
	closeVariable = "\ue001"
)

// variable gives the name of the environment variable that a text depends on; empty where
// it depends on none.
func variable(text string) string {
	_, rest, found := strings.Cut(text, openVariable)
	name, _, _ := strings.Cut(rest, closeVariable)
	if found && name == "" {
		return "without a name"
	}
	return bounded(name)
}

// environment replaces {$NAME:default} by the default, for the environment is not known, and
// {$NAME} by a mark. Caddy does so before it cuts the text into words (caddyfile/parse.go).
func environment(text string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{$")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		inner, after, closed := strings.Cut(rest, "}")
		if !closed {
			b.WriteString("{$" + rest)
			return b.String()
		}
		name, fallback, has := strings.Cut(inner, ":")
		switch {
		case inner == "":
			b.WriteString("{$}")
		case has:
			b.WriteString(fallback)
		default:
			b.WriteString(openVariable + name + closeVariable)
		}
		text = after
	}
}

// tokenise cuts a Caddyfile into words as Caddy does (caddyfile/lexer.go): by white space,
// with "quotes", `backquotes`, heredocs, comments, and lines that a backslash continues. It
// errs on a quote or heredoc that does not end.
func tokenise(s Source) ([]token, error) {
	l := lexer{text: []rune(strings.TrimPrefix(environment(string(s.Data)), "\ufeff")), line: 1, file: s.Name}
	for {
		more, err := l.next()
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", s.Name, l.line, err)
		}
		if !more {
			return l.tokens, nil
		}
	}
}

type lexer struct {
	text   []rune
	at     int
	line   int
	file   string
	joined int // newlines that were escaped: they count once the line ends
	tokens []token
}

// peek gives the rune some way ahead; 0 past the end.
func (l *lexer) peek(ahead int) rune {
	if l.at+ahead >= len(l.text) {
		return 0
	}
	return l.text[l.at+ahead]
}

// next takes one token, and says whether there may be more.
func (l *lexer) next() (bool, error) {
	l.skip()
	if l.at >= len(l.text) {
		return false, nil
	}
	line := l.line
	var text string
	var err error
	quoted, lead := false, 0
	switch c := l.text[l.at]; {
	case c == '"' || c == '`':
		quoted = true
		text, err = l.quotation(c)
	case c == '<' && l.peek(1) == '<' && l.peek(2) != '<' && marker(l.text[l.at+2:]) != "":
		quoted, lead = true, 1
		text, err = l.heredoc(marker(l.text[l.at+2:]))
	default:
		text = l.word()
	}
	l.tokens = append(l.tokens, token{text, l.file, line, quoted, lead})
	return true, err
}

// skip passes white space, comments and escaped newlines.
func (l *lexer) skip() {
	for ; l.at < len(l.text); l.at++ {
		switch c := l.text[l.at]; {
		case c == '\n':
			l.line += 1 + l.joined
			l.joined = 0
		case c == '\\' && l.newlineAt(1) > 0:
			l.at += l.newlineAt(1)
			l.joined++
		case c == '#':
			for l.at+1 < len(l.text) && l.text[l.at+1] != '\n' {
				l.at++
			}
		case !unicode.IsSpace(c):
			return
		}
	}
}

// newlineAt gives how far ahead the end of a line lies that begins there, \n or \r\n; 0 for none.
func (l *lexer) newlineAt(ahead int) int {
	switch {
	case l.peek(ahead) == '\n':
		return ahead
	case l.peek(ahead) == '\r' && l.peek(ahead+1) == '\n':
		return ahead + 1
	}
	return 0
}

// word takes what reaches to the next white space.
func (l *lexer) word() string {
	begin := l.at
	for l.at < len(l.text) && !unicode.IsSpace(l.text[l.at]) {
		if l.text[l.at] == '\\' && l.newlineAt(1) > 0 {
			break
		}
		l.at++
	}
	return string(l.text[begin:l.at])
}

// quotation takes a quoted text. Only a double quote can be escaped, and only inside such.
func (l *lexer) quotation(quote rune) (string, error) {
	var b strings.Builder
	for l.at++; l.at < len(l.text); l.at++ {
		c := l.text[l.at]
		switch {
		case c == quote:
			l.at++
			return b.String(), nil
		case c == '\\' && quote == '"' && l.peek(1) == '"':
			l.at++
			c = '"'
		case c == '\n':
			l.line++
		}
		b.WriteRune(c)
	}
	return "", errors.New("a quote that does not end")
}

// heredoc takes what stands between a line that ends with <<MARKER and the marker.
func (l *lexer) heredoc(name string) (string, error) {
	for l.at < len(l.text) && l.text[l.at] != '\n' {
		l.at++
	}
	end := []rune(name)
	begin := min(l.at+1, len(l.text))
	for l.at = begin; l.at+len(end) <= len(l.text); l.at++ {
		if slices.Equal(l.text[l.at:l.at+len(end)], end) {
			body := string(l.text[begin:l.at])
			l.line += 1 + strings.Count(body, "\n")
			l.at += len(end)
			return body, nil
		}
	}
	return "", errors.New("a heredoc that does not end")
}

// marker gives the name of a heredoc that begins there: letters, digits, _ and - up to the
// line's end; empty where none begins.
func marker(text []rune) string {
	for i, c := range text {
		switch {
		case c == '\n' || c == '\r':
			return string(text[:i])
		case i > 64: // no heredoc's name
			return ""
		case c != '_' && c != '-' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z'):
			return ""
		}
	}
	return ""
}

// bounded keeps foreign text short.
func bounded(s string) string {
	const enough = 120
	if len(s) > enough {
		return strings.ToValidUTF8(s[:enough], "") + "..."
	}
	return s
}

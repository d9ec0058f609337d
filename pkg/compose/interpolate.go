package compose

import (
	"cmp"
	"strings"
)

// unresolved stands for a text that depends on a variable whose value is not known.
const unresolved = "\x00"

// resolution is a text whose variables were resolved.
type resolution struct {
	text string
	// variable is one whose value is not known; the text is then empty.
	variable string
	// private is one whose value was taken from .env; empty where none was.
	private string
}

// interpolate resolves the variables of a scalar as the Compose Specification says
// (12-interpolation.md): $$ is a dollar sign, and a variable has the value that .env gives it,
// else its default, for the shell's environment is not known. One without either makes the
// text unknown, and is named.
func (v variables) interpolate(text string) resolution { return v.substitute(text, 0) }

func (v variables) substitute(text string, depth int) resolution {
	var b strings.Builder
	private := ""
	for i := 0; i < len(text); {
		if text[i] != '$' || i+1 == len(text) {
			b.WriteByte(text[i])
			i++
			continue
		}
		rest := text[i+1:]
		inner, n := rest[:nameLength(rest)], nameLength(rest)
		switch {
		case rest[0] == '{':
			end := closing(rest)
			if end < 0 || depth > maxDepth {
				return resolution{variable: bounded(rest)}
			}
			inner, n = rest[1:end], end+1
		case n == 0:
			b.WriteByte('$')
			if i++; rest[0] == '$' {
				i++
			}
			continue
		}
		got := v.braced(inner, depth)
		if got.variable != "" {
			return got
		}
		b.WriteString(got.text)
		private = cmp.Or(private, got.private)
		i += 1 + n
	}
	return resolution{text: b.String(), private: private}
}

// braced resolves what stands, or could stand, between the braces of ${...}.
func (v variables) braced(inner string, depth int) resolution {
	n := nameLength(inner)
	name, operator := inner[:n], strings.TrimPrefix(inner[n:], ":")
	value, set := v.values[name]
	open := resolution{variable: bounded(name)}
	switch {
	case name == "":
		return resolution{variable: bounded("${" + inner + "}")}
	case v.unread != "":
		open.variable += " (" + v.unread + ")"
		return open
	case value == unresolved || operator == "" && n < len(inner):
		return open
	}
	// With a colon an empty value counts as none.
	present := set && (value != "" || len(operator) == len(inner)-n)
	switch {
	case strings.HasPrefix(operator, "+") && present:
		return v.substitute(operator[1:], depth+1)
	case strings.HasPrefix(operator, "+") && set:
		return resolution{private: name}
	case present && (operator == "" || operator[0] == '-' || operator[0] == '?'):
		return resolution{text: value, private: name}
	case strings.HasPrefix(operator, "-"):
		return v.substitute(operator[1:], depth+1)
	}
	return open
}

// closing gives where the brace that opens the text is closed; -1 where it is not.
func closing(text string) int {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// nameLength gives how much of the text's beginning is the name of a variable.
func nameLength(text string) int {
	for i := range len(text) {
		c := text[i]
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return i
		}
	}
	return len(text)
}

// bounded keeps foreign text short.
func bounded(s string) string {
	const enough = 120
	if len(s) > enough {
		return strings.ToValidUTF8(s[:enough], "") + "..."
	}
	return s
}

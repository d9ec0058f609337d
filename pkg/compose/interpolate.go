package compose

import "strings"

// unresolved stands for a text that depends on a variable whose value is not known.
const unresolved = "\x00"

// interpolate resolves the variables of a scalar as the Compose Specification says
// (12-interpolation.md): $$ is a dollar sign, and a variable with a default is taken for
// its default, for the environment is not known. A variable without one makes the text
// unknown, and is named.
func interpolate(text string) (out, variable string) { return substitute(text, 0) }

func substitute(text string, depth int) (out, variable string) {
	var b strings.Builder
	for i := 0; i < len(text); {
		if text[i] != '$' || i+1 == len(text) {
			b.WriteByte(text[i])
			i++
			continue
		}
		rest := text[i+1:]
		switch {
		case rest[0] == '$':
			b.WriteByte('$')
			i += 2
		case rest[0] == '{':
			end := closing(rest)
			if end < 0 || depth > maxDepth {
				return "", bounded(rest)
			}
			got, open := braced(rest[1:end], depth)
			if open != "" {
				return "", open
			}
			b.WriteString(got)
			i += 2 + end
		case nameLength(rest) > 0:
			return "", bounded(rest[:nameLength(rest)])
		default:
			b.WriteByte('$')
			i++
		}
	}
	return b.String(), ""
}

// braced resolves what stands between the braces of ${...}.
func braced(inner string, depth int) (out, variable string) {
	n := nameLength(inner)
	name, operator := bounded(inner[:n]), strings.TrimPrefix(inner[n:], ":")
	if name == "" {
		return "", bounded("${" + inner + "}")
	}
	if fallback, ok := strings.CutPrefix(operator, "-"); ok {
		return substitute(fallback, depth+1)
	}
	return "", name
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

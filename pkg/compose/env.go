package compose

import (
	"fmt"
	"strings"
	"unicode"
)

// Env is the .env file in a project's folder, from which compose takes the values of
// variables. It holds secrets: of its values only those that the compose file names are
// looked at, and only a Setting that a check goes by ever shows one.
type Env struct {
	// Source is its name and text; empty where there is none.
	Source
	// Unread says why it is there and was not read; no variable is then known.
	Unread string
}

// longestValue bounds, in bytes, what is taken for the value of a setting. No restart policy,
// size or duration is longer; keys and passwords often are.
const longestValue = 32

// variables are the values of the names that a compose file uses.
type variables struct {
	values map[string]string // unresolved where the value is not certain
	unread string
}

// variables reads the file for the sources that use it.
func (e Env) variables(sources []Source) variables {
	used := map[string]bool{composeFile: true}
	for _, s := range sources {
		rest := string(s.Data)
		for found := true; found; {
			if _, rest, found = strings.Cut(rest, "$"); found {
				name := strings.TrimPrefix(rest, "{")
				used[name[:nameLength(name)]] = true
			}
		}
	}
	values, line := parseEnv(string(e.Data), used)
	if line > 0 {
		e.Unread = fmt.Sprintf("%s:%d is no line of such a file", e.Name, line)
	}
	return variables{values, e.Unread}
}

// composeFile is the variable by which .env names the compose files.
const composeFile = "COMPOSE_FILE"

// parseEnv reads the values of some names. The syntax is that of compose-go's dotenv package;
// it gives the line of what that refuses, else 0.
func parseEnv(text string, used map[string]bool) (values map[string]string, line int) {
	values = map[string]string{}
	whole := strings.TrimRightFunc(strings.TrimPrefix(text, "\ufeff"), unicode.IsSpace)
	for rest := whole; rest != ""; {
		rest = strings.TrimLeftFunc(rest, unicode.IsSpace)
		if rest[0] == '#' {
			_, rest, _ = strings.Cut(rest, "\n")
			continue
		}
		name, value, after, ok := assignment(rest)
		if !ok {
			return nil, strings.Count(whole[:len(whole)-len(rest)], "\n") + 1
		}
		if used[name] {
			values[name] = value
		}
		rest = after
	}
	return values, 0
}

// assignment takes NAME=value or NAME: value, with or without export; a NAME alone, whose
// value is the shell's, is unresolved. It fails on what is neither.
func assignment(text string) (name, value, rest string, ok bool) {
	const blank = " \t\v\f\r"
	if after, found := strings.CutPrefix(text, "export"); found && strings.TrimLeft(after, blank) != after {
		text = strings.TrimLeft(after, blank)
	}
	end := strings.IndexAny(text, "=:\n")
	if end < 0 {
		end = len(text)
	}
	if name = strings.TrimSpace(text[:end]); name == "" || strings.ContainsFunc(name, notInName) {
		return "", "", "", false
	}
	if end == len(text) || text[end] == '\n' {
		return name, unresolved, text[end:], true
	}
	value, rest, ok = envValue(strings.TrimLeft(text[end+1:], blank))
	return name, value, rest, ok
}

// notInName tells what a name in .env cannot hold.
func notInName(c rune) bool {
	return !strings.ContainsRune("_.-[]", c) && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
}

// envValue takes one value. What other variables or escapes make of it, what releases of
// compose read differently, and what is too long for a setting is unresolved.
func envValue(text string) (value, rest string, ok bool) {
	special := "$\\#"
	switch {
	case strings.HasPrefix(text, "'"), strings.HasPrefix(text, `"`):
		end := 1
		for end < len(text) && text[end] != text[0] {
			if end++; text[end-1] == '\\' {
				end++
			}
		}
		if end >= len(text) {
			return "", "", false
		}
		value, rest = text[1:end], text[end+1:]
		if special = "$\\"; text[0] == '\'' {
			special = "\\"
		}
	default:
		value, rest, _ = strings.Cut(text, "\n")
		value, _, _ = strings.Cut(value, " #")
		value = strings.TrimSpace(value)
	}
	if strings.ContainsAny(value, special) || len(value) > longestValue {
		value = unresolved
	}
	return value, rest, true
}

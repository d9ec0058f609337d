package host

import (
	"errors"
	"fmt"
	"strings"

	"vmguard/pkg/rootfs"
)

// unitEnvironment gathers what a unit's Environment= and EnvironmentFile= set.
type unitEnvironment struct {
	lines []string // assignments
	files []string // as they are written
}

// set takes in one of the two settings. An empty value takes back what stands before it.
func (e *unitEnvironment) set(name, value string) {
	list, words := &e.files, []string{value}
	if name == "Environment" {
		list, words = &e.lines, splitWords(value)
	}
	if value == "" {
		*list = nil
		return
	}
	*list = append(*list, words...)
}

// read gives the variables' values: the files, in their order, come after Environment=
// (systemd.exec(5)). It errs where what a file sets cannot be told before systemd reads it.
func (e *unitEnvironment) read(tree *rootfs.FS) (map[string]string, error) {
	env := map[string]string{}
	setAll(env, e.lines)
	for _, file := range e.files {
		file = strings.TrimPrefix(file, "-")
		if strings.ContainsAny(file, "*?[%") {
			return nil, fmt.Errorf("EnvironmentFile=%s is a pattern, and what it sets cannot be told", clipped(file))
		}
		data, err := readDropIn(tree, file)
		switch {
		case err != nil:
			return nil, err
		case data == nil && (strings.HasPrefix(file, "/run/") || strings.HasPrefix(file, "/var/run/")):
			return nil, fmt.Errorf("EnvironmentFile=%s is written at boot, and what it sets cannot be told", clipped(file))
		}
		list, err := environment(string(data))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		setAll(env, list)
	}
	return env, nil
}

// environment gives the assignments of an environment file (EnvironmentFile= in
// systemd.exec(5); parse_env_file_internal in systemd's basic/env-file.c): a value goes on
// after a backslash at the end of its line, and within quotation marks. It errs after a
// quotation mark that nothing closes, and of a comment that ends in a backslash: versions
// of systemd differ over whether it goes on.
func environment(text string) ([]string, error) {
	var list []string
	for text = skipBlank(text); text != ""; text = skipBlank(text) {
		line, rest, _ := strings.Cut(text, "\n")
		key, _, ok := strings.Cut(line, "=")
		switch comment := line[0] == '#' || line[0] == ';'; {
		case comment && strings.HasSuffix(line, `\`):
			return nil, errors.New("a comment ends in a backslash, and whether it goes on cannot be told")
		case comment || !ok:
			text = rest
			continue
		}
		value, rest, err := environmentValue(text[len(key)+1:])
		if err != nil {
			return nil, err
		}
		list = append(list, strings.TrimSpace(key)+"="+value)
		text = rest
	}
	return list, nil
}

const blanks = " \t\r"

// environmentValue reads one value, and gives what comes after it.
func environmentValue(text string) (value, rest string, err error) {
	var b strings.Builder
	var quote byte
	bare := false // in a word without quotation marks, in which one stands for itself
	kept := 0     // how much of it cannot be blanks at the end
	i := 0
	for ; i < len(text) && (quote != 0 || text[i] != '\n'); i++ {
		c := text[i]
		switch {
		case c == '\\' && quote != '\'':
			i++
			b.WriteString(escaped(text[min(i, len(text)):min(i+1, len(text))], quote != 0))
			kept = b.Len()
			bare = quote == 0
		case quote != 0 && c == quote:
			quote = 0
			kept = b.Len()
		case quote == 0 && !bare && (c == '"' || c == '\''):
			quote = c
		case quote == 0 && !bare && strings.IndexByte(blanks, c) >= 0:
		default:
			bare = quote == 0
			b.WriteByte(c)
		}
	}
	if quote != 0 {
		return "", "", errors.New("a quotation mark is not closed")
	}
	value = b.String()
	return value[:kept] + strings.TrimRight(value[kept:], blanks), text[i:], nil
}

// escaped gives what a backslash before a character makes of the two. One at the end of a
// line joins it with the next; within quotation marks it stands for itself before most.
func escaped(char string, quoted bool) string {
	switch {
	case char == "\n":
		return ""
	case quoted && !strings.ContainsAny(char, "\"\\`$"):
		return `\` + char
	}
	return char
}

func skipBlank(text string) string { return strings.TrimLeft(text, " \t\r\n") }

func setAll(env map[string]string, assignments []string) {
	for _, a := range assignments {
		if key, value, ok := strings.Cut(a, "="); ok {
			env[key] = value
		}
	}
}

package host

import (
	"errors"
	"io/fs"
	"slices"
	"strings"

	"vmguard/pkg/rootfs"
)

const (
	grubDefaultFile = "/etc/default/grub"
	grubDefaultDir  = "/etc/default/grub.d"
	grubAlways      = "GRUB_CMDLINE_LINUX"
	grubUsually     = "GRUB_CMDLINE_LINUX_DEFAULT" // all entries but that for recovery
)

// parseGrubConfig gives the options of the first kernel that a grub.cfg boots, and their
// line; 0 where it names none, as one that reads the loader's entries.
func parseGrubConfig(data []byte) (options string, line int) {
	for text := range strings.SplitSeq(string(data), "\n") {
		line++
		fields := strings.Fields(text)
		if len(fields) < 2 {
			continue
		}
		switch fields[0] {
		case "linux", "linux16", "linuxefi":
			return strings.Join(fields[2:], " "), line
		}
	}
	return "", 0
}

// parseLoaderEntry gives the options of a Boot Loader Specification entry, and the line of the last of
// them; more than one line of options is one after the other.
func parseLoaderEntry(data []byte) (options string, line int) {
	number := 0
	for text := range strings.SplitSeq(string(data), "\n") {
		number++
		if fields := strings.Fields(text); len(fields) > 1 && fields[0] == "options" {
			options, line = options+" "+strings.Join(fields[1:], " "), number
		}
	}
	return options, line
}

// grubDefault reads the parameters that update-grub, or grub2-mkconfig, would write. It
// errs where there is nothing to read them from, or a shell would have to be asked.
func grubDefault(tree *rootfs.FS) ([]KernelParam, error) {
	data, err := tree.ReadFile(grubDefaultFile, unitFileMost)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errors.New("neither a boot loader's configuration nor " + grubDefaultFile + " says what the kernel is given")
	case err != nil:
		return nil, errors.New(unread(grubDefaultFile, err))
	}
	more, err := dropIns(tree, []string{grubDefaultDir}, ".cfg")
	if err != nil {
		return nil, err
	}
	vars := map[string]shellValue{}
	var params []KernelParam
	for _, f := range append([]dropIn{{grubDefaultFile, data}}, more...) {
		evalShell(string(f.data), vars)
		if vars[grubAlways].unknown || vars[grubUsually].unknown {
			return nil, errors.New(f.path + ": the kernel's parameters cannot be told without running it")
		}
		params = sinceBefore(params, parseCmdline(vars[grubAlways].text+" "+vars[grubUsually].text, f.path, 0))
	}
	return params, nil
}

// sinceBefore gives each parameter the first file after which it was there and stayed.
func sinceBefore(before, now []KernelParam) []KernelParam {
	for i, p := range now {
		j := slices.IndexFunc(before, func(b KernelParam) bool { return b.Name == p.Name && b.Value == p.Value })
		if j >= 0 {
			now[i].File = before[j].File
		}
	}
	return now
}

// mostShellValue bounds a value with others put in, in bytes: twice what any kernel is given.
const mostShellValue = 8 << 10

// shellValue is the value of a shell variable; unknown where only running the script tells it.
type shellValue struct {
	text    string
	unknown bool
}

// evalShell follows the assignments of a shell script (sh(1)) such as /etc/default/grub. It
// runs nothing: a value that needs more than quotes and the values of other variables is
// unknown, and so are the variables that are asked for after a command that names one of them.
func evalShell(script string, vars map[string]shellValue) {
	s := shellScan{text: script, vars: vars}
	depth := 0
	for s.at < len(s.text) {
		start := s.at
		word, end := s.word()
		name, isAssignment := assigned(s.text[start:s.at])
		switch {
		case isAssignment:
			_, word.text, _ = strings.Cut(word.text, "=")
			word.unknown = word.unknown || depth > 0
			vars[name] = word
		case word.text != "" && word.text != "export":
			command := word.text + " " + s.skipLine(end)
			depth += nesting(command)
			for _, v := range []string{grubAlways, grubUsually, dockerOpts} {
				if strings.Contains(command, v) {
					vars[v] = shellValue{unknown: true}
				}
			}
		}
	}
	if s.open {
		vars[grubAlways] = shellValue{unknown: true}
	}
}

// nesting tells how many more conditions and loops a line opens than it closes.
func nesting(line string) int {
	depth := 0
	for word := range strings.FieldsSeq(strings.ReplaceAll(line, ";", " ")) {
		switch word {
		case "if", "case", "for", "while", "until", "{":
			depth++
		case "fi", "esac", "done", "}":
			depth--
		}
	}
	return depth
}

// assigned gives the name that a word of a script assigns to.
func assigned(word string) (string, bool) {
	name, _, ok := strings.Cut(word, "=")
	for i, c := range []byte(name) {
		letter := c == '_' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return "", false
		}
	}
	return name, ok && name != ""
}

// shellScan reads the words of a script.
type shellScan struct {
	text string
	at   int
	vars map[string]shellValue
	// open tells that the script ended within quotes or a command, so that what it says is not known.
	open bool
}

// word reads to the end of a word, evaluated, and what ended it: 0 at the end of the script.
// The separator is passed as well.
func (s *shellScan) word() (shellValue, byte) {
	var (
		value shellValue
		b     strings.Builder
	)
	for s.at < len(s.text) {
		switch c := s.text[s.at]; {
		case c == '\'' || c == '"':
			s.quoted(&value, &b)
		case strings.IndexByte(" \t\n;&|", c) >= 0:
			s.at++
			value.text = b.String()
			return value, c
		case c == '#' && b.Len() == 0:
			s.skipLine(' ')
			return value, '\n'
		default:
			s.char(&value, &b, 0)
		}
	}
	value.text = b.String()
	value.unknown = value.unknown || s.open
	return value, 0
}

// quoted reads what the quote stands around, at whose beginning the scan stands.
func (s *shellScan) quoted(value *shellValue, b *strings.Builder) {
	quote := s.text[s.at]
	s.at++
	for s.at < len(s.text) && s.text[s.at] != quote {
		if quote == '"' {
			s.char(value, b, quote)
			continue
		}
		b.WriteByte(s.text[s.at])
		s.at++
	}
	s.open = s.open || s.at >= len(s.text)
	s.at = min(s.at+1, len(s.text))
}

// char reads a character, or what it stands for.
func (s *shellScan) char(value *shellValue, b *strings.Builder, quote byte) {
	switch c := s.text[s.at]; {
	case c == '\\' && s.at+1 < len(s.text):
		s.at++
		s.escape(b, quote)
	case c == '`' || c == '$':
		text, known := s.expand(c)
		if b.Len()+len(text) > mostShellValue { // variables of variables, which double it line by line
			text, known = "", false
		}
		b.WriteString(text)
		value.unknown = value.unknown || !known
	default:
		b.WriteByte(c)
	}
	s.at++
}

// escape writes the character behind a backslash, at which the scan stands.
func (s *shellScan) escape(b *strings.Builder, quote byte) {
	c := s.text[s.at]
	switch {
	case c == '\n': // the line goes on
	case quote == '"' && !strings.ContainsRune("\"\\$`", rune(c)):
		b.WriteByte('\\')
		b.WriteByte(c)
	default:
		b.WriteByte(c)
	}
}

// expand reads what begins with a dollar sign or a back quote, and leaves the scan at its last
// character. It is known where it is the plain value of a variable.
func (s *shellScan) expand(c byte) (text string, known bool) {
	rest := s.text[s.at+1:]
	if c == '`' {
		s.skip(strings.IndexByte(rest, '`'))
		return "", false
	}
	if strings.HasPrefix(rest, "(") {
		s.skip(closing(rest))
		return "", false
	}
	if inner, ok := strings.CutPrefix(rest, "{"); ok {
		name, _, closed := strings.Cut(inner, "}")
		if !closed {
			s.skip(-1)
			return "", false
		}
		s.at += len(name) + 2
		if _, plain := assigned(name + "="); !plain {
			return "", false
		}
		return s.vars[name].text, !s.vars[name].unknown
	}
	n := 0
	for n < len(rest) {
		if _, ok := assigned(rest[:n+1] + "="); !ok {
			break
		}
		n++
	}
	if n == 0 {
		return "$", true
	}
	s.at += n
	return s.vars[rest[:n]].text, !s.vars[rest[:n]].unknown
}

// skip passes over what ends at an index behind the scan; a negative one says that it does not end.
func (s *shellScan) skip(end int) {
	if end < 0 {
		s.open, s.at = true, len(s.text)-1
		return
	}
	s.at += 1 + end
}

// closing gives the index of the parenthesis that closes the one at the beginning, -1 where none does.
func closing(text string) int {
	depth, quote := 0, byte(0)
	for i := range len(text) {
		switch c := text[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// skipLine gives the rest of a line whose last word was ended by end, and passes it.
func (s *shellScan) skipLine(end byte) string {
	if end == '\n' || end == 0 {
		return ""
	}
	rest, _, _ := strings.Cut(s.text[s.at:], "\n")
	s.at = min(s.at+len(rest)+1, len(s.text))
	return rest
}

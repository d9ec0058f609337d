package compose

import "strings"

// command is one of a script, and what ends it: empty for the last.
type command struct{ text, end string }

// script tells what a shell does with the text after -c.
func script(text string) Kind {
	commands, stays := commandsOf(text)
	if len(commands) == 0 {
		return ShellItself
	}
	nested, conditional := false, false
	for _, c := range commands {
		switch firstWord(c.text) {
		case "trap":
			return ShellTraps
		case "if", "while", "until", "for", "case", "select", "function", "{":
			stays, nested = true, true
		case "exec":
			if !nested && !conditional && c.end != "|" && c.end != "&" && namesProgram(c.text) {
				return Program // whatever follows
			}
		}
		nested = nested || c.end == "("
		conditional = len(c.end) == 2 || c.end == "|"
	}
	last := firstWord(commands[len(commands)-1].text)
	switch {
	case stays:
		return ShellStays
	case last == "exec":
		return Program
	case last == "wait":
		return ShellStays
	case len(commands) > 1, strings.ContainsAny(commands[0].text, "<>"): // bash stays for a redirection
		return ShellSequence
	}
	return ShellSimple
}

// namesProgram tells that an exec names a program, and does not redirect the shell alone.
func namesProgram(text string) bool {
	_, after, _ := strings.Cut(text, "exec")
	words := strings.Fields(after)
	for i := 0; i < len(words); i++ {
		target := strings.TrimLeft(words[i], "0123456789&")
		if target == "" || target[0] != '<' && target[0] != '>' {
			return true
		}
		if strings.Trim(target, "<>&|") == "" {
			i++ // what it redirects to
		}
	}
	return false
}

// commandsOf cuts a script at ;, && and newlines outside quotes. stays tells of what keeps
// any shell at work until its last command ends: a pipe, ||, &, a subshell, a function.
func commandsOf(text string) (commands []command, stays bool) {
	var now strings.Builder
	for i := 0; i < len(text); {
		n := opaque(text[i:])
		if n == 0 {
			var control bool
			n, control = separator(text, i)
			if n > 0 {
				stays = stays || control
				commands = appendCommand(commands, now.String(), text[i:i+n])
				now.Reset()
				i += n
				continue
			}
			n = 1
		}
		now.WriteString(text[i : i+n])
		i += n
	}
	return appendCommand(commands, now.String(), ""), stays
}

func appendCommand(commands []command, text, end string) []command {
	if text = strings.TrimSpace(text); end != "(" && (text == "" || strings.HasPrefix(text, "#")) {
		return commands
	}
	return append(commands, command{text, end})
}

// opaque gives how much at the beginning is quoted, escaped or a command substitution, in
// which nothing separates commands.
func opaque(text string) int {
	switch c := text[0]; {
	case c == '\\':
		return min(2, len(text))
	case c == '$' && len(text) > 1 && text[1] == '(':
		return 1 + substitution(text[1:])
	case c == '\'':
		if end := strings.IndexByte(text[1:], c); end >= 0 {
			return end + 2
		}
		return len(text)
	case c == '"' || c == '`':
		for i := 1; i < len(text); i++ {
			switch text[i] {
			case '\\':
				i++
			case c:
				return i + 1
			}
		}
		return len(text)
	}
	return 0
}

// separator gives the length of what separates commands at a place, 0 where nothing does,
// and whether it is one that keeps the shell at work.
func separator(text string, i int) (length int, control bool) {
	before, after := byte(0), byte(0)
	if i > 0 {
		before = text[i-1]
	}
	if i+1 < len(text) {
		after = text[i+1]
	}
	switch c := text[i]; {
	case c == '&' && after == '&':
		return 2, false
	case c == '|' && after == '|':
		return 2, true
	case c == '&' && (before == '>' || before == '<' || after == '>'): // a redirection
		return 0, false
	case c == '|' || c == '&' || c == '(':
		return 1, true
	case c == ';' || c == '\n':
		return 1, false
	}
	return 0, false
}

// substitution gives the length of a command substitution from its opening parenthesis on.
func substitution(text string) int {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(text)
}

// firstWord gives a command's first word that sets no variable.
func firstWord(command string) string {
	for _, w := range strings.Fields(command) {
		name, _, assigns := strings.Cut(w, "=")
		if !assigns || nameLength(name) != len(name) || name == "" {
			return w
		}
	}
	return ""
}

// split cuts a text into words as a shell would, without expanding anything.
func split(text string) []string {
	var words []string
	var now strings.Builder
	var quote byte
	open := false // a word has begun
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, open = c, true
		case c == '\\' && quote != '\'' && i+1 < len(text):
			i++
			now.WriteByte(text[i])
			open = true
		case quote == 0 && (c == ' ' || c == '\t' || c == '\n' || c == '\r'):
			if open {
				words = append(words, now.String())
			}
			now.Reset()
			open = false
		default:
			now.WriteByte(c)
			open = true
		}
	}
	if open {
		words = append(words, now.String())
	}
	return words
}

package compose

import "strings"

// script tells what a shell does with the text after -c.
func script(text string) Kind {
	commands, stays := commandsOf(text)
	if len(commands) == 0 {
		return ShellItself
	}
	for _, c := range commands {
		switch firstWord(c) {
		case "trap":
			return ShellTraps
		case "if", "while", "until", "for", "case", "select", "function", "{":
			stays = true
		}
	}
	last := firstWord(commands[len(commands)-1])
	switch {
	case stays:
		return ShellStays
	case last == "exec":
		return Program
	case last == "wait":
		return ShellStays
	case len(commands) > 1:
		return ShellSequence
	}
	return ShellSimple
}

// commandsOf cuts a script at ;, && and newlines outside quotes. stays tells of what keeps
// any shell at work until its last command ends: a pipe, ||, &, a subshell, a function.
func commandsOf(text string) (commands []string, stays bool) {
	var now strings.Builder
	cut := func() {
		if c := strings.TrimSpace(now.String()); c != "" && !strings.HasPrefix(c, "#") {
			commands = append(commands, c)
		}
		now.Reset()
	}
	var quote byte
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && quote != '\'' && i+1 < len(text):
			i++
			if text[i] != '\n' {
				now.WriteString(text[i-1 : i+1])
			}
			continue
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"' || c == '`':
			quote = c
		case c == '&' && i+1 < len(text) && text[i+1] == '&':
			i++
			cut()
			continue
		case c == '&' && (i > 0 && (text[i-1] == '>' || text[i-1] == '<') || i+1 < len(text) && text[i+1] == '>'):
		case c == '$' && i+1 < len(text) && text[i+1] == '(':
			quoted := substitution(text[i+1:])
			now.WriteString(text[i : i+1+quoted])
			i += quoted
			continue
		case c == '|' || c == '&' || c == '(':
			stays = true
			cut()
			continue
		case c == ';' || c == '\n':
			cut()
			continue
		}
		now.WriteByte(c)
	}
	cut()
	return commands, stays
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

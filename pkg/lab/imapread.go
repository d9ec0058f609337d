package lab

import (
	"bufio"
	"errors"
	"io"
	"strconv"
	"strings"
)

// maxCommand bounds what is held of a command, with its literals, in bytes. RFC 2683 3.2.1.5 asks for 8 KiB
// of a line at least.
const maxCommand = 64 << 10

// refusal is what answers a command that is not carried out: "NO [CANNOT] This server keeps no mail".
type refusal struct {
	text  string
	final bool // nobody knows where the next command begins
}

func (r refusal) Error() string { return r.text }

func bad(text string) error { return refusal{text: "BAD " + text} }

// tooLong answers what would have to be read to its end to find the next command.
var tooLong = refusal{text: "BAD Too long", final: true}

// command is what a client asks for.
type command struct {
	tag  string // "" where there is none that can be answered to
	name string // in capitals, with UID before it where that was said
	args []token
}

// token is a part of a command's arguments.
type token struct {
	kind kind
	text string
}

type kind int

const (
	word    kind = iota // an atom, or what looks like one: a flag, a sequence set, base64
	str                 // a string: quoted, or a literal
	opening             // of a list
	closing
)

// commandReader reads what a client says.
type commandReader struct {
	in   *bufio.Reader
	left int // bytes that may still be held
}

// read reads a command with its literals (RFC 3501 2.2.1, RFC 7888). Where the client waits to be
// invited before it sends one, invite does so, or refuses the command as it stands until there. Of a command
// that is refused, or that the error is about, what was understood is given too.
func (r *commandReader) read(invite func(command) error) (command, error) {
	line, err := r.line()
	c, rest, wrong := begin(line)
	if err != nil {
		if c.name == "" {
			c.tag = "" // it may go on
		}
		return c, err
	}
	for {
		text, l := cutLiteral(rest)
		var gap bool
		if wrong == nil {
			c.args, gap, wrong = lex(c.args, text)
		}
		switch {
		case !l.is && wrong == nil:
			return c, balanced(c.args)
		case !l.is:
			return c, wrong
		case l.size > r.left && l.waits:
			return c, refusal{text: "NO [TOOBIG] Too long"}
		case wrong == nil && !gap:
			wrong = bad("A space is missing")
		}
		if l.waits && wrong == nil {
			wrong = invite(c)
		}
		if l.waits && wrong != nil {
			return c, wrong
		}
		content, err := r.take(l.size)
		if err != nil {
			return c, err
		}
		c.args = append(c.args, token{str, content})
		if rest, err = r.more(); err != nil {
			return c, err
		}
	}
}

// line reads a line that begins something new, without its end, which may be a bare LF. Of one that is too
// long it gives the beginning.
func (r *commandReader) line() (string, error) {
	r.left = maxCommand
	return r.more()
}

// more reads a line that goes on with what came before.
func (r *commandReader) more() (string, error) {
	var line []byte
	for {
		part, err := r.in.ReadSlice('\n')
		if len(part) > r.left {
			return string(line), tooLong
		}
		r.left -= len(part)
		line = append(line, part...)
		if err == nil {
			text := string(line[:len(line)-1])
			return strings.TrimSuffix(text, "\r"), nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return "", err
		}
	}
}

// take reads a literal.
func (r *commandReader) take(size int) (string, error) {
	if size > r.left {
		return "", tooLong
	}
	r.left -= size
	content := make([]byte, size)
	_, err := io.ReadFull(r.in, content)
	return string(content), err
}

// begin takes tag and name off a command.
func begin(line string) (c command, rest string, err error) {
	tag, rest, found := strings.Cut(line, " ")
	if tag == "" || strings.ContainsFunc(tag, func(c rune) bool { return c > 0x7e || !inWord(byte(c)) || strings.ContainsRune(`%*\+`, c) }) {
		return c, "", bad("There is no tag")
	}
	c.tag = tag
	if !found {
		return c, "", bad("There is no command")
	}
	c.name, rest = cutName(rest)
	if c.name == "UID" {
		var what string
		what, rest = cutName(strings.TrimPrefix(rest, " "))
		c.name += " " + what
	}
	return c, rest, nil
}

// cutName gives a name in capitals, and what follows it, with the space.
func cutName(text string) (name, rest string) {
	end := strings.IndexByte(text, ' ')
	if end < 0 {
		end = len(text)
	}
	return strings.ToUpper(text[:end]), text[end:]
}

// literal announces a literal.
type literal struct {
	is    bool
	size  int
	waits bool // the client waits to be invited
}

// cutLiteral takes the announcement of a literal off a line's end: no string that is quoted goes beyond that.
func cutLiteral(line string) (string, literal) {
	start := strings.LastIndexByte(line, '{')
	if start < 0 || line[len(line)-1] != '}' {
		return line, literal{}
	}
	digits, atOnce := strings.CutSuffix(line[start+1:len(line)-1], "+")
	size, err := strconv.ParseUint(digits, 10, 31)
	if err != nil && len(strings.Trim(digits, "0123456789")) > 0 || digits == "" {
		return line, literal{}
	}
	return line[:start], literal{is: true, size: int(size), waits: !atOnce}
}

// lex appends the tokens of a text to those before it. It tells whether another may follow at once.
func lex(args []token, text string) (all []token, gap bool, err error) {
	for len(text) > 0 {
		length := 1
		switch c := text[0]; {
		case c == ' ':
			gap = true
		case c == ')':
			args, gap = append(args, token{closing, ")"}), true // as in BODY[HEADER.FIELDS (DATE)]
		case !gap:
			return args, gap, bad("A space is missing")
		case c == '(':
			args = append(args, token{opening, "("})
		case c == '"':
			var content string
			if content, length = unquote(text); length == 0 {
				return args, gap, bad("A quoted string does not end, or holds what it cannot")
			}
			args, gap = append(args, token{str, content}), false
		default:
			for length = 0; length < len(text) && inWord(text[length]); {
				length++
			}
			if length == 0 {
				return args, gap, bad("A character is not allowed there")
			}
			args, gap = append(args, token{word, text[:length]}), false
		}
		text = text[length:]
	}
	return args, gap, nil
}

// inWord tells whether a word may hold a character.
func inWord(c byte) bool { return c > ' ' && c < 0x7f && c != '(' && c != ')' && c != '{' && c != '"' }

// unquote reads the quoted string that a text begins with, and gives its length with the quotes; 0 where it is none.
func unquote(text string) (content string, length int) {
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; c {
		case '"':
			return b.String(), i + 1
		case 0, '\r':
			return "", 0
		case '\\':
			i++
			if i == len(text) || text[i] != '"' && text[i] != '\\' {
				return "", 0
			}
		}
		b.WriteByte(text[i])
	}
	return "", 0
}

// balanced errs where a list does not end, or was not begun.
func balanced(args []token) error {
	depth := 0
	for _, t := range args {
		switch t.kind {
		case opening:
			depth++
		case closing:
			depth--
		}
		if depth < 0 {
			break
		}
	}
	if depth != 0 {
		return bad("The parentheses do not match")
	}
	return nil
}

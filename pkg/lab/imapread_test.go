package lab

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

// write says a command as a client would: as words what can be words, the other arguments as quoted strings, as literals
// with an invitation or as literals without one, in turns.
func write(tag, name string, args []string) (text string, invitations int) {
	var b strings.Builder
	b.WriteString(tag + " " + name)
	for i, arg := range args {
		b.WriteByte(' ')
		isWord := arg != "" && strings.IndexFunc(arg, func(c rune) bool { return c > 0x7e || !inWord(byte(c)) }) < 0
		switch {
		case isWord && i%2 == 0:
			b.WriteString(arg)
		case i%3 == 0 && !strings.ContainsAny(arg, "\x00\r\n"):
			b.WriteString(`"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(arg) + `"`)
		case i%3 == 1:
			fmt.Fprintf(&b, "{%d}\r\n%s", len(arg), arg)
			invitations++
		default:
			fmt.Fprintf(&b, "{%d+}\r\n%s", len(arg), arg)
		}
	}
	return b.String() + "\r\n", invitations
}

// FuzzCommand reads what was written, and reads anything: what is held of it is bounded.
func FuzzCommand(f *testing.F) {
	f.Add("LOGIN me x", "me", "a b\"", "", "x\r\ny")
	f.Add("a LOGIN {5}\r\n12345 (\"\\\\\" {1+}\r\nx)\r\n", "{1}", "\\", "(", "\x00")
	f.Add("a UID FETCH 1:* (BODY[HEADER.FIELDS (DATE)]<0.9>)\r\nb NOOP\r\n", "\\Seen", "é", " ", strings.Repeat("x", 5000))
	f.Add(strings.Repeat("a X {30000+}\r\n"+strings.Repeat("y", 30000), 3), strings.Repeat("z", maxCommand), "", "", "")
	f.Fuzz(func(t *testing.T, anything, a, b, c, d string) {
		args := []string{a, b, c, d, a}
		text, invitations := write("x1", "uid cmd", args)
		invited := 0
		invite := func(command) error { invited++; return nil }
		in := commandReader{in: bufio.NewReader(strings.NewReader(text + "y NOOP\r\n"))}
		got, err := in.read(invite)
		var texts []string
		for _, arg := range got.args {
			texts = append(texts, arg.text)
		}
		switch {
		case len(text) > maxCommand:
			if _, refused := errors.AsType[refusal](err); !refused || got.tag != "x1" {
				t.Fatalf("%d bytes: %v", len(text), err)
			}
		case err != nil || got.tag != "x1" || got.name != "UID CMD" || !slices.Equal(texts, args) || invited != invitations:
			t.Fatalf("wrote %q, read %+v, %v with %d invitations", text, got, err, invited)
		default:
			if next, err := in.read(invite); err != nil || next.tag != "y" || next.name != "NOOP" || len(next.args) != 0 {
				t.Fatalf("then %+v, %v", next, err)
			}
		}
		bounded(t, anything)
	})
}

// bounded reads commands to the end of a text.
func bounded(t *testing.T, text string) {
	in := commandReader{in: bufio.NewReader(strings.NewReader(text))}
	for {
		got, err := in.read(func(command) error { return nil })
		held := len(got.tag) + len(got.name)
		for _, arg := range got.args {
			held += len(arg.text)
		}
		if held > maxCommand || in.left < 0 {
			t.Fatalf("%d bytes are held, and %d may still be", held, in.left)
		}
		no, refused := errors.AsType[refusal](err)
		if err != nil && !refused && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatal(err)
		}
		if err != nil && (!refused || no.final) {
			return
		}
	}
}

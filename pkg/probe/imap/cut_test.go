package imap

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"

	"vmguard/pkg/probe"
)

// phases are the ways into each phase: what was said and done before it, and the phase itself.
var phases = map[string]struct {
	before script
	run    func(*Session, *probe.Conn) error
}{
	"greeting":     {"", (*Session).Greet},
	"capabilities": {"S: * OK x\nC: v1 CAPABILITY", (*Session).Greet},
	"login":        {"S: * OK [CAPABILITY X] x\nC: v1 LOGIN \"me\" {2}", greetAndOpen},
	"password":     {"S: * OK [CAPABILITY X] x\nC: v1 LOGIN \"me\" {2}\nS: + go\nC: ñ", greetAndOpen},
	"noop":         {"C: v1 NOOP", (*Session).Nudge},
	"data":         {"C: v1 NOOP\nS: * 1 FETCH (BODY[] {100}\nS: abc", (*Session).Nudge},
	"logout":       {"C: v1 LOGOUT", (*Session).Leave},
	"heard": {"", func(s *Session, c *probe.Conn) error {
		// As the engine waits.
		if _, err := c.Reader().Peek(1); err != nil {
			return err
		}
		_, err := s.Heard(c)
		return err
	}},
}

func greetAndOpen(s *Session, c *probe.Conn) error {
	if err := s.Greet(c); err != nil {
		return err
	}
	return s.Open(c)
}

// TestCut cuts the connection in each phase, between lines and within one.
func TestCut(t *testing.T) {
	for name, phase := range phases {
		for how, c := range map[string]struct {
			end  script
			errs []error
		}{
			"closed":               {"FIN", []error{io.EOF, io.ErrUnexpectedEOF}},
			"closed within a line": {"SEND * OK half a\nFIN", []error{io.EOF, io.ErrUnexpectedEOF}},
			"reset":                {"RST\nFIN", []error{syscall.ECONNRESET}},
		} {
			t.Run(name+" "+how, func(t *testing.T) {
				s := &Session{Login: &Login{User: "me", Secret: NewSecret("ñ")}, AllowClear: true}
				err := phase.run(s, serve(t, phase.before+"\n"+c.end))
				for _, want := range c.errs {
					if errors.Is(err, want) {
						return
					}
				}
				t.Errorf("error %v, want one of %v", err, c.errs)
			})
		}
	}
}

// endless says the same thing for ever.
type endless struct {
	text string
	read int
}

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = e.text[(e.read+i)%len(e.text)]
	}
	e.read += len(p)
	return len(p), nil
}

// TestEndless has a server that does not come to an end; the limits are the Conn's.
func TestEndless(t *testing.T) {
	for name, c := range map[string]struct{ first, text, want string }{
		"no line end":         {"", "x", "a line of more than 16 KiB"},
		"no line end in data": {"* 1 ", "x", "a line of more than 16 KiB"},
		"empty lines":         {"", "\r\n", "more than 1 MiB"},
		"data":                {"", "* 1 EXISTS\r\n", "more than 1 MiB"},
		"literals":            {"", "* X {9}\r\n123456789\r\n", "more than 1 MiB"},
		"one response":        {"* X", " {9}\r\n123456789", "more than 1 MiB"},
		"invitations":         {"", "+ go\r\n", "more than 1 MiB"},
		"other tags":          {"", "x1 OK\r\n", "more than 1 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			source := &endless{text: c.text}
			var s Session
			err := s.Nudge(probe.NewConn(&canned{server: io.MultiReader(strings.NewReader(c.first), source)}, nil))
			saidIs(t, err, probe.SaidStrange, c.want)
			if source.read > 2<<20 {
				t.Errorf("%d bytes were read", source.read)
			}
		})
	}
}

// FuzzPhases has a server that says anything in each phase: the phase ends, what the error says is bounded, and
// the secret is not in it.
func FuzzPhases(f *testing.F) {
	const secret, ready = "hunter-is-2", "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR] x\r\n"
	for _, text := range []string{
		ready + "v1 OK done\r\nv2 OK done\r\n",
		ready + "+ " + b64(secret) + "\r\nv1 NO " + secret + "\r\n",
		ready + "* BYE hunter-is-2\r\n",
		"* PREAUTH x\r\n* 1 FETCH (X {4294967295}\r\n",
		"220 hunter-is-2\r\n",
		"\x15\x03\x01\x00\x02\x02\x28",
		"* OK x {3}\r\n* BYE [LIMIT {5}\r\n12345] x\r\n\xff\xfe\x1b[2J\r\n",
	} {
		for _, m := range append(Mechanisms(), "") {
			f.Add([]byte(text), string(m), true)
		}
		f.Add([]byte(text), "", false)
	}
	f.Fuzz(func(t *testing.T, text []byte, mechanism string, tls bool) {
		for name, run := range map[string]func(*Session, *probe.Conn) error{
			"greet": (*Session).Greet, "open": greetAndOpen, "nudge": (*Session).Nudge, "leave": (*Session).Leave,
			"heard": func(s *Session, c *probe.Conn) error {
				_, _ = c.Reader().Peek(1)
				_, err := s.Heard(c)
				return err
			},
		} {
			s := &Session{
				StartTLS: !tls, Login: &Login{User: "me", Secret: NewSecret(secret), Mechanism: Mechanism(mechanism)}, AllowClear: true,
			}
			conn := &canned{server: bytes.NewReader(text)}
			err := run(s, probe.NewConn(conn, nil))
			if err == nil && name != "heard" && !bytes.Contains(text, []byte("\n")) {
				t.Fatalf("%s: done with half a line %q", name, text)
			}
			if said, ok := errors.AsType[*probe.Said](err); ok && (len(said.Text) > maxText || said.What == "" || said.Text == "") {
				t.Fatalf("%s: %#v", name, said)
			}
			if err != nil && leaks(err.Error(), secret) {
				t.Fatalf("%s: %v", name, err)
			}
			if s.Learned().LoggedIn && !bytes.Contains(bytes.ToUpper(text), []byte("OK")) && !bytes.Contains(bytes.ToUpper(text), []byte("PREAUTH")) {
				t.Fatalf("%s: logged in by %q", name, text)
			}
			if strings.Count(conn.sent.String(), "LOGIN")+strings.Count(conn.sent.String(), "AUTHENTICATE") > 1 {
				t.Fatalf("%s: more than one login: %q", name, conn.sent.String())
			}
		}
	})
}

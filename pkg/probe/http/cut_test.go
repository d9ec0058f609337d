package http

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"vmguard/pkg/probe"
)

// TestCut cuts the connection at each place of an answer.
func TestCut(t *testing.T) {
	for name, before := range map[string]string{
		"nothing":     "",
		"status line": "HTTP/1.1 20",
		"head":        "HTTP/1.1 200 OK\r\nContent-Len",
		"content":     "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
		"chunk size":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"chunk":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
		"trailer":     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
	} {
		for how, c := range map[string]struct {
			reset bool
			errs  []error
		}{"closed": {false, []error{io.EOF, io.ErrUnexpectedEOF}}, "reset": {true, []error{syscall.ECONNRESET}}} {
			for phase, run := range map[string]func(*Client, *probe.Conn) error{"open": (*Client).Open, "nudge": (*Client).Nudge} {
				t.Run(name+" "+how+" "+phase, func(t *testing.T) {
					conn, server := pair(t)
					played := make(chan error, 1)
					go func() { played <- cut(server, before, c.reset) }()
					err := run(&Client{Host: "a"}, conn)
					if err := <-played; err != nil {
						t.Error(err)
					}
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
}

// cut reads a request, answers with what is given, and ends the connection.
func cut(server interface {
	io.ReadWriteCloser
	SetLinger(seconds int) error
}, before string, reset bool) error {
	var request strings.Builder
	for b := make([]byte, 1); !strings.HasSuffix(request.String(), "\r\n\r\n"); {
		if _, err := server.Read(b); err != nil {
			return err
		}
		request.Write(b)
	}
	if _, err := io.WriteString(server, before); err != nil {
		return err
	}
	if reset {
		if err := server.SetLinger(0); err != nil {
			return err
		}
	}
	return server.Close()
}

// counted counts what was read of an endless source.
type counted struct {
	io.Reader
	read int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read += n
	return n, err
}

// FuzzPhases has a server that says anything: the phase ends, reads no more than the limits, and what its
// error says is bounded.
func FuzzPhases(f *testing.F) {
	for _, a := range answers {
		f.Add([]byte(a.text[:min(len(a.text), 1<<10)]), true, 1)
	}
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;xxxxxxxxxxxxxxxxxxxxxxxxx\r\nx\r\n"), false, 1<<16)
	f.Fuzz(func(t *testing.T, text []byte, get bool, times int) {
		method := "HEAD"
		if get {
			method = "GET"
		}
		if times < 1 || times > 1<<22/(len(text)+1) {
			times = 1
		}
		for name, run := range map[string]func(*Client, *probe.Conn) error{
			"open": (*Client).Open, "nudge": (*Client).Nudge,
			"heard": func(h *Client, c *probe.Conn) error {
				_, _ = c.Reader().Peek(1)
				_, err := h.Heard(c)
				return err
			},
		} {
			source := &counted{Reader: bytes.NewReader(bytes.Repeat(text, times))}
			h := &Client{Host: "a", Method: method}
			err := run(h, probe.NewConn(&canned{server: source}, nil))
			// A head of 1 MiB, content of 1 MiB, and what chunks are allowed beside that.
			if name != "heard" && source.read > 6<<20 {
				t.Fatalf("%s: %d bytes were read", name, source.read)
			}
			if err == nil && name != "heard" && !bytes.Contains(text, []byte("HTTP/1.")) {
				t.Fatalf("%s: %q is an answer", name, text)
			}
			if said, ok := errors.AsType[*probe.Said](err); ok && (len(said.Text) > maxText || said.What == "" || said.Text == "") {
				t.Fatalf("%s: %#v", name, said)
			}
			if len(h.FirstStatus()) > maxText {
				t.Fatalf("%s: status %q", name, h.FirstStatus())
			}
			if got := bound(string(text)); len(got) > maxText || utf8.Valid(text) && !utf8.ValidString(got) {
				t.Fatalf("%q is bounded to %q", text, got)
			}
		}
	})
}

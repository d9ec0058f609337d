package imap

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"vmguard/pkg/probe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds a test that hangs; no test waits for it.
const patience = 20 * time.Second

// script is what a server does, a line a step: "S: text" sends a line, "C: text" expects one, "SEND text" sends
// without a line end at the end (\r\n stands for one), "FIN" and "RST" end the connection. At the script's end the server waits for the client's
// end, and nothing more may come.
type script string

// serve runs the script on a loopback connection, and gives the client's end of it.
func serve(t *testing.T, s script) *probe.Conn {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		listener.Close()
		t.Fatal(err)
	}
	server, err := listener.Accept()
	listener.Close()
	if err != nil {
		client.Close()
		t.Fatal(err)
	}
	for _, end := range []net.Conn{client, server} {
		if err := end.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Error(err)
		}
	}
	played := make(chan error, 1)
	go func() {
		defer server.Close()
		played <- s.play(server)
	}()
	t.Cleanup(func() {
		client.Close()
		if err := <-played; err != nil {
			t.Error(err)
		}
	})
	return probe.NewConn(client, nil)
}

func (s script) play(conn net.Conn) error {
	r := bufio.NewReader(conn)
	for step := range strings.Lines(string(s)) {
		step = strings.TrimSpace(step)
		word, text, _ := strings.Cut(step, " ")
		var err error
		switch word {
		case "":
		case "S:":
			_, err = io.WriteString(conn, text+"\r\n")
		case "SEND":
			_, err = io.WriteString(conn, strings.ReplaceAll(text, `\r\n`, "\r\n"))
		case "C:":
			var line string
			line, err = r.ReadString('\n')
			if want := text + "\r\n"; err == nil && line != want {
				err = fmt.Errorf("the client sent %q, want %q", line, want)
			}
		case "FIN":
			return nil
		case "RST":
			if tcp, ok := conn.(*net.TCPConn); ok {
				return tcp.SetLinger(0)
			}
			err = errors.New("no TCP")
		default:
			err = errors.New("unknown")
		}
		if err != nil {
			return fmt.Errorf("step %q: %w", step, err)
		}
	}
	if rest, err := io.ReadAll(r); err != nil || len(rest) > 0 {
		return fmt.Errorf("after the script: %q, %w", rest, err)
	}
	return nil
}

// canned is a connection whose server says all it has to say at once, and hears nothing.
type canned struct {
	net.Conn
	server io.Reader
	sent   strings.Builder
}

func (c *canned) Read(p []byte) (int, error)  { return c.server.Read(p) }
func (c *canned) Write(p []byte) (int, error) { return c.sent.Write(p) }
func (c *canned) Close() error                { return nil }

// says makes a connection of what the server says, and then its end.
func says(text string) (*probe.Conn, *canned) {
	c := &canned{server: strings.NewReader(text)}
	return probe.NewConn(c, nil), c
}

// saidIs checks that an error is what a server said: "" for no error, else the sense and a part of the text.
func saidIs(t *testing.T, err error, what probe.What, part string) {
	t.Helper()
	if what == "" {
		if err != nil {
			t.Errorf("error %v", err)
		}
		return
	}
	said, ok := errors.AsType[*probe.Said](err)
	if !ok || said.What != what || !strings.Contains(said.Text, part) || len(said.Text) > maxText {
		t.Errorf("%#v, want %q with %q in it", err, what, part)
	}
}

package http

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"vmguard/pkg/probe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds a test that hangs; no test waits for it.
const patience = 20 * time.Second

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

// pair makes a loopback connection and gives both ends.
func pair(t *testing.T) (*probe.Conn, *net.TCPConn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	client := dial(t, listener.Addr().String())
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	tcp, ok := server.(*net.TCPConn)
	if !ok {
		t.Fatal("no TCP")
	}
	return client, tcp
}

func dial(t *testing.T, address string) *probe.Conn {
	t.Helper()
	raw, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	if err := raw.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return probe.NewConn(raw, nil)
}

// web runs Go's HTTP server.
func web(t *testing.T, handler http.HandlerFunc) (address string) {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
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

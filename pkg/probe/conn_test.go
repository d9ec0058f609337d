package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

// pair gives a Conn and the server's end of it, over real sockets.
func pair(t *testing.T) (*Conn, *net.TCPConn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.Close()
		server.Close()
	})
	tcp, ok := server.(*net.TCPConn)
	if !ok {
		t.Fatalf("the server's end is a %T", server)
	}
	return NewConn(client, &tls.Config{ServerName: "localhost"}), tcp
}

// sending gives a Conn whose server says something and closes.
func sending(t *testing.T, text string) *Conn {
	t.Helper()
	c, server := pair(t)
	go func() {
		_, _ = io.WriteString(server, text)
		_ = server.CloseWrite()
	}()
	return c
}

func saidStrange(err error) bool {
	said, ok := errors.AsType[*Said](err)
	return ok && said.What == SaidStrange
}

func TestReadLine(t *testing.T) {
	t.Parallel()
	c := sending(t, "one\r\ntwo\nthree\rx\r\n\r\n\x00\xff\nrest")
	for _, want := range []string{"one", "two", "three\rx", "", "\x00\xff"} {
		if got, err := c.ReadLine(); got != want || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	if got, err := c.ReadLine(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("half a line is %q, %v", got, err)
	}
	if _, err := sending(t, "").ReadLine(); !errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
}

func TestReadLineIsBounded(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("x", MaxLine-1)
	if got, err := sending(t, longest+"\n").ReadLine(); got != longest || err != nil {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if _, err := sending(t, longest+"x\n").ReadLine(); !saidStrange(err) {
		t.Errorf("got %v", err)
	}
	if _, err := sending(t, strings.Repeat("x", 1<<20)).ReadLine(); !saidStrange(err) {
		t.Errorf("a megabyte without an end: %v", err)
	}
	c := sending(t, strings.Repeat("line\r\n", 1<<18))
	lines := 0
	var err error
	for err == nil {
		_, err = c.ReadLine()
		lines++
	}
	if most := maxPhase/6 + 1; !saidStrange(err) || lines > most {
		t.Errorf("%d lines, then %v", lines, err)
	}
}

func TestSkip(t *testing.T) {
	t.Parallel()
	c := sending(t, "0123456789abc\r\n")
	if err := c.Skip(10); err != nil {
		t.Fatal(err)
	}
	if got, err := c.ReadLine(); got != "abc" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	for _, n := range []uint64{maxPhase + 1, 1<<32 - 1, 1<<64 - 1} {
		if err := c.Skip(n); !saidStrange(err) {
			t.Errorf("skip %d: %v", n, err)
		}
	}
	if err := c.Skip(1); !errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
}

// TestStartTLSRefusesWhatCameBefore: data that was sent before the handshake is not trusted after it.
func TestStartTLSRefusesWhatCameBefore(t *testing.T) {
	t.Parallel()
	c := sending(t, "OK begin TLS\r\n* CAPABILITY injected\r\n")
	if _, err := c.ReadLine(); err != nil {
		t.Fatal(err)
	}
	for !c.Ready() {
		if _, err := c.Reader().Peek(1); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.StartTLS(); !saidStrange(err) || c.Secure() {
		t.Errorf("got %v", err)
	}
}

func TestStartTLSKeepsTheCause(t *testing.T) {
	t.Parallel()
	c := sending(t, "* OK this is no TLS at all\r\n")
	err := c.StartTLS()
	if _, ok := errors.AsType[tls.RecordHeaderError](err); !ok {
		t.Errorf("got %v", err)
	}
	if _, ok := errors.AsType[*tlsError](err); !ok {
		t.Errorf("got %T", err)
	}
}

func TestAwait(t *testing.T) {
	t.Parallel()
	soon := func() time.Time { return time.Now().Add(20 * time.Millisecond) }
	t.Run("nothing", func(t *testing.T) {
		c, server := pair(t)
		if err := c.await(t.Context(), soon()); !errors.Is(err, errQuiet) {
			t.Errorf("got %v", err)
		}
		if err := c.await(t.Context(), time.Now().Add(-time.Hour)); !errors.Is(err, errQuiet) {
			t.Errorf("got %v", err)
		}
		// And the connection can still be used.
		go func() { _, _ = io.WriteString(server, "late\n") }()
		if err := c.await(t.Context(), time.Now().Add(time.Minute)); err != nil {
			t.Errorf("got %v", err)
		}
		if line, err := c.ReadLine(); line != "late" || err != nil {
			t.Errorf("got %q, %v", line, err)
		}
	})
	t.Run("FIN", func(t *testing.T) {
		c := sending(t, "")
		if err := c.await(t.Context(), time.Now().Add(time.Minute)); !errors.Is(err, io.EOF) || !c.raw.traffic().eof {
			t.Errorf("got %v", err)
		}
	})
	t.Run("RST", func(t *testing.T) {
		c, server := pair(t)
		_ = server.SetLinger(0)
		_ = server.Close()
		if err := c.await(t.Context(), time.Now().Add(time.Minute)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("got %v", err)
		}
		if got := c.raw.traffic().failed; !errors.Is(got, syscall.ECONNRESET) {
			t.Errorf("the socket's own error is lost: %v", got)
		}
	})
	t.Run("interrupted", func(t *testing.T) {
		c, _ := pair(t)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Millisecond, cancel)
		if err := c.await(ctx, time.Now().Add(time.Hour)); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

// TestEndOf keeps the errno through every layer, and tells the engine's own deadline from the kernel's.
func TestEndOf(t *testing.T) {
	t.Parallel()
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx  context.Context
		err  error
		want End
	}{
		"errno":             {t.Context(), &net.OpError{Op: "read", Err: syscall.ECONNRESET}, End{Errno: syscall.ECONNRESET, ErrnoName: "ECONNRESET"}},
		"the kernel's":      {t.Context(), &net.OpError{Op: "read", Err: syscall.ETIMEDOUT}, End{Errno: syscall.ETIMEDOUT, ErrnoName: "ETIMEDOUT"}},
		"a deadline":        {t.Context(), &net.OpError{Op: "read", Err: errDeadline()}, End{Timeout: true}},
		"EOF":               {t.Context(), io.EOF, End{EOF: true}},
		"within a line":     {t.Context(), io.ErrUnexpectedEOF, End{EOF: true}},
		"within TLS":        {t.Context(), &tlsError{io.EOF}, End{EOF: true}},
		"something said":    {t.Context(), &Said{SaidBye, "bye"}, End{Said: &Said{SaidBye, "bye"}}},
		"canceled":          {canceled, context.Canceled, End{Canceled: true}},
		"canceled deadline": {canceled, &net.OpError{Op: "read", Err: errDeadline()}, End{Canceled: true}},
		"reset, canceled":   {canceled, syscall.ECONNRESET, End{Errno: syscall.ECONNRESET, ErrnoName: "ECONNRESET"}},
		"words alone":       {t.Context(), errors.New("odd"), End{}},
	} {
		got := endOf(c.ctx, c.err, nil)
		if got.Text == "" && !got.Canceled {
			t.Errorf("%s: no words", name)
		}
		got.Text = ""
		if got.Said != nil && c.want.Said != nil && *got.Said == *c.want.Said {
			got.Said = c.want.Said
		}
		if got != c.want {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}

// errDeadline is the error of a deadline that has passed.
func errDeadline() error {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	_ = a.SetReadDeadline(time.Unix(1, 0))
	_, err := a.Read(make([]byte, 1))
	return err
}

package docker

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestEngineFaults: whatever is wrong with an engine, both questions end with the
// reason, the cause and a hint.
func TestEngineFaults(t *testing.T) {
	tests := []struct {
		name   string
		set    func(*fakeEngine)
		reason Reason
		cause  error
		says   string
	}{
		{"accepts and never answers", func(f *fakeEngine) { f.answer["/_ping"] = hang }, Timeout, context.DeadlineExceeded, "no complete answer in time"},
		{"hangs after the ping", both(hang), Timeout, context.DeadlineExceeded, "no complete answer in time"},
		{"dies at the ping", func(f *fakeEngine) { f.answer["/_ping"] = dropIt }, CutOff, io.EOF, "broke off"},
		{"dies in mid-answer", both(breakOff(`[{"Id":"ab`)), CutOff, io.ErrUnexpectedEOF, "broke off"},
		{"dies before the answer", both(dropIt), CutOff, io.EOF, "broke off"},
		{"hangs in mid-answer", both(stall(`[{"Id":"ab`)), Timeout, context.DeadlineExceeded, "no complete answer in time"},
		{"empty answer", both(say(200, "")), BadAnswer, errNotEngine, "EOF"},
		{"only new versions", both(say(400, `{"message":"client version 1.51 is too old. Minimum supported API version is 1.60, please upgrade your client to a newer version"}`)),
			APIMismatch, nil, "the engine is too new for this program: client version 1.51 is too old. Minimum supported API version is 1.60"},
		{"only old versions", func(f *fakeEngine) { f.api = "1.12" }, APIMismatch, tooOldError{"1.12"}, "it speaks API 1.12, at least 1.24 is needed"},
		{"nonsense for a version", func(f *fakeEngine) { f.api = "../../etc" }, BadAnswer, errNotEngine, `"../../etc"`},
		{"web server", func(f *fakeEngine) { f.api = ""; f.answer["/_ping"] = page(200) }, BadAnswer, errNotEngine, "web page (HTTP status 200)"},
		{"web server, not found", func(f *fakeEngine) { f.api = ""; f.answer["/_ping"] = page(404) }, BadAnswer, errNotEngine, "web page (HTTP status 404)"},
		{"web page without a type", both(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, "<html>")
		}), BadAnswer, nil, "invalid character '<'"},
		{"other JSON", both(say(200, `"hello"`)), BadAnswer, nil, "cannot unmarshal string"},
		{"endless", both(endless(`{"ID":"`, "x")), BadAnswer, nil, ""},
		{"engine fails", both(say(500, `{"message":"database is locked"}`)), EngineError, nil, ": database is locked"},
		{"engine fails at length", both(say(500, `{"message":"`+strings.Repeat("long ", 10000)+`"}`)), EngineError, nil, "long long ..."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			tt.set(f)
			c := f.client()
			patience := 20 * time.Second
			if tt.reason == Timeout {
				patience = 200 * time.Millisecond
			}
			_, infoErr := c.Info(soon(t, patience))
			_, listErr := c.Containers(soon(t, patience))
			for _, err := range []error{infoErr, listErr} {
				checkFault(t, err, tt.reason, tt.cause, tt.says, "unix://"+f.socket)
			}
		})
	}
}

// both puts one handler in the place of the two main answers.
func both(h http.HandlerFunc) func(*fakeEngine) {
	return func(f *fakeEngine) { f.answer["/info"], f.answer["/containers/json"] = h, h }
}

func checkFault(t *testing.T, err error, reason Reason, cause error, says, host string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v (%T), want an *Error", err, err)
	}
	if e.Reason != reason {
		t.Errorf("reason %s, want %s: %v (%v)", e.Reason, reason, err, e.Err)
	}
	if cause != nil && !errors.Is(err, cause) {
		t.Errorf("the cause %v is lost in %v (%v)", cause, err, e.Err)
	}
	if !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), host) || len(err.Error()) > 600 {
		t.Errorf("says %q, want %q and %q in it", err, says, host)
	}
	if e.Hint() == "" && reason != EngineError && reason != Interrupted {
		t.Error("no hint")
	}
}

func TestNobodyThere(t *testing.T) {
	dir := shortDir(t)
	dead := filepath.Join(dir, "dead")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: dead, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free := tcp.Addr().String()
	if err := tcp.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, host string
		reason     Reason
		cause      error
		says       string
	}{
		{"no socket", "unix://" + dir + "/none", NoSocket, syscall.ENOENT, "does not exist"},
		{"no socket, as fs sees it", "unix://" + dir + "/none", NoSocket, fs.ErrNotExist, "does not exist"},
		{"socket without a listener", "unix://" + dead, Refused, syscall.ECONNREFUSED, "connection refused"},
		{"closed port", "tcp://" + free, Refused, syscall.ECONNREFUSED, "connection refused"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := dialled(t, Endpoint{Host: tt.host})
			_, err := c.Info(soon(t, 10*time.Second))
			checkFault(t, err, tt.reason, tt.cause, tt.says, tt.host)
			_, err = c.Containers(soon(t, 10*time.Second))
			checkFault(t, err, tt.reason, tt.cause, tt.says, tt.host)
		})
	}
}

// TestNoHTTP: a service that answers with something else, as sshd does.
func TestNoHTTP(t *testing.T) {
	l, err := net.Listen("unix", filepath.Join(shortDir(t), "s"))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 4096))
			_, _ = io.WriteString(conn, "SSH-2.0-OpenSSH_9.2p1\r\n")
			_ = conn.Close()
		}
	}()
	defer func() { _ = l.Close(); <-done }()
	c := dialled(t, Endpoint{Host: "unix://" + l.Addr().String()})
	_, err = c.Info(soon(t, 10*time.Second))
	checkFault(t, err, BadAnswer, nil, "malformed HTTP response", l.Addr().String())
}

// TestInterrupted: Ctrl-C ends a question at once, also one that waits for another's ping.
func TestInterrupted(t *testing.T) {
	f := newFake(t)
	pinged := make(chan struct{}, 10)
	f.answer["/_ping"] = func(w http.ResponseWriter, r *http.Request) { pinged <- struct{}{}; hang(w, r) }
	c := f.client()
	ctx, cancel := context.WithCancel(t.Context())
	errs := make(chan error)
	for range 2 {
		go func() { _, err := c.Containers(ctx); errs <- err }()
	}
	<-pinged
	cancel()
	for range 2 {
		checkFault(t, <-errs, Interrupted, context.Canceled, "interrupted", f.socket)
	}
}

// TestInterruptedLater: a question that is given up during the inspects is no answer.
func TestInterruptedLater(t *testing.T) {
	f := newFake(t)
	ctx, cancel := context.WithCancel(t.Context())
	f.prefix["/containers/"] = func(w http.ResponseWriter, r *http.Request) { cancel(); hang(w, r) }
	_, err := f.client().Containers(ctx)
	checkFault(t, err, Interrupted, context.Canceled, "interrupted", f.socket)
}

package probe

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// Limits on what a server may say. A greeting of a megabyte is no greeting.
const (
	// MaxLine is the longest line that ReadLine gives, in bytes.
	MaxLine = 16 << 10
	// maxPhase is how many bytes may come in one phase.
	maxPhase = 1 << 20
)

// Errors of a server that says too much. Both are wrapped in *Said with SaidStrange.
var (
	errLongLine = fmt.Errorf("a line of more than %d KiB", MaxLine>>10)
	errTooMuch  = fmt.Errorf("more than %d MiB in one answer", maxPhase>>20)
)

// Conn is one connection as a Protocol sees it: a stream of bytes with the engine's deadlines and
// limits. It is for one goroutine at a time.
type Conn struct {
	// Memo is what the protocol wants to remember of this connection between its methods.
	Memo any

	raw    *counted
	secure *tls.Conn // nil while TLS is not spoken
	config *tls.Config
	reader *bufio.Reader
	left   int // bytes that may still be read in this phase
}

// NewConn makes a Conn of an open connection. The configuration serves StartTLS; it names the server.
func NewConn(conn net.Conn, config *tls.Config) *Conn {
	now := time.Now()
	c := &Conn{raw: &counted{Conn: conn, log: traffic{heard: now, earlier: now, sending: now}}, config: config, left: maxPhase}
	c.reader = bufio.NewReaderSize(c.raw, 4<<10)
	return c
}

// StartTLS does TLS's handshake. It errs as crypto/tls does, with the cause kept, and with *Said
// when the server has said something between its agreement and the handshake, which nobody can have
// meant to be trusted (CVE-2011-0411).
func (c *Conn) StartTLS() error {
	if c.secure != nil {
		return errors.New("start TLS: it is spoken already")
	}
	if c.reader.Buffered() > 0 {
		return &Said{SaidStrange, "the server sent data before TLS began, which an attacker may have put there"}
	}
	secure := tls.Client(c.raw, c.config)
	// The deadline of the raw connection bounds the handshake.
	if err := secure.HandshakeContext(context.Background()); err != nil {
		return &tlsError{err}
	}
	c.secure = secure
	c.reader = bufio.NewReaderSize(secure, 4<<10)
	return nil
}

// tlsError marks what failed in TLS's handshake.
type tlsError struct{ err error }

func (e *tlsError) Error() string { return "TLS handshake: " + e.err.Error() }
func (e *tlsError) Unwrap() error { return e.err }

// Secure tells whether TLS is spoken.
func (c *Conn) Secure() bool { return c.secure != nil }

// Write writes to the server.
func (c *Conn) Write(p []byte) (int, error) {
	if c.secure != nil {
		return c.secure.Write(p)
	}
	return c.raw.Write(p)
}

// ReadLine reads a line and gives it without its CRLF, or LF. Of a connection that ends within a line it
// gives io.ErrUnexpectedEOF or the cause. A line that is too long, or too much in one phase, is *Said.
func (c *Conn) ReadLine() (string, error) {
	var line []byte
	for {
		part, err := c.reader.ReadSlice('\n')
		if c.left -= len(part); c.left < 0 {
			return "", &Said{SaidStrange, errTooMuch.Error()}
		}
		if len(line)+len(part) > MaxLine {
			return "", &Said{SaidStrange, errLongLine.Error()}
		}
		line = append(line, part...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if errors.Is(err, io.EOF) && len(line) > 0 {
			return "", io.ErrUnexpectedEOF
		}
		if err != nil {
			return "", err
		}
		line = line[:len(line)-1]
		if n := len(line); n > 0 && line[n-1] == '\r' {
			line = line[:n-1]
		}
		return string(line), nil
	}
}

// Skip reads n bytes and forgets them, such as an IMAP literal.
func (c *Conn) Skip(n uint64) error {
	if n > uint64(max(c.left, 0)) {
		return &Said{SaidStrange, errTooMuch.Error()}
	}
	c.left -= int(n)
	_, err := c.reader.Discard(int(n))
	return err
}

// Reader gives the stream for a protocol with a parser of its own, which then bounds what it reads itself.
func (c *Conn) Reader() *bufio.Reader { return c.reader }

// Ready tells whether something can be read without waiting.
func (c *Conn) Ready() bool { return c.reader.Buffered() > 0 }

// within runs one phase, bounded by ctx and, where it is not 0, by a time limit.
func (c *Conn) within(ctx context.Context, limit time.Duration, phase func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.left = maxPhase
	var deadline time.Time
	if limit > 0 {
		deadline = time.Now().Add(limit)
	}
	if err := c.raw.SetDeadline(deadline); err != nil {
		return err
	}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		_ = c.raw.SetDeadline(time.Unix(1, 0))
	})
	err := phase()
	if stop() {
		return err
	}
	<-ended // so that it cannot undo the deadline of a leave-taking that follows
	if err != nil {
		return ctx.Err()
	}
	return nil
}

// await waits until something comes, or the connection ends, or the time has come. It gives
// errQuiet in the last case.
func (c *Conn) await(ctx context.Context, until time.Time) error {
	err := c.within(ctx, time.Until(until), func() error {
		if c.reader.Buffered() == 0 && !time.Now().Before(until) {
			return errQuiet
		}
		_, err := c.reader.Peek(1)
		return err
	})
	if isTimeout(err) {
		return errQuiet
	}
	return err
}

// errQuiet says that nothing came.
var errQuiet = errors.New("nothing came")

// Close closes the connection without any leave-taking.
func (c *Conn) Close() error { return c.raw.Close() }

// isTimeout tells the engine's own deadlines. The kernel's ETIMEDOUT is another matter: it gave up.
func isTimeout(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)
}

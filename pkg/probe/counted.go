package probe

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// counted is a connection that remembers what passed and when, and the first thing that went wrong:
// layers above may turn an RST or a bare FIN into errors of their own.
type counted struct {
	net.Conn

	mu  sync.Mutex
	log traffic
}

// traffic is what passed through a connection.
type traffic struct {
	in, out uint64    // bytes
	heard   time.Time // when bytes were last received, or the connection was open
	earlier time.Time // the same of those before them that did not come together with them
	sending time.Time // just before bytes were last sent, or the connection was dialled
	eof     bool      // the other side's FIN was read
	failed  error     // the first error of reading or writing that is no timeout
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	if n > 0 {
		c.log.in += uint64(n)
		c.log.hear(time.Now())
	}
	c.note(err)
	return n, err
}

func (c *counted) Write(p []byte) (int, error) {
	before := time.Now()
	n, err := c.Conn.Write(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	if n > 0 {
		c.log.out += uint64(n)
		c.log.sending = before
	}
	c.note(err)
	return n, err
}

// together is how near to each other the bytes of one matter come.
const together = 50 * time.Millisecond

func (t *traffic) hear(now time.Time) {
	if now.Sub(t.heard) > together {
		t.earlier = t.heard
	}
	t.heard = now
}

// quietBefore is for how long nothing had been heard before an end, to which the last bytes may belong: a farewell, TLS's close_notify.
func (t *traffic) quietBefore(end time.Time) time.Duration {
	if end.Sub(t.heard) > together {
		return end.Sub(t.heard)
	}
	return end.Sub(t.earlier)
}

func (c *counted) note(err error) {
	switch {
	case errors.Is(err, io.EOF):
		c.log.eof = true
	case err != nil && !isTimeout(err) && c.log.failed == nil:
		c.log.failed = err
	}
}

// traffic gives a copy of what is remembered.
func (c *counted) traffic() traffic {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.log
}

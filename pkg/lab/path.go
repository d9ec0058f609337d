package lab

import (
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// conn is a connection as the server sees it, with the path between them: what is read and written
// passes a box that keeps the time.
//
// The connection counts as idle from just before the path forwards bytes, in either direction, to
// just after it has read the next ones. It survives if and only if that is less than the limit,
// however late the timer fires.
type conn struct {
	net.Conn
	tcp    *net.TCPConn // the same, for what a net.Conn cannot do
	lab    *Lab
	number int
	peer   netip.AddrPort
	done   chan struct{} // closed when it is over

	session *session // the server's side, set before the time runs

	mu      sync.Mutex
	timer   *time.Timer
	armed   bool      // the timer runs, or its function has not begun
	last    time.Time // when bytes were last forwarded or keepalive was seen; with a limit on age, the beginning
	expired bool
	idle    time.Duration // at expiry
	over    bool          // the socket is closed, or about to be
	cut     bool          // reading ended before the path ended the connection: the client went away

	looked   time.Time // just before the segments were counted
	segments segments
}

func newConn(l *Lab, socket *net.TCPConn, number int) *conn {
	now := time.Now()
	return &conn{
		Conn: socket, tcp: socket, lab: l, number: number, peer: addrPort(socket.RemoteAddr()),
		done: make(chan struct{}), last: now, looked: now,
	}
}

// start lets the time run.
func (c *conn) start() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = time.Now()
	if c.lab.scenario.limit != nothing {
		c.arm(c.lab.options.Idle, c.onTimer)
	}
}

// arm sets the timer; c.mu must be held. The lab waits for its function, which clears armed first.
func (c *conn) arm(d time.Duration, f func()) {
	if c.over || c.armed {
		return
	}
	c.armed = true
	c.lab.wait.Add(1)
	c.timer = time.AfterFunc(d, f)
}

// onTimer is the timer's function for the limit.
func (c *conn) onTimer() {
	defer c.lab.wait.Done()
	c.mu.Lock()
	c.armed = false
	if c.over {
		c.mu.Unlock()
		return
	}
	if !c.expired && !c.expire(time.Now()) {
		c.arm(c.lab.options.Idle-time.Since(c.last), c.onTimer)
		c.mu.Unlock()
		return
	}
	c.mu.Unlock()
	c.strike()
}

// expire tells whether the limit is reached, and notes it; c.mu must be held.
func (c *conn) expire(now time.Time) bool {
	if c.lab.scenario.limit == nothing || now.Sub(c.last) < c.lab.options.Idle {
		return false
	}
	if c.lab.scenario.keepalive {
		c.look()
	}
	c.idle = now.Sub(c.last)
	c.expired = c.idle >= c.lab.options.Idle
	return c.expired
}

// passes notes that bytes are at the path now, and tells whether it forwards them as it should.
func (c *conn) passes(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.expired {
		return false
	}
	if c.expire(now) {
		// The timer is late. Its function strikes, now; the caller may hold locks of the server's.
		if c.armed && c.timer.Stop() {
			c.timer.Reset(0)
		}
		return false
	}
	if !c.lab.scenario.byAge && now.After(c.last) {
		c.last = now
	}
	return true
}

// Read gives the server what the client sent, as far as the path lets it through.
func (c *conn) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		if err != nil {
			c.mu.Lock()
			c.cut = c.cut || !c.over
			c.mu.Unlock()
			return n, err
		}
		if n == 0 || c.passes(time.Now()) || c.late(n) {
			return n, nil
		}
	}
}

// late treats bytes that came after the limit. It tells whether the server gets them after all.
func (c *conn) late(n int) bool {
	switch c.lab.scenario.limit {
	case resetOnUse:
		c.reset()
		c.lab.tell(c, "used after the limit: reset sent")
	case stall:
		return c.stalled(n)
	case closeHalf:
		c.lab.tell(c, fmt.Sprintf("%d bytes taken after the close", n))
	}
	return false
}

// stalled waits as long as slow-server is slow. It tells whether an answer may follow.
func (c *conn) stalled(n int) bool {
	delay := c.lab.options.Delay
	if delay == 0 {
		c.lab.tell(c, fmt.Sprintf("%d bytes taken, and never answered", n))
		return false
	}
	c.lab.tell(c, fmt.Sprintf("%d bytes taken, to be answered in %s", n, seconds(delay)))
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.done:
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expired, c.last = false, time.Now()
	c.arm(c.lab.options.Idle, c.onTimer)
	return true
}

// Write sends the client what the server says, as far as the path lets it through. What it does not
// let through vanishes: the server learns of it as late as a server does.
func (c *conn) Write(p []byte) (int, error) {
	if !c.passes(time.Now()) && !c.farewell() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

// farewell tells whether the limit makes the server itself say something.
func (c *conn) farewell() bool {
	return c.lab.scenario.limit == bye || c.lab.scenario.limit == closeNotify
}

// Close closes the connection with a FIN.
func (c *conn) Close() error {
	if !c.end() {
		return nil
	}
	// What the client has sent and nobody reads would make close(2) alone send an RST (RFC 2525, 2.17).
	_ = c.tcp.CloseWrite()
	return c.tcp.Close()
}

// reset closes the connection with an RST.
func (c *conn) reset() {
	if c.end() {
		_ = c.tcp.SetLinger(0)
		_ = c.tcp.Close()
	}
}

// end marks the connection as over. It tells whether the caller is to close the socket.
func (c *conn) end() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return false
	}
	c.over = true
	close(c.done)
	if c.armed && c.timer.Stop() {
		c.lab.wait.Done()
	}
	c.lab.forget(c)
	return true
}

func seconds(d time.Duration) string {
	return fmt.Sprintf("%g s", d.Round(10*time.Millisecond).Seconds())
}

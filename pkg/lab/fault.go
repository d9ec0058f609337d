package lab

import (
	"crypto/tls"
	"time"
)

// byeWithin is how long the client may take to let the server say farewell.
const byeWithin = 2 * time.Second

// strike does to the connection what the scenario does at the limit. It runs in the timer's goroutine.
func (c *conn) strike() {
	at := "idle " + seconds(c.idle) + ": "
	if c.lab.scenario.byAge {
		at = seconds(c.idle) + " old: "
	}
	tell := func(text string) { c.lab.tell(c, at+text) }
	switch c.lab.scenario.limit {
	case reset:
		c.reset()
		tell("reset sent")
	case closeBoth:
		_ = c.Close()
		tell("closed")
	case closeHalf:
		_ = c.tcp.CloseWrite()
		tell("closed towards the client")
	case closeNotify:
		tell(c.endTLS())
	case bye:
		tell(c.sayBye())
	case resetOnUse:
		tell("forgotten")
	case blackHole:
		if err := dropAll(c.tcp); err != nil {
			tell("nothing can be dropped: " + err.Error())
			return
		}
		tell("nothing comes through any more")
	case stall:
		tell("what comes now is answered late, or never")
	case outage:
		_ = c.lab.goDown()
		tell("the server is gone, with all connections")
	}
}

// sayBye lets the server say farewell and close, by TLS where that is spoken. It says what was done.
func (c *conn) sayBye() string {
	closeNow := c.closeSoon()
	defer closeNow()
	if c.session.bye("Disconnected for inactivity.") == nil {
		return "BYE sent, closed"
	}
	return "closed, and no BYE could be sent"
}

// endTLS lets the server end TLS and close. It says what was done.
func (c *conn) endTLS() string {
	closeNow := c.closeSoon()
	defer closeNow()
	// Close alone leaves the close_notify out where the server's last Write has not yet returned.
	if secure, ok := c.session.netConn().(*tls.Conn); ok && secure.CloseWrite() == nil {
		return "close_notify sent, closed"
	}
	return "closed before TLS was spoken"
}

// closeSoon closes the connection when byeWithin is over, or when the function that it gives is
// called: the server's side waits for a handshake that is going on.
func (c *conn) closeSoon() (closeNow func()) {
	timer := time.AfterFunc(byeWithin, func() { _ = c.Close() })
	return func() {
		timer.Stop()
		_ = c.Close()
	}
}

package lab

import (
	"bufio"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// session is the server's side of one connection.
type session struct {
	lab   *Lab
	conn  *conn
	taken bool // it holds a slot

	mu  sync.Mutex
	net net.Conn // conn, or TLS on it

	writing sync.Mutex // held while something is written, and while TLS takes over
}

func newSession(c *conn) *session {
	s := &session{lab: c.lab, conn: c, net: c}
	if c.lab.options.TLS == ImplicitTLS {
		s.net = tls.Server(c, c.lab.identity.config)
	}
	return s
}

// serve speaks with the client until one of them has had enough.
func (s *session) serve() {
	mode := s.lab.options.TLS
	d := dialogue{
		in: commandReader{in: bufio.NewReader(s.net)}, say: s.say, login: s.login, startTLS: s.startTLS,
		mode: mode, secure: mode == ImplicitTLS,
	}
	_ = d.serve() // howEnded finds out who ended it
	s.end()
	_ = s.netConn().Close()
}

// netConn is what is spoken over.
func (s *session) netConn() net.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.net
}

// say sends lines as a whole, so that what is said unasked does not get into their midst.
func (s *session) say(text string) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	_, err := io.WriteString(s.netConn(), text)
	return err
}

// bye says farewell, and closes.
func (s *session) bye(text string) error {
	err := s.say("* BYE " + text + "\r\n")
	return errors.Join(err, s.netConn().Close())
}

// startTLS says that TLS may begin, and has all speak it from then on.
func (s *session) startTLS(answer string) (io.Reader, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	if _, err := io.WriteString(s.conn, answer); err != nil {
		return nil, err
	}
	secure := tls.Server(s.conn, s.lab.identity.config)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.net = secure
	return secure, nil
}

// login checks the credentials, whether they come by LOGIN or by AUTHENTICATE PLAIN.
func (s *session) login(user, password string) error {
	wrong := refusal{text: "NO [AUTHENTICATIONFAILED] Authentication failed"}
	same := func(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
	if s.lab.scenario.refuse {
		s.lab.tell(s.conn, "login refused, as any would be")
		return wrong
	}
	if !same(user, s.lab.options.User) || !same(password, s.lab.options.Password) {
		s.lab.tell(s.conn, "login refused: wrong user or password")
		return wrong
	}
	if s.lab.slots != nil {
		if !s.lab.slots.take(s.conn.peer.Addr(), time.Now()) {
			s.lab.tell(s.conn, "login refused: too many sessions")
			return refusal{text: "NO [UNAVAILABLE] Maximum number of connections from user+IP exceeded"}
		}
		s.taken = true
	}
	s.lab.tell(s.conn, "logged in")
	if s.lab.scenario.push {
		s.conn.startPush()
	}
	return nil
}

// end does what is to be done when the server is done with the connection, which is still open.
func (s *session) end() {
	cut, ours := s.conn.howEnded()
	if s.taken {
		s.lab.slots.leave(s.conn.peer.Addr(), cut, time.Now())
	}
	switch {
	case ours: // what the path did to it has been told
	case cut && s.taken:
		s.lab.tell(s.conn, "ended without LOGOUT: counted for "+seconds(s.lab.options.GhostFor)+" more")
	case cut:
		s.lab.tell(s.conn, "ended without LOGOUT")
	default:
		s.lab.tell(s.conn, "ended")
	}
}

// howEnded tells whether the client ended the connection without LOGOUT, and whether the path ended it.
// After a LOGOUT the server reads no further.
func (c *conn) howEnded() (cut, ours bool) {
	c.mu.Lock()
	cut, ours = c.cut, c.over
	c.mu.Unlock()
	if secure, ok := c.session.netConn().(*tls.Conn); ok && !cut && !ours {
		// TLS's close_notify ends what the server reads before anything fails below. TLS remembers it:
		// where it did not come, this reading ends at the deadline.
		_ = c.tcp.SetReadDeadline(time.Unix(1, 0))
		_, err := secure.Read(make([]byte, 1))
		cut = errors.Is(err, io.EOF)
	}
	return cut, ours
}

// startPush lets the server speak from now on.
func (c *conn) startPush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.arm(c.lab.options.PushEvery, c.onPush)
}

// onPush is the timer's function for speaking.
func (c *conn) onPush() {
	defer c.lab.wait.Done()
	c.mu.Lock()
	c.armed = false
	over := c.over
	c.mu.Unlock()
	if over || c.session.say("* OK Still here\r\n") != nil {
		return
	}
	c.lab.tell(c, "spoke unasked")
	c.startPush()
}

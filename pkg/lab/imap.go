package lab

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
)

// newServer makes the IMAP server: one user with an empty INBOX.
func newServer(l *Lab) *imapserver.Server {
	options := imapserver.Options{
		NewSession: func(server *imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			c, err := pathOf(server)
			if err != nil {
				return nil, nil, err
			}
			c.sessionBegun(server)
			return &session{mailbox: mailbox{l.options.User, l.options.Password}, lab: l, conn: c}, nil, nil
		},
		// It logs what clients do wrong, with parts of what they said.
		Logger:       log.New(io.Discard, "", 0),
		InsecureAuth: l.options.TLS == Plain,
	}
	if l.options.TLS == StartTLS {
		options.TLSConfig = l.identity.config
	}
	return imapserver.New(&options)
}

// pathOf gives the path's side of the server's connection, which lies below TLS.
func pathOf(server *imapserver.Conn) (*conn, error) {
	below := server.NetConn()
	if secure, ok := below.(*tls.Conn); ok {
		below = secure.NetConn()
	}
	c, ok := below.(*conn)
	if !ok {
		return nil, fmt.Errorf("serve %T: it did not come by the path", below)
	}
	return c, nil
}

// session is what go-imap's server asks about one connection.
type session struct {
	mailbox
	lab   *Lab
	conn  *conn
	taken bool // it holds a slot
}

// Login checks the credentials, whether they come by LOGIN or by AUTHENTICATE PLAIN.
func (s *session) Login(user, password string) error {
	if s.lab.scenario.refuse {
		s.lab.tell(s.conn, "login refused, as any would be")
		return imapserver.ErrAuthFailed
	}
	if err := s.mailbox.Login(user, password); err != nil {
		s.lab.tell(s.conn, "login refused: wrong user or password")
		return err
	}
	if s.lab.slots != nil {
		if !s.lab.slots.take(s.conn.peer.Addr(), time.Now()) {
			s.lab.tell(s.conn, "login refused: too many sessions")
			return &imap.Error{
				Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodeUnavailable,
				Text: "Maximum number of connections from user+IP exceeded",
			}
		}
		s.taken = true
	}
	s.lab.tell(s.conn, "logged in")
	if s.lab.scenario.push {
		s.conn.startPush()
	}
	return nil
}

// Close is called once, when the server is done with the connection.
func (s *session) Close() error {
	defer s.lab.wait.Done()
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
	return s.mailbox.Close()
}

// howEnded tells whether the client ended the connection without LOGOUT, and whether the path ended it.
// Nobody knows of a LOGOUT but the server, which then reads no further.
func (c *conn) howEnded() (cut, ours bool) {
	c.mu.Lock()
	cut, ours = c.cut, c.over
	server := c.server
	c.mu.Unlock()
	if secure, ok := server.NetConn().(*tls.Conn); ok && !cut && !ours {
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

// onPush is the timer's function for speaking. A line that is written as a whole does not get into the
// midst of the server's own, as long as those are shorter than its buffer of 4 KiB.
func (c *conn) onPush() {
	defer c.lab.wait.Done()
	c.mu.Lock()
	c.armed = false
	server, over := c.server, c.over
	c.mu.Unlock()
	if over || server == nil {
		return
	}
	if _, err := server.NetConn().Write([]byte("* OK Still here\r\n")); err != nil {
		return
	}
	c.lab.tell(c, "spoke unasked")
	c.startPush()
}

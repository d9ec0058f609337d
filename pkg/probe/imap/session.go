// Package imap speaks the few words of IMAP (RFC 9051, RFC 3501) that a probe needs: the greeting, STARTTLS,
// a login, NOOP and LOGOUT. It says what the server said, and never what that means for the connection's path.
package imap

import (
	"cmp"
	"sync"
	"sync/atomic"

	"vmguard/pkg/probe"
)

// Session is IMAP as a probe.Protocol. Its exported fields are set before its first use; after that it may
// serve any number of connections at the same time.
type Session struct {
	// StartTLS asks for TLS by the STARTTLS command, on a connection that began in the clear.
	StartTLS bool
	// Login is who logs in; nil for nobody.
	Login *Login
	// AllowClear lets the secret go over a connection without TLS.
	AllowClear bool

	tags atomic.Uint64

	mu      sync.Mutex
	learned Learned
}

// greeted is what Open needs to know from Greet.
type greeted struct {
	preAuth bool
	caps    capabilities
}

// Learned is what the server told of itself: facts for a reader.
type Learned struct {
	// Greeting is the text of the first greeting: foreign and bounded.
	Greeting string `json:"greeting,omitempty"`
	// Capabilities are those that a server announced last, in capitals; nil where it was not asked and did not say.
	Capabilities []string `json:"capabilities,omitempty"`
	// PreAuth tells that a connection was greeted as logged in already.
	PreAuth bool `json:"preAuth,omitempty"`
	// LoggedIn tells that a connection was logged in, or greeted so.
	LoggedIn bool `json:"loggedIn"`
	// Mechanism is how it logged in; "" where it did not.
	Mechanism Mechanism `json:"mechanism,omitempty"`
}

// Learned gives what all connections together have learned so far.
func (s *Session) Learned() Learned {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.learned
}

// Name is "IMAP".
func (s *Session) Name() string { return "IMAP" }

// Request is "NOOP", which is valid in every state (RFC 9051 6.1.2).
func (s *Session) Request() string { return "NOOP" }

// Greet reads the greeting and, where they are asked for, the capabilities, and starts TLS. It gives *probe.Said
// where the server takes leave at once, is no IMAP server, or does not start TLS.
func (s *Session) Greet(c *probe.Conn) error {
	d := s.on(c)
	if err := d.greeting(); err != nil {
		return err
	}
	if s.StartTLS {
		if err := d.startTLS(); err != nil {
			return err
		}
	}
	if s.Login == nil {
		return nil
	}
	if !d.preAuth {
		if err := d.needCapabilities(); err != nil {
			return err
		}
	}
	c.Memo = d.greeted
	return nil
}

// Open logs in once, if there is a Login and the greeting was no PREAUTH. It gives *probe.Said where the server
// refuses, and where the login would be unsafe or impossible; then nothing secret has been sent.
func (s *Session) Open(c *probe.Conn) error {
	known, _ := c.Memo.(greeted) // nothing is known of one that was not greeted
	if s.Login == nil || known.preAuth {
		return nil
	}
	if !c.Secure() && !s.AllowClear {
		return s.said(probe.SaidUnfit, "the connection is not encrypted, and a secret is not sent in the clear unasked", "")
	}
	d := s.on(c)
	d.greeted = known
	return d.logIn()
}

// Nudge sends NOOP and reads its answer. Any answer shows that the path is alive; *probe.Said is given for a
// farewell, and for an answer that the server serves no more connections.
func (s *Session) Nudge(c *probe.Conn) error {
	d := s.on(c)
	tag, err := d.command("NOOP")
	if err != nil {
		return err
	}
	r, err := d.answer(tag, false)
	switch {
	case err != nil:
		return err
	case r.status == bye:
		return s.said(probe.SaidBye, "", r.words())
	case r.status != ok && crowded(r):
		return s.said(probe.SaidTooMany, "", r.words())
	}
	return nil
}

// Heard reads what the server has begun to say. It gives *probe.Said with SaidBye for a farewell, and does not
// wait for the end of the connection that follows one.
func (s *Session) Heard(c *probe.Conn) (text string, err error) {
	d := s.on(c)
	for c.Ready() {
		r, err := d.read()
		if err != nil {
			return text, err
		}
		text = cmp.Or(text, bound(s.redacted(cmp.Or(r.words(), r.line))))
		if r.untagged() && r.status == bye {
			return text, s.said(probe.SaidBye, "", r.words())
		}
	}
	return text, nil
}

// Leave sends LOGOUT and reads until the server has taken leave too.
func (s *Session) Leave(c *probe.Conn) error {
	d := s.on(c)
	tag, err := d.command("LOGOUT")
	if err != nil {
		return err
	}
	_, err = d.answer(tag, false)
	return err
}

// on begins a phase on a connection.
func (s *Session) on(c *probe.Conn) *dialogue { return &dialogue{conn: c, session: s} }

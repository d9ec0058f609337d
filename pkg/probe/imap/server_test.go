package imap

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"

	"vmguard/pkg/probe"
)

// certificates gives TLS's settings of a server, and of a client that trusts it.
func certificates(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return &tls.Config{Certificates: s.TLS.Certificates, MinVersion: tls.VersionTLS12},
		&tls.Config{RootCAs: roots, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12}
}

// mailServer runs go-imap's server, which knows the user "me" with the password "sesame", and gives a
// way to connect to it.
func mailServer(t *testing.T, implicit, bare, preAuth bool) (connect func() *probe.Conn) {
	t.Helper()
	serverTLS, clientTLS := certificates(t)
	memory := imapmemserver.New()
	user := imapmemserver.NewUser("me", "sesame")
	memory.AddUser(user)
	server := imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			if preAuth {
				return imapmemserver.NewUserSession(user), &imapserver.GreetingData{PreAuth: true}, nil
			}
			return memory.NewSession(), nil, nil
		},
		TLSConfig: serverTLS, InsecureAuth: bare, Logger: log.New(io.Discard, "", 0),
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if implicit {
		listener = tls.NewListener(listener, serverTLS)
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() {
		_ = server.Close()
		listener.Close()
		serving.Wait()
	})
	return func() *probe.Conn {
		raw, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { raw.Close() })
		if err := raw.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		conn := probe.NewConn(raw, clientTLS)
		if implicit {
			if err := conn.StartTLS(); err != nil {
				t.Fatal(err)
			}
		}
		return conn
	}
}

func TestRealServer(t *testing.T) {
	for name, c := range map[string]struct {
		implicit, bare, preAuth bool // of the server
		session                 *Session
		password                string
		what                    probe.What
		learned                 Mechanism
	}{
		"TLS":              {implicit: true, session: &Session{}, password: "sesame", learned: MechanismPlain},
		"LOGIN":            {implicit: true, session: &Session{Login: &Login{Mechanism: MechanismLogin}}, password: "sesame", learned: MechanismLogin},
		"STARTTLS":         {session: &Session{StartTLS: true}, password: "sesame", learned: MechanismPlain},
		"STARTTLS, forced": {session: &Session{StartTLS: true, Login: &Login{Mechanism: MechanismLogin}}, password: "sesame", learned: MechanismLogin},
		"in the clear":     {bare: true, session: &Session{AllowClear: true}, password: "sesame", learned: MechanismPlain},
		"not in the clear": {bare: true, session: &Session{}, password: "sesame", what: probe.SaidUnfit},
		"login disabled":   {session: &Session{AllowClear: true}, password: "sesame", what: probe.SaidUnfit},
		"wrong":            {implicit: true, session: &Session{}, password: "password", what: probe.SaidNoLogin},
		"wrong, LOGIN":     {implicit: true, session: &Session{Login: &Login{Mechanism: MechanismLogin}}, password: "password", what: probe.SaidNoLogin},
		"a literal":        {implicit: true, session: &Session{Login: &Login{Mechanism: MechanismLogin}}, password: "pässword", what: probe.SaidNoLogin},
		"no OAuth":         {implicit: true, session: &Session{Login: &Login{Mechanism: MechanismXOAUTH2}}, password: "sesame", what: probe.SaidUnfit},
		"preauth":          {preAuth: true, session: &Session{}, password: "sesame"},
	} {
		t.Run(name, func(t *testing.T) {
			s := c.session
			if s.Login == nil {
				s.Login = &Login{}
			}
			s.Login.User, s.Login.Secret = "me", NewSecret(c.password)
			conn := mailServer(t, c.implicit, c.bare, c.preAuth)()
			if err := s.Greet(conn); err != nil {
				t.Fatal(err)
			}
			if conn.Secure() != (c.implicit || s.StartTLS) {
				t.Errorf("TLS: %v", conn.Secure())
			}
			saidIs(t, s.Open(conn), c.what, "")
			// A refused login leaves a connection that works.
			saidIs(t, s.Nudge(conn), "", "")
			saidIs(t, s.Nudge(conn), "", "")
			saidIs(t, s.Leave(conn), "", "")
			if got := s.Learned(); got.LoggedIn != (c.what == "") || got.Mechanism != c.learned || got.PreAuth != c.preAuth {
				t.Errorf("learned %+v", got)
			}
		})
	}
}

// TestManyAtOnce has connections of one Session at the same time, for the race detector too.
func TestManyAtOnce(t *testing.T) {
	connect := mailServer(t, true, false, false)
	s := &Session{Login: &Login{User: "me", Secret: NewSecret("sesame")}}
	var all sync.WaitGroup
	for range 8 {
		conn := connect()
		all.Go(func() {
			for _, do := range []func(*probe.Conn) error{s.Greet, s.Open, s.Nudge, s.Leave} {
				if err := do(conn); err != nil {
					t.Error(err)
				}
			}
			_ = s.Learned()
		})
	}
	all.Wait()
	if !s.Learned().LoggedIn || !slices.Contains(s.Learned().Capabilities, "IDLE") {
		t.Errorf("%+v", s.Learned())
	}
}

// TestStartTLSRefused has servers that do not start TLS, or that somebody on the way speaks for.
func TestStartTLSRefused(t *testing.T) {
	for name, c := range map[string]struct {
		script script
		what   probe.What
		text   string
	}{
		"not offered": {`
			S: * OK [CAPABILITY IMAP4rev1] x`, probe.SaidUnfit, "does not offer STARTTLS, which may have been stripped on the way"},
		"not offered when asked": {`
			S: * OK x
			C: v1 CAPABILITY
			S: * CAPABILITY IMAP4rev1 XXXXXXXX
			S: v1 OK done`, probe.SaidUnfit, "stripped"},
		"refused": {`
			S: * OK [CAPABILITY STARTTLS] x
			C: v1 STARTTLS
			S: v1 NO not today`, probe.SaidUnfit, "refuses STARTTLS, which may have been stripped on the way: not today"},
		"not understood": {`
			S: * OK [CAPABILITY STARTTLS] x
			C: v1 STARTTLS
			S: v1 BAD what?`, probe.SaidUnfit, "refuses STARTTLS"},
		"bye": {`
			S: * OK [CAPABILITY STARTTLS] x
			C: v1 STARTTLS
			S: * BYE x`, probe.SaidBye, "x"},
		"too many": {`
			S: * OK [CAPABILITY STARTTLS] x
			C: v1 STARTTLS
			S: v1 NO [LIMIT] x`, probe.SaidTooMany, "x"},
		"preauth": {`S: * PREAUTH [CAPABILITY STARTTLS] x`, probe.SaidUnfit, "PREAUTH"},
		"words before TLS": {`
			S: * OK [CAPABILITY STARTTLS] x
			C: v1 STARTTLS
			SEND v1 OK\r\n* CAPABILITY AUTH=PLAIN`,
			probe.SaidStrange, "before TLS began"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &Session{StartTLS: true}
			saidIs(t, s.Greet(serve(t, c.script)), c.what, c.text)
		})
	}
	t.Run("spoken already", func(t *testing.T) {
		s := &Session{StartTLS: true}
		conn := mailServer(t, true, false, false)()
		if err := s.Greet(conn); err == nil || !conn.Secure() {
			t.Errorf("error %v", err)
		}
	})
}

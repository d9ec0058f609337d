package lab

import (
	"encoding/base64"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestCommands(t *testing.T) {
	t.Parallel()
	inModes(t, func(t *testing.T, mode TLSMode) {
		lab, r := play(t, "none", Options{TLS: mode, User: "me@example.org", Password: "a b\""})
		c := dial(t, lab)
		c.want("* OK [CAPABILITY IMAP4rev1 ")
		before := c.ask("CAPABILITY", "OK")
		if got := strings.Contains(before, "STARTTLS LOGINDISABLED"); got != (mode == StartTLS) {
			t.Errorf("before TLS: %q", before)
		}
		if mode == StartTLS {
			c.ask(`LOGIN me@example.org "a b\""`, "NO [PRIVACYREQUIRED]")
			c.ask("STARTTLS", "OK")
			c.secure()
		}
		if got := c.ask("CAPABILITY", "OK"); !strings.Contains(got, "AUTH=PLAIN") || !strings.Contains(got, "SASL-IR") {
			t.Errorf("before the login: %q", got)
		}
		c.ask("NOOP", "OK")
		c.ask(`LOGIN me@example.org wrong`, "NO [AUTHENTICATIONFAILED]")
		c.ask(`LOGIN you@example.org "a b\""`, "NO [AUTHENTICATIONFAILED]")
		c.ask(`LOGIN me@example.org "a b\""`, "OK")
		c.ask("NOOP", "OK")
		if got := c.ask(`LIST "" *`, "OK"); !strings.Contains(got, "* LIST () \"/\" INBOX") {
			t.Errorf("LIST: %q", got)
		}
		if got := c.ask("STATUS inbox (MESSAGES UIDNEXT)", "OK"); !strings.Contains(got, "MESSAGES 0") {
			t.Errorf("STATUS: %q", got)
		}
		c.ask("SELECT Drafts", "NO [NONEXISTENT]")
		if got := c.ask("SELECT INBOX", "OK"); !strings.Contains(got, "* 0 EXISTS") {
			t.Errorf("SELECT: %q", got)
		}
		for _, command := range []string{"SEARCH ALL", "FETCH 1:* FLAGS", "STORE 1:* +FLAGS (\\Seen)", "EXPUNGE", "UNSELECT", "SUBSCRIBE INBOX"} {
			c.ask(command, "OK")
		}
		c.ask("CREATE Drafts", "NO [CANNOT]")
		if got := c.ask("LOGOUT", "OK"); !strings.HasPrefix(got, "* BYE ") {
			t.Errorf("LOGOUT: %q", got)
		}
		if text, err := c.ends(); text != "" || err != nil {
			t.Errorf("after LOGOUT: read %q and %v", text, err)
		}
		r.await(t, 1, "logged in")
		r.await(t, 1, "ended")
	})
}

func TestAuthenticatePlain(t *testing.T) {
	t.Parallel()
	lab, _ := play(t, "none", Options{})
	secret := func(password string) string {
		return base64.StdEncoding.EncodeToString([]byte("\x00" + lab.User() + "\x00" + password))
	}
	c := dial(t, lab)
	c.want("* OK ")
	c.ask("AUTHENTICATE PLAIN "+secret("wrong"), "NO [AUTHENTICATIONFAILED]")
	c.say("x AUTHENTICATE PLAIN")
	c.want("+ ")
	c.say(secret(lab.Password()))
	c.want("x OK")
	c.ask("NOOP", "OK")

	at := dial(t, lab)
	at.want("* OK ")
	at.ask("AUTHENTICATE PLAIN "+secret(lab.Password()), "OK")
}

func TestListenIPv6(t *testing.T) {
	t.Parallel()
	inModes(t, func(t *testing.T, mode TLSMode) {
		lab, _ := play(t, "none", Options{TLS: mode, Listen: "[::1]:0"})
		if got := lab.Addr().Addr(); got != netip.IPv6Loopback() {
			t.Errorf("it listens on %s", got)
		}
		logIn(t, lab).ask("NOOP", "OK")
	})
}

func TestSlots(t *testing.T) {
	t.Parallel()
	one, other := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	now := time.Now()
	s := newSlots(2, time.Minute)
	take := func(peer netip.Addr, after time.Duration, want bool) {
		t.Helper()
		if got := s.take(peer, now.Add(after)); got != want {
			t.Errorf("%s after %s: %t", peer, after, got)
		}
	}
	take(one, 0, true)
	take(one, 0, true)
	take(one, 0, false)
	take(other, 0, true) // each address counts for itself

	s.leave(one, false, now) // logged out
	take(one, 0, true)
	take(one, 0, false)

	s.leave(one, true, now) // cut
	take(one, 0, false)
	take(one, time.Minute-1, false)
	take(one, time.Minute, true)
	take(one, time.Minute, false)
}

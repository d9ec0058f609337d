package lab

import (
	"errors"
	"net"
	"syscall"
	"testing"
	"time"
)

// inModes runs a test in each mode of TLS: what the path does must be the same.
func inModes(t *testing.T, test func(t *testing.T, mode TLSMode)) {
	for name, mode := range map[string]TLSMode{"plain": Plain, "implicit TLS": ImplicitTLS, "STARTTLS": StartTLS} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, mode)
		})
	}
}

// TestTimer lets the time pass in earnest.
func TestTimer(t *testing.T) {
	t.Parallel()
	const limit = 100 * time.Millisecond
	before := time.Now()
	lab, r := play(t, "reset-at-expiry", Options{Idle: limit})
	c := dial(t, lab)
	if text, err := c.ends(); !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("read %q and %v", text, err)
	}
	if took := time.Since(before); took < limit {
		t.Errorf("reset after %s", took)
	}
	r.await(t, 1, "reset sent")
}

func TestNone(t *testing.T) {
	t.Parallel()
	inModes(t, func(t *testing.T, mode TLSMode) {
		lab, _ := play(t, "none", Options{TLS: mode})
		c := logIn(t, lab)
		lab.pass(t, 1)
		c.quiet()
		c.ask("NOOP", "OK")
	})
}

func TestResetAtExpiry(t *testing.T) {
	t.Parallel()
	inModes(t, func(t *testing.T, mode TLSMode) {
		lab, r := play(t, "reset-at-expiry", Options{TLS: mode})
		c := logIn(t, lab)
		lab.pass(t, 1)
		text, err := c.ends()
		if text != "" || !errors.Is(err, syscall.ECONNRESET) {
			t.Fatalf("read %q and %v", text, err)
		}
		r.await(t, 1, "reset sent")
	})
}

func TestResetOnUse(t *testing.T) {
	t.Parallel()
	inModes(t, func(t *testing.T, mode TLSMode) {
		lab, r := play(t, "reset-on-use", Options{TLS: mode})
		c := logIn(t, lab)
		lab.pass(t, 1)
		r.await(t, 1, "s: forgotten")
		c.quiet()
		c.say("x NOOP")
		text, err := c.ends()
		if text != "" || !errors.Is(err, syscall.ECONNRESET) {
			t.Fatalf("read %q and %v", text, err)
		}
		r.await(t, 1, "used after the limit: reset sent")
	})
}

// TestLate has the timer fire later than bytes come: they do not pass, and the limit's fault comes at once.
func TestLate(t *testing.T) {
	t.Parallel()
	lab, r := play(t, "bye", Options{})
	c := logIn(t, lab)
	path := lab.path(t, 1)
	path.mu.Lock()
	path.last = path.last.Add(-lab.options.Idle) // and the timer is left alone
	path.mu.Unlock()
	c.say("x NOOP")
	if text, err := c.ends(); text != "* BYE Disconnected for inactivity.\r\n" || err != nil {
		t.Fatalf("read %q and %v", text, err)
	}
	r.await(t, 1, "BYE sent")
}

// TestClose also holds close-notify against close: what comes before the FIN tells them apart.
func TestClose(t *testing.T) {
	t.Parallel()
	inModes(t, func(t *testing.T, mode TLSMode) {
		for _, name := range []string{"close", "proxy", "close-notify"} {
			if name == "close-notify" && mode == Plain {
				continue
			}
			lab, r := play(t, name, Options{TLS: mode})
			c := logIn(t, lab)
			before := c.got
			lab.pass(t, 1)
			text, err := c.ends()
			if text != "" || err != nil {
				t.Fatalf("%s: read %q and %v, want a bare end", name, text, err)
			}
			if notified := c.got > before; notified != (name == "close-notify") {
				t.Errorf("%s: %d bytes came before the FIN", name, c.got-before)
			}
			r.await(t, 1, "closed")
		}
	})
}

func TestHalfClose(t *testing.T) {
	t.Parallel()
	inModes(t, func(t *testing.T, mode TLSMode) {
		lab, r := play(t, "half-close", Options{TLS: mode})
		c := logIn(t, lab)
		lab.pass(t, 1)
		if text, err := c.ends(); text != "" || err != nil {
			t.Fatalf("read %q and %v, want a bare end", text, err)
		}
		c.say("x NOOP")
		r.await(t, 1, "bytes taken after the close")
		c.say("x NOOP") // it would fail if the first had been answered with a reset
	})
}

func TestBye(t *testing.T) {
	t.Parallel()
	inModes(t, func(t *testing.T, mode TLSMode) {
		lab, r := play(t, "bye", Options{TLS: mode})
		c := logIn(t, lab)
		before := c.got
		lab.pass(t, 1)
		text, err := c.ends()
		if text != "* BYE Disconnected for inactivity.\r\n" || err != nil {
			t.Fatalf("read %q and %v", text, err)
		}
		if mode == Plain && c.got-before != len(text) {
			t.Errorf("%d bytes came", c.got-before)
		}
		r.await(t, 1, "BYE sent")
	})
}

// TestByeHindered has the server wait for a TLS handshake, before which nothing can be said.
func TestByeHindered(t *testing.T) {
	t.Parallel()
	lab, r := play(t, "bye", Options{TLS: StartTLS})
	c := dial(t, lab)
	c.want("* OK ")
	c.ask("STARTTLS", "OK")
	lab.pass(t, 1)
	if text, err := c.ends(); text != "" || err != nil {
		t.Fatalf("read %q and %v, want an end", text, err)
	}
	r.await(t, 1, "no BYE could be sent")
}

// TestByeWithin has the server wait for the rest of a command.
func TestByeWithin(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"x AUTHENTICATE PLAIN", "x LOGIN {3}"} {
		lab, r := play(t, "bye", Options{})
		c := dial(t, lab)
		c.want("* OK ")
		c.say(command)
		c.want("+")
		lab.pass(t, 1)
		if text, err := c.ends(); text != "* BYE Disconnected for inactivity.\r\n" || err != nil {
			t.Fatalf("%s: read %q and %v", command, text, err)
		}
		r.await(t, 1, "BYE sent")
	}
}

func TestSlowServer(t *testing.T) {
	t.Parallel()
	inModes(t, func(t *testing.T, mode TLSMode) {
		const delay = 150 * time.Millisecond
		lab, r := play(t, "slow-server", Options{TLS: mode, Delay: delay})
		c := logIn(t, lab)
		for range 2 { // it is slow after each idle time
			lab.pass(t, 1)
			r.await(t, 1, "what comes now is answered late")
			before := time.Now()
			c.ask("NOOP", "OK")
			if took := time.Since(before); took < delay {
				t.Errorf("answered after %s", took)
			}
			r.forget()
		}
	})
}

func TestPush(t *testing.T) {
	t.Parallel()
	inModes(t, func(t *testing.T, mode TLSMode) {
		lab, r := play(t, "push", Options{TLS: mode, PushEvery: 20 * time.Millisecond})
		silent := dial(t, lab)
		silent.want("* OK ")
		c := logIn(t, lab)
		for range 3 {
			c.want("* OK Still here\r\n")
		}
		r.await(t, 2, "spoke unasked")
		silent.quiet() // nothing is pushed before the login
		c.ask("NOOP", "OK")
	})
}

func TestSessionCap(t *testing.T) {
	t.Parallel()
	lab, r := play(t, "session-cap", Options{})
	c := logIn(t, lab)
	lab.pass(t, 1)
	if text, err := c.ends(); text != "" || err != nil {
		t.Fatalf("read %q and %v, want a bare end", text, err)
	}
	r.await(t, 1, "s old: closed")
}

func TestOutage(t *testing.T) {
	t.Parallel()
	lab, r := play(t, "outage", Options{})
	first, second := logIn(t, lab), logIn(t, lab)
	lab.pass(t, 1)
	for _, c := range []*client{first, second} {
		if text, err := c.ends(); text != "" || !errors.Is(err, syscall.ECONNRESET) {
			t.Fatalf("read %q and %v", text, err)
		}
	}
	r.await(t, 1, "the server is gone")
	refused(t, lab)
}

// TestResetFirst takes the reset where it comes: connect(2) may still be waited for.
func TestResetFirst(t *testing.T) {
	t.Parallel()
	lab, r := play(t, "reset-first", Options{First: 2})
	for number := 1; number <= 2; number++ {
		conn, err := (&net.Dialer{KeepAlive: -1}).DialContext(t.Context(), "tcp", lab.Addr().String())
		if err == nil {
			_, err = conn.Read(make([]byte, 1))
			conn.Close()
		}
		if !errors.Is(err, syscall.ECONNRESET) {
			t.Fatal(err)
		}
		r.await(t, number, "reset sent at once")
	}
	logIn(t, lab).ask("NOOP", "OK")
}

func TestLoginRefused(t *testing.T) {
	t.Parallel()
	lab, r := play(t, "login-refused", Options{})
	c := dial(t, lab)
	c.want("* OK ")
	c.login("NO [AUTHENTICATIONFAILED] ")
	r.await(t, 1, "login refused")
	c.ask("NOOP", "OK")
}

func TestGhosts(t *testing.T) {
	t.Parallel()
	inModes(t, func(t *testing.T, mode TLSMode) {
		const refusal = "NO [UNAVAILABLE] Maximum number of connections from user+IP exceeded"
		lab, r := play(t, "ghosts", Options{TLS: mode, Sessions: 1})
		attempt := func(want string) *client {
			t.Helper()
			c := ready(t, lab)
			c.login(want)
			return c
		}
		first := attempt("OK")
		attempt(refusal)
		first.ask("LOGOUT", "OK")
		r.await(t, 1, "ended")

		cut := attempt("OK")
		cut.conn.Close() // with TLS's close_notify, which is no LOGOUT either
		r.await(t, 3, "ended without LOGOUT: counted for 30 s more")
		attempt(refusal)
		lab.slots.pass()
		attempt("OK")
	})
}

// pass makes the time pass for which ghosts are counted.
func (s *slots) pass() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, until := range s.ghosts {
		for i := range until {
			until[i] = until[i].Add(-s.keep)
		}
	}
}

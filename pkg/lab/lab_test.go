package lab

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"vmguard/pkg/probe"
)

// refused shows that nobody listens at the lab's address.
func refused(t *testing.T, lab *Lab) {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", lab.Addr().String())
	if err == nil {
		conn.Close()
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial: %v, want a refusal", err)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range Scenarios() {
		got, err := Find(s.Name)
		if err != nil || got != s {
			t.Errorf("%s: found %v and %v", s.Name, got, err)
		}
		if s.Title == "" || seen[s.Name] {
			t.Errorf("%s has no title, or is there twice", s.Name)
		}
		seen[s.Name] = true
		for _, k := range []probe.Kind{s.Want, s.Keepalive, s.Heartbeat} {
			if !slices.Contains(probe.Kinds(), k) || k == probe.Unknown {
				t.Errorf("%s wants %q", s.Name, k)
			}
		}
		if s.keepalive && (s.Keepalive != probe.Alive || !s.LinuxOnly) {
			t.Errorf("%s honours keepalive, and says otherwise", s.Name)
		}
	}
	_, err := Find("nothing")
	if err == nil || !strings.Contains(err.Error(), `"nothing"`) || !strings.Contains(err.Error(), "none, reset-at-expiry, ") {
		t.Errorf("got %v", err)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Options{
		"idle": {Idle: -1}, "first": {First: -1}, "sessions": {Sessions: -1}, "ghosts": {GhostFor: -1},
		"delay": {Delay: -1}, "push": {PushEvery: -1}, "TLS": {TLS: "ssl"}, "address": {Listen: "127.0.0.1:http?"},
	} {
		if lab, err := Start(t.Context(), Scenario{Name: "x"}, o); err == nil {
			t.Errorf("%s is accepted", name)
			_ = lab.Close()
		}
	}
	got, err := Options{Idle: 10 * time.Second}.complete()
	if err != nil || got.PushEvery != 5*time.Second || got.User != "lab" || len(got.Password) < 20 {
		t.Errorf("got %+v and %v", got, err)
	}
}

func TestNeedsTLS(t *testing.T) {
	t.Parallel()
	s, err := Find("close-notify")
	if err != nil {
		t.Fatal(err)
	}
	if lab, err := Start(t.Context(), s, Options{}); err == nil || !strings.Contains(err.Error(), "start close-notify: ") {
		t.Errorf("got %v and %v", lab, err)
	}
}

// TestLimit holds the rule by which a connection lives or dies.
func TestLimit(t *testing.T) {
	t.Parallel()
	begun := time.Now()
	for name, c := range map[string]struct {
		limit fault
		byAge bool
		at    []time.Duration // when bytes pass, from the beginning
		want  []bool
	}{
		"no limit":         {nothing, false, []time.Duration{time.Hour}, []bool{true}},
		"below":            {stall, false, []time.Duration{999}, []bool{true}},
		"at":               {stall, false, []time.Duration{1000}, []bool{false}},
		"above":            {stall, false, []time.Duration{1001}, []bool{false}},
		"kept by use":      {stall, false, []time.Duration{999, 1998, 2998}, []bool{true, true, false}},
		"dead for good":    {stall, false, []time.Duration{1000, 1001}, []bool{false, false}},
		"backwards":        {stall, false, []time.Duration{500, 400, 1499, 2499}, []bool{true, true, true, false}},
		"young":            {stall, true, []time.Duration{500, 999}, []bool{true, true}},
		"old, though used": {stall, true, []time.Duration{500, 999, 1000}, []bool{true, true, false}},
	} {
		l := &Lab{scenario: Scenario{limit: c.limit, byAge: c.byAge}, options: Options{Idle: 1000}}
		conn := &conn{lab: l, last: begun}
		for i, at := range c.at {
			if got := conn.passes(begun.Add(at)); got != c.want[i] {
				t.Errorf("%s: at %d: passes %t", name, at, got)
			}
		}
	}
}

// each runs a test in each scenario and mode that is possible.
func each(t *testing.T, test func(t *testing.T, s Scenario, mode TLSMode)) {
	for _, s := range Scenarios() {
		for _, mode := range []TLSMode{Plain, ImplicitTLS, StartTLS} {
			if s.possible(mode) == nil {
				t.Run(s.Name+" "+string(mode), func(t *testing.T) {
					t.Parallel()
					test(t, s, mode)
				})
			}
		}
	}
}

// end closes the lab, twice.
func end(t *testing.T, lab *Lab) {
	t.Helper()
	for range 2 {
		if err := lab.Close(); err != nil {
			t.Error(err)
		}
	}
	refused(t, lab)
}

// TestEnd closes labs that have connections in each state before the limit.
func TestEnd(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s Scenario, mode TLSMode) {
		lab, r := play(t, s.Name, Options{TLS: mode, PushEvery: time.Millisecond})
		if s.resetFirst {
			if conn, err := net.Dial("tcp", lab.Addr().String()); err == nil {
				conn.Close()
			}
			r.await(t, 1, "reset sent at once")
		}
		dialTCP(t, lab) // it waits for a TLS handshake or a greeting
		c := ready(t, lab)
		c.say("x AUTHENTICATE PLAIN")
		c.want("+")
		c = ready(t, lab)
		c.ask("LOGIN "+lab.User()+" "+lab.Password(), "")
		c.say("x IDLE")
		end(t, lab)
	})
}

// TestEndAfterLimit closes labs with connections to which the limit's fault has happened, or is about to.
func TestEndAfterLimit(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s Scenario, mode TLSMode) {
		if s.limit == nothing {
			return
		}
		lab, r := play(t, s.Name, Options{TLS: mode, Delay: time.Hour})
		c := logIn(t, lab)
		logIn(t, lab)
		logIn(t, lab)
		lab.pass(t, 1)
		r.await(t, 1, ": ")
		if s.limit == stall {
			c.say("x NOOP")
			r.await(t, 1, "to be answered in 3600 s")
		}
		if s.limit != outage {
			lab.pass(t, 2) // nobody waits for this one
		}
		end(t, lab)
	})
}

// TestAccept has accepting fail for want of file descriptors, go on, and fail for good.
func TestAccept(t *testing.T) {
	t.Parallel()
	lab, _ := play(t, "none", Options{})
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	steps := []func() (*net.TCPConn, error){
		func() (*net.TCPConn, error) { return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE} },
		listener.AcceptTCP,
		func() (*net.TCPConn, error) { return nil, syscall.EINVAL },
	}
	next := func() (*net.TCPConn, error) {
		step := steps[0]
		steps = steps[1:]
		return step()
	}
	if err := lab.accept(next); !errors.Is(err, syscall.EINVAL) || len(steps) > 0 {
		t.Errorf("got %v, with %d steps left", err, len(steps))
	}
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	start := make([]byte, 5)
	if _, err := io.ReadFull(conn, start); err != nil || string(start) != "* OK " {
		t.Errorf("read %q and %v", start, err)
	}
}

// TestContext is not parallel, so that what it leaves behind is its own.
func TestContext(t *testing.T) {
	before := goleak.IgnoreCurrent()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s, err := Find("reset-on-use")
	if err != nil {
		t.Fatal(err)
	}
	lab, err := Start(ctx, s, Options{TLS: ImplicitTLS})
	if err != nil {
		t.Fatal(err)
	}
	c := logIn(t, lab)
	cancel()
	if text, err := c.ends(); text != "" || !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("read %q and %v", text, err)
	}
	goleak.VerifyNone(t, before) // without Close
	refused(t, lab)
	if err := lab.Close(); err != nil {
		t.Error(err)
	}
	if _, err := Start(ctx, s, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("started with an ended context: %v", err)
	}
}

// TestMany has many connections at the same time, all of which expire.
func TestMany(t *testing.T) {
	t.Parallel()
	const many = 256
	lab, r := play(t, "reset-at-expiry", Options{})
	clients := make([]*client, many)
	for i := range clients {
		clients[i] = dial(t, lab)
		clients[i].want("* OK ")
	}
	for number := range many {
		lab.pass(t, number+1)
	}
	for _, c := range clients {
		if text, err := c.ends(); text != "" || !errors.Is(err, syscall.ECONNRESET) {
			t.Fatalf("read %q and %v", text, err)
		}
	}
	for number := range many {
		r.await(t, number+1, "reset sent")
	}
}

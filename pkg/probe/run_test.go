package probe_test

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"vmguard/pkg/lab"
	"vmguard/pkg/probe"
	"vmguard/pkg/probe/imap"
)

func scenario(t *testing.T, name string) lab.Scenario {
	t.Helper()
	s, err := lab.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestHeartbeat keeps a connection alive far beyond the limit, and lets it die with too long an interval.
func TestHeartbeat(t *testing.T) {
	t.Parallel()
	all := newTrials(t, 2)
	const limit = 400 * time.Millisecond
	config := inLab(t, scenario(t, "reset-at-expiry"), lab.Options{Idle: limit})
	config.Heartbeat, config.For = limit/4, 4*limit
	all.run("survives", config, func(o outcome) error {
		h := o.Heartbeat
		if h == nil || h.Verdict.Kind != probe.Alive || h.Trace.Beats < 8 || len(o.Rungs) != 0 {
			return errors.New("it did not: " + string(h.Verdict.Kind) + ", " + h.Verdict.Why)
		}
		return nil
	})
	config = inLab(t, scenario(t, "reset-at-expiry"), lab.Options{Idle: limit})
	config.Heartbeat, config.For, config.Rungs = 2*limit, 4*limit, []time.Duration{limit / 4}
	all.run("dies", config, func(o outcome) error {
		if h := o.Heartbeat; h.Verdict.Kind != probe.ResetAtExpiry || h.Trace.Beats != 0 || o.Rungs[0].Verdict.Kind != probe.Alive {
			return errors.New("it did not: " + string(h.Verdict.Kind) + ", " + h.Verdict.Why)
		}
		return nil
	})
	all.all.Wait()
}

// TestSuspend lets the machine sleep in the middle, as its clocks would tell.
func TestSuspend(t *testing.T) {
	t.Parallel()
	config := inLab(t, scenario(t, "none"), lab.Options{})
	config.Rungs = []time.Duration{50 * time.Millisecond, time.Second}
	var slept atomic.Int64
	config.Slept = func() time.Duration { return time.Duration(slept.Load()) }
	config.Observe = func(e probe.Event) {
		if e.Kind == probe.EventResult && e.Idle == 50*time.Millisecond {
			slept.Store(int64(time.Hour))
		}
	}
	result, err := config.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if a, b := result.Rungs[0].Verdict.Kind, result.Rungs[1].Verdict.Kind; a != probe.Alive || b != probe.ClockSuspended {
		t.Errorf("got %s and %s", a, b)
	}
	if result.Limit.State != probe.LimitNone || result.Limit.Longest > 500*time.Millisecond {
		t.Errorf("got %+v", result.Limit)
	}
}

// TestOneLoginIsTried refuses the password, and counts the connections.
func TestOneLoginIsTried(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	conns := map[int]bool{}
	config := inLab(t, scenario(t, "login-refused"), lab.Options{Event: func(e lab.Event) {
		mu.Lock()
		defer mu.Unlock()
		if e.Conn > 0 {
			conns[e.Conn] = true
		}
	}})
	config.Heartbeat, config.For = time.Millisecond, time.Second
	for i := range 8 {
		config.Rungs = append(config.Rungs, time.Duration(i+1)*time.Millisecond)
	}
	result, err := config.Run(t.Context())
	open, ok := errors.AsType[*probe.OpenError](err)
	if !ok || open.Phase != probe.PhaseOpen || open.Verdict.Kind != probe.LoginRefused || result != nil {
		t.Fatalf("got %+v, %v", result, err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(conns) != 1 {
		t.Errorf("%d connections were opened", len(conns))
	}
}

// TestConnections counts how many are open at a time, and looks at their ports and their keepalive.
func TestConnections(t *testing.T) {
	t.Parallel()
	config := inLab(t, scenario(t, "none"), lab.Options{})
	config.Connections = 3
	for i := range 9 {
		config.Rungs = append(config.Rungs, 400*time.Millisecond+time.Duration(i)*time.Millisecond)
	}
	open, most := 0, 0
	config.Observe = func(e probe.Event) {
		switch e.Kind {
		case probe.EventOpen:
			open++
			most = max(most, open)
		case probe.EventResult:
			open--
		}
	}
	result, err := config.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if most > 3 || most < 2 || open != 0 {
		t.Errorf("%d were open at a time, %d are", most, open)
	}
	ports := map[uint16]bool{}
	for i, r := range result.Rungs {
		ports[r.Trace.Local.Port()] = true
		if r.Trace.Idle != config.Rungs[i] || r.Verdict.Kind != probe.Alive || r.Trace.Remote != config.Target.Addr {
			t.Errorf("rung %d: %+v", i, r)
		}
		if off := r.Trace.KeepaliveOff; runtime.GOOS == "linux" && (off == nil || !*off) {
			t.Errorf("rung %d: keepalive is on, or nobody looked", i)
		}
	}
	if len(ports) != 9 {
		t.Errorf("%d ports for 9 connections", len(ports))
	}
}

// TestOpenErrors keeps the cause of a run that cannot begin.
func TestOpenErrors(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddrPort(listener.Addr().String())
	listener.Close()
	config := inLab(t, scenario(t, "none"), lab.Options{})
	config.Rungs = []time.Duration{time.Millisecond}
	alive := config.Target.Addr

	config.Target.Addr = addr
	_, err = config.Run(t.Context())
	if open, ok := errors.AsType[*probe.OpenError](err); !ok || open.Phase != probe.PhaseDial || !errors.Is(err, syscall.ECONNREFUSED) || open.Verdict.Kind != probe.Outage {
		t.Errorf("got %v", err)
	}

	config.Target.Addr, config.Target.Bind = alive, netip.MustParseAddr("192.0.2.1")
	_, err = config.Run(t.Context())
	if open, ok := errors.AsType[*probe.OpenError](err); !ok || !errors.Is(err, syscall.EADDRNOTAVAIL) || open.Verdict.Kind != probe.Unknown {
		t.Errorf("got %v", err)
	}

	config.Target.Bind, config.Target.PID = netip.Addr{}, 1<<22
	_, err = config.Run(t.Context())
	if _, ok := errors.AsType[*probe.OpenError](err); !ok {
		t.Errorf("got %v", err)
	}
	if runtime.GOOS == "linux" && !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// TestSilentServer accepts and never greets: the time limit ends it, in every phase that waits for the server.
func TestSilentServer(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() // what is in its backlog stays silent
	for _, implicit := range []bool{false, true} {
		mode := lab.Plain
		if implicit {
			mode = lab.ImplicitTLS
		}
		config := inLab(t, scenario(t, "none"), lab.Options{TLS: mode})
		config.Target.Addr = netip.MustParseAddrPort(listener.Addr().String())
		config.Rungs, config.OpenTimeout = []time.Duration{time.Millisecond}, 50*time.Millisecond
		_, err = config.Run(t.Context())
		open, ok := errors.AsType[*probe.OpenError](err)
		if want := map[bool]probe.Phase{false: probe.PhaseGreet, true: probe.PhaseTLS}[implicit]; !ok || open.Phase != want || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("TLS %t: got %v", implicit, err)
		}
	}
}

// TestNothingWasSent measures a connection on which this side has said nothing before it is idle.
func TestNothingWasSent(t *testing.T) {
	t.Parallel()
	const limit = 300 * time.Millisecond
	config := inLab(t, scenario(t, "reset-at-expiry"), lab.Options{Idle: limit})
	config.Protocol = &imap.Session{} // whose greeting tells all that it wants to know
	config.Rungs = []time.Duration{limit / 3, 2 * limit}
	result, err := config.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if l := result.Limit; l.State != probe.LimitFound || l.Low > limit || l.High < limit || l.High > time.Minute {
		t.Errorf("got %+v", l)
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		host   string
		family int
		want   string
	}{
		{"127.0.0.1", 0, "127.0.0.1"}, {"127.0.0.1", 4, "127.0.0.1"}, {"::1", 0, "::1"}, {"::1", 6, "::1"}, {"localhost", 4, "127.0.0.1"}, {"::ffff:127.0.0.1", 0, "127.0.0.1"},
	} {
		if got, err := probe.Resolve(t.Context(), c.host, c.family); err != nil || got.String() != c.want {
			t.Errorf("%s, family %d: %v, %v", c.host, c.family, got, err)
		}
	}
	for host, family := range map[string]int{"127.0.0.1": 6, "::1": 4} {
		if got, err := probe.Resolve(t.Context(), host, family); !errors.Is(err, probe.ErrNoAddress) {
			t.Errorf("%s, family %d: %v, %v", host, family, got, err)
		}
	}
	if _, err := probe.Resolve(t.Context(), "no-such-host.invalid", 0); err == nil {
		t.Error("it was resolved")
	} else if _, ok := errors.AsType[*net.DNSError](err); !ok {
		t.Errorf("got %T", err)
	}
}

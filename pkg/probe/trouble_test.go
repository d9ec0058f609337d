package probe_test

import (
	"bufio"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"vmguard/pkg/lab"
	"vmguard/pkg/probe"
	"vmguard/pkg/probe/imap"
)

// trouble is an IMAP server with a will of its own: it is told of each connection, from 0 on, and greets it or not.
type trouble struct {
	addr  netip.AddrPort
	mu    sync.Mutex
	conns []*net.TCPConn
}

// serveTrouble starts one. What accept gives is written as the greeting; "" cuts the connection with an RST.
// NOOP and LOGOUT are answered.
func serveTrouble(t *testing.T, accept func(n int, c net.Conn) string) *trouble {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &trouble{addr: netip.MustParseAddrPort(listener.Addr().String())}
	var all sync.WaitGroup
	all.Go(func() {
		for n := 0; ; n++ {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			tcp, ok := c.(*net.TCPConn)
			if !ok {
				t.Errorf("accepted a %T", c)
				return
			}
			s.mu.Lock()
			s.conns = append(s.conns, tcp)
			s.mu.Unlock()
			all.Go(func() {
				defer tcp.Close() //nolint:errcheck // it may be cut already
				greeting := accept(n, tcp)
				if greeting == "" {
					_ = tcp.SetLinger(0)
					return
				}
				if _, err := fmt.Fprint(tcp, greeting); err != nil {
					return
				}
				answer(tcp)
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		s.reset()
		all.Wait()
	})
	return s
}

// answer answers every command.
func answer(c net.Conn) {
	lines := bufio.NewScanner(c)
	for lines.Scan() {
		tag, _, _ := strings.Cut(lines.Text(), " ")
		if _, err := fmt.Fprintf(c, "%s OK done\r\n", tag); err != nil {
			return
		}
	}
}

// reset cuts every connection that there is.
func (s *trouble) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		_ = c.SetLinger(0)
		_ = c.Close()
	}
}

func (s *trouble) config(rungs ...time.Duration) probe.Config {
	return probe.Config{
		Target: probe.Target{Host: "trouble", Addr: s.addr}, Protocol: &imap.Session{}, Rungs: rungs,
		Connections: 8, OpenTimeout: 10 * time.Second, AnswerTimeout: time.Second, Precision: 10 * time.Millisecond, Slept: probe.Slept,
	}
}

const hello = "* OK [CAPABILITY IMAP4rev1] hello\r\n"

func measured(t *testing.T, c probe.Config) *probe.Result {
	t.Helper()
	result, err := c.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// TestCrowdedControl has a server that cuts, or sends away, what comes beyond three connections. That the control
// connection is refused does not make an outage of a reset, while the others live.
func TestCrowdedControl(t *testing.T) {
	t.Parallel()
	for name, refusal := range map[string]string{"cut": "", "told": "* BYE Too many connections\r\n"} {
		s := serveTrouble(t, func(n int, c net.Conn) string {
			if n >= 3 {
				return refusal
			}
			if n == 2 { // the shortest of three, and it dies while the others live
				time.AfterFunc(300*time.Millisecond, func() {
					if tcp, ok := c.(*net.TCPConn); ok {
						_ = tcp.SetLinger(0)
					}
					_ = c.Close()
				})
			}
			return hello
		})
		result := measured(t, s.config(900*time.Millisecond, 1800*time.Millisecond, 1900*time.Millisecond))
		if got := result.Rungs[0]; got.Verdict.Kind != probe.ResetAtExpiry || result.Rungs[1].Verdict.Kind != probe.Alive {
			t.Errorf("%s: got %+v with control %q", name, got.Verdict, got.Trace.Control)
		}
	}
}

// TestRestartIsNoLimit cuts all connections at one moment, and goes on serving.
func TestRestartIsNoLimit(t *testing.T) {
	t.Parallel()
	s := serveTrouble(t, func(int, net.Conn) string { return hello })
	config := s.config(8*time.Second, 9*time.Second, 10*time.Second)
	open := 0
	config.Observe = func(e probe.Event) {
		if e.Kind == probe.EventIdle {
			if open++; open == 3 {
				time.AfterFunc(100*time.Millisecond, s.reset)
			}
		}
	}
	result := measured(t, config)
	if result.Limit.State != probe.LimitUnclear || !strings.Contains(result.Limit.Why, "same moment") {
		t.Errorf("got %+v of %+v", result.Limit, result.Rungs)
	}
}

// TestAfterthought has a server that adds a word to its greeting, which does not spoil the idle time.
func TestAfterthought(t *testing.T) {
	t.Parallel()
	s := serveTrouble(t, func(_ int, c net.Conn) string {
		time.AfterFunc(100*time.Millisecond, func() { _, _ = fmt.Fprint(c, "* OK [ALERT] maintenance on Sunday\r\n") })
		return hello
	})
	result := measured(t, s.config(400*time.Millisecond))
	if got := result.Rungs[0]; got.Verdict.Kind != probe.Alive || got.Trace.Quiet < 400*time.Millisecond {
		t.Errorf("got %+v", got)
	}
}

// TestOthersWaitForTheFirst holds back the first greeting, and sees nobody else come before it.
func TestOthersWaitForTheFirst(t *testing.T) {
	t.Parallel()
	others := make(chan struct{}, 16)
	s := serveTrouble(t, func(n int, _ net.Conn) string {
		if n > 0 {
			others <- struct{}{}
			return hello
		}
		select {
		case <-others:
			t.Error("another connection came before the first was greeted")
		case <-time.After(500 * time.Millisecond):
		}
		return hello
	})
	result := measured(t, s.config(10*time.Millisecond, 20*time.Millisecond, 30*time.Millisecond))
	if result.Limit.State != probe.LimitNone {
		t.Errorf("got %+v", result.Limit)
	}
}

// TestCrowdedLadder goes on with as many connections as the server serves.
func TestCrowdedLadder(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	refused := 0
	config := inLab(t, scenario(t, "ghosts"), lab.Options{Sessions: 2, Event: func(e lab.Event) {
		mu.Lock()
		defer mu.Unlock()
		if strings.Contains(e.Text, "too many sessions") {
			refused++
		}
	}})
	config.Connections = 4
	for i := range 10 {
		config.Rungs = append(config.Rungs, 600*time.Millisecond+time.Duration(i)*10*time.Millisecond)
	}
	result := measured(t, config)
	alive := 0
	for _, r := range result.Rungs {
		if r.Verdict.Kind == probe.Alive {
			alive++
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if refused > 3 || alive != 10-refused {
		t.Errorf("%d logins were refused, and %d of 10 connections were measured", refused, alive)
	}
}

// TestArmsThatStirTooSeldom have a limit below their own interval: then their death says nothing.
func TestArmsThatStirTooSeldom(t *testing.T) {
	t.Parallel()
	config := inLab(t, scenario(t, "flow-table"), lab.Options{Idle: 800 * time.Millisecond})
	config.Rungs, config.Arms = []time.Duration{500 * time.Millisecond, 2100 * time.Millisecond}, true
	result := measured(t, config)
	if got := result.ArmsSay; got != probe.ArmsUnknown && got != probe.ArmsFlowTable {
		t.Errorf("the arms say %s: %+v", got, result.Arms)
	}
}

// TestOutageWhileWaiting swallows everything for a while: a control connection that is opened meanwhile tells.
func TestOutageWhileWaiting(t *testing.T) {
	t.Parallel()
	silent := make(chan struct{})
	defer close(silent)
	s := serveTrouble(t, func(n int, c net.Conn) string {
		if n == 0 {
			if _, err := fmt.Fprint(c, hello); err != nil {
				return ""
			}
		}
		<-silent // a server whose kernel still acknowledges, and which answers nobody
		return ""
	})
	config := s.config(50 * time.Millisecond)
	config.OpenTimeout = 200 * time.Millisecond
	result := measured(t, config)
	if got := result.Rungs[0]; got.Verdict.Kind != probe.Outage || got.Trace.Control != probe.ControlFailed {
		t.Errorf("got %+v with control %q", got.Verdict, got.Trace.Control)
	}
}

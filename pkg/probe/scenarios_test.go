package probe_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"vmguard/pkg/lab"
	"vmguard/pkg/probe"
	"vmguard/pkg/probe/imap"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// inLab starts a scenario and gives what probes it.
func inLab(t *testing.T, s lab.Scenario, o lab.Options) probe.Config {
	t.Helper()
	if s.LinuxOnly && runtime.GOOS != "linux" {
		t.Skip("it takes what only Linux's sockets can do")
	}
	if s.NeedsTLS {
		o.TLS = lab.ImplicitTLS
	}
	l, err := lab.Start(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	config := probe.Config{
		Target: probe.Target{Host: "lab", Addr: l.Addr(), Implicit: o.TLS == lab.ImplicitTLS},
		Protocol: &imap.Session{
			StartTLS: o.TLS == lab.StartTLS, AllowClear: o.TLS == lab.Plain,
			Login: &imap.Login{User: l.User(), Secret: imap.NewSecret(l.Password())},
		},
		Connections: 8, OpenTimeout: 10 * time.Second, AnswerTimeout: time.Second, Precision: 10 * time.Millisecond, Slept: probe.Slept,
	}
	if o.TLS != lab.Plain {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(l.CA())
		config.Target.TLS = &tls.Config{ServerName: "localhost", RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return config
}

// outcome is what became of a run.
type outcome struct {
	*probe.Result
	open *probe.OpenError // of one that could not begin
}

// rung gives the verdict on the connection with that idle time.
func (o outcome) rung(idle time.Duration) probe.Verdict {
	if o.open != nil {
		return o.open.Verdict
	}
	for _, r := range o.Rungs {
		if r.Trace.Idle == idle {
			return r.Verdict
		}
	}
	return probe.Verdict{}
}

// trials are runs that are made side by side, since most of their time is waiting.
type trials struct {
	t     *testing.T
	slots chan struct{}
	all   sync.WaitGroup
}

func newTrials(t *testing.T, atATime int) *trials {
	return &trials{t: t, slots: make(chan struct{}, atATime)}
}

func (a *trials) run(name string, config probe.Config, check func(outcome) error) {
	a.all.Go(func() {
		a.slots <- struct{}{}
		defer func() { <-a.slots }()
		result, err := config.Run(a.t.Context())
		o := outcome{Result: result}
		var is bool
		if o.open, is = errors.AsType[*probe.OpenError](err); is {
			err = nil
		}
		if err == nil {
			err = check(o)
		}
		if err != nil {
			a.t.Errorf("%s: %v", name, err)
		}
	})
}

// want checks a rung.
func want(idle time.Duration, kind probe.Kind) func(outcome) error {
	return func(o outcome) error {
		if got := o.rung(idle); got.Kind != kind {
			return fmt.Errorf("got %+v, want %s", got, kind)
		}
		return nil
	}
}

// TestEachScenarioGivesItsVerdict holds the lab and the classifier against each other.
func TestEachScenarioGivesItsVerdict(t *testing.T) {
	t.Parallel()
	all := newTrials(t, 16)
	for range labRuns(t, 1) {
		for _, s := range lab.Scenarios() {
			for _, mode := range []lab.TLSMode{lab.Plain, lab.ImplicitTLS, lab.StartTLS} {
				if s.NeedsTLS && mode == lab.Plain {
					continue
				}
				const limit = time.Second // far more than a busy machine needs for a handshake
				config := inLab(t, s, lab.Options{Idle: limit, TLS: mode, First: 1, Sessions: 1})
				config.Rungs = []time.Duration{limit / 4, 2 * limit}
				judged := 2 * limit
				switch s.Name {
				case "ghosts": // the longest comes first, and is the one that is allowed
					judged = limit / 4
				case "push":
					config.Rungs = []time.Duration{2 * limit}
				}
				all.run(s.Name+"/"+string(mode), config, want(judged, s.Want))
			}
		}
	}
	all.all.Wait()
}

// TestArmsOfEachScenario needs seconds: the kernel counts a keepalive's idle time in whole ones.
func TestArmsOfEachScenario(t *testing.T) {
	t.Parallel()
	all := newTrials(t, 16)
	for _, s := range lab.Scenarios() {
		says := probe.JudgeArms(s.Want, s.Keepalive, s.Heartbeat)
		switch {
		case !s.Want.Dead():
			continue
		case says == probe.ArmsUnknown:
			t.Errorf("%s: its arms say nothing", s.Name)
			continue
		}
		const limit = 4 * time.Second
		config := inLab(t, s, lab.Options{Idle: limit})
		config.Rungs = []time.Duration{3 * limit / 4, 9 * limit / 8}
		config.Arms = true
		all.run(s.Name, config, func(o outcome) error {
			if o.Result == nil || o.ArmsSay != says {
				return fmt.Errorf("got %+v, want %s", o.Result, says)
			}
			for _, arm := range o.Arms {
				wanted := map[probe.Arm]probe.Kind{probe.Silent: s.Want, probe.Keepalive: s.Keepalive, probe.Nudged: s.Heartbeat}[arm.Trace.Arm]
				if arm.Verdict.Kind != wanted {
					return fmt.Errorf("%s: %+v, want %s", arm.Trace.Arm, arm.Verdict, wanted)
				}
			}
			return nil
		})
	}
	all.all.Wait()
}

// labRuns is how many times the tests of many runs make theirs; scripts/bench asks for more.
func labRuns(t *testing.T, usual int) int {
	t.Helper()
	if n, err := strconv.Atoi(os.Getenv("VMGUARD_LAB_RUNS")); err == nil {
		return n
	}
	return usual
}

// TestBracketHoldsTheLimit measures random limits, and finds each in its bracket.
func TestBracketHoldsTheLimit(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	var deadly []lab.Scenario
	for _, s := range lab.Scenarios() {
		if s.Want.Dead() && s.Heartbeat == probe.Alive && !s.NeedsTLS && !s.LinuxOnly {
			deadly = append(deadly, s)
		}
	}
	all := newTrials(t, 8)
	for range labRuns(t, 40) {
		s := deadly[random.IntN(len(deadly))]
		limit := 200*time.Millisecond + time.Duration(random.Int64N(int64(800*time.Millisecond)))
		config := inLab(t, s, lab.Options{Idle: limit})
		for idle := 150 * time.Millisecond; idle <= 1200*time.Millisecond; idle += 150 * time.Millisecond {
			config.Rungs = append(config.Rungs, idle)
		}
		config.Refine = true
		all.run(s.Name+" after "+limit.String(), config, func(o outcome) error {
			if l := o.Limit; l.State != probe.LimitFound || l.Low > limit || l.High < limit {
				return fmt.Errorf("got %+v", l)
			}
			return nil
		})
	}
	all.all.Wait()
}

// TestInterrupted ends a run in the middle, and gets what was measured until then.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	s, err := lab.Find("reset-on-use")
	if err != nil {
		t.Fatal(err)
	}
	config := inLab(t, s, lab.Options{Idle: 100 * time.Millisecond})
	config.Rungs = []time.Duration{200 * time.Millisecond, time.Hour}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	config.Observe = func(e probe.Event) {
		if e.Kind == probe.EventResult {
			cancel()
		}
	}
	result, err := config.Run(ctx)
	if err != nil || !result.Interrupted {
		t.Fatalf("got %+v, %v", result, err)
	}
	if a, b := result.Rungs[0].Verdict.Kind, result.Rungs[1]; a != probe.ResetOnUse || b.Verdict.Kind != probe.Unknown || !b.Trace.End.Canceled {
		t.Errorf("got %s and %+v", a, b)
	}
}

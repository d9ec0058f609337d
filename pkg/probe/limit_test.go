package probe

import (
	"strings"
	"testing"
	"time"
)

// The rungs of these tests: what became of a connection that was idle for so many seconds.
func lived(seconds float64) Rung {
	quiet := time.Duration(seconds * float64(time.Second))
	return Rung{Verdict: Verdict{Kind: Alive}, Trace: Trace{Phase: PhaseDone, Idle: quiet, Quiet: quiet}}
}

func died(kind Kind, phase Phase, seconds float64) Rung {
	quiet := time.Duration(seconds * float64(time.Second))
	return Rung{Verdict: Verdict{Kind: kind}, Trace: Trace{Phase: phase, Idle: quiet, Quiet: quiet, Longest: quiet + 20*time.Millisecond}}
}

func onNudge(seconds float64) Rung { return died(ResetOnUse, PhaseNudge, seconds) }
func atRest(seconds float64) Rung  { return died(ResetAtExpiry, PhaseIdle, seconds) }

func unmeasured(kind Kind, seconds float64) Rung {
	return Rung{Verdict: Verdict{Kind: kind}, Trace: Trace{Idle: time.Duration(seconds * float64(time.Second))}}
}

func TestJudgeLimit(t *testing.T) {
	t.Parallel()
	swallowed := died(BlackHole, PhaseNudge, 620)
	swallowed.Trace.Longest = 630 * time.Second // with ten seconds of patience
	for name, c := range map[string]struct {
		rungs     []Rung
		state     LimitState
		low, high float64 // seconds
		kind      Kind
		why       string
	}{
		"none measured":           {nil, LimitUnknown, 0, 0, "", "no connection"},
		"none but refusals":       {[]Rung{unmeasured(Refused, 60), unmeasured(Outage, 600), unmeasured(Dirty, 60)}, LimitUnknown, 0, 0, "", ""},
		"all lived":               {[]Rung{lived(60), lived(600), unmeasured(Dirty, 900)}, LimitNone, 0, 0, "", ""},
		"on use":                  {[]Rung{lived(340), lived(590), onNudge(620), onNudge(900)}, LimitFound, 589.8, 620.02, ResetOnUse, ""},
		"order does not matter":   {[]Rung{onNudge(900), lived(590), onNudge(620), lived(340)}, LimitFound, 589.8, 620.02, ResetOnUse, ""},
		"refusals do not count":   {[]Rung{lived(590), unmeasured(Refused, 610), onNudge(620)}, LimitFound, 589.8, 620.02, ResetOnUse, ""},
		"none lived":              {[]Rung{onNudge(55), onNudge(65)}, LimitFound, 0, 55.02, ResetOnUse, ""},
		"a black hole's patience": {[]Rung{lived(590), swallowed}, LimitFound, 589.8, 620.4, BlackHole, ""},
		"unasked":                 {[]Rung{lived(590), atRest(600.1), atRest(600.2), atRest(600.1)}, LimitFound, 599.62, 600.12, ResetAtExpiry, "unasked"},
		"unasked, none lived":     {[]Rung{died(Closed, PhaseIdle, 60), died(Closed, PhaseIdle, 60.1)}, LimitFound, 59.52, 60.02, Closed, ""},
		"a slow timer":            {[]Rung{lived(50), atRest(60.1), atRest(60.5)}, LimitFound, 59.62, 60.12, ResetAtExpiry, ""},
		"a restart":               {[]Rung{lived(55), atRest(100), atRest(101.5), atRest(103)}, LimitUnclear, 54.8, 100.02, ResetAtExpiry, "different idle times (100 s, 102 s, 103 s)"},
		"alive beyond the dead":   {[]Rung{lived(55), onNudge(250), lived(620)}, LimitUnclear, 619.8, 250.02, ResetOnUse, "another lived for 620 s"},
		"two ways of dying":       {[]Rung{lived(170), died(Closed, PhaseNudge, 250), onNudge(360), onNudge(620)}, LimitFound, 169.8, 250.02, ResetOnUse, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := JudgeLimit(c.rungs)
			near := func(d time.Duration, seconds float64) bool {
				return (d - time.Duration(seconds*float64(time.Second))).Abs() < time.Millisecond
			}
			if got.State != c.state || !near(got.Low, c.low) || !near(got.High, c.high) || got.Kind != c.kind || !strings.Contains(got.Why, c.why) || got.Why == "" {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// FuzzJudgeLimit holds that a limit which is found lies between those that lived and those that died, however they are ordered.
func FuzzJudgeLimit(f *testing.F) {
	f.Add([]byte{10, 20, 30, 200, 210})
	f.Fuzz(func(t *testing.T, data []byte) {
		var rungs []Rung
		for _, b := range data {
			seconds := float64(b%64) * 10
			switch b / 64 {
			case 0:
				rungs = append(rungs, lived(seconds))
			case 1:
				rungs = append(rungs, onNudge(seconds))
			case 2:
				rungs = append(rungs, atRest(seconds))
			default:
				rungs = append(rungs, unmeasured(Refused, seconds))
			}
		}
		limit := JudgeLimit(rungs)
		for _, r := range rungs {
			switch {
			case r.Verdict.Kind == Alive && r.Trace.Quiet > limit.Longest:
				t.Fatalf("%v lived, and the longest is %v", r.Trace.Quiet, limit.Longest)
			case limit.State != LimitFound:
			case r.Verdict.Kind == Alive && r.Trace.Quiet-delayedAck > limit.High, r.Verdict.Kind.Dead() && r.Trace.Longest < limit.Low:
				t.Fatalf("%+v, and %s after %v", limit, r.Verdict.Kind, r.Trace.Quiet)
			}
		}
		if limit.State == LimitFound && (limit.Low > limit.High || limit.High <= 0) {
			t.Fatalf("%+v", limit)
		}
	})
}

// TestAtOnce tells deaths at one moment from deaths at one age, of connections that were opened one after the other.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC)
	rung := func(opened, age time.Duration) Rung {
		r := atRest(age.Seconds())
		r.Trace.Ended = start.Add(opened + age)
		return r
	}
	const stagger = 187 * time.Millisecond
	var moment, age, exact []Rung
	opened := time.Duration(0)
	for range 8 {
		moment = append(moment, rung(opened, 600*time.Second-opened))
		age = append(age, rung(opened, 600*time.Second+opened/100))
		exact = append(exact, rung(0, 600*time.Second))
		opened += stagger
	}
	for name, c := range map[string]struct {
		rungs []Rung
		want  LimitState
	}{
		"one moment": {moment, LimitUnclear}, "two at one moment": {moment[:2], LimitUnclear}, "one age": {age, LimitFound},
		"both": {exact, LimitFound}, "one alone": {moment[:1], LimitFound},
	} {
		if got := JudgeLimit(c.rungs); got.State != c.want {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

// TestQuietBefore leaves out what belongs to the end itself, and counts from what came before that.
func TestQuietBefore(t *testing.T) {
	t.Parallel()
	at := func(seconds float64) time.Time {
		return time.Unix(1000, 0).Add(time.Duration(seconds * float64(time.Second)))
	}
	for name, c := range map[string]struct {
		heard []float64
		end   float64
		want  float64
	}{
		"nothing since the beginning":      {nil, 5, 5},
		"a word, then a bare FIN":          {[]float64{3}, 5, 2},
		"close_notify with the FIN":        {[]float64{5}, 5.001, 5.001},
		"a word, then close_notify":        {[]float64{3, 5}, 5.001, 2.001},
		"close_notify in two pieces":       {[]float64{4.99, 5}, 5.001, 5.001},
		"a word in two, then close_notify": {[]float64{2.99, 3, 5}, 5.001, 2.001},
	} {
		log := traffic{heard: at(0), earlier: at(0)}
		for _, h := range c.heard {
			log.hear(at(h))
		}
		if got := log.quietBefore(at(c.end)).Seconds(); got < c.want-0.0001 || got > c.want+0.0001 {
			t.Errorf("%s: %v s, want %v s", name, got, c.want)
		}
	}
}

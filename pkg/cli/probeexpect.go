package cli

import (
	"fmt"
	"time"

	"vmguard/pkg/probe"
	"vmguard/pkg/report"
)

// expectations judges what the user expected by what was measured.
func expectations(o *probeOptions, result *probe.Result) []report.Expectation {
	var all []report.Expectation
	for _, idle := range o.expectAlive {
		all = append(all, expect(result, idle, true))
	}
	for _, idle := range o.expectDead {
		all = append(all, expect(result, idle, false))
	}
	return all
}

// expect looks for a connection that was idle for at least as long and lived, and for one that died no later.
// Where there are both, neither is proved.
func expect(result *probe.Result, idle time.Duration, alive bool) report.Expectation {
	e := report.Expectation{Alive: alive, Idle: idle}
	var lived, died *probe.Rung
	for _, r := range result.All() {
		switch {
		case r.Verdict.Kind == probe.Alive && r.Trace.Quiet >= idle:
			lived = &r
		case r.Verdict.Kind.Dead() && min(r.Trace.Quiet, r.Trace.Idle) <= idle:
			died = &r
		}
	}
	met := lived != nil
	switch {
	case lived != nil && died != nil:
		e.Why = fmt.Sprintf("one connection lived for %v and another died after %v", lived.Trace.Quiet.Round(time.Millisecond), died.Trace.Quiet.Round(time.Millisecond))
		return e
	case lived == nil && died == nil:
		e.Why = "it was not measured"
		return e
	case lived != nil:
		e.Why = fmt.Sprintf("a connection lived for %v, %s", lived.Trace.Quiet.Round(time.Millisecond), lived.Verdict.Why)
	default:
		e.Why = string(died.Verdict.Kind) + ", " + died.Verdict.Why
	}
	met = met == alive
	e.Met = &met
	return e
}

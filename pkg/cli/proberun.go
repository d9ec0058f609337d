package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"vmguard/pkg/host"
	"vmguard/pkg/human"
	"vmguard/pkg/probe"
	"vmguard/pkg/report"
)

// ladderConnections is how many connections the ladder has at a time: a heartbeat beside it has one.
func (o *probeOptions) ladderConnections() int {
	if o.heartbeat > 0 {
		return o.connections - 1
	}
	return o.connections
}

// probing is one probe: what a protocol's command has made of its own flags.
type probing struct {
	*probeOptions
	protocol probe.Protocol
	target   probe.Target
	table    probe.Timeouts
	rungs    []time.Duration
	// loggedIn tells whether the connections were logged in; nil where the protocol has no login.
	loggedIn func() bool
	scenario string // of the lab
	notes    []string
}

// run measures, and prints what was found.
func (p *probing) run(ctx context.Context, app *App) error {
	if to := p.target.Addr.Addr(); p.address.IsValid() && p.address.Is4() != to.Is4() {
		return usage("name an address of the same family, or choose one with --family", "--bind: %s cannot reach %s", p.address, to)
	}
	p.target.Bind = p.address
	progress := newProbeProgress(app, p.output == "jsonl")
	config := probe.Config{
		Target: p.target, Protocol: p.protocol, Rungs: p.rungs, Connections: p.connections, OpenTimeout: p.open, AnswerTimeout: p.answer,
		Refine: p.refine, Precision: p.precision, Arms: p.arms, Heartbeat: p.heartbeat, For: p.lasting, Packets: p.packets,
		Slept: probe.Slept, Observe: progress.observe,
	}
	// The first Ctrl-C ends the measuring; the next one ends vmguard, should nobody take what it has to print.
	restore := context.AfterFunc(ctx, func() { signal.Reset(os.Interrupt, syscall.SIGTERM) })
	defer restore()
	progress.start()
	result, err := config.Run(ctx)
	told := progress.stop(ctx)
	if err != nil {
		return p.openFailure(err)
	}
	if told != nil {
		return writing(told)
	}
	r := p.judge(ctx, app, result)
	if err := p.write(app, r); err != nil {
		return writing(err)
	}
	return outcome(r)
}

func (p *probing) write(app *App, r report.Probe) error {
	switch p.output {
	case "json":
		return report.ProbeJSON(app.Stdout, r)
	case "jsonl":
		return report.ProbeLine(app.Stdout, r)
	}
	return report.ProbeText(app.Stdout, r, app.style(p.noColor), p.verbose)
}

// judge adds to the result what follows from it.
func (p *probing) judge(ctx context.Context, app *App, result *probe.Result) report.Probe {
	r := report.Probe{
		Version: app.Build.number(), Result: result, Lab: p.scenario, Container: p.container, Notes: p.notes,
		Expectations: expectations(p.probeOptions, result),
	}
	if p.loggedIn != nil {
		in := p.loggedIn()
		r.LoggedIn = &in
	}
	if cloud := cloudOf(); cloud.Known() {
		r.Cloud, r.CloudName = string(cloud.Value.Provider), cloud.Value.Name
	}
	key := strings.ToLower(result.Protocol)
	if result.Limit.State == probe.LimitFound && p.scenario == "" {
		r.Candidates = p.table.Candidates(probe.Question{
			Low: result.Limit.Low, High: result.Limit.High, Kind: result.Limit.Kind, Arms: result.ArmsSay, Cloud: r.Cloud, Protocol: key,
			LoggedIn: r.LoggedIn == nil || *r.LoggedIn, Container: p.container != "",
		})
	}
	if helps(result) {
		r.Interval = interval(result.Limit)
		if p.scenario == "" { // nobody sets a client up for the lab
			r.Settings = settings(key, result, r.Interval)
		}
	}
	if note := p.withoutArms(result); note != "" {
		r.Notes = append(r.Notes, note)
	}
	if note := shortOfFiles(result); note != "" {
		r.Notes = append(r.Notes, note)
	}
	if ctx.Err() != nil {
		r.Notes = append(r.Notes, "interrupted: what is shown was measured until then")
	}
	return r
}

// withoutArms says why arms that were asked for were not run.
func (p *probing) withoutArms(result *probe.Result) string {
	if !p.arms || len(result.Arms) > 0 || result.Limit.State != probe.LimitFound || result.Interrupted {
		return ""
	}
	return "the arms, which tell kinds of boxes apart, take three connections at a time, and there were not so many"
}

// helps tells whether a heartbeat is what to advise: not where none survived, or where it is not known what happens.
func helps(r *probe.Result) bool {
	died := func(arm probe.Rung) bool { return arm.Trace.Arm == probe.Nudged && arm.Verdict.Kind.Dead() }
	if slices.ContainsFunc(r.Arms, died) {
		return false
	}
	return r.Limit.State == probe.LimitNone || r.Limit.State == probe.LimitFound && r.Limit.Low > 0
}

// settings are the clients' own, for a heartbeat or, with HTTP, for how long a connection is kept for reuse.
// The kernel's keepalive is left out where it was seen not to help.
func settings(protocol string, result *probe.Result, every time.Duration) []probe.Setting {
	if protocol == "http" {
		if every = result.Limit.Low * 4 / 5; every >= 2*time.Second {
			every = every.Truncate(time.Second)
		}
	}
	all := probe.Settings(protocol, every)
	if result.ArmsSay == probe.ArmsProxyOrServer || protocol == "http" {
		return all
	}
	return append(all, probe.KernelSettings(every)...)
}

// interval is the heartbeat that is safe by what was measured: where no limit was found, no longer one than
// the longest idle time that was survived allows, and none where that says nothing.
func interval(limit probe.Limit) time.Duration {
	const telling = time.Minute
	switch {
	case limit.State == probe.LimitFound:
		return probe.Recommend(limit.Low)
	case limit.Longest < telling:
		return 0
	}
	return probe.Recommend(limit.Longest)
}

// cloudOf tells which cloud this VM runs in.
func cloudOf() host.Fact[host.Cloud] {
	source, err := host.LiveSource()
	if err != nil {
		return host.Missing[host.Cloud](err.Error())
	}
	defer source.Close() //nolint:errcheck // nothing was written
	return host.WhichCloud(source)
}

// outcome is the error of a run that was made and printed: the exit code's reason.
func outcome(r report.Probe) error {
	unmeasured := ""
	for _, e := range r.Expectations {
		if e.Met == nil {
			unmeasured = human.Duration(e.Idle)
		} else if !*e.Met {
			return errBad
		}
	}
	switch h := r.Heartbeat; {
	case r.Interrupted:
		return nil // the exit code is the interruption's
	case h != nil && h.Verdict.Kind.Dead():
		return errBad
	case unmeasured != "":
		return failed(fmt.Errorf("what was expected after %s could not be measured", unmeasured), "the connections above say why")
	case len(r.Rungs) > 0 && r.Limit.State == probe.LimitUnknown:
		return nothing(r.Rungs[len(r.Rungs)-1])
	case h != nil && h.Verdict.Kind != probe.Alive:
		return nothing(*h)
	}
	return nil
}

// nothing says why a connection told nothing, and what the user can do.
func nothing(r probe.Rung) error {
	hint := map[probe.Kind]string{
		probe.SlowServer:     "the server answers late: --answer-timeout waits longer",
		probe.Dirty:          "the server speaks of its own accord: only shorter idle times can be measured, --idle names them",
		probe.Refused:        "close other clients, or wait until the server forgets sessions (ghosts); --connections 2 needs fewer",
		probe.LoginRefused:   "it was tried once and will not be tried again",
		probe.Outage:         "the server or the way to it went away meanwhile: try again when it is back",
		probe.ClockSuspended: "keep the machine awake meanwhile",
	}[r.Verdict.Kind]
	if hint == "" {
		hint = cmp.Or(localHint(r.Trace.End.Errno), "-v shows what was seen of each connection; --answer-timeout waits longer for an answer")
	}
	return failed(fmt.Errorf("nothing could be measured: %s", r.Verdict.Why), hint)
}

// shortOfFiles tells how many connections could not be made because this machine's limit was reached; "" for none.
func shortOfFiles(result *probe.Result) string {
	short := 0
	for _, r := range result.All() {
		if e := r.Trace.End.Errno; e == syscall.EMFILE || e == syscall.ENFILE {
			short++
		}
	}
	if short == 0 {
		return ""
	}
	return human.Count(short, "connection") + " could not be made: " + filesHint
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"vmguard/pkg/host"
	"vmguard/pkg/human"
	"vmguard/pkg/probe"
	"vmguard/pkg/report"
)

// probeOptions are what every protocol's probe is asked for.
type probeOptions struct {
	output           string
	noColor, verbose bool

	maxIdle     time.Duration
	idle        string
	connections int
	refine      bool
	precision   time.Duration
	arms        bool
	heartbeat   time.Duration
	lasting     time.Duration
	open        time.Duration
	answer      time.Duration
	packets     bool

	expectAlive, expectDead []time.Duration

	timeouts   string
	container  string
	dockerHost string
	bind       string
	family     int

	serverName string
	caFile     string
	insecure   bool

	changed func(flag string) bool
}

// The ends of what can be meant.
const (
	longestIdle    = 7 * 24 * time.Hour
	mostConns      = 1024
	mostRungs      = 1024
	defaultMaxIdle = 15 * time.Minute
)

func newProbe(app *App) *cobra.Command {
	c := &cobra.Command{
		Use:   "probe",
		Short: "Measure how long an idle connection lives, what kills it, and how",
		Long: `Open several connections, leave each idle for another length of time, then use it: so one
run tells after how long an idle connection dies, how (reset, closed, silence), and which
box on the way probably did it. Nothing is changed, on this VM or on the server.`,
		Example: "  vmguard probe imap\n  vmguard probe imap imap.example.org --user me@example.org --password-file pw\n  vmguard probe http https://www.example.org/",
		Args:    noArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newProbeIMAP(app), newProbeHTTP(app))
	return c
}

// flags adds the flags that every protocol has.
func (o *probeOptions) flags(c *cobra.Command) {
	f := c.Flags()
	outputFlag(c, &o.output, "text", "json", "jsonl")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "print the evidence of each connection")
	f.DurationVar(&o.maxIdle, "max-idle", defaultMaxIdle, "the longest idle time of the ladder, whose other rungs lie around the known timeouts")
	f.StringVar(&o.idle, "idle", "", "the idle times themselves, such as 2m,9m30s,11m; none for no ladder beside --heartbeat")
	f.IntVar(&o.connections, "connections", 8, "connections at a time, at most")
	f.BoolVar(&o.refine, "refine", true, "narrow the limit that was found in a second pass")
	f.DurationVar(&o.precision, "precision", 5*time.Second, "how narrow the second pass is to make it")
	f.BoolVar(&o.arms, "arms", true, "in the second pass, compare silence, TCP keepalive and a heartbeat, which tells kinds of boxes apart")
	f.DurationVar(&o.heartbeat, "heartbeat", 0, "keep one more connection alive by a request at this interval, and see whether it survives; exit with 1 if not")
	f.DurationVar(&o.lasting, "for", time.Hour, "how long --heartbeat goes on")
	f.DurationSliceVar(&o.expectAlive, "expect-alive", nil, "exit with 1 unless a connection survives this idle time")
	f.DurationSliceVar(&o.expectDead, "expect-dead", nil, "exit with 1 unless a connection dies within this idle time")
	f.DurationVar(&o.open, "open-timeout", 10*time.Second, "how long each step of opening a connection may take: TCP, TLS, greeting, login")
	f.DurationVar(&o.answer, "answer-timeout", 10*time.Second, "how long an answer may take; below 3s a path that swallows packets can hardly be told from a slow server")
	f.BoolVar(&o.packets, "packets", true, "watch the packets, which tells who sent a reset (needs root's rights or CAP_NET_RAW, goes on without)")
	f.StringVar(&o.timeouts, "timeouts", "", "a file with timeouts of your own boxes, added to the known ones (docs/timeouts.md)")
	f.StringVar(&o.container, "container", "", "connect from inside this container's network namespace (needs root)")
	f.StringVar(&o.dockerHost, "docker-host", "", "the engine's endpoint, for --container")
	f.StringVar(&o.bind, "bind", "", "this side's address")
	f.IntVar(&o.family, "family", 0, "4 or 6: which of the host's addresses to take (default: as the system resolves it)")
	f.StringVar(&o.serverName, "server-name", "", "the name that the server's certificate must carry (default: the host)")
	f.StringVar(&o.caFile, "ca-file", "", "a file with certificates (PEM) to trust instead of the system's")
	f.BoolVar(&o.insecure, "insecure", false, "do not check the server's certificate: anybody on the way can read and change everything, the password too")
	if err := c.RegisterFlagCompletionFunc("container", completeContainers); err != nil {
		c.PrintErrln("error:", err)
	}
	o.changed = func(flag string) bool { return f.Changed(flag) }
}

// validate errs on what cannot be meant.
func (o *probeOptions) validate() error {
	if err := checkChoice("output", o.output, "text", "json", "jsonl"); err != nil {
		return err
	}
	between := func(flag string, d, low, high time.Duration) error {
		if d < low || d > high {
			return usage(fmt.Sprintf("accepted: from %v to %v", low, high), "--%s: %v is not accepted", flag, d)
		}
		return nil
	}
	err := errors.Join(
		between("max-idle", o.maxIdle, 100*time.Millisecond, longestIdle),
		between("precision", o.precision, 10*time.Millisecond, longestIdle),
		between("open-timeout", o.open, 10*time.Millisecond, time.Hour),
		between("answer-timeout", o.answer, 10*time.Millisecond, time.Hour),
	)
	for _, d := range slices.Concat(o.expectAlive, o.expectDead) {
		err = errors.Join(err, between("expect-alive and --expect-dead", d, time.Millisecond, longestIdle))
	}
	if o.changed("heartbeat") {
		err = errors.Join(err, between("heartbeat", o.heartbeat, 10*time.Millisecond, longestIdle), between("for", o.lasting, o.heartbeat, longestIdle))
	} else if o.changed("for") {
		err = errors.Join(err, usage("add --heartbeat, such as --heartbeat 2m", "--for says how long a heartbeat goes on, and none is asked for"))
	}
	switch {
	case err != nil:
		return firstOf(err)
	case o.connections < 1 || o.connections > mostConns:
		return usage(fmt.Sprintf("accepted: from 1 to %d", mostConns), "--connections: %d is not accepted", o.connections)
	case o.heartbeat > 0 && o.idle != noLadder && o.connections < 2:
		return usage("--heartbeat needs a connection of its own: --connections 2, or --idle none", "--connections: one is not enough")
	case o.family != 0 && o.family != 4 && o.family != 6:
		return usage("accepted: 4 or 6", "--family: %d is not accepted", o.family)
	case o.insecure && o.caFile != "":
		return usage("leave one of them out", "--insecure checks no certificate, and --ca-file says what to check it against")
	}
	return nil
}

// firstOf gives the first of several errors: one thing at a time is mended.
func firstOf(err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // the very error that Join made
		return joined.Unwrap()[0]
	}
	return err
}

// noLadder is the value of --idle that asks for no ladder.
const noLadder = "none"

// rungs gives the idle times of the ladder.
func (o *probeOptions) rungs(known probe.Timeouts) ([]time.Duration, error) {
	switch {
	case o.idle == noLadder && o.heartbeat == 0:
		return nil, usage("add --heartbeat, such as --heartbeat 2m --for 1h", "--idle none leaves nothing to measure")
	case o.idle == noLadder:
		return nil, nil
	case o.idle != "" && o.changed("max-idle"):
		return nil, usage("leave one of them out", "--idle names the idle times, and --max-idle makes a ladder of them")
	}
	var rungs []time.Duration
	expected := slices.Concat(o.expectAlive, o.expectDead)
	if o.idle == "" {
		most := o.maxIdle
		if len(expected) > 0 && !o.changed("max-idle") {
			most = slices.Max(expected)
		}
		rungs = probe.Rungs(known, most)
	}
	for part := range strings.SplitSeq(o.idle, ",") {
		if o.idle == "" {
			break
		}
		d, err := time.ParseDuration(strings.TrimSpace(part))
		if err != nil || d <= 0 || d > longestIdle {
			return nil, usage("accepted: durations between 0 and 168h, with commas between, such as 2m,9m30s,11m; or none", "--idle: %.40q is not accepted", part)
		}
		rungs = append(rungs, d)
	}
	rungs = append(rungs, expected...)
	slices.Sort(rungs)
	rungs = slices.Compact(rungs)
	if len(rungs) > mostRungs {
		return nil, usage(fmt.Sprintf("accepted: up to %d", mostRungs), "--idle: %d idle times are too many", len(rungs))
	}
	return rungs, nil
}

// table gives the known timeouts with the user's own.
func (o *probeOptions) table() (probe.Timeouts, error) {
	table, err := probe.Builtin()
	if err != nil || o.timeouts == "" {
		return table, err
	}
	file, err := os.Open(o.timeouts)
	if err != nil {
		return nil, failed(fmt.Errorf("read timeouts: %w", err), "")
	}
	defer file.Close()
	table, err = table.Extend(file)
	if err != nil {
		return nil, usage("docs/timeouts.md shows the form", "--timeouts %s: %w", o.timeouts, err)
	}
	return table, nil
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
	if p.bind != "" {
		addr, err := netip.ParseAddr(p.bind)
		if err != nil {
			return usage("accepted: an IP address of this machine", "--bind: %.60q is not accepted", p.bind)
		}
		if addr.Is4() != p.target.Addr.Addr().Is4() {
			return usage("name an address of the same family, or choose one with --family", "--bind: %s cannot reach %s", addr, p.target.Addr.Addr())
		}
		p.target.Bind = addr
	}
	progress := newProbeProgress(app, p.output == "jsonl")
	config := probe.Config{
		Target: p.target, Protocol: p.protocol, Rungs: p.rungs, Connections: p.connections, OpenTimeout: p.open, AnswerTimeout: p.answer,
		Refine: p.refine, Precision: p.precision, Arms: p.arms, Heartbeat: p.heartbeat, For: p.lasting, Packets: p.packets,
		Slept: probe.Slept, Observe: progress.observe,
	}
	progress.start()
	result, err := config.Run(ctx)
	progress.stop()
	if err != nil {
		return p.openFailure(err)
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
		r.Interval = probe.Recommend(result.Limit.Low) // which is 0 where there is no limit
		if p.scenario == "" {                          // nobody sets a client up for the lab
			r.Settings = probe.Settings(key, r.Interval)
		}
	}
	if ctx.Err() != nil {
		r.Notes = append(r.Notes, "interrupted: what is shown was measured until then")
	}
	return r
}

// helps tells whether a heartbeat is what to advise: not where none survived, or where it is not known what happens.
func helps(r *probe.Result) bool {
	if r.ArmsSay == probe.ArmsSessionCap {
		return false
	}
	return r.Limit.State == probe.LimitNone || r.Limit.State == probe.LimitFound && r.Limit.Low > 0
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
		return failed(fmt.Errorf("what was expected after %s could not be measured", unmeasured), "the rungs above say why")
	case len(r.Rungs) > 0 && r.Limit.State == probe.LimitUnknown:
		return failed(fmt.Errorf("nothing could be measured: %s", r.Rungs[len(r.Rungs)-1].Verdict.Why), "")
	}
	return nil
}

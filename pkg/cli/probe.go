package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"vmguard/pkg/probe"
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

	address netip.Addr // what bind is

	changed func(flag string) bool
	filled  func() error // errs on a flag that was given nothing
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
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return usage("vmguard probe imap HOST, or vmguard probe http URL", "unknown command %q", c.Name()+" "+args[0])
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
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
	f.DurationSliceVar(&o.expectAlive, "expect-alive", nil, "exit with 1 unless a connection survives this `idle time`")
	f.DurationSliceVar(&o.expectDead, "expect-dead", nil, "exit with 1 unless a connection dies within this `idle time`")
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
	if err := c.RegisterFlagCompletionFunc("container", completeRunning); err != nil {
		c.PrintErrln("error:", err)
	}
	for _, name := range []string{"expect-alive", "expect-dead"} {
		f.Lookup(name).DefValue = "" // the library would write "[]"
	}
	o.changed = f.Changed
	o.filled = func() error {
		return checkFilled(c, "idle", "timeouts", "container", "docker-host", "bind", "server-name", "ca-file",
			"user", "password-file", "token-file", "auth", "scenario")
	}
}

// validate errs on what cannot be meant.
func (o *probeOptions) validate() error {
	err := errors.Join(o.filled(), checkChoice("output", o.output, "text", "json", "jsonl"), o.checkTimes())
	if o.bind != "" {
		addr, wrong := netip.ParseAddr(o.bind)
		if wrong != nil {
			err = errors.Join(err, usage("accepted: an IP address of this machine", "--bind: %.60q is not accepted", o.bind))
		}
		o.address = addr
	}
	expected := len(o.expectAlive)+len(o.expectDead) > 0
	switch {
	case err != nil:
		return firstOf(err)
	case o.connections < 1 || o.connections > mostConns:
		return usage(fmt.Sprintf("accepted: from 1 to %d", mostConns), "--connections: %d is not accepted", o.connections)
	case o.heartbeat > 0 && o.idle != noLadder && o.connections < 2:
		return usage("--heartbeat needs a connection of its own: --connections 2, or --idle none", "--connections: one is not enough")
	case o.idle == noLadder && expected:
		return usage("leave --idle out: the expected idle times are tried anyway", "--idle none leaves out what --expect-alive and --expect-dead are about")
	case o.family != 0 && o.family != 4 && o.family != 6:
		return usage("accepted: 4 or 6", "--family: %d is not accepted", o.family)
	case o.insecure && o.caFile != "":
		return usage("leave one of them out", "--insecure checks no certificate, and --ca-file says what to check it against")
	}
	return nil
}

// checkFilled errs on flags that were given an empty value, which would be taken for none at all. Those that the command does not have do not matter.
func checkFilled(c *cobra.Command, names ...string) error {
	for _, name := range names {
		if flag := c.Flags().Lookup(name); flag != nil && flag.Changed && flag.Value.String() == "" {
			return usage("is a shell variable empty?", "--%s: nothing is given", name)
		}
	}
	return nil
}

// checkTimes errs on times that are too short or too long.
func (o *probeOptions) checkTimes() error {
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
	for _, d := range o.expectAlive {
		err = errors.Join(err, between("expect-alive", d, time.Millisecond, longestIdle))
	}
	for _, d := range o.expectDead {
		err = errors.Join(err, between("expect-dead", d, time.Millisecond, longestIdle))
	}
	switch {
	case o.changed("heartbeat"):
		err = errors.Join(err, between("heartbeat", o.heartbeat, 10*time.Millisecond, longestIdle), between("for", o.lasting, o.heartbeat, longestIdle))
	case o.changed("for"):
		err = errors.Join(err, usage("add --heartbeat, such as --heartbeat 2m", "--for says how long a heartbeat goes on, and none is asked for"))
	}
	return err
}

// firstOf gives the first of several errors: one thing at a time is mended.
func firstOf(err error) error {
	for {
		joined, ok := err.(interface{ Unwrap() []error }) // the very error that Join made
		if !ok {
			return err
		}
		err = joined.Unwrap()[0]
	}
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
		rungs = probe.Rungs(known, most, o.ladderConnections())
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
func (o *probeOptions) table(ctx context.Context) (probe.Timeouts, error) {
	table, err := probe.Builtin()
	if err != nil || o.timeouts == "" {
		return table, err
	}
	data, err := readInput(ctx, o.timeouts)
	if err == nil {
		table, err = table.Extend(bytes.NewReader(data))
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, failed(fmt.Errorf("--timeouts %s: %w", o.timeouts, err), "docs/timeouts.md shows the form")
	}
	return table, nil
}

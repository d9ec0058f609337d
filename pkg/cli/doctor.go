package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"vmguard/pkg/check"
	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/report"
)

// doctorOptions is what the command line of vmguard doctor asks for.
type doctorOptions struct {
	output     string
	reports    []string // KIND=FILE
	failOn     string
	only, skip []string
	explain    string
	list       bool
	timeout    time.Duration
	saveFacts  string
	facts      string
	root       string
	compose    []string
	policy     string
	profile    string
	print      string // the name of the profile to be printed
	diff       bool
	dockerHost string
	quiet      bool
	verbose    bool
	all        bool
	noColor    bool
}

func newDoctor(app *App) *cobra.Command {
	var o doctorOptions
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Inspect this VM and say what will kill its containers",
		Long: `Inspect this VM and its Docker engine, and say what will kill the containers,
why, and the one command that mends it. Nothing is changed.

Root's rights are not needed; with them the kernel's log and each container's
network settings can be read as well. What cannot be decided is listed as unknown,
with the reason.

With --root an image is inspected before it boots: a directory that holds its file
tree. It reads nothing outside of it but the files that are named. What only a running host shows is listed as not
assessable, and never counts as fine. docs/ci.md has recipes for builds.

A policy (--policy, --profile, else /etc/vmguard/policy.yaml of the host or image)
sets thresholds and severities, requires or leaves out checks, and accepts findings for
a while; docs/policy.md says how.`,
		Example: "  vmguard doctor\n" +
			"  sudo vmguard doctor --fail-on warning -o json\n" +
			"  vmguard doctor --only swap-enabled,memory-headroom\n" +
			"  vmguard doctor --explain container-ignores-sigterm\n" +
			"  sudo vmguard doctor --save-facts facts.json; vmguard doctor --facts facts.json",
		Args: func(c *cobra.Command, args []string) error {
			if o.diff {
				return twoReports(args)
			}
			return noArgs(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			noColor, err := c.Flags().GetBool("no-color")
			if err != nil {
				return failed(err, "")
			}
			o.noColor = noColor
			for _, name := range []string{"facts", "save-facts", "root", "policy", "profile", "print-profile"} {
				if flag := c.Flags().Lookup(name); flag.Changed && flag.Value.String() == "" {
					return usage("is a shell variable empty?", "--%s: nothing is named", name)
				}
			}
			if o.diff {
				return runDiff(c.Context(), app, o, args[0], args[1])
			}
			return runDoctor(c.Context(), app, o)
		},
	}
	doctorFlags(c, &o)
	return c
}

// doctorFlags adds the flags of vmguard doctor.
func doctorFlags(c *cobra.Command, o *doctorOptions) {
	f := c.Flags()
	outputFlag(c, &o.output, doctorFormats()...)
	f.StringArrayVar(&o.reports, "report", nil, "also write the report to a file, as KIND=FILE with a kind that --output takes; may be given again")
	f.StringVar(&o.failOn, "fail-on", "critical", "exit with 1 on findings from this severity: info, warning, critical or never")
	f.StringSliceVar(&o.only, "only", nil, "run these checks alone (IDs, separated by commas)")
	f.StringSliceVar(&o.skip, "skip", nil, "leave these checks out (IDs, separated by commas)")
	f.StringVar(&o.explain, "explain", "", "explain the check with this ID, and run nothing")
	f.BoolVar(&o.list, "list", false, "list the checks, and run nothing")
	f.DurationVar(&o.timeout, "timeout", 10*time.Second, "give up after so long, at most: each fact has a limit of its own (2s to 10s); what takes longer is unknown")
	f.StringVar(&o.saveFacts, "save-facts", "", "write what was found to this file, without secrets, for --facts elsewhere")
	f.StringVar(&o.facts, "facts", "", "judge a file that --save-facts wrote instead of this host")
	f.StringVar(&o.root, "root", "", "inspect the image whose file tree is in this directory instead of this host")
	f.StringArrayVar(&o.compose, "compose", nil, "judge this compose file or Dockerfile, or those of a directory, as well; may be given again")
	f.StringVar(&o.policy, "policy", "", "judge by this policy (default: /etc/vmguard/policy.yaml, where there is one)")
	f.StringVar(&o.profile, "profile", "", "judge by a built-in policy: "+strings.Join(profileNames(), ", "))
	f.StringVar(&o.print, "print-profile", "", "print a built-in policy, to start an own one from, and run nothing")
	f.BoolVar(&o.diff, "diff", false, "say what changed between two reports that -o json wrote: vmguard doctor --diff A.json B.json")
	f.StringVar(&o.dockerHost, "docker-host", "", "the engine's endpoint, such as unix:///run/docker.sock (default: DOCKER_HOST, the docker context, /var/run/docker.sock)")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "print the verdict alone")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "print the evidence of each finding")
	f.BoolVar(&o.all, "all", false, "print what passed and what does not apply as well")
	for _, group := range [][]string{
		{"quiet", "verbose"},
		{"quiet", "all"},
		{"facts", "save-facts"},
		{"facts", "docker-host"},
		{"facts", "compose"},
		{"root", "facts"},
		{"root", "docker-host"},
		{"policy", "profile"},
		{"explain", "list", "print-profile", "diff"},
		{"diff", "only"},
		{"diff", "skip"},
		{"diff", "verbose"},
	} {
		c.MarkFlagsMutuallyExclusive(group...)
	}
	// What inspects nothing has nothing to do with these.
	for _, instead := range []string{"explain", "list", "print-profile", "diff"} {
		for _, flag := range []string{"report", "save-facts", "facts", "root", "compose", "policy", "profile", "docker-host"} {
			c.MarkFlagsMutuallyExclusive(instead, flag)
		}
	}
	for _, name := range []string{"only", "skip", "explain"} {
		if err := c.RegisterFlagCompletionFunc(name, completeChecks); err != nil {
			c.PrintErrln("error:", err)
		}
	}
}

func completeChecks(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var out []string
	for _, c := range check.All() {
		out = append(out, c.ID+"\t"+c.Title)
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

func runDoctor(ctx context.Context, app *App, o doctorOptions) error {
	if err := o.validate(); err != nil {
		return err
	}
	checks, err := check.Select(o.only, o.skip)
	if err != nil {
		return unknownCheck(err)
	}
	switch {
	case o.print != "":
		return printProfile(app, o)
	case o.explain != "":
		return explain(app, o)
	case o.list:
		return list(app, o, checks)
	}
	if len(checks) == 0 {
		return usage("vmguard doctor --list lists the checks", "--only and --skip leave no check to run")
	}
	targets, err := parseTargets(o.reports)
	if err != nil {
		return err
	}
	start := time.Now()
	facts, policy, err := o.look(ctx, app, start)
	if err != nil {
		return err
	}
	result := report.Doctor{
		Version: app.Build.number(), Facts: facts, Findings: check.Run(checks, facts, policy), Took: time.Since(start),
		Image: o.root, Policy: policy.Name, FailOn: o.failsOn(), Rules: rulesOf(checks),
	}
	if err := o.write(app, targets, result); err != nil {
		return err
	}
	if o.facts == "" && o.output == "text" && !o.quiet {
		hintRoot(app, result)
	}
	if o.failOn != "never" && result.Findings.Bad(result.FailOn) {
		return errBad
	}
	return nil
}

// look gets the facts, and the policy that they are judged by. What the user named is read
// first, so that a slip in it is told at once.
func (o doctorOptions) look(ctx context.Context, app *App, now time.Time) (*host.Facts, check.Policy, error) {
	if err := o.checkPaths(); err != nil {
		return nil, check.Policy{}, err
	}
	if o.root != "" {
		facts, policy, err := o.lookAtImage(ctx, now)
		if err == nil {
			err = readNamed(facts.Compose)
		}
		return facts, policy, err
	}
	policy, err := o.namedPolicy(ctx, now)
	if err != nil {
		return nil, check.Policy{}, err
	}
	if o.facts != "" {
		facts, err := o.recorded(ctx)
		return facts, policy, err
	}
	if !o.namesPolicy() {
		if policy, err = ownPolicy(now); err != nil {
			return nil, check.Policy{}, err
		}
	}
	facts, err := collect(ctx, app, o.dockerHost, o.compose, o.timeout)
	if err == nil {
		err = readNamed(facts.Compose)
	}
	return facts, policy, err
}

func (o doctorOptions) validate() error {
	if err := checkChoice("output", o.output, doctorFormats()...); err != nil {
		return err
	}
	if err := checkChoice("fail-on", o.failOn, "info", "warning", "critical", "never"); err != nil {
		return err
	}
	if o.timeout <= 0 {
		return usage("accepted: a positive duration such as 5s or 1m", "--timeout: %s is not accepted", o.timeout)
	}
	return nil
}

// failsOn gives the least severity that fails the run, 0 where none does. The flag's value was checked before.
func (o doctorOptions) failsOn() finding.Severity {
	severity, err := finding.ParseSeverity(o.failOn)
	if err != nil {
		return 0 // never
	}
	return severity
}

// rulesOf describes the checks to the readers of a report.
func rulesOf(checks []check.Check) []report.Rule {
	rules := make([]report.Rule, 0, len(checks))
	for _, c := range checks {
		rules = append(rules, report.Rule{ID: c.ID, Title: c.Title, Why: c.Why, Rule: c.Rule, Fix: c.Fix, Area: c.Area, Worst: c.Worst})
	}
	return rules
}

// hintRoot says what root would see more, where that is so.
func hintRoot(app *App, result report.Doctor) {
	if n := result.Findings.Count().Unknown; n == 0 || !result.Facts.System.Known() || result.Facts.System.Value.Root {
		return
	}
	if result.Image != "" {
		_, _ = fmt.Fprintf(app.Stderr, "hint: root can read all of the image; run the same with sudo\n")
		return
	}
	_, _ = fmt.Fprintf(app.Stderr, "hint: root sees more, the kernel's log for one; run: sudo vmguard doctor\n")
}

func unknownCheck(err error) error {
	var unknown *check.UnknownIDError
	if errors.As(err, &unknown) {
		return usage("vmguard doctor --list lists them all", "%w", err)
	}
	return usage("", "%w", err)
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"vmguard/pkg/check"
	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/report"
)

// doctorOptions is what the command line of vmguard doctor asks for.
type doctorOptions struct {
	output     string
	failOn     string
	only, skip []string
	explain    string
	list       bool
	timeout    time.Duration
	saveFacts  string
	facts      string
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
with the reason.`,
		Example: "  vmguard doctor\n" +
			"  sudo vmguard doctor --fail-on warning -o json\n" +
			"  vmguard doctor --only swap-enabled,memory-headroom\n" +
			"  vmguard doctor --explain container-ignores-sigterm\n" +
			"  sudo vmguard doctor --save-facts facts.json; vmguard doctor --facts facts.json",
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			noColor, err := c.Flags().GetBool("no-color")
			if err != nil {
				return failed(err, "")
			}
			o.noColor = noColor
			for _, name := range []string{"facts", "save-facts"} {
				if flag := c.Flags().Lookup(name); flag.Changed && flag.Value.String() == "" {
					return usage("is a shell variable empty?", "--%s: no file is named", name)
				}
			}
			return runDoctor(c.Context(), app, o)
		},
	}
	f := c.Flags()
	outputFlag(c, &o.output, "text", "json")
	f.StringVar(&o.failOn, "fail-on", "critical", "exit with 1 on findings from this severity: info, warning, critical or never")
	f.StringSliceVar(&o.only, "only", nil, "run these checks alone (IDs, separated by commas)")
	f.StringSliceVar(&o.skip, "skip", nil, "leave these checks out (IDs, separated by commas)")
	f.StringVar(&o.explain, "explain", "", "explain the check with this ID, and run nothing")
	f.BoolVar(&o.list, "list", false, "list the checks, and run nothing")
	f.DurationVar(&o.timeout, "timeout", 10*time.Second, "give up after so long, at most: each fact has a limit of its own (2s to 10s); what takes longer is unknown")
	f.StringVar(&o.saveFacts, "save-facts", "", "write what was found to this file, without secrets, for --facts elsewhere")
	f.StringVar(&o.facts, "facts", "", "judge a file that --save-facts wrote instead of this host")
	f.StringVar(&o.dockerHost, "docker-host", "", "the engine's endpoint, such as unix:///run/docker.sock (default: DOCKER_HOST, the docker context, /var/run/docker.sock)")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "print the verdict alone")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "print the evidence of each finding")
	f.BoolVar(&o.all, "all", false, "print what passed and what does not apply as well")
	c.MarkFlagsMutuallyExclusive("quiet", "verbose")
	c.MarkFlagsMutuallyExclusive("quiet", "all")
	c.MarkFlagsMutuallyExclusive("facts", "save-facts")
	c.MarkFlagsMutuallyExclusive("facts", "docker-host")
	c.MarkFlagsMutuallyExclusive("explain", "list")
	for _, name := range []string{"only", "skip", "explain"} {
		if err := c.RegisterFlagCompletionFunc(name, completeChecks); err != nil {
			c.PrintErrln("error:", err)
		}
	}
	return c
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
	case o.explain != "":
		return explain(app, o)
	case o.list:
		return list(app, o, checks)
	}
	start := time.Now()
	facts, err := o.getFacts(ctx, app)
	if err != nil {
		return err
	}
	findings := check.Run(checks, facts, check.DefaultPolicy(start))
	result := report.Doctor{Version: app.Build.number(), Facts: facts, Findings: findings, Took: time.Since(start)}
	if err := o.write(app, result); err != nil {
		return failed(err, "")
	}
	if o.saveFacts != "" {
		if err := saveFacts(o.saveFacts, facts); err != nil {
			return failed(err, "name a file in a directory that you may write to")
		}
	}
	if o.facts == "" && o.output == "text" && !o.quiet {
		hintRoot(app, result)
	}
	return o.judge(findings)
}

func (o doctorOptions) validate() error {
	if err := checkChoice("output", o.output, "text", "json"); err != nil {
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

// getFacts reads a recording, or takes a snapshot of this host.
func (o doctorOptions) getFacts(ctx context.Context, app *App) (*host.Facts, error) {
	if o.facts == "" {
		return collect(ctx, app, o.dockerHost, o.timeout)
	}
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	facts, err := readFacts(ctx, o.facts)
	if err != nil {
		return nil, failed(err, "--facts takes a file that vmguard doctor --save-facts wrote")
	}
	return facts, nil
}

// readFacts reads a recording, perhaps from a pipe. A pipe that nobody writes to holds up
// even its opening, which no context can end: it is left behind when ctx ends.
func readFacts(ctx context.Context, path string) (*host.Facts, error) {
	type answer struct {
		facts *host.Facts
		err   error
	}
	answers := make(chan answer, 1)
	go func() {
		file, err := os.Open(path)
		if err != nil {
			answers <- answer{nil, err}
			return
		}
		defer file.Close()
		facts, err := host.Read(file)
		if err != nil {
			err = fmt.Errorf("%s: %w", path, err)
		}
		answers <- answer{facts, err}
	}()
	select {
	case a := <-answers:
		return a.facts, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("read facts %s: %w", path, ctx.Err())
	}
}

func (o doctorOptions) write(app *App, result report.Doctor) error {
	if o.output == "json" {
		return report.DoctorJSON(app.Stdout, result)
	}
	detail := report.Problems
	switch {
	case o.quiet:
		detail = report.Verdict
	case o.all:
		detail = report.All
	}
	return report.DoctorText(app.Stdout, result, app.style(o.noColor), detail, o.verbose)
}

// judge turns the findings into the exit code.
func (o doctorOptions) judge(findings finding.Report) error {
	if o.failOn == "never" {
		return nil
	}
	severity, err := finding.ParseSeverity(o.failOn)
	if err != nil {
		return usage("", "--fail-on: %w", err)
	}
	if findings.Bad(severity) {
		return errBad
	}
	return nil
}

// saveFacts writes a recording that its owner alone may read, whole or not at all. It
// puts a new file in the place of the old one, so that place must not be a device or a link.
func saveFacts(path string, facts *host.Facts) error {
	info, err := os.Lstat(path)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return fmt.Errorf("save facts: %s is there, and is no regular file", path)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("save facts: %w", err)
	}
	file, err := renameio.NewPendingFile(path, renameio.WithStaticPermissions(0o600))
	if err != nil {
		return fmt.Errorf("save facts: %w", err)
	}
	defer file.Cleanup() //nolint:errcheck // after CloseAtomicallyReplace there is nothing left to clean up
	if err := facts.Redacted().Write(file); err != nil {
		return fmt.Errorf("save facts %s: %w", path, err)
	}
	if err := file.CloseAtomicallyReplace(); err != nil {
		return fmt.Errorf("save facts %s: %w", path, err)
	}
	return nil
}

// hintRoot says what root would see more, where that is so.
func hintRoot(app *App, result report.Doctor) {
	if n := result.Findings.Count().Unknown; n > 0 && result.Facts.System.Known() && !result.Facts.System.Value.Root {
		_, _ = fmt.Fprintf(app.Stderr, "hint: root sees more, the kernel's log for one; run: sudo vmguard doctor\n")
	}
}

func unknownCheck(err error) error {
	var unknown *check.UnknownIDError
	if errors.As(err, &unknown) {
		return usage("vmguard doctor --list lists them all", "%w", err)
	}
	return usage("", "%w", err)
}

package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"vmguard/pkg/docker"
	"vmguard/pkg/report"
	"vmguard/pkg/verdict"
)

// whyOptions is what the command line of vmguard why asks for.
type whyOptions struct {
	container  string
	output     string
	dockerHost string
	timeout    time.Duration
	since      time.Duration
	all        bool
	verbose    bool
	noColor    bool
}

func newWhy(app *App) *cobra.Command {
	var o whyOptions
	c := &cobra.Command{
		Use:   "why CONTAINER|ID-PREFIX",
		Short: "Say why a container died, how sure that is, and what mends it",
		Long: `Give one verdict on a container's last death, with its evidence, a timeline, why it was
nothing else, and what mends it. It joins what Docker says (inspect, events, health log),
the kernel's log of OOM kills, and the last lines that the container printed. Of a container
that runs, it tells past deaths, killed children, and how near its limit it is. Nothing is
restarted or changed.

The container is named by its name, its ID, or the beginning of that. Of one that is
removed, Docker's events may still tell; else the beginning of its ID finds it in the
kernel's log.

The verdicts are own-limit, parent-limit, host-oom, child-killed, runtime-heap,
stop-timeout, killed-by-someone, crashed, exited, unhealthy and unknown; docs/why.md says
what proves each, and what would refute it.

Root's rights are not needed where you may ask Docker; with them the kernel's log can be
read as well, without which no OOM kill is certain.

The exit code is 0 where there is an answer, also where that is unknown, or that the
container never died. It is 3 where there is no such container, or Docker cannot be asked.`,
		Example: "  sudo vmguard why web\n  sudo vmguard why web --all\n  sudo vmguard why 3f2a9c41 -o json\n" +
			"  sudo vmguard why web -o json | jq -r '.data.deaths[0].verdict.kind'",
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return usage("docker ps -a lists them", "vmguard why needs a container's name or ID")
			case len(args) > 1:
				return usage("ask for one after the other", "vmguard why takes one container, and got %d", len(args))
			case args[0] == "":
				return usage("is a shell variable empty?", "the container's name is empty")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			noColor, err := c.Flags().GetBool("no-color")
			if err != nil {
				return failed(err, "")
			}
			o.container, o.noColor = args[0], noColor
			return runWhy(c.Context(), app, o, c.Flags().Changed("since"))
		},
	}
	f := c.Flags()
	outputFlag(c, &o.output, "text", "json")
	f.BoolVar(&o.all, "all", false, "every death that is still on record, not the last alone")
	f.DurationVar(&o.since, "since", 0, "every death within this time, such as 24h")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "print the evidence, the whole timeline, and what was asked")
	f.StringVar(&o.dockerHost, "docker-host", "", "the engine's endpoint, such as unix:///run/docker.sock (default: DOCKER_HOST, the docker context, /var/run/docker.sock)")
	f.DurationVar(&o.timeout, "timeout", 15*time.Second, "give up after so long, at most; what takes longer is unknown")
	c.MarkFlagsMutuallyExclusive("all", "since")
	complete := completeContainers(app.Getenv, func(docker.Container) bool { return true })
	c.ValidArgsFunction = func(c *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return complete(c, args, word)
	}
	return c
}

func runWhy(ctx context.Context, app *App, o whyOptions, sinceGiven bool) error {
	if err := checkChoice("output", o.output, "text", "json"); err != nil {
		return err
	}
	if o.timeout <= 0 {
		return usage("accepted: a positive duration such as 5s or 1m", "--timeout: %s is not accepted", o.timeout)
	}
	if sinceGiven && o.since <= 0 {
		return usage("accepted: a positive duration such as 30m or 24h", "--since: %s is not accepted", o.since)
	}
	in, err := o.look(ctx, app)
	if err != nil {
		return err
	}
	result := o.judge(in)
	result.Version = app.Build.number()
	if o.output == "json" {
		return writing(report.WhyJSON(app.Stdout, result))
	}
	if err := report.WhyText(app.Stdout, result, app.style(o.noColor), o.verbose); err != nil {
		return writing(err)
	}
	hintRootWhy(app, in)
	return nil
}

// judge gives the verdicts that were asked for.
func (o whyOptions) judge(in seen) report.Why {
	c := in.Container
	r := report.Why{
		At:        in.At.Local(),
		Container: report.WhyContainer{ID: c.ID, Name: c.Name, Image: c.Image, State: c.State, RestartCount: c.RestartCount},
		Report:    verdict.Judge(in.Input),
		Witnesses: in.witnesses(),
		Namesakes: in.namesakes,
	}
	r.Deaths, r.Earlier = o.pick(r.Deaths, in.At)
	return r
}

// pick gives the deaths that were asked for, newest first, and how many others there are.
func (o whyOptions) pick(all []verdict.Death, now time.Time) (picked []verdict.Death, others int) {
	n := min(1, len(all))
	switch {
	case o.all:
		n = len(all)
	case o.since > 0:
		n = 0
		for n < len(all) && (all[n].At.IsZero() || now.Sub(all[n].At) <= o.since) {
			n++
		}
	}
	return all[:n], len(all) - n
}

// hintRootWhy says what root would see more, where that is so.
func hintRootWhy(app *App, in seen) {
	if !in.Kernel.Known() && !in.root {
		_, _ = fmt.Fprintf(app.Stderr, "hint: root sees the kernel's log as well, which names who was killed and at which limit; run: %s\n",
			report.Clean(asRoot(app.Args), 2000, app.wide()))
	}
}

package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"vmguard/pkg/docker"
	"vmguard/pkg/oom"
	"vmguard/pkg/report"
)

// oomOptions is what the command line of vmguard oom asks for.
type oomOptions struct {
	file       string
	boot       string
	since      time.Duration
	container  string
	follow     bool
	output     string
	dockerHost string
	timeZone   string
	verbose    bool
	noColor    bool

	zone    *time.Location // what timeZone names
	changed func(flag string) bool
}

func newOOM(app *App) *cobra.Command {
	var o oomOptions
	c := &cobra.Command{
		Use:   "oom",
		Short: "List what the kernel killed for want of memory, and by whose limit",
		Long: `List the processes that the kernel's OOM killer killed: when, whom, in which container, by
whose limit (the container's own, one above it, or the VM's memory), how much memory the
victim had, and what would have been enough. A summary comes first, then what could not be
found out, then each kill, the newest first, then what was read.

It reads the kernel's own log, the systemd journal and the files of syslog, as far as they
are there and may be read, and compares them with the kernel's own count of kills. With
--file it reads a log of any machine instead, also packed with gzip: what dmesg, journalctl
(also -o json) or syslog wrote. That needs no root's rights, no Docker, and no Linux.

Containers are named by their cgroup; the engine, if it answers, tells their names.
--follow waits for kills and prints each as it happens, until Ctrl-C.

The exit code is 0 also where there are kills, because this is a list and no judgement:
vmguard doctor judges. It is 3 where no log could be read at all.`,
		Example: "  sudo vmguard oom\n  sudo vmguard oom --since 24h --container web\n  sudo vmguard oom --follow -o jsonl\n" +
			"  ssh web1 sudo dmesg | vmguard oom --file -\n" +
			"  vmguard oom --file kern.log.1.gz --time-zone Europe/Berlin -v",
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			noColor, err := c.Flags().GetBool("no-color")
			if err != nil {
				return failed(err, "")
			}
			o.noColor = noColor
			if err := checkFilled(c, "file", "boot", "container", "docker-host", "time-zone"); err != nil {
				return err
			}
			if err := o.validate(); err != nil {
				return err
			}
			if o.follow {
				return o.runFollow(c.Context(), app)
			}
			return o.run(c.Context(), app)
		},
	}
	f := c.Flags()
	f.StringVarP(&o.file, "file", "f", "", "read this log instead of this host's; - is standard input")
	f.StringVar(&o.boot, "boot", oom.AllBoots, "the kills of which boot: 0 for the running one, -1 for the one before it, and so on, or all")
	f.DurationVar(&o.since, "since", 0, "the kills within this time, such as 24h")
	f.StringVar(&o.container, "container", "", "the kills in this container alone (a name, or the beginning of an ID)")
	f.BoolVar(&o.follow, "follow", false, "wait for kills, and print each as it happens")
	outputFlag(c, &o.output, "text", "json", "jsonl")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "print all kills, and how memory stood at each")
	f.StringVar(&o.timeZone, "time-zone", "", "the zone of times that name none, and of those printed, such as UTC or Europe/Berlin (default: this machine's)")
	f.StringVar(&o.dockerHost, "docker-host", "", "the engine's endpoint, such as unix:///run/docker.sock (default: DOCKER_HOST, the docker context, /var/run/docker.sock)")
	for _, other := range []string{"file", "boot", "since"} {
		c.MarkFlagsMutuallyExclusive("follow", other)
	}
	c.MarkFlagsMutuallyExclusive("file", "boot")
	o.changed = f.Changed
	all := func(docker.Container) bool { return true }
	if err := c.RegisterFlagCompletionFunc("container", completeContainers(app.Getenv, all)); err != nil {
		c.PrintErrln("error:", err)
	}
	return c
}

func (o *oomOptions) validate() error {
	if err := checkChoice("output", o.output, "text", "json", "jsonl"); err != nil {
		return err
	}
	if o.follow && o.output == "json" {
		return usage("add -o jsonl: it writes a document for each kill", "--output json is one document, which --follow never ends")
	}
	if err := oom.ValidBoot(o.boot); err != nil {
		return usage("accepted: 0 for the running boot, -1 for the one before it, and so on, or all", "--boot: %.40q is not accepted", o.boot)
	}
	if o.changed("since") && o.since <= 0 {
		return usage("accepted: a positive duration such as 30m or 24h", "--since: %s is not accepted", o.since)
	}
	if o.dockerHost != "" {
		if _, err := docker.FindEndpoint(o.dockerHost, func(string) string { return "" }); err != nil {
			return usage("a unix socket is named as unix:///var/run/docker.sock", "%w", err)
		}
	}
	o.zone = time.Local
	if o.timeZone != "" {
		zone, err := time.LoadLocation(o.timeZone)
		if err != nil {
			return usage("accepted: UTC, Local, and names such as Europe/Berlin (timedatectl list-timezones)", "--time-zone: %.60q is not known", o.timeZone)
		}
		o.zone = zone
	}
	return nil
}

// run lists the kills. A reading that the user ended is told as far as it got.
func (o *oomOptions) run(ctx context.Context, app *App) error {
	read, err := o.read(ctx, app)
	if err != nil {
		return err
	}
	names := o.namesFor(ctx, app, read.log.Kills)
	wanted, err := o.pick(read.log.Kills, names)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err() // the engine, or the log, might have told more
		}
		return err
	}
	result := o.judge(read, wanted, names)
	result.Version, result.Interrupted = app.Build.number(), ctx.Err() != nil
	if err := o.write(app, result); err != nil {
		return writing(err)
	}
	if o.output == "text" {
		o.hintRoot(app, read, names)
	}
	return ctx.Err()
}

func (o *oomOptions) write(app *App, r report.OOM) error {
	switch o.output {
	case "json":
		return report.OOMJSON(app.Stdout, r)
	case "jsonl":
		return report.OOMLines(app.Stdout, r)
	}
	return report.OOMText(app.Stdout, r, app.style(o.noColor), o.verbose)
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"vmguard/pkg/lab"
	"vmguard/pkg/report"
)

// labOptions are what the command line of vmguard lab asks for.
type labOptions struct {
	scenario string
	list     bool
	output   string
	listen   string
	idle     time.Duration
	tls      bool
	startTLS bool
	caOut    string
	first    int
	sessions int
	ghostFor time.Duration
	delay    time.Duration
	push     time.Duration
	noColor  bool
}

func newLab(app *App) *cobra.Command {
	var o labOptions
	c := &cobra.Command{
		Use:   "lab",
		Short: "Serve an IMAP server behind a path that misbehaves, for one's own client",
		Long: `Serve an IMAP server on the loopback interface, behind a path that does to idle connections
what load balancers, NATs, proxies and servers do: reset them, forget them, close them, swallow
their packets. It prints its address and credentials, and a line for each connection and fault,
and serves until Ctrl-C. So a client's own handling of ECONNRESET can be tried in seconds.

No root's rights, no Docker and no network are needed. The mailbox is empty, and the password is
made anew for each run.`,
		Example: "  vmguard lab --list\n  vmguard lab --scenario reset-on-use --idle 10s\n  vmguard lab --scenario black-hole --listen 127.0.0.1:1143",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			noColor, err := c.Flags().GetBool("no-color")
			if err != nil {
				return failed(err, "")
			}
			o.noColor = noColor
			return o.run(c.Context(), app)
		},
	}
	f := c.Flags()
	f.StringVar(&o.scenario, "scenario", labScenario(), "what happens to idle connections; --list tells what there is")
	f.BoolVar(&o.list, "list", false, "list the scenarios, and serve nothing")
	outputFlag(c, &o.output, "text", "json")
	f.DurationVar(&o.idle, "idle", labLimit, "the idle time after which it happens")
	f.StringVar(&o.listen, "listen", "127.0.0.1:0", "the address to listen on; port 0 takes a free one")
	f.BoolVar(&o.tls, "tls", false, "TLS from the beginning, with a certificate of an authority made for this run")
	f.BoolVar(&o.startTLS, "starttls", false, "TLS by the command STARTTLS")
	f.StringVar(&o.caOut, "ca-out", "", "write that authority's certificate to this file, for clients to trust")
	f.IntVar(&o.first, "first", 1, "how many connections the scenario reset-first resets")
	f.IntVar(&o.sessions, "sessions", 2, "how many sessions the scenario ghosts allows")
	f.DurationVar(&o.ghostFor, "ghost-for", 30*time.Second, "how long ghosts counts a session that was cut")
	f.DurationVar(&o.delay, "delay", 0, "how late slow-server answers (default: never)")
	f.DurationVar(&o.push, "push-every", 0, "how often push speaks (default: half of --idle)")
	c.MarkFlagsMutuallyExclusive("tls", "starttls")
	if err := c.RegisterFlagCompletionFunc("scenario", completeScenarios); err != nil {
		c.PrintErrln("error:", err)
	}
	return c
}

func (o *labOptions) run(ctx context.Context, app *App) error {
	if err := checkChoice("output", o.output, "text", "json"); err != nil {
		return err
	}
	if o.list {
		if o.output == "json" {
			return writing(report.ScenariosJSON(app.Stdout, lab.Scenarios()))
		}
		return writing(report.ScenariosText(app.Stdout, lab.Scenarios(), app.style(o.noColor)))
	}
	if o.output == "json" {
		return usage("add --list", "--output json is for --list")
	}
	scenario, err := lab.Find(o.scenario)
	if err != nil {
		return usage("vmguard lab --list tells what each is", "--scenario: %w", err)
	}
	if o.idle <= 0 || o.first < 1 || o.sessions < 1 || o.ghostFor <= 0 || o.delay < 0 || o.push < 0 {
		return usage("accepted: positive times and numbers", "one of --idle, --first, --sessions, --ghost-for, --delay, --push-every is not positive")
	}
	if o.caOut != "" && !o.tls && !o.startTLS && !scenario.NeedsTLS {
		return usage("add --tls or --starttls", "--ca-out: without TLS there is no certificate")
	}
	return o.serve(ctx, app, scenario)
}

// serve plays the scenario until the user ends it, which is how it is meant to end.
func (o *labOptions) serve(ctx context.Context, app *App, scenario lab.Scenario) error {
	options := lab.Options{
		Idle: o.idle, Listen: o.listen, First: o.first, Sessions: o.sessions, GhostFor: o.ghostFor, Delay: o.delay, PushEvery: o.push,
		Event: func(e lab.Event) { _ = report.LabEventText(app.Stdout, e, app.wide()) },
	}
	switch {
	case o.tls, scenario.NeedsTLS && !o.startTLS:
		options.TLS = lab.ImplicitTLS
	case o.startTLS:
		options.TLS = lab.StartTLS
	}
	// Started before it is told, and told before it is accepted: the first line names the address.
	l, err := lab.Start(ctx, scenario, options)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		hint := "--listen takes an address of this machine and a port, such as 127.0.0.1:1143"
		if errors.Is(err, syscall.EADDRINUSE) {
			hint = "another program listens there: choose another port, or 0 for a free one"
		}
		return failed(err, hint)
	}
	defer l.Close() //nolint:errcheck // it was to be ended
	if o.caOut != "" {
		if err := os.WriteFile(o.caOut, l.CA(), 0o600); err != nil {
			return failed(fmt.Errorf("write the certificate: %w", err), "")
		}
	}
	if err := report.LabText(app.Stdout, report.Lab{Scenario: scenario, Idle: o.idle, Addr: l.Addr().String(), User: l.User(), Password: l.Password(), TLS: options.TLS, CA: l.CA(), CAFile: o.caOut},
		app.style(o.noColor)); err != nil {
		return writing(err)
	}
	<-ctx.Done()
	return errDone
}

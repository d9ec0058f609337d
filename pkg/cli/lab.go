package cli

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/google/renameio/v2"
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
			if err := checkFilled(c, "scenario", "listen", "ca-out"); err != nil {
				return err
			}
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
	if err := o.validate(); err != nil {
		return err
	}
	if o.caOut != "" && !o.tls && !o.startTLS && !scenario.NeedsTLS {
		return usage("add --tls or --starttls", "--ca-out: without TLS there is no certificate")
	}
	return o.serve(ctx, app, scenario)
}

// validate errs on what cannot be meant.
func (o *labOptions) validate() error {
	for _, f := range []struct {
		name string
		is   bool
		got  any
	}{
		{"idle", o.idle > 0, o.idle}, {"first", o.first > 0, o.first}, {"sessions", o.sessions > 0, o.sessions}, {"ghost-for", o.ghostFor > 0, o.ghostFor},
		{"delay", o.delay >= 0, o.delay}, {"push-every", o.push >= 0, o.push},
	} {
		if !f.is {
			return usage("accepted: what is above 0", "--%s: %v is not accepted", f.name, f.got)
		}
	}
	if _, _, err := net.SplitHostPort(o.listen); err != nil {
		return usage("accepted: an address of this machine and a port, such as 127.0.0.1:1143; port 0 takes a free one", "--listen: %.100q is not accepted", o.listen)
	}
	return nil
}

// serve plays the scenario until the user ends it, which is how it is meant to end.
func (o *labOptions) serve(ctx context.Context, app *App, scenario lab.Scenario) error {
	// It serves before its address is known, and what happens is told after that.
	var told sync.Mutex
	told.Lock()
	unlock := sync.OnceFunc(told.Unlock)
	defer unlock()
	options := lab.Options{
		Idle: o.idle, Listen: o.listen, First: o.first, Sessions: o.sessions, GhostFor: o.ghostFor, Delay: o.delay, PushEvery: o.push,
		Event: func(e lab.Event) {
			told.Lock()
			defer told.Unlock()
			_ = report.LabEventText(app.Stdout, e, app.wide())
		},
	}
	switch {
	case o.tls, scenario.NeedsTLS && !o.startTLS:
		options.TLS = lab.ImplicitTLS
	case o.startTLS:
		options.TLS = lab.StartTLS
	}
	l, err := lab.Start(ctx, scenario, options)
	switch {
	case err != nil && ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return failed(err, listenHint(err))
	}
	defer l.Close() //nolint:errcheck // it was to be ended
	defer unlock()
	if o.caOut != "" {
		if err := saveAuthority(ctx, o.caOut, l.CA()); err != nil {
			return failed(err, "name a new file, in a directory that you may write to")
		}
	}
	if err := report.LabText(app.Stdout, report.Lab{
		Scenario: scenario, Idle: o.idle, Addr: l.Addr().String(), User: l.User(), Password: l.Password(), TLS: options.TLS, CA: l.CA(), CAFile: o.caOut,
	}, app.style(o.noColor)); err != nil {
		return writing(err)
	}
	unlock()
	<-ctx.Done()
	return errDone
}

func listenHint(err error) string {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return "another program listens there: choose another port, or 0 for a free one"
	case errors.Is(err, syscall.EACCES):
		return "a port below 1024 needs root's rights: choose a higher one"
	}
	return "--listen takes an address of this machine and a port, such as 127.0.0.1:1143"
}

// saveAuthority writes an authority's certificate, which everybody may read, whole or not at all. Only a new file is
// written, or one that an earlier lab wrote: a mistyped name must not cost root the machine's own authorities.
func saveAuthority(ctx context.Context, path string, certificate []byte) error {
	info, err := os.Lstat(path)
	switch {
	case err == nil && (!info.Mode().IsRegular() || !isAuthority(ctx, path)):
		return fmt.Errorf("write the certificate: %s is there, and is none of an earlier lab", path)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("write the certificate: %w", err)
	}
	if err := renameio.WriteFile(path, certificate, 0o644, renameio.WithStaticPermissions(0o644)); err != nil {
		return fmt.Errorf("write the certificate %s: %w", path, err)
	}
	return nil
}

// isAuthority tells whether a regular file holds the certificate of a lab's authority and nothing else, or nothing at all.
func isAuthority(ctx context.Context, path string) bool {
	data, err := readInput(ctx, path)
	if err != nil || len(data) == 0 { // as mktemp(1) makes one
		return err == nil
	}
	block, rest := pem.Decode(data)
	if block == nil || len(rest) > 0 {
		return false
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	return err == nil && certificate.Subject.CommonName == "vmguard lab authority"
}

package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"vmguard/pkg/lab"
	"vmguard/pkg/probe"
	"vmguard/pkg/probe/imap"
	"vmguard/pkg/report"
)

// The lab's times: so short that the whole is seen in less than 20 seconds.
const (
	labLimit     = 3500 * time.Millisecond // between two idle times of the ladder
	labMaxIdle   = 8 * time.Second
	labAnswer    = 2 * time.Second
	labPrecision = 200 * time.Millisecond
)

// labScenario is what a newcomer sees: the connection is reset on its next use, and TCP keepalive helps.
func labScenario() string {
	if runtime.GOOS == "linux" {
		return "flow-table"
	}
	return "reset-on-use" // elsewhere a server cannot see keepalive
}

func completeScenarios(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var out []string
	for _, s := range lab.Scenarios() {
		out = append(out, s.Name+"\t"+s.Title)
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// runLab probes the built-in lab: the same engine as for a real server, with shorter times.
func (o *imapOptions) runLab(ctx context.Context, app *App) error {
	for _, flag := range []string{"user", "password-file", "password-stdin", "token-file", "auth", "container", "bind", "family", "server-name", "ca-file", "timeouts"} {
		if o.changed(flag) {
			return usage("name the host: vmguard probe imap HOST", "--%s is for a real server, and none is named: the built-in lab was meant", flag)
		}
	}
	name := o.scenario
	if name == "" {
		name = labScenario()
	}
	scenario, err := lab.Find(name)
	if err != nil {
		return usage("vmguard lab --list tells what each is", "--scenario: %w", err)
	}
	o.shorten()
	mode, implicit := lab.Plain, false
	switch {
	case o.startTLS:
		mode = lab.StartTLS
	case o.tls, scenario.NeedsTLS:
		mode, implicit = lab.ImplicitTLS, true
	}
	l, err := lab.Start(ctx, scenario, lab.Options{Idle: labLimit, TLS: mode})
	if err != nil {
		return failed(err, labHint(app, err))
	}
	defer l.Close() //nolint:errcheck // the run is over
	session := &imap.Session{
		StartTLS: o.startTLS, AllowClear: mode == lab.Plain,
		Login: &imap.Login{User: l.User(), Secret: imap.NewSecret(l.Password())},
	}
	p := &probing{
		probeOptions: &o.probeOptions, protocol: session, scenario: scenario.Name, loggedIn: func() bool { return session.Learned().LoggedIn },
		target: probe.Target{Host: "built-in lab", Addr: l.Addr(), Implicit: implicit},
		notes:  []string{"that was the built-in lab; for the way to a real server: vmguard probe imap HOST --user USER --password-file FILE"},
	}
	if mode != lab.Plain {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(l.CA())
		p.target.TLS = &tls.Config{ServerName: "localhost", RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	if p.table, err = o.table(ctx); err != nil {
		return err
	}
	if p.rungs, err = o.rungs(p.table.For("imap", true)); err != nil {
		return err
	}
	if o.output == "text" {
		text := fmt.Sprintf("no host is named, so this is the built-in lab on %s, without any network. Scenario %s: %s.", l.Addr(), scenario.Name, scenario.Title)
		if scenario.Limited() {
			text += " Its limit is " + report.Seconds(labLimit) + "."
		}
		if _, err := fmt.Fprintf(app.Stdout, "%s\n\n", report.Paragraph(text, app.style(o.noColor))[2:]); err != nil {
			return writing(err)
		}
	}
	return p.run(ctx, app)
}

// labHint says what helps where a scenario cannot be played.
func labHint(app *App, err error) string {
	if errors.Is(err, fs.ErrPermission) {
		return "this kernel lets only root do that; another scenario works without, or run: " + asRoot(app.Args)
	}
	return ""
}

// shorten puts the lab's times where the user gave none.
func (o *probeOptions) shorten() {
	for flag, set := range map[string]func(){
		"max-idle":       func() { o.maxIdle = labMaxIdle },
		"answer-timeout": func() { o.answer = labAnswer },
		"precision":      func() { o.precision = labPrecision },
	} {
		if !o.changed(flag) {
			set()
		}
	}
}

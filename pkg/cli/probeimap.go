package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"vmguard/pkg/probe"
	"vmguard/pkg/probe/imap"
)

// imapOptions are what the command line of vmguard probe imap asks for.
type imapOptions struct {
	probeOptions
	secretOptions
	tls, startTLS, plain bool
	user                 string
	auth                 string
	scenario             string
}

// The ports of IMAP (RFC 9051 section 2.1, RFC 8314).
const (
	imapPort  = 143
	imapsPort = 993
)

// preAuthIdle is the ladder's end without a login: servers close what does not log in after one to three minutes.
const preAuthIdle = 170 * time.Second

func newProbeIMAP(app *App) *cobra.Command {
	var o imapOptions
	c := &cobra.Command{
		Use:   "imap [HOST[:PORT]]",
		Short: "Measure how long an idle IMAP connection lives; without a host, in a built-in lab",
		Long: `Open several IMAP connections, leave each idle for another length of time, send a NOOP, and
say after how long idle they die, how, and which box on the way probably did it; then compare
silence, TCP keepalive and a NOOP at intervals, and recommend an interval.

Without a host it runs against a built-in lab on the loopback interface: a path that forgets idle
connections after 3.5 seconds. That takes less than 20 seconds, no root, no Docker and no network.

All idle times run side by side, so the first pass takes as long as the longest of them; a
second pass, about as long as the limit that was found, narrows it and compares the arms.
The longest connection is opened first and alone: a refused login is never tried again.

Without --user the server's own timer for those who do not log in ends the connections after one
to three minutes, so nothing longer is measured. A password is read from a file, from standard
input, or from the variable ` + passwordVariable + `; it is never part of the output.

The exit code is 0 when the idle time was measured, whatever came out; 1 when an expectation
was not met or the connection of --heartbeat died; 3 when nothing could be measured.`,
		Example: "  vmguard probe imap\n" +
			"  vmguard probe imap imap.example.org --user me@example.org --password-file pw\n" +
			"  vmguard probe imap imap.example.org --user me@example.org --auth xoauth2 --token-file token --idle 9m30s,11m\n" +
			"  vmguard probe imap mail:143 --starttls --user me --password-stdin <pw --heartbeat 2m --for 1h\n" +
			"  sudo vmguard probe imap imap.example.org --container imap-sync --user me --password-file pw\n" +
			"  vmguard probe imap mail.example.org --user me --password-file pw --expect-alive 10m -o json",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage("one host at a time; a path may be another for each", "%s takes one host, and got %d", c.CommandPath(), len(args))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			noColor, err := c.Flags().GetBool("no-color")
			if err != nil {
				return failed(err, "")
			}
			o.noColor = noColor
			host := ""
			if len(args) > 0 {
				host = args[0]
			}
			return o.run(c.Context(), app, host, len(args) > 0)
		},
	}
	f := c.Flags()
	f.BoolVar(&o.tls, "tls", false, "TLS from the beginning, port 993 (the default)")
	f.BoolVar(&o.startTLS, "starttls", false, "TLS by the command STARTTLS, port 143")
	f.BoolVar(&o.plain, "plain", false, "no TLS at all, port 143: a password goes over the network in the clear")
	f.StringVar(&o.user, "user", "", "log in as this user (default: no login)")
	f.StringVar(&o.passwordFile, "password-file", "", "read the password from the first line of this file")
	f.BoolVar(&o.passwordStdin, "password-stdin", false, "read the password, or the token, from standard input")
	f.StringVar(&o.tokenFile, "token-file", "", "read an access token from the first line of this file, for xoauth2 and oauthbearer")
	f.StringVar(&o.auth, "auth", "", "how to log in: login, plain, xoauth2 or oauthbearer (default: plain where the server offers it, else login)")
	f.StringVar(&o.scenario, "scenario", "", "without a host: the lab's scenario (vmguard lab --list)")
	o.flags(c)
	c.MarkFlagsMutuallyExclusive("tls", "starttls", "plain")
	if err := c.RegisterFlagCompletionFunc("scenario", completeScenarios); err != nil {
		c.PrintErrln("error:", err)
	}
	return c
}

func (o *imapOptions) run(ctx context.Context, app *App, host string, named bool) error {
	if err := o.validate(); err != nil {
		return err
	}
	if !named {
		return o.runLab(ctx, app)
	}
	if o.scenario != "" {
		return usage("leave the host out", "--scenario is for the built-in lab, and a host is named")
	}
	if err := o.checkLogin(app); err != nil {
		return err
	}
	session := &imap.Session{StartTLS: o.startTLS, AllowClear: o.plain}
	p := &probing{probeOptions: &o.probeOptions, protocol: session, loggedIn: func() bool { return session.Learned().LoggedIn }}
	if o.user == "" {
		p.capToPreAuth()
	}
	port := uint16(imapsPort)
	if o.startTLS || o.plain {
		port = imapPort
	}
	name, port, err := splitHost(host, port)
	if err != nil {
		return err
	}
	if p.table, err = o.table(ctx); err != nil {
		return err
	}
	if p.rungs, err = o.rungs(p.table.For("imap", o.user != "")); err != nil {
		return err
	}
	if o.user != "" {
		secret, err := o.read(ctx, app)
		if err != nil {
			return err
		}
		session.Login = &imap.Login{User: o.user, Secret: secret, Mechanism: imap.Mechanism(o.auth)}
	}
	if err := p.aim(ctx, app, name, port, !o.plain, !o.startTLS && !o.plain); err != nil {
		return err
	}
	return p.run(ctx, app)
}

// checkLogin errs on what cannot be meant of who logs in, and how.
func (o *imapOptions) checkLogin(app *App) error {
	if o.auth != "" {
		if err := checkChoice("auth", o.auth, "login", "plain", "xoauth2", "oauthbearer"); err != nil {
			return err
		}
	}
	switch {
	case o.user == "" && (o.auth != "" || o.secretOptions != (secretOptions{})):
		return usage("add --user", "a way to log in is given, and no user")
	case o.user == "":
		return nil
	case strings.ContainsFunc(o.user, unicode.IsControl):
		return usage("accepted: a name as the server knows it", "--user: a control character is in it")
	}
	return o.check(app, imap.Mechanism(o.auth))
}

// capToPreAuth shortens the ladder to what can be measured without a login, unless the user knows better.
func (p *probing) capToPreAuth() {
	note := "without a login the server's own timer ends the connections, often after 60 to 180 s: what is measured may be that; --user logs in"
	if p.idle == "" && !p.changed("max-idle") && len(p.expectAlive)+len(p.expectDead) == 0 {
		p.maxIdle = preAuthIdle
		note += "; so nothing beyond " + strconv.Itoa(int(preAuthIdle/time.Second)) + " s was tried"
	}
	p.notes = append(p.notes, note)
}

// splitHost takes HOST, HOST:PORT, [IPv6]:PORT or IPv6.
func splitHost(arg string, port uint16) (host string, _ uint16, err error) {
	if strings.Contains(arg, "@") { // what stands before it may be a password
		return "", 0, usage("the host alone; the user with --user, the password with --password-file", "a host has no @ in it")
	}
	wrong := usage("accepted: imap.example.org, imap.example.org:993, 192.0.2.1:993, [2001:db8::1]:993", "%.100q is no host", arg)
	bare := arg
	if strings.HasPrefix(arg, "[") && strings.HasSuffix(arg, "]") {
		bare = arg[1 : len(arg)-1]
	}
	if addr, err := netip.ParseAddr(bare); err == nil {
		return addr.String(), port, nil
	}
	host = arg
	if strings.Contains(arg, ":") {
		var text string
		if host, text, err = net.SplitHostPort(arg); err != nil {
			return "", 0, wrong
		}
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil || n == 0 {
			return "", 0, wrong
		}
		port = uint16(n)
	}
	if host == "" || len(host) > 253 || strings.ContainsAny(host, "/ \\\x00\r\n\t") || strings.HasPrefix(host, "-") {
		return "", 0, wrong
	}
	return host, port, nil
}

// aim resolves the host once, and says how TLS is spoken with it.
func (p *probing) aim(ctx context.Context, app *App, host string, port uint16, secure, implicit bool) error {
	if p.container != "" {
		pid, err := containerPID(ctx, app, p.dockerHost, p.container)
		if err != nil {
			return err
		}
		p.target.PID = pid
	}
	addr, err := p.resolve(ctx, host)
	if err != nil {
		return err
	}
	p.target.Host, p.target.Addr, p.target.Implicit = host, netip.AddrPortFrom(addr, port), implicit
	if secure {
		p.target.TLS, err = p.tlsConfig(ctx, app, host)
		return err
	}
	for _, flag := range []string{"server-name", "ca-file", "insecure"} {
		if p.changed(flag) {
			return usage("leave it out, or begin TLS", "--%s is about a certificate, and without TLS there is none", flag)
		}
	}
	return nil
}

// resolve gives the host's address.
func (o *probeOptions) resolve(ctx context.Context, host string) (netip.Addr, error) {
	resolving, cancel := context.WithTimeout(ctx, o.open)
	defer cancel()
	addr, err := probe.Resolve(resolving, host, o.family)
	switch {
	case err == nil:
		return addr, nil
	case ctx.Err() != nil:
		return addr, ctx.Err()
	case errors.Is(err, probe.ErrNoAddress):
		return addr, failed(fmt.Errorf("%s has no address of IPv%d", host, o.family), "leave --family out, or try the other one")
	}
	return addr, failed(err, "is the name right, and does this machine resolve others? try: getent hosts "+host)
}

// tlsConfig says whom to trust.
func (o *probeOptions) tlsConfig(ctx context.Context, app *App, host string) (*tls.Config, error) {
	config := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if o.serverName != "" {
		config.ServerName = o.serverName
	}
	if o.insecure {
		config.InsecureSkipVerify = true // asked for, and said loudly
		_, _ = fmt.Fprintln(app.Stderr, "warning: --insecure: the server's certificate is not checked; anybody on the way can read and change everything, the password too")
	}
	if o.caFile != "" {
		pem, err := readInput(ctx, o.caFile)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			return nil, failed(fmt.Errorf("read certificates: %w", err), "--ca-file takes a file in PEM")
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, failed(fmt.Errorf("read certificates: %s holds none in PEM", o.caFile), "a PEM file has lines such as -----BEGIN CERTIFICATE-----")
		}
	}
	return config, nil
}

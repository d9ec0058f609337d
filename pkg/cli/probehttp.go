package cli

import (
	"context"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"vmguard/pkg/probe/http"
)

// httpOptions are what the command line of vmguard probe http asks for.
type httpOptions struct {
	probeOptions
	method string
}

func newProbeHTTP(app *App) *cobra.Command {
	var o httpOptions
	c := &cobra.Command{
		Use:   "http URL",
		Short: "Measure how long an idle HTTP keep-alive connection lives",
		Long: `Open several HTTP/1.1 connections, send a request over each, leave it idle for another length
of time, send the request again, and say after how long idle the connection is closed or reset: by
the load balancer or proxy before one's service, or by the service itself.

A client or proxy that keeps connections for longer than that will now and then send a request
into a closed one, and see ECONNRESET or a 502. Redirects are not followed.

The exit code is 0 when the idle time was measured, whatever came out; 1 when an expectation
was not met or the connection of --heartbeat died; 3 when nothing could be measured.`,
		Example: "  vmguard probe http https://www.example.org/health\n" +
			"  vmguard probe http http://127.0.0.1:8080/ --max-idle 2m\n" +
			"  vmguard probe http https://www.example.org/ --expect-alive 70s -o json",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("such as: vmguard probe http https://www.example.org/", "%s takes one URL, and got %d", c.CommandPath(), len(args))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			noColor, err := c.Flags().GetBool("no-color")
			if err != nil {
				return failed(err, "")
			}
			o.noColor = noColor
			return o.run(c.Context(), app, args[0])
		},
	}
	c.Flags().StringVar(&o.method, "method", "GET", "the request's method: GET or HEAD")
	o.flags(c)
	return c
}

func (o *httpOptions) run(ctx context.Context, app *App, arg string) error {
	if err := o.validate(); err != nil {
		return err
	}
	if err := checkChoice("method", o.method, "GET", "HEAD"); err != nil {
		return err
	}
	u, err := parseURL(arg)
	if err != nil {
		return err
	}
	secure := u.Scheme == "https"
	port := uint16(80)
	if secure {
		port = 443
	}
	name, port, err := splitHost(u.Host, port)
	if err != nil {
		return err
	}
	p := &probing{
		probeOptions: &o.probeOptions,
		protocol:     &http.Client{Host: u.Host, Path: u.RequestURI(), Method: o.method, UserAgent: "vmguard/" + strings.TrimSpace(app.Build.number())},
	}
	if p.table, err = o.table(ctx); err != nil {
		return err
	}
	if p.rungs, err = o.rungs(p.table.For("http", true)); err != nil {
		return err
	}
	if err := p.aim(ctx, app, name, port, secure, secure); err != nil {
		return err
	}
	if p.target.TLS != nil {
		p.target.TLS.NextProtos = []string{"http/1.1"}
	}
	return p.run(ctx, app)
}

// parseURL takes a URL of HTTP. No error holds it where it may hold a password.
func parseURL(arg string) (*url.URL, error) {
	u, err := url.Parse(arg)
	switch {
	case err == nil && u.User != nil, strings.Contains(arg, "@") && (err != nil || u.Host == ""):
		return nil, usage("leave user and password out of the URL: they would be seen in the list of processes", "a URL with a user or a password is not accepted")
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, usage("accepted: http://HOST[:PORT]/PATH or https://...", "%.200q is no URL of HTTP", arg)
	}
	return u, nil
}

// Package docker asks a Docker engine what it is and what its containers are doing.
// It is the only place that knows the Docker SDK: everything it gives out are its own
// types. It only ever reads (GET and HEAD), and takes an engine's answers for foreign
// input: bounded in size and time, and possibly wrong.
package docker

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/docker/docker/api"
	"github.com/docker/docker/api/types/versions"
	"github.com/docker/docker/client"
)

// maxConns bounds the connections that are kept for the next request. It is more
// than any number of requests that run at a time: a connection that finds no place
// is closed, and the next request pays for a new one.
const maxConns = inspectors + 4

// Client asks one Docker engine. It is safe for concurrent use.
type Client struct {
	endpoint Endpoint
	sdk      *client.Client
	wire     *wire

	// gate lets one caller at a time agree on an API version; it guards agreed and engineAPI.
	gate   chan struct{}
	agreed bool
	// engineAPI is the newest API version that the engine speaks; empty where its ping did not say.
	engineAPI string
}

// Dial prepares a client for an endpoint. It reads the TLS files, if any, but sends
// nothing: whether an engine is there shows at the first question. It errs for an
// address or TLS files that cannot be used.
func Dial(e Endpoint) (*Client, error) {
	base := &http.Transport{
		MaxIdleConns:           maxConns,
		MaxIdleConnsPerHost:    maxConns,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: 256 << 10,
	}
	scheme := "http"
	if e.TLS != nil {
		config, err := e.TLS.config()
		if err != nil {
			return nil, fmt.Errorf("docker endpoint %s: %w", e.Host, err)
		}
		base.TLSClientConfig = config
		scheme = "https"
	}
	w := &wire{base: base}
	hc := &http.Client{Transport: base, CheckRedirect: client.CheckRedirect}
	sdk, err := client.NewClientWithOpts(
		client.WithHTTPClient(hc), // before WithHost, which sets the dialer of this very transport
		client.WithHost(e.Host),
		client.WithScheme(scheme),
		client.WithAPIVersionNegotiation(),
		client.WithUserAgent("vmguard"),
	)
	if err != nil {
		return nil, fmt.Errorf("docker endpoint %s: %w", e.Host, err)
	}
	// NewClientWithOpts has wrapped the transport for tracing. hc is still ours, and
	// the SDK looks at its transport anew for each request.
	hc.Transport = w
	return &Client{endpoint: e, sdk: sdk, wire: w, gate: make(chan struct{}, 1)}, nil
}

// Endpoint is where the client asks.
func (c *Client) Endpoint() Endpoint { return c.endpoint }

// Close closes the connections that are kept for further questions. It must be
// called when no question is under way any more.
func (c *Client) Close() { c.wire.base.CloseIdleConnections() }

// agree settles the API version with the engine, once for the client's life. The SDK
// would do so by itself, but drops the error of its ping and then asks in vain.
func (c *Client) agree(ctx context.Context) error {
	select {
	case c.gate <- struct{}{}:
		defer func() { <-c.gate }()
	case <-ctx.Done():
		return c.fail("ping", ctx.Err())
	}
	if c.agreed {
		return nil
	}
	ping, err := c.sdk.Ping(ctx)
	if err != nil {
		return c.fail("ping", err)
	}
	if v := ping.APIVersion; v != "" {
		if !isAPIVersion(v) {
			return c.fail("ping", fmt.Errorf("%w: its API version is %.40q", errNotEngine, v))
		}
		if versions.LessThan(v, api.MinSupportedAPIVersion) {
			return c.fail("ping", tooOldError{engine: v})
		}
	}
	c.sdk.NegotiateAPIVersionPing(ping)
	c.engineAPI = ping.APIVersion
	c.agreed = true
	return nil
}

// isAPIVersion tells whether v is like "1.41". The SDK puts it into each request's path.
func isAPIVersion(v string) bool {
	dots := 0
	for i := 0; i < len(v); i++ {
		switch {
		case v[i] == '.' && i > 0 && i < len(v)-1:
			dots++
		case v[i] < '0' || v[i] > '9':
			return false
		}
	}
	return dots == 1 && len(v) <= 8
}

// config reads the files into a configuration for crypto/tls.
func (t *TLS) config() (*tls.Config, error) {
	c := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: t.SkipVerify, //nolint:gosec // only where the user's environment or context says so
	}
	if t.CA != "" {
		pem, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, fmt.Errorf("read CA: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read CA %s: no certificate in it", t.CA)
		}
	}
	if (t.Cert == "") != (t.Key == "") {
		return nil, errors.New("of cert.pem and key.pem only one is there")
	}
	if t.Cert != "" {
		pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, fmt.Errorf("read client certificate: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

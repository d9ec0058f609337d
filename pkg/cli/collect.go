package cli

import (
	"context"
	"time"

	"vmguard/pkg/docker"
	"vmguard/pkg/host"
)

// collect takes a snapshot of this host and its engine. It errs only where there is
// nothing to take a snapshot of; what could not be read is missing in the facts.
func collect(ctx context.Context, app *App, dockerHost string, compose []string, timeout time.Duration) (*host.Facts, error) {
	source, client, err := open(app, dockerHost)
	if err != nil {
		return nil, err
	}
	defer source.Close() //nolint:errcheck // nothing was written
	defer client.Close()
	source.Compose = compose
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return host.Collect(ctx, source), nil
}

// open prepares this host and its engine to be asked. The caller closes both.
func open(app *App, dockerHost string) (host.Source, *docker.Client, error) {
	endpoint, err := docker.FindEndpoint(dockerHost, app.Getenv)
	if err != nil {
		return host.Source{}, nil, usage("a unix socket is named as unix:///var/run/docker.sock", "%w", err)
	}
	source, err := host.LiveSource()
	if err != nil {
		return host.Source{}, nil, failed(err, "on another system, judge a recording: vmguard doctor --facts FILE")
	}
	client, err := docker.Dial(endpoint)
	if err != nil {
		_ = source.Close() // nothing was written
		return host.Source{}, nil, failed(err, "")
	}
	source.Docker, source.DockerNamed = client, endpoint.Named
	return source, client, nil
}

package cli

import (
	"context"
	"time"

	"vmguard/pkg/docker"
	"vmguard/pkg/host"
)

// collect takes a snapshot of this host and its engine. It errs only where there is
// nothing to take a snapshot of; what could not be read is missing in the facts.
func collect(ctx context.Context, app *App, dockerHost string, timeout time.Duration) (*host.Facts, error) {
	endpoint, err := docker.FindEndpoint(dockerHost, app.Getenv)
	if err != nil {
		return nil, usage("a unix socket is named as unix:///var/run/docker.sock", "%w", err)
	}
	source, err := host.LiveSource()
	if err != nil {
		return nil, failed(err, "on another system, judge a recording: vmguard doctor --facts FILE")
	}
	defer source.Close() //nolint:errcheck // nothing was written
	client, err := docker.Dial(endpoint)
	if err != nil {
		return nil, failed(err, "")
	}
	defer client.Close()

	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	source.Docker, source.DockerNamed = client, endpoint.Named
	return host.Collect(ctx, source), nil
}

package docker

import (
	"context"

	"github.com/docker/docker/api/types/container"
)

// HealthLog gives the runs of a container's healthcheck that the engine still has on
// record, oldest first: it keeps five. It is empty where there is no healthcheck, or
// none has run. The error is an *Error.
func (c *Client) HealthLog(ctx context.Context, id string) ([]Probe, error) {
	in, err := c.describe(ctx, "read health log", id)
	if err != nil {
		return nil, err
	}
	if in.ContainerJSONBase == nil || in.State == nil || in.State.Health == nil {
		return nil, nil
	}
	return probes(in.State.Health.Log), nil
}

// mostProbes bounds how many runs are taken from an engine's answer, the newest of them.
const mostProbes = 20

// probes takes the runs of a healthcheck from the engine's answer.
func probes(log []*container.HealthcheckResult) []Probe {
	var out []Probe
	for _, r := range log[max(0, len(log)-mostProbes):] {
		if r != nil {
			out = append(out, probe(r))
		}
	}
	return out
}

func probe(r *container.HealthcheckResult) Probe {
	return Probe{End: utc(r.End), ExitCode: r.ExitCode, Output: cut(text(r.Output), probeOutputLimit)}
}

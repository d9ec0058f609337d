package cli

import (
	"slices"
	"sort"
	"time"

	"vmguard/pkg/docker"
	"vmguard/pkg/host"
	"vmguard/pkg/report"
)

// mostNamesakes bounds how many containers that had the name before are told of.
const mostNamesakes = 10

// namesakes are the removed containers that had a container's name before it, and whose
// death is on record, the newest first: docker rm -f, or compose up, put another in their
// place, and it may be their death that is asked for.
func namesakes(removed []host.Container, c host.Container) []report.Namesake {
	if c.Name == "" {
		return nil
	}
	var before time.Time // of a removed one, a later one is no earlier one
	if c.State == docker.StateRemoved {
		before, _ = lastDeath(c)
	}
	var out []report.Namesake
	for _, one := range removed {
		died, code := lastDeath(one)
		if one.Name != c.Name || one.ID == c.ID || died.IsZero() || !before.IsZero() && !died.Before(before) {
			continue
		}
		out = append(out, report.Namesake{ID: one.ID, Image: one.Image, Died: died, ExitCode: code})
	}
	sort.Slice(out, func(i, j int) bool {
		if !out[i].Died.Equal(out[j].Died) {
			return out[i].Died.After(out[j].Died)
		}
		return out[i].ID < out[j].ID
	})
	return out[:min(mostNamesakes, len(out))]
}

// lastDeath is when a container died last by the engine's events, and with which exit code;
// zero where they do not tell.
func lastDeath(c host.Container) (time.Time, *int) {
	for _, e := range slices.Backward(c.Events) {
		if e.Action == "die" {
			return e.Time, e.ExitCode
		}
	}
	return time.Time{}, nil
}

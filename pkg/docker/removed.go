package docker

import (
	"context"
	"sort"

	"github.com/docker/docker/api/types/events"
)

// Removed gives the containers that are not among those listed, but of which the
// engine's events still tell: removed ones, as docker run --rm and docker compose down
// leave them. They have their ID, name, image and events, and the state StateRemoved;
// whatever inspect would tell is gone: StopSignal is empty, and StopTimeout the engine's
// default, which need not have been theirs. The one with the newest event comes first. The
// error is an *Error.
func (c *Client) Removed(ctx context.Context, listed []Container) ([]Container, error) {
	if err := c.agree(ctx); err != nil {
		return nil, err
	}
	there := map[string]bool{}
	for _, one := range listed {
		there[one.ID] = true
	}
	found := map[string]*Container{}
	err := c.eachEvent(ctx, func(m events.Message, e Event) {
		if there[m.Actor.ID] {
			return
		}
		one := found[m.Actor.ID]
		if one == nil {
			one = &Container{
				ID: text(m.Actor.ID), State: StateRemoved, InspectError: "the container is removed", EventsKnown: true,
				StopTimeout: defaultStopTimeout,
			}
			found[m.Actor.ID] = one
		}
		one.Name, one.Image = text(m.Actor.Attributes["name"]), text(m.Actor.Attributes["image"])
		one.Events = append(one.Events, e)
	})
	if err != nil {
		return nil, err
	}
	var out []Container
	for _, one := range found {
		sort.SliceStable(one.Events, func(i, j int) bool { return one.Events[i].Time.Before(one.Events[j].Time) })
		out = append(out, *one)
	}
	newest := func(c Container) Event { return c.Events[len(c.Events)-1] }
	sort.Slice(out, func(i, j int) bool { return newest(out[j]).Time.Before(newest(out[i]).Time) })
	return out, nil
}

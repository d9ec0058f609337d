package docker

import (
	"context"
	"errors"
	"io"
	"slices"
	"sort"
	"strconv"
	"time"

	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
)

// eventsPast is how far back the engine is asked for events.
const eventsPast = 24 * time.Hour

// eventActions are the actions that a container's end and beginning consist of.
var eventActions = []events.Action{
	events.ActionDie, events.ActionKill, events.ActionOOM,
	events.ActionStop, events.ActionRestart, events.ActionStart,
}

// events asks for the containers' past events, by container ID, oldest first. It
// errs unless the engine ended the answer itself: a part is not to be taken for all.
// Half of ctx's time belongs to it.
func (c *Client) events(ctx context.Context) (map[string][]Event, error) {
	past := map[string][]Event{}
	err := c.eachEvent(ctx, func(m events.Message, e Event) { past[m.Actor.ID] = append(past[m.Actor.ID], e) })
	if err != nil {
		return nil, err
	}
	for _, one := range past {
		sort.SliceStable(one, func(i, j int) bool { return one[i].Time.Before(one[j].Time) })
	}
	return past, nil
}

// eachEvent hands on the containers' past events, as events describes it.
func (c *Client) eachEvent(ctx context.Context, take func(events.Message, Event)) error {
	ctx, cancel := within(ctx, 0.5)
	defer cancel()
	until := c.eventsUntil(time.Now())
	query := filters.NewArgs(filters.Arg("type", string(events.ContainerEventType)))
	for _, action := range eventActions {
		query.Add("event", string(action))
	}
	messages, ends := c.sdk.Events(ctx, events.ListOptions{
		Since:   unixNano(until.Add(-eventsPast)),
		Until:   unixNano(until),
		Filters: query,
	})
	for {
		select {
		case m := <-messages:
			if e, ok := eventFrom(m); ok {
				take(m, e)
			}
		case err := <-ends:
			for range ends { // closed when the SDK's goroutine ends
			}
			var broken *wireError // an EOF there is no answer at all
			if errors.As(err, &broken) || !errors.Is(err, io.EOF) {
				return c.fail("list events", err)
			}
			return nil
		}
	}
}

// eventsUntil is the end of the time that is asked for: now, by the engine's clock. A
// moment that is still to come there would keep the answer open until it has come, so
// for an engine elsewhere its own last time stamp is taken, which is up to a second old.
func (c *Client) eventsUntil(now time.Time) time.Time {
	if theirs := c.wire.engineTime(); !c.endpoint.Local() && !theirs.IsZero() {
		return theirs
	}
	return now
}

// unixNano writes a time as the engine's API takes it, seconds and nanoseconds.
func unixNano(t time.Time) string {
	ns := strconv.Itoa(t.Nanosecond())
	return strconv.FormatInt(t.Unix(), 10) + "." + "000000000"[len(ns):] + ns
}

// eventFrom takes from an event what vmguard uses; false for an event of no interest.
func eventFrom(m events.Message) (Event, bool) {
	if m.Actor.ID == "" || !slices.Contains(eventActions, m.Action) {
		return Event{}, false
	}
	e := Event{Time: time.Unix(0, m.TimeNano).UTC(), Action: string(m.Action)}
	if m.TimeNano == 0 {
		e.Time = time.Unix(m.Time, 0).UTC()
	}
	switch m.Action {
	case events.ActionKill:
		e.Signal, _ = SignalNumber(m.Actor.Attributes["signal"])
	case events.ActionDie:
		if code, err := strconv.Atoi(m.Actor.Attributes["exitCode"]); err == nil {
			e.ExitCode = &code
		}
	}
	return e, true
}

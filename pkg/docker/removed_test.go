package docker

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
)

// TestRemoved takes containers from the list, whose events are still on record.
func TestRemoved(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	c := f.client()
	all, err := c.Containers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Removed(t.Context(), all)
	if err != nil || len(got) == 0 { // those of a run before that have the same names
		t.Errorf("of the run before: %v, %v", got, err)
	}
	for _, one := range got {
		if slices.ContainsFunc(all, func(c Container) bool { return c.ID == one.ID }) {
			t.Errorf("%s is listed, and yet removed", one.Name)
		}
	}
	if got, err = c.Removed(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		i := slices.IndexFunc(got, func(c Container) bool { return c.ID == one.ID })
		if (i >= 0) != (len(one.Events) > 0) {
			t.Errorf("%s has %d events; found: %v", one.Name, len(one.Events), i >= 0)
			continue
		}
		if i < 0 {
			continue
		}
		if gone := got[i]; gone.Name != one.Name || gone.State != StateRemoved || gone.InspectError == "" || gone.Image != realImage || gone.StopSignal != "" ||
			len(gone.Events) != len(one.Events) || !gone.EventsKnown {
			t.Errorf("%s: %+v", one.Name, gone)
		}
	}
	for i := 1; i < len(got); i++ {
		last := func(c Container) Event { return c.Events[len(c.Events)-1] }
		if last(got[i]).Time.After(last(got[i-1]).Time) {
			t.Error("the newest does not come first")
		}
	}

	f.answer["/events"] = say(http.StatusInternalServerError, `{"message":"out of order"}`)
	var e *Error
	if got, err := c.Removed(t.Context(), nil); !errors.As(err, &e) || e.Reason != EngineError || got != nil {
		t.Errorf("an engine without events: %v, %v", got, err)
	}
}

// TestRealRemoved lets the engine remove a container at its end.
func TestRealRemoved(t *testing.T) {
	c := realEngine(t)
	realImageFrom(t, c)
	const name = realPrefix + "gone"
	made, err := c.sdk.ContainerCreate(t.Context(), &container.Config{Image: realImage, Cmd: []string{"exit", "7"}},
		&container.HostConfig{AutoRemove: true, NetworkMode: "none"}, nil, nil, name)
	if err != nil {
		t.Fatal(err)
	}
	realStart(t, c, made.ID)
	until(t, "the container is removed", func() bool {
		_, err := c.sdk.ContainerInspect(t.Context(), made.ID)
		return err != nil && strings.Contains(err.Error(), "No such container")
	})
	all, err := c.Containers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	removed, err := c.Removed(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range removed {
		if one.ID == made.ID {
			last := one.Events[len(one.Events)-1]
			if one.Name != name || last.Action != "die" || last.ExitCode == nil || *last.ExitCode != 7 {
				t.Errorf("%+v", one)
			}
			return
		}
	}
	t.Error("it is not among the removed")
}

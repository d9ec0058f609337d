package docker

import (
	"context"
	"errors"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
)

// inspectors is how many containers are inspected at a time. With 100 running containers
// on two CPUs, 2 took half as long again as 8, and 16 and 100 gained nothing over 8.
const inspectors = 8

// Containers lists and inspects all containers, stopped ones too, ordered by name.
//
// The error is an *Error, and means that not even the list could be had. What fails
// after that is said where it is missing: a container that the engine does not
// describe, or not before the deadline, keeps what the list said and gets an
// InspectError; where the events fail, EventsKnown is false; where the images fail,
// ImageSize is 0. A container that was removed in between is left out. Of ctx's
// time a tenth is kept back, so that one hanging inspect does not cost the rest.
func (c *Client) Containers(ctx context.Context) ([]Container, error) {
	if err := c.agree(ctx); err != nil {
		return nil, err
	}
	caller := ctx
	ctx, cancel := within(ctx, 0.9)
	var side sync.WaitGroup
	defer func() { // where the list fails, nothing else is waited for
		cancel()
		side.Wait()
	}()
	var past map[string][]Event
	var pastErr error
	var sizes map[string]uint64
	side.Go(func() { past, pastErr = c.events(ctx) })
	side.Go(func() { sizes = c.imageSizes(ctx) })

	list, err := c.sdk.ContainerList(ctx, container.ListOptions{All: true})
	if err != nil {
		return nil, c.fail("list containers", err)
	}
	found := c.inspectAll(ctx, list)
	side.Wait()
	if errors.Is(caller.Err(), context.Canceled) {
		return nil, c.fail("list containers", caller.Err())
	}
	for i := range found {
		found[i].ImageSize = sizes[found[i].ImageID]
		found[i].Events = past[found[i].ID]
		found[i].EventsKnown = pastErr == nil
	}
	sort.Slice(found, func(i, j int) bool {
		if found[i].Name != found[j].Name {
			return found[i].Name < found[j].Name
		}
		return found[i].ID < found[j].ID
	})
	return found, nil
}

// within gives a context with a share of the time that ctx still has.
func within(ctx context.Context, share float64) (context.Context, context.CancelFunc) {
	if end, ok := ctx.Deadline(); ok {
		return context.WithTimeout(ctx, time.Duration(share*float64(time.Until(end))))
	}
	return context.WithCancel(ctx)
}

// inspectAll describes the listed containers, a few at a time.
func (c *Client) inspectAll(ctx context.Context, list []container.Summary) []Container {
	out := make([]*Container, len(list))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(inspectors, len(list)) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(list); i = int(next.Add(1)) - 1 {
				out[i] = c.inspect(ctx, list[i])
			}
		})
	}
	workers.Wait()
	found := make([]Container, 0, len(list))
	for _, one := range out {
		if one != nil {
			found = append(found, *one)
		}
	}
	return found
}

// inspect describes one listed container; nil where it is gone.
func (c *Client) inspect(ctx context.Context, listed container.Summary) *Container {
	more, err := c.sdk.ContainerInspect(ctx, listed.ID)
	if err == nil {
		one := convert(listed, more)
		return &one
	}
	if isGone(err) {
		return nil
	}
	one := convertListed(listed)
	one.InspectError = c.why(err)
	return &one
}

// isGone tells whether the engine said that there is no such container. A 404 with
// other words may just as well be a proxy that does not know the path.
func isGone(err error) bool {
	return errdefs.IsNotFound(err) && strings.Contains(strings.ToLower(err.Error()), "no such container")
}

// why is an error's reason in words.
func (c *Client) why(err error) string {
	var e *Error
	if errors.As(c.fail("inspect container", err), &e) {
		return e.Why()
	}
	return clip(err.Error())
}

// imageSizes gives the images' sizes in bytes by ID; empty where the engine does not
// say. One list takes about as long as inspecting a single image, and half the time
// belongs to it: sizes are not worth waiting for.
func (c *Client) imageSizes(ctx context.Context) map[string]uint64 {
	ctx, cancel := within(ctx, 0.5)
	defer cancel()
	list, err := c.sdk.ImageList(ctx, image.ListOptions{})
	if err != nil {
		return nil
	}
	sizes := make(map[string]uint64, len(list))
	for _, one := range list {
		sizes[one.ID] = natural(one.Size)
	}
	return sizes
}

package host

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"vmguard/pkg/docker"
)

// joinWorkers is how many containers are looked at together: enough that one whose
// files are slow does not hold up the others, and few enough for 1,000 containers.
const joinWorkers = 8

// readContainers lists the engine's containers and joins each with the kernel's part.
func readContainers(ctx context.Context, s Source, sh shared, ask func() asked) Fact[[]Container] {
	if why := noEngine(s); why != "" {
		return Missing[[]Container](why)
	}
	list, why := listContainers(ctx, s, ask)
	if why != "" {
		return Missing[[]Container](why)
	}
	j := joiner{
		tree:      s.FS,
		cgroup:    sh.cgroup,
		keepalive: s.Keepalive,
		host: sync.OnceValue(func() Fact[Keepalive] {
			return hostKeepalive(func(name string) Fact[int64] { return readSysctl(s.FS, name) })
		}),
	}
	return Known(joinAll(ctx, j, list), "docker inspect")
}

// listContainers gives the engine's list, or why there is none. Where the engine does
// not even describe itself in time, its list is not waited for.
func listContainers(ctx context.Context, s Source, ask func() asked) (list []docker.Container, why string) {
	started := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, listLimit, overrun(listLimit))
	defer cancel()
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	go func() {
		if ask().failure == docker.Timeout {
			giveUp(overrun(engineLimit))
		}
	}()
	list, err := s.Docker.Containers(ctx)
	if err != nil {
		return nil, failure(ctx, started, err)
	}
	return list, ""
}

// stepLimit is how long a step may take whose partial results are to outlive it: at
// most limit, and less than the whole reading still has.
func stepLimit(ctx context.Context, limit time.Duration) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return min(limit, time.Until(deadline)*4/5)
	}
	return limit
}

// joinAll joins all containers, and keeps the order. Those that are not done in time
// keep the engine's account alone.
func joinAll(ctx context.Context, j joiner, list []docker.Container) []Container {
	type result struct {
		of        int
		container Container
	}
	started := time.Now()
	limit := stepLimit(ctx, fileLimit)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, overrun(limit))
	defer cancel()
	results := make(chan result, len(list)) // room for all, so that nobody is kept waiting
	var next atomic.Int64
	for range min(joinWorkers, len(list)) {
		go func() {
			for i := int(next.Add(1)) - 1; i < len(list) && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				results <- result{i, j.join(ctx, Container{Container: list[i]})}
			}
		}()
	}
	all := make([]Container, len(list))
	done := make([]bool, len(list))
	for range list {
		select {
		case r := <-results:
			all[r.of], done[r.of] = r.container, true
			continue
		case <-ctx.Done():
		}
		break
	}
	for i := range all {
		if !done[i] {
			all[i] = Container{Container: list[i]}.without(givenUp(ctx, started))
		}
	}
	return all
}

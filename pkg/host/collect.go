package host

import (
	"context"
	"time"

	"vmguard/pkg/docker"
	"vmguard/pkg/oom"
	"vmguard/pkg/rootfs"
)

// Engine is what host asks of a Docker engine.
type Engine interface {
	// Info describes the engine.
	Info(ctx context.Context) (docker.Engine, error)
	// Containers lists and inspects all containers, stopped ones too.
	Containers(ctx context.Context) ([]docker.Container, error)
}

// Source is where facts come from. All fields but FS may be left empty; what they
// would have given is then Missing.
type Source struct {
	// FS is the host's file tree.
	FS *rootfs.FS
	// Live tells that FS is the running host's own, so that what the process can ask the
	// kernel directly, and the devices in /dev, belong to it.
	Live bool
	// Compose names the compose files, Dockerfiles and directories of such to be read, as the user spelled them.
	Compose []string
	// Root tells that the process has root's rights.
	Root bool
	// KernelLog reads OOM kills from the kernel's log.
	KernelLog func(context.Context) (oom.Log, error)
	// DiskUsage tells the space of the filesystem that holds a path.
	DiskUsage func(ctx context.Context, path string) (Disk, error)
	// Keepalive reads TCP keepalive settings inside the network namespace of a process.
	Keepalive func(ctx context.Context, pid int) (Keepalive, error)
	// Docker is the engine, nil where there is none to ask; NoDocker then says why.
	Docker   Engine
	NoDocker error
	// DockerNamed tells that the user named the endpoint, so that an engine is to be expected.
	DockerNamed bool
	// Awake tells the time since boot that was not spent in suspend, 0 where it cannot.
	Awake func() time.Duration
	// Now is the clock.
	Now func() time.Time
}

// Close releases the file tree.
func (s Source) Close() error {
	if s.FS == nil {
		return nil
	}
	return s.FS.Close()
}

// How long each fact may take. The context's own deadline also holds, where it is earlier.
const (
	// fileLimit is for what is read from files, the kernel's log and statfs(2). All of it
	// takes microseconds, or hangs: on a dead network filesystem, or a process that
	// the kernel holds.
	fileLimit = 2 * time.Second
	// engineLimit is for an engine to describe itself. When it is over, the list of
	// containers is no longer waited for either.
	engineLimit = 5 * time.Second
	// listLimit is for an engine to list and inspect its containers: 1,000 of them take
	// a loaded engine seconds.
	listLimit = 10 * time.Second
	// slack is what a fact with several such steps gets on top, so that the steps' own
	// limits strike first and keep what was read before.
	slack = 500 * time.Millisecond
)

// Collect takes a snapshot of a host. It reads all facts concurrently, each with its
// own deadline (files and the kernel's log 2 s, the engine 5 s, its containers 10 s),
// and never fails as a whole: what cannot be read is a missing fact that says why. It
// returns once every fact is known or missing, at the latest when ctx ends.
func Collect(ctx context.Context, s Source) *Facts {
	now := s.Now
	if now == nil {
		now = time.Now
	}
	facts := &Facts{CollectedAt: now().UTC()}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.FS = s.FS.Within(ctx)
	gather(ctx, facts, readings(ctx, s))
	facts.Disks = keepDisks(facts.Disks)
	facts.EngineHere = engineHere(facts)
	facts.DaemonConfig = configOfEngine(facts)
	return facts
}

// keepDisks drops the places of disks that the host does not have.
func keepDisks(disks []Fact[Disk]) []Fact[Disk] {
	kept := make([]Fact[Disk], 0, len(disks))
	for _, d := range disks {
		if d.Value.Role != "" {
			kept = append(kept, d)
		}
	}
	return kept
}

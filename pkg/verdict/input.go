package verdict

import (
	"cmp"
	"slices"
	"time"

	"vmguard/pkg/docker"
	"vmguard/pkg/host"
	"vmguard/pkg/oom"
)

// Input is what is known of one container. A part that could not be read is a Missing
// fact and says why; no verdict takes it for an empty one.
type Input struct {
	// At is when all this was read.
	At time.Time
	// BootedAt is when the machine started; zero where that is not known.
	BootedAt time.Time
	// Container is the engine's inspect and events, joined with the kernel's part of a running one.
	Container host.Container
	// Kernel is the kernel's log of the machine that the engine runs on.
	Kernel host.Fact[KernelLog]
	// Parents are the memory cgroups above the container's, nearest first, without the root.
	Parents host.Fact[[]host.MemoryGroup]
	// Health is the healthcheck's log, oldest first. The engine keeps five runs.
	Health host.Fact[[]docker.Probe]
	// Output is the last lines that the container printed, oldest first.
	Output host.Fact[[]Line]
	// Journal is what the engine's own log says of the container, oldest first.
	Journal host.Fact[[]Line]
	// Memory and Swaps are those of the host now.
	Memory host.Fact[host.Memory]
	Swaps  host.Fact[[]host.SwapArea]
	// Healer names what restarts unhealthy containers on this host ("autoheal"); empty
	// where nothing is known to. A swarm is known from its container.
	Healer string
}

// Line is one line of a log.
type Line struct {
	At   time.Time // zero where the line has no date
	Text string
	// Source is who wrote it, where a log is of several writers; else empty.
	Source string
}

// KernelLog is what a kernel's log, or several joined, says of OOM kills.
type KernelLog struct {
	// Kills are all kills on record, of any cgroup, in the log's order. One without At
	// can be laid to no death.
	Kills []oom.Kill
	// Since is from when on no kill is missing; zero where that cannot be told, or where records were lost.
	Since time.Time
	// Unlogged is how many kills the kernel counts (/proc/vmstat oom_kill) beyond those in
	// its log. Of a log that was cut off at its beginning they are the older ones.
	Unlogged uint64
}

// FromLog dates the kills of a kernel's log that have no date by the moment of boot, by
// the clock which does not run in suspend; zero where that is not known. counted is
// /proc/vmstat's oom_kill, nil where unknown.
func FromLog(log oom.Log, boot time.Time, counted *uint64) KernelLog {
	out := KernelLog{Kills: slices.Clone(log.Kills)}
	for i := range out.Kills {
		if k := &out.Kills[i]; k.At.IsZero() && k.SinceBoot > 0 && !boot.IsZero() {
			k.At = boot.Add(k.SinceBoot)
		}
	}
	if counted != nil && *counted > uint64(len(log.Kills)) {
		out.Unlogged = *counted - uint64(len(log.Kills))
	}
	switch {
	case log.Lost > 0 || log.Malformed > 0 || log.Unnamed > 0 || log.More > 0:
	case !log.Truncated && out.Unlogged > 0: // it begins at boot, and yet lacks kills
	case !log.Truncated:
		out.Since = boot
	case len(out.Kills) > 0: // its oldest record is no younger than its first kill
		out.Since = out.Kills[0].At
	}
	return out
}

// FromFacts makes the input for one of the containers of a host's snapshot. For many of
// them see Snapshot.
func FromFacts(f *host.Facts, c host.Container) Input { return hostInput(f).of(c) }

// hostInput is what a host's facts say to every container.
func hostInput(f *host.Facts) Input {
	in := Input{At: f.CollectedAt, Memory: f.Memory, Swaps: f.Swaps}
	var awakeSince time.Time
	if s := f.System; s.Known() && !f.CollectedAt.IsZero() {
		in.BootedAt = f.CollectedAt.Add(-s.Value.Uptime)
		awakeSince = f.CollectedAt.Add(-cmp.Or(s.Value.Awake, s.Value.Uptime))
	}
	elsewhere := f.EngineHere.Known() && !f.EngineHere.Value
	switch {
	case elsewhere:
		in.Kernel = host.Missing[KernelLog]("the engine runs on another machine, whose kernel log is not read here")
		in.BootedAt = time.Time{}
		in.Memory = host.Missing[host.Memory]("the engine runs on another machine")
		in.Swaps = host.Missing[[]host.SwapArea]("the engine runs on another machine")
	case !f.OOM.Known():
		in.Kernel = host.Missing[KernelLog](f.OOM.Why())
	default:
		in.Kernel = host.Known(FromLog(f.OOM.Value, awakeSince, f.VMStat.Value.OOMKill), f.OOM.Source)
	}
	in.Parents = host.Missing[[]host.MemoryGroup]("the cgroups above it were not read")
	in.Output = host.Missing[[]Line]("the container's log was not read")
	in.Journal = host.Missing[[]Line]("the engine's log was not read")
	return in
}

// of adds a container.
func (in Input) of(c host.Container) Input {
	in.Container = c
	if h := c.Health; h != nil && h.Last != nil {
		in.Health = host.Known([]docker.Probe{*h.Last}, inspectOf(c))
	} else {
		in.Health = host.Missing[[]docker.Probe]("no run of a healthcheck on record")
	}
	return in
}

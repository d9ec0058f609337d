package verdict_test

import (
	"strings"
	"time"

	"vmguard/pkg/docker"
	"vmguard/pkg/host"
	"vmguard/pkg/oom"
	"vmguard/pkg/verdict"
)

// id is the container's ID in all tests, own its cgroup.
const (
	id  = "cbc08f72fdea37de2099203c9b871a7c2da2e761a3609ebd9c276b054857d65d"
	own = "/docker/" + id
)

const (
	mib = 1 << 20
	gib = 1 << 30
)

// at is a moment, so many milliseconds after the first start.
func at(ms int) time.Time {
	return time.Date(2026, 11, 25, 23, 4, 0, 0, time.UTC).Add(time.Duration(ms) * time.Millisecond)
}

// ev is an event; n is a die's exit code or a kill's signal.
func ev(ms int, action string, n ...int) docker.Event {
	e := docker.Event{Time: at(ms), Action: action}
	switch {
	case action == "die" && len(n) > 0:
		e.ExitCode = &n[0]
	case action == "kill" && len(n) > 0:
		e.Signal = n[0]
	}
	return e
}

// dead is a container that ended with a code; inspect and the events are what the engine
// gives of it.
func dead(code, finished int, events ...docker.Event) host.Container {
	c := host.Container{Container: docker.Container{
		ID: id, Name: "app", Image: "app", State: "exited", ExitCode: code,
		StartedAt: at(0), FinishedAt: at(finished), Program: "app",
		StopSignal: "SIGTERM", StopTimeout: 10 * time.Second, Restart: docker.Policy{Name: "no"},
		Events: events, EventsKnown: true,
	}}
	return c
}

// alive is a container that runs since the first moment.
func alive(events ...docker.Event) host.Container {
	c := dead(0, 0, events...)
	c.State, c.PID, c.FinishedAt = "running", 5844, time.Time{}
	return c
}

// limited gives a container a memory limit with no swap, in MiB.
func limited(c host.Container, limit uint64) host.Container {
	c.Limits = docker.Limits{Memory: limit * mib, MemorySwap: int64(limit * mib)}
	return c
}

func flagged(c host.Container) host.Container {
	c.OOMKilled = true
	return c
}

// kill is a kernel's kill in the container at the limit of a cgroup; "" is the whole host.
func kill(ms int, limiter string) oom.Kill {
	rss := uint64(31 * mib)
	k := oom.Kill{PID: 6258, Comm: "app", TaskCgroup: own, LimitCgroup: limiter, Scope: oom.ScopeCgroup, AnonRSS: &rss, At: at(ms)}
	if strings.HasPrefix(limiter, "/docker") {
		limit := uint64(32 * mib)
		k.Limit = &limit
	}
	if limiter == "" {
		k.Scope = oom.ScopeHost
	}
	return k
}

// lone is a kill line without its summary, as the kernel's rate limit leaves it.
func lone(ms int) oom.Kill {
	return oom.Kill{PID: 7012, Comm: "app", Scope: oom.ScopeCgroup, At: at(ms)}
}

// kernel is a log that reaches back an hour before the first start.
func kernel(kills ...oom.Kill) host.Fact[verdict.KernelLog] {
	return host.Known(verdict.KernelLog{Kills: kills, Since: at(-3600_000)}, "/dev/kmsg")
}

// noKernel is a log that could not be read.
func noKernel() host.Fact[verdict.KernelLog] {
	return host.Missing[verdict.KernelLog]("reading the kernel log needs root")
}

// shortKernel is a log that begins after the deaths.
func shortKernel(kills ...oom.Kill) host.Fact[verdict.KernelLog] {
	return host.Known(verdict.KernelLog{Kills: kills, Since: at(3600_000)}, "/dev/kmsg")
}

// known is an input with a host of 2 GiB, of which half is available, without swap.
func known(c host.Container, log host.Fact[verdict.KernelLog]) verdict.Input {
	return verdict.Input{
		At: at(600_000), BootedAt: at(-3600_000), Container: c, Kernel: log,
		Memory: host.Known(host.Memory{Total: 2 * gib, Available: gib}, "/proc/meminfo"),
		Swaps:  host.Known([]host.SwapArea{}, "/proc/swaps"),
	}
}

// printed adds what the container printed; its lines have no date.
func printed(in verdict.Input, lines ...string) verdict.Input {
	var out []verdict.Line
	for _, l := range lines {
		out = append(out, verdict.Line{Text: l})
	}
	in.Output = host.Known(out, "docker logs app")
	return in
}

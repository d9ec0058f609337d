package check

import (
	"cmp"
	"fmt"
	"time"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
	"vmguard/pkg/verdict"
)

var containerNoMemoryLimit = Check{
	ID: "container-no-memory-limit", Area: finding.Containers, Worst: finding.Warning,
	Title: "The container has a memory limit",
	Why: "Without a limit one leak takes the whole VM, and the kernel then picks a victim among all containers and daemons. " +
		"With a limit the leaking container is killed alone.",
	Rule: "A warning for each running container without a limit; info where it is the only running container. Unknown where the engine could not be asked.",
	Fix: "docker update --memory and --memory-swap, or mem_limit in the compose file; its peak use, and no less than twice what it uses now, is a good start. " +
		"A command is only proposed for a container that has run for a day, and whose peak the kernel has kept.",
	Judge: func(f *host.Facts, _ Policy) []finding.Finding {
		severity := finding.Warning
		if len(runningContainers(f)) == 1 {
			severity = finding.Info
		}
		return eachRunning(f, func(c host.Container) finding.Finding { return judgeNoLimit(f, c, severity) })
	},
}

func judgeNoLimit(f *host.Facts, c host.Container, severity finding.Severity) finding.Finding {
	if c.Limits.Memory > 0 {
		return pass("its memory is limited to "+human.Bytes(c.Limits.Memory), inspect(c, "Memory "+human.Bytes(c.Limits.Memory), ""))
	}
	return fail(severity, "no memory limit: one leak in it takes the whole VM", firstLimit(f, c), inspect(c, "Memory 0", "a limit"))
}

// firstLimit proposes a limit only for a container that has been watched for a day: what
// a container uses right after its start says little, and a limit that is too low kills it.
func firstLimit(f *host.Facts, c host.Container) *finding.Remedy {
	m := c.Memory.Value
	up, ok := since(f, c.StartedAt)
	if !c.Memory.Known() || m.Peak == nil || !ok || up < 24*time.Hour {
		return remedy("watch for a day what it uses at its peak (docker stats), then limit it to no less than that", "")
	}
	use := m.WorkingSet
	if m.SwapUsage != nil {
		use += *m.SwapUsage
	}
	limit := max(roundUp(max(*m.Peak, 2*use), 64*mib), 128*mib)
	both := limit
	if swapTotal(f.Swaps.Value) > 0 {
		both *= 2 // as much swap again, the engine's own default
	}
	return updateContainer(c, fmt.Sprintf("limit it to what it used at its peak of the last %s, and no less than twice what it uses now", human.Duration(up)),
		fmt.Sprintf("--memory %dm --memory-swap %dm", limit/mib, both/mib))
}

// updateContainer gives the docker update command, but not where something else made the
// container: there the change would be lost, or fought over, at its next replacement.
func updateContainer(c host.Container, text, flags string) *finding.Remedy {
	switch {
	case c.ManagedBy != "":
		return remedy(text+", where "+c.ManagedBy+" is told how to run it", "")
	case c.ComposeProject != "":
		text += ", and write the same into the compose file, or its next up undoes it"
	}
	return remedy(text, "docker update "+flags+" "+human.ShellWord(c.Name))
}

var containerNearLimit = Check{
	ID: "container-near-limit", Area: finding.Containers, Worst: finding.Critical,
	Title: "The container is not about to hit its memory limit",
	Why: "At its limit the kernel (not the Docker daemon) kills a process of the container, without a word in the container's log. " +
		"Counted is what the kernel cannot drop: all but the page cache, so that a container that reads many files is not taken for one that is about to die.",
	Rule: "Critical from 95 % of the limit, a warning from 85 %; or from a policy's container-near-limit-critical and container-near-limit. Unknown where the container's memory cgroup cannot be read. " +
		"Does not apply without a limit.",
	Fix: "Raise the limit, or cap the program's heap below it.",
	Judge: func(f *host.Facts, p Policy) []finding.Finding {
		return eachRunning(f, func(c host.Container) finding.Finding { return judgeNearLimit(f, c, p.Thresholds) })
	},
}

func judgeNearLimit(f *host.Facts, c host.Container, t Thresholds) finding.Finding {
	limit := c.Limits.Memory
	if c.Memory.Known() && c.Memory.Value.Limit != nil {
		limit = *c.Memory.Value.Limit
	}
	switch {
	case limit == 0:
		return skipped("it has no memory limit")
	case !c.Memory.Known():
		return unknown("cannot tell how near its limit it is: " + c.Memory.Why())
	}
	used := cmp.Or(c.Memory.Value.Unreclaimable, c.Memory.Value.WorkingSet) // no process lives without any memory of its own
	text := fmt.Sprintf("memory at %s of its limit (%s of %s, page cache apart)", human.Percent(used, limit), human.Bytes(used), human.Bytes(limit))
	seen := wanted(c.Memory.Source, "without page cache "+human.Bytes(used), "below "+spellPercent(t.NearLimitPercent)+" of "+human.Bytes(limit))
	severity := finding.Warning
	switch share := percentOf(used, limit); {
	case share >= t.NearLimitCriticalPercent:
		severity = finding.Critical
	case share < t.NearLimitPercent:
		return pass(text, seen)
	}
	c.Limits.Memory = limit
	raise := verdict.RaiseNearLimit(c, f.Memory)
	return fail(severity, text+": past it the kernel kills one of its processes", &raise, seen)
}

var containerSwapSurprise = Check{
	ID: "container-swap-surprise", Area: finding.Containers, Worst: finding.Warning,
	Title: "The container's use of swap is what its limits seem to say",
	Why: "--memory alone does not mean no swap: with --memory-swap unset the container may use as much swap again as its memory limit, " +
		"as soon as the host has swap. With --memory-swap -1 it may use all of the host's.",
	Rule: "With a memory limit and swap active on the host: a warning when the container's swap is unlimited, info when it is the default share. " +
		"Info when it was given swap and the host has none. Unknown where the host's swap cannot be read. Does not apply without a memory limit.",
	Fix: "Set --memory-swap: equal to --memory for none, larger for the difference.",
	Judge: func(f *host.Facts, _ Policy) []finding.Finding {
		return eachRunning(f, func(c host.Container) finding.Finding { return judgeSwapSurprise(f, c) })
	},
}

func judgeSwapSurprise(f *host.Facts, c host.Container) finding.Finding {
	limit := c.Limits.Memory
	switch {
	case limit == 0:
		return skipped("it has no memory limit")
	case engineElsewhere(f) != "":
		return unknown("cannot tell whether the engine's machine has swap: " + engineElsewhere(f))
	case !f.Swaps.Known():
		return unknown("cannot tell whether the host has swap: " + f.Swaps.Why())
	}
	hostSwap := swapTotal(f.Swaps.Value) > 0
	seen := []finding.Evidence{inspect(c, fmt.Sprintf("Memory %s, MemorySwap %s", human.Bytes(limit), spellMemorySwap(c.Limits.MemorySwap)), "MemorySwap set")}
	if m := c.Memory; m.Known() && m.Value.SwapLimitKnown {
		seen = append(seen, evidence(m.Source, "swap "+spellSwapLimit(m.Value.SwapLimit)))
	}
	// The engine writes its default into the container when it makes it: twice the limit,
	// memory and swap together (moby, daemon/daemon_unix.go).
	swap := c.Limits.MemorySwap
	byDefault := swap == 0 || swap > 0 && uint64(swap) == 2*limit
	switch {
	case byDefault && !hostSwap:
		return pass("the host has no swap; should it get some, the container may use "+human.Bytes(limit)+" of it", seen...)
	case byDefault:
		return fail(finding.Info, fmt.Sprintf("besides its %s of memory it may use as much swap again: that is the engine's default", human.Bytes(limit)),
			remedy("nothing, if that is what was meant; --memory-swap equal to --memory allows it none", ""), seen...)
	case swap < 0 && hostSwap:
		return fail(finding.Warning, fmt.Sprintf("its memory is limited to %s, its swap is not: it can fill the host's", human.Bytes(limit)),
			updateContainer(c, "allow it as much swap again as memory, which is the engine's default", fmt.Sprintf("--memory %d --memory-swap %d", limit, 2*limit)), seen...)
	case swap > 0 && uint64(swap) > limit && !hostSwap:
		return fail(finding.Info, fmt.Sprintf("it was given %s of swap, and the host has none: it is killed earlier than planned", human.Bytes(uint64(swap)-limit)),
			swapRemedy(f), seen...)
	}
	return pass("it uses swap as its limits say", seen...)
}

func spellMemorySwap(n int64) string {
	switch {
	case n < 0:
		return "unlimited"
	case n == 0:
		return "not set"
	default:
		return human.Bytes(uint64(n))
	}
}

func spellSwapLimit(limit *uint64) string {
	if limit == nil {
		return "unlimited"
	}
	return "at most " + human.Bytes(*limit)
}

func roundUp(n, step uint64) uint64 { return (n + step - 1) / step * step }

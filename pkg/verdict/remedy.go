package verdict

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"

	"vmguard/pkg/docker"
	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
	"vmguard/pkg/oom"
)

const mib = 1 << 20

// limitStep is what proposed limits are rounded up to.
const limitStep = 64 * mib

// RaiseLimit proposes a limit of one and a half times the present one, which a kill
// shows to be too low, rounded up to 64 MiB. Where that is more than nine tenths of the
// VM's memory it says so instead. memory is the host's, as it is now.
//
// The container's share of swap is kept: docker update wants both limits where both are
// set. Where something else made the container there is no command: its next replacement
// would undo it.
func RaiseLimit(c host.Container, memory host.Fact[host.Memory]) finding.Remedy {
	return raiseLimit(c, memory, "its peak was all of the present "+human.Bytes(c.Limits.Memory)+", and half as much again (in steps of 64 MiB) leaves it room")
}

// RaiseNearLimit proposes the same of a container that is near its limit, and was not
// killed at it, or where that is not known.
func RaiseNearLimit(c host.Container, memory host.Fact[host.Memory]) finding.Remedy {
	return raiseLimit(c, memory, "half as much again as the present "+human.Bytes(c.Limits.Memory)+" (in steps of 64 MiB) leaves it room")
}

func raiseLimit(c host.Container, memory host.Fact[host.Memory], why string) finding.Remedy {
	old := c.Limits.Memory
	limit := (old + old/2 + limitStep - 1) / limitStep * limitStep
	if memory.Known() && limit > memory.Value.Total/10*9 {
		return finding.Remedy{Text: fmt.Sprintf("make it need less than its limit of %s: the VM, with %s, has no room for a higher one",
			human.Bytes(old), human.Bytes(memory.Value.Total))}
	}
	text := "raise the limit to " + human.Bytes(limit) + ": " + why
	if memory.Known() {
		text += "; the VM has " + human.Bytes(memory.Value.Available) + " available"
		if memory.Value.Available < limit-old {
			text += ", which is less than it would get: add swap or RAM as well"
		}
	}
	switch {
	case c.ManagedBy != "":
		return finding.Remedy{Text: text + "; do it where " + c.ManagedBy + " is told how to run it"}
	case c.ComposeProject != "":
		text += "; write the same into the compose file, or its next up undoes it"
	}
	text, command := human.Typed(text, fmt.Sprintf("docker update --memory %sm --memory-swap %s %s", mebibytes(limit), bothLimits(c.Limits, limit), shellName(c)))
	return finding.Remedy{Text: text, Command: command}
}

// bothLimits is the value of --memory-swap that keeps a container's share of swap.
func bothLimits(l docker.Limits, limit uint64) string {
	if l.MemorySwap < 0 {
		return "-1"
	}
	share := l.Memory // the engine's default: as much swap again
	if l.MemorySwap > 0 {
		share = uint64(l.MemorySwap) - min(l.Memory, uint64(l.MemorySwap))
	}
	return mebibytes(limit+share) + "m"
}

// addMemoryRemedies adds what keeps a kill from coming again. k is empty where only the engine tells of it.
func (c inquest) addMemoryRemedies(v *Verdict, k oom.Kill) {
	if c.addRaised(v, k) {
		return
	}
	own := c.in.Container.Limits.Memory
	switch {
	case limiterOf(c.in.Container.ID, k) == limiterInner:
		v.remedy("raise the limit of the container inside it, "+k.LimitCgroup+", or cap its program's heap", "")
	case c.removed() && v.Kind == OwnLimit:
		c.addSuccessorRemedies(v, k)
	case v.Kind == ParentLimit:
		v.remedy("raise the limit of "+cmp.Or(k.LimitCgroup, "the group above it")+" (for a systemd slice: MemoryMax), or move something out of it", "")
	case v.Kind == HostOOM:
		c.addHostRemedies(v)
	case own > 0 && c.filledOwn(v, k):
		v.Remedies = append(v.Remedies, RaiseLimit(c.in.Container, c.in.Memory))
	case own > 0:
		v.Remedies = append(v.Remedies, RaiseNearLimit(c.in.Container, c.in.Memory))
	}
	limit := own
	if k.Limit != nil {
		limit = *k.Limit
	}
	if r := capHeap(c.language(k), limit); r != nil && limit > 0 && v.Kind != HostOOM {
		v.Remedies = append(v.Remedies, *r)
	}
	if m := c.in.Memory; v.Kind != HostOOM && own > 0 && m.Known() && m.Value.Available < own/2 {
		c.addSwap(v)
	}
}

// filledOwn tells that a kill which is logged came at the container's own limit, as it is
// now: only then was its peak all of that. By the engine's word alone it may have been a
// sibling that filled a group above, or a limit inside.
func (c inquest) filledOwn(v *Verdict, k oom.Kill) bool {
	return v.Kind == OwnLimit && (k.Limit == nil || *k.Limit == c.in.Container.Limits.Memory) &&
		limiterOf(c.in.Container.ID, k) == limiterOwn && slices.Contains(oom.ContainerIDs(path.Base(k.LimitCgroup)), c.in.Container.ID)
}

// addRaised says that the limit of a kill has been raised or taken away since; false where it has not.
func (c inquest) addRaised(v *Verdict, k oom.Kill) bool {
	own := c.in.Container.Limits.Memory
	switch {
	case c.removed() || !RaisedSince(c.in.Container, k):
		return false
	case own == 0:
		v.remedy("nothing more, unless it is killed again: its limit was taken away since", "")
	default:
		v.remedy(fmt.Sprintf("nothing more, unless it is killed again: its limit was raised to %s since", human.Bytes(own)), "")
	}
	return true
}

// addHostRemedies says what helps a VM that ran out of memory.
func (c inquest) addHostRemedies(v *Verdict) {
	c.addSwap(v)
	if c.in.Container.Limits.Memory == 0 {
		v.remedy("limit the containers, so that one that leaks is killed alone: this one has no limit", "")
	}
	v.remedy("give the VM more memory, or move a container to another", "")
}

// addSwap proposes swap where the host has none. The command takes the size that fits the VM's memory and disk.
func (c inquest) addSwap(v *Verdict) {
	if c.in.Swaps.Known() && len(c.in.Swaps.Value) == 0 {
		v.remedy("add swap: the VM has none, so the kernel kills where it could page", "sudo vmguard swap enable")
	}
}

// language is the runtime of a kill's victim, or of the container's program; empty where it is not known.
func (c inquest) language(k oom.Kill) language {
	for _, name := range []string{k.Comm, c.in.Container.Process.Value.Runtime, c.in.Container.Program} {
		switch name {
		case "node", "nodejs", "npm", "npx", "yarn", "pnpm":
			return langNode
		case "java":
			return langJava
		}
	}
	return ""
}

// addStopRemedies says what lets a container end within its grace time.
func (c inquest) addStopRemedies(v *Verdict) {
	k := c.in.Container
	signal := signalName(c.stopSignal())
	if k.ShellForm || docker.IsShell(k.Program) {
		v.remedy("write CMD as a JSON array (exec form), or end the entrypoint script with exec \"$@\": a shell as PID 1 hands no signal on", "")
	}
	if c.language(oom.Kill{}) == langNode {
		v.remedy("catch "+signal+": process.on('"+signal+"', ...), in NestJS app.enableShutdownHooks()", "")
	} else {
		v.remedy("catch "+signal+" in the program and end in time", "")
	}
	if k.Init == nil || !*k.Init {
		v.remedy("--init (init: true in compose) makes a signal that nobody catches end it at once: quicker, but no clean-up", "")
	}
	switch {
	case k.StopSignal == "": // of a removed one the grace time is not known
		v.remedy("if it only needs longer: --stop-timeout, or stop_grace_period in the compose file", "")
	case k.StopTimeout >= 0:
		v.remedy(fmt.Sprintf("if it only needs longer than %s: --stop-timeout, or stop_grace_period in the compose file", human.Duration(k.StopTimeout)), "")
	}
}

// addLogs adds the command that shows a container's last lines. A removed one has none.
func (c inquest) addLogs(v *Verdict) {
	if !c.removed() {
		v.remedy("read why in its own last lines", "docker logs --tail 50 "+shellName(c.in.Container))
	}
}

// shellName is the container for a command line.
func shellName(c host.Container) string { return shellWord(cmp.Or(c.Name, c.ID)) }

func shellWord(s string) string { return human.ShellWord(s) }

func mebibytes(n uint64) string { return strconv.FormatUint(n/mib, 10) }

package verdict

import (
	"fmt"
	"slices"
	"time"

	"vmguard/pkg/host"
	"vmguard/pkg/human"
	"vmguard/pkg/oom"
)

// kernelKill judges an end at which the kernel killed in the container.
func (c inquest) kernelKill() (Verdict, bool) {
	kills := c.life.kills
	if len(kills) == 0 {
		return Verdict{}, false
	}
	k := kills[len(kills)-1]
	gap := c.life.died.Sub(k.At)
	switch {
	case c.life.byLog:
		v := c.limitVerdict(k)
		v.Confidence = atMostLikely(v.Confidence)
		v.against("the container is removed: whether it ended of this kill, or a process of it alone did, is not on record any more")
		return v, true
	case c.life.exit == nil:
		v := c.limitVerdict(k)
		v.Confidence = atMostLikely(v.Confidence)
		v.against("its exit code is not on record: PID 1 may have outlived the kill, and ended of something else right after")
		return v, true
	case c.life.code(exitKilled):
		if !c.life.signal(sigkill, time.Minute).IsZero() {
			return Verdict{}, false // the engine's own SIGKILL: see sigkill
		}
		return c.killedByKernel(), true
	case c.life.code(0) || c.sentByEngine() != 0:
		return Verdict{}, false // it ended as it was asked to, and outlived the kill
	}
	return c.childTookDown(k, gap), true
}

// killedByKernel is the verdict on a SIGKILL beside a kill of the kernel's.
func (c inquest) killedByKernel() Verdict {
	k, conf, doubt := c.fatal()
	v := c.limitVerdict(k)
	v.Confidence = lesser(v.Confidence, conf)
	if doubt != "" {
		v.against(doubt)
	}
	switch {
	case c.in.Container.EventsKnown && c.life.has(actionDie, lateEvent):
		v.against("no docker kill, and no SIGKILL of docker stop, is on record")
	case conf != Certain:
		v.against("a docker kill after the kernel's kill cannot be excluded: " + c.eventsSay())
	}
	if c.life.inspected && !c.life.flag {
		v.disagree("Docker's OOMKilled says false; the kernel's log shows the kill, and is right")
	}
	return v
}

// childTookDown is the verdict where the kernel killed in the container and PID 1 ended
// right after with a code of its own.
func (c inquest) childTookDown(k oom.Kill, gap time.Duration) Verdict {
	v := c.limitVerdict(k)
	v.Kind = ChildKilled
	v.Summary = fmt.Sprintf("the kernel killed a process of it (%s, %s), and PID 1 ended by itself %s later with %s",
		k.Comm, SpellLimiter(c.in.Container, k), human.Duration(max(0, gap)), c.spellCode())
	v.Confidence = Likely
	if gap > 2*time.Second {
		v.Confidence = Possible
	}
	v.against("proved is the kill, not that PID 1 ended because of it; its own log may say why")
	c.addLogs(&v)
	return v
}

// limitVerdict is the verdict by whose memory had run out.
func (c inquest) limitVerdict(k oom.Kill) Verdict {
	v := Verdict{Confidence: Certain, Summary: "killed by the kernel: " + SpellLimiter(c.in.Container, k), Kill: &k}
	v.evidence(c.in.Kernel.Source, spellKill(k))
	own := c.in.Container.Limits.Memory
	switch limiterOf(c.in.Container.ID, k) {
	case limiterOwn:
		v.Kind = OwnLimit
		v.against("the limit that was hit is the container's own, not the VM's memory and no group's above it")
	case limiterInner:
		v.Kind, v.Confidence = ChildKilled, Likely
		v.against("the limit that was hit is that of a container inside it")
	case limiterParent:
		v.Kind = ParentLimit
		v.against("the limit that was hit is of " + k.LimitCgroup + ", not the container's own")
	case limiterHost:
		v.Kind = HostOOM
		v.against("no limit was hit: the whole VM had no memory left")
	case limiterUnknown:
		v.Kind, v.Confidence = HostOOM, Possible
		if own > 0 {
			v.Kind, v.Confidence = OwnLimit, Likely
		}
		v.against("whose limit was hit does not stand in the log")
	}
	if k.Unvouched {
		v.Confidence = atMostLikely(v.Confidence)
		v.against("the kill, or whose limit was hit, stands in a text log alone, which local users may write to")
	}
	if slices.Index(oom.ContainerIDs(k.TaskCgroup), c.in.Container.ID) > 0 {
		v.Confidence = atMostLikely(v.Confidence)
		v.against("its ID stands inside another container's cgroup, " + clip(k.TaskCgroup) + ": who rules that container may give a cgroup in it any name")
	}
	if k.Picture != nil && spellPicture(*k.Picture) != "" {
		v.evidence(c.in.Kernel.Source, spellPicture(*k.Picture))
	}
	c.addMemoryRemedies(&v, k)
	return v
}

// atMostLikely takes certainty away where something else may have played its part.
func atMostLikely(c Confidence) Confidence {
	if c == Certain {
		return Likely
	}
	return c
}

// lesser is the lower of two confidences.
func lesser(a, b Confidence) Confidence {
	for _, low := range []Confidence{None, Possible, Likely} {
		if a == low || b == low {
			return low
		}
	}
	return Certain
}

// spellKill says whom the kernel killed.
func spellKill(k oom.Kill) string {
	text := fmt.Sprintf("oom-kill of pid %d (%s)", k.PID, clip(k.Comm))
	if k.AnonRSS != nil {
		text += ", " + human.Bytes(*k.AnonRSS) + " of its own memory"
	}
	switch {
	case k.Scope == oom.ScopeHost:
		text += ", the VM out of memory"
	case k.LimitCgroup != "" && k.Limit != nil:
		text += ", limit of " + clip(k.LimitCgroup) + " (" + human.Bytes(*k.Limit) + ")"
	case k.LimitCgroup != "":
		text += ", limit of " + clip(k.LimitCgroup)
	}
	return text
}

// spellPicture says how full the machine was at a kill, and with what; empty where the log does not show it.
func spellPicture(p oom.Picture) string {
	if p.RAM == nil || p.FreeRAM == nil {
		return ""
	}
	text := human.Bytes(*p.FreeRAM) + " of " + human.Bytes(*p.RAM) + " free"
	switch {
	case p.TotalSwap == nil || p.FreeSwap == nil:
	case *p.TotalSwap == 0:
		text += ", no swap"
	default:
		text += ", " + human.Bytes(*p.FreeSwap) + " of " + human.Bytes(*p.TotalSwap) + " swap free"
	}
	var largest []string
	for _, t := range p.Tasks[:min(3, len(p.Tasks))] {
		largest = append(largest, clip(t.Comm)+" "+human.Bytes(t.RSS))
	}
	if len(largest) > 0 {
		text += "; the largest: " + human.List(largest, len(largest))
	}
	return text
}

// engineSawOOM tells that the engine itself noted an OOM in the container at this end: by
// an event, which has a date, or by its flag, which is of the life as a whole.
func (c inquest) engineSawOOM() bool {
	return c.oomEvent() || c.life.flag && !c.flagExplained()
}

func (c inquest) oomEvent() bool { return c.ownOOM(killBefore) }

// flagExplained tells that Docker's flag comes from a kill that the life outlived, or from
// one that was not in it.
func (c inquest) flagExplained() bool {
	return len(c.life.earlier) > 0 || c.life.has(actionOOM, 1<<62) && !c.oomEvent()
}

// flagVerdict judges by the engine's word alone. It never is certain: the engine sets its
// flag on any OOM in the container, and does not say whose limit was hit.
func (c inquest) flagVerdict() Verdict {
	if c.removed() {
		v := c.unknown("killed for want of memory (137); it is removed, and whose memory had run out is not on record any more")
		v.evidence(sourceEvents, "oom")
		return v
	}
	v := Verdict{Confidence: Likely}
	limit := c.in.Container.Limits.Memory
	if c.life.flag {
		v.evidence(inspectOf(c.in.Container), "OOMKilled true")
	}
	if c.oomEvent() {
		v.evidence(sourceEvents, "oom")
	}
	parents := limitedParents(c.in.Parents)
	switch {
	case limit > 0:
		v.Kind, v.Summary = OwnLimit, "killed for want of memory, by all appearance at its own limit, now "+human.Bytes(limit)
		if len(parents) > 0 {
			v.Confidence = Possible
			v.against("a group above it has a limit as well: " + parents[0].Path)
		}
	case len(parents) > 0:
		v.Kind, v.Confidence = ParentLimit, Possible
		v.Summary = "killed for want of memory; it has no limit of its own, but " + parents[0].Path + " above it has one"
	case c.in.Parents.Known():
		v.Kind, v.Summary = HostOOM, "killed for want of memory; neither it nor a group above it has a limit: the VM ran out"
	default:
		v.Kind, v.Confidence = HostOOM, Possible
		v.Summary = "killed for want of memory; it has no limit of its own: the VM ran out, or a group above it"
	}
	if n := len(c.life.near); n > 0 {
		v.evidence(c.in.Kernel.Source, spellKill(c.life.near[n-1]))
	}
	v.against(c.logSays())
	c.addMemoryRemedies(&v, oom.Kill{})
	if !c.in.Kernel.Known() {
		v.remedy("read the kernel's log as root: it names the process and the limit", "sudo vmguard why "+shellName(c.in.Container))
	}
	return v
}

// limitedParents are the groups above a container that have a limit.
func limitedParents(parents host.Fact[[]host.MemoryGroup]) []host.MemoryGroup {
	if !parents.Known() {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(parents.Value), func(g host.MemoryGroup) bool { return g.Limit == nil })
}

// childWithoutLog judges an end with a code of its own right after the engine noted an OOM.
func (c inquest) childWithoutLog() (Verdict, bool) {
	if c.life.code(exitKilled) || c.life.code(0) || c.sentByEngine() != 0 || !c.ownOOM(lateEvent) {
		return Verdict{}, false
	}
	v := Verdict{Kind: ChildKilled, Confidence: Possible}
	v.Summary = "the engine noted an OOM kill in it, and PID 1 ended by itself right after with " + c.spellCode()
	v.evidence(sourceEvents, "oom, right before the end")
	v.against("which process was killed only the kernel's log knows; " + c.logSays())
	c.addMemoryRemedies(&v, oom.Kill{})
	c.addLogs(&v)
	return v, true
}

package verdict

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"vmguard/pkg/docker"
	"vmguard/pkg/human"
	"vmguard/pkg/oom"
)

const (
	// mostMoments bounds a timeline; the newest are kept.
	mostMoments = 40
	// mostNear bounds the kills in it that cannot be placed: a storm of them tells no more than a few.
	mostNear = 3
)

// timeline is what happened in a life up to its end, merged in order of time with what is
// known to have happened beside.
func (c inquest) timeline(beside ...Moment) []Moment {
	l := c.life
	all := slices.Concat(c.failedChecks(), beside)
	add := func(at time.Time, source, text string) {
		if !at.IsZero() {
			all = append(all, Moment{At: at, Text: text, Source: source})
		}
	}
	if !l.startSeen {
		add(l.started, inspectOf(c.in.Container), "started")
	}
	for _, e := range l.events {
		text := spellEvent(e)
		if why := c.notIts(e); why != "" {
			text += ", not its own: " + why
		}
		add(e.Time, sourceEvents, text)
	}
	if !l.died.IsZero() && !l.byLog && !l.has(actionDie, lateEvent) {
		add(l.died, inspectOf(c.in.Container), "ended, "+c.spellCode())
	}
	for _, k := range slices.Concat(l.earlier, l.kills) {
		add(k.At, c.in.Kernel.Source, spellKill(k))
	}
	if l.signal(sigkill, time.Minute).IsZero() { // else it is known who killed it
		for _, k := range l.near[max(0, len(l.near)-mostNear):] {
			add(k.At, c.in.Kernel.Source, "in it, or in another cgroup: "+spellKill(k))
		}
	}
	for _, line := range c.in.Journal.Value {
		if c.within(line.At) {
			add(line.At, cmp.Or(line.Source, c.in.Journal.Source), clip(line.Text))
		}
	}
	if t, ok := c.heapText(); ok {
		add(t.line.At, c.in.Output.Source, clip(strings.TrimSpace(t.line.Text)))
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].At.Before(all[j].At) })
	return all[max(0, len(all)-mostMoments):]
}

// within tells that a moment falls into this life, or right after it. A failed start has no time.
func (c inquest) within(at time.Time) bool {
	l := c.life
	if at.IsZero() || l.started.IsZero() || at.Before(l.started) {
		return false
	}
	return l.died.IsZero() || !at.After(l.died.Add(killAfter))
}

func spellEvent(e docker.Event) string {
	switch {
	case e.Action == actionKill && e.Signal != 0:
		return "kill with " + signalName(e.Signal)
	case e.Action == actionDie && e.ExitCode != nil:
		return fmt.Sprintf("die, exit code %d", *e.ExitCode)
	}
	return clip(e.Action)
}

// judgeRunning says what befell the life that goes on, and how near its limit it is.
func judgeRunning(in Input, l life) *Running {
	c := inquest{in: in, life: l, newest: true}
	r := &Running{Started: l.started, Timeline: c.timeline()}
	for _, k := range l.earlier {
		r.Verdicts = append(r.Verdicts, c.childOfRunning(k))
	}
	if len(l.earlier) == 0 {
		if v, ok := c.unseenChild(); ok {
			r.Verdicts = append(r.Verdicts, v)
		}
	}
	if v, ok := c.unhealthyNow(); ok {
		r.Verdicts = append(r.Verdicts, v)
	}
	r.measure(in)
	return r
}

// childOfRunning is the verdict on a kill that PID 1 outlived.
func (c inquest) childOfRunning(k oom.Kill) Verdict {
	v := c.limitVerdict(k)
	v.Kind = ChildKilled
	v.Summary = fmt.Sprintf("the kernel killed a process of it (%s), %s; PID 1 lives on", clip(k.Comm), SpellLimiter(c.in.Container, k))
	v.against("the container has not ended since")
	v.evidence(inspectOf(c.in.Container), "running since "+c.life.started.UTC().Format(time.RFC3339))
	if k.At.Sub(c.life.started) <= killAfter {
		v.Confidence = atMostLikely(v.Confidence)
		v.against("with clocks that differ it may also belong to the life before")
	}
	return v
}

// unseenChild judges a running container by what the engine and its cgroup count, where the
// kernel's log shows no kill.
func (c inquest) unseenChild() (Verdict, bool) {
	m := c.in.Container.Memory
	counted := m.Known() && m.Value.OOMKills != nil && *m.Value.OOMKills > 0
	event := c.ownOOM(1 << 62)
	if !counted && !event {
		return Verdict{}, false
	}
	v := Verdict{Kind: ChildKilled, Confidence: Likely, Summary: "a process of it was killed for want of memory; PID 1 lives on"}
	if counted {
		v.evidence(m.Source, fmt.Sprintf("oom_kill %d since its start", *m.Value.OOMKills))
	}
	if event {
		v.evidence(sourceEvents, "oom")
	}
	if parents := limitedParents(c.in.Parents); !counted && len(parents) > 0 {
		v.Confidence = Possible
		v.against("where the limit of " + clip(parents[0].Path) + " above it was hit, the engine may note an oom for each container below, also where nothing was killed")
	}
	v.against("who was killed, and at whose limit, only the kernel's log tells: " + c.logReason())
	c.addMemoryRemedies(&v, oom.Kill{})
	return v, true
}

// logReason says why the kernel's log does not show a kill that is counted.
func (c inquest) logReason() string {
	if !c.in.Kernel.Known() {
		return c.in.Kernel.Why()
	}
	return "it no longer holds the kill, or does not name its cgroup"
}

// unhealthyNow judges a running container's health.
func (c inquest) unhealthyNow() (Verdict, bool) {
	h := c.in.Container.Health
	if h == nil || h.Status != "unhealthy" {
		return Verdict{}, false
	}
	v := Verdict{Kind: Unhealthy, Confidence: Certain}
	v.Summary = fmt.Sprintf("its healthcheck says unhealthy, %s in a row; it runs on", plural(h.FailingStreak, "failure", "failures"))
	v.evidence(inspectOf(c.in.Container), "health unhealthy")
	if h.Last != nil {
		v.evidence(inspectOf(c.in.Container), fmt.Sprintf("last run: exit code %d%s", h.Last.ExitCode, firstLine(h.Last.Output)))
	}
	if who := c.healer(); who != "" {
		v.note(who + " ends unhealthy containers here")
	} else {
		v.against("this is no death: plain Docker leaves an unhealthy container running, and does not restart it")
	}
	v.remedy("mend what the healthcheck says, or restart it by hand", "docker restart "+shellName(c.in.Container))
	return v, true
}

// measure says how near its limit a container is, the page cache apart.
func (r *Running) measure(in Input) {
	m := in.Container.Memory
	if !m.Known() {
		r.Memory = "not known: " + m.Why()
		return
	}
	used := m.Value.Unreclaimable
	if used == 0 { // no process lives without any memory of its own
		used = m.Value.WorkingSet
	}
	r.Used, r.Limit = &used, m.Value.Limit
	if r.Limit == nil && in.Container.Limits.Memory > 0 {
		limit := in.Container.Limits.Memory
		r.Limit = &limit
	}
	if r.Limit == nil {
		r.Memory = human.Bytes(used) + ", no limit of its own"
		return
	}
	r.Memory = fmt.Sprintf("%s of %s (%s), page cache apart", human.Bytes(used), human.Bytes(*r.Limit), human.Percent(used, *r.Limit))
}

package verdict

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"vmguard/pkg/docker"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
	"vmguard/pkg/oom"
)

// sourceEvents is the source of what the engine's events show.
const sourceEvents = "docker events"

// Judge gives a verdict on each end of a container that is still on record, and on what
// befell the life that goes on. It is pure: the same input gives the same report.
func Judge(in Input) Report {
	h := historyOf(in.Container)
	var report Report
	unmatched := h.place(in.Container.ID, in.Kernel.Value.Kills)
	if in.Container.State == docker.StateRemoved && len(h.ends) == 0 {
		unmatched = h.endsByLog(unmatched)
	}
	for _, k := range unmatched {
		report.Unmatched = append(report.Unmatched, Moment{At: k.At, Text: spellKill(k), Source: in.Kernel.Source})
	}
	for i, end := range slices.Backward(h.ends) {
		c := inquest{in: in, life: end, newest: i == len(h.ends)-1 && h.running == nil, next: h.startAfter(i), unmatched: unmatched}
		v := c.verdict()
		report.Deaths = append(report.Deaths, Death{
			Started: end.started, At: end.died, ExitCode: end.exit,
			Verdict: v, Timeline: c.timeline(c.lastWords(v.Kind, h.endBefore(i))...),
		})
	}
	report.Loop = h.loop(in)
	if h.running != nil {
		report.Running = judgeRunning(in, *h.running)
	}
	return report
}

// inquest is one end with all that is known about it.
type inquest struct {
	in     Input
	life   life
	newest bool // undated lines and the present state speak of this end
	// next is when the life after it began; zero where there is none, or it is not known.
	next time.Time
	// unmatched are kills in the container that fit no end on record.
	unmatched []oom.Kill
}

// verdict asks each rule in turn; the first that knows an answer gives it. The kernel's
// kills come first, the exit code, which says least, comes last.
func (c inquest) verdict() Verdict {
	rules := []func() (Verdict, bool){
		c.notStarted, c.unseen, c.kernelKill, c.sigkill, c.runtimeHeap, c.childWithoutLog, c.sentSignal, c.fault, c.exited,
	}
	for _, rule := range rules {
		if v, ok := rule(); ok {
			c.complete(&v)
			return v
		}
	}
	v := c.unknown("nothing that was read tells why it ended")
	c.complete(&v)
	return v
}

// unknown is a verdict that says what was looked at.
func (c inquest) unknown(summary string) Verdict {
	v := Verdict{Kind: Unknown, Confidence: None, Summary: summary}
	if c.in.Container.InspectError != "" {
		v.against("docker inspect: " + c.in.Container.InspectError)
	}
	v.against(c.eventsSay())
	v.against(c.logSays())
	return v
}

// complete adds what every verdict has: the engine's record of the end, and what else
// happened in that life.
func (c inquest) complete(v *Verdict) {
	l := c.life
	switch {
	case l.byLog:
	case l.has(actionDie, lateEvent):
		v.evidence(sourceEvents, "die, "+c.spellCode())
	case l.inspected && l.failed == "":
		v.evidence(inspectOf(c.in.Container), "ended, "+c.spellCode())
	case l.failed == "":
		v.evidence(inspectOf(c.in.Container), "FinishedAt "+l.died.UTC().Format(time.RFC3339))
	}
	if n := len(l.earlier); n > 0 {
		last := l.earlier[n-1]
		v.note(fmt.Sprintf("in this life the kernel had killed %s before, the last %s before the end: %s",
			plural(n, "process", "processes"), human.Duration(l.died.Sub(last.At)), spellKill(last)))
	}
	if n := len(l.kills); n > 0 && !v.Kind.OOM() {
		v.note("about then the kernel had killed a process in it for want of memory: " + spellKill(l.kills[n-1]))
	}
	if c.atDeathUnhealthy() && v.Kind != Unhealthy && !v.Kind.OOM() {
		v.note("its healthcheck had been failing; " + c.noHealer())
	}
	if why := c.othersOOM(); why != "" {
		v.note("the engine noted an oom in it that is not its own: " + why)
	}
	if gap, ok := c.clockGap(); ok {
		v.note(fmt.Sprintf("the kernel's stamp is %s later than the engine's; their clocks differ, and the two are taken for one moment", human.Duration(gap)))
	}
}

// clockGap is by how much the kernel's stamp of a kill lies after the end that it caused.
func (c inquest) clockGap() (time.Duration, bool) {
	for _, k := range c.life.kills {
		if gap := k.At.Sub(c.life.died); gap > 0 {
			return gap, true
		}
	}
	return 0, false
}

func (c inquest) spellCode() string {
	if c.life.exit == nil {
		return "exit code not on record"
	}
	return fmt.Sprintf("exit code %d", *c.life.exit)
}

// eventsReach tells whether the engine's events cover the end of this life.
func (c inquest) eventsReach() bool {
	return c.in.Container.EventsKnown && c.life.has(actionDie, lateEvent) && c.life.startSeen
}

// eventsSay and logSays tell what the two witnesses say where they show no cause.
func (c inquest) eventsSay() string {
	switch {
	case !c.in.Container.EventsKnown:
		return "the engine's events could not be read: a docker kill or stop would not be seen"
	case !c.eventsReach():
		return "the engine's events no longer reach back over this life (it keeps the newest 256, in memory)"
	case c.life.has(actionKill, time.Minute+c.grace()):
		return "the engine's events show a signal that it sent"
	}
	return "the engine's events show no docker kill and no docker stop"
}

func (c inquest) logSays() string {
	log := c.in.Kernel
	switch {
	case !log.Known():
		return "the kernel's log, which would show an OOM kill, was not read: " + log.Why()
	case len(c.life.kills) > 0:
		return "the kernel's log shows an OOM kill in it"
	case len(c.life.near) > 0:
		return "the kernel's log shows an OOM kill that may have been in it: the line lacks its cgroup or its date, or another life is nearer"
	case c.hasStray():
		k, _ := c.stray()
		return c.strayText(k)
	case !log.Value.reaches(c.life.died) && log.Value.Unlogged > 0:
		return fmt.Sprintf("the kernel counts %s more than its log holds: an OOM kill cannot be excluded",
			plural(int(min(log.Value.Unlogged, 1<<31)), "OOM kill", "OOM kills"))
	case !log.Value.reaches(c.life.died):
		return "the kernel's log does not reach back to this end: an OOM kill cannot be excluded"
	}
	return "the kernel's log reaches back to it and shows no OOM kill in it"
}

// stop is how this life took its stop signal. An oom event is left out: what was killed
// at its memory limit is judged before.
func (c inquest) stop() docker.Stop {
	events := slices.DeleteFunc(slices.Clone(c.life.events), func(e docker.Event) bool { return e.Action == actionOOM })
	return docker.LastStop(events, strconv.Itoa(c.stopSignal()), c.in.Container.StopTimeout)
}

// notStarted judges a start that the engine could not make.
func (c inquest) notStarted() (Verdict, bool) {
	if c.life.failed == "" {
		return Verdict{}, false
	}
	v := Verdict{Kind: Crashed, Confidence: Certain, Summary: "the engine could not start it, " + c.spellCode() + glossStart(*c.life.exit)}
	v.evidence(inspectOf(c.in.Container), "Error: "+clip(c.life.failed))
	v.note("the engine's error: " + clip(c.life.failed))
	v.against("the program never ran: nothing killed it")
	v.remedy("mend what the engine's error names: the program's path, its right to be executed, a mount, a port", "")
	return v, true
}

func glossStart(code int) string {
	switch code {
	case exitNotFound:
		return ": the program was not found in the image"
	case exitNotRun:
		return ": the program is there and cannot be executed"
	}
	return ""
}

// unseen judges an end that the engine itself did not see: the machine went down with the
// container running. The engine then writes 255, and 24.0 wrote 0 (moby issue 45788).
func (c inquest) unseen() (Verdict, bool) {
	l, boot := c.life, c.in.BootedAt
	if len(l.kills) > 0 {
		return Verdict{}, false
	}
	if l.exit == nil {
		v := c.unknown("it ended, and with what exit code is no longer on record")
		v.remedy("keep a record: the engine forgets both its events and the state of the life before", "")
		return v, true
	}
	rebooted := !boot.IsZero() && !l.started.IsZero() && l.started.Before(boot) && l.died.After(boot.Add(-killBefore))
	if rebooted && (l.code(exitLost) || l.code(0)) && !l.has(actionDie, lateEvent) {
		v := c.unknown("the VM was restarted while it ran; the engine did not see its end and wrote " + c.spellCode() + " in its place")
		v.evidence("boot time", boot.UTC().Format(time.RFC3339)+", after its start")
		v.remedy("look for what restarted the VM in the journal of the boot before", "sudo journalctl -b -1 -n 100 --no-pager")
		return v, true
	}
	return Verdict{}, false
}

// inspectOf is the source of what inspect says.
func inspectOf(c host.Container) string { return "docker inspect " + c.Name }

// plural counts with a noun whose plural is not made by an s alone.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

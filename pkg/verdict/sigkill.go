package verdict

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"vmguard/pkg/docker"
	"vmguard/pkg/human"
)

// sigkill judges an end by SIGKILL without a kill of the kernel's that explains it, or
// with one beside the engine's own SIGKILL.
func (c inquest) sigkill() (Verdict, bool) {
	if !c.life.code(exitKilled) {
		return Verdict{}, false
	}
	if !c.life.signal(sigkill, time.Minute).IsZero() {
		return c.engineKill(), true
	}
	if line, ok := c.journalTimeout(); ok {
		v := c.stopTimeout("killed at the end of its grace time, as the engine's log says")
		v.Evidence = nil
		v.evidence(c.in.Journal.Source, clip(line.Text))
		return v, true
	}
	log := c.in.Kernel
	contradicted := log.Known() && log.Value.reaches(c.life.died) && len(c.life.near) == 0
	switch {
	case c.engineSawOOM() && contradicted:
		v := c.unknown("ended by SIGKILL (137); Docker notes an OOM, and the kernel's log, which reaches back, shows no kill in it")
		v.note("Docker and the kernel disagree: is this the log of the machine that the engine runs on?")
		return v, true
	case c.engineSawOOM():
		return c.flagVerdict(), true
	case len(c.life.near) > 0:
		v := c.unknown("ended by SIGKILL (137); the kernel killed a process that its log does not place, in a container or in time")
		v.evidence(log.Source, spellKill(c.life.near[len(c.life.near)-1]))
		v.remedy("ask the journal, which may hold the line that names its cgroup", "sudo journalctl -k --no-pager | grep oom-kill:")
		return v, true
	}
	if t, ok := c.heapText(); ok {
		v := c.heapVerdict(t)
		v.Confidence = Possible
		v.against("it ended by SIGKILL (137), which the runtime's own abort is not: somebody may have ended it after that")
		return v, true
	}
	if contradicted && c.eventsReach() {
		return c.killedOnHost(), true
	}
	v := c.unknown("ended by SIGKILL (137); who sent it cannot be told")
	v.remedy("ask the journal, which keeps more than the kernel's buffer", "sudo journalctl -k --no-pager | grep -i oom")
	return v, true
}

// engineKill judges an end by the engine's own SIGKILL.
func (c inquest) engineKill() Verdict {
	v := c.sender()
	c.blameHealer(&v)
	if len(c.life.kills) > 0 || c.oomEvent() {
		v.Confidence = atMostLikely(v.Confidence)
		v.against("shortly before, the kernel killed in it for want of memory: that may be why it did not end, or was ended")
	} else {
		v.against(c.logSays())
	}
	return v
}

// sender tells a docker kill from a docker stop, by the signals and the stop event after them.
func (c inquest) sender() Verdict {
	stop, signal := c.stop(), c.in.Container.Stop()
	// Without a stop event only a wait as long as the grace time tells of a stop.
	asLongAsGrace := c.in.Container.StopTimeout >= 0 && (stop.Waited-c.grace()).Abs() <= graceSlack
	asked := c.askedAt()
	between := c.life.signal(sigkill, time.Minute).Sub(asked)
	var v Verdict
	switch {
	case stop.Outcome == docker.StopDeaf && (c.stopped() || asLongAsGrace):
		v = c.stopTimeout(fmt.Sprintf("killed by docker stop (or restart), %s after %s, on which it did not end in time", human.Duration(stop.Waited), signal))
		if !c.stopped() {
			v.Confidence = Likely
			v.against("no stop event is on record: somebody may have sent both signals by hand")
		}
	case stop.Outcome == docker.StopDeaf:
		v = Verdict{Kind: KilledBySomeone, Confidence: Likely, Summary: fmt.Sprintf("killed with docker kill, %s after a %s", human.Duration(stop.Waited), signal)}
		v.evidence(sourceEvents, fmt.Sprintf("kill with %s, SIGKILL %s later, no stop", signal, human.Duration(stop.Waited)))
		v.against("the wait was not the grace time's, and no stop event is on record")
	case !asked.IsZero():
		v = Verdict{Kind: KilledBySomeone, Confidence: Certain, Summary: "killed by docker stop that gave it no time to end by itself"}
		v.evidence(sourceEvents, fmt.Sprintf("kill with %s, SIGKILL %s later", signal, human.Duration(between)))
		v.remedy("give it time: docker stop -t 30, --stop-timeout, or stop_grace_period in the compose file", "")
	default:
		v = Verdict{Kind: KilledBySomeone, Confidence: Certain, Summary: "killed with docker kill, or by a client that does the same (docker rm -f)"}
		v.evidence(sourceEvents, "kill with SIGKILL, no stop signal before it")
		v.remedy("stop it with docker stop, which lets it end by itself; find the script or person that kills it", "")
	}
	return v
}

// graceSlack is how far from the grace time the engine's SIGKILL may come.
const graceSlack = 2 * time.Second

// askedAt is when the engine sent the stop signal in the minute before its SIGKILL.
func (c inquest) askedAt() time.Time {
	number, ok := docker.SignalNumber(c.in.Container.Stop())
	if !ok || number == sigkill {
		return time.Time{}
	}
	return c.life.signal(number, time.Minute)
}

// stopTimeout is the verdict on a program that did not end in its grace time.
func (c inquest) stopTimeout(summary string) Verdict {
	v := Verdict{Kind: StopTimeout, Confidence: Certain, Summary: summary}
	v.evidence(sourceEvents, fmt.Sprintf("kill with %s, then with SIGKILL", c.in.Container.Stop()))
	v.against("it may have ignored the signal, or needed longer than it was given: the events show both alike")
	c.addStopRemedies(&v)
	return v
}

// journalTimeout finds the engine's own note that a grace time ran out (moby: daemon/stop.go).
func (c inquest) journalTimeout() (Line, bool) {
	if !c.in.Journal.Known() {
		return Line{}, false
	}
	for _, l := range slices.Backward(c.in.Journal.Value) {
		before := c.life.died.Sub(l.At)
		if !l.At.IsZero() && before <= killBefore && before >= -killAfter && strings.Contains(l.Text, "failed to exit within") {
			return l, true
		}
	}
	return Line{}, false
}

// blameHealer turns a verdict on a kill or stop into Unhealthy where the container was
// unhealthy, and something that ends unhealthy containers is known to run.
func (c inquest) blameHealer(v *Verdict) {
	if !c.atDeathUnhealthy() || c.healer() == "" {
		return
	}
	h := c.in.Container.Health
	v.note(v.Summary)
	v.Kind, v.Confidence = Unhealthy, atMostLikely(v.Confidence)
	v.Summary = "ended while its healthcheck failed, by all appearance by " + c.healer()
	v.evidence(inspectOf(c.in.Container), fmt.Sprintf("health %s, %s in a row", h.Status, plural(h.FailingStreak, "failure", "failures")))
	v.against("the engine's record does not name who asked; the engine alone ends nothing for its health")
	v.remedy("mend what the healthcheck says, or the healthcheck", "docker inspect --format '{{json .State.Health}}' "+shellName(c.in.Container))
}

// killedOnHost is what is left when both witnesses are there and show nothing.
func (c inquest) killedOnHost() Verdict {
	v := Verdict{Kind: KilledBySomeone, Confidence: Likely}
	v.Summary = "killed by SIGKILL (137) that neither the engine nor the kernel's OOM killer sent: somebody on the host did, or a program such as earlyoom"
	v.evidence(c.in.Kernel.Source, "no OOM kill in it, back to "+c.in.Kernel.Value.Since.UTC().Format(time.RFC3339))
	v.against(c.logSays())
	v.against(c.eventsSay())
	v.against("a program may also end with 137 of itself, as a shell does that hands on its child's code")
	v.remedy("look who was on the host, and for earlyoom or systemd-oomd",
		"sudo journalctl --no-pager --since "+shellWord(c.life.died.Add(-time.Minute).UTC().Format("2006-01-02 15:04:05 UTC"))+
			" --until "+shellWord(c.life.died.Add(time.Minute).UTC().Format("2006-01-02 15:04:05 UTC")))
	return v
}

package verdict

import (
	"fmt"
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
	if n, ok := c.stopNote(); ok {
		return c.stopByNote(n), true
	}
	log := c.in.Kernel
	silent := log.Known() && log.Value.reaches(c.life.died) && len(c.life.near) == 0 // about this end
	contradicted := silent && !c.hasStray()
	switch {
	case c.engineSawOOM() && contradicted:
		v := c.unknown("ended by SIGKILL (137); Docker notes an OOM, and the kernel's log, which reaches back, shows no kill in it")
		v.disagree("Docker and the kernel disagree: is this the log of the machine that the engine runs on?")
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
	if silent && c.eventsReach() {
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
	stop, signal := c.stop(), signalName(c.stopSignal())
	// Without a stop event only a wait as long as the grace time tells of a stop.
	asLongAsGrace := c.in.Container.StopTimeout >= 0 && (stop.Waited-c.grace()).Abs() <= graceSlack
	asked := c.askedAt()
	between := c.life.signal(sigkill, time.Minute).Sub(asked)
	note, noted := c.stopNote()
	noted = noted && note.wait > 0
	var v Verdict
	switch {
	case stop.Outcome == docker.StopDeaf && (c.stopped() || asLongAsGrace || noted):
		v = c.stopTimeout(fmt.Sprintf("killed by docker stop (or restart), %s after %s, on which it did not end in time", human.Duration(stop.Waited), signal))
		switch {
		case noted:
			v.evidence(note.source, note.text)
		case !c.stopped():
			v.Confidence = Likely
			v.against("no stop event is on record: somebody may have sent both signals by hand")
		}
	case stop.Outcome == docker.StopDeaf:
		v = Verdict{Kind: KilledBySomeone, Confidence: Likely, Summary: fmt.Sprintf("killed with docker kill, %s after a %s", human.Duration(stop.Waited), signal)}
		v.evidence(sourceEvents, fmt.Sprintf("kill with %s, SIGKILL %s later, no stop", signal, human.Duration(stop.Waited)))
		if c.in.Container.StopSignal == "" {
			v.Confidence = Possible
			v.against("no stop event is on record; but what its grace time was is not either")
		} else {
			v.against("the wait was not the grace time's, and no stop event is on record")
		}
	case !asked.IsZero():
		v = noTime(sourceEvents, fmt.Sprintf("kill with %s, SIGKILL %s later", signal, human.Duration(between)))
	case noted: // the event of its stop signal is gone
		v = c.stopByNote(note)
	default:
		v = c.killAlone()
	}
	return v
}

// graceSlack is how far from the grace time the engine's SIGKILL may come.
const graceSlack = 2 * time.Second

// askedAt is when the engine sent the stop signal in the minute before its SIGKILL.
func (c inquest) askedAt() time.Time {
	number := c.stopSignal()
	if number == sigkill {
		return time.Time{}
	}
	return c.life.signal(number, time.Minute)
}

// stopTimeout is the verdict on a program that did not end in its grace time.
func (c inquest) stopTimeout(summary string) Verdict {
	v := Verdict{Kind: StopTimeout, Confidence: Certain, Summary: summary}
	v.evidence(sourceEvents, fmt.Sprintf("kill with %s, then with SIGKILL", signalName(c.stopSignal())))
	v.against("it may have ignored the signal, or needed longer than it was given: the events show both alike")
	c.addStopRemedies(&v)
	return v
}

// killedOnHost is what is left when both witnesses are there and show nothing.
func (c inquest) killedOnHost() Verdict {
	v := Verdict{Kind: KilledBySomeone, Confidence: Likely}
	v.Summary = "killed by SIGKILL (137) that neither the engine nor the kernel's OOM killer sent: somebody on the host did, or a program such as earlyoom"
	if k, ok := c.stray(); ok {
		v.Confidence = Possible
		v.Summary = "killed by SIGKILL (137) that the engine did not send: somebody on the host did, or the end follows from an OOM kill in it that its time does not lay to it"
		v.evidence(c.in.Kernel.Source, spellKill(k))
	} else {
		v.evidence(c.in.Kernel.Source, "no OOM kill in it, back to "+c.in.Kernel.Value.Since.UTC().Format(time.RFC3339))
	}
	v.against(c.logSays())
	v.against(c.eventsSay())
	v.against("a program may also end with 137 of itself, as a shell does that hands on its child's code")
	v.remedy("look who was on the host, and for earlyoom or systemd-oomd",
		"sudo journalctl --no-pager --since "+shellWord(c.life.died.Add(-time.Minute).UTC().Format("2006-01-02 15:04:05 UTC"))+
			" --until "+shellWord(c.life.died.Add(time.Minute).UTC().Format("2006-01-02 15:04:05 UTC")))
	return v
}

package verdict

import (
	"fmt"
	"slices"
	"time"

	"vmguard/pkg/docker"
	"vmguard/pkg/human"
)

// stopSignal is the number of the signal by which the engine asks this life to end. It is
// the configured one; but where the engine notes a stop and that signal is not on record
// (docker stop --signal), or nothing is known to be configured (a removed container), it is
// the last other signal before the SIGKILL or the end. Where nothing tells, it is SIGTERM,
// the engine's default.
func (c inquest) stopSignal() int {
	k := c.in.Container
	number, ok := docker.SignalNumber(k.Stop())
	if !ok {
		number, _ = docker.SignalNumber("SIGTERM")
	}
	if !c.stopped() || k.StopSignal != "" && (number == sigkill || !c.life.signal(number, time.Hour).IsZero()) {
		return number
	}
	if other := c.otherSignal(c.grace() + time.Minute); other.Signal != 0 {
		return other.Signal
	}
	return number
}

// otherSignal gives the newest kill event with a signal other than SIGKILL in the time
// before the end, and before the SIGKILL where there is one; the zero Event for none.
func (c inquest) otherSignal(within time.Duration) docker.Event {
	killed := c.life.signal(sigkill, time.Minute)
	for _, e := range slices.Backward(c.life.events) {
		before := c.life.died.Sub(e.Time)
		if e.Action == actionKill && e.Signal != 0 && e.Signal != sigkill &&
			before <= within && before >= -lateEvent && (killed.IsZero() || !e.Time.After(killed)) {
			return e
		}
	}
	return docker.Event{}
}

// killAlone judges the engine's SIGKILL where no stop signal is on record before it.
func (c inquest) killAlone() Verdict {
	v := Verdict{Kind: KilledBySomeone, Confidence: Certain, Summary: "killed with docker kill, or by a client that does the same (docker rm -f)"}
	other := c.otherSignal(time.Minute)
	switch {
	case c.stopped():
		v.Confidence, v.Summary = Likely, "killed by docker stop (or restart) with SIGKILL, no other signal right before it"
		v.evidence(sourceEvents, "kill with SIGKILL, then stop")
		if !c.life.startSeen {
			v.Confidence = Possible
			v.against("the events do not reach back over this life: it may have been asked to end before that")
		}
		v.remedy("let it end by itself: a stop signal other than SIGKILL (--stop-signal, STOPSIGNAL)", "")
		return v
	case c.in.Container.StopSignal == "" && other.Signal != 0:
		v.Confidence = Possible
		v.evidence(sourceEvents, fmt.Sprintf("kill with %s, SIGKILL %s later, no stop", signalName(other.Signal),
			human.Duration(c.life.signal(sigkill, time.Minute).Sub(other.Time))))
		v.against("what its stop signal was is not on record: it may be one that docker stop sent, whose grace time ran out")
	default:
		v.evidence(sourceEvents, "kill with SIGKILL, no stop signal before it")
	}
	v.remedy("stop it with docker stop, which lets it end by itself; find the script or person that kills it", "")
	return v
}

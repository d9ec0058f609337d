package docker

import "time"

// StopOutcome is how a container took its stop signal.
type StopOutcome string

// The outcomes.
const (
	// StopNone: no stop on record that shows it. Nothing follows from it.
	StopNone StopOutcome = "none"
	// StopObeyed: the container ended by itself, within the grace time, after the stop signal.
	StopObeyed StopOutcome = "obeyed"
	// StopDeaf: it was still there when the grace time was over, and SIGKILL ended it.
	// That is a program that ignores the signal, or one that needs longer than it was given.
	StopDeaf StopOutcome = "deaf"
)

// Stop is the newest stop on record that shows how a container takes its stop signal.
type Stop struct {
	Outcome StopOutcome
	At      time.Time // when it died; zero for StopNone
	// Waited is the time from the stop signal to SIGKILL (deaf) or to the end (obeyed).
	Waited   time.Duration
	ExitCode int
}

const (
	sigkill = 9
	// exitKilled is the exit code of a container that SIGKILL ended, 128 + 9.
	exitKilled = 128 + sigkill
	// leastGrace is the shortest time that a program must have had before its death by
	// SIGKILL counts against it: docker stop -t 0 gives it none.
	leastGrace = time.Second
	// graceSlack is added to the grace time, for an engine that is slow to notice.
	graceSlack = 2 * time.Second
)

// LastStop reads from a container's events, oldest first, how its newest telling stop
// went. A stop is: kill with the stop signal; where the container does not end, kill
// with SIGKILL after the grace time; die. (moby: daemon/stop.go, containerStop.)
//
// stopSignal is as in Container.StopSignal, grace as in Container.StopTimeout: a death
// later than that after a lone signal has another cause; grace below 0 is no limit. A death by
// SIGKILL without the engine's own kill, or after an oom event, tells nothing, and
// neither does a SIGKILL that came less than a second after the stop signal. Of several
// stop signals the one right before the SIGKILL, or before the end, counts.
func LastStop(events []Event, stopSignal string, grace time.Duration) Stop {
	last := Stop{Outcome: StopNone}
	signal, ok := SignalNumber(stopSignal)
	if !ok || signal == sigkill {
		return last
	}
	var life struct {
		asked, killed time.Time
		oom           bool
	}
	for _, e := range events {
		switch e.Action {
		case "start":
			life.asked, life.killed, life.oom = time.Time{}, time.Time{}, false
		case "oom":
			life.oom = true
		case "kill":
			if e.Signal == signal && life.killed.IsZero() { // the newest: docker stop after a docker kill of that signal
				life.asked = e.Time
			}
			if e.Signal == sigkill && life.killed.IsZero() {
				life.killed = e.Time
			}
		case "die":
			if stop, ok := judgeStop(e, life.asked, life.killed, grace); ok && !life.oom {
				last = stop
			}
			life.asked, life.killed, life.oom = time.Time{}, time.Time{}, false
		}
	}
	return last
}

// judgeStop judges one death; false where it tells nothing. asked and killed are the times of
// the stop signal and of SIGKILL, zero where the engine sent none.
func judgeStop(die Event, asked, killed time.Time, grace time.Duration) (Stop, bool) {
	if asked.IsZero() || die.ExitCode == nil {
		return Stop{}, false
	}
	stop := Stop{At: die.Time, ExitCode: *die.ExitCode}
	switch {
	case killed.IsZero() && stop.ExitCode != exitKilled:
		stop.Outcome, stop.Waited = StopObeyed, die.Time.Sub(asked)
		return stop, stop.Waited >= 0 && (grace < 0 || stop.Waited <= grace+graceSlack)
	case !killed.IsZero() && stop.ExitCode == exitKilled:
		stop.Outcome, stop.Waited = StopDeaf, killed.Sub(asked)
		return stop, stop.Waited >= leastGrace
	}
	return Stop{}, false
}

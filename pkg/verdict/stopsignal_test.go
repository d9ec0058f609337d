package verdict_test

import (
	"strings"
	"testing"
	"time"

	"vmguard/pkg/docker"
	"vmguard/pkg/host"
	"vmguard/pkg/verdict"
)

// gone is a removed container with the events of an end; nothing is known to be configured.
func gone(events ...docker.Event) host.Container {
	c := removed(events...)
	c.StopTimeout = 10 * time.Second
	return c
}

// TestStopSignal: which signal is the one of a stop is taken from the events where inspect
// does not tell it, or docker stop --signal sent another.
func TestStopSignal(t *testing.T) {
	t.Parallel()
	stop := func(signal int) []docker.Event {
		return []docker.Event{ev(0, "start"), ev(1000, "kill", signal), ev(11_010, "kill", 9), ev(11_040, "die", 137), ev(11_110, "stop")}
	}
	alone := []docker.Event{ev(0, "start"), ev(11_010, "kill", 9), ev(11_040, "die", 137), ev(11_110, "stop")}
	obeyed := []docker.Event{ev(0, "start"), ev(1000, "kill", 3), ev(1200, "die", 0), ev(1300, "stop")}
	byHand := append([]docker.Event{ev(0, "start"), ev(500, "kill", 15)}, stop(2)[1:]...)
	quick := []docker.Event{ev(0, "start"), ev(11_000, "kill", 3), ev(11_010, "kill", 9), ev(11_040, "die", 137), ev(11_110, "stop")}
	reload := append([]docker.Event{ev(0, "start"), ev(1500, "kill", 1)}, stop(15)[1:]...)
	signals := dead(137, 11_000, alone...)
	signals.StopSignal = "SIGKILL"
	judged(t, []death{
		{"removed, SIGQUIT and a stop", known(gone(stop(3)...), kernel()), verdict.StopTimeout, verdict.Certain, "10 s after SIGQUIT"},
		{"removed, SIGWINCH and a stop", known(gone(stop(28)...), kernel()), verdict.StopTimeout, verdict.Certain, "10 s after SIGWINCH"},
		{"removed, SIGRTMIN+3 and a stop", known(gone(stop(37)...), kernel()), verdict.StopTimeout, verdict.Certain, "10 s after SIGRTMIN+3"},
		{"removed, SIGTERM and a stop", known(gone(stop(15)...), kernel()), verdict.StopTimeout, verdict.Certain, "10 s after SIGTERM"},
		{"removed, a SIGTERM by hand before SIGINT and a stop", known(gone(byHand...), kernel()), verdict.StopTimeout, verdict.Certain, "10 s after SIGINT"},
		{"removed, SIGINT without a stop", known(gone(stop(2)[:4]...), kernel()), verdict.KilledBySomeone, verdict.Possible, "docker kill"},
		{"removed, SIGTERM without a stop", known(gone(stop(15)[:4]...), kernel()), verdict.StopTimeout, verdict.Likely, "10 s after SIGTERM"},
		{"removed, no time given", known(gone(quick...), kernel()), verdict.KilledBySomeone, verdict.Certain, "gave it no time"},
		{"removed, SIGQUIT obeyed", known(gone(obeyed...), kernel()), verdict.Exited, verdict.Certain, "ended on SIGQUIT, 200 ms after"},
		{"removed, SIGKILL alone", known(gone(ev(0, "start"), ev(11_010, "kill", 9), ev(11_040, "die", 137)), kernel()), verdict.KilledBySomeone, verdict.Certain, "docker kill"},
		{"removed, SIGKILL and a stop", known(gone(alone...), kernel()), verdict.KilledBySomeone, verdict.Likely, "docker stop"},
		{"removed, SIGKILL and a stop, events cut off", known(gone(alone[1:]...), kernel()), verdict.KilledBySomeone, verdict.Possible, "docker stop"},
		{"docker stop --signal INT", known(dead(137, 11_000, stop(2)...), kernel()), verdict.StopTimeout, verdict.Certain, "10 s after SIGINT"},
		{"SIGINT and SIGKILL by hand", known(dead(137, 11_000, stop(2)[:4]...), kernel()), verdict.KilledBySomeone, verdict.Certain, "docker kill"},
		{"its own stop signal is on record", known(dead(137, 11_000, reload...), kernel()), verdict.StopTimeout, verdict.Certain, "after SIGTERM"},
		{"a stop signal that is SIGKILL", known(signals, kernel()), verdict.KilledBySomeone, verdict.Likely, "docker stop"},
	})
	v := verdict.Judge(known(gone(stop(3)...), kernel())).Deaths[0].Verdict
	var said []string
	for _, r := range v.Remedies {
		said = append(said, r.Text)
	}
	if all := strings.Join(said, "\n"); !strings.Contains(all, "catch SIGQUIT") || strings.Contains(all, "longer than") {
		t.Errorf("the remedies speak of another signal, or of a grace time that nobody knows:\n%s", all)
	}
}

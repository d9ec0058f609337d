package verdict_test

import (
	"strings"
	"testing"

	"vmguard/pkg/docker"
	"vmguard/pkg/host"
	"vmguard/pkg/verdict"
)

// TestHealer blames a healer only for what healers do: end the unhealthy, and start it again.
func TestHealer(t *testing.T) {
	t.Parallel()
	probes := func(codes ...int) []docker.Probe {
		var out []docker.Probe
		for i, code := range codes {
			out = append(out, docker.Probe{End: at(60_000 + 5000*i), ExitCode: code})
		}
		return out
	}
	in := func(c host.Container, healer string, probed []docker.Probe) verdict.Input {
		input := known(c, kernel())
		input.Healer = healer
		input.Health = host.Known(probed, "docker inspect app")
		return input
	}
	deaf := []docker.Event{ev(0, "start"), ev(90_000, "kill", 15), ev(100_010, "kill", 9), ev(100_040, "die", 137), ev(100_100, "stop")}
	stopped := dead(137, 100_020, deaf...)
	stopped.Health = &docker.Health{Status: "unhealthy", FailingStreak: 5}
	swarm := stopped
	swarm.SwarmTask = true
	again := func(ms int, events ...docker.Event) host.Container {
		c := alive(append(events, ev(ms, "start"), ev(ms+1, "restart"))...)
		c.StartedAt, c.FinishedAt = at(ms), at(100_020)
		return c
	}
	restarted := again(100_400, deaf...)
	obeyed := again(90_400, ev(0, "start"), ev(90_000, "kill", 15), ev(90_040, "die", 143), ev(90_100, "stop"))
	obeyed.FinishedAt = at(90_020)
	lateAgain := alive(append(deaf, ev(200_000, "start"))...)
	lateAgain.StartedAt, lateAgain.FinishedAt = at(200_000), at(100_020)
	failing := probes(0, 1, 1, 1)
	nextLife := append(probes(1, 1), docker.Probe{End: at(101_000), ExitCode: 1})
	judged(t, []death{
		{"autoheal, restarted", in(restarted, "autoheal", failing), verdict.Unhealthy, verdict.Likely, "by autoheal"},
		{"autoheal, restarted, the stop was obeyed", in(obeyed, "autoheal", failing), verdict.Unhealthy, verdict.Likely, "by autoheal"},
		{"autoheal, stayed stopped", in(stopped, "autoheal", failing), verdict.StopTimeout, verdict.Certain, "docker stop"},
		{"autoheal, started much later", in(lateAgain, "autoheal", failing), verdict.StopTimeout, verdict.Certain, "docker stop"},
		{"autoheal, restarted, two failures", in(restarted, "autoheal", probes(0, 1, 1)), verdict.StopTimeout, verdict.Certain, "docker stop"},
		{"autoheal, restarted, healthy again", in(restarted, "autoheal", probes(1, 1, 1, 0)), verdict.StopTimeout, verdict.Certain, "docker stop"},
		{"autoheal, restarted, a failure of the next life", in(restarted, "autoheal", nextLife), verdict.StopTimeout, verdict.Certain, "docker stop"},
		{"autoheal, restarted, no runs on record", in(restarted, "autoheal", nil), verdict.StopTimeout, verdict.Certain, "docker stop"},
		{"no healer, restarted", in(restarted, "", failing), verdict.StopTimeout, verdict.Certain, "docker stop"},
		{"a swarm, stayed stopped", in(swarm, "", nil), verdict.Unhealthy, verdict.Likely, "by the swarm"},
	})
	for want, input := range map[string]verdict.Input{
		"autoheal runs here, but starts again what it ends": in(stopped, "autoheal", nil),
		"an engine alone does not end a container for that": in(stopped, "", nil),
	} {
		if notes := strings.Join(verdict.Judge(input).Deaths[0].Verdict.Notes, "; "); !strings.Contains(notes, want) {
			t.Errorf("notes: %q, want %q", notes, want)
		}
	}
}

// TestStopWithoutTimeAfterASignal takes the stop's own signal, not one of before, for the
// beginning of the wait.
func TestStopWithoutTimeAfterASignal(t *testing.T) {
	t.Parallel()
	judged(t, []death{
		{"docker kill -s TERM, docker stop -t 0", known(dead(137, 10_000, ev(0, "start"), ev(5000, "kill", 15), ev(10_000, "kill", 15), ev(10_020, "kill", 9), ev(10_040, "die", 137), ev(10_060, "stop")), kernel()), verdict.KilledBySomeone, verdict.Certain, "gave it no time"},
		{"docker kill -s TERM, docker stop", known(dead(137, 20_000, ev(0, "start"), ev(5000, "kill", 15), ev(10_000, "kill", 15), ev(20_020, "kill", 9), ev(20_040, "die", 137), ev(20_060, "stop")), kernel()), verdict.StopTimeout, verdict.Certain, "10 s after SIGTERM"},
		{"its signals are not on record", known(dead(137, 20_000, ev(20_040, "die", 137), ev(20_060, "stop")), kernel()), verdict.Unknown, verdict.None, "cannot be told"},
	})
}

package check

import (
	"fmt"
	"time"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
)

var containerRestartLoop = Check{
	ID: "container-restart-loop", Area: finding.Containers, Worst: finding.Critical,
	Title: "The container stays up",
	Why: "A container that dies and is restarted again and again looks up in a list, and serves nobody. The engine waits longer each time, " +
		"from 100 ms up to a minute. Each start logs in anew, and a mail server may then refuse it for too many connections.",
	Rule: "Critical while its state is restarting, when it has a restart policy and died 3 times or more of itself in 10 minutes, when it was restarted 3 times or more and started in the last 10 minutes, " +
		"or when its policy gave up. A warning for 3 restarts or more with the last start within 24 hours, info for older ones. " +
		"A policy's container-restart-loop is the number in place of 3.",
	Fix: "Read its last log lines and its exit code.",
	Judge: func(f *host.Facts, p Policy) []finding.Finding {
		return eachContainer(f, func(c host.Container) finding.Finding {
			return judgeRestartLoop(f, c, p.Thresholds.RestartLoopCount)
		})
	},
}

func judgeRestartLoop(f *host.Facts, c host.Container, loop int) finding.Finding {
	up, started := since(f, c.StartedAt)
	recent := recentDeaths(f, c)
	seen := []finding.Evidence{inspect(c, fmt.Sprintf("state %s, RestartCount %d, exit code %d", c.State, c.RestartCount, c.ExitCode), "running, RestartCount 0")}
	if recent > 0 {
		seen = append(seen, evidence("docker events", human.Count(recent, "death")+" in the last 10 minutes"))
	}
	logs := remedy("read why it ends", "docker logs --tail 50 "+human.ShellWord(c.Name))
	restarted := "restarted " + human.Count(c.RestartCount, "time")
	switch {
	case c.State == "restarting":
		return fail(finding.Critical, fmt.Sprintf("it is in a restart loop: %s, last exit code %d", restarted, c.ExitCode), logs, seen...)
	case gaveUp(c):
		return fail(finding.Critical, fmt.Sprintf("%s, then its policy on-failure:%d gave up: it stays down, exit code %d", restarted, c.Restart.MaxRetries, c.ExitCode), logs, seen...)
	case recent >= loop && c.Restart.Name != "no" && c.Restart.Name != "":
		return fail(finding.Critical, fmt.Sprintf("it died %d times in the last 10 minutes", recent), logs, seen...)
	case c.RestartCount < loop || !started:
		return pass("it is in no restart loop", seen...)
	case up <= loopWindow:
		return fail(finding.Critical, restarted+", the last start "+human.Ago(up), logs, seen...)
	case up <= 24*time.Hour:
		return fail(finding.Warning, restarted+", the last start "+human.Ago(up), logs, seen...)
	}
	return fail(finding.Info, restarted+" since it was made, the last start "+human.Ago(up), logs, seen...)
}

// loopWindow is how far back deaths and starts count as a loop that goes on.
const loopWindow = 10 * time.Minute

// recentDeaths counts the container's ends within the window. What somebody stopped did not die of itself.
func recentDeaths(f *host.Facts, c host.Container) int {
	recent := 0
	for _, t := range eventTimes(c, "die") {
		if age, ok := since(f, t); ok && age <= loopWindow && len(killSignals(c, t)) == 0 {
			recent++
		}
	}
	return recent
}

// gaveUp tells that the restart policy's retries are used up.
func gaveUp(c host.Container) bool {
	return !c.Running() && c.Restart.Name == "on-failure" && c.Restart.MaxRetries > 0 && c.RestartCount >= c.Restart.MaxRetries && c.ExitCode != 0
}

// killSignals gives the signals that the engine sent in the minutes before an end.
func killSignals(c host.Container, end time.Time) []int {
	var out []int
	for _, e := range c.Events {
		before := end.Sub(e.Time)
		if e.Action == "kill" && before > -5*time.Second && before < c.StopTimeout+time.Minute {
			out = append(out, e.Signal)
		}
	}
	return out
}

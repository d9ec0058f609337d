package check

import (
	"cmp"
	"fmt"
	"time"

	"vmguard/pkg/docker"
	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
	"vmguard/pkg/oom"
)

const exitSIGKILL = 137 // 128 + 9, as the engine reports a process that SIGKILL ended

var containerOOMKilled = Check{
	ID: "container-oom-killed", Area: finding.Containers, Worst: finding.Critical,
	Title: "The kernel has not killed in the container for want of memory",
	Why: "It is the kernel, not the Docker daemon, that kills at a memory limit. Docker's OOMKilled flag alone does not tell: it is " +
		"reset by a restart, and may miss a child that was killed while PID 1 lived. So the flag, the engine's events, the container's cgroup and the kernel's log are read together.",
	Rule: "Fails when any of the four tells of an OOM kill: critical when it was within 24 hours or has no date, a warning within 7 days, or without a date in a container that has been up for longer than 24 hours, else info; " +
		"info as well where the limit was raised since. " +
		"Unknown for a running container of which neither the cgroup nor the kernel log can be read.",
	Fix: "Raise the container's limit or cap its heap; where the host ran out, add swap or RAM.",
	Judge: func(f *host.Facts) []finding.Finding {
		kills := killsByContainer(f)
		return eachContainer(f, func(c host.Container) finding.Finding { return judgeOOMKilled(f, c, traceOOM(f, c, kills[c.ID])) })
	},
}

// oomTrace is all that tells of OOM kills in one container.
type oomTrace struct {
	evidence []finding.Evidence
	kills    []oom.Kill
	last     time.Duration // age of the newest kill whose time is known
	dated    bool
}

func (t *oomTrace) date(age time.Duration) {
	if !t.dated || age < t.last {
		t.last, t.dated = age, true
	}
}

// traceOOM gathers what is known of a container, kills being those of the kernel's log.
func traceOOM(f *host.Facts, c host.Container, kills []oom.Kill) oomTrace {
	t := oomTrace{kills: kills}
	if c.OOMKilled {
		t.evidence = append(t.evidence, inspect(c, "OOMKilled true", "false"))
	}
	if times := eventTimes(c, "oom"); len(times) > 0 {
		age, _ := since(f, times[len(times)-1])
		t.date(age)
		t.evidence = append(t.evidence, evidence("docker events", fmt.Sprintf("%s, the last %s", human.Count(len(times), "oom event"), human.Ago(age))))
	}
	if m := c.Memory; m.Known() && m.Value.OOMKills != nil && *m.Value.OOMKills > 0 {
		t.evidence = append(t.evidence, wanted(m.Source, fmt.Sprintf("oom_kill %d since its start", *m.Value.OOMKills), "0"))
	}
	if n := len(t.kills); n > 0 {
		got := fmt.Sprintf("%s, the last of %s (pid %d)", human.Count(n, "kill"), t.kills[n-1].Comm, t.kills[n-1].PID)
		if f.System.Known() {
			age := sinceKill(f, t.kills[n-1])
			t.date(age)
			got += " " + human.Ago(age)
		}
		t.evidence = append(t.evidence, evidence(f.OOM.Source, got))
	}
	// The flag itself has no date: the end that it belongs to is the best that is left.
	if age, ok := since(f, c.FinishedAt); c.OOMKilled && !t.dated && ok && !c.Running() {
		t.date(age)
	}
	return t
}

func judgeOOMKilled(f *host.Facts, c host.Container, t oomTrace) finding.Finding {
	if len(t.evidence) == 0 {
		cgroupSays := c.Memory.Known() && c.Memory.Value.OOMKills != nil
		if c.Running() && !cgroupSays && !f.OOM.Known() {
			return unknown("Docker reports no OOM kill, but it can miss one: the container's cgroup: "+cmp.Or(c.Memory.Why(), "no counter")+
				"; the kernel log: "+f.OOM.Why(), inspect(c, "OOMKilled false", ""))
		}
		return pass("no OOM kill in it is on record", inspect(c, "OOMKilled false", ""))
	}
	severity := finding.Critical
	when := ""
	if t.dated {
		severity, when = severityByAge(t.last), ", "+human.Ago(t.last)
	} else if up, ok := since(f, c.StartedAt); ok && c.Running() && up > 24*time.Hour {
		severity, when = finding.Warning, ", at some time since its start "+human.Ago(up)
	}
	if n := len(t.kills); n > 0 && raisedSince(killGroup{own: &c}, t.kills[n-1]) {
		severity = finding.Info
	}
	return fail(severity, spellDeath(f, c, t)+when+spellRestarts(c), oomRemedy(f, c, t), t.evidence...)
}

// spellDeath says what was killed and by which limit, as far as the log tells.
func spellDeath(f *host.Facts, c host.Container, t oomTrace) string {
	who := "killed by the kernel for want of memory"
	if c.Running() && c.RestartCount == 0 && survived(f, c, t) {
		who = "a child process was killed by the kernel for want of memory, while PID 1 lives"
	}
	if n := len(t.kills); n > 0 {
		return who + " (" + spellLimit(killGroup{own: &c}, t.kills[n-1]) + ")"
	}
	if c.Limits.Memory > 0 {
		return who + " (its limit is now " + human.Bytes(c.Limits.Memory) + ")"
	}
	return who + " (it has no limit of its own: the VM, or a group above it, ran out)"
}

// survived tells that the newest kill came after the container's PID 1 was started.
func survived(f *host.Facts, c host.Container, t oomTrace) bool {
	up, ok := since(f, c.StartedAt)
	return ok && t.dated && t.last < up
}

func spellRestarts(c host.Container) string {
	if c.RestartCount == 0 {
		return ""
	}
	return fmt.Sprintf("; restarted %s", human.Count(c.RestartCount, "time"))
}

func oomRemedy(f *host.Facts, c host.Container, t oomTrace) *finding.Remedy {
	if n := len(t.kills); n > 0 {
		return killRemedy(f, killGroup{own: &c}, t.kills[n-1])
	}
	if c.Limits.Memory > 0 {
		return raiseLimit(f, c)
	}
	return remedy("add swap or RAM, and limit the containers, so that a leak is killed alone", "")
}

var containerRestartLoop = Check{
	ID: "container-restart-loop", Area: finding.Containers, Worst: finding.Critical,
	Title: "The container stays up",
	Why: "A container that dies and is restarted again and again looks up in a list, and serves nobody. The engine waits longer each time, " +
		"from 100 ms up to a minute. Each start logs in anew, and a mail server may then refuse it for too many connections.",
	Rule: "Critical while its state is restarting, when it has a restart policy and died 3 times or more of itself in 10 minutes, when it was restarted 3 times or more and started in the last 10 minutes, " +
		"or when its policy gave up. A warning for 3 restarts or more with the last start within 24 hours, info for older ones.",
	Fix: "Read its last log lines and its exit code.",
	Judge: func(f *host.Facts) []finding.Finding {
		return eachContainer(f, func(c host.Container) finding.Finding { return judgeRestartLoop(f, c) })
	},
}

func judgeRestartLoop(f *host.Facts, c host.Container) finding.Finding {
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
	case recent >= 3 && c.Restart.Name != "no" && c.Restart.Name != "":
		return fail(finding.Critical, fmt.Sprintf("it died %d times in the last 10 minutes", recent), logs, seen...)
	case c.RestartCount < 3 || !started:
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

var containerKilled = Check{
	ID: "container-killed", Area: finding.Containers, Worst: finding.Warning,
	Title: "Nobody has killed the container",
	Why: "Exit code 137 is SIGKILL and nothing more: an OOM kill, docker kill, a docker stop whose grace time ran out, or kill -9. " +
		"Only together with the kernel's log and the engine's events can they be told apart.",
	Rule: "For a container whose last end was exit code 137 and no OOM kill: a warning when the grace time of docker stop ran out or the sender is not on record, " +
		"info when somebody used docker kill, and for ends more than 7 days ago. Unknown while the kernel's log, which would show an OOM kill, cannot be read or no longer reaches back.",
	Fix: "Let the program catch its stop signal and end in time, or give it longer (--stop-timeout).",
	Judge: func(f *host.Facts) []finding.Finding {
		kills := killsByContainer(f)
		return eachContainer(f, func(c host.Container) finding.Finding { return judgeKilled(f, c, traceOOM(f, c, kills[c.ID])) })
	},
}

func judgeKilled(f *host.Facts, c host.Container, t oomTrace) finding.Finding {
	code, when := lastEnd(c)
	seen := []finding.Evidence{inspect(c, fmt.Sprintf("exit code %d", code), "not 137")}
	if code != exitSIGKILL {
		return pass("no end by SIGKILL is on record", seen...)
	}
	age, dated := since(f, when)
	ago := ""
	if dated {
		ago = " " + human.Ago(age)
	}
	severity := func(s finding.Severity) finding.Severity {
		if dated && age > 7*24*time.Hour {
			return finding.Info
		}
		return s
	}
	kills, stop := killSignals(c, when), docker.LastStop(c.Events, c.Stop(), c.StopTimeout)
	if len(kills) > 0 {
		seen = append(seen, evidence("docker events", fmt.Sprintf("kill with signal %v", kills)))
	}
	switch {
	case stop.Outcome == docker.StopDeaf && stop.At.Equal(when):
		return fail(severity(finding.Warning), fmt.Sprintf("killed%s by docker stop, %s after %s, on which it did not act in time",
			ago, human.Duration(stop.Waited), c.Stop()), stopRemedy(c), seen...)
	case len(kills) > 1 && kills[len(kills)-1] == 9:
		return fail(finding.Info, "killed"+ago+" with docker stop and no time to end by itself, or with docker kill", nil, seen...)
	case len(kills) == 1 && kills[0] == 9:
		return fail(finding.Info, "killed"+ago+" with docker kill, or by a client that does the same", nil, seen...)
	case t.at(f, c, age, dated):
		return pass("its SIGKILL came from the kernel's OOM killer: see container-oom-killed", t.evidence...)
	case !f.OOM.Known():
		return unknown("it ended"+ago+" by SIGKILL (137); whether the kernel's OOM killer sent it cannot be told: "+f.OOM.Why(), seen...)
	case logReaches(f, age, dated):
		return fail(severity(finding.Warning), "killed"+ago+" by SIGKILL (137); no OOM kill and no docker kill is on record: somebody on the host sent it, or the record is gone",
			remedy("ask who was on the host; the engine's log may know more", "sudo journalctl -u docker --no-pager | grep "+c.ID[:min(12, len(c.ID))]), seen...)
	}
	return unknown("it ended"+ago+" by SIGKILL (137); the kernel's log does not reach back that far, so an OOM kill cannot be excluded", seen...)
}

// at tells whether an end was an OOM kill: by a kill or oom event within seconds of it,
// or, for an end that nothing dates better, by Docker's flag.
func (t oomTrace) at(f *host.Facts, c host.Container, age time.Duration, dated bool) bool {
	const near = 10 * time.Second
	if !dated {
		return len(t.evidence) > 0
	}
	for _, k := range t.kills {
		if apart := sinceKill(f, k) - age; apart > -near && apart < near {
			return true
		}
	}
	for _, at := range eventTimes(c, "oom") {
		if eventAge, ok := since(f, at); ok && eventAge-age > -near && eventAge-age < near {
			return true
		}
	}
	return c.OOMKilled && !c.Running()
}

// lastEnd gives the exit code and time of the container's newest end: the engine's state
// speaks of a running container's present life, so its events are asked first.
func lastEnd(c host.Container) (code int, when time.Time) {
	if !c.Running() {
		return c.ExitCode, c.FinishedAt
	}
	for _, e := range c.Events {
		if e.Action == "die" && e.ExitCode != nil {
			code, when = *e.ExitCode, e.Time
		}
	}
	return code, when
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

// logReaches tells whether the kernel's log covers a moment: the one of an end that is
// younger than the boot, in a log that lost nothing.
func logReaches(f *host.Facts, age time.Duration, dated bool) bool {
	return dated && f.System.Known() && age < f.System.Value.Uptime && !f.OOM.Value.Truncated && f.OOM.Value.Lost == 0
}

// stopRemedy is what mends a container that does not end on its stop signal.
func stopRemedy(c host.Container) *finding.Remedy {
	return remedy(fmt.Sprintf("catch %s in the program and end in time; --stop-timeout gives it longer", c.Stop()), "")
}

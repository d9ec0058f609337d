package check

import (
	"cmp"
	"fmt"
	"sort"
	"time"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
)

// runningContainers gives a fresh list of the containers that have processes.
func runningContainers(f *host.Facts) []host.Container {
	var out []host.Container
	for _, c := range f.Containers.Value {
		if c.Running() {
			out = append(out, c)
		}
	}
	return out
}

// eachContainer judges all containers, and eachRunning those that have processes.
// A container that the engine could not describe is unknown to every rule.
func eachContainer(f *host.Facts, judge func(host.Container) finding.Finding) []finding.Finding {
	if !f.Containers.Known() {
		return one(noContainers(f))
	}
	return judgeContainers(f.Containers.Value, "there is no container", judge)
}

func eachRunning(f *host.Facts, judge func(host.Container) finding.Finding) []finding.Finding {
	if !f.Containers.Known() {
		return one(noContainers(f))
	}
	return judgeContainers(runningContainers(f), "no container is running", judge)
}

func judgeContainers(cs []host.Container, none string, judge func(host.Container) finding.Finding) []finding.Finding {
	if len(cs) == 0 {
		return one(skipped(none))
	}
	out := make([]finding.Finding, 0, len(cs))
	for _, c := range cs {
		found := unknown("the engine could not describe it: " + c.InspectError)
		if c.InspectError == "" {
			found = judge(c)
		}
		found.Subject = c.Name
		out = append(out, found)
	}
	return out
}

// inspect is evidence of what the engine says of a container.
func inspect(c host.Container, got, want string) finding.Evidence {
	return wanted("docker inspect "+c.Name, got, want)
}

// since gives how long before the snapshot a moment was; ok is false for a moment that never was.
func since(f *host.Facts, t time.Time) (age time.Duration, ok bool) {
	if t.IsZero() || f.CollectedAt.IsZero() {
		return 0, false
	}
	return max(0, f.CollectedAt.Sub(t)), true
}

// eventTimes gives when events of an action happened to a container, oldest first.
func eventTimes(c host.Container, action string) []time.Time {
	var out []time.Time
	for _, e := range c.Events {
		if e.Action == action {
			out = append(out, e.Time)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Before(out[j]) })
	return out
}

var containerNoHealthcheck = Check{
	ID: "container-no-healthcheck", Area: finding.Containers, Worst: finding.Info,
	Title: "The container has a healthcheck",
	Why: "A process that lives is not a service that works: a dead IMAP connection or a stuck queue leaves the container running. " +
		"A healthcheck makes that visible. It makes nothing more: plain Docker does not restart unhealthy containers, a swarm does.",
	Rule:  "Info for each running container without one.",
	Fix:   "Add HEALTHCHECK to the Dockerfile, or healthcheck to the compose file, and something that acts on it.",
	Judge: func(f *host.Facts, _ Policy) []finding.Finding { return eachRunning(f, judgeNoHealthcheck) },
}

func judgeNoHealthcheck(c host.Container) finding.Finding {
	if c.Health != nil {
		return pass("it has a healthcheck", inspect(c, "State.Health "+c.Health.Status, ""))
	}
	return fail(finding.Info, "no healthcheck: a service that is stuck looks the same as one that works",
		remedy("add HEALTHCHECK to its Dockerfile or healthcheck to its compose file", ""), inspect(c, "no healthcheck", "one"))
}

var containerUnhealthy = Check{
	ID: "container-unhealthy", Area: finding.Containers, Worst: finding.Warning,
	Title: "The container's healthcheck passes",
	Why: "The healthcheck says that the service does not work. Plain Docker only sets a status: it does not restart an unhealthy container " +
		"(many believe that it does). A swarm does.",
	Rule:  "A warning for each running container whose status is unhealthy. Unknown while its first checks run. Does not apply without a healthcheck.",
	Fix:   "Look at the last output and mend the cause; docker restart gives it a fresh start, and erases the evidence of how it came to be.",
	Judge: func(f *host.Facts, _ Policy) []finding.Finding { return eachRunning(f, judgeUnhealthy) },
}

func judgeUnhealthy(c host.Container) finding.Finding {
	h := c.Health
	switch {
	case h == nil || h.Status == "none":
		return skipped("it has no healthcheck")
	case h.Status == "healthy":
		return pass("its healthcheck passes", inspect(c, "healthy", ""))
	case h.Status != "unhealthy":
		return unknown("its healthcheck has not come to an answer yet ("+h.Status+")", inspect(c, h.Status, "healthy"))
	}
	seen := []finding.Evidence{inspect(c, fmt.Sprintf("unhealthy, %d failures in a row", h.FailingStreak), "healthy")}
	if h.Last != nil {
		seen = append(seen, evidence("its last healthcheck", fmt.Sprintf("exit %d, %q", h.Last.ExitCode, human.MaskSecrets(h.Last.Output))))
	}
	if c.SwarmTask || c.ManagedBy != "" {
		return fail(finding.Warning, "its healthcheck says unhealthy; "+cmp.Or(c.ManagedBy, "the swarm")+" decides what becomes of it",
			remedy("read what the check printed, in the evidence (-v) and in its log", ""), seen...)
	}
	return fail(finding.Warning, "its healthcheck says unhealthy, and plain Docker does not restart unhealthy containers",
		remedy("see why first (-v shows the check's last words), then restart it, which erases that record",
			"docker restart "+human.ShellWord(c.Name)), seen...)
}

var containerNoRestartPolicy = Check{
	ID: "container-no-restart-policy", Area: finding.Containers, Worst: finding.Warning,
	Title: "The container comes back after a crash and a reboot",
	Why:   "Without a restart policy a container stays dead after its first crash, its first OOM kill, and every reboot of the VM.",
	Rule: "A warning for each running container without a restart policy. Does not apply to containers that are removed when they end, " +
		"nor to those of a swarm, Kubernetes or another manager, which replaces them.",
	Fix:   "docker update --restart unless-stopped, or restart: unless-stopped in the compose file.",
	Judge: func(f *host.Facts, _ Policy) []finding.Finding { return eachRunning(f, judgeNoRestartPolicy) },
}

func judgeNoRestartPolicy(c host.Container) finding.Finding {
	switch {
	case c.AutoRemove:
		return skipped("it is removed when it ends (--rm)")
	case c.SwarmTask || c.ManagedBy != "":
		return skipped(cmp.Or(c.ManagedBy, "the swarm") + " looks after it")
	case c.Restart.Name != "" && c.Restart.Name != "no":
		return pass("it is restarted: "+c.Restart.Name, inspect(c, "RestartPolicy "+c.Restart.Name, ""))
	}
	return fail(finding.Warning, "no restart policy: it stays dead after its first crash and after every reboot",
		updateContainer(c, "let the engine restart it", "--restart unless-stopped"),
		inspect(c, "RestartPolicy no", "unless-stopped, always or on-failure"))
}

var containerLogsUnbounded = Check{
	ID: "container-logs-unbounded", Area: finding.Containers, Worst: finding.Warning,
	Title: "The container's log is bounded",
	Why:   "The log driver json-file keeps every line for ever unless max-size is set. A program that logs each reconnect fills the disk in a bad night.",
	Rule:  "A warning for each running container with the driver json-file and no max-size.",
	Fix: "Give it log options when it is made anew: --log-opt max-size=10m --log-opt max-file=3, or logging: in the compose file. " +
		"The options of an existing container cannot be changed.",
	Judge: func(f *host.Facts, _ Policy) []finding.Finding { return eachRunning(f, judgeLogsUnbounded) },
}

func judgeLogsUnbounded(c host.Container) finding.Finding {
	switch {
	case c.Logging.Driver == "":
		return unknown("the engine does not say where its log goes")
	case c.Logging.Driver != "json-file":
		return pass("its log driver is "+c.Logging.Driver, inspect(c, "LogConfig "+c.Logging.Driver, ""))
	case bounded(c.Logging.MaxSize):
		return pass("its log rotates at "+c.Logging.MaxSize, inspect(c, "max-size "+c.Logging.MaxSize, ""))
	}
	return fail(finding.Warning, "its log grows without bound",
		remedy("make it anew with --log-opt max-size=10m --log-opt max-file=3", ""), inspect(c, "json-file without max-size", "max-size 10m"))
}

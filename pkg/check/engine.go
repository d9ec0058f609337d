package check

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"

	"vmguard/pkg/docker"
	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
)

var dockerReachable = Check{
	ID: "docker-reachable", Area: finding.Docker, Worst: finding.Critical,
	Title: "The Docker engine answers",
	Why:   "An engine that does not answer cannot restart, stop or start containers, and vmguard sees nothing of them.",
	Rule: "Critical when the engine is there and does not answer as one, or when there is none at an endpoint that was named; a warning when Docker is " +
		"installed and its engine does not run. Unknown when vmguard may not ask it, or a dockerd runs that does not listen at this address. " +
		"Does not apply where there is no Docker.",
	Fix:   "Start the engine and look at its log; or give the user access to its socket.",
	Judge: func(f *host.Facts, _ Policy) []finding.Finding { return one(judgeReachable(f)) },
}

func judgeReachable(f *host.Facts) finding.Finding {
	switch {
	case f.Docker.Known():
		d := f.Docker.Value
		return pass(fmt.Sprintf("Docker %s answers (API %s)", d.Version, d.APINegotiated), evidence(d.Endpoint, "engine "+d.Version))
	case f.DockerInstalled.Known() && !f.DockerInstalled.Value:
		return skipped("there is no Docker on this host")
	case f.DockerFailure == docker.Denied:
		return unknown("there is a Docker engine, but this user may not ask it: "+f.Docker.Why(), evidence("docker", f.Docker.Why()))
	case f.DockerFailure == docker.NoSocket && f.DockerInstalled.Source == host.NamedEndpoint:
		return fail(finding.Critical, "there is no Docker engine at the named endpoint: "+f.Docker.Why(),
			remedy("name the engine's endpoint, or none, to have vmguard look for it", ""), evidence("docker", f.Docker.Why()))
	case f.DockerFailure == docker.NoSocket && hasDaemon(f, "dockerd"):
		return unknown("a dockerd runs here, but not at this address ("+f.Docker.Why()+"); a rootless one is asked with --docker-host unix:///run/user/UID/docker.sock",
			evidence("docker", f.Docker.Why()))
	case f.DockerFailure == docker.NoSocket:
		return fail(finding.Warning, "Docker is installed, but its engine does not run: "+f.Docker.Why(), startEngine(), evidence("docker", f.Docker.Why()))
	case slices.Contains([]docker.Reason{docker.Refused, docker.Unreachable, docker.Timeout, docker.CutOff, docker.BadAnswer, docker.EngineError}, f.DockerFailure):
		return fail(finding.Critical, "the Docker engine does not answer: "+f.Docker.Why(), startEngine(), evidence("docker", f.Docker.Why()))
	default:
		return unknown("cannot tell whether the Docker engine answers: " + f.Docker.Why())
	}
}

func startEngine() *finding.Remedy {
	return remedy("see why it does not run, then start it", "sudo systemctl status docker; sudo journalctl -u docker -n 50 --no-pager")
}

// noEngine says why a check of the engine or of containers has nothing to look at.
func noEngine(f *host.Facts) finding.Finding {
	if f.DockerInstalled.Known() && !f.DockerInstalled.Value {
		return skipped("there is no Docker on this host")
	}
	return unknown("the Docker engine could not be asked: " + f.Docker.Why())
}

// noContainers says why there are no containers to look at.
func noContainers(f *host.Facts) finding.Finding {
	if f.Docker.Known() {
		return unknown("the containers could not be listed: " + f.Containers.Why())
	}
	return noEngine(f)
}

// engineElsewhere says why what is known of this host says nothing of the engine's
// containers; empty where it does, or where nobody knows better.
func engineElsewhere(f *host.Facts) string {
	if f.EngineHere.Known() && !f.EngineHere.Value {
		return f.EngineHere.Source
	}
	return ""
}

var dockerLiveRestore = Check{
	ID: "docker-live-restore", Area: finding.Docker, Worst: finding.Warning, Modes: Live | Image,
	Title: "Containers outlive a restart of the engine",
	Why: "Without live-restore every restart of dockerd, an unattended upgrade for one, stops all containers. " +
		"Long connections break, and mail or queue clients leave ghost sessions behind.",
	Rule: "With live-restore off: a warning with containers running, else info, as in an image. Does not apply in a swarm, which excludes it. " +
		"In an image it is read from daemon.json, and unknown where docker.service sets it by a flag.",
	Fix:   "Set \"live-restore\": true in /etc/docker/daemon.json and reload the engine; that stops nothing.",
	Judge: func(f *host.Facts, _ Policy) []finding.Finding { return one(judgeLiveRestore(f)) },
}

func judgeLiveRestore(f *host.Facts) finding.Finding {
	if f.Image {
		return judgeImageLiveRestore(f)
	}
	if !f.Docker.Known() {
		return noEngine(f)
	}
	seen := wanted("docker info", fmt.Sprintf("LiveRestoreEnabled %t", f.Docker.Value.LiveRestore), "true")
	switch {
	case f.Docker.Value.LiveRestore:
		return pass("containers outlive a restart of the engine", seen)
	case f.Docker.Value.Swarm:
		return skipped("a swarm node cannot keep containers over an engine restart")
	}
	n := len(runningContainers(f))
	if n == 0 {
		return fail(finding.Info, "live-restore is off: a restart or upgrade of the engine stops all containers", daemonRemedy(f), seen)
	}
	return fail(finding.Warning, "live-restore is off: a restart or upgrade of the engine stops "+human.Count(n, "running container"), daemonRemedy(f), seen)
}

var dockerLogLimits = Check{
	ID: "docker-log-limits", Area: finding.Docker, Worst: finding.Warning, Modes: Live | Image,
	Title: "New containers get bounded logs",
	Why: "The engine's default log driver, json-file, keeps every line for ever. One chatty container fills the disk, " +
		"and on a full disk all containers fail.",
	Rule: "A warning when the default driver is json-file and no max-size is configured; info where it was configured after the engine was started. Unknown where the engine's configuration cannot be read, and in an image where docker.service sets it by flags, or the driver is none of dockerd's own.",
	Fix: "Set \"log-driver\" and \"log-opts\" in /etc/docker/daemon.json (or use the driver local, which rotates by itself) and restart the engine. " +
		"Existing containers keep what they were made with.",
	Judge: func(f *host.Facts, _ Policy) []finding.Finding { return one(judgeLogLimits(f)) },
}

func judgeLogLimits(f *host.Facts) finding.Finding {
	if f.Image {
		return judgeImageLogLimits(f)
	}
	if !f.Docker.Known() {
		return noEngine(f)
	}
	driver := f.Docker.Value.LogDriver
	seen := evidence("docker info", "default log driver "+driver)
	switch {
	case driver == "":
		return unknown("the engine does not say which log driver is its default", seen)
	case driver != "json-file":
		return pass("the default log driver "+driver+" does not fill the disk by itself", seen)
	case !f.DaemonConfig.Known():
		return unreadConfig(f, "the default log driver is json-file, and whether it rotates cannot be told: ", seen)
	case bounded(f.DaemonConfig.Value.LogMaxSize) && f.DaemonConfig.Value.Stale:
		return fail(finding.Info, "log options were configured after the engine was started: it still makes containers without them",
			remedy("restart the engine when it suits; with live-restore on, the containers go on", ""), evidence(f.DaemonConfig.Source, "changed after dockerd's start"))
	case bounded(f.DaemonConfig.Value.LogMaxSize):
		return pass("new containers' logs rotate at "+f.DaemonConfig.Value.LogMaxSize, evidence(f.DaemonConfig.Source, "max-size "+f.DaemonConfig.Value.LogMaxSize))
	}
	return fail(finding.Warning, "new containers log without bound: one that is chatty fills the disk", daemonRemedy(f),
		seen, wanted(f.DaemonConfig.Source, "no max-size", "max-size 10m"))
}

// bounded tells whether a max-size option bounds a log; -1 is the engine's word for no bound.
func bounded(maxSize string) bool { return maxSize != "" && maxSize != "-1" }

// daemonRemedy names the settings that daemon.json lacks, all of them, so that two
// findings do not overwrite each other's file. A file that exists is for its owner to
// edit, and what dockerd has from its command line must not stand in the file as well.
func daemonRemedy(f *host.Facts) *finding.Remedy {
	var settings, flags []string
	add := func(missing bool, text string, names ...string) {
		for _, name := range names {
			if missing && slices.Contains(f.DaemonConfig.Value.Flags, name) {
				flags = append(flags, "--"+name)
				return
			}
		}
		if missing {
			settings = append(settings, text)
		}
	}
	add(!f.Docker.Value.LiveRestore && !f.Docker.Value.Swarm, `"live-restore": true`, "live-restore")
	add(f.Docker.Value.LogDriver == "json-file" && !bounded(f.DaemonConfig.Value.LogMaxSize),
		`"log-driver": "json-file", "log-opts": {"max-size": "10m", "max-file": "3"}`, "log-driver", "log-opts")
	if len(flags) > 0 {
		return remedy("change "+strings.Join(flags, " and ")+" where dockerd is started: what is set there must not stand in its configuration file as well", "")
	}
	text := fmt.Sprintf("put {%s} into %s, then reload the engine; log options take effect at its next restart, for new containers",
		strings.Join(settings, ", "), cmp.Or(f.DaemonConfig.Value.File, "/etc/docker/daemon.json"))
	here := f.EngineHere.Known() && f.EngineHere.Value
	if !here || !f.DaemonConfig.Known() || f.DaemonConfig.Value.Present {
		return remedy(text, "")
	}
	return remedy(text, fmt.Sprintf(`sudo sh -c 'test ! -e "$1" && mkdir -p "$(dirname "$1")" && printf %%s "$0" > "$1" && kill -HUP $(pidof dockerd)' %s %s`,
		human.ShellWord("{"+strings.Join(settings, ", ")+"}"), human.ShellWord(f.DaemonConfig.Value.File)))
}

var dockerWarnings = Check{
	ID: "docker-warnings", Area: finding.Docker, Worst: finding.Critical,
	Title: "The engine has no warnings of its own",
	Why:   "The engine looks at the kernel too, and says in docker info what it cannot enforce; nobody reads it there.",
	Rule: "Critical for an API that is open to the network without protection, a warning where it is open to this host alone or memory cannot be limited; info for the rest. " +
		"What cgroup-swap-accounting reports is left to it.",
	Fix:   "As the warning says.",
	Judge: judgeWarnings,
}

func judgeWarnings(f *host.Facts, _ Policy) []finding.Finding {
	if !f.Docker.Known() {
		return one(noEngine(f))
	}
	var out []finding.Finding
	for _, w := range f.Docker.Value.Warnings {
		text := strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(w), "WARNING: "), "[DEPRECATION NOTICE]: ")
		severity := finding.Info
		switch lower := strings.ToLower(text); {
		case text == "" || strings.HasPrefix(lower, "no swap limit support"):
			continue
		case strings.Contains(lower, "api is accessible on"):
			severity = finding.Critical
			if strings.Contains(lower, "//127.") || strings.Contains(lower, "//localhost") || strings.Contains(lower, "//[::1]") {
				severity = finding.Warning
			}
		case strings.HasPrefix(lower, "no memory limit support"):
			severity = finding.Warning
		}
		out = append(out, fail(severity, "the engine warns: "+text, remedy("look the warning up in Docker's documentation (docker info prints it, too)", ""), evidence("docker info", w)))
	}
	if len(out) == 0 {
		return one(pass("the engine has no warnings of its own", evidence("docker info", "no warning")))
	}
	return out
}

var memoryLimitsTotal = Check{
	ID: "memory-limits-total", Area: finding.Docker, Worst: finding.Warning,
	Title: "The containers' memory limits fit into the VM",
	Why: "Limits that add up to more than RAM and swap promise memory that is not there. When all containers use what they may, " +
		"the host runs out, and then the kernel kills by size, not by limit.",
	Rule: "When the limits of running containers add up to more than RAM plus swap: info, and a warning from one and a half times as much, since few containers use all of their limit at once. " +
		"Does not apply where none has a limit. Unknown where the engine is not this host's own.",
	Fix:   "Lower the limits of what uses far less, add swap or RAM, or move a container.",
	Judge: func(f *host.Facts, _ Policy) []finding.Finding { return one(judgeLimitsTotal(f)) },
}

func judgeLimitsTotal(f *host.Facts) finding.Finding {
	switch {
	case !f.Containers.Known():
		return noContainers(f)
	case engineElsewhere(f) != "":
		return unknown("cannot tell how much memory the engine's machine has: " + engineElsewhere(f))
	case !f.Memory.Known():
		return unknown("cannot tell how much memory the VM has: " + f.Memory.Why())
	case !f.Swaps.Known():
		return unknown("cannot tell how much swap the VM has: " + f.Swaps.Why())
	}
	var limited []host.Container
	var unseen int
	for _, c := range runningContainers(f) {
		switch {
		case c.InspectError != "":
			unseen++
		case c.Limits.Memory > 0:
			limited = append(limited, c)
		}
	}
	if unseen > 0 {
		return unknown("cannot add up the limits: " + human.Count(unseen, "container") + " could not be inspected")
	}
	if len(limited) == 0 {
		return skipped("no running container has a memory limit")
	}
	sort.SliceStable(limited, func(i, j int) bool { return limited[i].Limits.Memory > limited[j].Limits.Memory })
	var sum uint64
	var names []string
	for _, c := range limited {
		if sum += c.Limits.Memory; sum < c.Limits.Memory {
			sum = 1<<64 - 1 // a sum past 64 bits is more than any VM has
		}
		names = append(names, c.Name+" "+human.Bytes(c.Limits.Memory))
	}
	have := f.Memory.Value.Total + swapTotal(f.Swaps.Value)
	text := fmt.Sprintf("the limits of %s add up to %s; RAM and swap are %s", human.Count(len(limited), "container"), human.Bytes(sum), human.Bytes(have))
	seen := wanted("docker inspect", human.List(names, 5), "at most "+human.Bytes(have))
	if sum <= have {
		return pass(text, seen)
	}
	severity := finding.Info
	if sum/3*2 >= have {
		severity = finding.Warning
	}
	return fail(severity, text+": when all use what they may, the kernel kills by size", remedy("lower the largest limits, or add swap or RAM", ""), seen)
}

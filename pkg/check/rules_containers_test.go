package check

import (
	"time"

	"vmguard/pkg/docker"
	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

// notInspected is the container that the engine listed and could not describe.
var notInspected = ruleCase{"not inspected", func(_ *host.Facts, c *host.Container) { c.InspectError = "engine died" }, []outcome{isUnknown("engine died")}}

func noDocker(f *host.Facts, _ *host.Container) {
	f.DockerInstalled.Value = false
	f.Docker, f.Containers = host.Missing[docker.Engine]("no socket"), host.Missing[[]host.Container]("no socket")
}

func engineRules() map[string][]ruleCase {
	unreachable := func(why docker.Reason) func(*host.Facts, *host.Container) {
		return func(f *host.Facts, _ *host.Container) {
			f.Docker, f.Containers = host.Missing[docker.Engine]("it said no"), host.Missing[[]host.Container]("it said no")
			f.DockerFailure = why
		}
	}
	return map[string][]ruleCase{
		"docker-reachable": {
			{"answers", nil, []outcome{passes("Docker 27.3.1 answers")}},
			{"no Docker", noDocker, []outcome{isSkipped("no Docker")}},
			{"denied", unreachable(docker.Denied), []outcome{isUnknown("may not ask it")}},
			{"dead", unreachable(docker.Timeout), []outcome{fails(finding.Critical, "does not answer: it said no")}},
			{"installed, not running", func(f *host.Facts, c *host.Container) {
				unreachable(docker.NoSocket)(f, c)
				f.Daemons.Value = nil
			}, []outcome{fails(finding.Warning, "does not run")}},
			{"named, not there", func(f *host.Facts, c *host.Container) {
				unreachable(docker.NoSocket)(f, c)
				f.DockerInstalled.Source = host.NamedEndpoint
			}, []outcome{fails(finding.Critical, "no Docker engine at the named endpoint")}},
			{"runs elsewhere on this host", unreachable(docker.NoSocket), []outcome{isUnknown("not at this address")}},
			{"other API", unreachable(docker.APIMismatch), []outcome{isUnknown("it said no")}},
		},
		"docker-live-restore": {
			{"on", nil, []outcome{passes("outlive")}},
			{"off", func(f *host.Facts, _ *host.Container) { f.Docker.Value.LiveRestore = false }, []outcome{fails(finding.Warning, "stops 1 running container")}},
			{"off, nothing runs", func(f *host.Facts, _ *host.Container) { f.Docker.Value.LiveRestore, f.Containers.Value = false, nil },
				[]outcome{fails(finding.Info, "live-restore is off")}},
			{"swarm", func(f *host.Facts, _ *host.Container) { f.Docker.Value.LiveRestore, f.Docker.Value.Swarm = false, true }, []outcome{isSkipped("swarm")}},
			{"denied", unreachable(docker.Denied), []outcome{isUnknown("it said no")}},
			{"no Docker", noDocker, []outcome{isSkipped("no Docker")}},
		},
		"docker-log-limits": {
			{"max-size", nil, []outcome{passes("rotate at 10m")}},
			{"no max-size", func(f *host.Facts, _ *host.Container) { f.DaemonConfig.Value.LogMaxSize = "" }, []outcome{fails(finding.Warning, "without bound")}},
			{"configured after the start", func(f *host.Facts, _ *host.Container) { f.DaemonConfig.Value.Stale = true }, []outcome{fails(finding.Info, "after the engine was started")}},
			{"max-size -1", func(f *host.Facts, _ *host.Container) { f.DaemonConfig.Value.LogMaxSize = "-1" }, []outcome{fails(finding.Warning, "without bound")}},
			{"wrong options", func(f *host.Facts, _ *host.Container) {
				f.DaemonFile.Value.Problems = []host.DaemonProblem{{Key: "log-opts", What: "has x", Effect: host.NoContainers}}
			}, []outcome{isUnknown("daemon-json-valid comes first")}},
			{"journald", func(f *host.Facts, _ *host.Container) {
				f.Docker.Value.LogDriver, f.DaemonConfig.Value.LogMaxSize = "journald", ""
			}, []outcome{passes("journald")}},
			{"no driver", func(f *host.Facts, _ *host.Container) { f.Docker.Value.LogDriver = "" }, []outcome{isUnknown("does not say")}},
			{"broken daemon.json", func(f *host.Facts, _ *host.Container) {
				f.DaemonConfig = host.Missing[host.DaemonConfig]("line 3: invalid character")
			}, []outcome{isUnknown("line 3")}},
		},
		"docker-warnings": {
			{"none", nil, []outcome{passes("no warnings")}},
			{"bridge", func(f *host.Facts, _ *host.Container) {
				f.Docker.Value.Warnings = []string{"WARNING: bridge-nf-call-iptables is disabled"}
			}, []outcome{fails(finding.Info, "bridge-nf-call-iptables is disabled")}},
			{"swap limit is left to another check", func(f *host.Facts, _ *host.Container) {
				f.Docker.Value.Warnings = []string{"WARNING: No swap limit support"}
			}, []outcome{passes("no warnings")}},
			{"open API", func(f *host.Facts, _ *host.Container) {
				f.Docker.Value.Warnings = []string{"WARNING: API is accessible on http://0.0.0.0:2375 without encryption."}
			}, []outcome{fails(finding.Critical, "without encryption")}},
			{"API without client certificates", func(f *host.Facts, _ *host.Container) {
				f.Docker.Value.Warnings = []string{"WARNING: API is accessible on https://0.0.0.0:2376 without TLS client verification."}
			}, []outcome{fails(finding.Critical, "without TLS client verification")}},
			{"API on loopback", func(f *host.Facts, _ *host.Container) {
				f.Docker.Value.Warnings = []string{"WARNING: API is accessible on http://127.0.0.1:2375 without encryption."}
			}, []outcome{fails(finding.Warning, "127.0.0.1")}},
			{"no memory limit", func(f *host.Facts, _ *host.Container) {
				f.Docker.Value.Warnings = []string{"WARNING: No memory limit support"}
			}, []outcome{fails(finding.Warning, "No memory limit support")}},
			{"dead", unreachable(docker.Timeout), []outcome{isUnknown("it said no")}},
		},
		"memory-limits-total": {
			{"fits", nil, []outcome{passes("add up to 512 MiB; RAM and swap are 6.0 GiB")}},
			{"a little too much", func(f *host.Facts, c *host.Container) { c.Limits.Memory = 7 * gib }, []outcome{fails(finding.Info, "add up to 7.0 GiB")}},
			{"too much", func(f *host.Facts, c *host.Container) { c.Limits.Memory = 9 * gib }, []outcome{fails(finding.Warning, "add up to 9.0 GiB")}},
			{"the engine is elsewhere", func(f *host.Facts, _ *host.Container) { f.EngineHere = host.Known(false, "tcp://box:2376") }, []outcome{isUnknown("tcp://box:2376")}},
			{"more than 64 bits", func(f *host.Facts, c *host.Container) {
				c.Limits.Memory = 1<<64 - 1
				f.Containers.Value = append(f.Containers.Value, *c)
			}, []outcome{fails(finding.Warning, "add up to 16 EiB")}},
			{"no limit", func(f *host.Facts, c *host.Container) { c.Limits.Memory = 0 }, []outcome{isSkipped("no running container")}},
			{"stopped", func(f *host.Facts, c *host.Container) { c.State, c.Limits.Memory = "exited", 100*gib }, []outcome{isSkipped("no running container")}},
			{"not inspected", func(f *host.Facts, c *host.Container) { c.InspectError = "x" }, []outcome{isUnknown("1 container could not be inspected")}},
			{"RAM not known", func(f *host.Facts, _ *host.Container) { f.Memory = host.Missing[host.Memory]("empty") }, []outcome{isUnknown("empty")}},
			{"swap not known", func(f *host.Facts, _ *host.Container) { f.Swaps = host.Missing[[]host.SwapArea]("empty") }, []outcome{isUnknown("empty")}},
		},
	}
}

func containerRules() map[string][]ruleCase {
	return map[string][]ruleCase{
		"container-unhealthy": {
			{"healthy", nil, []outcome{passes("passes")}},
			{"unhealthy", func(_ *host.Facts, c *host.Container) {
				c.Health = &docker.Health{Status: "unhealthy", FailingStreak: 7, Last: &docker.Probe{ExitCode: 1, Output: "refused"}}
			}, []outcome{fails(finding.Warning, "plain Docker does not restart unhealthy containers")}},
			{"starting", func(_ *host.Facts, c *host.Container) { c.Health.Status = "starting" }, []outcome{isUnknown("starting")}},
			{"none", func(_ *host.Facts, c *host.Container) { c.Health = nil }, []outcome{isSkipped("no healthcheck")}},
			notInspected,
		},
		"container-no-healthcheck": {
			{"has one", nil, []outcome{passes("has a healthcheck")}},
			{"has none", func(_ *host.Facts, c *host.Container) { c.Health = nil }, []outcome{fails(finding.Info, "no healthcheck")}},
			{"stopped", func(_ *host.Facts, c *host.Container) { c.Health, c.State = nil, "exited" }, []outcome{isSkipped("no container is running")}},
			notInspected,
		},
		"container-no-restart-policy": {
			{"unless-stopped", nil, []outcome{passes("unless-stopped")}},
			{"no", func(_ *host.Facts, c *host.Container) { c.Restart.Name = "no" }, []outcome{fails(finding.Warning, "no restart policy")}},
			{"--rm", func(_ *host.Facts, c *host.Container) { c.Restart.Name, c.AutoRemove = "no", true }, []outcome{isSkipped("--rm")}},
			{"swarm", func(_ *host.Facts, c *host.Container) { c.Restart.Name, c.SwarmTask = "", true }, []outcome{isSkipped("swarm")}},
			{"Kubernetes", func(_ *host.Facts, c *host.Container) { c.Restart.Name, c.ManagedBy = "no", "kubernetes" }, []outcome{isSkipped("kubernetes looks after it")}},
			notInspected,
		},
		"container-no-memory-limit": {
			{"limited", nil, []outcome{passes("limited to 512 MiB")}},
			{"the only one", func(_ *host.Facts, c *host.Container) { c.Limits.Memory = 0 }, []outcome{fails(finding.Info, "takes the whole VM")}},
			{"one of two", func(f *host.Facts, c *host.Container) {
				c.Limits.Memory = 0
				f.Containers.Value = append(f.Containers.Value, web())
			}, []outcome{fails(finding.Warning, "takes the whole VM"), passes("limited")}},
			{"list denied", func(f *host.Facts, _ *host.Container) { f.Containers = host.Missing[[]host.Container]("timed out") }, []outcome{isUnknown("timed out")}},
			notInspected,
		},
		"container-near-limit": {
			{"far", nil, []outcome{passes("29 %")}},
			{"90 %", func(_ *host.Facts, c *host.Container) { c.Memory.Value.Unreclaimable = 461 * mib }, []outcome{fails(finding.Warning, "90 %")}},
			{"96 %", func(_ *host.Facts, c *host.Container) { c.Memory.Value.Unreclaimable = 492 * mib }, []outcome{fails(finding.Critical, "96 %")}},
			{"all page cache", func(_ *host.Facts, c *host.Container) {
				c.Memory.Value.Usage, c.Memory.Value.WorkingSet = 512*mib, 510*mib
			}, []outcome{passes("29 %")}},
			{"no limit", func(_ *host.Facts, c *host.Container) { c.Limits.Memory, c.Memory.Value.Limit = 0, nil }, []outcome{isSkipped("no memory limit")}},
			{"cgroup not readable", func(_ *host.Facts, c *host.Container) {
				c.Memory = host.Missing[host.ContainerMemory]("not this container")
			},
				[]outcome{isUnknown("not this container")}},
			notInspected,
		},
		"container-swap-surprise": {
			{"none by choice", nil, []outcome{passes("as its limits say")}},
			{"default", func(_ *host.Facts, c *host.Container) { c.Limits.MemorySwap = 1024 * mib }, []outcome{fails(finding.Info, "besides its 512 MiB")}},
			{"not set", func(_ *host.Facts, c *host.Container) { c.Limits.MemorySwap = 0 }, []outcome{fails(finding.Info, "besides its 512 MiB")}},
			{"default, host without swap", func(f *host.Facts, c *host.Container) { c.Limits.MemorySwap, f.Swaps.Value = 1024*mib, nil }, []outcome{passes("should it get some")}},
			{"unlimited", func(_ *host.Facts, c *host.Container) { c.Limits.MemorySwap = -1 }, []outcome{fails(finding.Warning, "its swap is not")}},
			{"given some, host without swap", func(f *host.Facts, c *host.Container) { c.Limits.MemorySwap, f.Swaps.Value = 600*mib, nil },
				[]outcome{fails(finding.Info, "the host has none")}},
			{"no limit", func(_ *host.Facts, c *host.Container) { c.Limits.Memory = 0 }, []outcome{isSkipped("no memory limit")}},
			{"the engine is elsewhere", func(f *host.Facts, _ *host.Container) { f.EngineHere = host.Known(false, "rootless") }, []outcome{isUnknown("rootless")}},
			{"swap not readable", func(f *host.Facts, _ *host.Container) { f.Swaps = host.Missing[[]host.SwapArea]("empty") }, []outcome{isUnknown("empty")}},
		},
		"container-logs-unbounded": {
			{"max-size", nil, []outcome{passes("10m")}},
			{"none", func(_ *host.Facts, c *host.Container) { c.Logging.MaxSize = "" }, []outcome{fails(finding.Warning, "without bound")}},
			{"local", func(_ *host.Facts, c *host.Container) { c.Logging = docker.Logs{Driver: "local"} }, []outcome{passes("local")}},
			{"no driver", func(_ *host.Facts, c *host.Container) { c.Logging = docker.Logs{} }, []outcome{isUnknown("does not say")}},
		},
	}
}

func signalRules() map[string][]ruleCase {
	process := func(p host.Process) func(*host.Facts, *host.Container) {
		return func(_ *host.Facts, c *host.Container) { c.Process.Value = p }
	}
	return map[string][]ruleCase{
		"container-ignores-sigterm": {
			{"catches", nil, []outcome{passes("server catches SIGTERM")}},
			{"does not catch", process(host.Process{Comm: "python3", Exe: "python3.11", Runtime: host.RuntimePython, NamespacePID: 1, Sigwait: new(bool)}),
				[]outcome{fails(finding.Warning, "python3 is PID 1 and does not catch SIGTERM")}},
			{"ignores", process(host.Process{Comm: "server", Exe: "server", SigIgn: sigterm, NamespacePID: 1}), []outcome{fails(finding.Warning, "ignores SIGTERM")}},
			{"host's PID namespace", process(host.Process{Comm: "server", Exe: "server", NamespacePID: 4242}), []outcome{passes("not PID 1 of its namespace")}},
			{"Node", process(host.Process{Comm: "node", Exe: "node", Runtime: host.RuntimeNode, SigCgt: sigterm, NamespacePID: 1}),
				[]outcome{isUnknown("cannot tell whether Node acts on SIGTERM")}},
			{"Node that was deaf", func(_ *host.Facts, c *host.Container) {
				c.Process.Value = host.Process{Comm: "node", Exe: "node", Runtime: host.RuntimeNode, SigCgt: sigterm, NamespacePID: 1}
				c.Events = []docker.Event{signal(time.Hour+10*time.Second, 15), signal(time.Hour, 9), die(time.Hour, 137)}
			}, []outcome{fails(finding.Warning, "waited 10 s, and killed it")}},
			{"Node that obeyed", func(_ *host.Facts, c *host.Container) {
				c.Process.Value = host.Process{Comm: "node", Exe: "node", Runtime: host.RuntimeNode, SigCgt: sigterm, NamespacePID: 1}
				c.Events = []docker.Event{signal(time.Hour, 15), die(time.Hour-time.Second, 0)}
			}, []outcome{passes("the last docker stop ended it with SIGTERM")}},
			{"init", process(host.Process{Comm: "docker-init", Exe: "docker-init", Runtime: host.RuntimeInit, SigBlk: sigterm, NamespacePID: 1}), []outcome{passes("hands SIGTERM on")}},
			{"an init that sigwaits", process(host.Process{Comm: "tini", Exe: "tini", Runtime: host.RuntimeInit, NamespacePID: 1, Sigwait: ptr(true)}), []outcome{passes("hands SIGTERM on")}},
			{"a program that sigwaits", process(host.Process{Comm: "server", Exe: "server", NamespacePID: 1, Sigwait: ptr(true)}), []outcome{isUnknown("may wait for it")}},
			{"may not look where it sleeps", process(host.Process{Comm: "python3", Runtime: host.RuntimePython, NamespacePID: 1}), []outcome{isUnknown("only be told as root")}},
			{"a shell, whoever looks", process(host.Process{Comm: "sh", Runtime: host.RuntimeShell, NamespacePID: 1}), []outcome{fails(finding.Warning, "sh is PID 1")}},
			{"waits for it, perhaps", process(host.Process{Comm: "supervisor", Exe: "supervisor", SigBlk: sigterm, NamespacePID: 1}), []outcome{isUnknown("signalfd")}},
			{"another stop signal", func(_ *host.Facts, c *host.Container) { c.StopSignal, c.Process.Value.Sigwait = "SIGQUIT", new(bool) }, []outcome{fails(finding.Warning, "does not catch SIGQUIT")}},
			{"SIGKILL as stop signal", func(_ *host.Facts, c *host.Container) { c.StopSignal = "SIGKILL" }, []outcome{fails(finding.Warning, "every stop is a kill")}},
			{"no such signal", func(_ *host.Facts, c *host.Container) { c.StopSignal = "SIGFOO" }, []outcome{isUnknown("none that is known")}},
			{"program not readable", process(host.Process{Comm: "app", SigCgt: sigterm, NamespacePID: 1}), []outcome{isUnknown("only be read as root")}},
			{"not readable at all", func(_ *host.Facts, c *host.Container) {
				c.Process = host.Missing[host.Process]("the engine runs elsewhere")
			},
				[]outcome{isUnknown("the engine runs elsewhere")}},
			{"namespace not known", process(host.Process{Comm: "app", Exe: "app", SigCgt: sigterm}), []outcome{isUnknown("PID 1 of its namespace")}},
		},
		"container-shell-pid1": {
			{"no shell", nil, []outcome{passes("PID 1 is server")}},
			{"shell form", func(_ *host.Facts, c *host.Container) {
				c.ShellForm, c.Program = true, "sh"
				c.Process.Value = host.Process{Comm: "sh", Exe: "busybox", Runtime: host.RuntimeShell, NamespacePID: 1}
			}, []outcome{fails(finding.Warning, "hands no signal on")}},
			{"entrypoint script", func(_ *host.Facts, c *host.Container) {
				c.Program = "entrypoint.sh"
				c.Process.Value = host.Process{Comm: "entrypoint.sh", Exe: "dash", Runtime: host.RuntimeShell, NamespacePID: 1}
			}, []outcome{fails(finding.Warning, "hands no signal on")}},
			{"interactive shell", func(_ *host.Facts, c *host.Container) {
				c.Program = "bash"
				c.Process.Value = host.Process{Comm: "bash", Exe: "bash", Runtime: host.RuntimeShell, NamespacePID: 1}
			}, []outcome{isSkipped("a shell is its program")}},
			{"shell with a trap", func(_ *host.Facts, c *host.Container) {
				c.Program = "entrypoint.sh"
				c.Process.Value = host.Process{Comm: "bash", Exe: "bash", Runtime: host.RuntimeShell, SigCgt: sigterm, NamespacePID: 1}
			}, []outcome{passes("catches its stop signal")}},
			{"under an init", func(_ *host.Facts, c *host.Container) {
				c.Process.Value = host.Process{Comm: "docker-init", Exe: "docker-init", Runtime: host.RuntimeInit, SigBlk: sigterm, NamespacePID: 1}
			}, []outcome{passes("PID 1 is docker-init")}},
			{"perhaps a script", process(host.Process{Comm: "entrypoint.sh", NamespacePID: 1}), []outcome{isUnknown("only be read as root")}},
			{"not readable", func(_ *host.Facts, c *host.Container) { c.Process = host.Missing[host.Process]("gone") }, []outcome{isUnknown("gone")}},
		},
	}
}

func connectionRules() map[string][]ruleCase {
	late := func(f *host.Facts, c *host.Container) { c.Keepalive.Value.Time = 2 * time.Hour }
	on := func(p host.Provider, name string) func(*host.Facts, *host.Container) {
		return func(f *host.Facts, c *host.Container) {
			late(f, c)
			f.Cloud.Value = host.Cloud{Provider: p, Name: name}
		}
	}
	table := func(count, limit, dropped uint64) func(*host.Facts, *host.Container) {
		return func(f *host.Facts, _ *host.Container) {
			f.Conntrack.Value = host.Conntrack{Count: count, Max: limit, Dropped: &dropped}
		}
	}
	return map[string][]ruleCase{
		"tcp-keepalive-late": {
			{"early", nil, []outcome{passes("first keepalive after 2 min, before the 600 s")}},
			{"Google", late, []outcome{fails(finding.Warning, "first keepalive after 7200 s; Google Compute Engine (connection tracking) drops idle flows after 600 s")}},
			{"Amazon", on(host.Amazon, "Amazon EC2"), []outcome{fails(finding.Info, "after 350 s")}},
			{"Azure", on(host.Azure, "Microsoft Azure"), []outcome{fails(finding.Warning, "after 240 s")}},
			{"Oracle", on(host.Oracle, "Oracle Cloud"), []outcome{fails(finding.Info, "after 300 s")}},
			{"a cloud without a record", on(host.Hetzner, "Hetzner"), []outcome{isUnknown("none is on record for Hetzner")}},
			{"no DMI", func(f *host.Facts, _ *host.Container) { f.Cloud = host.Missing[host.Cloud]("no DMI data") }, []outcome{isUnknown("no DMI data")}},
			{"not root", func(_ *host.Facts, c *host.Container) { c.Keepalive = host.Missing[host.Keepalive]("needs root") }, []outcome{isUnknown("needs root")}},
			{"no network", func(_ *host.Facts, c *host.Container) { c.NetworkMode = "none" }, []outcome{isSkipped("no network")}},
			{"nothing runs", func(f *host.Facts, _ *host.Container) { f.Containers.Value = nil }, []outcome{isSkipped("no container is running")}},
			{"no Docker", noDocker, []outcome{isSkipped("no Docker")}},
		},
		"conntrack-full": {
			{"empty", nil, []outcome{passes("0 %")}},
			{"80 %", table(80, 100, 0), []outcome{fails(finding.Warning, "80 %")}},
			{"full", table(100, 100, 5), []outcome{fails(finding.Critical, "100 %")}},
			{"dropped once", table(1, 100, 5), []outcome{fails(finding.Info, "5 packets were dropped")}},
			{"not loaded", table(0, 0, 0), []outcome{isSkipped("not loaded")}},
			{"not readable", func(f *host.Facts, _ *host.Container) { f.Conntrack = host.Missing[host.Conntrack]("denied") }, []outcome{isUnknown("denied")}},
		},
	}
}

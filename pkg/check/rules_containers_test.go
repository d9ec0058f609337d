package check

import (
	"time"

	"vmguard/pkg/docker"
	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/oom"
)

// notInspected is the container that the engine listed and could not describe.
var notInspected = ruleCase{"not inspected", func(_ *host.Facts, c *host.Container) { c.InspectError = "engine died" }, []verdict{isUnknown("engine died")}}

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
			{"answers", nil, []verdict{passes("Docker 27.3.1 answers")}},
			{"no Docker", noDocker, []verdict{isSkipped("no Docker")}},
			{"denied", unreachable(docker.Denied), []verdict{isUnknown("may not ask it")}},
			{"dead", unreachable(docker.Timeout), []verdict{fails(finding.Critical, "does not answer: it said no")}},
			{"installed, not running", func(f *host.Facts, c *host.Container) {
				unreachable(docker.NoSocket)(f, c)
				f.Daemons.Value = nil
			}, []verdict{fails(finding.Warning, "does not run")}},
			{"named, not there", func(f *host.Facts, c *host.Container) {
				unreachable(docker.NoSocket)(f, c)
				f.DockerInstalled.Source = host.NamedEndpoint
			}, []verdict{fails(finding.Critical, "no Docker engine at the named endpoint")}},
			{"runs elsewhere on this host", unreachable(docker.NoSocket), []verdict{isUnknown("not at this address")}},
			{"other API", unreachable(docker.APIMismatch), []verdict{isUnknown("it said no")}},
		},
		"docker-live-restore": {
			{"on", nil, []verdict{passes("outlive")}},
			{"off", func(f *host.Facts, _ *host.Container) { f.Docker.Value.LiveRestore = false }, []verdict{fails(finding.Warning, "stops 1 running container")}},
			{"off, nothing runs", func(f *host.Facts, _ *host.Container) { f.Docker.Value.LiveRestore, f.Containers.Value = false, nil },
				[]verdict{fails(finding.Info, "live-restore is off")}},
			{"swarm", func(f *host.Facts, _ *host.Container) { f.Docker.Value.LiveRestore, f.Docker.Value.Swarm = false, true }, []verdict{isSkipped("swarm")}},
			{"denied", unreachable(docker.Denied), []verdict{isUnknown("it said no")}},
			{"no Docker", noDocker, []verdict{isSkipped("no Docker")}},
		},
		"docker-log-limits": {
			{"max-size", nil, []verdict{passes("rotate at 10m")}},
			{"no max-size", func(f *host.Facts, _ *host.Container) { f.DaemonConfig.Value.LogMaxSize = "" }, []verdict{fails(finding.Warning, "without bound")}},
			{"configured after the start", func(f *host.Facts, _ *host.Container) { f.DaemonConfig.Value.Stale = true }, []verdict{fails(finding.Info, "after the engine was started")}},
			{"max-size -1", func(f *host.Facts, _ *host.Container) { f.DaemonConfig.Value.LogMaxSize = "-1" }, []verdict{fails(finding.Warning, "without bound")}},
			{"journald", func(f *host.Facts, _ *host.Container) {
				f.Docker.Value.LogDriver, f.DaemonConfig.Value.LogMaxSize = "journald", ""
			}, []verdict{passes("journald")}},
			{"no driver", func(f *host.Facts, _ *host.Container) { f.Docker.Value.LogDriver = "" }, []verdict{isUnknown("does not say")}},
			{"broken daemon.json", func(f *host.Facts, _ *host.Container) {
				f.DaemonConfig = host.Missing[host.DaemonConfig]("line 3: invalid character")
			}, []verdict{isUnknown("line 3")}},
		},
		"docker-warnings": {
			{"none", nil, []verdict{passes("no warnings")}},
			{"bridge", func(f *host.Facts, _ *host.Container) {
				f.Docker.Value.Warnings = []string{"WARNING: bridge-nf-call-iptables is disabled"}
			}, []verdict{fails(finding.Info, "bridge-nf-call-iptables is disabled")}},
			{"swap limit is left to another check", func(f *host.Facts, _ *host.Container) {
				f.Docker.Value.Warnings = []string{"WARNING: No swap limit support"}
			}, []verdict{passes("no warnings")}},
			{"open API", func(f *host.Facts, _ *host.Container) {
				f.Docker.Value.Warnings = []string{"WARNING: API is accessible on http://0.0.0.0:2375 without encryption."}
			}, []verdict{fails(finding.Critical, "without encryption")}},
			{"API without client certificates", func(f *host.Facts, _ *host.Container) {
				f.Docker.Value.Warnings = []string{"WARNING: API is accessible on https://0.0.0.0:2376 without TLS client verification."}
			}, []verdict{fails(finding.Critical, "without TLS client verification")}},
			{"API on loopback", func(f *host.Facts, _ *host.Container) {
				f.Docker.Value.Warnings = []string{"WARNING: API is accessible on http://127.0.0.1:2375 without encryption."}
			}, []verdict{fails(finding.Warning, "127.0.0.1")}},
			{"no memory limit", func(f *host.Facts, _ *host.Container) {
				f.Docker.Value.Warnings = []string{"WARNING: No memory limit support"}
			}, []verdict{fails(finding.Warning, "No memory limit support")}},
			{"dead", unreachable(docker.Timeout), []verdict{isUnknown("it said no")}},
		},
		"memory-limits-total": {
			{"fits", nil, []verdict{passes("add up to 512 MiB; RAM and swap are 6.0 GiB")}},
			{"a little too much", func(f *host.Facts, c *host.Container) { c.Limits.Memory = 7 * gib }, []verdict{fails(finding.Info, "add up to 7.0 GiB")}},
			{"too much", func(f *host.Facts, c *host.Container) { c.Limits.Memory = 9 * gib }, []verdict{fails(finding.Warning, "add up to 9.0 GiB")}},
			{"the engine is elsewhere", func(f *host.Facts, _ *host.Container) { f.EngineHere = host.Known(false, "tcp://box:2376") }, []verdict{isUnknown("tcp://box:2376")}},
			{"more than 64 bits", func(f *host.Facts, c *host.Container) {
				c.Limits.Memory = 1<<64 - 1
				f.Containers.Value = append(f.Containers.Value, *c)
			}, []verdict{fails(finding.Warning, "add up to 16 EiB")}},
			{"no limit", func(f *host.Facts, c *host.Container) { c.Limits.Memory = 0 }, []verdict{isSkipped("no running container")}},
			{"stopped", func(f *host.Facts, c *host.Container) { c.State, c.Limits.Memory = "exited", 100*gib }, []verdict{isSkipped("no running container")}},
			{"not inspected", func(f *host.Facts, c *host.Container) { c.InspectError = "x" }, []verdict{isUnknown("1 container could not be inspected")}},
			{"RAM not known", func(f *host.Facts, _ *host.Container) { f.Memory = host.Missing[host.Memory]("empty") }, []verdict{isUnknown("empty")}},
			{"swap not known", func(f *host.Facts, _ *host.Container) { f.Swaps = host.Missing[[]host.SwapArea]("empty") }, []verdict{isUnknown("empty")}},
		},
	}
}

func containerRules() map[string][]ruleCase {
	return map[string][]ruleCase{
		"container-unhealthy": {
			{"healthy", nil, []verdict{passes("passes")}},
			{"unhealthy", func(_ *host.Facts, c *host.Container) {
				c.Health = &docker.Health{Status: "unhealthy", FailingStreak: 7, Last: &docker.Probe{ExitCode: 1, Output: "refused"}}
			}, []verdict{fails(finding.Warning, "plain Docker does not restart unhealthy containers")}},
			{"starting", func(_ *host.Facts, c *host.Container) { c.Health.Status = "starting" }, []verdict{isUnknown("starting")}},
			{"none", func(_ *host.Facts, c *host.Container) { c.Health = nil }, []verdict{isSkipped("no healthcheck")}},
			notInspected,
		},
		"container-no-healthcheck": {
			{"has one", nil, []verdict{passes("has a healthcheck")}},
			{"has none", func(_ *host.Facts, c *host.Container) { c.Health = nil }, []verdict{fails(finding.Info, "no healthcheck")}},
			{"stopped", func(_ *host.Facts, c *host.Container) { c.Health, c.State = nil, "exited" }, []verdict{isSkipped("no container is running")}},
			notInspected,
		},
		"container-no-restart-policy": {
			{"unless-stopped", nil, []verdict{passes("unless-stopped")}},
			{"no", func(_ *host.Facts, c *host.Container) { c.Restart.Name = "no" }, []verdict{fails(finding.Warning, "no restart policy")}},
			{"--rm", func(_ *host.Facts, c *host.Container) { c.Restart.Name, c.AutoRemove = "no", true }, []verdict{isSkipped("--rm")}},
			{"swarm", func(_ *host.Facts, c *host.Container) { c.Restart.Name, c.SwarmTask = "", true }, []verdict{isSkipped("swarm")}},
			{"Kubernetes", func(_ *host.Facts, c *host.Container) { c.Restart.Name, c.ManagedBy = "no", "kubernetes" }, []verdict{isSkipped("kubernetes looks after it")}},
			notInspected,
		},
		"container-no-memory-limit": {
			{"limited", nil, []verdict{passes("limited to 512 MiB")}},
			{"the only one", func(_ *host.Facts, c *host.Container) { c.Limits.Memory = 0 }, []verdict{fails(finding.Info, "takes the whole VM")}},
			{"one of two", func(f *host.Facts, c *host.Container) {
				c.Limits.Memory = 0
				f.Containers.Value = append(f.Containers.Value, web())
			}, []verdict{fails(finding.Warning, "takes the whole VM"), passes("limited")}},
			{"list denied", func(f *host.Facts, _ *host.Container) { f.Containers = host.Missing[[]host.Container]("timed out") }, []verdict{isUnknown("timed out")}},
			notInspected,
		},
		"container-near-limit": {
			{"far", nil, []verdict{passes("29 %")}},
			{"90 %", func(_ *host.Facts, c *host.Container) { c.Memory.Value.Unreclaimable = 461 * mib }, []verdict{fails(finding.Warning, "90 %")}},
			{"96 %", func(_ *host.Facts, c *host.Container) { c.Memory.Value.Unreclaimable = 492 * mib }, []verdict{fails(finding.Critical, "96 %")}},
			{"all page cache", func(_ *host.Facts, c *host.Container) {
				c.Memory.Value.Usage, c.Memory.Value.WorkingSet = 512*mib, 510*mib
			}, []verdict{passes("29 %")}},
			{"no limit", func(_ *host.Facts, c *host.Container) { c.Limits.Memory, c.Memory.Value.Limit = 0, nil }, []verdict{isSkipped("no memory limit")}},
			{"cgroup not readable", func(_ *host.Facts, c *host.Container) {
				c.Memory = host.Missing[host.ContainerMemory]("not this container")
			},
				[]verdict{isUnknown("not this container")}},
			notInspected,
		},
		"container-swap-surprise": {
			{"none by choice", nil, []verdict{passes("as its limits say")}},
			{"default", func(_ *host.Facts, c *host.Container) { c.Limits.MemorySwap = 1024 * mib }, []verdict{fails(finding.Info, "besides its 512 MiB")}},
			{"not set", func(_ *host.Facts, c *host.Container) { c.Limits.MemorySwap = 0 }, []verdict{fails(finding.Info, "besides its 512 MiB")}},
			{"default, host without swap", func(f *host.Facts, c *host.Container) { c.Limits.MemorySwap, f.Swaps.Value = 1024*mib, nil }, []verdict{passes("should it get some")}},
			{"unlimited", func(_ *host.Facts, c *host.Container) { c.Limits.MemorySwap = -1 }, []verdict{fails(finding.Warning, "its swap is not")}},
			{"given some, host without swap", func(f *host.Facts, c *host.Container) { c.Limits.MemorySwap, f.Swaps.Value = 600*mib, nil },
				[]verdict{fails(finding.Info, "the host has none")}},
			{"no limit", func(_ *host.Facts, c *host.Container) { c.Limits.Memory = 0 }, []verdict{isSkipped("no memory limit")}},
			{"the engine is elsewhere", func(f *host.Facts, _ *host.Container) { f.EngineHere = host.Known(false, "rootless") }, []verdict{isUnknown("rootless")}},
			{"swap not readable", func(f *host.Facts, _ *host.Container) { f.Swaps = host.Missing[[]host.SwapArea]("empty") }, []verdict{isUnknown("empty")}},
		},
		"container-logs-unbounded": {
			{"max-size", nil, []verdict{passes("10m")}},
			{"none", func(_ *host.Facts, c *host.Container) { c.Logging.MaxSize = "" }, []verdict{fails(finding.Warning, "without bound")}},
			{"local", func(_ *host.Facts, c *host.Container) { c.Logging = docker.Logs{Driver: "local"} }, []verdict{passes("local")}},
			{"no driver", func(_ *host.Facts, c *host.Container) { c.Logging = docker.Logs{} }, []verdict{isUnknown("does not say")}},
		},
	}
}

func deathRules() map[string][]ruleCase {
	ended := func(c *host.Container, code int, ago time.Duration) {
		c.State, c.ExitCode, c.FinishedAt = "exited", code, now.Add(-ago)
		c.Memory, c.Process = host.Missing[host.ContainerMemory]("not running"), host.Missing[host.Process]("not running")
	}
	noLog := func(f *host.Facts) { f.OOM = host.Missing[oom.Log]("needs root") }
	return map[string][]ruleCase{
		"container-oom-killed": {
			{"never", nil, []verdict{passes("no OOM kill")}},
			{"flag alone, an hour ago", func(f *host.Facts, c *host.Container) { ended(c, 137, time.Hour); c.OOMKilled = true; noLog(f) },
				[]verdict{fails(finding.Critical, "killed by the kernel for want of memory (its limit is now 512 MiB), 60 min ago")}},
			{"flag alone, three days ago", func(_ *host.Facts, c *host.Container) { ended(c, 137, 72*time.Hour); c.OOMKilled = true },
				[]verdict{fails(finding.Warning, "3 days ago")}},
			{"kernel log against the flag", func(f *host.Facts, c *host.Container) {
				ended(c, 137, 14*time.Minute)
				f.OOM.Value.Kills = []oom.Kill{kill(webID, 14*time.Minute)}
			}, []verdict{fails(finding.Critical, "(own limit of 512 MiB), 14 min ago")}},
			{"restarted since", func(f *host.Facts, c *host.Container) {
				c.RestartCount = 17
				f.OOM.Value.Kills = []oom.Kill{kill(webID, 14*time.Minute)}
			}, []verdict{fails(finding.Critical, "14 min ago; restarted 17 times")}},
			{"a child, PID 1 lives", func(f *host.Facts, c *host.Container) {
				c.Memory.Value.OOMKills = ptr(uint64(1))
				f.OOM.Value.Kills = []oom.Kill{kill(webID, 14*time.Minute)}
			}, []verdict{fails(finding.Critical, "a child process was killed")}},
			{"the cgroup's counter alone", func(f *host.Facts, c *host.Container) { noLog(f); c.Memory.Value.OOMKills = ptr(uint64(1)) },
				[]verdict{fails(finding.Warning, "at some time since its start 25 h ago")}},
			{"the cgroup's counter alone, started today", func(f *host.Facts, c *host.Container) {
				noLog(f)
				c.Memory.Value.OOMKills, c.StartedAt = ptr(uint64(1)), now.Add(-time.Hour)
			}, []verdict{fails(finding.Critical, "for want of memory")}},
			{"the engine's event alone", func(f *host.Facts, c *host.Container) {
				noLog(f)
				c.Events = []docker.Event{{Time: now.Add(-5 * time.Minute), Action: "oom"}}
			}, []verdict{fails(finding.Critical, "5 min ago")}},
			{"the host ran out", func(f *host.Facts, c *host.Container) {
				k := kill(webID, time.Minute)
				k.Scope, k.LimitCgroup = oom.ScopeHost, ""
				ended(c, 137, time.Minute)
				f.OOM.Value.Kills = []oom.Kill{k}
			}, []verdict{fails(finding.Critical, "the VM ran out of memory")}},
			{"another container's kill", func(f *host.Facts, _ *host.Container) { f.OOM.Value.Kills = []oom.Kill{kill(goneID, time.Minute)} },
				[]verdict{passes("no OOM kill")}},
			{"neither cgroup nor log", func(f *host.Facts, c *host.Container) {
				noLog(f)
				c.Memory = host.Missing[host.ContainerMemory]("the engine runs elsewhere")
			}, []verdict{isUnknown("the engine runs elsewhere")}},
			notInspected,
		},
		"container-restart-loop": {
			{"up", nil, []verdict{passes("no restart loop")}},
			{"restarting", func(_ *host.Facts, c *host.Container) { c.State, c.RestartCount, c.ExitCode = "restarting", 5, 1 },
				[]verdict{fails(finding.Critical, "restart loop: restarted 5 times, last exit code 1")}},
			{"just started again", func(_ *host.Facts, c *host.Container) { c.RestartCount, c.StartedAt = 4, now.Add(-time.Minute) },
				[]verdict{fails(finding.Critical, "restarted 4 times, the last start 60 s ago")}},
			{"today", func(_ *host.Facts, c *host.Container) { c.RestartCount, c.StartedAt = 4, now.Add(-5*time.Hour) }, []verdict{fails(finding.Warning, "5 h ago")}},
			{"long ago", func(_ *host.Facts, c *host.Container) { c.RestartCount = 4 }, []verdict{fails(finding.Info, "25 h ago")}},
			{"twice", func(_ *host.Facts, c *host.Container) { c.RestartCount, c.StartedAt = 2, now.Add(-time.Minute) }, []verdict{passes("no restart loop")}},
			{"died three times", func(_ *host.Facts, c *host.Container) {
				c.Events = []docker.Event{die(9*time.Minute, 1), die(5*time.Minute, 1), die(time.Minute, 1)}
			}, []verdict{fails(finding.Critical, "died 3 times")}},
			{"was restarted three times", func(_ *host.Facts, c *host.Container) {
				for _, ago := range []time.Duration{9 * time.Minute, 5 * time.Minute, time.Minute} {
					c.Events = append(c.Events, signal(ago+time.Second, 15), die(ago, 0))
				}
			}, []verdict{passes("no restart loop")}},
			{"died three times, long ago", func(_ *host.Facts, c *host.Container) {
				c.Events = []docker.Event{die(9*time.Hour, 1), die(5*time.Hour, 1), die(time.Hour, 1)}
			}, []verdict{passes("no restart loop")}},
			{"gave up", func(_ *host.Facts, c *host.Container) {
				ended(c, 1, time.Hour)
				c.Restart, c.RestartCount = docker.Policy{Name: "on-failure", MaxRetries: 3}, 3
			}, []verdict{fails(finding.Critical, "on-failure:3 gave up")}},
			notInspected,
		},
		"container-killed": {
			{"runs", nil, []verdict{passes("no end by SIGKILL")}},
			{"exited", func(_ *host.Facts, c *host.Container) { ended(c, 1, time.Hour) }, []verdict{passes("no end by SIGKILL")}},
			{"by the OOM killer", func(_ *host.Facts, c *host.Container) { ended(c, 137, time.Hour); c.OOMKilled = true }, []verdict{passes("container-oom-killed")}},
			{"grace time ran out", func(_ *host.Facts, c *host.Container) {
				ended(c, 137, time.Hour)
				c.Events = []docker.Event{signal(time.Hour+10*time.Second, 15), signal(time.Hour, 9), die(time.Hour, 137)}
			}, []verdict{fails(finding.Warning, "by docker stop, 10 s after SIGTERM, on which it did not act in time")}},
			{"docker kill", func(_ *host.Facts, c *host.Container) {
				ended(c, 137, time.Hour)
				c.Events = []docker.Event{signal(time.Hour, 9), die(time.Hour, 137)}
			}, []verdict{fails(finding.Info, "docker kill")}},
			{"docker kill, long after a child's OOM kill", func(f *host.Facts, c *host.Container) {
				ended(c, 137, time.Minute)
				f.OOM.Value.Kills = []oom.Kill{kill(webID, 3*time.Hour)}
				c.Events = []docker.Event{signal(time.Minute, 9), die(time.Minute, 137)}
			}, []verdict{fails(finding.Info, "docker kill")}},
			{"runs again after docker kill", func(_ *host.Facts, c *host.Container) {
				c.Events = []docker.Event{signal(26*time.Hour, 9), die(26*time.Hour, 137)}
			}, []verdict{fails(finding.Info, "docker kill")}},
			{"by nobody on record", func(_ *host.Facts, c *host.Container) { ended(c, 137, time.Hour) }, []verdict{fails(finding.Warning, "no OOM kill and no docker kill is on record")}},
			{"long ago", func(_ *host.Facts, c *host.Container) { ended(c, 137, 8*24*time.Hour) }, []verdict{fails(finding.Info, "8 days ago")}},
			{"before the boot", func(_ *host.Facts, c *host.Container) { ended(c, 137, 11*24*time.Hour) }, []verdict{isUnknown("does not reach back")}},
			{"log cut", func(f *host.Facts, c *host.Container) { ended(c, 137, time.Hour); f.OOM.Value.Truncated = true }, []verdict{isUnknown("does not reach back")}},
			{"log denied", func(f *host.Facts, c *host.Container) { ended(c, 137, time.Hour); noLog(f) }, []verdict{isUnknown("needs root")}},
		},
	}
}

func signalRules() map[string][]ruleCase {
	process := func(p host.Process) func(*host.Facts, *host.Container) {
		return func(_ *host.Facts, c *host.Container) { c.Process.Value = p }
	}
	return map[string][]ruleCase{
		"container-ignores-sigterm": {
			{"catches", nil, []verdict{passes("server catches SIGTERM")}},
			{"does not catch", process(host.Process{Comm: "python3", Exe: "python3.11", Runtime: host.RuntimePython, NamespacePID: 1, Sigwait: new(bool)}),
				[]verdict{fails(finding.Warning, "python3 is PID 1 and does not catch SIGTERM")}},
			{"ignores", process(host.Process{Comm: "server", Exe: "server", SigIgn: sigterm, NamespacePID: 1}), []verdict{fails(finding.Warning, "ignores SIGTERM")}},
			{"host's PID namespace", process(host.Process{Comm: "server", Exe: "server", NamespacePID: 4242}), []verdict{passes("not PID 1 of its namespace")}},
			{"Node", process(host.Process{Comm: "node", Exe: "node", Runtime: host.RuntimeNode, SigCgt: sigterm, NamespacePID: 1}),
				[]verdict{isUnknown("cannot tell whether Node acts on SIGTERM")}},
			{"Node that was deaf", func(_ *host.Facts, c *host.Container) {
				c.Process.Value = host.Process{Comm: "node", Exe: "node", Runtime: host.RuntimeNode, SigCgt: sigterm, NamespacePID: 1}
				c.Events = []docker.Event{signal(time.Hour+10*time.Second, 15), signal(time.Hour, 9), die(time.Hour, 137)}
			}, []verdict{fails(finding.Warning, "waited 10 s, and killed it")}},
			{"Node that obeyed", func(_ *host.Facts, c *host.Container) {
				c.Process.Value = host.Process{Comm: "node", Exe: "node", Runtime: host.RuntimeNode, SigCgt: sigterm, NamespacePID: 1}
				c.Events = []docker.Event{signal(time.Hour, 15), die(time.Hour-time.Second, 0)}
			}, []verdict{passes("the last docker stop ended it with SIGTERM")}},
			{"init", process(host.Process{Comm: "docker-init", Exe: "docker-init", Runtime: host.RuntimeInit, SigBlk: sigterm, NamespacePID: 1}), []verdict{passes("hands SIGTERM on")}},
			{"an init that sigwaits", process(host.Process{Comm: "tini", Exe: "tini", Runtime: host.RuntimeInit, NamespacePID: 1, Sigwait: ptr(true)}), []verdict{passes("hands SIGTERM on")}},
			{"a program that sigwaits", process(host.Process{Comm: "server", Exe: "server", NamespacePID: 1, Sigwait: ptr(true)}), []verdict{isUnknown("may wait for it")}},
			{"may not look where it sleeps", process(host.Process{Comm: "python3", Runtime: host.RuntimePython, NamespacePID: 1}), []verdict{isUnknown("only be told as root")}},
			{"a shell, whoever looks", process(host.Process{Comm: "sh", Runtime: host.RuntimeShell, NamespacePID: 1}), []verdict{fails(finding.Warning, "sh is PID 1")}},
			{"waits for it, perhaps", process(host.Process{Comm: "supervisor", Exe: "supervisor", SigBlk: sigterm, NamespacePID: 1}), []verdict{isUnknown("signalfd")}},
			{"another stop signal", func(_ *host.Facts, c *host.Container) { c.StopSignal, c.Process.Value.Sigwait = "SIGQUIT", new(bool) }, []verdict{fails(finding.Warning, "does not catch SIGQUIT")}},
			{"SIGKILL as stop signal", func(_ *host.Facts, c *host.Container) { c.StopSignal = "SIGKILL" }, []verdict{fails(finding.Warning, "every stop is a kill")}},
			{"no such signal", func(_ *host.Facts, c *host.Container) { c.StopSignal = "SIGFOO" }, []verdict{isUnknown("none that is known")}},
			{"program not readable", process(host.Process{Comm: "app", SigCgt: sigterm, NamespacePID: 1}), []verdict{isUnknown("only be read as root")}},
			{"not readable at all", func(_ *host.Facts, c *host.Container) {
				c.Process = host.Missing[host.Process]("the engine runs elsewhere")
			},
				[]verdict{isUnknown("the engine runs elsewhere")}},
			{"namespace not known", process(host.Process{Comm: "app", Exe: "app", SigCgt: sigterm}), []verdict{isUnknown("PID 1 of its namespace")}},
		},
		"container-shell-pid1": {
			{"no shell", nil, []verdict{passes("PID 1 is server")}},
			{"shell form", func(_ *host.Facts, c *host.Container) {
				c.ShellForm, c.Program = true, "sh"
				c.Process.Value = host.Process{Comm: "sh", Exe: "busybox", Runtime: host.RuntimeShell, NamespacePID: 1}
			}, []verdict{fails(finding.Warning, "hands no signal on")}},
			{"entrypoint script", func(_ *host.Facts, c *host.Container) {
				c.Program = "entrypoint.sh"
				c.Process.Value = host.Process{Comm: "entrypoint.sh", Exe: "dash", Runtime: host.RuntimeShell, NamespacePID: 1}
			}, []verdict{fails(finding.Warning, "hands no signal on")}},
			{"interactive shell", func(_ *host.Facts, c *host.Container) {
				c.Program = "bash"
				c.Process.Value = host.Process{Comm: "bash", Exe: "bash", Runtime: host.RuntimeShell, NamespacePID: 1}
			}, []verdict{isSkipped("a shell is its program")}},
			{"shell with a trap", func(_ *host.Facts, c *host.Container) {
				c.Program = "entrypoint.sh"
				c.Process.Value = host.Process{Comm: "bash", Exe: "bash", Runtime: host.RuntimeShell, SigCgt: sigterm, NamespacePID: 1}
			}, []verdict{passes("catches its stop signal")}},
			{"under an init", func(_ *host.Facts, c *host.Container) {
				c.Process.Value = host.Process{Comm: "docker-init", Exe: "docker-init", Runtime: host.RuntimeInit, SigBlk: sigterm, NamespacePID: 1}
			}, []verdict{passes("PID 1 is docker-init")}},
			{"perhaps a script", process(host.Process{Comm: "entrypoint.sh", NamespacePID: 1}), []verdict{isUnknown("only be read as root")}},
			{"not readable", func(_ *host.Facts, c *host.Container) { c.Process = host.Missing[host.Process]("gone") }, []verdict{isUnknown("gone")}},
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
			{"early", nil, []verdict{passes("first keepalive after 2 min, before the 600 s")}},
			{"Google", late, []verdict{fails(finding.Warning, "first keepalive after 7200 s; Google Compute Engine (connection tracking) drops idle flows after 600 s")}},
			{"Amazon", on(host.Amazon, "Amazon EC2"), []verdict{fails(finding.Info, "after 350 s")}},
			{"Azure", on(host.Azure, "Microsoft Azure"), []verdict{fails(finding.Warning, "after 240 s")}},
			{"Oracle", on(host.Oracle, "Oracle Cloud"), []verdict{fails(finding.Info, "after 300 s")}},
			{"a cloud without a record", on(host.Hetzner, "Hetzner"), []verdict{isUnknown("none is on record for Hetzner")}},
			{"no DMI", func(f *host.Facts, _ *host.Container) { f.Cloud = host.Missing[host.Cloud]("no DMI data") }, []verdict{isUnknown("no DMI data")}},
			{"not root", func(_ *host.Facts, c *host.Container) { c.Keepalive = host.Missing[host.Keepalive]("needs root") }, []verdict{isUnknown("needs root")}},
			{"no network", func(_ *host.Facts, c *host.Container) { c.NetworkMode = "none" }, []verdict{isSkipped("no network")}},
			{"nothing runs", func(f *host.Facts, _ *host.Container) { f.Containers.Value = nil }, []verdict{isSkipped("no container is running")}},
			{"no Docker", noDocker, []verdict{isSkipped("no Docker")}},
		},
		"conntrack-full": {
			{"empty", nil, []verdict{passes("0 %")}},
			{"80 %", table(80, 100, 0), []verdict{fails(finding.Warning, "80 %")}},
			{"full", table(100, 100, 5), []verdict{fails(finding.Critical, "100 %")}},
			{"dropped once", table(1, 100, 5), []verdict{fails(finding.Info, "5 packets were dropped")}},
			{"not loaded", table(0, 0, 0), []verdict{isSkipped("not loaded")}},
			{"not readable", func(f *host.Facts, _ *host.Container) { f.Conntrack = host.Missing[host.Conntrack]("denied") }, []verdict{isUnknown("denied")}},
		},
	}
}

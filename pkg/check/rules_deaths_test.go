package check

import (
	"time"

	"vmguard/pkg/docker"
	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/oom"
)

// ended makes a container one that ended some time ago.
func ended(c *host.Container, code int, ago time.Duration) {
	c.State, c.ExitCode, c.FinishedAt = "exited", code, now.Add(-ago)
	c.StartedAt = c.FinishedAt.Add(-25 * time.Hour)
	c.Memory, c.Process = host.Missing[host.ContainerMemory]("not running"), host.Missing[host.Process]("not running")
}

// recorded gives a container events that reach back over its last life.
func recorded(c *host.Container, events ...docker.Event) {
	c.EventsKnown = true
	c.Events = append([]docker.Event{{Time: c.StartedAt, Action: "start"}}, events...)
}

func noLog(f *host.Facts) { f.OOM = host.Missing[oom.Log]("needs root") }

func deathRules() map[string][]ruleCase {
	return map[string][]ruleCase{
		"container-restart-loop": {
			{"up", nil, []outcome{passes("no restart loop")}},
			{"restarting", func(_ *host.Facts, c *host.Container) { c.State, c.RestartCount, c.ExitCode = "restarting", 5, 1 },
				[]outcome{fails(finding.Critical, "restart loop: restarted 5 times, last exit code 1")}},
			{"just started again", func(_ *host.Facts, c *host.Container) { c.RestartCount, c.StartedAt = 4, now.Add(-time.Minute) },
				[]outcome{fails(finding.Critical, "restarted 4 times, the last start 60 s ago")}},
			{"today", func(_ *host.Facts, c *host.Container) { c.RestartCount, c.StartedAt = 4, now.Add(-5*time.Hour) }, []outcome{fails(finding.Warning, "5 h ago")}},
			{"long ago", func(_ *host.Facts, c *host.Container) { c.RestartCount = 4 }, []outcome{fails(finding.Info, "25 h ago")}},
			{"twice", func(_ *host.Facts, c *host.Container) { c.RestartCount, c.StartedAt = 2, now.Add(-time.Minute) }, []outcome{passes("no restart loop")}},
			{"died three times", func(_ *host.Facts, c *host.Container) {
				c.Events = []docker.Event{die(9*time.Minute, 1), die(5*time.Minute, 1), die(time.Minute, 1)}
			}, []outcome{fails(finding.Critical, "died 3 times")}},
			{"was restarted three times", func(_ *host.Facts, c *host.Container) {
				for _, ago := range []time.Duration{9 * time.Minute, 5 * time.Minute, time.Minute} {
					c.Events = append(c.Events, signal(ago+time.Second, 15), die(ago, 0))
				}
			}, []outcome{passes("no restart loop")}},
			{"died three times, long ago", func(_ *host.Facts, c *host.Container) {
				c.Events = []docker.Event{die(9*time.Hour, 1), die(5*time.Hour, 1), die(time.Hour, 1)}
			}, []outcome{passes("no restart loop")}},
			{"gave up", func(_ *host.Facts, c *host.Container) {
				ended(c, 1, time.Hour)
				c.Restart, c.RestartCount = docker.Policy{Name: "on-failure", MaxRetries: 3}, 3
			}, []outcome{fails(finding.Critical, "on-failure:3 gave up")}},
			notInspected,
		},
	}
}

func oomDeathRules() map[string][]ruleCase {
	oomEvent := func(ago time.Duration) docker.Event { return docker.Event{Time: now.Add(-ago), Action: "oom"} }
	return map[string][]ruleCase{
		"container-oom-killed": {
			{"never", nil, []outcome{passes("no OOM kill")}},
			{"flag alone, an hour ago", func(f *host.Facts, c *host.Container) { ended(c, 137, time.Hour); c.OOMKilled = true; noLog(f) },
				[]outcome{fails(finding.Critical, "killed for want of memory, by all appearance at its own limit, now 512 MiB (60 min ago)")}},
			{"flag alone, three days ago", func(f *host.Facts, c *host.Container) { ended(c, 137, 72*time.Hour); c.OOMKilled = true; noLog(f) },
				[]outcome{fails(finding.Warning, "(3 days ago)")}},
			{"flag against the kernel's log", func(_ *host.Facts, c *host.Container) { ended(c, 137, time.Hour); c.OOMKilled = true },
				[]outcome{isUnknown("(60 min ago); Docker and the kernel disagree")}},
			{"kernel's log against the flag", func(f *host.Facts, c *host.Container) {
				ended(c, 137, 14*time.Minute)
				f.OOM.Value.Kills = []oom.Kill{kill(webID, 14*time.Minute)}
			}, []outcome{fails(finding.Critical, "killed by the kernel: at its own memory limit of 512 MiB (14 min ago); Docker's OOMKilled says false")}},
			{"flag and kernel's log agree", func(f *host.Facts, c *host.Container) {
				ended(c, 137, 14*time.Minute)
				c.OOMKilled = true
				f.OOM.Value.Kills = []oom.Kill{kill(webID, 14*time.Minute)}
			}, []outcome{endsWith(finding.Critical, "at its own memory limit of 512 MiB (14 min ago)")}},
			{"the limit was raised since", func(f *host.Facts, c *host.Container) {
				ended(c, 137, 14*time.Minute)
				c.OOMKilled, c.Limits.Memory = true, 768*mib
				f.OOM.Value.Kills = []oom.Kill{kill(webID, 14*time.Minute)}
			}, []outcome{fails(finding.Info, "at its own memory limit of 512 MiB")}},
			{"restarted since", func(f *host.Facts, c *host.Container) {
				c.RestartCount = 17
				f.OOM.Value.Kills = []oom.Kill{kill(webID, 14*time.Minute)}
			}, []outcome{fails(finding.Critical, "(14 min ago; restarted 17 times)")}},
			{"a child, PID 1 lives", func(f *host.Facts, c *host.Container) {
				c.Memory.Value.OOMKills = ptr(uint64(1))
				f.OOM.Value.Kills = []oom.Kill{kill(webID, 14*time.Minute)}
			}, []outcome{fails(finding.Critical, "the kernel killed a process of it (node), at its own memory limit of 512 MiB; PID 1 lives on (14 min ago)")}},
			{"a child, PID 1 ended by itself right after", func(f *host.Facts, c *host.Container) {
				ended(c, 1, 14*time.Minute)
				f.OOM.Value.Kills = []oom.Kill{kill(webID, 14*time.Minute+time.Second)}
			}, []outcome{fails(finding.Critical, "PID 1 ended by itself")}},
			{"a child, long before docker kill", func(f *host.Facts, c *host.Container) {
				ended(c, 137, time.Minute)
				f.OOM.Value.Kills = []oom.Kill{kill(webID, 3*time.Hour)}
				recorded(c, signal(time.Minute, 9), die(time.Minute, 137))
			}, []outcome{fails(finding.Critical, "the kernel killed a process of it (node): at its own memory limit of 512 MiB (3 h ago)")}},
			{"a child, in the life after an end that another kill led to", func(f *host.Facts, c *host.Container) {
				ended(c, 137, time.Minute)
				f.OOM.Value.Kills = []oom.Kill{kill(webID, 30*time.Hour), kill(webID, 3*time.Hour)}
				c.Events = []docker.Event{die(30*time.Hour, 137), {Time: c.StartedAt, Action: "start"}, signal(time.Minute, 9), die(time.Minute, 137)}
			}, []outcome{fails(finding.Critical, "(node): at its own memory limit of 512 MiB (3 h ago)")}},
			{"a kernel's clock that is a minute ahead", func(f *host.Facts, c *host.Container) {
				ended(c, 137, 5*time.Minute)
				c.OOMKilled = true
				f.OOM.Value.Kills = []oom.Kill{kill(webID, 4*time.Minute)}
			}, []outcome{endsWith(finding.Critical, "killed for want of memory, by all appearance at its own limit, now 512 MiB (5 min ago)")}},
			{"the boot is not known", func(f *host.Facts, _ *host.Container) {
				f.System = host.Missing[host.System]("no /proc")
				f.OOM.Value.Kills = []oom.Kill{kill(webID, 14*time.Minute)}
			}, []outcome{fails(finding.Warning, "(at some time since its start 25 h ago)")}},
			{"the cgroup's counter alone", func(f *host.Facts, c *host.Container) { noLog(f); c.Memory.Value.OOMKills = ptr(uint64(1)) },
				[]outcome{fails(finding.Warning, "PID 1 lives on (at some time since its start 25 h ago)")}},
			{"the cgroup's counter alone, started today", func(f *host.Facts, c *host.Container) {
				noLog(f)
				c.Memory.Value.OOMKills, c.StartedAt = ptr(uint64(1)), now.Add(-time.Hour)
			}, []outcome{fails(finding.Critical, "for want of memory")}},
			{"the engine's event alone", func(f *host.Facts, c *host.Container) {
				noLog(f)
				c.Memory.Value.OOMKills = nil
				c.Events = []docker.Event{oomEvent(5 * time.Minute)}
			}, []outcome{fails(finding.Critical, "(5 min ago)")}},
			{"the engine's event, and a counter that has counted nothing", func(f *host.Facts, c *host.Container) {
				noLog(f)
				c.Events = []docker.Event{oomEvent(5 * time.Minute)}
			}, []outcome{passes("its own cgroup counts none")}},
			{"an event of the life before, which outlived it", func(f *host.Facts, c *host.Container) {
				noLog(f)
				c.Events = []docker.Event{oomEvent(72 * time.Hour), die(71*time.Hour, 0)}
			}, []outcome{fails(finding.Warning, "as Docker notes, and it outlived that (3 days ago)")}},
			{"the flag of a life that ended otherwise", func(f *host.Facts, c *host.Container) { ended(c, 1, time.Hour); c.OOMKilled = true; noLog(f) },
				[]outcome{fails(finding.Critical, "as Docker notes, and it outlived that (60 min ago)")}},
			{"the flag of a life that ended otherwise, and a log without a kill", func(_ *host.Facts, c *host.Container) { ended(c, 1, time.Hour); c.OOMKilled = true },
				[]outcome{isUnknown("shows none: the two disagree")}},
			{"the host ran out", func(f *host.Facts, c *host.Container) {
				k := kill(webID, time.Minute)
				k.Scope, k.LimitCgroup = oom.ScopeHost, ""
				ended(c, 137, time.Minute)
				f.OOM.Value.Kills = []oom.Kill{k}
			}, []outcome{fails(finding.Critical, "the VM had run out of memory")}},
			{"another container's kill", func(f *host.Facts, _ *host.Container) { f.OOM.Value.Kills = []oom.Kill{kill(goneID, time.Minute)} },
				[]outcome{passes("no OOM kill")}},
			{"neither cgroup nor log", func(f *host.Facts, c *host.Container) {
				noLog(f)
				c.Memory = host.Missing[host.ContainerMemory]("the engine runs elsewhere")
			}, []outcome{isUnknown("the engine runs elsewhere")}},
			notInspected,
		},
	}
}

func killedRules() map[string][]ruleCase {
	lone := func(f *host.Facts, ago time.Duration) {
		f.OOM.Value.Kills = []oom.Kill{{SinceBoot: uptime - ago, PID: 9, Comm: "app", Scope: oom.ScopeCgroup}}
		f.VMStat.Value.OOMKill = ptr(uint64(1))
	}
	return map[string][]ruleCase{
		"container-killed": {
			{"runs", nil, []outcome{passes("no end by SIGKILL")}},
			{"exited", func(_ *host.Facts, c *host.Container) { ended(c, 1, time.Hour) }, []outcome{passes("no end by SIGKILL")}},
			{"by the OOM killer", func(f *host.Facts, c *host.Container) {
				ended(c, 137, time.Hour)
				f.OOM.Value.Kills = []oom.Kill{kill(webID, time.Hour)}
			}, []outcome{passes("container-oom-killed")}},
			{"by the OOM killer, as Docker alone says", func(f *host.Facts, c *host.Container) { ended(c, 137, time.Hour); c.OOMKilled = true; noLog(f) },
				[]outcome{passes("container-oom-killed")}},
			{"by the OOM killer, which the kernel's log does not show", func(_ *host.Facts, c *host.Container) { ended(c, 137, time.Hour); c.OOMKilled = true },
				[]outcome{isUnknown("Docker and the kernel disagree")}},
			{"grace time ran out", func(_ *host.Facts, c *host.Container) {
				ended(c, 137, time.Hour)
				recorded(c, signal(time.Hour+10*time.Second, 15), signal(time.Hour, 9), die(time.Hour, 137))
			}, []outcome{fails(finding.Warning, "by docker stop (or restart), 10 s after SIGTERM, on which it did not end in time (60 min ago)")}},
			{"at a failing healthcheck, in a swarm", func(_ *host.Facts, c *host.Container) {
				ended(c, 137, time.Hour)
				c.SwarmTask, c.Health = true, &docker.Health{Status: "unhealthy", FailingStreak: 3}
				recorded(c, signal(time.Hour+10*time.Second, 15), signal(time.Hour, 9), die(time.Hour, 137))
			}, []outcome{fails(finding.Warning, "while its healthcheck failed, by all appearance by the swarm")}},
			{"docker kill", func(_ *host.Facts, c *host.Container) {
				ended(c, 137, time.Hour)
				recorded(c, signal(time.Hour, 9), die(time.Hour, 137))
			}, []outcome{fails(finding.Info, "docker kill")}},
			{"docker kill with another signal", func(_ *host.Facts, c *host.Container) {
				ended(c, 131, time.Hour)
				recorded(c, signal(time.Hour, 3), die(time.Hour, 131))
			}, []outcome{fails(finding.Info, "ended by SIGQUIT that was sent with docker kill")}},
			{"docker stop", func(_ *host.Facts, c *host.Container) {
				ended(c, 143, time.Hour)
				recorded(c, signal(time.Hour, 15), die(time.Hour, 143))
			}, []outcome{passes("no end by SIGKILL")}},
			{"docker kill, long after a child's OOM kill", func(f *host.Facts, c *host.Container) {
				ended(c, 137, time.Minute)
				f.OOM.Value.Kills = []oom.Kill{kill(webID, 3*time.Hour)}
				recorded(c, signal(time.Minute, 9), die(time.Minute, 137))
			}, []outcome{fails(finding.Info, "docker kill")}},
			{"runs again after docker kill", func(_ *host.Facts, c *host.Container) {
				c.Events = []docker.Event{signal(26*time.Hour, 9), die(26*time.Hour, 137)}
			}, []outcome{fails(finding.Info, "docker kill")}},
			{"could not be started again after docker kill", func(_ *host.Facts, c *host.Container) {
				ended(c, 127, time.Hour)
				recorded(c, signal(time.Hour, 9), die(time.Hour, 137))
				c.Error = "exec: not found"
			}, []outcome{fails(finding.Info, "docker kill")}},
			{"by somebody on the host", func(_ *host.Facts, c *host.Container) {
				ended(c, 137, time.Hour)
				recorded(c, die(time.Hour, 137))
			}, []outcome{fails(finding.Warning, "that neither the engine nor the kernel's OOM killer sent")}},
			{"by nobody on record", func(_ *host.Facts, c *host.Container) { ended(c, 137, time.Hour) },
				[]outcome{fails(finding.Warning, "who sent it cannot be told (60 min ago): the engine's events could not be read: "+
					"a docker kill or stop would not be seen; the kernel's log reaches back to it and shows no OOM kill")}},
			{"about a kill that the log does not place", func(f *host.Facts, c *host.Container) { ended(c, 137, time.Hour); lone(f, time.Hour) },
				[]outcome{isUnknown("killed a process that its log does not place")}},
			{"before a kill in it by a clock that is a minute ahead", func(f *host.Facts, c *host.Container) {
				ended(c, 137, 5*time.Minute)
				f.OOM.Value.Kills = []oom.Kill{kill(webID, 4*time.Minute)}
			}, []outcome{isUnknown("killed a process that its log does not place")}},
			{"long after a kill that the log does not place", func(f *host.Facts, c *host.Container) { ended(c, 137, time.Hour); lone(f, 2*time.Hour) },
				[]outcome{fails(finding.Warning, "who sent it cannot be told")}},
			{"long ago", func(_ *host.Facts, c *host.Container) { ended(c, 137, 8*24*time.Hour) }, []outcome{fails(finding.Info, "8 days ago")}},
			{"before the boot", func(_ *host.Facts, c *host.Container) { ended(c, 137, 11*24*time.Hour) }, []outcome{isUnknown("does not reach back")}},
			{"log cut", func(f *host.Facts, c *host.Container) { ended(c, 137, time.Hour); f.OOM.Value.Truncated = true }, []outcome{isUnknown("does not reach back")}},
			{"more kills counted than logged", func(f *host.Facts, c *host.Container) {
				ended(c, 137, time.Hour)
				f.VMStat.Value.OOMKill = ptr(uint64(2))
			},
				[]outcome{isUnknown("counts 2 OOM kills more than its log holds")}},
			{"log denied", func(f *host.Facts, c *host.Container) { ended(c, 137, time.Hour); noLog(f) }, []outcome{isUnknown("needs root")}},
			notInspected,
		},
	}
}

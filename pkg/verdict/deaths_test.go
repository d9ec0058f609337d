package verdict_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"vmguard/pkg/docker"
	"vmguard/pkg/host"
	"vmguard/pkg/oom"
	"vmguard/pkg/verdict"
)

// death is a death and the verdict that it must get.
type death struct {
	name string
	in   verdict.Input
	kind verdict.Kind
	conf verdict.Confidence
	says string // stands in the summary
}

func judged(t *testing.T, tests []death) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			report := verdict.Judge(test.in)
			if len(report.Deaths) == 0 {
				t.Fatal("no death on record")
			}
			v := report.Deaths[0].Verdict
			if v.Kind != test.kind || v.Confidence != test.conf || !strings.Contains(v.Summary, test.says) {
				t.Errorf("got  %s, %s: %s\nwant %s, %s: ... %s ...\nagainst %q, notes %q",
					v.Kind, v.Confidence, v.Summary, test.kind, test.conf, test.says, v.Against, v.Notes)
			}
			if len(v.Evidence) == 0 {
				t.Error("a verdict without evidence")
			}
		})
	}
}

// The times and codes are those of real deaths on engine 20.10 with cgroup v1, and of a slow VM with cgroup v2.
func ownLimitEvents() []docker.Event {
	return []docker.Event{ev(0, "start"), ev(453, "oom"), ev(503, "die", 137)}
}

func TestKernelKills(t *testing.T) {
	t.Parallel()
	c := limited(dead(137, 447, ownLimitEvents()...), 32)
	quiet := limited(dead(137, 447, ev(0, "start"), ev(503, "die", 137)), 32)
	slow := flagged(limited(dead(137, 4500, ev(0, "start"), ev(4500, "oom"), ev(8500, "die", 137)), 32))
	gone := c
	gone.Events, gone.EventsKnown = nil, false
	late := gone
	late.FinishedAt = at(7000)
	judged(t, []death{
		{"own limit", known(flagged(c), kernel(kill(448, own))), verdict.OwnLimit, verdict.Certain, "own memory limit of 32 MiB"},
		{"own limit, the engine is 4 s late", known(slow, kernel(kill(4480, own))), verdict.OwnLimit, verdict.Certain, "own memory limit"},
		{"own limit, Docker's flag false", known(c, kernel(kill(448, own))), verdict.OwnLimit, verdict.Certain, "own memory limit"},
		{"own limit, a cgroup made inside", known(c, kernel(kill(448, own+"/system.slice/nginx.service"))), verdict.OwnLimit, verdict.Certain, "own memory limit"},
		{"own limit, the kernel's clock 3 s ahead", known(c, kernel(kill(3500, own))), verdict.OwnLimit, verdict.Certain, "own memory limit"},
		{"own limit, events unknown", known(gone, kernel(kill(440, own))), verdict.OwnLimit, verdict.Certain, "own memory limit"},
		{"own limit, events unknown, 7 s before", known(late, kernel(kill(10, own))), verdict.OwnLimit, verdict.Possible, "own memory limit"},
		{"parent", known(flagged(c), kernel(kill(448, "/webshop"))), verdict.ParentLimit, verdict.Certain, "/webshop, above its own"},
		{"parent, a pod", known(c, kernel(kill(448, "/kubepods/pod1"))), verdict.ParentLimit, verdict.Certain, "above its own"},
		{"host", known(quiet, kernel(kill(448, ""))), verdict.HostOOM, verdict.Certain, "the VM had run out of memory"},
		{"limiter not in the log", known(c, kernel(limiterless(448))), verdict.OwnLimit, verdict.Likely, "does not name"},
		{"limiter not in the log, no limit", known(limited(c, 0), kernel(limiterless(448))), verdict.HostOOM, verdict.Possible, "does not name"},
		{"a container inside", known(c, kernel(kill(448, own+"/docker/"+strings.Repeat("0", 64)))), verdict.ChildKilled, verdict.Likely, "inside it"},
		{"the child took PID 1 along", known(flagged(dead(1, 150, ev(0, "start"), ev(168, "oom"), ev(204, "die", 1))), kernel(kill(140, own))), verdict.ChildKilled, verdict.Likely, "ended by itself 64 ms later with exit code 1"},
		{"the child, and PID 1 long after", known(dead(1, 9000, ev(0, "start"), ev(9000, "die", 1)), kernel(kill(1000, own))), verdict.ChildKilled, verdict.Possible, "8 s later"},
		{"the child, and PID 1 ended well", known(dead(0, 150, ev(0, "start"), ev(204, "die", 0)), kernel(kill(140, own))), verdict.Exited, verdict.Certain, "exit code 0"},
		{"the code is not on record", known(runningSince(500_000), kernel(kill(290_000, own))), verdict.OwnLimit, verdict.Likely, "own memory limit"},
	})
}

func limiterless(ms int) oom.Kill {
	k := kill(ms, own)
	k.LimitCgroup, k.Scope, k.Limit = "", "unknown", nil
	return k
}

func undated() oom.Kill {
	k := kill(0, own)
	k.At = time.Time{}
	return k
}

// runningSince is a container that runs again, and of whose last end inspect alone knows.
func runningSince(ms int) host.Container {
	c := limited(alive(), 32)
	c.StartedAt, c.FinishedAt = at(ms), at(290_010)
	return c
}

// TestFlagAlone has no kernel log, or one that does not place its kill.
func TestFlagAlone(t *testing.T) {
	t.Parallel()
	c := flagged(dead(137, 447, ownLimitEvents()...))
	quiet := flagged(dead(137, 447, ev(0, "start"), ev(503, "die", 137)))
	parents := func(groups ...host.MemoryGroup) func(verdict.Input) verdict.Input {
		return func(in verdict.Input) verdict.Input {
			in.Parents = host.Known(groups, "/sys/fs/cgroup")
			return in
		}
	}
	limit := uint64(64 * mib)
	judged(t, []death{
		{"flag and event", known(limited(c, 32), noKernel()), verdict.OwnLimit, verdict.Likely, "own limit, now 32 MiB"},
		{"flag, the log too short", known(limited(quiet, 32), shortKernel()), verdict.OwnLimit, verdict.Likely, "own limit"},
		{"flag, no limit", known(c, noKernel()), verdict.HostOOM, verdict.Possible, "the VM ran out, or a group above it"},
		{"flag, no limit, nor above", parents(host.MemoryGroup{Path: "/docker"})(known(c, noKernel())), verdict.HostOOM, verdict.Likely, "the VM ran out"},
		{"flag, no limit, one above", parents(host.MemoryGroup{Path: "/webshop", Limit: &limit})(known(c, noKernel())), verdict.ParentLimit, verdict.Possible, "/webshop"},
		{"flag, a limit, one above", parents(host.MemoryGroup{Path: "/webshop", Limit: &limit})(known(limited(c, 32), noKernel())), verdict.OwnLimit, verdict.Possible, "own limit"},
		{"flag and a lone kill line", known(limited(c, 32), kernel(lone(440))), verdict.OwnLimit, verdict.Likely, "own limit"},
		{"flag, and the log says no", known(limited(quiet, 32), kernel()), verdict.Unknown, verdict.None, "shows no kill"},
		{"event and a code of its own", known(dead(1, 150, ev(0, "start"), ev(168, "oom"), ev(204, "die", 1)), noKernel()), verdict.ChildKilled, verdict.Possible, "right after"},
		{"flag of a child before, docker kill", known(flagged(dead(137, 99_000, ev(0, "start"), ev(500, "oom"), ev(98_990, "kill", 9), ev(99_000, "die", 137))), noKernel()), verdict.KilledBySomeone, verdict.Certain, "docker kill"},
		{"flag of a child before, SIGKILL", known(flagged(dead(137, 99_000, ev(0, "start"), ev(500, "oom"), ev(99_000, "die", 137))), noKernel()), verdict.Unknown, verdict.None, "cannot be told"},
		{"flag, a code of its own", known(flagged(dead(3, 99_000, ev(0, "start"), ev(99_000, "die", 3))), noKernel()), verdict.Exited, verdict.Likely, "exit code 3"},
	})
}

func TestSIGKILL(t *testing.T) {
	t.Parallel()
	deaf := dead(137, 10_050, ev(0, "start"), ev(1000, "kill", 15), ev(11_010, "kill", 9), ev(11_040, "die", 137), ev(11_110, "stop"))
	noStop := deaf
	noStop.Events = deaf.Events[:4]
	byHand := dead(137, 40_000, ev(0, "start"), ev(1000, "kill", 15), ev(40_000, "kill", 9), ev(40_020, "die", 137))
	longStop := byHand
	longStop.Events = append(slices.Clone(byHand.Events), ev(40_100, "stop"))
	killed := dead(137, 5000, ev(0, "start"), ev(4990, "kill", 9), ev(5010, "die", 137))
	slow := dead(137, 126_000, ev(0, "start"), ev(126_300, "kill", 9), ev(133_000, "die", 137))
	none := dead(137, 5000, ev(0, "start"), ev(5010, "die", 137))
	gone := dead(137, 5000)
	oldEvents := dead(137, 5000, ev(5010, "die", 137))
	unhealthy := killed
	unhealthy.Health = &docker.Health{Status: "unhealthy", FailingStreak: 5}
	swarm := unhealthy
	swarm.SwarmTask = true
	healthy := killed
	healthy.SwarmTask, healthy.Health = true, &docker.Health{Status: "healthy"}
	healed := known(unhealthy, kernel())
	healed.Healer = "autoheal"
	two := uint64(2)
	unlogged := known(none, host.Known(verdict.FromLog(oom.Log{}, at(-3600_000), &two), "/dev/kmsg"))
	older := known(none, host.Known(verdict.FromLog(oom.Log{Truncated: true, Kills: []oom.Kill{{SinceBoot: time.Minute, TaskCgroup: "/x"}}}, at(-3600_000), &two), "/dev/kmsg"))
	journal := known(gone, noKernel())
	journal.Journal = host.Known([]verdict.Line{{At: at(4980), Text: "Container failed to exit within 2s of signal 15 - using the force"}}, "journalctl -u docker")
	otherDay := journal
	otherDay.Journal = host.Known([]verdict.Line{{At: at(-90_000), Text: journal.Journal.Value[0].Text}, {Text: journal.Journal.Value[0].Text}}, "journalctl -u docker")
	said := func(c host.Container, ms int, text string) verdict.Input {
		in := known(c, kernel())
		in.Journal = host.Known([]verdict.Line{{At: at(ms), Text: text, Source: "journal of docker.service"}}, "journal of docker.service")
		return in
	}
	notRead := said(byHand, 39_990, "")
	notRead.Journal = host.Missing[[]verdict.Line]("no systemd journal")
	const force, old = "Container failed to exit within 39s of signal 15 - using the force", "Container " + id + " failed to exit within 4 seconds of signal 15 - using the force"
	judged(t, []death{
		{"TERM and KILL, and the engine's note", said(byHand, 39_990, force), verdict.StopTimeout, verdict.Certain, "39 s after SIGTERM"},
		{"TERM and KILL, and a note on another end", said(byHand, 10_000, force), verdict.KilledBySomeone, verdict.Likely, "39 s after a SIGTERM"},
		{"TERM and KILL, the engine's log not read", notRead, verdict.KilledBySomeone, verdict.Likely, "39 s after a SIGTERM"},
		{"the stop signal's event is gone", said(killed, 4985, old), verdict.StopTimeout, verdict.Certain, "as the engine's log says"},
		{"docker kill that takes long", said(killed, 4985, "Container failed to exit within 10s of kill - trying direct SIGKILL"), verdict.KilledBySomeone, verdict.Certain, "docker kill"},
		{"docker stop -t 0, by the engine's log alone", said(gone, 4985, "Container failed to exit within 0s of signal 15 - using the force"), verdict.KilledBySomeone, verdict.Certain, "gave it no time"},
		{"another's words in the engine's log", said(gone, 4985, "Handler returned error: "+force), verdict.Unknown, verdict.None, "cannot be told"},
		{"a note on the life before", said(gone, -100, force), verdict.Unknown, verdict.None, "cannot be told"},
		{"stop timeout", known(deaf, kernel()), verdict.StopTimeout, verdict.Certain, "10 s after SIGTERM"},
		{"stop timeout, no kernel log", known(deaf, noKernel()), verdict.StopTimeout, verdict.Certain, "10 s after SIGTERM"},
		{"stop timeout, no stop event yet", known(noStop, kernel()), verdict.StopTimeout, verdict.Likely, "10 s after SIGTERM"},
		{"stop timeout, docker stop -t 39", known(longStop, kernel()), verdict.StopTimeout, verdict.Certain, "39 s after"},
		{"stop timeout, by the engine's log alone", journal, verdict.StopTimeout, verdict.Certain, "as the engine's log says"},
		{"the engine's log of another time", otherDay, verdict.Unknown, verdict.None, "cannot be told"},
		{"stop timeout after a child's kill", known(deaf, kernel(kill(9000, own))), verdict.StopTimeout, verdict.Likely, "10 s after SIGTERM"},
		{"TERM and KILL by hand", known(byHand, kernel()), verdict.KilledBySomeone, verdict.Likely, "39 s after a SIGTERM"},
		{"stop without time", known(dead(137, 5000, ev(0, "start"), ev(4940, "kill", 15), ev(4962, "kill", 9), ev(4985, "die", 137), ev(5060, "stop")), kernel()), verdict.KilledBySomeone, verdict.Certain, "gave it no time"},
		{"docker kill", known(killed, kernel()), verdict.KilledBySomeone, verdict.Certain, "docker kill"},
		{"docker kill, the engine is 7 s late", known(slow, kernel()), verdict.KilledBySomeone, verdict.Certain, "docker kill"},
		{"docker kill after a child's kill", known(killed, kernel(kill(4000, own))), verdict.KilledBySomeone, verdict.Likely, "docker kill"},
		{"docker kill while unhealthy", known(unhealthy, kernel()), verdict.KilledBySomeone, verdict.Certain, "docker kill"},
		{"a swarm ends the unhealthy", known(swarm, kernel()), verdict.Unhealthy, verdict.Likely, "by the swarm"},
		{"a swarm's healthy task", known(healthy, kernel()), verdict.KilledBySomeone, verdict.Certain, "docker kill"},
		{"unhealthy, autoheal runs, and it stayed stopped", healed, verdict.KilledBySomeone, verdict.Certain, "docker kill"},
		{"kill -9 on the host", known(none, kernel()), verdict.KilledBySomeone, verdict.Likely, "neither the engine nor the kernel's OOM killer"},
		{"no kernel log", known(none, noKernel()), verdict.Unknown, verdict.None, "cannot be told"},
		{"the log too short", known(none, shortKernel()), verdict.Unknown, verdict.None, "cannot be told"},
		{"how far the log reaches is not known", known(none, host.Known(verdict.KernelLog{}, "/dev/kmsg")), verdict.Unknown, verdict.None, "cannot be told"},
		{"kills that are not in the log", unlogged, verdict.Unknown, verdict.None, "cannot be told"},
		{"kills before the log begins", older, verdict.KilledBySomeone, verdict.Likely, "neither"},
		{"events gone", known(gone, kernel()), verdict.Unknown, verdict.None, "cannot be told"},
		{"events cut off", known(oldEvents, kernel()), verdict.Unknown, verdict.None, "cannot be told"},
		{"a kill that cannot be placed", known(none, kernel(lone(4990))), verdict.Unknown, verdict.None, "does not place"},
		{"a kill without a date", known(none, kernel(undated())), verdict.Unknown, verdict.None, "does not place"},
		{"a kill before it started", known(none, kernel(lone(-8000))), verdict.KilledBySomeone, verdict.Likely, "neither"},
		{"heap text and SIGKILL", printed(known(none, kernel()), "java.lang.OutOfMemoryError: Java heap space"), verdict.RuntimeHeap, verdict.Possible, "Java"},
	})
}

func TestExits(t *testing.T) {
	t.Parallel()
	plain := func(code int) host.Container { return dead(code, 5000, ev(0, "start"), ev(5010, "die", code)) }
	signalled := func(code, signal int) host.Container {
		return dead(code, 5000, ev(0, "start"), ev(4960, "kill", signal), ev(5000, "die", code))
	}
	notFound := dead(127, 0)
	notFound.State, notFound.StartedAt, notFound.FinishedAt = "created", time.Time{}, time.Time{}
	notFound.Error = `exec: "/nope": stat /nope: no such file or directory: unknown`
	noExec := notFound
	noExec.ExitCode = 126
	rebooted := dead(255, 5000)
	rebooted.EventsKnown = true
	lost := known(rebooted, kernel())
	lost.BootedAt = at(4000)
	zero := lost
	zero.Container.ExitCode = 0
	judged(t, []death{
		{"0", known(plain(0), kernel()), verdict.Exited, verdict.Certain, "exit code 0"},
		{"0, no kernel log", known(plain(0), noKernel()), verdict.Exited, verdict.Certain, "exit code 0"},
		{"0, events gone", known(dead(0, 5000), kernel()), verdict.Exited, verdict.Likely, "exit code 0"},
		{"3", known(plain(3), kernel()), verdict.Exited, verdict.Certain, "exit code 3"},
		{"126", known(plain(126), kernel()), verdict.Exited, verdict.Certain, "could not be executed"},
		{"127", known(plain(127), kernel()), verdict.Exited, verdict.Certain, "was not found"},
		{"obeyed", known(signalled(0, 15), kernel()), verdict.Exited, verdict.Certain, "ended on SIGTERM, 40 ms after"},
		{"obeyed late", known(dead(0, 50_000, ev(0, "start"), ev(5000, "kill", 15), ev(50_000, "die", 0), ev(50_100, "stop")), kernel()), verdict.Exited, verdict.Certain, "ended on SIGTERM, 45 s after"},
		{"TERM by hand, long before", known(dead(0, 50_000, ev(0, "start"), ev(5000, "kill", 15), ev(50_000, "die", 0)), kernel()), verdict.Exited, verdict.Certain, "ended with exit code 0"},
		{"Go on SIGTERM", known(signalled(2, 15), kernel()), verdict.Exited, verdict.Certain, "ended on SIGTERM"},
		{"143 of a stop", known(signalled(143, 15), kernel()), verdict.Exited, verdict.Certain, "ended on SIGTERM"},
		{"143 of nobody", known(plain(143), kernel()), verdict.Exited, verdict.Likely, "not on record to have sent"},
		{"a reload long before", known(dead(1, 50_000, ev(0, "start"), ev(1000, "kill", 1), ev(50_000, "die", 1)), kernel()), verdict.Exited, verdict.Certain, "exit code 1"},
		{"docker kill -s ABRT", known(signalled(134, 6), kernel()), verdict.KilledBySomeone, verdict.Certain, "SIGABRT that was sent"},
		{"docker kill -s ABRT to a Go program", known(signalled(2, 6), kernel()), verdict.Exited, verdict.Likely, "somebody sent it SIGABRT"},
		{"SIGSEGV", known(plain(139), kernel()), verdict.Crashed, verdict.Likely, "SIGSEGV (139)"},
		{"SIGABRT", known(plain(134), kernel()), verdict.Crashed, verdict.Likely, "SIGABRT (134)"},
		{"SIGFPE", known(plain(136), kernel()), verdict.Crashed, verdict.Likely, "SIGFPE (136)"},
		{"SIGBUS", known(plain(135), kernel()), verdict.Crashed, verdict.Likely, "SIGBUS (135)"},
		{"a crash while it stops", known(signalled(139, 15), kernel()), verdict.Crashed, verdict.Likely, "SIGSEGV"},
		{"not in the image", known(notFound, kernel()), verdict.Crashed, verdict.Certain, "not found in the image"},
		{"cannot be executed", known(noExec, kernel()), verdict.Crashed, verdict.Certain, "cannot be executed"},
		{"255 over a reboot", lost, verdict.Unknown, verdict.None, "the VM was restarted"},
		{"0 over a reboot", zero, verdict.Unknown, verdict.None, "the VM was restarted"},
		{"255 in this boot", known(plain(255), kernel()), verdict.Exited, verdict.Likely, "exit code 255"},
		{"255, boot not known", verdict.Input{Container: plain(255)}, verdict.Unknown, verdict.None, "255"},
		{"no exit code at all", known(plain(70_000), kernel()), verdict.Unknown, verdict.None, "no exit code"},
		{"a restart that inspect alone knows", known(runningSince(500_000), kernel()), verdict.Unknown, verdict.None, "no longer on record"},
	})
}

package verdict_test

import (
	"strings"
	"testing"

	"vmguard/pkg/host"
	"vmguard/pkg/oom"
	"vmguard/pkg/verdict"
)

// sibling is a kill in another container, at the limit of the group above both.
func sibling(ms int) oom.Kill {
	k := kill(ms, "/shop")
	k.TaskCgroup = "/shop/" + strings.Repeat("a", 64)
	return k
}

// below puts a container below a group with a limit.
func below(in verdict.Input) verdict.Input {
	limit := uint64(64 * mib)
	in.Parents = host.Known([]host.MemoryGroup{{Path: "/shop", Limit: &limit}}, "/sys/fs/cgroup/memory")
	return in
}

// TestOOMOfASibling: on cgroup v1 the engine notes an oom for every container below a limit.
func TestOOMOfASibling(t *testing.T) {
	t.Parallel()
	killed := limited(dead(137, 5000, ev(0, "start"), ev(4000, "oom"), ev(5010, "die", 137)), 32)
	own3 := dead(3, 5000, ev(0, "start"), ev(4900, "oom"), ev(5010, "die", 3))
	nameless, otherGroup := lone(4000), sibling(4000)
	otherGroup.LimitCgroup = "/office"
	judged(t, []death{
		{"SIGKILL, a sibling's kill", below(known(flagged(killed), kernel(sibling(4000)))), verdict.KilledBySomeone, verdict.Likely, "neither the engine"},
		{"SIGKILL, a kill of another time", below(known(killed, kernel(sibling(90_000)))), verdict.Unknown, verdict.None, "Docker notes an OOM"},
		{"SIGKILL, a kill at another group's limit", below(known(killed, kernel(otherGroup))), verdict.Unknown, verdict.None, "Docker notes an OOM"},
		{"SIGKILL, the groups above not read", known(killed, kernel(sibling(4000))), verdict.Unknown, verdict.None, "Docker notes an OOM"},
		{"SIGKILL, a kill that may be its own", below(known(killed, kernel(sibling(4000), nameless))), verdict.OwnLimit, verdict.Possible, "own limit"},
		{"SIGKILL, its own kill as well", below(known(killed, kernel(sibling(4000), kill(4990, own)))), verdict.OwnLimit, verdict.Certain, "own memory limit"},
		{"SIGKILL, the log too short", below(known(killed, shortKernel(sibling(4000)))), verdict.OwnLimit, verdict.Possible, "own limit"},
		{"3, a sibling's kill", below(known(flagged(own3), kernel(sibling(4900)))), verdict.Exited, verdict.Certain, "exit code 3"},
		{"3, no log", below(known(own3, noKernel())), verdict.ChildKilled, verdict.Possible, "right after"},
	})
	d := verdict.Judge(below(known(own3, kernel(sibling(4900))))).Deaths[0]
	if !strings.Contains(strings.Join(d.Verdict.Notes, "; "), "not its own: the kill was in another cgroup below the same limit, /shop/aaa") {
		t.Errorf("notes: %q", d.Verdict.Notes)
	}
	if len(d.Timeline) != 3 || !strings.HasPrefix(d.Timeline[1].Text, "oom, not its own") {
		t.Errorf("timeline: %+v", d.Timeline)
	}
}

// TestOOMOfASiblingWhileRunning believes the cgroup's own counter before the engine's event.
func TestOOMOfASiblingWhileRunning(t *testing.T) {
	t.Parallel()
	counted := func(n uint64) host.Container {
		c := alive(ev(0, "start"), ev(4000, "oom"))
		c.Memory = host.Known(host.ContainerMemory{OOMKills: &n}, "/sys/fs/cgroup/memory/docker/x")
		return c
	}
	for _, test := range []struct {
		name string
		in   verdict.Input
		want verdict.Confidence // empty for no verdict
	}{
		{"the counter stands at 0", known(counted(0), noKernel()), ""},
		{"the counter stands at 1", below(known(counted(1), noKernel())), verdict.Likely},
		{"no counter, a sibling's kill", below(known(alive(ev(0, "start"), ev(4000, "oom")), kernel(sibling(4000)))), ""},
		{"no counter, no log", known(alive(ev(0, "start"), ev(4000, "oom")), noKernel()), verdict.Likely},
		{"no counter, no log, a limit above", below(known(alive(ev(0, "start"), ev(4000, "oom")), noKernel())), verdict.Possible},
	} {
		r := verdict.Judge(test.in).Running
		var got verdict.Confidence
		for _, v := range r.Verdicts {
			got = v.Confidence
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
		if said := strings.Contains(r.Timeline[1].Text, "not its own"); said != (test.want == "") {
			t.Errorf("%s: timeline %+v", test.name, r.Timeline)
		}
	}
}

// TestStrayKills: an OOM kill in the container that its time does not lay to a SIGKILL keeps
// that from being called somebody's.
func TestStrayKills(t *testing.T) {
	t.Parallel()
	const day = 86_400_000
	c := limited(dead(137, day, ev(0, "start"), ev(day+10, "die", 137)), 32)
	noted := limited(dead(137, day, ev(0, "start"), ev(day-1000, "oom"), ev(day+10, "die", 137)), 32)
	again := limited(alive(ev(0, "start"), ev(day+10, "die", 137), ev(2*day, "start")), 32)
	again.StartedAt, again.FinishedAt = at(2*day), at(day)
	judged(t, []death{
		{"none", known(c, kernel()), verdict.KilledBySomeone, verdict.Likely, "neither"},
		{"20 s before", known(c, kernel(kill(day-20_000, own))), verdict.KilledBySomeone, verdict.Possible, "or the end follows from an OOM kill in it"},
		{"10 min before", known(c, kernel(kill(day-600_000, own))), verdict.KilledBySomeone, verdict.Possible, "or the end follows from"},
		{"20 s before, and Docker notes one", known(noted, kernel(kill(day-20_000, own))), verdict.OwnLimit, verdict.Likely, "own limit"},
		{"between two lives", known(again, kernel(kill(day+30_000, own))), verdict.KilledBySomeone, verdict.Possible, "or the end follows from"},
		{"before the first start", known(c, kernel(kill(-600_000, own))), verdict.KilledBySomeone, verdict.Possible, "or the end follows from"},
		{"in another container", known(c, kernel(sibling(day-20_000))), verdict.KilledBySomeone, verdict.Likely, "neither"},
		{"events gone", known(dead(137, day), kernel(kill(day-20_000, own))), verdict.Unknown, verdict.None, "cannot be told"},
	})
	for ms, want := range map[int]string{day - 20_000: "20 s before this end", day + 30_000: "29 s after this end"} {
		v := verdict.Judge(known(again, kernel(kill(ms, own)))).Deaths[0].Verdict
		if text := strings.Join(v.Against, "; "); !strings.Contains(text, want) || strings.Contains(text, "no OOM kill in it") {
			t.Errorf("against: %q, want %q", text, want)
		}
	}
}

package verdict_test

import (
	"strings"
	"testing"

	"vmguard/pkg/oom"
	"vmguard/pkg/verdict"
)

// pictured gives a kill of PID 6258 a dump with these tasks, and more that it does not name.
func pictured(k oom.Kill, more int, pids ...int) oom.Kill {
	k.Picture = &oom.Picture{TaskCount: len(pids) + more}
	for _, pid := range pids {
		k.Picture.Tasks = append(k.Picture.Tasks, oom.Task{PID: pid, Comm: "app"})
	}
	return k
}

// TestPIDOneMayOutliveAKill is certain only where PID 1 was the killed one.
func TestPIDOneMayOutliveAKill(t *testing.T) {
	t.Parallel()
	c := limited(dead(137, 20_000, ev(0, "start"), ev(20_010, "die", 137)), 32)
	noted := limited(dead(137, 20_000, ev(0, "start"), ev(20_000, "oom"), ev(20_010, "die", 137)), 32)
	notedEarly := limited(dead(137, 20_000, ev(0, "start"), ev(15_900, "oom"), ev(20_010, "die", 137)), 32)
	on := true
	init := c
	init.Init = &on
	off := false
	noInit := c
	noInit.Init = &off
	group := pictured(kill(19_990, own), 0, 6200, 6258)
	group.Group = own
	above := group
	above.Group = "/docker"
	inner := group
	inner.Group = own + "/worker"
	tini := kill(19_990, own)
	tini.Comm = "docker-init"
	judged(t, []death{
		{"at once", known(c, kernel(kill(19_990, own))), verdict.OwnLimit, verdict.Certain, "own memory limit"},
		{"the only task", known(c, kernel(pictured(kill(19_990, own), 0, 6258))), verdict.OwnLimit, verdict.Certain, "own memory limit"},
		{"the oldest task", known(c, kernel(pictured(kill(19_990, own), 0, 6300, 6258))), verdict.OwnLimit, verdict.Certain, "own memory limit"},
		{"an older task", known(c, kernel(pictured(kill(19_990, own), 0, 6258, 6200))), verdict.OwnLimit, verdict.Likely, "own memory limit"},
		{"tasks without a name", known(c, kernel(pictured(kill(19_990, own), 5, 6258, 6300))), verdict.OwnLimit, verdict.Likely, "own memory limit"},
		{"the tasks of a group above", known(c, kernel(pictured(kill(19_990, "/shop"), 0, 6258, 100))), verdict.ParentLimit, verdict.Certain, "/shop"},
		{"the whole group", known(c, kernel(group)), verdict.OwnLimit, verdict.Certain, "own memory limit"},
		{"the whole group above", known(c, kernel(above)), verdict.OwnLimit, verdict.Certain, "own memory limit"},
		{"a group made inside", known(c, kernel(inner)), verdict.OwnLimit, verdict.Likely, "own memory limit"},
		{"a child, and PID 1 with it", known(c, kernel(pictured(kill(19_980, own), 0, 6258), pictured(kill(19_990, own), 0, 6258, 6200))), verdict.OwnLimit, verdict.Certain, "own memory limit"},
		{"below docker-init", known(init, kernel(kill(19_990, own))), verdict.OwnLimit, verdict.Likely, "own memory limit"},
		{"docker-init itself", known(init, kernel(tini)), verdict.OwnLimit, verdict.Certain, "own memory limit"},
		{"without docker-init", known(noInit, kernel(kill(19_990, own))), verdict.OwnLimit, verdict.Certain, "own memory limit"},
		{"4 s later", known(c, kernel(kill(16_000, own))), verdict.OwnLimit, verdict.Likely, "own memory limit"},
		{"4 s later, and Docker noted it then", known(notedEarly, kernel(kill(16_000, own))), verdict.OwnLimit, verdict.Likely, "own memory limit"},
		{"4 s later by clocks that differ", known(noted, kernel(kill(16_000, own))), verdict.OwnLimit, verdict.Certain, "own memory limit"},
		{"13 s later", known(c, kernel(kill(7_000, own))), verdict.OwnLimit, verdict.Possible, "own memory limit"},
		{"13 s later, the host", known(c, kernel(kill(7_000, ""))), verdict.HostOOM, verdict.Possible, "run out of memory"},
	})
	for _, k := range []oom.Kill{kill(16_000, own), kill(7_000, own), pictured(kill(19_990, own), 0, 6258, 6200)} {
		if v := verdict.Judge(known(c, kernel(k))).Deaths[0].Verdict; !strings.Contains(strings.Join(v.Against, "; "), "PID 1 may have outlived") {
			t.Errorf("the doubt is not said: %q", v.Against)
		}
	}
}

// TestNestedIDs does not believe a cgroup that another container may have named.
func TestNestedIDs(t *testing.T) {
	t.Parallel()
	c := limited(dead(137, 20_000, ev(0, "start"), ev(20_010, "die", 137)), 32)
	other := strings.Repeat("b", 64)
	nested := kill(19_990, "/docker/"+other+"/"+id)
	nested.TaskCgroup = nested.LimitCgroup
	outer := kill(19_990, own)
	outer.TaskCgroup = own + "/docker/" + other
	judged(t, []death{
		{"alone", known(c, kernel(kill(19_990, own))), verdict.OwnLimit, verdict.Certain, "own memory limit"},
		{"below another", known(c, kernel(nested)), verdict.OwnLimit, verdict.Likely, "own memory limit"},
		{"around another", known(c, kernel(outer)), verdict.OwnLimit, verdict.Certain, "own memory limit"},
	})
	running := verdict.Judge(known(alive(ev(0, "start")), kernel(nested))).Running
	if len(running.Verdicts) != 1 || running.Verdicts[0].Confidence != verdict.Likely {
		t.Errorf("of a running one: %+v", running.Verdicts)
	}
}

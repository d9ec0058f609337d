package verdict_test

import (
	"strings"
	"testing"

	"vmguard/pkg/docker"
	"vmguard/pkg/host"
	"vmguard/pkg/oom"
	"vmguard/pkg/verdict"
)

const innerID = "dead00000000000000000000000000000000000000000000000000000000beef"

func TestSpellLimiter(t *testing.T) {
	t.Parallel()
	inner := kill(0, own+"/docker/"+innerID)
	service := oom.Kill{Scope: oom.ScopeCgroup, TaskCgroup: "/system.slice/a.service", LimitCgroup: "/system.slice/a.service"}
	slice := service
	slice.LimitCgroup = "/system.slice"
	unnamed := kill(0, own)
	unnamed.Limit = nil
	unknown := kill(0, own)
	unknown.Scope = oom.ScopeUnknown
	for _, test := range []struct {
		name string
		c    host.Container
		k    oom.Kill
		want string
	}{
		{"own", dead(137, 0), kill(0, own), "at its own memory limit of 32 MiB"},
		{"own, by what inspect says now", limited(dead(137, 0), 64), unnamed, "at its own memory limit, now 64 MiB"},
		{"own, and nobody says how much", dead(137, 0), unnamed, "at its own memory limit"},
		{"one made in it", dead(137, 0), kill(0, own+"/app.slice"), "at its own memory limit of 32 MiB"},
		{"a container inside it", dead(137, 0), inner, "at the memory limit of 32 MiB of a container inside it"},
		{"above it", dead(137, 0), kill(0, "/docker"), "at the memory limit of 32 MiB of /docker, above its own"},
		{"the machine", dead(137, 0), kill(0, ""), "the VM had run out of memory"},
		{"not named", dead(137, 0), lone(0), "at a memory limit that the log does not name"},
		{"not known to be a limit", dead(137, 0), unknown, "the log does not name whose memory had run out"},
		{"a service's own", host.Container{}, service, "at its own memory limit"},
		{"above a service", host.Container{}, slice, "at the memory limit of /system.slice, above its own"},
	} {
		if got := verdict.SpellLimiter(test.c, test.k); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
		if got := verdict.OwnLimitHit(test.c.ID, test.k); got != strings.HasPrefix(test.want, "at its own") {
			t.Errorf("%s: own is %t", test.name, got)
		}
	}
}

func TestRaisedSince(t *testing.T) {
	t.Parallel()
	unnamed := kill(0, own)
	unnamed.Limit = nil
	for _, test := range []struct {
		name string
		now  uint64 // MiB
		k    oom.Kill
		want bool
	}{
		{"raised", 64, kill(0, own), true},
		{"taken away", 0, kill(0, own), true},
		{"as it was", 32, kill(0, own), false},
		{"lowered", 16, kill(0, own), false},
		{"the limit at the kill is not known", 64, unnamed, false},
		{"the limit of a cgroup inside it", 64, kill(0, own+"/app.slice"), false},
		{"the limit above it", 64, kill(0, "/docker"), false},
		{"the machine", 64, kill(0, ""), false},
	} {
		if got := verdict.RaisedSince(limited(dead(137, 0), test.now), test.k); got != test.want {
			t.Errorf("%s: %t", test.name, got)
		}
	}
}

// TestJudgeKill says what mends a kill of which it is not known what came of it.
func TestJudgeKill(t *testing.T) {
	t.Parallel()
	in := known(limited(alive(), 32), kernel())
	for _, test := range []struct {
		limiter, remedy string
		kind            verdict.Kind
	}{
		{own, "raise the limit to 64 MiB", verdict.OwnLimit},
		{"/docker", "raise the limit of /docker ", verdict.ParentLimit},
		{own + "/docker/" + innerID, "raise the limit of the container inside it, ", verdict.ChildKilled},
		{"", "add swap", verdict.HostOOM},
	} {
		k := kill(0, test.limiter)
		v := verdict.JudgeKill(in, k)
		if v.Kind != test.kind || v.Kill == nil || len(v.Evidence) == 0 || !strings.HasPrefix(v.Remedies[0].Text, test.remedy) ||
			v.Summary != "the kernel killed a process of it (app): "+verdict.SpellLimiter(in.Container, k) {
			t.Errorf("%q: %+v", test.limiter, v)
		}
	}
}

// TestDisagreementIsMarked holds that a contradiction between Docker and the kernel is told apart from the other notes.
func TestDisagreementIsMarked(t *testing.T) {
	t.Parallel()
	events := []docker.Event{ev(0, "start"), ev(500, "die", 137)}
	for _, test := range []struct {
		name string
		in   verdict.Input
		want string
	}{
		{"the kernel alone", known(limited(dead(137, 500, events...), 32), kernel(kill(450, own))), "OOMKilled says false"},
		{"both", known(flagged(limited(dead(137, 500, events...), 32)), kernel(kill(450, own))), ""},
		{"Docker alone", known(flagged(limited(dead(137, 500, events...), 32)), kernel()), "Docker and the kernel disagree"},
		{"Docker, and a log that is not read", known(flagged(limited(dead(137, 500, events...), 32)), noKernel()), ""},
		{"neither", known(dead(1, 500, events[0], ev(500, "die", 1)), kernel()), ""},
	} {
		v := verdict.Judge(test.in).Deaths[0].Verdict
		if !strings.Contains(v.Disagreement, test.want) || (v.Disagreement == "") != (test.want == "") {
			t.Errorf("%s: %q", test.name, v.Disagreement)
		}
	}
}

// TestLateKill lays a kill that came after a container had ended to its last end: its clock is wrong.
func TestLateKill(t *testing.T) {
	t.Parallel()
	events := []docker.Event{ev(0, "start"), ev(500, "die", 137)}
	late := kill(60_000, own)
	for _, test := range []struct {
		name string
		in   verdict.Input
		kind verdict.Kind
	}{
		{"with the flag", known(flagged(limited(dead(137, 500, events...), 32)), kernel(late)), verdict.OwnLimit},
		{"without", known(limited(dead(137, 500, events...), 32), kernel(late)), verdict.Unknown},
		{"without any kill", known(limited(dead(137, 500, events...), 32), kernel()), verdict.KilledBySomeone},
		{"of a container that ran again", known(limited(alive(append(events, ev(900, "start"))...), 32), kernel(late)), verdict.KilledBySomeone},
	} {
		if got := verdict.Judge(test.in).Deaths[0].Verdict; got.Kind != test.kind {
			t.Errorf("%s: %s: %s", test.name, got.Kind, got.Summary)
		}
	}
}

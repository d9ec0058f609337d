package verdict_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/docker"
	"vmguard/pkg/host"
	"vmguard/pkg/oom"
	"vmguard/pkg/verdict"
)

// restarting is a container of restart policy on-failure:2 whose three lives took 0.4 s each.
func restarting() host.Container {
	c := flagged(limited(dead(137, 1348,
		ev(0, "start"), ev(397, "oom"), ev(437, "die", 137),
		ev(752, "start"), ev(810, "oom"), ev(846, "die", 137),
		ev(1282, "start"), ev(1348, "oom"), ev(1389, "die", 137)), 32))
	c.StartedAt, c.RestartCount = at(1278), 2
	return c
}

// spell is a report in short: exit code and verdict of each death, newest first.
func spell(r verdict.Report) []string {
	var out []string
	for _, d := range r.Deaths {
		code := "?"
		if d.ExitCode != nil {
			code = fmt.Sprint(*d.ExitCode)
		}
		out = append(out, fmt.Sprintf("%s %s %s", code, d.Verdict.Kind, d.Verdict.Confidence))
	}
	return out
}

func TestEachLifeHasItsVerdict(t *testing.T) {
	t.Parallel()
	kills := []oom.Kill{kill(390, own), kill(805, own), kill(1340, own)}
	skewed := []oom.Kill{kill(890, own), kill(1305, own), kill(1840, own)} // half a second ahead
	mixed := dead(1, 30_000, ev(0, "start"), ev(10_000, "kill", 15), ev(10_020, "die", 0), ev(10_100, "stop"),
		ev(15_000, "start"), ev(20_000, "oom"), ev(20_040, "die", 137), ev(21_000, "start"), ev(30_010, "die", 1))
	mixed.StartedAt = at(21_000)
	again := alive(ev(0, "start"), ev(5000, "kill", 15), ev(15_010, "kill", 9), ev(15_040, "die", 137), ev(15_100, "stop"), ev(15_400, "start"), ev(15_401, "restart"))
	again.StartedAt, again.FinishedAt = at(15_398), at(15_015)
	failedAgain := dead(127, 5000, ev(0, "start"), ev(5010, "die", 3))
	failedAgain.Error = "exec: no such file"
	for _, test := range []struct {
		name string
		in   verdict.Input
		want []string
	}{
		{"a loop", known(restarting(), kernel(kills...)), []string{"137 own-limit certain", "137 own-limit certain", "137 own-limit certain"}},
		{"a loop, no log", known(restarting(), noKernel()), []string{"137 own-limit likely", "137 own-limit likely", "137 own-limit likely"}},
		{"mixed", known(mixed, kernel(kill(20_000, own))), []string{"1 exited certain", "137 own-limit certain", "0 exited certain"}},
		{"docker restart", known(again, kernel()), []string{"137 stop-timeout certain"}},
		{"a start that failed after a life", known(failedAgain, kernel()), []string{"127 crashed certain", "3 exited certain"}},
		{"never started", known(func() host.Container { c := dead(0, 0); c.State, c.FinishedAt = "created", time.Time{}; return c }(), kernel()), nil},
		{"inspect failed", known(func() host.Container {
			c := dead(0, 0, ev(0, "start"), ev(5, "die", 4))
			c.InspectError = "timeout"
			return c
		}(), kernel()), []string{"4 exited certain"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, spell(verdict.Judge(test.in))); diff != "" {
				t.Error(diff)
			}
		})
	}
	// With clocks that differ no end of a loop may be laid on somebody.
	for _, d := range verdict.Judge(known(restarting(), kernel(skewed...))).Deaths {
		if d.Verdict.Kind != verdict.OwnLimit {
			t.Errorf("skewed: %s, %s", d.Verdict.Kind, d.Verdict.Summary)
		}
	}
}

// TestKillOfANextLife lays a kill that a later life seems to have outlived to the end right before it.
func TestKillOfANextLife(t *testing.T) {
	t.Parallel()
	c := limited(alive(ev(0, "start"), ev(9000, "die", 137), ev(9100, "start")), 32)
	c.StartedAt, c.FinishedAt = at(9100), at(8990)
	r := verdict.Judge(known(c, kernel(kill(9400, own))))
	if got := spell(r); !slices.Equal(got, []string{"137 own-limit certain"}) {
		t.Errorf("got %q", got)
	}
	if !slices.ContainsFunc(r.Deaths[0].Verdict.Notes, func(s string) bool { return strings.Contains(s, "400 ms later") }) {
		t.Errorf("the clocks' difference is not said: %q", r.Deaths[0].Verdict.Notes)
	}
	if len(r.Running.Verdicts) != 0 {
		t.Errorf("and the running life: %+v", r.Running.Verdicts)
	}
	// Later than clocks differ it is the running life's own.
	r = verdict.Judge(known(c, kernel(kill(60_000, own))))
	if len(r.Running.Verdicts) != 1 || r.Running.Verdicts[0].Kind != verdict.ChildKilled || r.Running.Verdicts[0].Confidence != verdict.Certain {
		t.Errorf("running: %+v", r.Running.Verdicts)
	}
}

func TestKillsOfOthersAreLeftAlone(t *testing.T) {
	t.Parallel()
	other := kill(4990, own)
	other.TaskCgroup = "/docker/" + strings.Repeat("a", 64)
	process := kill(4990, "")
	process.TaskCgroup = "/system.slice/ssh.service"
	c := dead(137, 5000, ev(0, "start"), ev(5010, "die", 137))
	if got := spell(verdict.Judge(known(c, kernel(other, process)))); !slices.Equal(got, []string{"137 killed-by-someone likely"}) {
		t.Errorf("got %q", got)
	}
}

func TestUnmatched(t *testing.T) {
	t.Parallel()
	c := alive()
	c.StartedAt = at(500_000)
	r := verdict.Judge(known(c, kernel(kill(1000, own), undated())))
	if len(r.Unmatched) != 2 || len(r.Deaths) != 0 || len(r.Running.Verdicts) != 0 {
		t.Errorf("got %+v", r)
	}
}

// TestStarted takes a life's start from inspect where its event is gone, but not one that lies after its end.
func TestStarted(t *testing.T) {
	t.Parallel()
	lost := dead(0, 5000, ev(5010, "die", 0))
	late := dead(0, 5000)
	late.StartedAt = at(20_000)
	short := dead(0, 0, ev(250, "start"), ev(260, "die", 0))
	short.StartedAt = at(249)
	for _, test := range []struct {
		name string
		c    host.Container
		want time.Time
	}{
		{"its event is gone", lost, at(0)},
		{"inspect's is of a later start", late, time.Time{}},
		{"by the event", short, at(250)},
	} {
		r := verdict.Judge(known(test.c, kernel()))
		if len(r.Deaths) != 1 || !r.Deaths[0].Started.Equal(test.want) {
			t.Errorf("%s: got %+v", test.name, r.Deaths)
		}
	}
}

func TestTimeline(t *testing.T) {
	t.Parallel()
	in := known(flagged(limited(dead(137, 447, append(ownLimitEvents(), ev(9000, "stop"))...), 32)), kernel(kill(448, own)))
	in.Health = host.Known([]docker.Probe{{End: at(300), ExitCode: 1, Output: "refused\nmore"}, {End: at(-5000), ExitCode: 1}, {End: at(310)}}, "docker inspect app")
	in.Journal = host.Known([]verdict.Line{
		{At: at(505), Text: "ignoring event"},
		{At: at(510), Text: "shim disconnected", Source: "journal of containerd.service"}, {Text: "undated"},
	}, "journal of docker.service and containerd.service")
	got := verdict.Judge(in).Deaths[0].Timeline
	for i := range got {
		got[i].Text, _, _ = strings.Cut(got[i].Text, ",")
	}
	want := []verdict.Moment{
		{At: at(0), Text: "start", Source: "docker events"},
		{At: at(300), Text: "healthcheck failed", Source: "docker inspect app"},
		{At: at(448), Text: "oom-kill of pid 6258 (app)", Source: "/dev/kmsg"},
		{At: at(453), Text: "oom", Source: "docker events"},
		{At: at(503), Text: "die", Source: "docker events"},
		{At: at(505), Text: "ignoring event", Source: "journal of docker.service and containerd.service"},
		{At: at(510), Text: "shim disconnected", Source: "journal of containerd.service"},
		{At: at(9000), Text: "stop", Source: "docker events"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestDisagreement says aloud where Docker's flag and the kernel's log differ.
func TestDisagreement(t *testing.T) {
	t.Parallel()
	c := limited(dead(137, 447, ownLimitEvents()...), 32)
	for _, test := range []struct {
		name string
		in   verdict.Input
		want string // in a note; "" for none
	}{
		{"flag false, kill logged", known(c, kernel(kill(448, own))), "OOMKilled says false"},
		{"both agree", known(flagged(c), kernel(kill(448, own))), ""},
		{"flag true, log empty", known(flagged(c), kernel()), "Docker and the kernel disagree"},
		{"flag true, no log", known(flagged(c), noKernel()), ""},
	} {
		notes := strings.Join(verdict.Judge(test.in).Deaths[0].Verdict.Notes, "; ")
		if !strings.Contains(notes, test.want) || test.want == "" && notes != "" {
			t.Errorf("%s: notes %q, want %q", test.name, notes, test.want)
		}
	}
}

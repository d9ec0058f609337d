package verdict_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/host"
	"vmguard/pkg/oom"
	"vmguard/pkg/verdict"
)

// facts is a host that has been up for an hour before the first start, with a kernel's log.
func facts(all []host.Container, kills ...oom.Kill) *host.Facts {
	return &host.Facts{
		CollectedAt: at(600_000),
		System:      host.Known(host.System{Uptime: 4200 * time.Second}, "/proc"),
		Memory:      host.Known(host.Memory{Total: 2 * gib, Available: gib}, "/proc/meminfo"),
		Swaps:       host.Known([]host.SwapArea{}, "/proc/swaps"),
		OOM:         host.Known(oom.Log{Kills: kills}, "/dev/kmsg"),
		Containers:  host.Known(all, "docker inspect"),
	}
}

// TestSnapshot holds that a snapshot leads to the verdicts that all facts lead to.
func TestSnapshot(t *testing.T) {
	t.Parallel()
	other := dead(137, 70_000, ev(0, "start"), ev(70_000, "die", 137))
	other.ID, other.Name = innerID, "other"
	nested := kill(300, own)
	nested.TaskCgroup = own + "/docker/" + innerID
	foreign := kill(450, "")
	foreign.TaskCgroup = "/docker/" + strings.Repeat("e", 64)
	undated := lone(0)
	undated.At = time.Time{}
	ours := limited(dead(137, 500, ev(0, "start"), ev(500, "die", 137)), 32)
	again := limited(alive(ev(0, "start"), ev(500, "die", 137), ev(9000, "start"), ev(70_000, "die", 137), ev(80_000, "start")), 32)
	again.StartedAt, again.FinishedAt = at(80_000), at(70_000)
	for name, f := range map[string]*host.Facts{
		"no kill":                  facts([]host.Container{ours, other}),
		"its own":                  facts([]host.Container{ours, other}, kill(450, own)),
		"another's":                facts([]host.Container{ours, other}, foreign),
		"one inside it":            facts([]host.Container{ours, other}, nested),
		"without cgroup, at ends":  facts([]host.Container{again, other}, lone(450), lone(30_000), lone(69_900), lone(500_000)),
		"without cgroup, far away": facts([]host.Container{ours, other}, lone(300_000)),
		"without cgroup or date":   facts([]host.Container{ours, other}, undated),
		"mixed":                    facts([]host.Container{again, other}, lone(400), kill(450, own), nested, foreign, kill(90_000, own)),
		"log not read":             {CollectedAt: at(600_000), OOM: host.Missing[oom.Log]("needs root"), Containers: host.Known([]host.Container{ours}, "")},
	} {
		s := verdict.NewSnapshot(f)
		for _, c := range f.Containers.Value {
			want, got := verdict.Judge(verdict.FromFacts(f, c)), verdict.Judge(s.Input(c))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s: %s", name, c.Name, diff)
			}
		}
	}
}

// TestSnapshotOfAStorm holds that a container is given few of the kills that may have been
// in it, and none of those of others.
func TestSnapshotOfAStorm(t *testing.T) {
	t.Parallel()
	var kills []oom.Kill
	for i := range 10_000 {
		foreign := kill(i, "")
		foreign.TaskCgroup = "/docker/" + innerID
		kills = append(kills, lone(i), foreign)
	}
	c := dead(137, 5000, ev(0, "start"), ev(5000, "die", 137))
	s := verdict.NewSnapshot(facts([]host.Container{c}, kills...))
	got := s.Input(c).Kernel.Value.Kills
	if len(got) == 0 || len(got) > 10 {
		t.Errorf("%d kills", len(got))
	}
	for _, k := range got {
		if k.TaskCgroup != "" {
			t.Errorf("another container's: %+v", k)
		}
	}
	if mine, others := len(s.Kills(id)), len(s.Kills(innerID)); mine != 0 || others != 10_000 {
		t.Errorf("%d in it, %d in the other", mine, others)
	}
	if s.Input(alive()).Kernel.Value.Kills != nil {
		t.Error("one that never ended is given kills")
	}
}

// TestSnapshotKnowsTheHealer finds what ends unhealthy containers among the others.
func TestSnapshotKnowsTheHealer(t *testing.T) {
	t.Parallel()
	healer := alive()
	healer.Image = "willfarrell/autoheal:1.2.0"
	if got := verdict.NewSnapshot(facts([]host.Container{dead(0, 1), healer})).Input(dead(0, 1)).Healer; got != "autoheal" {
		t.Errorf("got %q", got)
	}
}

func TestExcludes(t *testing.T) {
	t.Parallel()
	undated := lone(0)
	undated.At = time.Time{}
	since := at(-3600_000)
	for _, test := range []struct {
		name string
		log  verdict.KernelLog
		want bool
	}{
		{"reaches back", verdict.KernelLog{Since: since}, true},
		{"a kill at another time", verdict.KernelLog{Since: since, Kills: []oom.Kill{lone(300_000)}}, true},
		{"a kill about then", verdict.KernelLog{Since: since, Kills: []oom.Kill{lone(400)}}, false},
		{"a kill without a date", verdict.KernelLog{Since: since, Kills: []oom.Kill{undated}}, false},
		{"does not reach back", verdict.KernelLog{Since: at(3600_000)}, false},
		{"does not say how far it reaches", verdict.KernelLog{}, false},
	} {
		if got := test.log.Excludes(at(500)); got != test.want {
			t.Errorf("%s: %t", test.name, got)
		}
	}
}

package oom

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMerge(t *testing.T) {
	noon := utc(11, 25, 12, 0, 0)
	base := Kill{PID: 7, Comm: "x", Scope: ScopeHost, TotalVM: kb(8), AnonRSS: kb(4)}
	with := func(change func(*Kill)) Kill {
		k := base
		change(&k)
		return k
	}
	boot := func(d time.Duration) Kill { return with(func(k *Kill) { k.SinceBoot = d }) }
	date := func(d time.Duration) Kill { return with(func(k *Kill) { k.At = noon.Add(d) }) }
	both := func(boot, date time.Duration) Kill {
		return with(func(k *Kill) { k.SinceBoot, k.At = boot, noon.Add(date) })
	}
	tests := []struct {
		name string
		a, b Kill
		same bool
	}{
		{"one record, told at other times", both(time.Hour, 0), both(time.Hour, time.Minute), true},
		{"one record, one log without dates", both(time.Hour, 0), boot(time.Hour), true},
		{"summary and kill line", both(time.Hour, 0), both(time.Hour+time.Second, time.Second), true},
		{"nearly the same moment of two boots", both(time.Hour, 0), both(time.Hour+time.Millisecond, time.Hour), false},
		{"the ID used again", boot(time.Hour), boot(2 * time.Hour), false},
		{"dates a second apart", date(0), date(time.Second), true},
		{"dates a minute apart", date(0), date(time.Minute), false},
		{"no common clock", boot(time.Hour), date(0), true},
		{"no common clock, no sizes", with(func(k *Kill) { k.SinceBoot, k.TotalVM = time.Hour, nil }), date(0), false},
		{"other sizes", boot(time.Hour), with(func(k *Kill) { k.SinceBoot, k.AnonRSS = time.Hour, kb(5) }), false},
		{"another name", boot(time.Hour), with(func(k *Kill) { k.SinceBoot, k.Comm = time.Hour, "y" }), false},
		{"another cgroup", with(func(k *Kill) { k.TaskCgroup = "/a" }), with(func(k *Kill) { k.TaskCgroup = "/b" }), false},
		{"another boot", with(func(k *Kill) { k.SinceBoot, k.Boot = 1, "a" }), with(func(k *Kill) { k.SinceBoot, k.Boot = 1, "b" }), false},
		{"another host", with(func(k *Kill) { k.SinceBoot, k.Host = 1, "web" }), with(func(k *Kill) { k.SinceBoot, k.Host = 1, "web2" }), false},
		{"a host with its domain", with(func(k *Kill) { k.SinceBoot, k.Host = 1, "web" }), with(func(k *Kill) { k.SinceBoot, k.Host = 1, "web.example.org" }), true},
	}
	for _, tt := range tests {
		for _, logs := range [][]Log{{{Kills: []Kill{tt.a}}, {Kills: []Kill{tt.b}}}, {{Kills: []Kill{tt.b, tt.a}}}} {
			got := Merge(logs...)
			if (len(got.Kills) == 1) != tt.same {
				t.Errorf("%s: %d kills", tt.name, len(got.Kills))
			}
		}
	}
}

func TestMergeKeepsWhatEachKnows(t *testing.T) {
	full := Kill{
		SinceBoot: time.Hour, PID: 7, Comm: "x", Scope: ScopeCgroup, TotalVM: kb(8), UID: new(3), TaskCgroup: "/a", LimitCgroup: "/a",
		Limit: kb(9), Swap: kb(1), Group: "/a", Reaped: true, OOMScoreAdj: new(5), Invoker: &Invoker{Comm: "y"}, Picture: &Picture{PageSize: 4096},
	}
	poor := Kill{At: utc(11, 25, 12, 0, 0), Boot: "b", Host: "h", SinceBoot: time.Hour, PID: 7, Comm: "x", Scope: ScopeUnknown}
	want := full
	want.At, want.Boot, want.Host = poor.At, poor.Boot, poor.Host
	for _, kills := range [][]Kill{{full, poor}, {poor, full}} {
		if diff := cmp.Diff([]Kill{want}, Merge(Log{Kills: kills}).Kills); diff != "" {
			t.Error(diff)
		}
	}
}

func TestMergeCounts(t *testing.T) {
	a := Log{Records: 1, Lost: 2, Malformed: 3, Lines: 4, Unnamed: 5, NoVictim: 6, Panics: 7, More: 8, Truncated: true}
	b := a
	b.Truncated = false
	want := Log{Kills: []Kill{}, Records: 2, Lost: 4, Malformed: 6, Lines: 8, Unnamed: 10, NoVictim: 12, Panics: 14, More: 16}
	if diff := cmp.Diff(want, Merge(a, b)); diff != "" {
		t.Error(diff)
	}
	if got := Merge(a); !got.Truncated || Merge().Truncated || Merge().Kills == nil {
		t.Errorf("one log: %+v; none: %+v", got, Merge())
	}
}

func TestMergeOrders(t *testing.T) {
	noon := utc(11, 25, 12, 0, 0)
	list := []Kill{
		{PID: 4, At: noon.Add(time.Hour), Boot: "b", SinceBoot: 5},
		{PID: 3, At: noon.Add(2 * time.Hour), Boot: "b", SinceBoot: 4}, // the clock was set back after it
		{PID: 1, At: noon},
	}
	var pids []int
	for _, k := range Merge(Log{Kills: list[:1]}, Log{Kills: list[1:]}).Kills {
		pids = append(pids, k.PID)
	}
	if diff := cmp.Diff([]int{1, 3, 4}, pids); diff != "" {
		t.Error(diff)
	}
}

package cli

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/docker"
	"vmguard/pkg/host"
	"vmguard/pkg/oom"
	"vmguard/pkg/report"
)

// What may have been missed is told, and nothing else.
func TestOOMGaps(t *testing.T) {
	now := time.Date(2026, 11, 25, 22, 0, 0, 0, time.UTC)
	boot := now.Add(-48 * time.Hour)
	whole := oom.Source{Name: oom.SourceKmsg, Where: "/dev/kmsg", Oldest: boot}
	short := oom.Source{Name: oom.SourceKmsg, Where: "/dev/kmsg", Oldest: now.Add(-time.Hour)}
	denied := oom.Source{Name: oom.SourceJournal, Where: "journalctl", Err: fs.ErrPermission, Missing: "not yours"}
	absent := oom.Source{Name: oom.SourceFiles, Where: "/var/log", Err: fs.ErrNotExist, Missing: "none"}
	journal := oom.Source{Name: oom.SourceJournal, Where: "journalctl", Oldest: now.Add(-24 * 30 * time.Hour)}
	damaged := journal
	damaged.Notes = []string{"a file is damaged"}
	counts := func(counted, missing uint64) *oom.Reconciliation {
		return &oom.Reconciliation{Counted: &counted, Missing: &missing}
	}
	for _, tt := range []struct {
		name    string
		o       oomOptions
		sources []oom.Source
		counter *oom.Reconciliation
		log     oom.Log
		other   int
		want    []string // a part of each sentence
	}{
		{"this boot, whole", oomOptions{boot: "0"}, []oom.Source{whole, absent}, counts(3, 0), oom.Log{}, 0, nil},
		{"this boot, the journal is not needed", oomOptions{boot: "0"}, []oom.Source{whole, denied}, counts(3, 0), oom.Log{}, 0, nil},
		{"this boot, cut", oomOptions{boot: "0"}, []oom.Source{short}, counts(3, 0), oom.Log{}, 0, []string{"before 2026-11-25 21:00:00 nothing is known"}},
		{"this boot, cut, but the kernel counts none", oomOptions{boot: "0"}, []oom.Source{short}, counts(0, 0), oom.Log{}, 0, nil},
		{"this boot, cut, after --since", oomOptions{boot: "0", since: 30 * time.Minute}, []oom.Source{short}, nil, oom.Log{}, 0, nil},
		{"this boot, cut, before --since", oomOptions{boot: "0", since: 2 * time.Hour}, []oom.Source{short}, nil, oom.Log{}, 0, []string{"nothing is known"}},
		{"this boot, no log, but the kernel counts none", oomOptions{boot: "0"}, []oom.Source{denied, absent}, counts(0, 0), oom.Log{}, 0, nil},
		{"more are counted", oomOptions{boot: "0"}, []oom.Source{whole}, counts(4, 3), oom.Log{}, 0, []string{"3 more kills are counted than logged"}},
		{"one more is counted", oomOptions{boot: "0"}, []oom.Source{whole}, counts(4, 1), oom.Log{}, 0, []string{"1 more kill is counted than logged"}},
		{"all, whole", oomOptions{boot: oom.AllBoots}, []oom.Source{whole, journal, absent}, counts(3, 0), oom.Log{}, 0, nil},
		{"all, denied", oomOptions{boot: oom.AllBoots}, []oom.Source{whole, denied}, counts(3, 0), oom.Log{}, 0, []string{"journalctl, which could not be read: not yours"}},
		{"all, damaged", oomOptions{boot: oom.AllBoots}, []oom.Source{whole, damaged}, counts(3, 0), oom.Log{}, 0, []string{"not all in journalctl"}},
		{"all, denied, since this boot", oomOptions{boot: oom.AllBoots, since: time.Hour}, []oom.Source{whole, denied}, counts(3, 0), oom.Log{}, 0, nil},
		{"all, none read, none counted", oomOptions{boot: oom.AllBoots}, []oom.Source{absent}, counts(0, 0), oom.Log{}, 0, []string{"before this boot nothing is known"}},
		{"all, further back than the journal", oomOptions{boot: oom.AllBoots, since: 24 * 60 * time.Hour}, []oom.Source{journal}, nil, oom.Log{}, 0,
			[]string{"before 2026-10-26 22:00:00 nothing is known"}},
		{"the boot before", oomOptions{boot: "-1"}, []oom.Source{journal}, nil, oom.Log{}, 0, nil},
		{"the boot before, some of an unknown one", oomOptions{boot: "-1"}, []oom.Source{journal}, nil, oom.Log{}, 2, []string{"2 kills left out"}},
		{"reach unknown", oomOptions{boot: "0"}, []oom.Source{{Name: oom.SourceKmsg}}, nil, oom.Log{}, 0, []string{"how far back the logs reach is not known"}},
		{"the log's own losses", oomOptions{boot: "0"}, []oom.Source{whole}, nil, oom.Log{Lost: 2, Unnamed: 3, Malformed: 4, More: 5}, 0,
			[]string{"lost in 2 places", "ran 3 times", "4 records", "5 further kills"}},
		{"a file", oomOptions{file: "x"}, nil, nil, oom.Log{Lines: 9}, 0, nil},
		{"a file that is no log", oomOptions{file: "x"}, nil, nil, oom.Log{Lines: 9, Strange: true}, 0, []string{"no line of it looks like a kernel's log"}},
		{"a file without prefixes", oomOptions{file: "x"}, nil, nil, oom.Log{Lines: 9, Bare: true}, 0, nil},
		{"an empty file", oomOptions{file: "x"}, nil, nil, oom.Log{}, 0, []string{"the log is empty"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.o.gaps(oomRead{at: now, log: tt.log, sources: tt.sources, counter: tt.counter, clock: oom.BootClock{Start: boot}, otherBoot: tt.other})
			if len(got) != len(tt.want) {
				t.Fatalf("got %q", got)
			}
			for i, part := range tt.want {
				if !strings.Contains(got[i], part) {
					t.Errorf("%q does not say %q", got[i], part)
				}
			}
		})
	}
}

// engineOf is what an engine says that has these containers, and knows of these removed ones.
func engineOf(listed, removed map[string]string) oomNames {
	all := func(names map[string]string) []host.Container {
		var out []host.Container
		for id, name := range names {
			out = append(out, host.Container{Container: docker.Container{ID: id, Name: name}})
		}
		return out
	}
	return oomNames{asked: true, listed: all(listed), removed: all(removed)}
}

func TestOOMOwnerNames(t *testing.T) {
	for _, tt := range []struct {
		name, cgroup string
		listed, gone map[string]string
		want, around string
		removed      bool
	}{
		{"listed", "/docker/" + oneID, map[string]string{oneID: "web"}, nil, "web", "", false},
		{"removed", "/docker/" + oneID, nil, map[string]string{oneID: "job"}, "job", "", true},
		{"unknown", "/docker/" + oneID, map[string]string{otherID: "web"}, nil, "", "", false},
		{"nested, the outer is known", "/docker/" + oneID + "/docker/" + otherID, map[string]string{oneID: "outer"}, nil, "", "outer", false},
		{"nested, the inner is known", "/docker/" + oneID + "/docker/" + otherID, map[string]string{otherID: "inner"}, nil, "inner", oneID, false},
		{"no container", "/system.slice/cron.service", map[string]string{oneID: "web"}, nil, "", "", false},
	} {
		got := engineOf(tt.listed, tt.gone).owner(tt.cgroup)
		if got.Name != tt.want || got.Around != tt.around || got.Removed != tt.removed {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
}

func TestOOMPick(t *testing.T) {
	kills := []oom.Kill{
		{PID: 1, TaskCgroup: "/docker/" + oneID}, {PID: 2, TaskCgroup: "/docker/" + otherID}, {PID: 3, TaskCgroup: "/lxc.payload.box/a"},
		{PID: 4}, {PID: 5, TaskCgroup: "/docker/" + oneID + "/docker/" + otherID},
	}
	engine := engineOf(map[string]string{oneID: "web", strings.Repeat("3", 64): "idle"}, map[string]string{otherID: "job"})
	silent := oomNames{asked: true, why: "no engine answers"}
	for _, tt := range []struct {
		container string
		names     oomNames
		want      []int
		code      int // of the error
	}{
		{"", engine, []int{1, 2, 3, 4, 5}, 0},
		{"web", engine, []int{1, 5}, 0},
		{"job", engine, []int{2, 5}, 0},
		{"2222", engine, []int{2, 5}, 0},
		{"box", engine, []int{3}, 0},
		{"idle", engine, nil, 0},
		{"wob", engine, nil, exitFailed},
		{"111111111111", silent, []int{1, 5}, 0},
		{"web", silent, nil, exitFailed},
	} {
		o := oomOptions{container: tt.container}
		got, err := o.pick(kills, tt.names)
		var pids []int
		for _, k := range got {
			pids = append(pids, k.PID)
		}
		if diff := cmp.Diff(tt.want, pids); diff != "" {
			t.Errorf("%q: %s", tt.container, diff)
		}
		checkCode(t, tt.container, err, tt.code)
	}
	ambiguous := oomOptions{container: "1111"}
	more := append(slices.Clone(kills), oom.Kill{TaskCgroup: "/docker/1111" + strings.Repeat("0", 60)})
	_, err := ambiguous.pick(more, silent)
	checkCode(t, "an ID that several begin with", err, exitUsage)
}

func checkCode(t *testing.T, what string, err error, want int) {
	t.Helper()
	f, ok := err.(*failure) //nolint:errorlint // it comes unwrapped
	switch {
	case want == 0 && err != nil, want != 0 && !ok:
		t.Errorf("%s: %v", what, err)
	case ok && f.code != want:
		t.Errorf("%s: exit code %d, want %d: %v", what, f.code, want, err)
	}
}

// With --follow a kill is left out only where it is surely in another container.
func TestOOMUnwanted(t *testing.T) {
	engine := engineOf(map[string]string{oneID: "web"}, nil)
	silent := oomNames{asked: true, why: "no engine answers"}
	for _, tt := range []struct {
		name, container, cgroup string
		names                   oomNames
		want                    bool
	}{
		{"all are wanted", "", "/x", engine, false},
		{"by name", "web", "/docker/" + oneID, engine, false},
		{"by ID", "2222", "/docker/" + otherID, silent, false},
		{"another one", "job", "/docker/" + oneID, engine, true},
		{"one that the engine does not know", "web", "/docker/" + otherID, engine, true},
		{"the engine is silent", "web", "/docker/" + otherID, silent, false},
		{"no container", "web", "/system.slice/cron.service", engine, true},
		{"an LXC container", "box", "/lxc/box", engine, false},
		{"the log does not say", "web", "", engine, false},
	} {
		o := oomOptions{container: tt.container}
		if got := o.unwanted(oom.Kill{TaskCgroup: tt.cgroup}, tt.names); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func TestGroupKills(t *testing.T) {
	size := func(n uint64) *uint64 { return &n }
	at := time.Date(2026, 11, 25, 22, 0, 0, 0, time.UTC)
	kill := func(comm, cgroup string, minutes int, anon uint64) report.OOMKill {
		return oomNames{}.kill(oom.Kill{
			Comm: comm, At: at.Add(time.Duration(minutes) * time.Minute), TaskCgroup: cgroup, LimitCgroup: cgroup, Scope: oom.ScopeCgroup,
			Limit: size(100), AnonRSS: size(anon),
		})
	}
	web := "/docker/" + oneID
	got := groupKills([]report.OOMKill{kill("node", web, 9, 80), kill("cron", "/plain", 8, 5), kill("sh", web, 7, 90), kill("bash", "/plain", 6, 5)})
	type brief struct {
		comms       string
		kills       int
		first, last int
		memory      uint64
		enough      uint64
	}
	var all []brief
	for _, g := range got {
		all = append(all, brief{strings.Join(g.Comms, " "), g.Kills, g.First.Minute(), g.Last.Minute(), *g.Memory, *g.Need.EnoughThen})
	}
	want := []brief{{"node sh", 2, 7, 9, 90, 190}, {"cron", 1, 8, 8, 5, 105}, {"bash", 1, 6, 6, 5, 105}}
	if diff := cmp.Diff(want, all, cmp.AllowUnexported(brief{})); diff != "" {
		t.Error(diff)
	}
}

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// deathRounds is how many of each death shall be made: VMGUARD_DEATHS, or one.
func deathRounds() int {
	if n, err := strconv.Atoi(os.Getenv("VMGUARD_DEATHS")); err == nil {
		return max(1, n)
	}
	return 1
}

// judgeDeaths judges what testdata/vm/deaths brought back.
func judgeDeaths(t *testing.T, dir string) {
	t.Helper()
	for round := 1; round <= deathRounds(); round++ {
		for _, d := range []struct {
			kind  string
			lives bool // the verdict is on a container that runs on
		}{
			{"own-limit", false},
			{"parent-limit", false},
			{"host-oom", false},
			{"child-killed", true},
			{"stop-timeout", false},
			{"killed-by-someone", false},
			{"crashed", false},
			{"exited", false},
			{"unhealthy", true},
		} {
			name := fmt.Sprintf("%s-%d", d.kind, round)
			t.Run(name, func(t *testing.T) { judgeWhy(t, filepath.Join(dir, "why", name+".json"), d.kind, d.lives) })
		}
	}
	t.Run("oom", func(t *testing.T) { judgeKills(t, dir, deathRounds()) })
	t.Run("lost", func(t *testing.T) { judgeLost(t, dir) })
	before, after := readFile(t, filepath.Join(dir, "daemons.before")), readFile(t, filepath.Join(dir, "daemons.after"))
	if diff := cmp.Diff(string(before), string(after)); diff != "" || !strings.Contains(string(before), "Id=docker.service") {
		t.Errorf("no daemon shall be killed (-before +after):\n%s", diff)
	}
}

func judgeWhy(t *testing.T, file, kind string, lives bool) {
	t.Helper()
	var r verdictOn
	decode(t, readFile(t, file), &r)
	var got []oneVerdict
	if lives && r.Data.Running != nil {
		got = r.Data.Running.Verdicts
	}
	for _, d := range r.Data.Deaths {
		got = append(got, d.Verdict)
	}
	if len(got) != 1 || got[0].Kind != kind || got[0].Confidence != "certain" && got[0].Confidence != "likely" {
		t.Errorf("%+v, want %s", r.Data, kind)
	}
}

// vmKills is what these tests read of an OOMReport.
type vmKills struct {
	Data struct {
		Complete   bool
		TotalKills int
		Unknown    []string
		Kills      []vmKill
		Counter    *struct{ Counted, Logged, Unattributed, Missing *int }
		Sources    []struct {
			Name, Missing, Storage string
			Kills                  int
		}
	}
}

type vmKill struct {
	Kill struct {
		At      time.Time
		PID     int
		Picture struct {
			FreeRAMBytes uint64
			TaskCount    int
			Tasks        []vmTask
		}
	}
	Victim  struct{ Kind, ContainerID, Name string }
	Limiter struct {
		Kind, Cgroup string
		LimitBytes   uint64
	}
	Need struct{ MoreForHostBytes uint64 }
}

type vmTask struct {
	PID      int
	Comm     string
	RSSBytes uint64
}

func readKills(t *testing.T, file string) vmKills {
	t.Helper()
	var r vmKills
	decode(t, readFile(t, file), &r)
	return r
}

// counts wants that so many kills were counted, so many of them are logged, and the rest is missing.
func (r vmKills) counts(t *testing.T, counted, logged int) {
	t.Helper()
	want := []*int{new(counted), new(logged), new(0), new(counted - logged)}
	c := r.Data.Counter
	if c == nil {
		t.Fatal("nothing is said of the kernel's count")
	}
	if diff := cmp.Diff(want, []*int{c.Counted, c.Logged, c.Unattributed, c.Missing}); diff != "" {
		t.Errorf("counted, logged, unattributed, missing (-want +got):\n%s", diff)
	}
	if r.Data.TotalKills != logged || len(r.Data.Kills) != logged {
		t.Errorf("%d kills in total, %d listed, want %d", r.Data.TotalKills, len(r.Data.Kills), logged)
	}
}

// judgeKills wants each kill once, with its container and its limit, though it stands in the
// kernel's buffer and in the journal; and the same after dmesg -C.
func judgeKills(t *testing.T, dir string, rounds int) {
	t.Helper()
	r := readKills(t, filepath.Join(dir, "oom.json"))
	counted := vmCounted(t, dir)
	r.counts(t, counted, counted)
	if !r.Data.Complete || len(r.Data.Unknown) > 0 {
		t.Errorf("complete: %t, unknown: %q", r.Data.Complete, r.Data.Unknown)
	}
	for _, s := range r.Data.Sources {
		if rounds == 1 && s.Name != "files" && s.Kills != counted { // of more, the buffer keeps the last
			t.Errorf("%+v, want %d kills", s, counted)
		}
	}
	got := map[string]int{}
	for _, k := range r.Data.Kills {
		own := "/system.slice/docker-" + k.Victim.ContainerID + ".scope"
		got[fmt.Sprintf("%s %s %s %s %d", k.Victim.Kind, k.Victim.Name, k.Limiter.Kind, strings.Replace(k.Limiter.Cgroup, own, "itself", 1), k.Limiter.LimitBytes>>20)]++
		if k.Limiter.Kind == "host" {
			judgeHostKill(t, k)
		}
	}
	want := map[string]int{"docker vmrec-oom own itself 32": 4, "docker vmrec-oomchild own itself 32": 1}
	for round := 1; round <= rounds; round++ {
		want[fmt.Sprintf("docker vmdie-parent-limit-%d parent /vmdie.slice 32", round)] = 1
		want[fmt.Sprintf("docker vmdie-host-oom-%d host  0", round)] = 1
		if round > 1 {
			want[fmt.Sprintf("docker vmdie-own-limit-%d own itself 32", round)] = 1
			want[fmt.Sprintf("docker vmdie-child-killed-%d own itself 32", round)] = 1
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kills (-want +got):\n%s", diff)
	}
	cleared := readKills(t, filepath.Join(dir, "cleared.json"))
	if diff := cmp.Diff(r.Data, cleared.Data); diff != "" {
		t.Errorf("after dmesg -C (-before +after):\n%s", diff)
	}
}

// judgeHostKill wants that the victim is the largest process of the machine, and that it is
// told how little was free.
func judgeHostKill(t *testing.T, k vmKill) {
	t.Helper()
	p := k.Kill.Picture
	if len(p.Tasks) != 10 || p.TaskCount <= len(p.Tasks) || p.FreeRAMBytes == 0 || p.FreeRAMBytes > 128<<20 {
		t.Fatalf("the machine's memory: %+v", p)
	}
	first := p.Tasks[0]
	if first.PID != k.Kill.PID || first.Comm != "dd" || first.RSSBytes < 256<<20 || k.Need.MoreForHostBytes < 256<<20 {
		t.Errorf("the victim is %d, the largest %+v, and more for the machine: %d", k.Kill.PID, first, k.Need.MoreForHostBytes)
	}
	if !slices.ContainsFunc(p.Tasks, func(t vmTask) bool { return t.Comm == "dockerd" }) {
		t.Errorf("dockerd is not among the largest: %+v", p.Tasks)
	}
}

// judgeLost wants that of kills whose lines are lost it is said how many they are.
func judgeLost(t *testing.T, dir string) {
	t.Helper()
	r := readKills(t, filepath.Join(dir, "lost.json"))
	counted := vmCounted(t, dir)
	r.counts(t, counted, 0)
	said := strings.Join(r.Data.Unknown, "\n")
	if r.Data.Complete || !strings.Contains(said, fmt.Sprintf("%d more kills are counted than logged since boot", counted)) {
		t.Errorf("complete: %t, unknown: %s", r.Data.Complete, said)
	}
}

// vmCounted is the kernel's own count of kills.
func vmCounted(t *testing.T, dir string) int {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimSpace(string(readFile(t, filepath.Join(dir, "counted")))))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

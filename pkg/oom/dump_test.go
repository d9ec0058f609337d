package oom

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseHeader(t *testing.T) {
	tests := []struct {
		text string
		want Invoker
		none bool
	}{
		{header, Invoker{Comm: "x", GFP: "0xcc0(GFP_KERNEL)", Order: new(0), OOMScoreAdj: new(0)}, false},
		{"x invoked oom-killer: gfp_mask=0x280da, order=3, oom_adj=-17", Invoker{Comm: "x", GFP: "0x280da", Order: new(3)}, false},
		{
			"a b, c=1 invoked oom-killer: gfp_mask=0x1(GFP_KERNEL|__GFP_NOWARN), nodemask=0-1, order=-1, oom_score_adj=-998",
			Invoker{Comm: "a b, c=1", GFP: "0x1(GFP_KERNEL|__GFP_NOWARN)", Order: new(-1), OOMScoreAdj: new(-998)}, false,
		},
		{"x invoked oom-killer: gfp_mask=0xcc0, order=x, oom_score_adj=", Invoker{Comm: "x", GFP: "0xcc0"}, false},
		{"x invoked oom-killer: g", Invoker{}, true},
		{"x invoked oom-killer", Invoker{}, true},
		{"audit: comm=\"x\" x invoked oom-killer: gfp_mask=0", Invoker{}, true},
	}
	for _, tt := range tests {
		got, ok := parseHeader(tt.text)
		if diff := cmp.Diff(tt.want, got); diff != "" || ok == tt.none {
			t.Errorf("%q: %v %s", tt.text, ok, diff)
		}
	}
}

func TestDumpLines(t *testing.T) {
	for text, want := range map[string]string{
		"CPU: 0 UID: 0 PID: 31952 Comm: x y Not tainted 6.18":                             "pid 31952",
		"CPU: 1 PID: 7 Comm: x y Kdump: loaded":                                           "pid 7",
		"Pid: 7, comm: x y Not tainted 2.6.32":                                            "pid 7",
		"CPU: 1 PID: 7 Comm: x yz":                                                        "",
		"CPU: 1 PID: 0 Comm: x y ":                                                        "",
		"Task in /a/b killed as a result of limit of /a":                                  "/a/b < /a",
		"Task in /a killed as a result of limit of /":                                     "/a < /",
		"Task in /a/ killed as a result of limit of /b killed as a result of limit of /a": "/a/ killed as a result of limit of /b < /a",
		"Task in /a killed as a result of limit of /b":                                    "/a < /b",
		"Task in x killed as a result of limit of /":                                      "",
		"Task in /a killed as a result of limit of ":                                      "",
		"Task in /a killed":                                                               "",
		"Tasks in /a are going to be killed due to memory.oom.group set":                  "group /a",
		"Tasks in /a are going to be killed":                                              "",
		"Tasks in a are going to be killed due to memory.oom.group set":                   "",
		"oom_reaper: reaped process 7 (a), now b), now anon-rss:0kB":                      "reaped 7 a), now b",
		"oom_reaper: unable to reap pid:7 (a)":                                            "",
		"oom_reaper: reaped process x (a), now anon-rss:0kB":                              "",
		"Out of memory and no killable processes...":                                      "none",
		"Memory cgroup out of memory: Out of memory and no killable processes":            "none",
		"Kernel panic - not syncing: Out of memory and no killable processes":             "panic",
		"Kernel panic - not syncing: out of memory. panic_on_oom is selected":             "panic",
		"Kernel panic - not syncing: System is deadlocked on memory":                      "panic",
		"Kernel panic - not syncing: Fatal exception":                                     "",
		"Kill process 7 (x) score 1 or sacrifice child":                                   "chosen 7",
		"kill process 7 (x) score 1 or a child":                                           "chosen 7",
		"Kill process x (x) score 1 or sacrifice child":                                   "",
		"Node 0 DMA: 3*4kB (U) 0*8kB = 12kB":                                              "page 4096",
		"Normal: 0*64kB 1*128kB = 128kB":                                                  "page 65536",
		"Node 0 DMA: 3*2kB = 6kB":                                                         "",
		"Node 0 DMA: 3*12kB = 36kB":                                                       "",
		"Node 0 DMA: x*4kB = 36kB":                                                        "",
		"Node 0 DMA free:15732kB min:332kB":                                               "",
	} {
		got := ""
		if pid, ok := parseCaller(text, "x y"); ok {
			got += fmt.Sprint("pid ", pid)
		}
		if task, limit, ok := parseTaskIn(text); ok {
			got += task + " < " + limit
		}
		if cgroup, ok := parseGroup(text); ok {
			got += "group " + cgroup
		}
		if pid, comm, ok := parseReaped(text); ok {
			got += fmt.Sprint("reaped ", pid, " ", comm)
		}
		if pid, ok := parseChosen(text); ok {
			got += fmt.Sprint("chosen ", pid)
		}
		if noVictim(text) {
			got += "none"
		}
		if panics(text) {
			got += "panic"
		}
		if size, ok := parsePageSize(text); ok {
			got += fmt.Sprint("page ", size)
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// tableOf is a table of tasks, each with a number of pages.
func tableOf(sizes ...int) []string {
	list := []string{"[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name"}
	for i, n := range sizes {
		list = append(list, fmt.Sprintf("[%7d]  1000 %5d %8d %8d    49152        1             0  t %d ", i+1, i+1, 2*n, n, i+1))
	}
	return list
}

func TestTaskTable(t *testing.T) {
	var table table
	for _, line := range tableOf(3, 1, 9, 2, 8, 7, 7, 6, 5, 4, 0, 7) {
		if !table.add(line) {
			t.Fatalf("%q is no line of a table", line)
		}
	}
	var got []string
	for _, task := range table.tasks(4096) {
		got = append(got, fmt.Sprintf("%d%s%d", task.PID, task.Comm, task.RSS/4096))
	}
	want := []string{"3 t 3 9", "5 t 5 8", "6 t 6 7", "7 t 7 7", "12 t 12 7", "8 t 8 6", "9 t 9 5", "10 t 10 4", "1 t 1 3", "4 t 4 2"}
	if diff := cmp.Diff(want, got); diff != "" || table.count != 12 {
		t.Errorf("%d tasks: %s", table.count, diff)
	}
	for _, line := range []string{
		"", "[", "[ pid ]", "[ pid ] name", "[ pid ] uid name", "[ tid ] uid rss name", "[ 7 ] 1 7 2 3 4 5 6 x", "[ 7] 1 7 2 3 4",
		"[ 7] 1 7 2 3 4 x 6 y", "[ 7] 1 7 2 -3 4 5 6 y", "[ 0] 1 7 2 3 4 5 6 y", "[ 7] 1 7 2 3 4 5 1001 y", "7 1 7 2 3 4 5 6 y",
	} {
		if table.add(line) {
			t.Errorf("%q is a line of a table", line)
		}
	}
}

// brief says of each kill who invoked the killer, the limit, the pages of 4 KiB in the
// victim's swap, and how many tasks the dump had.
func brief(kills []Kill) []string {
	list := []string{}
	for _, k := range kills {
		s := fmt.Sprint(k.PID)
		if k.Invoker != nil {
			s += " by " + k.Invoker.Comm
		}
		if k.Limit != nil {
			s += fmt.Sprint(" limit ", *k.Limit/1024)
		}
		if k.Swap != nil {
			s += fmt.Sprint(" swap ", *k.Swap/4096)
		}
		if k.Picture != nil {
			s += fmt.Sprint(" tasks ", k.Picture.TaskCount)
		}
		if k.Group != "" {
			s += " group " + k.Group
		}
		list = append(list, s)
	}
	return list
}

func TestDumps(t *testing.T) {
	const usage = "memory: usage 5kB, limit 6kB, failcnt 0"
	join := func(parts ...any) []Record {
		var list []string
		for _, p := range parts {
			switch p := p.(type) {
			case string:
				list = append(list, p)
			case []string:
				list = append(list, p...)
			}
		}
		return kernel(list...)
	}
	after := func(list []Record, from int, d time.Duration) []Record {
		for i := from; i < len(list); i++ {
			list[i].SinceBoot += d
		}
		return list
	}
	seven := tableOf(1, 2, 3, 4, 5, 6, 7)
	eight := append(tableOf(), "[      8]  1000     8        2        1    49152        1             0 y")
	other := strings.Replace(header, "x inv", "z inv", 1)
	tests := []struct {
		name    string
		log     []Record
		want    []string
		unnamed int
	}{
		{"whole", join(header, usage, seven, sum, kill), []string{"7 by x limit 6 swap 1 tasks 7"}, 0},
		{"without summary", join(header, usage, seven, kill), []string{"7 by x limit 6 swap 1 tasks 7"}, 0},
		{"without header", join(usage, seven, sum, kill), []string{"7 limit 6 swap 1 tasks 7"}, 0},
		{"a table alone", join(seven, kill), []string{"7 swap 1 tasks 7"}, 0},
		{"the header alone before the kill", join(header, kill), []string{"7 by x"}, 0},
		{"the kill line first", join(kill, header, usage, seven, sum), []string{"7 by x limit 6 swap 1 tasks 7"}, 0},
		{"a table without the victim", join(header, eight, kill), []string{"7"}, 1},
		{"two dumps one after the other", join(header, usage, seven, sum, kill, other, eight, kill8), []string{"7 by x limit 6 swap 1 tasks 7", "8 by z swap 1 tasks 1"}, 0},
		{"two dumps mixed", join(header, other, usage, seven, eight, sum, kill, kill8), []string{"7", "8"}, 0},
		{"two headers, one kill", join(header, other, kill), []string{"7"}, 1},
		{"a dump whose kill is gone", after(join(header, usage, other, kill8), 2, time.Minute), []string{"8 by z"}, 1},
		{"a dump too old", after(join(header, usage, seven, kill), 10, time.Minute), []string{"7"}, 1},
		{"a dump that a slow console wrote", after(after(join(header, usage, seven, kill), 1, 8*time.Second), 10, 8*time.Second), []string{"7 by x limit 6 swap 1 tasks 7"}, 0},
		{"chosen, but exiting", join(header, usage, skip7), []string{}, 0},
		{"Mem-Info of another cause", join("Mem-Info:", "7 pages RAM", kill), []string{"7"}, 0},
		{"a group", join(header, sum, kill, group, kill8), []string{"7 by x group /a", "8 group /a"}, 0},
		{"a group, and a kill of its own", after(join(sum, kill, group, kill8), 3, 2*time.Second), []string{"7 group /a", "8"}, 0},
		{"a group, and another's dump", join(sum, kill, group, other, kill8), []string{"7 group /a", "8 by z"}, 0},
		{"chosen, but exiting, and its group", join(header, sum, skip7, group, kill8), []string{"8 group /a"}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := parse(tt.log)
			if diff := cmp.Diff(tt.want, brief(got.Kills)); diff != "" || got.Unnamed != tt.unnamed {
				t.Errorf("%d unnamed, want %d: %s", got.Unnamed, tt.unnamed, diff)
			}
		})
	}
}

func TestPageSize(t *testing.T) {
	row := func(vm int) []string {
		return append(tableOf(), fmt.Sprintf("[      7]  1000     7 %8d        1    49152        1             0 x", vm))
	}
	for name, tt := range map[string]struct {
		log  []string
		want uint64
	}{
		"said by the free lists":       {append(row(2), "Node 0 DMA: 1*16kB = 16kB", kill), 16384},
		"said by the victim's line":    {append(row(2), kill), 4096},
		"larger, by the victim's line": {append(row(1), strings.Replace(kill, "vm:8kB", "vm:64kB", 1)), 65536},
		"the victim has grown since":   {append(row(3), strings.Replace(kill, "vm:8kB", "vm:200kB", 1)), defaultPage},
		"nothing says":                 {[]string{"memory: usage 1kB, limit 1kB, failcnt 1", kill}, defaultPage},
	} {
		got := parse(kernel(append([]string{header}, tt.log...)...))
		if len(got.Kills) != 1 || got.Kills[0].Picture == nil || got.Kills[0].Picture.PageSize != tt.want {
			t.Errorf("%s: %+v", name, got.Kills)
		}
	}
}

func TestReaped(t *testing.T) {
	const reaped = "oom_reaper: reaped process 7 (x), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB"
	for name, tt := range map[string]struct {
		log  []string
		want bool
	}{
		"after the kill line": {[]string{sum, kill, reaped}, true},
		"before it":           {[]string{sum, reaped, kill}, true},
		"of another":          {[]string{sum, kill, strings.Replace(reaped, "7", "8", 1)}, false},
		"of another name":     {[]string{sum, kill, strings.Replace(reaped, "(x)", "(z)", 1)}, false},
		"not at all":          {[]string{sum, kill}, false},
	} {
		if got := parse(kernel(tt.log...)); len(got.Kills) != 1 || got.Kills[0].Reaped != tt.want {
			t.Errorf("%s: %+v", name, got.Kills)
		}
	}
}

// TestOldKernels: before 5.0 a kill line says neither whose memory ran out nor where.
func TestOldKernels(t *testing.T) {
	const (
		killed   = "Killed process 7 (x) total-vm:8kB, anon-rss:4kB, file-rss:0kB"
		task     = "Task in /a/b killed as a result of limit of /a"
		own      = "Task in /a killed as a result of limit of /a"
		chosen   = "Memory cgroup out of memory: Kill process 7 (x) score 9 or sacrifice child"
		parent   = "Memory cgroup out of memory: Kill process 6 (x) score 9 or sacrifice child"
		fromHost = "Out of memory: Kill process 7 (x) score 9 or sacrifice child"
	)
	for name, tt := range map[string]struct {
		log  []Record
		want string
	}{
		"a cgroup":                       {kernel(header, task, chosen, killed), "7 x cgroup task=/a/b limit=/a vm=8"},
		"the line of the choice is lost": {kernel(header, task, killed), "7 x cgroup task=/a/b limit=/a vm=8"},
		"the dump is lost":               {kernel(chosen, killed), "7 x cgroup task= limit= vm=8"},
		"a child of the chosen":          {kernel(header, task, parent, killed), "7 x cgroup task= limit=/a vm=8"},
		"a child, in the limit's cgroup": {kernel(header, own, parent, killed), "7 x cgroup task=/a limit=/a vm=8"},
		"the host":                       {kernel(header, fromHost, killed), "7 x host task= limit= vm=8"},
		"the kill line alone":            {kernel(killed), "7 x unknown task= limit= vm=8"},
		"a choice long ago":              {append(kernel(chosen), Record{SinceBoot: time.Hour, Seq: 9, Message: killed}), "7 x unknown task= limit= vm=8"},
	} {
		if got := short(parse(tt.log).Kills); len(got) != 1 || got[0] != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// TestBounds: neither long tables nor many pictures are kept.
func TestBounds(t *testing.T) {
	var p Parser
	for n := range maxPictures + 2 {
		for _, m := range []string{header, "memory: usage 1kB, limit 1kB, failcnt 1", fmt.Sprintf("Out of memory: Killed process %d (x) total-vm:8kB", n+1)} {
			p.Add(Record{SinceBoot: time.Duration(n+1) * time.Minute, Message: m})
		}
	}
	pictures := 0
	for _, k := range p.Log().Kills {
		if k.Picture != nil {
			pictures++
		}
	}
	if pictures != maxPictures || len(p.Log().Kills) != maxPictures+2 {
		t.Errorf("%d pictures of %d kills", pictures, len(p.Log().Kills))
	}
	table := table{columns: []string{"uid", "rss"}}
	for n := range maxRows + 2 {
		table.add(fmt.Sprintf("[%d] 0 1 x", n+1))
	}
	if len(table.rows) != maxRows || table.count != maxRows+2 || len(table.top) != maxTasks {
		t.Errorf("%d rows of %d", len(table.rows), table.count)
	}
}

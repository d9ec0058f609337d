package oom

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const at = 100 * time.Second

// kernel makes records of the kernel, a millisecond and a number apart.
func kernel(messages ...string) []Record {
	var list []Record
	for i, m := range messages {
		list = append(list, Record{
			Level: 6, Seq: uint64(i), SinceBoot: at + time.Duration(i)*time.Millisecond, Message: m,
		})
	}
	return list
}

func parse(list []Record) Log {
	var p Parser
	for _, r := range list {
		p.Add(r)
	}
	return p.Log()
}

// short gives what tells kills apart.
func short(kills []Kill) []string {
	list := []string{}
	for _, k := range kills {
		vm := "-"
		if k.TotalVM != nil {
			vm = fmt.Sprint(*k.TotalVM / 1024)
		}
		list = append(list, fmt.Sprintf("%d %s %s task=%s limit=%s vm=%s", k.PID, k.Comm, k.Scope, k.TaskCgroup, k.LimitCgroup, vm))
	}
	return list
}

const (
	sum     = "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a,task_memcg=/a/b,task=x,pid=7,uid=0"
	sumHost = "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/a/b,task=x,pid=7,uid=0"
	kill    = "Memory cgroup out of memory: Killed process 7 (x) total-vm:8kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:36kB oom_score_adj:0"
	kill8   = "Memory cgroup out of memory: Killed process 8 (y) total-vm:9kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:36kB oom_score_adj:0"
	skip7   = "Memory cgroup out of memory: OOM victim 7 (x) is already exiting. Skip killing the task"
	group   = "Tasks in /a are going to be killed due to memory.oom.group set"

	joined = "7 x cgroup task=/a/b limit=/a vm=8"
	lone   = "7 x cgroup task= limit= vm=8"
	other  = "8 y cgroup task= limit= vm=9"
)

func TestParser(t *testing.T) {
	late := func(list []Record, i int, d time.Duration) []Record {
		list[i].SinceBoot += d
		return list
	}
	apart := func(list []Record) []Record { // not one after the other
		for i := range list {
			list[i].Seq *= 2
		}
		return list
	}
	sumStart, _, _ := strings.Cut(sum, "/a,")
	hostStart, hostEnd, _ := strings.Cut(sumHost, ",global")
	fragments := func(list []Record, at ...int) []Record {
		for _, i := range at {
			list[i].Fragment = true
		}
		return list
	}
	tests := []struct {
		name string
		log  []Record
		want []string
	}{
		{"nothing", nil, nil},
		{"noise", kernel("x invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0", "Mem-Info:", "",
			"oom_reaper: reaped process 7 (x), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB",
			"Out of memory and no killable processes...", "Kernel panic - not syncing: Out of memory: compulsory panic_on_oom is enabled"), nil},
		{"quoted by others", kernel(`audit: type=1400 comm="x" name="`+kill+`"`, " "+kill, "x\n"+kill, "x: "+sum), nil},
		{"both lines", kernel(sum, kill), []string{joined}},
		{"lines between", apart(kernel(sum, "something", kill)), []string{joined}},
		{"the kill line alone", kernel(kill), []string{lone}},
		{"the summary alone", kernel(sum), []string{"7 x cgroup task=/a/b limit=/a vm=-"}},
		{"the summary alone, and another kill", apart(kernel(sum, kill8)), []string{"7 x cgroup task=/a/b limit=/a vm=-", other}},
		{"the kill line first", kernel(kill, sum), []string{joined}},
		{"the summary says whose memory", kernel(sumHost, kill), []string{"7 x host task=/a/b limit= vm=8"}},
		{"the first thread had ended: the kill line names another", kernel(sum, kill8), []string{"7 x cgroup task=/a/b limit=/a vm=9"}},
		{"and is logged twice", kernel(sum, kill8, group, kill8), []string{"7 x cgroup task=/a/b limit=/a vm=9"}},
		{"a group", kernel(sum, kill, group, kill8, kill), []string{joined, other}},
		{"a group without summary", kernel(kill, group, kill8, kill), []string{lone, other}},
		{"one ID, another name", kernel(kill, strings.Replace(kill, "(x)", "(z)", 1)), []string{lone, "7 z cgroup task= limit= vm=8"}},
		{"one ID, used again", late(kernel(kill, kill), 1, time.Minute), []string{lone, lone}},
		{"one ID, used again, with summaries", late(late(kernel(sum, kill, sum, kill), 2, time.Minute), 3, time.Minute), []string{joined, joined}},
		{"a summary too long ago", late(kernel(sum, kill), 1, time.Minute), []string{"7 x cgroup task=/a/b limit=/a vm=-", lone}},
		{"clocks that differ", late(kernel(sum, kill), 0, 2*time.Millisecond), []string{joined}},
		{"chosen, but exiting", kernel(sum, skip7), nil},
		{"chosen, but exiting, then its group", kernel(sum, skip7, group, kill8), []string{other}},
		{"killed, then exiting", kernel(sum, kill, group, skip7), []string{joined}},
		{"exiting, another's summary", apart(kernel(sum, strings.Replace(skip7, "7", "9", 1))), []string{"7 x cgroup task=/a/b limit=/a vm=-"}},
		{"a summary twice", kernel(sum, sum, kill), []string{joined}},
		{
			"a summary in two pieces",
			fragments(apart(kernel(hostStart, "other", ",global"+hostEnd, kill)), 2),
			[]string{"7 x host task=/a/b limit= vm=8"},
		},
		{
			"a summary in four pieces, one of another line between",
			fragments(kernel(sumStart, "/a", " cont.", ",task_memcg=", "/a/b", ",task=x,pid=7,uid=0", kill), 1, 2, 3, 4, 5),
			[]string{joined},
		},
		{"half a summary", kernel(sum[:80], kill), []string{lone}},
		{"half a summary, a whole one", kernel(sum[:80], sum, kill), []string{joined}},
		{"half a summary and no end", kernel(append(append([]string{sum[:80]}, many(",x", 9000)...), ",oom_memcg=/a,task_memcg=/a,task=x,pid=7,uid=0")...), nil},
		{"half a summary, its rest too late", late(kernel(sum[:80], sum[80:], kill), 1, time.Minute), []string{lone}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := parse(tt.log)
			if diff := cmp.Diff(append([]string{}, tt.want...), short(got.Kills)); diff != "" {
				t.Error(diff)
			}
			if got.Records != len(tt.log) {
				t.Errorf("%d records, want %d", got.Records, len(tt.log))
			}
		})
	}
}

func many(s string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = s
	}
	return list
}

func TestKillKeepsItsTime(t *testing.T) {
	got := parse(kernel(sum, kill))
	want := []Kill{{
		SinceBoot: at + time.Millisecond, PID: 7, Comm: "x", UID: new(0),
		TaskCgroup: "/a/b", LimitCgroup: "/a", Scope: ScopeCgroup,
		TotalVM: kb(8), AnonRSS: kb(4), FileRSS: kb(0), ShmemRSS: kb(0), OOMScoreAdj: new(0),
	}}
	if diff := cmp.Diff(want, got.Kills); diff != "" {
		t.Error(diff)
	}
}

func TestOnlyTheKernelCounts(t *testing.T) {
	for facility := 1; facility < 32; facility++ {
		list := kernel(sum, kill, sum[:80], sum[80:])
		for i := range list {
			list[i].Facility = facility
		}
		if got := parse(list); len(got.Kills) != 0 || got.Records != 0 {
			t.Errorf("facility %d: %+v", facility, got)
		}
	}
	// Nor may user space put an end to a kill, or mend a line to its taste.
	list := kernel(sum, skip7, kill)
	list[1].Facility = 1
	if got := short(parse(list).Kills); len(got) != 1 || got[0] != joined {
		t.Errorf("a skip line of user space: %v", got)
	}
	list = kernel(sum[:80], ",global_oom,task_memcg=/forged,task=x,pid=9,uid=0")
	list[1].Facility, list[1].Fragment = 1, true
	if got := parse(list); len(got.Kills) != 0 {
		t.Errorf("a line mended by user space: %v", got.Kills)
	}
}

func TestTruncated(t *testing.T) {
	user := Record{Facility: 1, Seq: 5, Message: "x"}
	for _, tt := range []struct {
		name string
		add  func(p *Parser)
		want bool
	}{
		{"nothing", func(*Parser) {}, false},
		{"from boot", func(p *Parser) { p.Add(Record{}); p.Add(Record{Seq: 1}) }, false},
		{"later", func(p *Parser) { p.Add(Record{Seq: 1}) }, true},
		{"later, of user space", func(p *Parser) { p.Add(user) }, true},
		{"the first could not be parsed", func(p *Parser) { p.AddMalformed(); p.Add(Record{Seq: 1}) }, false},
		{"a gap in the middle", func(p *Parser) { p.Add(Record{}); p.Add(Record{Seq: 9}) }, false},
	} {
		var p Parser
		tt.add(&p)
		if got := p.Log().Truncated; got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestLogIsACopyAndGoesOn(t *testing.T) {
	var p Parser
	list := kernel(sum, kill, kill8)
	p.Add(list[0])
	early := p.Log()
	p.Add(list[1])
	early.Kills[0].Comm = "changed"
	middle := p.Log()
	p.Add(list[2])
	middle.Kills[0].Comm = "changed"
	if diff := cmp.Diff([]string{joined, other}, short(p.Log().Kills)); diff != "" {
		t.Error(diff)
	}
	if empty := new(Parser).Log(); empty.Kills == nil {
		t.Error("no kills must be an empty list, in JSON too")
	}
}

// FuzzParse reads any log: half of it lines with a known start, so that the fuzzer
// need not find those.
func FuzzParse(f *testing.F) {
	f.Add("6,1,100,-;"+sum+"\n3,2,100,-;"+kill+"\n", uint8(1))
	f.Add("6,1,100,-;"+sum[:90]+"\n6,2,100,c;"+sum[90:]+"\n3,2,100,-;"+kill8+"\n", uint8(0))
	f.Add("12,1,100,-;"+kill+"\nnonsense\n4,2,1,-;"+skip7+"\n4,2,1,-;"+kill, uint8(1))
	f.Fuzz(func(t *testing.T, text string, facility uint8) {
		read := func(facility int) Log {
			var p Parser
			for line := range strings.Lines(text) {
				r, err := ParseRecord(line)
				if err != nil {
					p.AddMalformed()
					continue
				}
				if facility >= 0 {
					r.Facility = facility
				}
				p.Add(r)
			}
			return p.Log()
		}
		got := read(-1)
		if diff := cmp.Diff(got, read(-1)); diff != "" {
			t.Fatalf("read twice: %s", diff)
		}
		if facility > 0 {
			if user := read(int(facility)); len(user.Kills) != 0 || user.Records != 0 {
				t.Fatalf("kills from user space: %+v", user)
			}
		}
		lines := strings.Count(text, "\n") + 1
		if len(got.Kills) > got.Records || got.Records+got.Malformed > lines {
			t.Fatalf("%d kills, %d records, %d malformed of %d lines", len(got.Kills), got.Records, got.Malformed, lines)
		}
		for _, k := range got.Kills {
			checkKill(t, text, k)
		}
	})
}

func checkKill(t *testing.T, text string, k Kill) {
	t.Helper()
	switch {
	case len(k.Comm) > maxComm:
		t.Fatalf("a name of %d bytes", len(k.Comm))
	case k.PID <= 0:
		t.Fatalf("process ID %d", k.PID)
	case !strings.Contains(text, fmt.Sprint(k.PID)):
		t.Fatalf("process ID %d comes from nowhere", k.PID)
	case k.UID != nil && *k.UID < 0:
		t.Fatalf("user ID %d", *k.UID)
	case k.LimitCgroup != "" && (k.Scope != ScopeCgroup || k.LimitCgroup[0] != '/'):
		t.Fatalf("the limit of %q with scope %s", k.LimitCgroup, k.Scope)
	case k.TaskCgroup != "" && k.TaskCgroup[0] != '/':
		t.Fatalf("cgroup %q", k.TaskCgroup)
	}
	switch k.Scope {
	case ScopeUnknown, ScopeCgroup, ScopeHost:
	default:
		t.Fatalf("scope %q", k.Scope)
	}
	if k.TotalVM != nil && *k.TotalVM%1024 != 0 {
		t.Fatalf("%d bytes are no kB", *k.TotalVM)
	}
}

func BenchmarkNoise(b *testing.B) {
	list := kernel("docker0: port 1(vethc28eef7) entered blocking state", "Memory cgroup stats for /docker/x:",
		"[  31952]     0 31952   306801     8410     8032      378         0   159744        0             0 app", "total_rss 33030144")
	var p Parser
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		p.Add(list[i%len(list)])
	}
}

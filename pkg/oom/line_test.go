package oom

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// kb is a number of the kernel's kB in bytes.
func kb(n uint64) *uint64 { return new(n * 1024) }

func TestParseKill(t *testing.T) {
	tests := []struct {
		name, text string
		want       Kill
		wantNone   bool
	}{
		{
			name: "5.4 and later",
			text: "Killed process 30729 (app) total-vm:1227264kB, anon-rss:32256kB, file-rss:1572kB, shmem-rss:4kB, UID:1001 pgtables:156kB oom_score_adj:-997",
			want: Kill{
				PID: 30729, Comm: "app", UID: new(1001), OOMScoreAdj: new(-997),
				TotalVM: kb(1227264), AnonRSS: kb(32256), FileRSS: kb(1572), ShmemRSS: kb(4),
			},
		},
		{
			name: "4.5 to 5.3",
			text: "Killed process 4294 (node) total-vm:937620kB, anon-rss:72856kB, file-rss:16kB, shmem-rss:0kB",
			want: Kill{PID: 4294, Comm: "node", TotalVM: kb(937620), AnonRSS: kb(72856), FileRSS: kb(16), ShmemRSS: kb(0)},
		},
		{
			name: "before 4.5",
			text: "Killed process 7 (a) total-vm:8kB, anon-rss:4kB, file-rss:0kB",
			want: Kill{PID: 7, Comm: "a", TotalVM: kb(8), AnonRSS: kb(4), FileRSS: kb(0)},
		},
		{
			name: "a name with spaces, parentheses and commas",
			text: "Killed process 7 (a (b), c:1kB) total-vm:8kB, anon-rss:4kB, file-rss:0kB",
			want: Kill{PID: 7, Comm: "a (b), c:1kB", TotalVM: kb(8), AnonRSS: kb(4), FileRSS: kb(0)},
		},
		{
			name: "a name that forges the memory",
			text: "Killed process 7 () total-vm:9kB,) total-vm:8kB, anon-rss:4kB, file-rss:0kB",
			want: Kill{PID: 7, Comm: ") total-vm:9kB,", TotalVM: kb(8), AnonRSS: kb(4), FileRSS: kb(0)},
		},
		{name: "an empty name", text: "Killed process 7 () total-vm:8kB", want: Kill{PID: 7, TotalVM: kb(8)}},
		{
			name: "a name of more than 15 bytes",
			text: "Killed process 7 (kworker/u16:3-events_unbound) total-vm:8kB",
			want: Kill{PID: 7, Comm: "kworker/u16:3-e", TotalVM: kb(8)},
		},
		{
			name: "numbers that are none",
			text: "Killed process 7 (a) total-vm:-8kB, anon-rss:4, file-rss:99999999999999999999kB, shmem-rss:18014398509481984kB, UID:x oom_score_adj:70000",
			want: Kill{PID: 7, Comm: "a"},
		},
		{name: "cut off in the memory", text: "Killed process 7 (a) total-vm:8kB, anon-rss:4", want: Kill{PID: 7, Comm: "a", TotalVM: kb(8)}},
		{name: "cut off after the name", text: "Killed process 7 (a)", want: Kill{PID: 7, Comm: "a"}},
		{name: "cut off in the name", text: "Killed process 7 (a-very-long-name-of-a-process", want: Kill{PID: 7, Comm: "a-very-long-nam"}},
		{name: "no process ID", text: "Killed process (a) total-vm:8kB", wantNone: true},
		{name: "process ID 0", text: "Killed process 0 (a) total-vm:8kB", wantNone: true},
		{name: "negative process ID", text: "Killed process -7 (a) total-vm:8kB", wantNone: true},
		{name: "process ID out of range", text: "Killed process 99999999999 (a) total-vm:8kB", wantNone: true},
		{name: "no name", text: "Killed process 7", wantNone: true},
		{name: "not at the start", text: "x: Killed process 7 (a) total-vm:8kB", wantNone: true},
		{name: "the line before it until 5.0", text: "Kill process 7 (a) score 4 or sacrifice child", wantNone: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := parseKill(tt.text)
			if ok == tt.wantNone {
				t.Fatalf("is a kill: %v", ok)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseSummary(t *testing.T) {
	const start = "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0-1,3"
	id := strings.Repeat("0123456789abcdef", 4)
	tests := []struct {
		name, text string
		want       Kill
		wantNone   bool
	}{
		{
			name: "own limit",
			text: start + ",oom_memcg=/docker/" + id + ",task_memcg=/docker/" + id + ",task=app,pid=7,uid=1",
			want: Kill{PID: 7, Comm: "app", UID: new(1), Scope: ScopeCgroup, LimitCgroup: "/docker/" + id, TaskCgroup: "/docker/" + id},
		},
		{
			name: "a parent's limit",
			text: start + ",oom_memcg=/shop.slice,task_memcg=/shop.slice/docker-" + id + ".scope,task=app,pid=7,uid=0",
			want: Kill{PID: 7, Comm: "app", UID: new(0), Scope: ScopeCgroup, LimitCgroup: "/shop.slice", TaskCgroup: "/shop.slice/docker-" + id + ".scope"},
		},
		{
			name: "host-wide",
			text: "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/system.slice/cron.service,task=node,pid=4294,uid=1001",
			want: Kill{PID: 4294, Comm: "node", UID: new(1001), Scope: ScopeHost, TaskCgroup: "/system.slice/cron.service"},
		},
		{
			name: "without cpusets, in the root cgroup",
			text: "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),global_oom,task_memcg=/,task=cc1plus,pid=493,uid=0",
			want: Kill{PID: 493, Comm: "cc1plus", UID: new(0), Scope: ScopeHost, TaskCgroup: "/"},
		},
		{
			name: "a constraint that is not true",
			text: "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/test1,task_memcg=/test1,task=a.out,pid=9188,uid=0",
			want: Kill{PID: 9188, Comm: "a.out", UID: new(0), Scope: ScopeCgroup, LimitCgroup: "/test1", TaskCgroup: "/test1"},
		},
		{
			name: "without memory cgroups",
			text: "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),task=a,pid=1,uid=0",
			want: Kill{PID: 1, Comm: "a", UID: new(0), Scope: ScopeUnknown},
		},
		{
			name: "names that hold the keys",
			text: start + ",global_oom,task_memcg=/a,task=,pid=1,uid=2,pid=7,uid=0",
			want: Kill{PID: 7, Comm: ",pid=1,uid=2", UID: new(0), Scope: ScopeHost, TaskCgroup: "/a"},
		},
		{
			name: "a name that holds the key of names",
			text: start + ",global_oom,task_memcg=/a,task=,task=x,pid=7,uid=0",
			want: Kill{PID: 7, Comm: ",task=x", UID: new(0), Scope: ScopeHost, TaskCgroup: "/a"},
		},
		{
			name: "a cgroup that holds the key of names",
			text: start + ",global_oom,task_memcg=/,task=of-a-service/b,task=x,pid=7,uid=0",
			want: Kill{PID: 7, Comm: "x", UID: new(0), Scope: ScopeHost, TaskCgroup: "/,task=of-a-service/b"},
		},
		{
			name: "a name too long for this kernel",
			text: start + ",global_oom,task_memcg=/a,task=a-name-of-many-bytes,pid=7,uid=0",
			want: Kill{PID: 7, Comm: "a-name-of-many-", UID: new(0), Scope: ScopeHost, TaskCgroup: "/a"},
		},
		{
			name: "a container's own cgroup that names another as the limit",
			text: start + ",oom_memcg=/docker/me,task_memcg=/docker/me/x,oom_memcg=/docker/you,task_memcg=/docker/you,task=x,pid=7,uid=0",
			want: Kill{
				PID: 7, Comm: "x", UID: new(0), Scope: ScopeCgroup, LimitCgroup: "/docker/me",
				TaskCgroup: "/docker/me/x,oom_memcg=/docker/you,task_memcg=/docker/you",
			},
		},
		{
			name: "a limit's cgroup that holds the key of the victim's",
			text: start + ",oom_memcg=/a,task_memcg=/b,task_memcg=/a,task_memcg=/b/c,task=x,pid=7,uid=0",
			want: Kill{
				PID: 7, Comm: "x", UID: new(0), Scope: ScopeCgroup,
				LimitCgroup: "/a,task_memcg=/b", TaskCgroup: "/a,task_memcg=/b/c",
			},
		},
		{
			name: "a cgroup that says that the host was short",
			text: start + ",oom_memcg=/a,global_oom,task_memcg=/b,task_memcg=/a,global_oom,task_memcg=/b,task=x,pid=7,uid=0",
			want: Kill{
				PID: 7, Comm: "x", UID: new(0), Scope: ScopeCgroup,
				LimitCgroup: "/a,global_oom,task_memcg=/b", TaskCgroup: "/a,global_oom,task_memcg=/b",
			},
		},
		{
			name: "a cpuset that holds the keys",
			text: "oom-kill:constraint=C,nodemask=0,cpuset=x,oom_memcg=,global_oom,task_memcg=,mems_allowed=0,oom_memcg=/a,task_memcg=/a,task=x,pid=7,uid=0",
			want: Kill{PID: 7, Comm: "x", UID: new(0), Scope: ScopeCgroup, LimitCgroup: "/a", TaskCgroup: "/a"},
		},
		{
			name: "the limit of the root cgroup",
			text: start + ",oom_memcg=/,task_memcg=/a,task=x,pid=7,uid=0",
			want: Kill{PID: 7, Comm: "x", UID: new(0), Scope: ScopeCgroup, LimitCgroup: "/", TaskCgroup: "/a"},
		},
		{
			name: "the user ID of nobody, which the kernel writes signed",
			text: start + ",global_oom,task_memcg=/a,task=x,pid=7,uid=-2",
			want: Kill{PID: 7, Comm: "x", UID: new(math.MaxUint32 - 1), Scope: ScopeHost, TaskCgroup: "/a"},
		},
		{name: "cut off before the scope", text: start, wantNone: true},
		{name: "cut off before the user ID", text: start + ",global_oom,task_memcg=/a,task=x,pid=7", wantNone: true},
		{name: "no task", text: start + ",global_oom,task_memcg=/a,pid=7,uid=0", wantNone: true},
		{name: "text behind it", text: start + ",global_oom,task_memcg=/a,task=x,pid=7,uid=0 and so on", wantNone: true},
		{name: "process ID 0", text: start + ",global_oom,task_memcg=/a,task=x,pid=0,uid=0", wantNone: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := parseSummary(tt.text)
			if ok == tt.wantNone {
				t.Fatalf("is a summary: %v", ok)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCutReason(t *testing.T) {
	for message, want := range map[string]Scope{
		"Memory cgroup out of memory: Killed process 1 (a)":              ScopeCgroup,
		"Out of memory: Killed process 1 (a)":                            ScopeHost,
		"Out of memory (oom_kill_allocating_task): Killed process 1 (a)": ScopeHost,
		"Killed process 1 (a)":                                           ScopeUnknown,
	} {
		if scope, rest := cutReason(message); scope != want || rest != "Killed process 1 (a)" {
			t.Errorf("%q: %v, %q", message, scope, rest)
		}
	}
}

func TestParseKillOfOldKernels(t *testing.T) {
	tests := []struct {
		name, text string
		want       Kill
		wantNone   bool
	}{
		{
			name: "Red Hat's 2.6.32",
			text: "Killed process 123, UID 48, (httpd) total-vm:8kB, anon-rss:4kB, file-rss:0kB",
			want: Kill{PID: 123, Comm: "httpd", UID: new(48), TotalVM: kb(8), AnonRSS: kb(4), FileRSS: kb(0)},
		},
		{
			name: "Red Hat's 3.10",
			text: "Killed process 123 (httpd), UID 48, total-vm:8kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB",
			want: Kill{PID: 123, Comm: "httpd", UID: new(48), TotalVM: kb(8), AnonRSS: kb(4), FileRSS: kb(0), ShmemRSS: kb(0)},
		},
		{
			name: "2.6.32",
			text: "Killed process 123 (httpd) vsz:8kB, anon-rss:4kB, file-rss:0kB",
			want: Kill{PID: 123, Comm: "httpd", TotalVM: kb(8), AnonRSS: kb(4), FileRSS: kb(0)},
		},
		{
			name: "a name that forges the user",
			text: "Killed process 123 (a), UID 0, (b), UID 48, total-vm:8kB",
			want: Kill{PID: 123, Comm: "a), UID 0, (b", UID: new(48), TotalVM: kb(8)},
		},
		{
			name: "a name that ends like one",
			text: "Killed process 123 (a), UID 0,) total-vm:8kB",
			want: Kill{PID: 123, Comm: "a), UID 0,", TotalVM: kb(8)},
		},
		{
			name: "before 2.6.24",
			text: "Killed process 2592 (mysql).",
			want: Kill{PID: 2592, Comm: "mysql"},
		},
		{name: "a user that is none", text: "Killed process 123, UID x, (a) vsz:8kB", want: Kill{PID: 123, Comm: "a", TotalVM: kb(8)}},
		{name: "no process ID", text: "Killed process , UID 4, (a) vsz:8kB", wantNone: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := parseKill(tt.text)
			if ok == tt.wantNone {
				t.Fatalf("is a kill: %v", ok)
			}
			if tt.wantNone {
				return
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// FuzzKillLine holds that a kill written in the words of each kernel reads the same,
// whatever the process calls itself.
func FuzzKillLine(f *testing.F) {
	f.Add(7, "a) b", uint32(48), uint32(9))
	f.Add(1, "), UID 1,", uint32(0), uint32(0))
	f.Add(9, ")", uint32(4294967294), uint32(48))
	f.Add(9, ") total-vm:1kB,", uint32(4294967294), uint32(7))
	f.Fuzz(func(t *testing.T, pid int, comm string, uid, size uint32) {
		if pid <= 0 || pid > math.MaxInt32 || strings.ContainsRune(comm, 0) {
			return
		}
		comm = cutComm(comm)
		u, n := new(int(uid)), new(uint64(size)*1024)
		sizes := fmt.Sprintf("total-vm:%dkB, anon-rss:%dkB, file-rss:%dkB", size, size, size)
		base := Kill{PID: pid, Comm: comm, TotalVM: n, AnonRSS: n, FileRSS: n}
		with, old := base, base
		with.UID = u
		old.UID = u
		modern := with
		modern.ShmemRSS, modern.OOMScoreAdj = n, new(-5)
		for text, want := range map[string]Kill{
			fmt.Sprintf("Killed process %d (%s) %s, shmem-rss:%dkB, UID:%d pgtables:1kB oom_score_adj:-5", pid, comm, sizes, size, uid): modern,
			fmt.Sprintf("Killed process %d (%s) %s", pid, comm, sizes):                                                                  base,
			fmt.Sprintf("Killed process %d (%s) %s", pid, comm, strings.Replace(sizes, "total-vm", "vsz", 1)):                           base,
			fmt.Sprintf("Killed process %d, UID %d, (%s) %s", pid, uid, comm, sizes):                                                    old,
			fmt.Sprintf("Killed process %d (%s), UID %d, %s", pid, comm, uid, sizes):                                                    with,
		} {
			got, ok := parseKill(text)
			if diff := cmp.Diff(want, got); !ok || diff != "" {
				t.Fatalf("%q: %v %s", text, ok, diff)
			}
		}
	})
}

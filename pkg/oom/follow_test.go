package oom

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestFollower holds after which line each kill is given, "/" standing for the timer.
func TestFollower(t *testing.T) {
	const (
		kill    = "Memory cgroup out of memory: Killed process %d (app) total-vm:8kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:36kB oom_score_adj:0"
		summary = "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a,task_memcg=/a,task=app,pid=%d,uid=0"
		skip    = "OOM victim %d (app) is already exiting. Skip killing the task"
		cut     = "Killed process %d (app"
		noise   = "usb %d-1: new device"
	)
	type line struct {
		text string
		pid  int
		want string // the kills that are given, and whether something is waited for
	}
	tests := []struct {
		name  string
		lines []line
	}{
		{"a kill line", []line{{kill, 1, "1"}}},
		{"noise", []line{{noise, 1, ""}}},
		{"both lines", []line{{summary, 1, "waits"}, {kill, 1, "1"}, {noise, 1, ""}}},
		{"twice", []line{{kill, 1, "1"}, {kill, 1, ""}, {summary, 1, ""}}},
		{"a summary and noise", []line{{summary, 1, "waits"}, {noise, 1, "waits"}, {"/", 0, "1"}, {noise, 1, ""}}},
		{"a kill line after the timer", []line{{summary, 1, "waits"}, {"/", 0, "1"}, {kill, 1, ""}, {kill, 2, "2"}}},
		{"a summary and another kill", []line{{summary, 1, "waits"}, {noise, 1, "waits"}, {kill, 2, "1 2"}}},
		{"two summaries", []line{{summary, 1, "waits"}, {summary, 2, "1 waits"}, {kill, 2, "2"}}},
		{"not killed", []line{{summary, 1, "waits"}, {skip, 1, ""}, {kill, 2, "2"}}},
		{"not killed, after the timer", []line{{summary, 1, "waits"}, {"/", 0, "1"}, {skip, 1, ""}, {kill, 2, "2"}}},
		{"a kill line cut off", []line{{cut, 1, "waits"}, {"/", 0, "1"}, {kill, 2, "2"}}},
		{"the timer alone", []line{{"/", 0, ""}, {kill, 1, "1"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var f follower
			for i, line := range tt.lines {
				var ready []Kill
				waits := false
				if line.text == "/" {
					ready = f.expire()
				} else {
					at := time.Minute + time.Duration(i)*time.Millisecond
					ready, waits = f.add(Record{Seq: uint64(2 * i), SinceBoot: at, Message: fmt.Sprintf(line.text, line.pid)})
				}
				got := ""
				for _, k := range ready {
					got += fmt.Sprint(" ", k.PID)
				}
				if waits {
					got += " waits"
				}
				if diff := cmp.Diff(line.want, got[min(1, len(got)):]); diff != "" {
					t.Errorf("line %d: %s", i, diff)
				}
			}
		})
	}
}

// TestFollowerForgets shows that its memory is bounded, and that it forgets only what it gave.
func TestFollowerForgets(t *testing.T) {
	const kills = 10 * followKept
	var f follower
	given := 0
	for pid := 1; pid <= kills; pid++ {
		at := time.Duration(pid) * time.Microsecond
		ready, _ := f.add(Record{Seq: uint64(pid), SinceBoot: at, Message: fmt.Sprintf("Killed process %d (app) total-vm:8kB", pid)})
		given += len(ready)
		if held := len(f.parser.Log().Kills); held > followKept {
			t.Fatalf("%d kills are held", held)
		}
	}
	f.parser.AddLost()
	want := Log{Kills: []Kill{}, Records: kills, Lost: 1}
	if diff := cmp.Diff(want, f.log()); diff != "" || given != kills {
		t.Errorf("%d of %d kills given: %s", given, kills, diff)
	}
}

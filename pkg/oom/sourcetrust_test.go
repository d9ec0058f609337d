package oom

import (
	"errors"
	"testing"
	"time"
)

// What only a text has is not vouched for, and a text adds to what the kernel's own log
// says without changing it.
func TestMergeVouches(t *testing.T) {
	ours := Kill{SinceBoot: time.Hour, PID: 7, Comm: "x", Scope: ScopeCgroup, TaskCgroup: "/a", LimitCgroup: "/a", TotalVM: kb(8)}
	text := ours
	text.Unvouched, text.LimitCgroup, text.Picture = true, "/", &Picture{}
	bare := Kill{SinceBoot: time.Hour, PID: 7, Comm: "x", Scope: ScopeCgroup, TotalVM: kb(8)}
	summary := ours
	summary.TotalVM = nil
	other := ours
	other.PID = 8
	for _, tt := range []struct {
		name      string
		ours      Kill
		limit     string
		unvouched bool
	}{
		{"the kernel's log has it too", ours, "/a", false},
		{"the kernel's log has its summary alone", summary, "/a", false},
		{"the text alone says whose limit", bare, "/", true},
	} {
		for _, kills := range [][]Kill{{tt.ours, text}, {text, tt.ours}} {
			got := Merge(Log{Kills: kills}).Kills
			if len(got) != 1 || got[0].Unvouched != tt.unvouched || got[0].LimitCgroup != tt.limit || got[0].TotalVM == nil || got[0].Picture == nil {
				t.Errorf("%s: %+v", tt.name, got)
			}
		}
	}
	if got := Merge(Log{Kills: []Kill{other}}, Log{Kills: []Kill{text}}).Kills; len(got) != 2 || got[0].Unvouched == got[1].Unvouched {
		t.Errorf("two kills: %+v", got)
	}
}

// A text's kills that the kernel's buffer would hold, and does not, are left out.
func TestOwnKills(t *testing.T) {
	boot := utc(11, 25, 12, 0, 0)
	clock := BootClock{Start: boot, Suspended: time.Hour}
	read := gathered{source: Source{Oldest: boot}}
	denied, lost, endless := read, read, read
	denied.source.Err, lost.log.Lost, endless.source.Oldest = errors.New("not yours"), 1, time.Time{}
	text := func(after time.Duration) Kill {
		return Kill{PID: 7, Comm: "x", At: boot.Add(after), TaskCgroup: "/a", Unvouched: true}
	}
	undated := Kill{PID: 7, Comm: "x", Unvouched: true}
	same, elsewhere := text(3*time.Hour), text(3*time.Hour)
	same.Unvouched, elsewhere.Unvouched, elsewhere.TaskCgroup = false, false, "/b"
	for _, tt := range []struct {
		name    string
		kmsg    gathered
		text    Kill
		own     []Kill
		foreign int
	}{
		{"the buffer lacks it", read, text(3 * time.Hour), nil, 1},
		{"the buffer has it in another cgroup", read, text(3 * time.Hour), []Kill{elsewhere}, 1},
		{"the buffer or the journal has it", read, text(3 * time.Hour), []Kill{same}, 0},
		{"it was before the buffer begins", read, text(-time.Hour), nil, 0},
		{"a suspend may have moved it before the buffer begins", read, text(time.Hour), nil, 0},
		{"its time is not known", read, undated, nil, 0},
		{"the buffer was not read", denied, text(3 * time.Hour), nil, 0},
		{"the buffer lost records", lost, text(3 * time.Hour), nil, 0},
		{"how far the buffer reaches is not known", endless, text(3 * time.Hour), nil, 0},
	} {
		kept, foreign := ownKills([]Kill{tt.text}, provenFrom(tt.kmsg, clock), nil, tt.own)
		if foreign != tt.foreign || len(kept)+foreign != 1 {
			t.Errorf("%s: %d kept, %d foreign", tt.name, len(kept), foreign)
		}
	}
}

package oom

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReconcile(t *testing.T) {
	kills := func(boots ...string) Log {
		var log Log
		for i, boot := range boots {
			log.Kills = append(log.Kills, Kill{PID: i + 1, Boot: boot})
		}
		return log
	}
	tests := []struct {
		name    string
		counted *uint64
		log     Log
		boot    string
		want    Reconciliation
	}{
		{"all are logged", new(uint64(2)), kills("b", "b"), "b", Reconciliation{Logged: 2, Missing: new(uint64(0))}},
		{"three are not", new(uint64(5)), kills("b", "b"), "b", Reconciliation{Logged: 2, Missing: new(uint64(3))}},
		{"nothing is logged", new(uint64(5)), kills(), "b", Reconciliation{Missing: new(uint64(5))}},
		{"nothing happened", new(uint64(0)), kills(), "b", Reconciliation{Missing: new(uint64(0))}},
		{"another boot's", new(uint64(1)), kills("a", "a", "b"), "b", Reconciliation{Logged: 1, Missing: new(uint64(0))}},
		{"an unknown boot's", new(uint64(3)), kills("", "b"), "b", Reconciliation{Logged: 1, Unattributed: 1, Missing: new(uint64(1))}},
		{"more than counted", new(uint64(1)), kills("b", "b", ""), "b", Reconciliation{Logged: 2, Unattributed: 1, Missing: new(uint64(0))}},
		{"every boot", new(uint64(3)), kills("", "b"), "", Reconciliation{Logged: 2, Missing: new(uint64(1))}},
		{"not counted", nil, kills("b"), "b", Reconciliation{Logged: 1}},
		{"a great count", new(uint64(math.MaxUint64)), kills("b"), "b", Reconciliation{Logged: 1, Missing: new(uint64(math.MaxUint64 - 1))}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.Counted = tt.counted
			if diff := cmp.Diff(tt.want, Reconcile(tt.counted, tt.log, tt.boot)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReconcileCgroup(t *testing.T) {
	log := Log{Kills: []Kill{
		{PID: 1, Boot: "b", TaskCgroup: "/docker/x"},
		{PID: 2, Boot: "b", TaskCgroup: "/docker/x/inner"},
		{PID: 3, Boot: "b", TaskCgroup: "/docker/xy"},
		{PID: 4, Boot: "b"}, // of a storm: no summary
		{PID: 5, Boot: "a", TaskCgroup: "/docker/x"},
		{PID: 6, Boot: "a"},
		{PID: 7, TaskCgroup: "/docker/x"},
	}}
	tests := []struct {
		name         string
		counted      *uint64
		boot, cgroup string
		below        bool
		want         Reconciliation
	}{
		{"alone", new(uint64(4)), "b", "/docker/x", false, Reconciliation{Logged: 1, Unattributed: 2, Missing: new(uint64(1))}},
		{"with what is below", new(uint64(4)), "b", "/docker/x", true, Reconciliation{Logged: 2, Unattributed: 2, Missing: new(uint64(0))}},
		{"the root", new(uint64(9)), "b", "/", true, Reconciliation{Logged: 3, Unattributed: 2, Missing: new(uint64(4))}},
		{"of which nothing is logged", new(uint64(2)), "b", "/docker/z", true, Reconciliation{Unattributed: 1, Missing: new(uint64(1))}},
		{"of no boot", new(uint64(9)), "", "/docker/x", false, Reconciliation{Logged: 3, Unattributed: 2, Missing: new(uint64(4))}},
		{"not counted", nil, "b", "/docker/x", false, Reconciliation{Logged: 1, Unattributed: 2}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.Counted = tt.counted
			if diff := cmp.Diff(tt.want, ReconcileCgroup(tt.counted, log, tt.boot, tt.cgroup, tt.below)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// FuzzReconcile holds that what is missing and what is in the log are never fewer than
// counted, that nothing is missing where the log has as many, and that kills of other
// cgroups never count.
func FuzzReconcile(f *testing.F) {
	f.Add(uint64(3), "bbab ", "xyx")
	f.Add(uint64(0), "", "")
	f.Fuzz(func(t *testing.T, counted uint64, boots, cgroups string) {
		var log Log
		for i := range len(boots) {
			kill := Kill{PID: i, Boot: boots[i : i+1]}
			if i < len(cgroups) {
				kill.TaskCgroup = "/" + cgroups[i:i+1]
			}
			log.Kills = append(log.Kills, kill)
		}
		whole := Reconcile(&counted, log, "b")
		part := ReconcileCgroup(&counted, log, "b", "/x", true)
		for _, r := range []Reconciliation{whole, part} {
			known := r.Logged + r.Unattributed
			if known > uint64(len(boots)) || *r.Missing > counted || *r.Missing > 0 && *r.Missing+known != counted || *r.Missing == 0 && known < counted {
				t.Errorf("%+v of %d", r, counted)
			}
		}
		if part.Logged > whole.Logged {
			t.Errorf("a part has more than the whole: %+v, %+v", part, whole)
		}
	})
}

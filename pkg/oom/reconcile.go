package oom

import "strings"

// Reconciliation compares how many kills the kernel counted with how many the log holds.
// The log may hold fewer: it is overwritten, rotated and cleared, and loses lines.
type Reconciliation struct {
	// Counted is the kernel's count; nil where there is none.
	Counted *uint64 `json:"counted,omitempty"`
	// Logged is how many of the log's kills are those that the counter counts.
	Logged uint64 `json:"logged"`
	// Unattributed is how many more of the log's kills may be among them: the log does not
	// say in which cgroup they were. A storm's later kills have no summary line that would.
	Unattributed uint64 `json:"unattributed"`
	// Missing is how many kills were counted and are surely not in the log; nil where that is not known.
	Missing *uint64 `json:"missing,omitempty"`
}

// Reconcile compares the counter oom_kill of /proc/vmstat with the kills of one boot, the
// running one; log must not be cut to a shorter time. boot is the boot's ID; kills of
// another boot do not count, and those of an unknown boot are Unattributed. With an empty
// boot every kill counts. counted is nil where the kernel does not count (before 4.13).
//
// A kill that is logged between the two readings may make the log longer than the count:
// nothing is missing then.
func Reconcile(counted *uint64, log Log, boot string) Reconciliation {
	r := Reconciliation{Counted: counted}
	for _, kill := range log.Kills {
		switch {
		case boot == "" || kill.Boot == boot:
			r.Logged++
		case kill.Boot == "":
			r.Unattributed++
		}
	}
	return r.judge()
}

// ReconcileCgroup compares a cgroup's counter oom_kill with the kills of the running boot
// in log, as Reconcile does. cgroup is its path as the kernel's log writes it. The counter
// of memory.events (cgroup v2) is of the cgroup and all below it; that of
// memory.oom_control (v1) and memory.events.local is of the cgroup alone
// (mem_cgroup_oom_control_read and memcg_memory_event in the kernel): below says which.
func ReconcileCgroup(counted *uint64, log Log, boot, cgroup string, below bool) Reconciliation {
	r := Reconciliation{Counted: counted}
	for _, kill := range log.Kills {
		otherBoot := boot != "" && kill.Boot != "" && kill.Boot != boot
		inside := kill.TaskCgroup == cgroup ||
			below && strings.HasPrefix(kill.TaskCgroup, strings.TrimSuffix(cgroup, "/")+"/")
		switch {
		case otherBoot || kill.TaskCgroup != "" && !inside:
		case kill.TaskCgroup == "", boot != "" && kill.Boot == "":
			r.Unattributed++
		default:
			r.Logged++
		}
	}
	return r.judge()
}

// judge works out what is missing for sure. It is never negative.
func (r Reconciliation) judge() Reconciliation {
	if r.Counted == nil {
		return r
	}
	known := r.Logged + r.Unattributed
	r.Missing = new(*r.Counted - min(known, *r.Counted))
	return r
}

package oom

import "time"

// Kill is one process killed by the kernel's OOM killer, joined from the summary
// line ("oom-kill:constraint=...") and the kill line ("Killed process ..."), either
// of which may be missing: the kernel rate-limits the first (mm/oom_kill.c).
type Kill struct {
	// SinceBoot is the kernel's timestamp: time since boot, not counting suspend.
	SinceBoot time.Duration `json:"sinceBootNanoseconds"`
	PID       int           `json:"pid"`
	Comm      string        `json:"comm"`          // at most 15 bytes, as the kernel cuts it
	UID       *int          `json:"uid,omitempty"` // nil where the log does not say

	// TaskCgroup is the victim's memory cgroup (task_memcg); empty where the log does not say.
	TaskCgroup string `json:"taskCgroup,omitempty"`
	// LimitCgroup is the cgroup whose limit was hit (oom_memcg); empty for a host-wide kill or where the log does not say.
	LimitCgroup string `json:"limitCgroup,omitempty"`
	// Limit is the limit that was hit, in bytes, as it was then; nil where the log does not say.
	Limit *uint64 `json:"limitBytes,omitempty"`
	// Scope says whose memory ran out.
	Scope Scope `json:"scope"`

	// Memory of the victim at its death, in bytes; all nil where the kill line is missing.
	TotalVM     *uint64 `json:"totalVmBytes,omitempty"`
	AnonRSS     *uint64 `json:"anonRssBytes,omitempty"`
	FileRSS     *uint64 `json:"fileRssBytes,omitempty"`
	ShmemRSS    *uint64 `json:"shmemRssBytes,omitempty"`
	OOMScoreAdj *int    `json:"oomScoreAdj,omitempty"`
}

// Scope says whose memory ran out.
type Scope string

// The scopes of a kill.
const (
	ScopeUnknown Scope = "unknown" // no line of this kill says
	ScopeCgroup  Scope = "cgroup"  // a cgroup's limit
	ScopeHost    Scope = "host"    // the whole machine
)

// Log is what a kernel log says about OOM kills.
type Log struct {
	Kills []Kill `json:"kills"`
	// Records is how many records of the kernel were read.
	Records int `json:"records"`
	// Lost is how many times records had been overwritten before they could be read.
	Lost int `json:"lost"`
	// Malformed is how many records could not be parsed at all.
	Malformed int `json:"malformed"`
	// Truncated tells that the log no longer starts at boot: older records were overwritten.
	Truncated bool `json:"truncated"`
}

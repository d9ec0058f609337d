package oom

import "time"

// Kill is one process killed by the kernel's OOM killer, joined from the summary
// line ("oom-kill:constraint=...") and the kill line ("Killed process ..."), either
// of which may be missing: the kernel rate-limits the first (mm/oom_kill.c), and has
// it since 5.0 only. The dump before them, where it is there, gives the rest.
type Kill struct {
	// SinceBoot is the kernel's timestamp: time since boot, not counting suspend.
	// 0 where a log as text does not say.
	SinceBoot time.Duration `json:"sinceBootNanoseconds"`
	// At is the wall clock's time, as the log has it; zero where it does not say.
	// /dev/kmsg does not.
	At time.Time `json:"at,omitzero"`
	// Boot is the boot's ID as the journal writes it, 32 hex digits; empty elsewhere.
	Boot string `json:"boot,omitempty"`
	// Host is the name that a log as text gives the machine; empty where there is none.
	Host string `json:"host,omitempty"`

	PID  int    `json:"pid"`
	Comm string `json:"comm"`          // at most 15 bytes, as the kernel cuts it
	UID  *int   `json:"uid,omitempty"` // nil where the log does not say

	// TaskCgroup is the victim's memory cgroup (task_memcg); empty where the log does not say.
	TaskCgroup string `json:"taskCgroup,omitempty"`
	// LimitCgroup is the cgroup whose limit was hit (oom_memcg); empty for a host-wide kill or where the log does not say.
	LimitCgroup string `json:"limitCgroup,omitempty"`
	// Limit is the limit that was hit, in bytes, as it was then; nil where the log does not say.
	Limit *uint64 `json:"limitBytes,omitempty"`
	// Scope says whose memory ran out.
	Scope Scope `json:"scope"`
	// Group is the cgroup all of whose processes were killed with this one
	// (memory.oom.group, 4.19 and later); empty for a kill of one process.
	Group string `json:"groupCgroup,omitempty"`

	// Memory of the victim at its death, in bytes; all nil where the kill line is missing.
	TotalVM  *uint64 `json:"totalVmBytes,omitempty"`
	AnonRSS  *uint64 `json:"anonRssBytes,omitempty"`
	FileRSS  *uint64 `json:"fileRssBytes,omitempty"`
	ShmemRSS *uint64 `json:"shmemRssBytes,omitempty"`
	// Swap is what the victim had in swap, in bytes, by the dump's table of tasks.
	Swap        *uint64 `json:"swapBytes,omitempty"`
	OOMScoreAdj *int    `json:"oomScoreAdj,omitempty"`
	// Reaped tells that the log says that the kernel took the victim's memory before
	// it had ended (oom_reaper, 4.6 and later).
	Reaped bool `json:"reaped,omitempty"`

	// Unvouched tells that only the text of syslog's files has the kill, or whose limit was
	// hit: any local user may write such a line (logger -t kernel). What the kernel's buffer
	// has, or the journal by the kernel's transport, is vouched for. Of a log that the user
	// named nothing is said.
	Unvouched bool `json:"unvouched,omitempty"`

	// Invoker is the process whose allocation set off the killing; nil where the header is missing.
	Invoker *Invoker `json:"invoker,omitempty"`
	// Picture is how memory stood; nil where the dump is missing, or was mixed with another's.
	Picture *Picture `json:"picture,omitempty"`
}

// Invoker is the process that asked for memory when there was none. It need not be
// the one that used it up, nor the one that was killed.
type Invoker struct {
	Comm string `json:"comm"`          // at most 15 bytes
	PID  int    `json:"pid,omitempty"` // 0 where the log does not say
	// GFP is the kind of memory asked for, in the kernel's words: "0xcc0(GFP_KERNEL)".
	GFP string `json:"gfp,omitempty"`
	// Order is the size asked for: 2^Order pages. Nil where the log does not say.
	Order       *int `json:"order,omitempty"`
	OOMScoreAdj *int `json:"oomScoreAdj,omitempty"` // nil before 2.6.36
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
	// Records is how many records of the kernel were read. Scan reads only those
	// near a kill, and counts them alone.
	Records int `json:"records"`
	// Lost is how many times records had been overwritten before they could be read.
	Lost int `json:"lost"`
	// Malformed is how many records could not be parsed at all. Scan, for which most
	// of a text is foreign, counts those that belong to a kill.
	Malformed int `json:"malformed"`
	// Truncated tells that the log no longer starts at boot: older records were
	// overwritten. Scan says so of a text that does not show that it starts at boot.
	Truncated bool `json:"truncated"`

	// Lines is how many lines of text Scan has seen.
	Lines int `json:"lines,omitempty"`
	// Unnamed is how many times the killer was invoked and the log no longer holds
	// the line that names the victim.
	Unnamed int `json:"unnamed,omitempty"`
	// NoVictim is how many times the killer found no process that it may kill.
	NoVictim int `json:"noVictim,omitempty"`
	// Panics is how many times the kernel stopped the machine for want of memory.
	Panics int `json:"panics,omitempty"`
	// More is how many kills there were beyond the first 65536, which alone are listed.
	More int `json:"more,omitempty"`

	// Bare tells that Scan took lines without prefix for the kernel's, as dmesg -t writes
	// them, and found kills among them.
	Bare bool `json:"-"`
	// Strange tells that no line that Scan looked into, the first 1024 and those that may be
	// of a kill, has a known prefix or is of a kill: the text need not be a log.
	Strange bool `json:"-"`
	// Yearless tells that Scan found kills whose stamps name no year: theirs is the last
	// that fits Clock.Reference.
	Yearless bool `json:"-"`
}

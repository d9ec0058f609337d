package oom

// Picture is how memory stood when the OOM killer ran, from the dump that it writes
// before it kills. All sizes are in bytes; nil is what the dump does not say. The dump
// of a cgroup (mem_cgroup_print_oom_meminfo in mm/memcontrol.c) says how full the cgroup
// was, and that of the host (show_mem) how full the machine was. Kernels before 3.9
// write the second for both.
type Picture struct {
	// The cgroup whose limit was hit.
	Usage   *uint64 `json:"usageBytes,omitempty"`
	Limit   *uint64 `json:"limitBytes,omitempty"` // nil also where none is set
	Failcnt *uint64 `json:"failcnt,omitempty"`    // how often the limit was hit
	// Memory and swap together, which cgroup v1 accounts, where it does.
	MemorySwapUsage *uint64 `json:"memorySwapUsageBytes,omitempty"`
	MemorySwapLimit *uint64 `json:"memorySwapLimitBytes,omitempty"` // nil also where none is set
	// Swap alone, which cgroup v2 accounts.
	SwapUsage *uint64 `json:"swapUsageBytes,omitempty"`
	SwapLimit *uint64 `json:"swapLimitBytes,omitempty"` // nil also where none is set

	// The machine.
	RAM       *uint64 `json:"ramBytes,omitempty"` // all pages, the kernel's own among them
	FreeRAM   *uint64 `json:"freeRamBytes,omitempty"`
	TotalSwap *uint64 `json:"totalSwapBytes,omitempty"`
	FreeSwap  *uint64 `json:"freeSwapBytes,omitempty"`

	// Tasks are the largest by resident memory and swap together, at most 10, the largest first.
	Tasks []Task `json:"tasks,omitempty"`
	// TaskCount is how many tasks the dump lists; 0 where vm.oom_dump_tasks is off.
	TaskCount int `json:"taskCount,omitempty"`
	// PageSize is what the tables' pages were taken to be, in bytes. The dump of the host
	// says so (its free lists start with single pages: "3*4kB"), and so does a kill line
	// beside the victim's total_vm. Else it is taken to be 4 KiB.
	PageSize uint64 `json:"pageSizeBytes"`
}

// Task is one line of the dump's table of tasks (dump_tasks in mm/oom_kill.c). All
// threads of a process are one line.
type Task struct {
	PID         int     `json:"pid"`
	Comm        string  `json:"comm"` // at most 15 bytes
	UID         int     `json:"uid"`
	RSS         uint64  `json:"rssBytes"`
	Swap        *uint64 `json:"swapBytes,omitempty"`   // nil before 3.8
	OOMScoreAdj *int    `json:"oomScoreAdj,omitempty"` // nil before 2.6.36
}

const (
	// maxTasks is how many tasks a picture names.
	maxTasks = 10
	// defaultPage is the page size of x86, and of most ARM systems, in bytes.
	defaultPage = 4096
)

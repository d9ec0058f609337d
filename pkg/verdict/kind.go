package verdict

// Kind is why a container died, or what befell one that lives.
type Kind string

// The kinds. Their names stand in JSON.
const (
	// OwnLimit: the kernel killed at the container's own memory limit.
	OwnLimit Kind = "own-limit"
	// ParentLimit: the kernel killed at the limit of a cgroup above the container's.
	ParentLimit Kind = "parent-limit"
	// HostOOM: the whole VM had run out of memory.
	HostOOM Kind = "host-oom"
	// ChildKilled: the kernel killed a process of the container other than PID 1. Of a
	// death it says that PID 1 ended by itself right after.
	ChildKilled Kind = "child-killed"
	// RuntimeHeap: the program's own runtime gave up for want of memory. No kernel kill.
	RuntimeHeap Kind = "runtime-heap"
	// StopTimeout: it did not end on its stop signal, and SIGKILL came at the end of the grace time.
	StopTimeout Kind = "stop-timeout"
	// KilledBySomeone: a signal that neither the OOM killer nor an expired grace time sent.
	KilledBySomeone Kind = "killed-by-someone"
	// Crashed: a fault ended it (SIGSEGV, SIGABRT ...), or the engine could not start it.
	Crashed Kind = "crashed"
	// Exited: it ended by itself, or as it was asked to.
	Exited Kind = "exited"
	// Unhealthy: its healthcheck fails; of a death, that its healer ended it for that.
	Unhealthy Kind = "unhealthy"
	// Unknown: what was read does not tell.
	Unknown Kind = "unknown"
)

// Kinds lists all kinds, as docs/why.md does.
func Kinds() []Kind {
	return []Kind{
		OwnLimit, ParentLimit, HostOOM, ChildKilled, RuntimeHeap, StopTimeout,
		KilledBySomeone, Crashed, Exited, Unhealthy, Unknown,
	}
}

// OOM tells whether the kind says that the kernel killed for want of memory.
func (k Kind) OOM() bool {
	return k == OwnLimit || k == ParentLimit || k == HostOOM || k == ChildKilled
}

// Confidence is how sure a verdict is.
type Confidence string

// The confidences, surest first.
const (
	// Certain: the kernel's log or the engine's own record shows the cause itself, and nothing that was read contradicts it.
	Certain Confidence = "certain"
	// Likely: all that was read fits this cause, and no other as well; but no record shows the cause itself.
	Likely Confidence = "likely"
	// Possible: it fits, and another cause would fit too.
	Possible Confidence = "possible"
	// None goes with Unknown alone.
	None Confidence = "none"
)

package change

import "fmt"

// LockFile keeps two runs apart that change the host.
const LockFile = "/run/vmguard.lock"

// LockedError says that another run holds the lock.
type LockedError struct {
	PID int // of the other run; 0 where it cannot be told
}

func (e *LockedError) Error() string {
	if e.PID == 0 {
		return "another vmguard is changing this host"
	}
	return fmt.Sprintf("another vmguard is changing this host (pid %d)", e.PID)
}

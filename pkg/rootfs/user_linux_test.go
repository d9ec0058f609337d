package rootfs

import (
	"os"
	"runtime"
	"syscall"
	"testing"
)

// asUser runs fn on a thread without root's rights over files
// (setfsuid(2) concerns only the calling thread). The thread ends with fn.
func asUser(t *testing.T, fn func()) {
	t.Helper()
	if os.Getuid() != 0 {
		fn()
		return
	}
	const nobody = 65534
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the runtime ends the thread with the goroutine
		if _, _, errno := syscall.RawSyscall(syscall.SYS_SETFSUID, nobody, 0, 0); errno != 0 {
			t.Errorf("setfsuid: %v", errno)
			return
		}
		fn()
	}()
	<-done
}

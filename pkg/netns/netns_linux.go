// Package netns runs code inside another process's network namespace (network_namespaces(7)).
package netns

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// ErrNoRight says that the caller may not enter: it takes CAP_SYS_ADMIN.
var ErrNoRight = errors.New("entering a container's network namespace needs root")

// Do runs f on a thread that is in the network namespace of a process, and waits for it.
// A socket belongs to the namespace of the thread that opens it, wherever it is used later;
// a goroutine that f starts is somewhere else.
//
// It gives f's error, or says why the namespace could not be entered: ErrNoRight, or an
// error with the cause. A thread that cannot come back ends, and never runs anything else.
func Do(pid int, f func() error) (err error) {
	onThread(func() (clean bool) {
		var back int
		back, err = unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			err = fmt.Errorf("open own network namespace: %w", err)
			return true
		}
		defer unix.Close(back) //nolint:errcheck // opened for reading only
		if err = enter(path.Join("/proc", strconv.Itoa(pid), "ns/net")); err != nil {
			return true
		}
		err = f()
		return unix.Setns(back, unix.CLONE_NEWNET) == nil
	})
	return err
}

// onThread runs f alone on a thread, and waits for it. f tells whether the thread is as
// it was before; else it ends. It is never the process's first thread: that one cannot
// end, and /proc/self, which other threads may read meanwhile, shows its namespaces.
func onThread(f func() (clean bool)) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			onThread(f) // meanwhile this goroutine keeps the first thread to itself
			runtime.UnlockOSThread()
			return
		}
		if f() {
			runtime.UnlockOSThread()
		}
	}()
	<-done
}

// enter moves the calling thread into a network namespace. The link is opened, which
// rootfs would refuse: it leads to no file that has a path.
func enter(name string) error {
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err == nil {
		defer unix.Close(fd) //nolint:errcheck // opened for reading only
		err = unix.Setns(fd, unix.CLONE_NEWNET)
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		return ErrNoRight
	case err != nil:
		return fmt.Errorf("enter %s: %w", name, err)
	}
	return nil
}

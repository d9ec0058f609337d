package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// NamespaceKeepalive reads the TCP keepalive settings inside the network namespace of
// a process of the live host. It takes CAP_SYS_ADMIN; without it, the error says so.
//
// A socket belongs to the namespace of the thread that opens it, so one thread goes there
// and comes back. A thread that cannot come back ends, and never runs anything else.
func NamespaceKeepalive(ctx context.Context, pid int) (Keepalive, error) {
	if err := ctx.Err(); err != nil {
		return Keepalive{}, err
	}
	type answer struct {
		keepalive Keepalive
		err       error
	}
	answers := make(chan answer, 1) // a late answer waits for nobody
	go func() {
		k, err := enterAndRead(pid)
		answers <- answer{k, err}
	}()
	select {
	case a := <-answers:
		return a.keepalive, a.err
	case <-ctx.Done():
		return Keepalive{}, ctx.Err()
	}
}

// enterAndRead reads the settings on a thread that goes there and comes back.
func enterAndRead(pid int) (k Keepalive, err error) {
	onThread(func() (clean bool) {
		var back int
		back, err = unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			err = fmt.Errorf("open own network namespace: %w", err)
			return true
		}
		defer unix.Close(back) //nolint:errcheck // opened for reading only
		if err = enter(procFile(pid, "ns/net")); err != nil {
			return true
		}
		k, err = readThreadKeepalive()
		return unix.Setns(back, unix.CLONE_NEWNET) == nil
	})
	return k, err
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
		return errors.New("entering a container's network namespace needs root")
	case err != nil:
		return fmt.Errorf("enter %s: %w", name, err)
	}
	return nil
}

// readThreadKeepalive asks a new socket for what it got from its namespace's sysctls
// (tcp(7); keepalive_time_when in include/net/tcp.h). With a hundred containers that
// spares three hundred files.
func readThreadKeepalive() (Keepalive, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
	if err != nil {
		return Keepalive{}, fmt.Errorf("open a socket in its network namespace: %w", err)
	}
	defer unix.Close(fd) //nolint:errcheck // never connected
	var values [3]int
	for i, option := range []int{unix.TCP_KEEPIDLE, unix.TCP_KEEPINTVL, unix.TCP_KEEPCNT} {
		if values[i], err = unix.GetsockoptInt(fd, unix.IPPROTO_TCP, option); err != nil {
			return Keepalive{}, fmt.Errorf("ask a socket for its keepalive: %w", err)
		}
	}
	return Keepalive{
		Time:     time.Duration(values[0]) * time.Second,
		Interval: time.Duration(values[1]) * time.Second,
		Probes:   values[2],
	}, nil
}

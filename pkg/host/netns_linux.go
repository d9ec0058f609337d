package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"

	"golang.org/x/sys/unix"

	"vmguard/pkg/rootfs"
)

// NamespaceKeepalive reads the TCP keepalive settings inside the network namespace of
// a process of the live host. It takes CAP_SYS_ADMIN; without it, the error says so.
//
// /proc/sys/net shows the namespace of the thread that looks (net_ctl_root in
// net/sysctl_net.c), so one thread goes there and comes back. A thread that cannot
// come back ends, and never runs anything else.
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

func readThreadKeepalive() (Keepalive, error) {
	tree, err := rootfs.Open("/")
	if err != nil {
		return Keepalive{}, err
	}
	defer tree.Close() //nolint:errcheck // the live tree holds nothing
	k := hostKeepalive(func(name string) Fact[int64] { return readSysctl(tree, name) })
	if !k.Known() {
		return Keepalive{}, errors.New(k.Why())
	}
	return k.Value, nil
}

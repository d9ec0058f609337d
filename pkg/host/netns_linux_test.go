package host

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// offFirstThread runs f on a thread that ends with it. It is never the process's first thread: that one cannot
// end, and /proc/PID shows its namespaces.
func offFirstThread(f func()) {
	runtime.LockOSThread()
	if unix.Gettid() != unix.Getpid() {
		f()
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		offFirstThread(f) // meanwhile this goroutine keeps the first thread to itself
	}()
	<-done
	runtime.UnlockOSThread()
}

// inOwnNamespace starts a process in a network namespace of its own, where keepalive
// starts after 123 seconds, and gives its PID. It ends with the test.
func inOwnNamespace(t *testing.T) int {
	t.Helper()
	cmd := exec.Command("sleep", "60")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	done := make(chan error, 1)
	release := make(chan struct{})
	go offFirstThread(func() {
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			err = os.WriteFile("/proc/sys/net/ipv4/tcp_keepalive_time", []byte("123\n"), 0o644)
		}
		if err == nil {
			err = cmd.Start()
		}
		done <- err
		<-release // a child dies with the thread that started it (Pdeathsig)
	})
	if err := <-done; err != nil {
		close(release)
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		cmd.Wait() //nolint:errcheck // it was killed
		close(release)
	})
	return cmd.Process.Pid
}

func TestNamespaceKeepalive(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("entering network namespaces needs root")
	}
	s, err := LiveSource()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // the live tree holds nothing
	before := readSysctl(s.FS, "net.ipv4.tcp_keepalive_time")
	if before.Value == 123 {
		t.Fatal("the host has the test's own value")
	}
	home, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	pid := inOwnNamespace(t)
	// Many at once, so that a thread that did not come home would be used again and tell.
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			got, err := NamespaceKeepalive(t.Context(), pid)
			if err != nil || got.Time != 123*time.Second || got.Probes == 0 {
				t.Errorf("got %+v, %v", got, err)
			}
			if here, err := os.Readlink("/proc/thread-self/ns/net"); err != nil || here != home {
				t.Errorf("a thread is in %s instead of %s, %v", here, home, err)
			}
		})
	}
	all.Wait()
	equal(t, readSysctl(s.FS, "net.ipv4.tcp_keepalive_time"), before)
	own, err := NamespaceKeepalive(t.Context(), os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, own.Time, time.Duration(before.Value)*time.Second)
}

func TestNamespaceKeepaliveRefuses(t *testing.T) {
	const none = 1 << 22 // the highest PID is one less (PID_MAX_LIMIT)
	if got, err := NamespaceKeepalive(t.Context(), none); err == nil || !strings.Contains(err.Error(), "enter /proc/4194304/ns/net: no such file") {
		t.Errorf("got %+v, %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := NamespaceKeepalive(ctx, os.Getpid()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if os.Geteuid() != 0 {
		if _, err := NamespaceKeepalive(t.Context(), 1); err == nil || !strings.Contains(err.Error(), "needs root") {
			t.Errorf("got %v", err)
		}
	}
}

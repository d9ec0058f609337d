package netns

import (
	"errors"
	"os"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

func namespace(t *testing.T) string {
	t.Helper()
	name, err := os.Readlink("/proc/thread-self/ns/net")
	if err != nil {
		t.Error(err)
	}
	return name
}

// elsewhere keeps a thread in a network namespace of its own until the test ends, and gives its ID, which
// /proc takes as it takes a PID.
func elsewhere(t *testing.T) int {
	t.Helper()
	type place struct {
		tid int
		err error
	}
	there, release := make(chan place), make(chan struct{})
	go onThread(func() (clean bool) {
		err := unix.Unshare(unix.CLONE_NEWNET)
		there <- place{unix.Gettid(), err}
		<-release
		return false
	})
	p := <-there
	t.Cleanup(func() { close(release) })
	if p.err != nil {
		t.Fatal(p.err)
	}
	return p.tid
}

// TestDo goes there many times at once, so that a thread that did not come home would be used again and tell.
func TestDo(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("entering network namespaces needs root")
	}
	home, there := namespace(t), elsewhere(t)
	ours := errors.New("ours")
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			inside := ""
			err := Do(there, func() error {
				inside = namespace(t)
				return ours
			})
			if !errors.Is(err, ours) || inside == "" || inside == home {
				t.Errorf("in %q, %v; home is %s", inside, err, home)
			}
			if here := namespace(t); here != home {
				t.Errorf("a thread is in %s instead of %s", here, home)
			}
		})
	}
	all.Wait()
}

func TestDoRefuses(t *testing.T) {
	t.Parallel()
	f := func() error { t.Error("it ran"); return nil }
	const none = 1 << 22 // the highest PID is one less (PID_MAX_LIMIT)
	if err := Do(none, f); err == nil || !errors.Is(err, os.ErrNotExist) || !strings.HasPrefix(err.Error(), "enter /proc/4194304/ns/net: no such file") {
		t.Errorf("got %v", err)
	}
	if os.Geteuid() != 0 {
		if err := Do(1, f); !errors.Is(err, ErrNoRight) {
			t.Errorf("got %v", err)
		}
	}
}

// TestOnThread keeps all threads busy, the process's first among them.
func TestOnThread(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			onThread(func() (clean bool) {
				if unix.Gettid() == unix.Getpid() {
					t.Error("on the first thread")
				}
				return true
			})
		})
	}
	all.Wait()
}

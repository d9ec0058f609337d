package change_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"vmguard/pkg/change"
)

// TestPlanKeepsToOneThread: a trace of that thread shows all that a plan does, in order.
func TestPlanKeepsToOneThread(t *testing.T) {
	t.Parallel()
	var threads []int
	note := func() { threads = append(threads, unix.Gettid()) }
	busy := func() { // others get their turn, and with it the thread, unless it is kept
		var turns sync.WaitGroup
		for range 4 * runtime.GOMAXPROCS(0) {
			turns.Go(func() {
				for range 50 {
					runtime.Gosched()
				}
			})
		}
		turns.Wait()
	}
	step := func(err error) change.Step {
		return change.Step{
			Apply: func(context.Context, change.Progress) (string, error) {
				note()
				busy()
				note()
				return "", err
			},
			Undo: func(context.Context) error {
				busy()
				note()
				return nil
			},
		}
	}
	var plan change.Plan
	for range 30 {
		plan = append(plan, step(nil))
	}
	append(plan, step(errors.New("the end"))).Run(t.Context(), change.Watcher{})
	if n := len(threads); n != 2*31+30 || len(slices.Compact(threads)) != 1 {
		t.Errorf("on the threads %d, %d times; want always the same", threads, n)
	}
}

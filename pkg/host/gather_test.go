package host

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// memoryIn is a reading of the memory fact that takes as long as wait does.
func memoryIn(limit time.Duration, total uint64, wait func(context.Context)) reading {
	return fact(limit, func(f *Facts) *Fact[Memory] { return &f.Memory }, func(ctx context.Context) Fact[Memory] {
		wait(ctx)
		return Known(Memory{Total: total}, "test")
	})
}

func zram(wait func(context.Context)) reading {
	return fact(2*time.Second, func(f *Facts) *Fact[bool] { return &f.ZramConf }, func(ctx context.Context) Fact[bool] {
		wait(ctx)
		return Known(true, "test")
	})
}

func TestGatherGivesUpWhatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		started := time.Now()
		facts := &Facts{}
		gather(t.Context(), facts, []reading{
			memoryIn(2*time.Second, 7, func(context.Context) { <-release }), // deaf to its context
			zram(func(context.Context) { time.Sleep(time.Second) }),
		})
		equal(t, time.Since(started), 2*time.Second)
		missing(t, facts.Memory, "timed out after 2 s")
		equal(t, facts.ZramConf, Known(true, "test"))
		close(release)
		synctest.Wait() // its late answer goes nowhere
		missing(t, facts.Memory, "timed out after 2 s")
	})
}

func TestGatherUnderTheCallersDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		release := make(chan struct{})
		defer close(release)
		facts := &Facts{}
		gather(ctx, facts, []reading{memoryIn(2*time.Second, 7, func(context.Context) { <-release })})
		missing(t, facts.Memory, "timed out after 0.5 s")
	})
}

func TestGatherInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		defer time.AfterFunc(time.Second, func() { cancel(errors.New("signal")) }).Stop()
		release := make(chan struct{})
		defer close(release)
		started := time.Now()
		facts := &Facts{}
		gather(ctx, facts, []reading{
			memoryIn(2*time.Second, 7, func(context.Context) { <-release }),
			zram(func(context.Context) {}),
		})
		equal(t, time.Since(started), time.Second)
		equal(t, facts.Memory.Why(), "interrupted")
		equal(t, facts.ZramConf.Known(), true)
	})
}

func TestFailure(t *testing.T) {
	started := time.Now()
	equal(t, failure(t.Context(), started, errors.New("refused")), "refused")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	equal(t, failure(ctx, started, errors.New("whatever came of it")), "interrupted")
	equal(t, overrun(1500*time.Millisecond).Error(), "timed out after 1.5 s")
}

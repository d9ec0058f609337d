package host

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// reading is one fact, or a few that are read together, and how long it may take.
type reading struct {
	limit time.Duration
	// read does the reading. It gives how to store what was found, for it may still
	// run when nobody waits for it any longer.
	read func(context.Context) store
	// lost gives how to store that the reading was given up.
	lost func(why string) store
}

// store puts a result into its place.
type store func(*Facts)

// fact is a reading of one fact.
func fact[T any](limit time.Duration, field func(*Facts) *Fact[T], read func(context.Context) Fact[T]) reading {
	put := func(v Fact[T]) store {
		return func(f *Facts) { *field(f) = v }
	}
	return reading{
		limit: limit,
		read:  func(ctx context.Context) store { return put(read(ctx)) },
		lost:  func(why string) store { return put(Missing[T](why)) },
	}
}

// gather runs all readings at once and stores what they find. A reading that overruns
// cannot always be stopped (statfs(2) on a dead server does not even die by a signal):
// it is left behind, and what it still says is stored by nobody.
func gather(ctx context.Context, facts *Facts, list []reading) {
	type result struct {
		of    int
		store store
	}
	started := time.Now()
	results := make(chan result, 2*len(list)) // room for all, so that nobody is kept waiting
	for i, r := range list {
		own, stop := context.WithTimeoutCause(ctx, r.limit, overrun(r.limit))
		context.AfterFunc(own, func() {
			results <- result{i, r.lost(givenUp(own, started))}
		})
		go func() {
			defer stop()
			put := r.read(own)
			if own.Err() == nil { // else it is given up, with the reason
				results <- result{i, put}
			}
		}()
	}
	stored := make([]bool, len(list))
	for waiting := len(list); waiting > 0; {
		r := <-results
		if stored[r.of] {
			continue
		}
		stored[r.of] = true
		r.store(facts)
		waiting--
	}
}

// overrun is why a reading's context ends: it took longer than it may.
type overrun time.Duration

func (o overrun) Error() string {
	return "timed out after " + strconv.FormatFloat(time.Duration(o).Seconds(), 'g', 3, 64) + " s"
}

// givenUp says why a context ended: the reading's own limit, that of all together, or
// an interruption.
func givenUp(ctx context.Context, started time.Time) string {
	cause := context.Cause(ctx)
	if o, ok := errors.AsType[overrun](cause); ok {
		return o.Error()
	}
	if deadline, ok := ctx.Deadline(); ok && errors.Is(cause, context.DeadlineExceeded) {
		// The limit began a little before the readings did.
		limit, precision := deadline.Sub(started), 10*time.Millisecond
		if limit > 500*time.Millisecond {
			precision = 100 * time.Millisecond
		}
		return overrun(limit.Round(precision)).Error()
	}
	return "interrupted"
}

// failure says why something that was given a context failed. Where the context ended,
// that is the reason, whatever the error makes of it.
func failure(ctx context.Context, started time.Time, err error) string {
	if ctx.Err() != nil {
		return givenUp(ctx, started)
	}
	return fmt.Sprint(err)
}

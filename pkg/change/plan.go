// Package change changes the host: plans of steps that can be undone, and every function
// of vmguard that writes to the host. Nothing else in vmguard does, so whoever audits it
// reads this folder.
package change

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"
)

// Step is one change to the host.
type Step struct {
	// Name is one word: allocate, activate, persist.
	Name string
	// Text says what the step does, or, where the host is so already, what there is.
	Text string
	// Diff is what changes in a text file, as a unified diff; empty for all else.
	Diff string
	// Already says that the host is so: there is nothing to apply or to undo.
	Already bool
	// Optional says that the plan goes on when the step fails.
	Optional bool
	// Apply does it, and says what was done where Text does not say it all. One that errs
	// leaves the host as it was before this step, or says in its error what it could not.
	Apply func(ctx context.Context, progress Progress) (string, error)
	// Undo takes back what Apply did; nil where there is no way.
	Undo func(ctx context.Context) error
	// Harmless says that what Apply does needs no undoing: it is of no use to anybody, or
	// goes with what an earlier step undoes.
	Harmless bool
}

// Progress is told how far a long step has come, in bytes.
type Progress func(done, total uint64)

// State is what became of a step.
type State string

// The states of a step.
const (
	Planned   State = "planned"    // not reached, or a dry run
	Already   State = "already"    // the host was so
	Done      State = "done"       // applied
	Failed    State = "failed"     // Apply erred; what it did is taken back
	Undone    State = "undone"     // applied, and taken back since a later step failed
	NotUndone State = "not undone" // applied, and could not be taken back
)

// Outcome is a step and what became of it.
type Outcome struct {
	Step  Step
	State State
	// Did says what was done; the step's text where Apply had nothing to add.
	Did  string
	Took time.Duration
	// Err is why Apply failed, for a State of Failed; or Undo, for NotUndone.
	Err error
}

// Result is what became of a plan.
type Result struct {
	Outcomes []Outcome // one for each step, in the plan's order
	// Err is the error of the step that failed, nil where the plan is done.
	Err error
	// Interrupted tells that the context ended, and so the plan.
	Interrupted bool
}

// Complete tells whether all steps are done, or were so already; optional ones may have failed.
func (r Result) Complete() bool { return r.Err == nil }

// ErrLeft says, in the error of a step, that it could not take back all that it did.
var ErrLeft = errors.New("something is left of it")

// Restored tells whether a failed plan left the host as it was: each step that was
// applied has been taken back, and the one that failed left nothing.
func (r Result) Restored() bool {
	for _, o := range r.Outcomes {
		if o.State == Done || o.State == NotUndone || errors.Is(o.Err, ErrLeft) {
			return false
		}
	}
	return true
}

// Watcher is told of a plan's course. Its functions may be nil.
type Watcher struct {
	Starting func(Step)
	Progress func(step Step, done, total uint64)
	Finished func(Outcome) // a step is done, was so already, failed, or has been taken back
}

// Plan is an ordered list of steps.
type Plan []Step

// Empty tells whether nothing is left to do: the host is so already.
func (p Plan) Empty() bool {
	for _, s := range p {
		if !s.Already {
			return false
		}
	}
	return true
}

// DryRun gives the outcomes of a plan that is not applied.
func (p Plan) DryRun() Result {
	var r Result
	for _, s := range p {
		o := Outcome{Step: s, State: Planned, Did: s.Text}
		if s.Already {
			o.State = Already
		}
		r.Outcomes = append(r.Outcomes, o)
	}
	return r
}

// Run applies the steps in their order. Where one fails, or ctx ends, the ones before it
// are undone, the last first; undoing is not cut short by ctx. A step that cannot be
// undone does not keep the ones before it from being undone. After a step that has no way
// back there is none for the plan either: the rest is done, whatever fails and whether
// or not ctx ends.
func (p Plan) Run(ctx context.Context, watch Watcher) Result {
	// One thread makes all of a plan's system calls, so that a trace of it reads as the plan does.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	r := p.DryRun()
	final := false
	for i := range r.Outcomes {
		o := &r.Outcomes[i]
		own := heed(ctx, !final)
		err := own.Err()
		if err == nil && !o.Step.Already {
			err = o.apply(own, watch)
		}
		if err == nil {
			watch.finished(*o)
			final = final || o.State == Done && o.Step.Undo == nil && !o.Step.Harmless
			continue
		}
		if o.State == Failed {
			watch.finished(*o)
			if o.Step.Optional && own.Err() == nil {
				continue
			}
		}
		if final {
			r.Err = errors.Join(r.Err, err)
			continue
		}
		r.Err, r.Interrupted = err, ctx.Err() != nil
		undo(heed(ctx, false), r.Outcomes[:i], watch)
		break
	}
	return r
}

// heed gives a context that ends with ctx, or never.
func heed(ctx context.Context, ends bool) context.Context {
	if ends {
		return ctx
	}
	return context.WithoutCancel(ctx)
}

func (o *Outcome) apply(ctx context.Context, watch Watcher) error {
	if watch.Starting != nil {
		watch.Starting(o.Step)
	}
	progress := func(done, total uint64) {
		if watch.Progress != nil {
			watch.Progress(o.Step, done, total)
		}
	}
	start := time.Now()
	did, err := o.Step.Apply(ctx, progress)
	o.Took = time.Since(start)
	if err != nil {
		o.State, o.Err = Failed, err
		return fmt.Errorf("%s: %w", o.Step.Name, err)
	}
	o.State = Done
	if did != "" {
		o.Did = did
	}
	return nil
}

// undo takes back what was applied, the last first.
func undo(ctx context.Context, outcomes []Outcome, watch Watcher) {
	for i := len(outcomes) - 1; i >= 0; i-- {
		o := &outcomes[i]
		switch {
		case o.State != Done:
			continue
		case o.Step.Harmless:
			o.State = Undone
			continue
		default: // Run goes on after a step that has no Undo
			o.State, o.Err = Undone, o.Step.Undo(ctx)
			if o.Err != nil {
				o.State = NotUndone
			}
		}
		watch.finished(*o)
	}
}

func (w Watcher) finished(o Outcome) {
	if w.Finished != nil {
		w.Finished(o)
	}
}

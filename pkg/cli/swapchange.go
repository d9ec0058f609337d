package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"

	"vmguard/pkg/change"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
	"vmguard/pkg/report"
	"vmguard/pkg/swap"
)

// swapChange is what swap enable and swap disable have in common: a job is planned, and
// shown or carried out.
type swapChange struct {
	output  string
	dryRun  bool
	noColor bool
	// plan looks at the host and judges; it changes nothing.
	plan func(context.Context, host.Source) (swap.Job, error)
	// done says in one line what is so afterwards.
	done func(swap.Job) string
}

func (c swapChange) run(ctx context.Context, app *App) error {
	if err := checkChoice("output", c.output, "text", "json"); err != nil {
		return err
	}
	source, err := liveSource()
	if err != nil {
		return err
	}
	defer source.Close() //nolint:errcheck // nothing was written
	again := asRoot(app.Args)
	if !c.dryRun && !source.Root {
		return failed(errors.New("changing swap needs root"), "run: "+again)
	}
	if !c.dryRun {
		unlock, err := change.Lock(change.LockFile)
		if err != nil {
			return c.lockFailure(ctx, source, err, again)
		}
		defer unlock() //nolint:errcheck // the kernel drops the lock with the process
	}
	job, err := c.plan(ctx, source)
	if err != nil {
		return swapFailure(ctx, err, source.Root, again)
	}
	plan := job.Steps()
	result := report.Change{DryRun: c.dryRun, File: job.File, Size: job.Size, Notes: job.Notes}
	if c.dryRun || plan.Empty() {
		result.Result = plan.DryRun()
	} else {
		// A reader of the output that goes away must not end a change half-way.
		signal.Ignore(syscall.SIGPIPE)
		result.Undo = job.Undo
		result.Result = plan.Run(ctx, c.watcher(app))
	}
	if result.Result.Err != nil {
		result.Undo = ""
	}
	written := c.write(app, job, plan.Empty(), result)
	if written != nil && result.Result.Complete() && !c.dryRun {
		written = failed(fmt.Errorf("the change is made, but its output could not be written: %w", written), "look with: vmguard swap status")
	}
	err = errors.Join(changeFailure(result.Result, again), written)
	if err == nil && !c.dryRun {
		err = errDone
	}
	return err
}

// lockFailure says why the lock cannot be had; or, on a host that nothing can be done to
// anyway, such as a container without a /run, that.
func (c swapChange) lockFailure(ctx context.Context, source host.Source, err error, again string) error {
	if _, held := errors.AsType[*change.LockedError](err); held {
		return failed(err, "wait until it is done, and look with: vmguard swap status")
	}
	if _, refusal := c.plan(ctx, source); refusal != nil {
		return swapFailure(ctx, refusal, source.Root, again)
	}
	return failed(err, "that file keeps two runs apart: root must be able to make it")
}

// asRoot gives the command line that was typed, with sudo before it.
func asRoot(args []string) string {
	words := []string{"sudo", "vmguard"}
	for _, a := range args {
		words = append(words, human.ShellWord(a))
	}
	return strings.Join(words, " ")
}

// write writes what was not written while it happened.
func (c swapChange) write(app *App, job swap.Job, empty bool, result report.Change) error {
	if c.output == "json" {
		return writing(report.ChangeJSON(app.Stdout, result))
	}
	style := app.style(c.noColor)
	if c.dryRun || empty {
		if err := report.PlanText(app.Stdout, result, style); err != nil {
			return writing(err)
		}
	}
	if !result.Result.Complete() {
		return nil // told as the command's error
	}
	if err := report.NotesText(app.Stdout, result.Notes, style); err != nil {
		return writing(err)
	}
	last := []string{c.done(job)}
	switch {
	case empty:
		last[0] += ": there was nothing to do"
	case c.dryRun:
		last[0] = "nothing has been changed (--dry-run)"
	case result.Undo != "":
		last = append(last, "undo: "+result.Undo)
	}
	for _, line := range last {
		if _, err := fmt.Fprintln(app.Stdout, report.Clean(line, 4000, style.Wide)); err != nil {
			return writing(err)
		}
	}
	return nil
}

// changeFailure says how a plan ended that did not do its work, and what is left of it.
func changeFailure(result change.Result, again string) error {
	if result.Err == nil {
		return nil
	}
	state := "nothing is left of it: the host is as it was before"
	if !result.Restored() {
		state = "not all of it could be undone, see above; to go on from there, run again: " + again
	}
	if result.Interrupted {
		return &failure{errors.New("interrupted"), state, exitInterrupted}
	}
	return failed(result.Err, state)
}

// watcher prints each step as soon as it is done, and how far a long one has come.
func (c swapChange) watcher(app *App) change.Watcher {
	progress := newProgress(app)
	w := change.Watcher{
		Starting: progress.start,
		Progress: progress.tell,
		Finished: func(change.Outcome) { progress.clear() },
	}
	if c.output == "text" {
		style := app.style(c.noColor)
		w.Finished = func(o change.Outcome) {
			progress.clear()
			_ = report.StepText(app.Stdout, o, style) // a reader that has gone must not stop a change half-way
		}
	}
	return w
}

// progress tells on stderr how far a step has come: on a terminal in a line that is
// written over, else in a line now and then.
type progress struct {
	w        io.Writer
	terminal bool
	began    time.Time
	told     time.Time
	shown    bool
}

func newProgress(app *App) *progress {
	p := &progress{w: app.Stderr}
	if f, ok := app.Stderr.(interface{ Fd() uintptr }); ok {
		p.terminal = term.IsTerminal(int(f.Fd()))
	}
	return p
}

func (p *progress) start(change.Step) { p.began, p.told = time.Now(), time.Now() }

func (p *progress) tell(step change.Step, done, total uint64) {
	const onTerminal, inLog = 200 * time.Millisecond, 10 * time.Second
	every := inLog
	if p.terminal {
		every = onTerminal
	}
	now := time.Now()
	if done >= total || now.Sub(p.told) < every {
		return
	}
	p.told = now
	line := progressLine(step.Name, done, total, now.Sub(p.began))
	if !p.terminal {
		_, _ = fmt.Fprintln(p.w, line)
		return
	}
	p.shown = true
	_, _ = fmt.Fprintf(p.w, "\r%s\x1b[K", line)
}

func (p *progress) clear() {
	if p.shown {
		_, _ = io.WriteString(p.w, "\r\x1b[K")
		p.shown = false
	}
}

// progressLine spells bytes, rate and time left.
func progressLine(name string, done, total uint64, took time.Duration) string {
	rate := float64(done) / max(took.Seconds(), 0.001)
	left := time.Duration(float64(total-done) / max(rate, 1) * float64(time.Second))
	ends := "less than 1 s left"
	if left >= time.Second {
		ends = human.Duration(left) + " left"
	}
	return fmt.Sprintf("%s: %s of %s, %s/s, %s", name, human.Bytes(done), human.Bytes(total), human.Bytes(uint64(rate)), ends)
}

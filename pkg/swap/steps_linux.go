package swap

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"vmguard/pkg/change"
	"vmguard/pkg/human"
)

// Steps makes the plan of a job.
func (j Job) Steps() change.Plan {
	var p change.Plan
	if j.space != "" {
		p = append(p, change.Step{Name: "space", Text: j.space, Already: true})
	}
	p = appendFacts(p, j.already)
	m := maker{job: j, used: map[string]change.Method{}}
	for _, o := range j.ops {
		p = append(p, m.step(o))
	}
	p = appendFacts(p, j.after)
	if j.edit != nil {
		p = append(p, j.edit.Step(j.edit.name, j.edit.text))
	}
	if j.reload {
		p = append(p, reloadStep())
	}
	if j.sysctl != nil {
		p = append(p, j.sysctl.step())
	}
	for _, o := range j.last {
		s := m.step(o)
		s.Optional = o.kind == opSweep
		p = append(p, s)
	}
	return p
}

func appendFacts(p change.Plan, facts []fact) change.Plan {
	for _, f := range facts {
		p = append(p, change.Step{Name: f.name, Text: f.text, Already: true})
	}
	return p
}

// maker makes steps of operations on files.
type maker struct {
	job Job
	// used keeps how the blocks of each file were had, by its path.
	used map[string]change.Method
}

func (m maker) step(o op) change.Step {
	s := m.plain(o)
	s.Harmless = s.Harmless || o.mends
	return s
}

func (m maker) plain(o op) change.Step {
	switch o.kind {
	case opAllocate:
		return m.allocate(o)
	case opFormat:
		return m.format(o)
	case opOn:
		return m.activate(o)
	case opOff:
		return change.Step{
			Name: "deactivate", Text: "swapoff " + o.path,
			Apply: func(ctx context.Context, _ change.Progress) (string, error) {
				return "", explainOff(change.Swapoff(ctx, o.path))
			},
			Undo: func(context.Context) error { return change.Swapon(o.path, o.priority) },
		}
	case opMove:
		return change.Step{
			Name: "rename", Text: o.path + " to " + o.to,
			Apply: func(context.Context, change.Progress) (string, error) {
				m.used[o.to] = m.used[o.path]
				return "", explainHeld(change.Rename(o.path, o.to))
			},
			Undo: func(context.Context) error { return change.Rename(o.to, o.path) },
		}
	case opProtect:
		return protect(o)
	}
	s := change.Step{
		Name: "remove", Text: o.path,
		Apply: func(context.Context, change.Progress) (string, error) {
			err := change.Remove(o.path)
			if o.kind == opSweep && errors.Is(err, fs.ErrNotExist) {
				err = nil // another step took it
			}
			return "", explainHeld(err)
		},
	}
	s.Harmless = o.kind == opSweep
	return s
}

func protect(o op) change.Step {
	var was fs.FileMode
	return change.Step{
		Name: "protect", Text: o.path + ", mode 0600",
		Apply: func(context.Context, change.Progress) (string, error) {
			var err error
			was, err = change.Chmod(o.path, 0o600)
			return "", err
		},
		Undo: func(context.Context) error {
			_, err := change.Chmod(o.path, was)
			return err
		},
	}
}

func (m maker) allocate(o op) change.Step {
	how := ""
	switch m.job.method {
	case change.Fallocate:
		how = " by fallocate"
	case change.Write:
		how = " by writing zeroes"
	}
	return change.Step{
		Name: "allocate", Text: fmt.Sprintf("%s, %s%s, mode 0600", o.path, human.Bytes(o.size), how),
		Apply: func(ctx context.Context, progress change.Progress) (string, error) {
			used, err := change.Allocation{
				Path: o.path, Size: o.size, Method: m.job.method, NoCopyOnWrite: m.job.nocow, Label: m.job.label,
			}.Create(ctx, progress)
			if err != nil {
				return "", err
			}
			m.used[o.path] = used
			said := "by fallocate"
			if used == change.Write {
				said = "by writing zeroes"
			}
			return fmt.Sprintf("%s, %s %s, mode 0600", o.path, human.Bytes(o.size), said), nil
		},
		Undo: func(context.Context) error { return change.Remove(o.path) },
	}
}

func (m maker) format(o op) change.Step {
	return change.Step{
		Name: "format", Text: "swap header, label " + Label + ", a new UUID",
		Apply: func(context.Context, change.Progress) (string, error) {
			header, err := newHeader(o.size)
			if err != nil {
				return "", err
			}
			return "swap header, label " + Label + ", UUID " + header.UUIDString(), change.WriteAt(o.path, header.Encode(), 0)
		},
		Harmless: true, // the file itself goes
	}
}

// newHeader makes a header with a random UUID (RFC 9562, version 4), for this machine's
// page size.
func newHeader(size uint64) (Header, error) {
	var uuid [16]byte
	_, _ = rand.Read(uuid[:]) // never errs
	uuid[6] = uuid[6]&0x0f | 0x40
	uuid[8] = uuid[8]&0x3f | 0x80
	return NewHeader(size, uint64(unix.Getpagesize()), uuid, Label)
}

// activate switches an area on. Where the kernel refuses its blocks, as it may those of a
// preallocated file, they are written with zeroes, and it is tried once more.
func (m maker) activate(o op) change.Step {
	text := "swapon " + o.path
	if o.priority >= 0 {
		text += fmt.Sprintf(", priority %d", o.priority)
	}
	return change.Step{
		Name: "activate", Text: text,
		Apply: func(ctx context.Context, progress change.Progress) (string, error) {
			log := openKernelLog()
			defer log.close()
			err := change.Swapon(o.path, o.priority)
			if !errors.Is(err, unix.EINVAL) {
				return "", explainOn(err, nil)
			}
			reasons := log.reasons()
			if m.job.method == change.Fallocate || m.used[o.path] == change.Write || !curable(reasons) {
				return "", explainOn(err, reasons)
			}
			if err := m.rewrite(ctx, o, progress); err != nil {
				return "", err
			}
			if err := change.Swapon(o.path, o.priority); err != nil {
				return "", explainOn(err, log.reasons())
			}
			return text + ", after writing zeroes: the kernel refused the file as it was" + spell(reasons), nil
		},
		Undo: func(ctx context.Context) error { return explainOff(change.Swapoff(ctx, o.path)) },
	}
}

// rewrite writes all but the header, which so is there at every instant: a run that is killed
// here leaves a swapfile, and not a file that the next run does not know.
func (m maker) rewrite(ctx context.Context, o op, progress change.Progress) error {
	err := change.Overwrite(ctx, o.path, uint64(unix.Getpagesize()), o.size, progress)
	if _, made := m.used[o.path]; err != nil && !made {
		return fmt.Errorf("%w (%w: %s was there before, and takes more of the disk now)", err, change.ErrLeft, o.path)
	}
	if err != nil {
		return err // the file goes with the step that made it
	}
	m.used[o.path] = change.Write
	return nil
}

// explainOn adds to a refused swapon what the kernel said in its log.
func explainOn(err error, reasons []string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EPERM):
		return fmt.Errorf("%w: the kernel has as many swap areas as it takes, or this process lacks CAP_SYS_ADMIN", err)
	case len(reasons) == 0:
		return err
	}
	return fmt.Errorf("%w; the kernel's log says: %s", err, strings.Join(reasons, "; "))
}

// explainHeld adds what it means that a file can be neither removed nor renamed.
func explainHeld(err error) error {
	if errors.Is(err, unix.EPERM) {
		return fmt.Errorf("%w: it is immutable, or active as swap under a name that is not seen from here (vmguard swap status lists the names)", err)
	}
	return err
}

func explainOff(err error) error {
	if errors.Is(err, unix.ENOMEM) {
		return fmt.Errorf("%w: memory cannot take back what is swapped out", err)
	}
	return err
}

func reloadStep() change.Step {
	return change.Step{
		Name: "reload", Text: "systemctl daemon-reload", Optional: true,
		Apply: func(ctx context.Context, _ change.Progress) (string, error) { return "", change.ReloadSystemd(ctx) },
		Undo:  change.ReloadSystemd,
	}
}

// step sets the value for the next boot, where that changes, and the running one. The file
// tells what the value was before, so it is there as long as the running one is vmguard's:
// else a run that comes after a kill would take vmguard's own value for the one before.
func (e sysctlEdit) step() change.Step {
	s := e.Step(e.name, e.text)
	apply, undo := s.Apply, s.Undo
	if s.Diff == "" { // the file stays as it is
		apply = func(context.Context, change.Progress) (string, error) { return "", nil }
		undo = func(context.Context) error { return nil }
	}
	set := func(value int64) error {
		if e.now == e.was {
			return nil
		}
		return change.SetSysctl(swappinessProc, strconv.FormatInt(value, 10))
	}
	if _, ours := swappinessWas(e.Now); ours {
		s.Apply = func(ctx context.Context, progress change.Progress) (string, error) {
			if _, err := apply(ctx, progress); err != nil {
				return "", err
			}
			if err := set(e.now); err != nil {
				return "", errors.Join(err, undo(ctx))
			}
			return "", nil
		}
		s.Undo = func(ctx context.Context) error { return errors.Join(set(e.was), undo(ctx)) }
		return s
	}
	s.Apply = func(ctx context.Context, progress change.Progress) (string, error) {
		if err := set(e.now); err != nil {
			return "", err
		}
		if _, err := apply(ctx, progress); err != nil {
			return "", errors.Join(err, set(e.was))
		}
		return "", nil
	}
	s.Undo = func(ctx context.Context) error { return errors.Join(undo(ctx), set(e.was)) }
	return s
}

package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"vmguard/pkg/host"
	"vmguard/pkg/oom"
	"vmguard/pkg/report"
)

// journalMagic begins the files of a systemd journal (journal-def.h, HEADER_SIGNATURE).
const journalMagic = "LPKSHHRH"

// thisBoot is how --boot names the running one.
const thisBoot = "0"

// oomRead is what the logs gave.
type oomRead struct {
	at      time.Time
	log     oom.Log
	sources []oom.Source
	// Of a log that was named: why its end could not be read; nil where it could.
	damage error
	// written is when a log that was named was last written; zero where that is not known.
	written time.Time
	// The rest is of this host's own logs.
	clock     oom.BootClock
	otherBoot int
	foreign   int
	counter   *oom.Reconciliation
	root      bool
}

// read reads the log that was named, or this host's own. It errs where nothing could be read.
func (o *oomOptions) read(ctx context.Context, app *App) (oomRead, error) {
	if o.file != "" {
		return o.readFile(ctx, app)
	}
	return o.readHost(ctx, app)
}

// readHost reads all logs of this host, and the kernel's own count of kills.
func (o *oomOptions) readHost(ctx context.Context, app *App) (oomRead, error) {
	source, err := host.LiveSource()
	if err != nil {
		return oomRead{}, failed(err, "on another system, read a log of the VM: vmguard oom --file FILE")
	}
	defer source.Close() //nolint:errcheck // nothing was written
	at := time.Now().In(o.zone)
	// The count comes first: of a kill that happens in between none seems to be missing then.
	counted := killCount(ctx, source)
	c := oom.Collect(ctx, oom.SourceOptions{Boot: o.boot, Since: o.sinceTime(at), Zone: o.zone})
	r := oomRead{
		at: at, log: c.Log, sources: spelled(c.Sources), clock: c.Clock, otherBoot: c.OtherBoot, foreign: c.Foreign, root: source.Root,
	}
	if o.boot == thisBoot || o.boot == oom.AllBoots {
		reconciled := oom.Reconcile(counted, c.ThisBoot, c.Clock.Boot)
		r.counter = &reconciled
	}
	if ctx.Err() == nil && !r.looked(o.boot) && !r.countedNone() {
		return oomRead{}, r.failure(o.boot, asRoot(app.Args))
	}
	return r, nil
}

// sinceTime is the time that --since means; zero where it was not given.
func (o *oomOptions) sinceTime(now time.Time) time.Time {
	if o.since <= 0 {
		return time.Time{}
	}
	return now.Add(-o.since)
}

// killCount gives the kernel's count of kills since boot; nil where there is none.
func killCount(ctx context.Context, source host.Source) *uint64 {
	facts := host.Collect(ctx, source)
	return facts.VMStat.Value.OOMKill // empty where it is missing
}

// looked tells whether any log was read that can hold kills of the boot.
func (r oomRead) looked(boot string) bool {
	return slices.ContainsFunc(r.sources, func(s oom.Source) bool {
		if boot != thisBoot && boot != oom.AllBoots && s.Name != oom.SourceJournal {
			return false // only the journal knows when a boot before this one was
		}
		return s.Err == nil || s.Kills > 0
	})
}

// countedNone tells that the kernel says that it killed nothing since boot.
func (r oomRead) countedNone() bool {
	return r.counter != nil && r.counter.Counted != nil && *r.counter.Counted == 0
}

// spelled says of what a host need not have that it is not there, in plain words.
func spelled(sources []oom.Source) []oom.Source {
	out := slices.Clone(sources)
	for i, s := range out {
		switch {
		case errors.Is(s.Err, oom.ErrNoJournal):
			out[i].Missing = "there is no systemd journal"
		case errors.Is(s.Err, oom.ErrNoBoot):
			out[i].Missing = "the journal has no such boot"
		case errors.Is(s.Err, oom.ErrNoLogFiles):
			out[i].Missing = "it holds no kern.log, messages or syslog"
		case errors.Is(s.Err, fs.ErrNotExist) && s.Name == oom.SourceKmsg:
			out[i].Missing = "it does not exist"
		}
	}
	return out
}

// failure says that no log could be read, and why.
func (r oomRead) failure(boot, again string) error {
	var why []string
	var hint string
	for _, s := range r.sources {
		why = append(why, s.Where+": "+s.Missing)
		switch {
		case errors.Is(s.Err, fs.ErrPermission) && !r.root:
			hint = "run: " + again
		case errors.Is(s.Err, oom.ErrNoBoot) && hint == "":
			hint = "journalctl --list-boots lists those that are kept; a journal outlives a reboot where there is a directory /var/log/journal"
		}
	}
	what := "no kernel log could be read"
	switch {
	case boot != thisBoot && boot != oom.AllBoots:
		what = "of boot " + boot + " no kernel log could be read"
	case r.counter != nil && r.counter.Counted != nil:
		what = fmt.Sprintf("the kernel counts %d OOM kills since boot, and no log that names them could be read", *r.counter.Counted)
	}
	return failed(fmt.Errorf("%s: %s", what, strings.Join(why, "; ")), hint)
}

// readFile reads the log that was named.
func (o *oomOptions) readFile(ctx context.Context, app *App) (oomRead, error) {
	from, written := app.Stdin, time.Time{}
	name := "standard input"
	if o.file != "-" {
		name = o.file
		file, err := oom.OpenInput(ctx, o.file)
		if err != nil {
			return oomRead{}, o.fileFailure(ctx, app, fmt.Errorf("read %s: %w", name, plain(err)))
		}
		defer file.Close()
		if err := refuse(file); err != nil {
			return oomRead{}, failed(fmt.Errorf("read %s: %w", name, err), journalHint(err))
		}
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
			written = info.ModTime()
		}
		from = file
	}
	log, damage, err := oom.ReadInput(ctx, from, oom.ScanOptions{Location: o.zone, Reference: cmp.Or(written, time.Now())})
	r := oomRead{at: time.Now().In(o.zone), log: log, damage: damage, written: written}
	r.sources = []oom.Source{{Name: "file", Where: name, Kills: len(log.Kills)}}
	if damage != nil {
		r.sources[0].Notes = []string{"its end could not be read: " + damage.Error()}
	}
	switch {
	case err != nil && ctx.Err() == nil && len(log.Kills) == 0:
		return oomRead{}, o.fileFailure(ctx, app, fmt.Errorf("read %s: %w", name, plain(err)))
	case err != nil:
		r.damage = plain(err)
		r.sources[0].Err, r.sources[0].Missing = err, plain(err).Error()
	}
	// Of what has no time it is not known whether it was before.
	if since := o.sinceTime(r.at); !since.IsZero() {
		r.log.Kills = slices.DeleteFunc(r.log.Kills, func(k oom.Kill) bool { return !k.At.IsZero() && k.At.Before(since) })
	}
	return r, nil
}

// plain is a file's error without its name, which stands before it already.
func plain(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

func (o *oomOptions) fileFailure(ctx context.Context, app *App, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, fs.ErrPermission):
		return failed(err, "run: "+asRoot(app.Args))
	case errors.Is(err, oom.ErrPacked):
		return failed(err, "as in: xz -dc FILE | vmguard oom --file -")
	}
	return failed(err, "--file takes a log that dmesg, journalctl or syslog wrote; - is standard input")
}

var (
	errJournalFile = errors.New("a file of a systemd journal is no text")
	errDirectory   = errors.New("it is a directory")
)

// refuse errs on a file in which no kill would be found, whatever it holds.
func refuse(file *os.File) error {
	info, err := file.Stat()
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return errDirectory
	case !info.Mode().IsRegular():
		return nil
	}
	begin := make([]byte, len(journalMagic))
	n, err := file.ReadAt(begin, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if string(begin[:n]) == journalMagic {
		return errJournalFile
	}
	return nil
}

func journalHint(err error) string {
	if errors.Is(err, errJournalFile) {
		return "journalctl --file FILE -o json | vmguard oom --file -"
	}
	return "--file takes a log that dmesg, journalctl or syslog wrote; - is standard input"
}

// hintRoot says what root would see more, where that is so.
func (o *oomOptions) hintRoot(app *App, r oomRead, names oomNames) {
	// A log that was named is most likely another machine's, whose containers this engine does not know.
	denied := names.denied && o.file == "" || slices.ContainsFunc(r.sources, func(s oom.Source) bool { return errors.Is(s.Err, fs.ErrPermission) })
	if denied && os.Geteuid() != 0 {
		_, _ = fmt.Fprintf(app.Stderr, "hint: root sees more; run: %s\n", report.Clean(asRoot(app.Args), 2000, app.wide()))
	}
}

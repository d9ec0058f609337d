package oom

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"vmguard/pkg/rootfs"
)

// gatherKmsg reads the kernel's own buffer, which holds the running boot only.
func gatherKmsg(ctx context.Context, o SourceOptions, clock BootClock) gathered {
	g := gathered{source: Source{Name: SourceKmsg, Where: o.Kmsg}, log: emptyLog()}
	switch {
	case !live(o.Root):
		g.fail(errMounted)
		return g
	case o.Boot != "" && o.Boot != "0" && o.Boot != AllBoots:
		g.fail(errOtherBoot)
		return g
	}
	log, err := ReadKmsg(ctx, o.Kmsg)
	g.take(clock.stamp(log), err)
	switch {
	case err != nil:
	case !log.Truncated:
		g.source.Oldest = clock.Start
	default:
		if first, err := firstStamp(o.Kmsg); err == nil {
			g.source.Oldest = clock.At(first)
		}
	}
	if log.Lost > 0 {
		g.note(fmt.Sprintf("records were overwritten %d times while they were read", log.Lost))
	}
	if clock.Suspended > 0 {
		g.note(fmt.Sprintf("the system was suspended: a time may be early by up to %s", clock.Suspended.Round(time.Second)))
	}
	return g
}

// gatherJournal reads systemd's journal.
func gatherJournal(ctx context.Context, o SourceOptions, clock BootClock) gathered {
	g := gathered{source: Source{Name: SourceJournal, Where: "journalctl"}, log: emptyLog()}
	dir, err := o.journalDir()
	if err != nil {
		g.fail(err)
		return g
	}
	if dir != "" {
		g.source.Where = dir
	}
	journal, err := ReadJournal(ctx, JournalOptions{
		Directory: dir, Boot: o.Boot, Since: o.journalSince(clock), Program: o.Journalctl,
	})
	g.take(journal.Log, err)
	g.boots = journal.Boots
	g.source.Oldest, g.source.Storage, g.source.Notes = journal.Oldest, journal.Storage, journal.Notes
	return g
}

// journalDir gives where the journal's files are; empty for the running host, whose
// journalctl knows.
func (o SourceOptions) journalDir() (string, error) {
	const persistent = "/var/log/journal"
	if o.JournalDir != "" || live(o.Root) {
		return o.JournalDir, nil
	}
	tree, err := rootfs.Open(o.Root)
	if err != nil {
		return "", err
	}
	defer func() { _ = tree.Close() }() // only looked at
	// journalctl would follow a link out of the tree, so it gets a path free of links.
	path, err := tree.Resolve(persistent)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNoJournal, err)
	}
	return filepath.Abs(filepath.Join(o.Root, path))
}

// journalSince is how far back the journal is read. The whole running boot is wanted for
// the reconciliation, and single boots are read whole. A dump begins before its kill.
func (o SourceOptions) journalSince(clock BootClock) time.Time {
	const dump = time.Minute
	if o.Boot != AllBoots || o.Since.IsZero() || live(o.Root) && clock.Start.IsZero() {
		return time.Time{}
	}
	since := o.Since
	if live(o.Root) && clock.Start.Before(since) {
		since = clock.Start
	}
	return since.Add(-dump)
}

// gatherFiles reads syslog's files.
func gatherFiles(ctx context.Context, o SourceOptions) gathered {
	g := gathered{source: Source{Name: SourceFiles, Where: logDir}, log: emptyLog()}
	files, err := ReadLogFiles(ctx, o.Root, o.Zone)
	g.take(files.Log, err)
	for _, file := range files.Read {
		if file.Damage != "" {
			g.note(file.Path + ": " + file.Damage)
		}
		// What a file's last line is older than, is in the file or in those before it.
		if g.source.Oldest.IsZero() || file.Modified.Before(g.source.Oldest) {
			g.source.Oldest = file.Modified
		}
	}
	for _, file := range files.Unread {
		g.note(file.Path + " was not read: " + file.Why)
	}
	return g
}

// note adds one, unless there are very many.
func (g *gathered) note(text string) {
	const most = 50
	if len(g.source.Notes) < most {
		g.source.Notes = append(g.source.Notes, text)
	}
}

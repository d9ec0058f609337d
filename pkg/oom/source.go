package oom

import (
	"context"
	"errors"
	"sync"
	"time"
)

// SourceOptions says of which host and time the OOM kills are wanted.
type SourceOptions struct {
	// Root is the host's tree; empty or "/" is the running host. In a mounted tree there are
	// only the journal's and syslog's files.
	Root string
	// Boot is "0" for the running boot (of a mounted tree the newest one), "-1" for the one
	// before it and so on, or AllBoots. Empty means "0".
	Boot string
	// Since leaves out kills before it; the zero time leaves out none.
	Since time.Time
	// Zone is the time zone of syslog's stamps; nil means this machine's.
	Zone *time.Location
	// Journalctl is the program's absolute path; empty means the system's.
	Journalctl string
	// JournalDir holds the journal's files; empty means the host's own.
	JournalDir string
	// Kmsg is the kernel log's device; empty means /dev/kmsg.
	Kmsg string
}

// Collected is what all kernel logs of a host say about OOM kills.
type Collected struct {
	// Log holds each kill once, whichever sources have it, in order of time.
	Log Log `json:"log"`
	// Sources are all three, also those that gave nothing.
	Sources []Source `json:"sources"`
	// Boots are those that the journal knows, oldest first.
	Boots []Boot `json:"boots,omitempty"`
	// Clock is the running host's; empty for a mounted tree.
	Clock BootClock `json:"clock"`
	// ThisBoot holds all kills of the running boot, however short a time was asked for,
	// to be reconciled with the kernel's counters. Empty for a mounted tree or an earlier boot.
	ThisBoot Log `json:"-"`
	// OtherBoot is how many kills were left out since the log does not tell of which boot they are.
	OtherBoot int `json:"unknownBoot"`
	// Foreign is how many kills of syslog's files were left out since the kernel's own buffer
	// covers their time and has no such kill: they are another machine's, or no kills at all.
	Foreign int `json:"foreign"`
}

// Source is one place where the kernel's messages are kept.
type Source struct {
	Name  SourceName `json:"name"`
	Where string     `json:"where"` // the device, directory or program that was asked
	// Missing says why it gave nothing, and Err the same for errors.Is; empty and nil where it was read.
	Missing string `json:"missing,omitempty"`
	Err     error  `json:"-"`
	Kills   int    `json:"kills"`
	// Oldest is how far back it reaches at least; zero where that is not known. A source that
	// holds no kill before it says nothing about whether there was one.
	Oldest time.Time `json:"oldest,omitzero"`
	// Storage is the journal's.
	Storage Storage `json:"storage,omitempty"`
	// Notes are faults that did not end the reading: a damaged file, records lost.
	Notes []string `json:"notes,omitempty"`
}

// SourceName names a source.
type SourceName string

// The sources.
const (
	SourceKmsg    SourceName = "kmsg"    // the kernel's own buffer: the running boot, until it is overwritten
	SourceJournal SourceName = "journal" // systemd's: several boots where it is persistent
	SourceFiles   SourceName = "files"   // syslog's
)

var (
	errMounted   = errors.New("only the running host has it")
	errOtherBoot = errors.New("it holds the running boot only")
)

// Collect reads every source of the kernel's messages that a host has, at the same time,
// and makes one log of them. It never fails as a whole: each source says why it is missing.
func Collect(ctx context.Context, o SourceOptions) Collected {
	if o.Kmsg == "" {
		o.Kmsg = "/dev/kmsg"
	}
	if o.Root == "" {
		o.Root = "/"
	}
	c := Collected{}
	if live(o.Root) {
		c.Clock, _ = ReadBootClock() // what could not be read is empty, and says so
	}
	var (
		sources sync.WaitGroup
		kmsg    gathered
		journal gathered
		files   gathered
	)
	sources.Go(func() { kmsg = gatherKmsg(ctx, o, c.Clock) })
	sources.Go(func() { journal = gatherJournal(ctx, o, c.Clock) })
	sources.Go(func() { files = gatherFiles(ctx, o) })
	sources.Wait()

	files.log.Kills, c.Foreign = ownKills(files.log.Kills, provenFrom(kmsg, c.Clock), kmsg.log.Kills, journal.log.Kills)
	c.Sources = []Source{kmsg.source, journal.source, files.source}
	c.Boots = journal.boots
	all := Merge(present(journal, kmsg, files)...)
	trust(all.Kills, journal.log.Kills)
	order(all.Kills)
	span, known := spanOf(o.Boot, c.Boots, c.Clock)
	c.Log, c.OtherBoot = choose(all, span, known, o.Since)
	c.ThisBoot = emptyLog()
	if now, known := spanOf("0", nil, c.Clock); known {
		c.ThisBoot, _ = choose(all, now, known, time.Time{})
	}
	return c
}

// gathered is what one source gave.
type gathered struct {
	source Source
	log    Log
	boots  []Boot
}

// present gives the logs of the sources that were read.
func present(all ...gathered) []Log {
	var logs []Log
	for _, g := range all {
		if g.source.Err == nil || len(g.log.Kills) > 0 {
			logs = append(logs, g.log)
		}
	}
	return logs
}

// fail says why a source is missing.
func (g *gathered) fail(err error) {
	g.source.Err, g.source.Missing = err, err.Error()
}

// take keeps what a source gave, and why there is no more.
func (g *gathered) take(log Log, err error) {
	g.log, g.source.Kills = log, len(log.Kills)
	if err != nil {
		g.fail(err)
	}
}

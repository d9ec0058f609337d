package cli

import (
	"context"
	"errors"
	"time"

	"vmguard/pkg/host"
	"vmguard/pkg/human"
	"vmguard/pkg/journal"
	"vmguard/pkg/verdict"
)

const (
	// whyJournal is how long the reading of the engine's messages may take. It goes
	// backwards, so that the oldest are what is missing.
	whyJournal = 4 * time.Second
	// whyBefore is how long before the first sign of life the engine may speak of a container.
	whyBefore = time.Minute
)

// engineJournal reads what the engine's own log says of a container, from its oldest life
// that is still known on, where the engine runs on this machine and systemd started it.
func engineJournal(ctx context.Context, source journal.Source, facts *host.Facts, c host.Container) host.Fact[[]verdict.Line] {
	if facts.EngineHere.Known() && !facts.EngineHere.Value {
		return host.Missing[[]verdict.Line]("the engine runs on another machine, whose journal is not read here")
	}
	ctx, cancel := context.WithTimeout(ctx, whyJournal)
	defer cancel()
	log, err := source.EngineLog(ctx, c.ID, knownSince(c))
	switch {
	case errors.Is(err, journal.ErrAbsent):
		return host.Missing[[]verdict.Line]("there is no systemd journal here, and where else the engine logs only its starter knows")
	case errors.Is(err, journal.ErrSilent):
		return host.Missing[[]verdict.Line]("the journal holds no message of the engine's from that time, and where else it logs only its starter knows")
	case err != nil && len(log.Lines) == 0:
		return host.Missing[[]verdict.Line](err.Error())
	}
	lines := make([]verdict.Line, 0, len(log.Lines))
	for _, l := range log.Lines {
		lines = append(lines, verdict.Line{At: l.At, Text: l.Text, Source: "journal of " + l.Unit})
	}
	spelled := "journal of " + human.List(log.Units, len(log.Units))
	switch {
	case err != nil:
		spelled += ", its newest messages alone: " + err.Error()
	case log.More:
		spelled += ", its newest messages alone"
	}
	return host.Known(lines, spelled)
}

// knownSince is a minute before the first sign of the lives that are still known of a
// container; zero where there is none.
func knownSince(c host.Container) time.Time {
	signs := []time.Time{c.StartedAt, c.FinishedAt}
	for _, e := range c.Events {
		signs = append(signs, e.Time)
	}
	var first time.Time
	for _, at := range signs {
		if !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	if first.IsZero() {
		first = c.CreatedAt
	}
	if first.IsZero() {
		return time.Time{}
	}
	return first.Add(-whyBefore)
}

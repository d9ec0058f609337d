package oom

import (
	"errors"
	"time"
)

const (
	// summaryWaits is how long a lone summary waits for its kill line. The kernel writes
	// both in one go; the kill line is never left out, but it can be overwritten.
	summaryWaits = time.Second
	// followKept is how many kills a follower keeps for joining what comes late.
	followKept = 128
)

// errNotFollowed says that a log is none that grows.
var errNotFollowed = errors.New("not the kernel log's device")

// follower gives each kill of a log as soon as it is known. Its memory is bounded.
type follower struct {
	parser   Parser
	reported int  // how many of the parser's kills were given
	waits    bool // a summary waits for its kill line
	total    Log  // counts of the parsers before
}

// add takes the log's next record and gives the kills that are known now. waits tells
// that a summary waits for its kill line: expire gives it when that does not come.
func (f *follower) add(r Record) (ready []Kill, waits bool) {
	if f.parser.add(r) {
		ready, f.waits = f.due()
	}
	return ready, f.waits
}

// due gives the kills that are known and were not given yet.
func (f *follower) due() (ready []Kill, waits bool) {
	kills := f.parser.Log().Kills
	f.reported = min(f.reported, len(kills)) // one that was given was no kill after all
	for f.reported < len(kills) {
		kill := kills[f.reported]
		// The last one may be a summary whose kill line follows.
		if kill.TotalVM == nil && f.reported == len(kills)-1 {
			return ready, true
		}
		ready = append(ready, kill)
		f.reported++
	}
	f.renew()
	return ready, false
}

// expire gives the kills of which nothing more is waited for.
func (f *follower) expire() []Kill {
	f.waits = false
	kills := f.parser.Log().Kills
	f.reported = min(f.reported, len(kills))
	ready := kills[f.reported:]
	f.reported = len(kills)
	return ready
}

// renew forgets kills that were given. What a new parser does not know is the kills
// right before it: one of them that is logged once more would be given again.
func (f *follower) renew() {
	if f.reported < followKept {
		return
	}
	f.total = f.log()
	f.parser, f.reported = Parser{}, 0
}

// log gives the counts of all records, without the kills, which were given.
func (f *follower) log() Log {
	log := f.parser.Log()
	log.Records += f.total.Records
	log.Lost += f.total.Lost
	log.Malformed += f.total.Malformed
	log.Truncated = false // it does not start at boot, and was not meant to
	log.Kills = []Kill{}
	return log
}

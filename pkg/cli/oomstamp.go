package cli

import (
	"cmp"
	"fmt"
	"time"

	"vmguard/pkg/human"
)

// aheadSlack is how far two machines' clocks may differ, or a log's stamp be after its
// file's, without a word.
const aheadSlack = 5 * time.Minute

// stampNotes says what a log's stamps cannot mean, and what they do not tell.
func (o *oomOptions) stampNotes(r oomRead) []string {
	var notes []string
	end, what := cmp.Or(r.written, r.at), "now"
	if !r.written.IsZero() {
		what = "when the file was last written"
	}
	var newest time.Time
	for _, k := range r.log.Kills {
		newest = latest(newest, k.At)
	}
	if ahead := newest.Sub(end); !newest.IsZero() && ahead > aheadSlack {
		notes = append(notes, fmt.Sprintf("the stamps lie %s ahead of %s: their time zone is another (see --time-zone), or a clock is wrong", human.Duration(ahead), what))
	}
	switch {
	case !r.log.Yearless || o.file == "": // of a host's own files the times are right
	case r.written.IsZero():
		notes = append(notes, "the stamps name no year: it is taken from today's date")
	default:
		notes = append(notes, "the stamps name no year: it is taken from the time when the file was last written")
	}
	return notes
}

// foreignKills says why kills of syslog's files were left out.
func foreignKills(n int) string {
	return human.Count(n, "kill") + " in syslog's files left out: the kernel's own log covers their time and has no such kill, " +
		"so they are another machine's, or a program wrote them"
}

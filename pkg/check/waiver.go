package check

import (
	"strings"
	"time"

	"vmguard/pkg/finding"
)

// Waiver accepts findings of one check for a while.
type Waiver struct {
	ID      string // of the check
	Subject string // a pattern; "*" stands for any text
	Reason  string
	// Expires is the last day on which the waiver holds, at its midnight in UTC; the zero time
	// for one that does not end.
	Expires time.Time
	// File and Line say where the waiver stands.
	File string
	Line int
}

// waiver gives the first waiver that holds for a failure; nil where there is none.
func (p Policy) waiver(f finding.Finding) *Waiver {
	for i, w := range p.Waivers {
		if w.ID == f.ID && !w.expired(p.Now) && matches(w.Subject, f.Subject) {
			return &p.Waivers[i]
		}
	}
	return nil
}

const day = 24 * time.Hour

// expired tells that the waiver's last day is over, in UTC.
func (w Waiver) expired(now time.Time) bool {
	return !w.Expires.IsZero() && !now.Before(w.Expires.Add(day))
}

// daysLeft counts the days after today, in UTC, on which the waiver still holds; negative for
// days since its last. It makes no sense of a waiver that does not end.
func (w Waiver) daysLeft(now time.Time) int {
	return int(w.Expires.Sub(now.UTC().Truncate(day)) / day)
}

// lastDay spells when the waiver ends, as 2006-01-02; empty where it does not.
func (w Waiver) lastDay() string {
	if w.Expires.IsZero() {
		return ""
	}
	return w.Expires.Format(time.DateOnly)
}

// matches tells whether a pattern is a text's. "*" stands for any text, also for none and for one
// with slashes; everything else stands for itself, capitals and all.
func matches(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	first, rest := parts[0], parts[1:]
	text, ok := strings.CutPrefix(text, first)
	if !ok || len(rest) == 0 {
		return ok && text == ""
	}
	last := rest[len(rest)-1]
	// The leftmost place for each part leaves the most for those behind it.
	for _, part := range rest[:len(rest)-1] {
		if _, text, ok = strings.Cut(text, part); !ok {
			return false
		}
	}
	return strings.HasSuffix(text, last)
}

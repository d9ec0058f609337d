package finding

import (
	"cmp"
	"slices"
	"sort"
)

// Report is the findings of one run, in the order of Sort.
type Report []Finding

// Sort orders findings for a reader: by area, then failures by falling severity,
// then what is unknown, then the rest. Findings that tie keep the order in which
// the checks gave them.
func (r Report) Sort() {
	sort.SliceStable(r, func(i, j int) bool { return compare(&r[i], &r[j]) < 0 })
}

func compare(a, b *Finding) int {
	return cmp.Or(
		cmp.Compare(a.Area, b.Area),
		cmp.Compare(a.Status, b.Status),
		cmp.Compare(b.Severity, a.Severity),
	)
}

// Counts is how many findings of each kind a report holds.
type Counts struct {
	Critical int `json:"critical"`
	Warning  int `json:"warning"`
	Info     int `json:"info"`
	Unknown  int `json:"unknown"`
	// NotAssessable is how many findings an image cannot tell.
	NotAssessable int `json:"notAssessable"`
	// Waived is how many failures the policy accepts.
	Waived  int `json:"waived"`
	Pass    int `json:"pass"`
	Skipped int `json:"skipped"`
}

// Count counts the findings; failures count under their severity.
func (r Report) Count() Counts {
	var c Counts
	for _, f := range r {
		switch f.Status {
		case Fail:
			switch f.Severity {
			case Critical:
				c.Critical++
			case Warning:
				c.Warning++
			case Info:
				c.Info++
			}
		case Unknown:
			c.Unknown++
		case NotAssessable:
			c.NotAssessable++
		case Waived:
			c.Waived++
		case Pass:
			c.Pass++
		case Skipped:
			c.Skipped++
		}
	}
	return c
}

// Bad tells whether any finding failed at or above the given severity. It is the
// one rule behind the exit code 1: what is unknown is reported, but fails nothing.
func (r Report) Bad(failOn Severity) bool {
	return slices.ContainsFunc(r, func(f Finding) bool {
		return f.Status == Fail && f.Severity >= failOn
	})
}

// Next is the failing finding whose remedy a reader should type first: the most severe
// one, warning or worse, that has a command, earlier areas first. Nil where there is none.
func (r Report) Next() *Finding {
	var best *Finding
	for i, f := range r {
		if f.Status != Fail || f.Severity < Warning || f.Remedy == nil || f.Remedy.Command == "" {
			continue
		}
		if best == nil || f.Severity > best.Severity {
			best = &r[i]
		}
	}
	return best
}

package report

import (
	"strings"

	"vmguard/pkg/finding"
)

// outcome is what a check came to, of whatever subject.
type outcome struct {
	id       string
	status   finding.Status
	severity finding.Severity
}

func outcomeOf(f finding.Finding) outcome { return outcome{f.ID, f.Status, f.Severity} }

// entry is findings that say the same of several subjects, or for several checks.
type entry struct {
	finding.Finding
	subjects []string
	also     []string // the IDs of further checks
	before   string   // in a comparison, what was said before
}

// fold joins findings of one check that say the same of several subjects, at the place of
// the first, whose evidence and remedy are shown; and checks of one area that could not be
// decided, or that an image cannot tell, for the same reason.
func fold(findings finding.Report) []entry {
	var out []entry
	index := map[string]int{}
	for _, f := range findings {
		kind := f.ID + " " + f.Severity.String()
		if undecided(f) {
			kind = f.Area.String()
		}
		parts := []string{kind, f.Status.String(), f.Summary}
		if f.Waiver != nil {
			parts = append(parts, f.Waiver.Expires, f.Waiver.Reason)
		}
		key := strings.Join(parts, "\x00")
		i, ok := index[key]
		switch {
		case !ok:
			index[key] = len(out)
			out = append(out, entry{Finding: f, subjects: []string{f.Subject}})
		case out[i].ID == f.ID:
			out[i].subjects = append(out[i].subjects, f.Subject)
		default:
			out[i].also = append(out[i].also, f.ID)
		}
	}
	return out
}

// undecided tells the findings whose reason is often that of other checks too.
func undecided(f finding.Finding) bool {
	return (f.Status == finding.Unknown || f.Status == finding.NotAssessable) && f.Subject == finding.Host
}

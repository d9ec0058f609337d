package report

import (
	"strings"

	"vmguard/pkg/finding"
)

// group is what a page shows under one heading: the findings of one check with one outcome,
// or those of several checks that could not be decided for the same reason.
type group struct {
	finding.Finding // the first
	ids             []string
	all             finding.Report
}

// groupsOf groups the findings with one of the statuses, in their order.
func groupsOf(findings finding.Report, statuses ...finding.Status) []*group {
	var groups []*group
	index := map[string]*group{}
	wanted := map[finding.Status]bool{}
	for _, s := range statuses {
		wanted[s] = true
	}
	for _, f := range findings {
		if !wanted[f.Status] {
			continue
		}
		key := strings.Join([]string{f.Area.String(), f.Status.String(), f.Severity.String(), f.ID}, "\x00")
		if undecided(f) {
			key = strings.Join([]string{f.Area.String(), f.Status.String(), "", f.Summary}, "\x00")
		}
		g := index[key]
		if g == nil {
			g = &group{Finding: f}
			index[key] = g
			groups = append(groups, g)
		}
		if n := len(g.ids); n == 0 || g.ids[n-1] != f.ID {
			g.ids = append(g.ids, f.ID)
		}
		g.all = append(g.all, f)
	}
	return groups
}

// inArea picks the groups of one area.
func inArea(groups []*group, area finding.Area) []*group {
	var out []*group
	for _, g := range groups {
		if g.Area == area {
			out = append(out, g)
		}
	}
	return out
}

package report

import (
	"strconv"

	"github.com/fatih/color"

	"vmguard/pkg/finding"
)

// count is how many findings came to one thing, and what a reader calls it.
type count struct {
	n           int
	class, word string
	kept        bool // a reader looks for it even where it is 0
	color       color.Attribute
}

// mainCounts is how many of countsOf belong into a heading.
const mainCounts = 6

// countsOf gives the counts in the order of what a reader should see first.
func countsOf(c finding.Counts) []count {
	warnings := "warnings"
	if c.Warning == 1 {
		warnings = "warning"
	}
	return []count{
		{c.Critical, "critical", "critical", true, color.FgRed},
		{c.Warning, "warning", warnings, true, color.FgYellow},
		{c.Info, "info", "for information", false, 0},
		{c.Unknown, "unknown", "unknown", false, color.FgMagenta},
		{c.Waived, "waived", "waived", false, 0},
		{c.Pass, "pass", "fine", true, 0},
		{c.Skipped, "skipped", "not applicable", false, 0},
		{c.NotAssessable, "not-assessable", "not assessable in an image", false, 0},
	}
}

// countWords spells the counts that are to be seen.
func countWords(counts []count, style Style) []string {
	var parts []string
	for _, c := range counts {
		if c.n > 0 || c.kept {
			parts = append(parts, style.paintIf(c.n > 0 && c.color != 0, strconv.Itoa(c.n)+" "+c.word, c.color))
		}
	}
	return parts
}

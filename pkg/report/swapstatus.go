package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fatih/color"

	"vmguard/pkg/finding"
	"vmguard/pkg/human"
	"vmguard/pkg/swap"
)

// SwapStatus is the result of vmguard swap status, and the data of a SwapStatus document
// (docs/schema/swap-status.schema.json).
type SwapStatus struct {
	swap.Status
	// Problems are the findings about swap that failed or are unknown.
	Problems finding.Report `json:"problems"`
}

// SwapStatusJSON writes the status as a SwapStatus document.
func SwapStatusJSON(w io.Writer, s SwapStatus) error {
	if s.Areas == nil {
		s.Areas = []swap.AreaStatus{}
	}
	if s.Problems == nil {
		s.Problems = finding.Report{}
	}
	return JSON(w, "SwapStatus", s)
}

// SwapStatusText writes the status for a person: a table of the areas, or a paragraph for each where
// the table is too wide; what they add up to; what could not be found out; and the problems as vmguard
// doctor shows them.
func SwapStatusText(w io.Writer, s SwapStatus, style Style) error {
	p := page{style: style, detail: Problems, told: map[string]string{}}
	if len(s.Areas) > 0 {
		p.WriteString(renderAreas(s.Areas, style) + "\n")
	}
	p.WriteString(wrap(style.clean(swapSummary(s)), style.Width-2, "  ") + "\n")
	p.writeMakers(s.Areas)
	p.writeGaps(s)
	if len(s.Problems) == 0 {
		p.WriteString("no problems\n")
	} else {
		p.WriteString("\n" + style.paint("PROBLEMS", color.Bold) + "\n")
		for _, e := range fold(s.Problems, false) {
			p.writeEntry(e)
		}
	}
	if _, err := io.WriteString(w, p.String()); err != nil {
		return fmt.Errorf("write status: %w", err)
	}
	return nil
}

// renderAreas gives the table, or where a line of it would not fit, one paragraph an area.
func renderAreas(areas []swap.AreaStatus, style Style) string {
	table := [][]cell{headers("AREA", "TYPE", "SIZE", "USED", "PRIO", "ACTIVE", "PERSISTENT", "MODE", "FILESYSTEM")}
	for _, a := range areas {
		row := areaCells(a)
		for i := range row {
			row[i].text = style.command(row[i].text)
		}
		table = append(table, row)
	}
	plain := renderTable(table, Style{})
	for line := range strings.Lines(plain) {
		if utf8.RuneCountInString(strings.TrimRight(line, "\n")) > style.Width {
			return renderParagraphs(table, style)
		}
	}
	return renderTable(table, style)
}

// renderParagraphs writes each row of a table as a paragraph: the first cell on a line of its own, then
// the others after the names of their columns. What does not apply is left out.
func renderParagraphs(table [][]cell, style Style) string {
	var b strings.Builder
	for _, row := range table[1:] {
		b.WriteString(style.paint(row[0].text, color.Bold) + "\n")
		var parts []string
		for i, c := range row[1:] {
			if c.text != none {
				parts = append(parts, strings.ToLower(table[0][i+1].text)+" "+c.text)
			}
		}
		b.WriteString("  " + wrap(strings.Join(parts, ", "), style.Width-2, "  ") + "\n")
	}
	return b.String()
}

const (
	none       = "-" // does not apply
	notKnown   = "?"
	rootsAlone = 0o600
)

func areaCells(a swap.AreaStatus) []cell {
	name, used, priority := areaName(a), cell{text: none}, cell{text: none}
	if a.Active {
		used = cell{text: human.Bytes(a.Used)}
	}
	if a.Priority != nil {
		priority = cell{text: fmt.Sprint(*a.Priority)}
	}
	active := cell{"no", color.FgYellow}
	if a.Active {
		active = cell{text: "yes"}
	}
	return []cell{{text: name}, {text: string(a.Kind)}, sizeCell(a), used, priority, active, persistenceCell(a), modeCell(a), filesystemCell(a)}
}

// areaName is an area's name as the problems spell it.
func areaName(a swap.AreaStatus) string {
	switch {
	case a.Deleted:
		return a.Path + " (deleted)"
	case a.Spec != "":
		return a.Spec
	}
	return a.Path
}

func sizeCell(a swap.AreaStatus) cell {
	switch {
	case a.Size != nil:
		return cell{text: human.Bytes(*a.Size)}
	case a.Absent:
		return cell{text: none}
	}
	return cell{text: notKnown}
}

func persistenceCell(a swap.AreaStatus) cell {
	p := a.Persistence
	switch {
	case p.State == swap.PersistYes:
		return cell{text: p.How}
	case p.State == swap.PersistUnknown:
		return cell{text: notKnown}
	case p.How != "": // named, and yet not activated at boot
		return cell{"no: " + p.Why, color.FgYellow}
	}
	return cell{"no", color.FgYellow}
}

func modeCell(a swap.AreaStatus) cell {
	file := a.Permissions
	switch {
	case a.Kind != swap.KindFile || a.Absent:
		return cell{text: none}
	case !file.Known():
		return cell{text: notKnown}
	}
	owner := "root"
	if file.Value.UID != 0 {
		owner = fmt.Sprintf("uid %d", file.Value.UID)
	}
	text := fmt.Sprintf("%04o %s", file.Value.Mode, owner)
	if file.Value.UID != 0 || file.Value.Mode&^rootsAlone != 0 {
		return cell{text, color.FgRed}
	}
	return cell{text: text}
}

func filesystemCell(a swap.AreaStatus) cell {
	switch {
	case a.Kind != swap.KindFile || a.Absent:
		return cell{text: none}
	case !a.Filesystem.Known():
		return cell{text: notKnown}
	}
	return cell{text: a.Filesystem.Value}
}

// swapSummary says how much swap there is, how readily it is used, and how much memory it stands behind.
func swapSummary(s SwapStatus) string {
	var parts []string
	switch {
	case len(s.Areas) == 0:
		parts = append(parts, "no swap")
	case s.Total == 0:
		parts = append(parts, "no swap is active")
	default:
		parts = append(parts, fmt.Sprintf("swap: %s of %s used (%s)", human.Bytes(s.Used), human.Bytes(s.Total), human.Percent(s.Used, s.Total)))
	}
	if m := s.Memory; m.Known() {
		parts = append(parts, fmt.Sprintf("memory: %s of %s available", human.Bytes(m.Value.Available), human.Bytes(m.Value.Total)))
	} else {
		parts = append(parts, "memory: ? ("+m.Why()+")")
	}
	if v := s.Swappiness; v.Known() {
		parts = append(parts, fmt.Sprintf("vm.swappiness: %d", v.Value))
	} else {
		parts = append(parts, "vm.swappiness: ? ("+v.Why()+")")
	}
	return strings.Join(parts, "; ")
}

// writeMakers names the swapfiles that vmguard made.
func (p *page) writeMakers(areas []swap.AreaStatus) {
	var own []string
	for _, a := range areas {
		if a.Header.Known() && a.Header.Value.ByVmguard {
			own = append(own, p.style.command(areaName(a)))
		}
	}
	if len(own) > 0 {
		p.WriteString(wrap("made by vmguard: "+strings.Join(own, ", "), p.style.Width-2, "  ") + "\n")
	}
}

// writeGaps says what could not be found out, and why: a line for each area and reason. What a problem
// says already is left out.
func (p *page) writeGaps(s SwapStatus) {
	told := func(id string) bool {
		return slices.ContainsFunc(s.Problems, func(f finding.Finding) bool { return f.ID == id && f.Status == finding.Unknown })
	}
	saidBefore := map[string]bool{swap.GapPersistence: told("swap-persistent"), swap.GapPermissions: told("swap-permissions")}
	lead, indent := "  "+p.style.mark(markOf(finding.Unknown, 0))+" ", strings.Repeat(" ", 4)
	if !p.style.Wide {
		indent = strings.Repeat(" ", 7) // the mark's ASCII twin is longer
	}
	for _, a := range s.Areas {
		var reasons []string
		about := map[string][]string{}
		for _, gap := range a.Gaps() {
			if saidBefore[gap.What] {
				continue
			}
			if about[gap.Why] == nil {
				reasons = append(reasons, gap.Why)
			}
			what := gap.What
			if what == swap.GapHeader {
				what += " (label, UUID)"
			}
			about[gap.Why] = append(about[gap.Why], what)
		}
		for _, why := range reasons {
			text := areaName(a) + ": " + human.List(about[why], len(about[why])) + " unknown: " + why
			p.WriteString(lead + wrap(p.style.clean(text), p.style.Width-len(indent), indent) + "\n")
		}
	}
}

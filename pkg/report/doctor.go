package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/fatih/color"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
)

// Doctor is the result of vmguard doctor.
type Doctor struct {
	Version  string // of vmguard
	Facts    *host.Facts
	Findings finding.Report
	Took     time.Duration
	// Image is the directory of the image that was judged; empty for a running host.
	Image string
	// Policy names the policy that was judged by; empty for the default one.
	Policy string
	// FailOn is the least severity that fails the run; 0 where none does. The exit code goes by it,
	// and so does what a test report calls a failure.
	FailOn finding.Severity
	// Rules describe the checks that ran, in their order.
	Rules []Rule
}

// Rule describes a check to the readers of a report.
type Rule struct {
	ID, Title, Why, Rule, Fix string
	Area                      finding.Area
	Worst                     finding.Severity
}

// Detail is how much of a doctor's report is written as text.
type Detail int

// The details, least first.
const (
	Verdict  Detail = iota // the last two lines
	Problems               // what failed, what is unknown, and what is waived
	All                    // what passed, does not apply or cannot be told of an image as well
)

// DoctorText writes the report for a person: the host, the findings by area with the
// worst first, one line of verdict, and the next command to type. With evidence set,
// each finding shows what it was decided from.
func DoctorText(w io.Writer, d Doctor, style Style, detail Detail, evidence bool) error {
	p := page{style: style, detail: detail, evidence: evidence, told: map[string]string{}}
	if detail > Verdict {
		p.WriteString(wrap(style.clean(headline(d)), style.Width-2, "  ") + "\n")
		entries := fold(d.Findings, evidence)
		for _, area := range finding.Areas() {
			p.writeArea(area, entries)
		}
		p.WriteByte('\n')
	}
	p.WriteString(verdict(d, style, detail))
	if next := d.Findings.Next(); next != nil {
		p.writeNext(next.Remedy.Command, d.ofImage())
	}
	if _, err := io.WriteString(w, p.String()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// page is a doctor's report in the making.
type page struct {
	strings.Builder
	style    Style
	detail   Detail
	evidence bool
	told     map[string]string // the commands given so far, and for which check
}

// writeNext writes what to type first, and where: it mends what was judged.
func (p *page) writeNext(command string, inImage bool) {
	label := "next:"
	if inImage {
		label = "next, in the image:"
	}
	p.WriteString(p.style.paint(label, color.Bold) + " " + p.style.command(command) + "\n")
}

func (p *page) writeArea(area finding.Area, all []entry) {
	var entries []entry
	for _, e := range all {
		shown := e.Status == finding.Fail || e.Status == finding.Unknown || e.Status == finding.Waived || p.detail == All
		if e.Area == area && shown {
			entries = append(entries, e)
		}
	}
	if len(entries) == 0 {
		return
	}
	p.WriteString("\n" + p.style.paint(strings.ToUpper(area.String()), color.Bold) + "\n")
	total, told := map[outcome]int{}, map[outcome]int{}
	for _, e := range entries {
		total[outcomeOf(e.Finding)]++
	}
	for _, e := range entries {
		o := outcomeOf(e.Finding)
		told[o]++
		switch {
		case told[o] <= linesPerCheck || p.detail == All:
			p.writeEntry(e)
		case told[o] == total[o]:
			fmt.Fprintf(p, "    %s: %d more like these (--all lists all)\n", p.style.name(e.ID), total[o]-linesPerCheck)
		}
	}
}

// linesPerCheck bounds what one check may say in a report, so that a host with a
// hundred containers can still be read.
const linesPerCheck = 4

const (
	idColumn    = 27 // as long as the longest ID
	subjectsMax = 5
	narrow      = 80 // below this width the text starts on a line of its own
)

// writeEntry writes one entry: its mark and ID, and what it says in a column of its own.
func (p *page) writeEntry(e entry) {
	mark := p.style.mark(markOf(e.Status, e.Severity))
	lead := 4
	if !p.style.Wide {
		lead = 7
	}
	id := p.style.name(e.ID) // of a comparison, it comes out of a file
	head, indent := fmt.Sprintf("%-*s ", idColumn, id), strings.Repeat(" ", lead+idColumn+1)
	if p.style.Width < narrow {
		indent = strings.Repeat(" ", lead)
		head = id + "\n" + indent
	}
	width := max(p.style.Width-len(indent), 30)
	text := e.Summary
	if e.Subject != finding.Host {
		names := make([]string, len(e.subjects))
		for i, s := range e.subjects {
			names[i] = p.style.name(s)
		}
		text = human.List(names, subjectsMax) + ": " + text
	}
	if e.Waiver != nil {
		text += " (" + waiverWords(*e.Waiver) + ")"
	}
	if len(e.also) > 0 {
		text += " (" + human.Count(len(e.also)+1, "check") + ": also " + strings.Join(e.also, ", ") + ")"
	}
	text = wrap(p.style.clean(text), width, indent)
	if e.Status == finding.Waived {
		text = p.style.paint(text, color.Faint)
	}
	p.WriteString("  " + mark + " " + head + text + "\n")
	if e.before != "" {
		p.WriteString(indent + p.style.paint(wrap(p.style.clean("before: "+e.before), width-2, indent+"  "), color.Faint) + "\n")
	}
	if p.evidence {
		p.writeEvidence(e, indent, width)
	}
	if e.Status == finding.Fail && e.Remedy != nil {
		p.writeRemedy(e, indent, width)
	}
}

func (p *page) writeEvidence(e entry, indent string, width int) {
	for _, seen := range e.Evidence {
		line := "seen: " + seen.Source + ": " + seen.Got
		if seen.Want != "" {
			line += " (wanted: " + seen.Want + ")"
		}
		p.WriteString(indent + p.style.paint(wrap(p.style.clean(line), width-2, indent+"  "), color.Faint) + "\n")
	}
}

// writeRemedy writes the sentence wrapped, and the command on a line of its own and
// unwrapped, so that it can be copied. A command that was given before is not given again.
func (p *page) writeRemedy(e entry, indent string, width int) {
	text, command := "fix: "+e.Remedy.Text, e.Remedy.Command
	if e.each {
		text += " (here for the first; likewise for the others)"
	}
	switch by := p.told[command]; {
	case command == "":
	case by != "":
		text, command = "fix: the command above, for "+by, ""
	default:
		p.told[command] = e.ID
		text += ":"
	}
	deeper := indent + "     "
	p.WriteString(indent + wrap(p.style.clean(text), width-5, deeper) + "\n")
	if command != "" {
		p.WriteString(deeper + p.style.paint(p.style.command(command), color.Bold) + "\n")
	}
}

package report

import (
	"cmp"
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
	Problems               // what failed and what is unknown
	All                    // what passed and what does not apply as well
)

// doctorJSON is the data of a DoctorReport document (docs/schema/doctor-report.schema.json).
type doctorJSON struct {
	Version     string         `json:"vmguardVersion"`
	CollectedAt time.Time      `json:"collectedAt"`
	Took        int64          `json:"tookMilliseconds"`
	Host        hostJSON       `json:"host"`
	Counts      finding.Counts `json:"counts"`
	Findings    finding.Report `json:"findings"`
}

// hostJSON is what the report was made on; what is not known is left out.
type hostJSON struct {
	Hostname       string `json:"hostname,omitempty"`
	OS             string `json:"os,omitempty"`
	Kernel         string `json:"kernel,omitempty"`
	Arch           string `json:"arch,omitempty"`
	Virtualisation string `json:"virtualisation,omitempty"`
	Container      string `json:"container,omitempty"`
	Cloud          string `json:"cloud,omitempty"`
	Memory         uint64 `json:"memoryBytes,omitempty"`
	Cgroup         string `json:"cgroupVersion,omitempty"`
	Docker         string `json:"dockerVersion,omitempty"`
	Containers     *int   `json:"containers,omitempty"`
}

// DoctorJSON writes the report as a DoctorReport document.
func DoctorJSON(w io.Writer, d Doctor) error {
	f := d.Facts
	h := hostJSON{
		Hostname: f.System.Value.Hostname, OS: f.System.Value.OS, Kernel: f.System.Value.Kernel, Arch: f.System.Value.Arch,
		Virtualisation: f.System.Value.Virtualisation, Container: f.System.Value.Container, Cloud: string(f.Cloud.Value.Provider),
		Memory: f.Memory.Value.Total, Cgroup: f.Cgroup.Value.Version, Docker: f.Docker.Value.Version,
	}
	if f.Containers.Known() {
		n := len(f.Containers.Value)
		h.Containers = &n
	}
	findings := d.Findings
	if findings == nil {
		findings = finding.Report{}
	}
	return JSON(w, "DoctorReport", doctorJSON{
		Version: d.Version, CollectedAt: f.CollectedAt, Took: d.Took.Milliseconds(), Host: h, Counts: findings.Count(), Findings: findings,
	})
}

// DoctorText writes the report for a person: the host, the findings by area with the
// worst first, one line of verdict, and the next command to type. With evidence set,
// each finding shows what it was decided from.
func DoctorText(w io.Writer, d Doctor, style Style, detail Detail, evidence bool) error {
	p := page{style: style, detail: detail, evidence: evidence, told: map[string]string{}}
	if detail > Verdict {
		p.WriteString(wrap(style.clean(headline(d)), style.Width-2, "  ") + "\n")
		for _, area := range finding.Areas() {
			p.writeArea(d, area)
		}
		p.WriteByte('\n')
	}
	p.WriteString(verdict(d, style, detail))
	if next := d.Findings.Next(); next != nil {
		p.WriteString(style.paint("next:", color.Bold) + " " + style.command(next.Remedy.Command) + "\n")
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

// headline says what the report was made on.
func headline(d Doctor) string {
	f := d.Facts
	var parts []string
	add := func(known bool, part string) {
		if known && part != "" {
			parts = append(parts, part)
		}
	}
	system := f.System.Value
	add(f.System.Known(), system.OS)
	add(f.System.Known(), "kernel "+system.Kernel)
	add(f.Cloud.Known(), machine(f.Cloud.Value))
	add(f.Memory.Known(), human.Bytes(f.Memory.Value.Total)+" RAM")
	add(f.Docker.Known(), fmt.Sprintf("Docker %s (cgroup v%s)", f.Docker.Value.Version, f.Docker.Value.CgroupVersion))
	add(f.Containers.Known(), human.Count(len(f.Containers.Value), "container"))
	add(system.Container != "", "inside a container ("+system.Container+")")
	return fmt.Sprintf("vmguard %s on %s: %s", d.Version, cmp.Or(system.Hostname, "a host without a name"), strings.Join(parts, ", "))
}

// machine names the cloud or the machine's maker, and the product where that says more.
func machine(c host.Cloud) string {
	if strings.Contains(c.Name, c.Product) {
		return c.Name
	}
	return c.Name + " " + c.Product
}

func (p *page) writeArea(d Doctor, area finding.Area) {
	var entries []entry
	for _, e := range fold(d.Findings) {
		shown := e.Status == finding.Fail || e.Status == finding.Unknown || p.detail == All
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
			fmt.Fprintf(p, "    %s: %d more like these: vmguard doctor --all --only %s\n", e.ID, total[o]-linesPerCheck, e.ID)
		}
	}
}

// outcome is what a check came to, of whatever subject.
type outcome struct {
	id       string
	status   finding.Status
	severity finding.Severity
}

func outcomeOf(f finding.Finding) outcome { return outcome{f.ID, f.Status, f.Severity} }

// linesPerCheck bounds what one check may say in a report, so that a host with a
// hundred containers can still be read.
const linesPerCheck = 4

// entry is findings that say the same of several subjects, or for several checks.
type entry struct {
	finding.Finding
	subjects []string
	also     []string // the IDs of further checks
}

// fold joins findings of one check that say the same of several subjects, at the place of
// the first, whose evidence and remedy are shown; and checks of one area that could not be
// decided for the same reason.
func fold(findings finding.Report) []entry {
	var out []entry
	index := map[string]int{}
	for _, f := range findings {
		kind := f.ID + " " + f.Severity.String()
		if f.Status == finding.Unknown && f.Subject == finding.Host {
			kind = f.Area.String()
		}
		key := strings.Join([]string{kind, f.Status.String(), f.Summary}, "\x00")
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
	head, indent := fmt.Sprintf("%-*s ", idColumn, e.ID), strings.Repeat(" ", lead+idColumn+1)
	if p.style.Width < narrow {
		indent = strings.Repeat(" ", lead)
		head = e.ID + "\n" + indent
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
	if len(e.also) > 0 {
		text += " (" + human.Count(len(e.also)+1, "check") + ": also " + strings.Join(e.also, ", ") + ")"
	}
	p.WriteString("  " + mark + " " + head + wrap(p.style.clean(text), width, indent) + "\n")
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
	switch by := p.told[command]; {
	case command == "":
	case by != "":
		text, command = "fix: the command above, for "+by, ""
	default:
		p.told[command] = e.ID
		if len(e.subjects) > 1 {
			text += " (here for the first; likewise for the others)"
		}
		text += ":"
	}
	deeper := indent + "     "
	p.WriteString(indent + wrap(p.style.clean(text), width-5, deeper) + "\n")
	if command != "" {
		p.WriteString(deeper + p.style.paint(p.style.command(command), color.Bold) + "\n")
	}
}

// countChecks counts checks, not findings: a hundred containers without a limit are one
// thing to mend. A check counts once for each severity with which it failed and once for
// being unknown of something; as fine or not applicable only where it was nothing else.
func countChecks(findings finding.Report) finding.Counts {
	var distinct finding.Report
	seen := map[outcome]bool{}
	told := map[string]finding.Status{}
	for _, f := range findings {
		if best, ok := told[f.ID]; !ok || f.Status < best {
			told[f.ID] = f.Status
		}
	}
	for _, f := range findings {
		o := outcomeOf(f)
		hidden := f.Status >= finding.Pass && told[f.ID] < f.Status
		if !seen[o] && !hidden {
			seen[o] = true
			distinct = append(distinct, f)
		}
	}
	return distinct.Count()
}

// verdict is the one line that counts it all.
func verdict(d Doctor, style Style, detail Detail) string {
	c := countChecks(d.Findings)
	parts := []string{
		style.paintIf(c.Critical > 0, fmt.Sprintf("%d critical", c.Critical), color.FgRed),
		style.paintIf(c.Warning > 0, human.Count(c.Warning, "warning"), color.FgYellow),
	}
	if c.Info > 0 {
		parts = append(parts, fmt.Sprintf("%d for information", c.Info))
	}
	if c.Unknown > 0 {
		parts = append(parts, style.paint(fmt.Sprintf("%d unknown", c.Unknown), color.FgMagenta))
	}
	parts = append(parts, fmt.Sprintf("%d fine", c.Pass))
	if c.Skipped > 0 {
		parts = append(parts, fmt.Sprintf("%d not applicable", c.Skipped))
	}
	line := strings.Join(parts, ", ")
	if detail == Problems && c.Pass > 0 {
		line += " (vmguard doctor --all lists all)"
	}
	return wrap(line+", in "+human.Duration(d.Took), style.Width-2, "  ") + "\n"
}

func (s Style) paintIf(on bool, text string, attributes ...color.Attribute) string {
	if !on {
		return text
	}
	return s.paint(text, attributes...)
}

package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/fatih/color"

	"vmguard/pkg/finding"
	"vmguard/pkg/human"
	"vmguard/pkg/oom"
)

const (
	// killsShown and groupsShown bound what is listed where not all is asked for.
	killsShown  = 20
	groupsShown = 20
	// commsShown is how many names of processes stand for a group's.
	commsShown = 4
)

// OOMText writes the result for a person: how many kills and the last of them, who was
// killed how often and by which limit, what is not known, each kill, and what was read.
// verbose lists all kills, and how memory stood at each.
func OOMText(w io.Writer, r OOM, style Style, verbose bool) error {
	p := oomPage{oomWords: oomWords{style, r.At}, report: r, verbose: verbose}
	p.sentence("", p.headline(), color.Bold)
	p.groups()
	for _, note := range r.Notes {
		p.sentence("note: ", style.clean(note))
	}
	p.unknown()
	p.kills()
	p.sources()
	if _, err := io.WriteString(w, p.String()); err != nil {
		return fmt.Errorf("write kills: %w", err)
	}
	return nil
}

// oomPage is the text that is being written.
type oomPage struct {
	strings.Builder
	oomWords
	report  OOM
	verbose bool
}

// sentence writes a wrapped line.
func (p *oomPage) sentence(label, text string, attributes ...color.Attribute) {
	text = wrap(label+text, p.style.Width-2, "  ")
	if len(attributes) > 0 {
		text = p.style.paint(text, attributes...)
	}
	p.WriteString(text + "\n")
}

// headline says how many kills there are. That there is none is said only where all was looked at.
func (p *oomPage) headline() string {
	r := p.report
	of := ""
	if r.Asked.Container != "" {
		of = " in container " + p.style.name(r.Asked.Container)
	}
	period := p.period()
	switch {
	case r.Total > 0:
		text := human.Count(r.Total, "OOM kill") + of + period
		if len(r.Groups) > 0 && !r.Groups[0].Last.IsZero() {
			text += ", the last " + human.Ago(r.At.Sub(r.Groups[0].Last))
		}
		if !r.Complete {
			text += "; there may be more"
		}
		return text
	case r.Complete:
		return "no OOM kill" + of + period
	}
	return "no OOM kill" + of + " found" + period + ", but not all could be looked at"
}

// period says which time was asked for.
func (p *oomPage) period() string {
	a := p.report.Asked
	var text string
	switch {
	case a.File == "-":
		text = " in standard input"
	case a.File != "":
		text = " in " + p.style.command(a.File)
	case a.Boot == "0":
		text = " since boot"
	case a.Boot != oom.AllBoots:
		text = " in boot " + p.style.name(a.Boot)
	case a.Since.IsZero():
		text = " on record"
	}
	if !a.Since.IsZero() {
		text += " since " + p.clock(a.Since)
	}
	return text
}

// groups writes the summary.
func (p *oomPage) groups() {
	groups := p.report.Groups
	shown := groups
	if !p.verbose {
		shown = groups[:min(groupsShown, len(groups))]
	}
	for _, g := range shown {
		p.WriteString("  " + wrap(p.group(g), p.style.Width-4, "    ") + "\n")
	}
	if more := len(groups) - len(shown); more > 0 {
		fmt.Fprintf(p, "  and %s more (-v lists them)\n", human.Count(more, "victim"))
	}
}

func (p *oomPage) group(g OOMGroup) string {
	comms := make([]string, len(g.Comms))
	for i, comm := range g.Comms {
		comms[i] = p.style.name(comm)
	}
	text := human.Count(g.Kills, "kill") + ": " + human.List(comms, commsShown)
	if owner := p.owner(g.Victim); owner != "" {
		text += " in " + owner
	}
	parts := []string{text, p.limiter(g.Limiter)}
	if !g.Last.IsZero() {
		parts = append(parts, "last "+human.Ago(p.at.Sub(g.Last)))
	}
	if g.Memory != nil {
		most := ""
		if g.Kills > 1 {
			most = "up to "
		}
		parts = append(parts, most+human.Bytes(*g.Memory)+" in RAM at death")
	}
	if need := p.need(g.Need); need != "" {
		parts = append(parts, need)
	}
	return strings.Join(parts, "; ")
}

// unknown lists what could not be found out.
func (p *oomPage) unknown() {
	lead := "  " + p.style.mark(markOf(finding.Unknown, 0)) + " "
	indent := strings.Repeat(" ", 4)
	if !p.style.Wide {
		indent = strings.Repeat(" ", 7) // the mark's ASCII twin is longer
	}
	for _, text := range p.report.Unknown {
		p.WriteString(lead + wrap(p.style.clean(text), p.style.Width-len(indent), indent) + "\n")
	}
}

// kills writes each kill, the newest first.
func (p *oomPage) kills() {
	kills := p.report.Kills
	if len(kills) == 0 {
		return
	}
	p.WriteString("\n" + p.style.paint("KILLS", color.Bold) + "\n")
	shown := kills
	if !p.verbose {
		shown = kills[:min(killsShown, len(kills))]
	}
	for _, k := range shown {
		p.WriteString(p.killParagraph(k, p.verbose))
	}
	if more := len(kills) - len(shown); more > 0 {
		fmt.Fprintf(p, "and %s before (-v lists all)\n", human.Count(more, "kill"))
	}
}

// sources says what was read, and how far back each reaches.
func (p *oomPage) sources() {
	p.WriteString("\n" + p.style.paint("READ", color.Bold) + "\n")
	for _, s := range p.report.Sources {
		p.WriteString("  " + wrap(p.source(s), p.style.Width-4, "    ") + "\n")
		for _, note := range s.Notes {
			p.WriteString("    " + wrap(p.style.clean(note), p.style.Width-6, "      ") + "\n")
		}
	}
}

func (p *oomPage) source(s oom.Source) string {
	text := p.style.command(s.Where) + ": "
	switch {
	case s.Missing != "" && s.Kills == 0:
		return text + "not read: " + p.style.clean(s.Missing)
	case s.Missing != "":
		return text + human.Count(s.Kills, "kill") + ", not read to the end: " + p.style.clean(s.Missing)
	}
	text += human.Count(s.Kills, "kill")
	if !s.Oldest.IsZero() {
		text += ", begins " + p.clock(s.Oldest)
	}
	if s.Storage == oom.StorageVolatile {
		text += "; it is kept in memory only, and lost at reboot"
	}
	return text
}

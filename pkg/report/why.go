package report

import (
	"cmp"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fatih/color"

	"vmguard/pkg/docker"
	"vmguard/pkg/human"
	verdicts "vmguard/pkg/verdict"
)

// Why is the result of vmguard why, and the data of a WhyReport document
// (docs/schema/why-report.schema.json).
type Why struct {
	Version string `json:"vmguardVersion"`
	// At is when everything was read. In text, times are spelled in its time zone.
	At        time.Time    `json:"collectedAt"`
	Container WhyContainer `json:"container"`
	verdicts.Report
	// Earlier is how many deaths are on record that Deaths leaves out.
	Earlier int `json:"earlierDeaths"`
	// Namesakes are removed containers that had the name before, the newest death first.
	Namesakes []Namesake `json:"earlierContainers,omitempty"`
	// Witnesses are what was asked, and what each said or why it said nothing.
	Witnesses []Witness `json:"witnesses"`
}

// WhyContainer is which container the verdicts are on.
type WhyContainer struct {
	ID           string `json:"id"`
	Name         string `json:"name,omitempty"`  // empty where only the kernel's log knows of it
	Image        string `json:"image,omitempty"` // likewise
	State        string `json:"state"`           // the engine's word, or "removed"
	RestartCount int    `json:"restartCount"`
}

// Namesake is a removed container that had the same name, and of whose death the engine's events still tell.
type Namesake struct {
	ID       string    `json:"id"`
	Image    string    `json:"image,omitempty"`
	Died     time.Time `json:"diedAt"`
	ExitCode *int      `json:"exitCode,omitempty"` // nil where not known
}

// Witness is one thing that was asked about a container.
type Witness struct {
	What    string `json:"what"`
	Source  string `json:"source,omitempty"`  // where it was read
	Missing string `json:"missing,omitempty"` // why it was not
}

// WhyJSON writes the verdicts as a WhyReport document.
func WhyJSON(w io.Writer, r Why) error {
	if r.Deaths == nil {
		r.Deaths = []verdicts.Death{}
	}
	if r.Witnesses == nil {
		r.Witnesses = []Witness{}
	}
	return JSON(w, "WhyReport", r)
}

// WhyText writes the verdicts for a person: each with its age and how sure it is, then
// what happened, why it was nothing else, and what mends it. verbose adds the evidence,
// the whole timeline and what was asked.
func WhyText(w io.Writer, r Why, style Style, verbose bool) error {
	p := whyPage{style: style, report: r, verbose: verbose}
	p.write()
	if _, err := io.WriteString(w, p.String()); err != nil {
		return fmt.Errorf("write verdict: %w", err)
	}
	return nil
}

// whyPage is the text that is being written.
type whyPage struct {
	strings.Builder
	style   Style
	report  Why
	verbose bool
}

// name is how the container is called in sentences.
func (p *whyPage) name() string {
	c := p.report.Container
	return p.style.name(cmp.Or(c.Name, c.ID[:min(12, len(c.ID))]))
}

// ask is how the container is named on a command line.
func (p *whyPage) ask() string {
	c := p.report.Container
	return human.ShellWord(cmp.Or(c.Name, c.ID[:min(12, len(c.ID))]))
}

// write writes the parts, with an empty line between two.
func (p *whyPage) write() {
	if p.report.Container.State == docker.StateRemoved {
		p.paragraph(p.name() + " is removed; this is what is still on record of it.")
	}
	p.loop()
	p.running()
	for _, d := range p.report.Deaths {
		p.death(d)
	}
	p.unmatched()
	if n := p.report.Earlier; n > 0 {
		p.paragraph(fmt.Sprintf("%s on record: vmguard why %s --all", earlier(n), p.ask()))
	}
	p.namesakes()
	if p.verbose {
		p.witnesses()
	}
}

// loop says that the container died again and again, and what became of it.
func (p *whyPage) loop() {
	l := p.report.Loop
	if l == nil {
		return
	}
	c := p.report.Container
	text := fmt.Sprintf("%s died %d times in %s", p.name(), l.Deaths, human.Duration(l.Last.Sub(l.First)))
	switch {
	case c.State == "restarting":
		text += ", and is restarting"
	case p.report.Running != nil:
		text += ", and runs again"
	case c.State != docker.StateRemoved:
		text += ", and does not run"
	}
	if c.RestartCount >= l.Deaths {
		text += fmt.Sprintf("; the engine has restarted it %d times in all", c.RestartCount)
	}
	p.paragraph(text + ".")
}

// namesakes says which container had the name before: its death may be the one that is meant.
func (p *whyPage) namesakes() {
	all := p.report.Namesakes
	if len(all) == 0 {
		return
	}
	id := all[0].ID[:min(12, len(all[0].ID))]
	text := fmt.Sprintf("an earlier container of this name (%s) died %s", id, human.Ago(p.report.At.Sub(all[0].Died)))
	if n := len(all) - 1; n > 0 {
		text += fmt.Sprintf(", and %d before it", n)
	}
	p.paragraph(text + ":")
	p.WriteString("     " + p.style.paint(p.style.command("vmguard why "+human.ShellWord(id)), color.Bold) + "\n")
}

func earlier(n int) string {
	if n == 1 {
		return "1 earlier death is"
	}
	return fmt.Sprintf("%d earlier deaths are", n)
}

// paragraph writes a sentence, wrapped, and parts it from what stands before it.
func (p *whyPage) paragraph(text string) {
	p.part()
	p.labelled("", text)
}

// part begins a new part of the page.
func (p *whyPage) part() {
	if p.Len() > 0 {
		p.WriteByte('\n')
	}
}

func (p *whyPage) labelled(label, text string) {
	p.WriteString(wrap(p.style.clean(shorten(label+text)), p.style.Width, "  ") + "\n")
}

// running writes how a container that runs is, and what befell it.
func (p *whyPage) running() {
	r := p.report.Running
	switch {
	case r == nil && len(p.report.Deaths) == 0 && p.report.Earlier == 0:
		p.paragraph(p.name() + p.noDeath())
		return
	case r == nil:
		return
	}
	for i, v := range r.Verdicts {
		p.part()
		p.headline(p.name()+" runs: "+v.Summary, v.Confidence)
		if i == len(r.Verdicts)-1 {
			p.timeline(r.Timeline)
		}
		p.reasons(v)
	}
	state := p.name() + " runs"
	if !r.Started.IsZero() {
		state += " for " + human.Duration(max(0, p.report.At.Sub(r.Started)))
	}
	if len(p.report.Deaths) == 0 && p.report.Earlier == 0 {
		state += ", and no death of it is on record"
	}
	p.paragraph(state + "; memory " + r.Memory)
}

func (p *whyPage) noDeath() string {
	switch p.report.Container.State {
	case "created":
		return " has never run."
	case docker.StateRemoved:
		return ": no death of it is on record."
	}
	return " does not run, and no death of it is on record."
}

// death writes one death.
func (p *whyPage) death(d verdicts.Death) {
	p.part()
	head := p.name() + ": "
	if !d.At.IsZero() {
		head = p.name() + " died " + human.Ago(p.report.At.Sub(d.At)) + ": "
	}
	p.headline(head+d.Verdict.Summary, d.Verdict.Confidence)
	p.timeline(d.Timeline)
	p.reasons(d.Verdict)
}

// headline writes the verdict, with how sure it is at the end of the line where there is
// room, and else behind it.
func (p *whyPage) headline(text string, sure verdicts.Confidence) {
	word := string(sure)
	if sure == verdicts.None {
		word = "not known"
	}
	text = p.style.clean(shorten(text))
	width := min(p.style.Width, 100)
	if n := utf8.RuneCountInString(text) + 2 + len(word); n <= width {
		p.WriteString(p.style.paint(text, color.Bold) + strings.Repeat(" ", width-n+2) + p.style.paint(word, colorOf(sure)) + "\n")
		return
	}
	p.WriteString(p.style.paint(wrap(text+" ("+strings.ReplaceAll(word, " ", noBreak)+")", p.style.Width-2, "  "), color.Bold) + "\n")
}

func colorOf(sure verdicts.Confidence) color.Attribute {
	switch sure {
	case verdicts.Certain:
		return color.FgGreen
	case verdicts.Likely:
		return color.FgCyan
	case verdicts.Possible:
		return color.FgYellow
	}
	return color.FgMagenta
}

// momentsShown bounds a timeline that is not asked for in full; the newest are shown.
const momentsShown = 10

// timeline writes what happened, each line with its time and its source.
func (p *whyPage) timeline(all []verdicts.Moment) {
	shown := all
	if len(all) > momentsShown && !p.verbose {
		shown = all[len(all)-momentsShown:]
	}
	if len(shown) == 0 {
		return
	}
	p.WriteByte('\n')
	if n := len(all) - len(shown); n > 0 {
		fmt.Fprintf(p, "  %d earlier (-v shows them)\n", n)
	}
	layout := p.clock(shown)
	texts, widest, source := make([]string, len(shown)), 0, 0
	for i, m := range shown {
		texts[i] = p.style.clean(shorten(m.Text))
		widest = max(widest, utf8.RuneCountInString(texts[i]))
		source = max(source, utf8.RuneCountInString(p.style.name(m.Source)))
	}
	indent := strings.Repeat(" ", len(layout)+4)
	column := min(widest, p.style.Width-len(indent)-2-source)
	for i, m := range shown {
		when := "  " + m.At.In(p.report.At.Location()).Format(layout) + "  "
		if column < 36 && column < widest { // no room for a column of sources
			p.WriteString(when + wrap(texts[i]+" ("+p.style.name(m.Source)+")", max(20, p.style.Width-len(indent)), indent) + "\n")
			continue
		}
		first, rest, more := strings.Cut(wrap(texts[i], column, indent), "\n")
		p.WriteString(when + first + strings.Repeat(" ", max(0, column-utf8.RuneCountInString(first))+2) + p.style.paint(p.style.name(m.Source), color.Faint) + "\n")
		if more {
			p.WriteString(rest + "\n")
		}
	}
}

// clock is the form of a timeline's times: with the date where they are not all of one
// day, or that is not the day of the report.
func (p *whyPage) clock(moments []verdicts.Moment) string {
	zone := p.report.At.Location()
	for _, m := range moments {
		if m.At.In(zone).Format(time.DateOnly) != p.report.At.Format(time.DateOnly) {
			return time.DateTime
		}
	}
	return time.TimeOnly
}

// reasons writes what follows a timeline: why it was nothing else, notes, what mends it.
func (p *whyPage) reasons(v verdicts.Verdict) {
	p.WriteByte('\n')
	if p.verbose {
		for _, e := range v.Evidence {
			p.WriteString(p.style.paint(wrap(p.style.clean("seen: "+e.Source+": "+e.Got), p.style.Width, "  "), color.Faint) + "\n")
		}
	}
	if len(v.Against) > 0 {
		label := "why not something else: "
		if v.Kind == verdicts.Unknown {
			label = "what was looked at: "
		}
		p.labelled(label, strings.Join(v.Against, "; "))
	}
	for _, n := range v.Notes {
		p.labelled("note: ", n)
	}
	for i, r := range v.Remedies {
		label := "fix: "
		if i > 0 {
			label = "or: "
		}
		if r.Command == "" {
			p.labelled(label, r.Text)
			continue
		}
		p.labelled(label, r.Text+":")
		p.WriteString("     " + p.style.paint(p.style.command(r.Command), color.Bold) + "\n")
	}
}

// unmatched writes the kills that belong to no life that is known.
func (p *whyPage) unmatched() {
	if len(p.report.Unmatched) == 0 {
		return
	}
	p.paragraph("OOM kills in it that belong to no life that is still on record:")
	var dated []verdicts.Moment
	for _, m := range p.report.Unmatched {
		if m.At.IsZero() {
			p.labelled("  without a date: ", m.Text)
			continue
		}
		dated = append(dated, m)
	}
	p.timeline(dated)
}

// witnesses writes what was asked.
func (p *whyPage) witnesses() {
	p.part()
	for _, w := range p.report.Witnesses {
		text := "read: " + w.What + ": " + w.Source
		if w.Source == "" {
			text = "not read: " + w.What + ": " + w.Missing
		}
		p.WriteString(p.style.paint(wrap(p.style.clean(text), p.style.Width, "  "), color.Faint) + "\n")
	}
}

// longID finds a container's ID, which tells a reader no more than its beginning does.
var longID = regexp.MustCompile(`[0-9a-f]{64}`)

// shorten cuts the IDs in a sentence to the twelve digits that docker ps shows.
func shorten(text string) string {
	return longID.ReplaceAllStringFunc(text, func(id string) string { return id[:12] })
}

package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/fatih/color"

	"vmguard/pkg/finding"
	"vmguard/pkg/human"
)

// changeWords is what a comparison calls a kind of change: over its list, and in the line that counts.
type changeWords struct{ heading, one, many string }

func wordsOf(k finding.ChangeKind) changeWords {
	switch k {
	case finding.Appeared:
		return changeWords{"NEW FAILURES", "new failure", "new failures"}
	case finding.Found:
		return changeWords{"FAILURES THAT THE EARLIER REPORT COULD NOT TELL", "failure not told before", "failures not told before"}
	case finding.Worse:
		return changeWords{"WORSE", "worse", "worse"}
	case finding.Unclear:
		return changeWords{"CANNOT BE TOLD NOW", "cannot be told now", "cannot be told now"}
	case finding.Better:
		return changeWords{"BETTER", "better", "better"}
	case finding.Accepted:
		return changeWords{"WAIVED NOW", "waived now", "waived now"}
	case finding.Mended:
		return changeWords{"MENDED", "mended", "mended"}
	case finding.Inapplicable:
		return changeWords{"DOES NOT APPLY ANY MORE", "does not apply any more", "do not apply any more"}
	case finding.Gone:
		return changeWords{"NO LONGER LOOKED AT", "no longer looked at", "no longer looked at"}
	case finding.Decided:
		return changeWords{"FINE, AND NOT TOLD BEFORE", "now known to be fine", "now known to be fine"}
	case finding.Reworded:
		return changeWords{"THE SAME IN OTHER WORDS", "the same in other words", "the same in other words"}
	default:
		return changeWords{"OTHER DIFFERENCES", "other difference", "other differences"}
	}
}

// minor tells the kinds that a reader sees only when asking for all.
func minor(k finding.ChangeKind) bool { return k >= finding.Reworded }

// DiffText writes the comparison for a person: the two reports, the changes by what they mean with the worst
// first, each with what was said before, and one line that counts.
func DiffText(w io.Writer, d DoctorDiff, style Style, detail Detail) error {
	p := page{style: style, detail: detail, told: map[string]string{}}
	if detail > Verdict {
		p.writeSides(d)
		p.writeChanges(d)
		p.WriteByte('\n')
	}
	p.WriteString(wrap(diffVerdict(d, style, detail), style.Width-2, "  ") + "\n")
	if next := worsened(d.Changes).Next(); next != nil {
		p.writeNext(next.Remedy.Command, d.After.ofImage())
	}
	if _, err := io.WriteString(w, p.String()); err != nil {
		return fmt.Errorf("write comparison: %w", err)
	}
	return nil
}

// worsened gives the failures that are new or worse.
func worsened(changes finding.Changes) finding.Report {
	var r finding.Report
	for _, c := range changes {
		if c.Kind <= finding.Worse {
			r = append(r, *c.After)
		}
	}
	return r
}

// writeSides says which reports are compared, and whether they are about different things.
func (p *page) writeSides(d DoctorDiff) {
	for _, side := range []struct {
		name   string
		record DoctorRecord
	}{{"before: ", d.Before}, {"after:  ", d.After}} {
		p.WriteString(side.name + wrap(p.style.clean(recordWords(side.record)), p.style.Width-8, "        ") + "\n")
	}
	var note string
	switch before, after := d.Before, d.After; {
	case before.ofImage() != after.ofImage():
		note = "one is an image and one a running host, so much that is true of one cannot be told of the other"
	case !before.ofImage() && before.Hostname != after.Hostname:
		note = "these are two hosts"
	}
	if note != "" {
		p.WriteString("note:   " + wrap(note, p.style.Width-8, "        ") + "\n")
	}
}

// recordWords says what a report was made on, when, and by which version.
func recordWords(r DoctorRecord) string {
	parts := []string{cmp.Or(r.Hostname, "a host without a name")}
	switch {
	case r.Image != "":
		parts[0] = "image " + r.Image
	case r.Offline:
		parts[0] = strings.TrimSpace("a recorded image " + r.Hostname)
	}
	if at := r.CollectedAt.UTC(); !at.IsZero() {
		parts = append(parts, at.Format("2 January 2006, 15:04 UTC"))
	}
	parts = append(parts, "vmguard "+r.Version)
	line := strings.Join(parts, ", ")
	if r.File != "" {
		line += " (" + r.File + ")"
	}
	return line
}

// writeChanges writes the changes under the headings of their kinds.
func (p *page) writeChanges(d DoctorDiff) {
	type place struct {
		kind finding.ChangeKind
		id   string
	}
	total, told := map[place]int{}, map[place]int{}
	entries := foldChanges(d.Changes)
	for _, e := range entries {
		total[place{e.kind, e.ID}]++
	}
	var heading finding.ChangeKind
	for _, e := range entries {
		if minor(e.kind) && p.detail < All {
			continue
		}
		if e.kind != heading {
			heading = e.kind
			p.WriteString("\n" + p.style.paint(wordsOf(e.kind).heading, color.Bold) + "\n")
		}
		at := place{e.kind, e.ID}
		told[at]++
		switch {
		case told[at] <= linesPerCheck || p.detail == All:
			p.writeEntry(e.entry)
		case told[at] == total[at]:
			fmt.Fprintf(p, "    %s: %d more like these (--all lists all)\n", p.style.name(e.ID), total[at]-linesPerCheck)
		}
	}
}

// changeEntry is what one or several changes of a kind have to say.
type changeEntry struct {
	entry
	kind finding.ChangeKind
}

// foldChanges joins the changes that say the same of several subjects.
func foldChanges(changes finding.Changes) []changeEntry {
	var out []changeEntry
	index := map[string]int{}
	for _, c := range changes {
		e := entryOf(c)
		key := strings.Join([]string{c.Kind.String(), e.ID, e.Severity.String(), e.Status.String(), e.Summary, e.before, remedyKey(e.Finding)}, "\x00")
		if i, ok := index[key]; ok && e.Subject != finding.Host {
			out[i].join(e.Finding)
			continue
		}
		index[key] = len(out)
		out = append(out, changeEntry{e, c.Kind})
	}
	return out
}

// entryOf gives what a change says: what is so now, and what was so before.
func entryOf(c finding.Change) entry {
	e := entry{Finding: *c.Of(), subjects: []string{c.Of().Subject}}
	switch {
	case c.After != nil && c.Before != nil:
		e.before = outcomeText(*c.Before)
	case c.After != nil && c.Kind == finding.Found:
		e.before = "not looked at"
	case c.After != nil:
		e.before = "nothing was said of it"
	default:
		e.before, e.Summary = outcomeText(*c.Before), "nothing is said of it now"
		e.Status = statusNow(c.Kind)
		e.Evidence, e.Remedy, e.Waiver = nil, nil, nil
	}
	return e
}

// statusNow is the status that a thing has of which the later report says nothing.
func statusNow(k finding.ChangeKind) finding.Status {
	switch k {
	case finding.Mended:
		return finding.Pass
	case finding.Unclear:
		return finding.Unknown
	default:
		return finding.Skipped
	}
}

// outcomeText says what a finding came to.
func outcomeText(f finding.Finding) string {
	word := f.Status.String()
	switch f.Status {
	case finding.Fail:
		word = f.Severity.String()
	case finding.Pass:
		word = "fine"
	case finding.Skipped:
		word = "not applicable"
	case finding.NotAssessable: // the summary says so
		return f.Summary
	}
	return word + ": " + f.Summary
}

// diffVerdict is the one line that counts the changes.
func diffVerdict(d DoctorDiff, style Style, detail Detail) string {
	var parts []string
	hidden := 0
	n := d.count()
	for _, kind := range finding.ChangeKinds() {
		if n[kind] == 0 {
			continue
		}
		words := wordsOf(kind)
		part := fmt.Sprint(n[kind]) + noBreak + words.many
		if n[kind] == 1 {
			part = "1" + noBreak + words.one
		}
		if minor(kind) {
			hidden += n[kind]
		}
		parts = append(parts, style.paintIf(kind <= finding.Worse, part, color.FgRed))
	}
	parts = append(parts, human.Count(d.alike(), "finding")+" as before")
	line := strings.Join(parts, ", ")
	if len(d.Changes) == 0 {
		line = "nothing changed: " + line
	}
	if hidden > 0 && detail < All {
		line += " (--all lists all)"
	}
	return line
}

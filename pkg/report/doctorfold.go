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
	each     bool     // the subjects' remedies differ in their names
	before   string   // in a comparison, what was said before
}

// fold joins findings of one check that say the same of several subjects, at the place of
// the first, whose evidence and remedy are shown; and checks of one area that could not be
// decided, or that an image cannot tell, for the same reason. What would be lost keeps them
// apart: a remedy that differs in more than the subject's name, and evidence where it is shown.
func fold(findings finding.Report, evidence bool) []entry {
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
		parts = append(parts, remedyKey(f))
		if evidence {
			parts = append(parts, evidenceKey(f))
		}
		key := strings.Join(parts, "\x00")
		i, ok := index[key]
		switch {
		case !ok:
			index[key] = len(out)
			out = append(out, entry{Finding: f, subjects: []string{f.Subject}})
		case out[i].ID == f.ID:
			out[i].join(f)
		default:
			out[i].also = append(out[i].also, f.ID)
		}
	}
	return out
}

// join adds the subject of a finding that says the same.
func (e *entry) join(f finding.Finding) {
	e.subjects = append(e.subjects, f.Subject)
	if e.Remedy != nil && f.Remedy != nil && *e.Remedy != *f.Remedy {
		e.each = true
	}
}

// remedyKey is a failure's remedy without the name of its subject; other remedies are not shown.
func remedyKey(f finding.Finding) string {
	if f.Status != finding.Fail || f.Remedy == nil {
		return ""
	}
	return nameless(f.Remedy.Text+"\x00"+f.Remedy.Command, f.Subject)
}

// evidenceKey is a finding's evidence without the name of its subject.
func evidenceKey(f finding.Finding) string {
	var b strings.Builder
	for _, e := range f.Evidence {
		b.WriteString(e.Source + "\x00" + e.Got + "\x00" + e.Want + "\x00")
	}
	return nameless(b.String(), f.Subject)
}

// nameless puts a mark in place of a subject's name, and of the name behind the file of a
// subject such as compose.yaml:web, wherever it is not part of a longer name.
func nameless(text, subject string) string {
	if subject == finding.Host {
		return text
	}
	text = without(text, subject)
	if i := strings.LastIndexByte(subject, ':'); i >= 0 {
		text = without(text, subject[i+1:])
	}
	return text
}

// without puts a mark in place of each name in a text.
func without(text, name string) string {
	if name == "" {
		return text
	}
	var b strings.Builder
	written := 0
	for from := 0; ; {
		i := strings.Index(text[from:], name)
		if i < 0 {
			return b.String() + text[written:]
		}
		start := from + i
		from = start + len(name)
		if start > 0 && inName(text[start-1]) || from < len(text) && inName(text[from]) {
			continue
		}
		b.WriteString(text[written:start] + "\x01")
		written = from
	}
}

// inName tells the bytes of which a container's or a service's name is made, but for dots, which also end sentences.
func inName(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c >= 0x80
}

// undecided tells the findings whose reason is often that of other checks too.
func undecided(f finding.Finding) bool {
	return (f.Status == finding.Unknown || f.Status == finding.NotAssessable) && f.Subject == finding.Host
}

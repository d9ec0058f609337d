package report

import (
	"fmt"
	"strings"

	"vmguard/pkg/finding"
	"vmguard/pkg/human"
)

// htmlOpen is how many findings of a group stand open on a page.
const htmlOpen = 4

// group writes one check's findings with one outcome.
func (p *htmlPage) group(g *group) {
	class, word := outcomeWords(g.Finding)
	p.put(`<article class="`, class, `"`)
	p.anchor(g.ids[0])
	p.put(">\n<h3>")
	mark := markOf(g.Status, g.Severity).symbol
	p.put(`<span class="outcome"><span aria-hidden="true">`, mark, "</span> ", word, "</span>")
	for _, id := range g.ids {
		p.put(" <code>")
		p.text(id, htmlName)
		p.put("</code>")
	}
	p.put("</h3>\n")
	if len(g.all) == 1 || len(g.ids) > 1 {
		p.single(g)
	} else {
		p.several(g)
	}
	p.put("</article>\n")
}

// outcomeWords gives the class of an outcome, and what a reader calls it.
func outcomeWords(f finding.Finding) (class, word string) {
	if f.Status == finding.Fail {
		return f.Severity.String(), f.Severity.String()
	}
	return f.Status.String(), f.Status.String()
}

// single writes a finding that is alone under its heading, and what checks that could not be
// decided for one reason have in common.
func (p *htmlPage) single(g *group) {
	p.finding(g.Finding, nil)
	var evidence []finding.Evidence
	for _, f := range g.all {
		evidence = append(evidence, f.Evidence...)
	}
	var rules []Rule
	for _, id := range g.ids {
		if r, ok := p.rules[id]; ok {
			rules = append(rules, r)
		}
	}
	switch {
	case len(evidence) > 0 && len(rules) > 0:
		p.put("<details><summary>Evidence and reasons</summary>\n")
	case len(evidence) > 0:
		p.put("<details><summary>Evidence</summary>\n")
	case len(rules) > 0:
		p.put("<details><summary>Reasons</summary>\n")
	default:
		return
	}
	p.evidence(evidence)
	p.about(rules)
	p.put("</details>\n")
}

// several writes the findings of a group, the first few of them open, and what the check is about.
func (p *htmlPage) several(g *group) {
	open, more := g.all, finding.Report(nil)
	if len(open) > htmlOpen {
		open, more = g.all[:htmlOpen], g.all[htmlOpen:]
	}
	var before *finding.Remedy
	items := func(list finding.Report) {
		p.put(`<ul class="each">`, "\n")
		for _, f := range list {
			p.put("<li>\n")
			p.finding(f, before)
			p.folded(f.Evidence)
			p.put("</li>\n")
			if f.Remedy != nil {
				before = f.Remedy
			}
		}
		p.put("</ul>\n")
	}
	items(open)
	if len(more) > 0 {
		p.put(`<details class="more"><summary>`, fmt.Sprint(len(more)), " more</summary>\n")
		items(more)
		p.put("</details>\n")
	}
	if r, ok := p.rules[g.ID]; ok {
		p.put("<details><summary>Reasons</summary>\n")
		p.about([]Rule{r})
		p.put("</details>\n")
	}
}

// finding writes what a finding says, and how it is mended. Of a remedy that was told just before
// in the same words, the command alone is told, or nothing.
func (p *htmlPage) finding(f finding.Finding, before *finding.Remedy) {
	p.put("<p>")
	if f.Subject != finding.Host {
		p.name(f.Subject, "subject")
		p.put(" ")
	}
	p.text(f.Summary, htmlSentence)
	p.put("</p>\n")
	if f.Waiver != nil {
		p.put(`<p class="waiver">`)
		p.text(title(waiverWords(*f.Waiver)), htmlSentence)
		p.put("</p>\n")
	}
	r := f.Remedy
	if r == nil || f.Status != finding.Fail {
		return
	}
	switch {
	case before != nil && *before == *r:
		p.put(`<p class="fix"><b>Fix:</b> as above</p>`, "\n")
		return
	case before == nil || before.Text != r.Text || r.Command == "":
		p.put(`<p class="fix"><b>Fix:</b> `)
		p.text(r.Text, htmlSentence)
		p.put("</p>\n")
	}
	p.command(r.Command)
}

// command writes what to type, which one click selects.
func (p *htmlPage) command(command string) {
	if command == "" {
		return
	}
	p.put(`<pre dir="ltr"><code>`)
	for i, word := range strings.Split(Clean(command, htmlCommand, true), " ") {
		if i > 0 {
			p.put(" ")
		}
		if strings.Contains(word, "-") {
			p.put("<span>")
			p.text(word, htmlCommand+len("..."))
			p.put("</span>")
		} else {
			p.text(word, htmlCommand+len("..."))
		}
	}
	p.put("</code></pre>\n")
}

// folded writes evidence that opens on demand.
func (p *htmlPage) folded(evidence []finding.Evidence) {
	if len(evidence) == 0 {
		return
	}
	p.put("<details><summary>Evidence</summary>\n")
	p.evidence(evidence)
	p.put("</details>\n")
}

func (p *htmlPage) evidence(list []finding.Evidence) {
	if len(list) == 0 {
		return
	}
	p.put("<dl>\n")
	for _, e := range list {
		p.put("<dt>")
		p.name(e.Source, "source")
		p.put("</dt>\n<dd>")
		p.apart(e.Got, "got", htmlSentence)
		if e.Want != "" {
			p.put(`<span class="want"> wanted: `)
			p.apart(e.Want, "wanted", htmlSentence)
			p.put("</span>")
		}
		p.put("</dd>\n")
	}
	p.put("</dl>\n")
}

// about explains checks in their own words.
func (p *htmlPage) about(rules []Rule) {
	for _, r := range rules {
		p.put(`<div class="about"><p><b>`)
		p.text(r.Title, htmlSentence)
		p.put("</b></p>\n")
		for _, part := range []struct{ name, text string }{{"Why", r.Why}, {"Rule", r.Rule}, {"Fix", r.Fix}} {
			if part.text != "" {
				p.put("<p><b>", part.name, ":</b> ")
				p.text(part.text, htmlSentence)
				p.put("</p>\n")
			}
		}
		p.put("</div>\n")
	}
}

// rest writes what needs no attention, folded away.
func (p *htmlPage) rest(findings finding.Report) {
	for _, part := range []struct {
		status finding.Status
		title  string
	}{
		{finding.Waived, "Waived"},
		{finding.NotAssessable, "Not assessable in an image"},
		{finding.Pass, "Fine"},
		{finding.Skipped, "Not applicable"},
	} {
		groups := groupsOf(findings, part.status)
		if len(groups) == 0 {
			continue
		}
		n := 0
		for _, g := range groups {
			n += len(g.all)
		}
		p.put(`<details class="rest"><summary><h2>`, part.title, ` <span class="n">`, human.Count(n, "finding"), "</span></h2></summary>\n<ul>\n")
		for _, g := range groups {
			p.line(g)
		}
		p.put("</ul>\n</details>\n")
	}
}

// line writes a group that needs no attention.
func (p *htmlPage) line(g *group) {
	p.put("<li")
	p.anchor(g.ids[0])
	p.put(">")
	for _, id := range g.ids {
		p.put("<code>")
		p.text(id, htmlName)
		p.put("</code> ")
	}
	if len(g.ids) > 1 {
		p.finding(g.Finding, nil)
	} else {
		for _, f := range g.all {
			p.finding(f, nil)
			p.folded(f.Evidence)
		}
	}
	p.put("</li>\n")
}

// anchor lets a link name a check, at its first and worst place.
func (p *htmlPage) anchor(id string) {
	if p.anchors[id] || !plainID(id) {
		return
	}
	p.anchors[id] = true
	p.put(` id="`, id, `"`)
}

// plainID tells the IDs that a link can name as they are, and that no area's anchor can be.
func plainID(id string) bool {
	for _, r := range id {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return id != "" && (len(id) < 5 || id[:5] != "area-")
}

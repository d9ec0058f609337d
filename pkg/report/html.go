package report

import (
	"fmt"
	"io"
	"strings"

	"vmguard/pkg/finding"
	"vmguard/pkg/human"
)

// How a page is built: it is HTML and well-formed XML at once, so that any reader takes it. It holds no
// script and asks for nothing: style and text are all in it, and its policy forbids the rest. What needs
// attention stands open, by area with the worst first; all else is folded away, and printed in full.
// Words say what colours say.

// DoctorHTML writes the report as one self-contained page, readable without scripts, on a phone
// and on paper.
func DoctorHTML(w io.Writer, d Doctor) error {
	p := htmlPage{markup: newMarkup(w), rules: map[string]Rule{}, anchors: map[string]bool{}}
	for _, r := range d.Rules {
		p.rules[r.ID] = r
	}
	problems := groupsOf(d.Findings, finding.Fail, finding.Unknown)
	p.head(d)
	p.put("<body>\n")
	p.header(d)
	p.put("<main>\n")
	p.verdict(d, problems)
	for _, area := range finding.Areas() {
		p.area(area, inArea(problems, area))
	}
	p.rest(d.Findings)
	p.put("</main>\n<footer><p>Made by vmguard ")
	p.text(d.Version, htmlName)
	p.put(". What is unknown, waived or not assessable is not a pass.</p></footer>\n</body>\n</html>\n")
	if err := p.flush(); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// htmlPage is a page in the making.
type htmlPage struct {
	*markup
	rules   map[string]Rule
	anchors map[string]bool // the anchors set so far
}

// contentPolicy lets a page use the style in it and nothing else (Content Security Policy, level 3).
const contentPolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

func (p *htmlPage) head(d Doctor) {
	p.put("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n",
		`<meta http-equiv="Content-Security-Policy" content="`, contentPolicy, "\"/>\n",
		`<meta name="viewport" content="width=device-width, initial-scale=1"/>`, "\n",
		`<meta name="color-scheme" content="light dark"/>`, "\n<title>")
	p.text(placeOf(d)+": "+strings.Join(countWords(countsOf(d.Findings.Count())[:mainCounts], Style{}), ", "), htmlSentence)
	p.put("</title>\n<style>\n", htmlStyle, "</style>\n</head>\n")
}

func (p *htmlPage) header(d Doctor) {
	const dot = `<span class="dot"> · </span>`
	p.put("<header>\n<h1>")
	p.name(placeOf(d), "place")
	p.put("</h1>\n")
	about := knownOf(d.Facts)
	if name := d.Facts.System.Value.Hostname; d.Image != "" && name != "" {
		about = append([]string{name}, about...)
	}
	if len(about) > 0 {
		p.put("<p>")
		for i, part := range about {
			if i > 0 {
				p.put(dot)
			}
			p.name(part, "part")
		}
		p.put("</p>\n")
	}
	p.put(`<p class="made">`)
	if at := d.Facts.CollectedAt.UTC(); !at.IsZero() {
		p.put(`<time datetime="`, at.Format("2006-01-02T15:04:05Z"), `">`, at.Format("2 January 2006, 15:04 UTC"), `</time>`, dot)
	}
	p.put("vmguard ")
	p.text(d.Version, htmlName)
	p.put(dot, human.Duration(d.Took))
	if d.Policy != "" {
		p.put(dot, "judged by ")
		p.name(d.Policy, "policy")
	}
	p.put("</p>\n</header>\n")
}

// verdict writes the counts, the command to type first, and the way to each area.
func (p *htmlPage) verdict(d Doctor, problems []*group) {
	c := d.Findings.Count()
	p.put("<section aria-label=\"Verdict\">\n")
	p.counts(c)
	switch {
	case len(d.Findings) == 0:
		p.put("<p class=\"none-failed\">No check ran.</p>\n")
	case c.Critical+c.Warning+c.Info == 0:
		p.put("<p class=\"none-failed\">No check failed.</p>\n")
	}
	if next := d.Findings.Next(); next != nil {
		heading := "Do this first"
		if d.ofImage() {
			heading += ", in the image"
		}
		p.put(`<div class="next"><h2>`, heading, "</h2>\n")
		p.command(next.Remedy.Command)
		p.put("</div>\n")
	}
	p.nav(problems)
	p.put("</section>\n")
}

// counts writes how many findings came to what; the first numbers that a reader looks for even where they are 0.
func (p *htmlPage) counts(c finding.Counts) {
	p.put("<ul class=\"counts\">\n")
	for _, count := range countsOf(c) {
		switch {
		case count.n > 0:
			p.put(`<li class="`, count.class, `">`)
		case count.kept:
			p.put(`<li class="none">`)
		default:
			continue
		}
		p.put("<b>", fmt.Sprint(count.n), "</b> ", count.word, "</li>\n")
	}
	p.put("</ul>\n")
}

// nav links the areas with problems, where there are several.
func (p *htmlPage) nav(problems []*group) {
	var areas []finding.Area
	for _, area := range finding.Areas() {
		if len(inArea(problems, area)) > 0 {
			areas = append(areas, area)
		}
	}
	if len(areas) < 2 {
		return
	}
	p.put("<nav aria-label=\"Areas\"><ul>\n")
	for _, area := range areas {
		n := 0
		for _, g := range inArea(problems, area) {
			n += len(g.all)
		}
		p.put(`<li><a href="#area-`, area.String(), `">`, title(area.String()), "</a> ", fmt.Sprint(n), "</li>\n")
	}
	p.put("</ul></nav>\n")
}

// title spells a word of ours as a heading begins.
func title(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func (p *htmlPage) area(area finding.Area, groups []*group) {
	if len(groups) == 0 {
		return
	}
	id := "area-" + area.String()
	p.put(`<section aria-labelledby="`, id, `">`, "\n<h2 id=\"", id, `">`, title(area.String()), "</h2>\n")
	for _, g := range groups {
		p.group(g)
	}
	p.put("</section>\n")
}

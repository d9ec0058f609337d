package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

// wildDoctor is a report in which every foreign text is one of wildNames.
func wildDoctor() Doctor {
	d := Doctor{Version: "1.2.3", Facts: &host.Facts{}}
	for i, name := range wildNames {
		f := finding.Finding{ID: "container-unhealthy", Area: finding.Containers, Severity: finding.Warning, Subject: name,
			Status: finding.Status(1 + i%6), Summary: "it says: " + name, Evidence: []finding.Evidence{{Source: name, Got: name, Want: name}},
			Remedy: &finding.Remedy{Text: name, Command: "docker restart " + name}}
		if f.Status == finding.Waived {
			f.Waiver = &finding.Waiver{Reason: name, Expires: name}
		}
		d.Findings = append(d.Findings, f)
		d.Rules = append(d.Rules, Rule{ID: name, Title: name, Why: name})
		d.Facts.System = host.Known(host.System{Hostname: name, OS: name, Kernel: name}, "/proc")
		d.Image, d.Version, d.Policy = name, name, name
	}
	d.Findings.Sort()
	return d
}

func htmlOf(t testing.TB, d Doctor) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := DoctorHTML(&b, d); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// htmlTree is what a strict parser makes of a page.
type htmlTree struct {
	elements map[string]int
	ids      []string
	links    []string
	text     string
	open     string // the text outside of details
}

// parseHTML reads a page as XML, strictly: what is well-formed XML of HTML's elements, an HTML parser reads alike.
func parseHTML(page []byte) (htmlTree, error) {
	tree := htmlTree{elements: map[string]int{}}
	d := xml.NewDecoder(bytes.NewReader(page))
	var text, open strings.Builder
	details, skip := 0, 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			tree.text, tree.open = text.String(), open.String()
			return tree, nil
		}
		if err != nil {
			return tree, err
		}
		switch e := token.(type) {
		case xml.StartElement:
			name := e.Name.Local
			tree.elements[name]++
			details += oneIf(name == "details")
			skip += oneIf(name == "style")
			for _, a := range e.Attr {
				switch a.Name.Local {
				case "id":
					tree.ids = append(tree.ids, a.Value)
				case "href", "src", "srcset", "action", "style", "data", "background", "poster":
					tree.links = append(tree.links, a.Name.Local+"="+a.Value)
				}
				if strings.HasPrefix(a.Name.Local, "on") {
					tree.links = append(tree.links, a.Name.Local)
				}
			}
		case xml.EndElement:
			details -= oneIf(e.Name.Local == "details")
			skip -= oneIf(e.Name.Local == "style")
		case xml.CharData:
			if skip == 0 {
				text.Write(e)
			}
			if skip == 0 && details == 0 {
				open.Write(e)
			}
		}
	}
}

func oneIf(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// htmlElements are all elements that a page is made of; none of them fetches or runs anything.
var htmlElements = []string{"html", "head", "meta", "title", "style", "body", "header", "main", "footer", "section", "article", "nav",
	"h1", "h2", "h3", "p", "ul", "li", "dl", "dt", "dd", "a", "b", "bdi", "code", "pre", "span", "div", "time", "details", "summary"}

// safeHTML holds a page to what is so whatever stands in it.
func safeHTML(t *testing.T, page []byte) htmlTree {
	t.Helper()
	tree, err := parseHTML(page)
	if err != nil {
		t.Fatalf("no well-formed XML: %v", err)
	}
	for name := range tree.elements {
		if !slices.Contains(htmlElements, name) {
			t.Errorf("an element %q", name)
		}
	}
	for _, link := range tree.links {
		if target, ok := strings.CutPrefix(link, "href=#"); !ok || !slices.Contains(tree.ids, target) {
			t.Errorf("%s leads out of the page, or nowhere in it", link)
		}
	}
	slices.Sort(tree.ids)
	if n := len(tree.ids); len(slices.Compact(tree.ids)) != n {
		t.Error("an id stands twice")
	}
	if !utf8.Valid(page) {
		t.Error("no UTF-8")
	}
	for _, r := range string(page) {
		if r != '\n' && hidden(r) || noCharacter(r) {
			t.Errorf("holds %U", r)
		}
	}
	return tree
}

func TestHTMLSaysEverything(t *testing.T) {
	for name, d := range map[string]Doctor{"sick": sick(), "an image": baked(), "hostile": wildDoctor(), "empty": {Facts: &host.Facts{}}} {
		d.Rules = append(d.Rules, Rule{ID: "swap-enabled", Title: "The VM has swap", Why: "the reason", Rule: "the rule"})
		tree := safeHTML(t, htmlOf(t, d))
		for _, f := range d.Findings {
			wants := []string{f.ID, Clean(f.Summary, htmlSentence, true)}
			if f.Subject != finding.Host {
				wants = append(wants, Clean(f.Subject, htmlName, true))
			}
			for _, e := range f.Evidence {
				wants = append(wants, Clean(e.Source, htmlName, true), Clean(e.Got, htmlSentence, true), Clean(e.Want, htmlSentence, true))
			}
			if f.Status == finding.Fail && f.Remedy != nil {
				wants = append(wants, Clean(f.Remedy.Command, htmlCommand, true))
			}
			if f.Waiver != nil {
				wants = append(wants, Clean(f.Waiver.Reason, htmlName, true))
			}
			for _, want := range wants {
				if want = noCharacters(want); !strings.Contains(tree.text, want) {
					t.Errorf("%s: no %.100q", name, want)
				}
			}
		}
	}
}

// noCharacters writes a question mark for each code point that is never a character.
func noCharacters(s string) string {
	return strings.Map(func(r rune) rune {
		if noCharacter(r) {
			return '?'
		}
		return r
	}, s)
}

func TestHTMLFoldsWhatNeedsNoAttention(t *testing.T) {
	d := sick()
	d.Rules = []Rule{{ID: "swap-enabled", Title: "The VM has swap", Why: "the reason"}}
	tree := safeHTML(t, htmlOf(t, d))
	for _, open := range []string{"mail-vm-1", "Debian GNU/Linux 12", "vmguard 1.2.3", "swap-enabled", "Do this first", "sudo swapon /swapfile", "web-3", "cannot tell"} {
		if !strings.Contains(tree.open, open) {
			t.Errorf("%q is folded away", open)
		}
	}
	for _, folded := range []string{"/proc/swaps", "the reason", "web-5", "conntrack-full", "no swap is active"} {
		if strings.Contains(tree.open, folded) || !strings.Contains(tree.text, folded) {
			t.Errorf("%q stands open, or not at all", folded)
		}
	}
	judged := baked()
	judged.Policy = "<ci>/policy.yaml"
	image := safeHTML(t, htmlOf(t, judged))
	if !strings.Contains(image.open, "judged by <ci>/policy.yaml") {
		t.Error("the policy's name is folded away, or not there at all")
	}
	for _, want := range []string{"image /mnt/my image", "golden", "Do this first, in the image", "Waived until 2027-01-31: the disk is thin", "3 findings"} {
		if !strings.Contains(image.text, want) {
			t.Errorf("no %q in an image's page", want)
		}
	}
	if strings.Contains(image.open, "memory-headroom") {
		t.Error("what an image cannot tell stands open")
	}
}

func TestHTMLOfNothing(t *testing.T) {
	pass := finding.Report{{ID: "x", Area: finding.Boot, Status: finding.Pass, Severity: finding.Info, Subject: finding.Host}}
	for want, findings := range map[string]finding.Report{"No check ran.": nil, "No check failed.": pass} {
		if page := string(htmlOf(t, Doctor{Facts: &host.Facts{}, Findings: findings})); !strings.Contains(page, want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(string(htmlOf(t, sick())), "No check") {
		t.Error("a sick host reads as healthy")
	}
}

// TestHTMLContrast: text is readable on both grounds, light and dark (WCAG 2.2, 1.4.3: 4.5:1).
func TestHTMLContrast(t *testing.T) {
	themes := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(htmlStyle, -1)
	if len(themes) != 3 {
		t.Fatalf("%d themes; wanted light, dark and paper", len(themes))
	}
	for i, theme := range themes {
		colours := map[string]string{}
		for _, c := range regexp.MustCompile(`--([a-z]+): #([0-9a-f]+);`).FindAllStringSubmatch(theme[1], -1) {
			colours[c[1]] = c[2]
		}
		for _, name := range []string{"text", "soft", "critical", "warning", "info", "unknown", "pass"} {
			for _, ground := range []string{"ground", "box"} {
				if got := contrast(t, colours[name], colours[ground]); got < 4.5 {
					t.Errorf("theme %d: %s on %s: %.2f", i, name, ground, got)
				}
			}
		}
	}
}

// contrast is the contrast ratio of two colours as WCAG defines it.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	luminance := func(hex string) float64 {
		if len(hex) == 3 {
			hex = strings.Join([]string{hex[:1], hex[:1], hex[1:2], hex[1:2], hex[2:], hex[2:]}, "")
		}
		if len(hex) != 6 {
			t.Fatalf("no colour: %q", hex)
		}
		sum := 0.0
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
			if err != nil {
				t.Fatal(err)
			}
			c := float64(n) / 255
			if c <= 0.04045 {
				sum += weight * c / 12.92
			} else {
				sum += weight * math.Pow((c+0.055)/1.055, 2.4)
			}
		}
		return sum
	}
	x, y := luminance(a), luminance(b)
	return (math.Max(x, y) + 0.05) / (math.Min(x, y) + 0.05)
}

// FuzzHTML: whatever stands in a report, its page is well-formed, leads nowhere, and holds the text that went in.
func FuzzHTML(f *testing.F) {
	for _, name := range wildNames {
		f.Add(name, uint8(1))
	}
	f.Add("x", uint8(4))
	f.Fuzz(func(t *testing.T, s string, status uint8) {
		d := Doctor{Version: s, Image: s, Policy: s, Facts: &host.Facts{}, Rules: []Rule{{ID: s, Why: s}}}
		one := finding.Finding{ID: s, Area: finding.Boot, Status: finding.Status(1 + status%6), Severity: finding.Critical, Subject: s, Summary: s,
			Evidence: []finding.Evidence{{Source: s, Got: s, Want: s}}, Remedy: &finding.Remedy{Text: s, Command: s}}
		d.Findings = finding.Report{one, one, one, one, one}
		tree := safeHTML(t, htmlOf(t, d))
		if want := noCharacters(Clean(s, htmlName, true)); !strings.Contains(tree.text, want) {
			t.Errorf("no %q in %s", want, tree.text)
		}
	})
}

// crowdDoctor is a report of so many findings about as many containers.
func crowdDoctor(n int) Doctor {
	d := sick()
	one := d.Findings
	d.Findings = nil
	for i := range n {
		f := one[i%len(one)]
		f.Subject = fmt.Sprintf("web-%d", i)
		f.Evidence = []finding.Evidence{{Source: "docker inspect " + f.Subject, Got: "RestartPolicy no", Want: "unless-stopped, always or on-failure"}}
		d.Findings = append(d.Findings, f)
	}
	d.Findings.Sort()
	return d
}

func BenchmarkHTML10000(b *testing.B) { benchmarkDoctor(b, DoctorHTML) }

func BenchmarkJSON10000(b *testing.B) { benchmarkDoctor(b, DoctorJSON) }

func BenchmarkText10000(b *testing.B) {
	benchmarkDoctor(b, func(w io.Writer, d Doctor) error { return DoctorText(w, d, Style{Wide: true, Width: 100}, All, true) })
}

func benchmarkDoctor(b *testing.B, write func(io.Writer, Doctor) error) {
	b.Helper()
	d := crowdDoctor(10_000)
	b.ReportAllocs()
	for b.Loop() {
		if err := write(io.Discard, d); err != nil {
			b.Fatal(err)
		}
	}
}

package report

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"

	"vmguard/pkg/finding"
)

// DoctorJUnit writes the report as JUnit XML, as Jenkins' schema junit-10.xsd has it: a suite for
// each area, a test case for each finding. A failure is what fails the run; all else that did not
// pass is skipped, with a type and words that say why. Two findings with one name get numbers.
func DoctorJUnit(w io.Writer, d Doctor) error {
	j := junit{Buffer: &bytes.Buffer{}, d: d, names: tally{}}
	all := j.count(d.Findings)
	j.WriteString("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"vmguard doctor\"")
	j.counts(all)
	j.attribute("time", fmt.Sprintf("%.3f", d.Took.Seconds()))
	j.WriteString(">\n")
	for rest := d.Findings; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].Area == rest[0].Area {
			n++
		}
		j.suite(rest[:n])
		rest = rest[n:]
	}
	j.WriteString("</testsuites>\n")
	return ciWrite(w, j.Bytes())
}

// junit is a report in the making.
type junit struct {
	*bytes.Buffer
	d     Doctor
	names tally
}

// junitCounts is what the head of a suite says.
type junitCounts struct{ tests, failures, skipped int }

func (j junit) count(findings finding.Report) junitCounts {
	c := junitCounts{tests: len(findings)}
	for i := range findings {
		switch {
		case j.d.failsRun(findings[i]):
			c.failures++
		case findings[i].Status != finding.Pass:
			c.skipped++
		}
	}
	return c
}

// counts writes the attributes that suites and the whole have in common; the schema knows "skipped" of suites alone.
func (j junit) counts(c junitCounts) {
	j.attribute("tests", strconv.Itoa(c.tests))
	j.attribute("failures", strconv.Itoa(c.failures))
	j.attribute("errors", "0")
}

// suite writes the findings of one area. Its timestamp is in UTC without a zone, as Ant's JUnit task writes it.
func (j junit) suite(findings finding.Report) {
	area := findings[0].Area.String()
	c := j.count(findings)
	j.WriteString("  <testsuite")
	j.attribute("name", "vmguard."+area)
	j.counts(c)
	j.attribute("skipped", strconv.Itoa(c.skipped))
	if f := j.d.Facts; f != nil {
		if !f.CollectedAt.IsZero() {
			j.attribute("timestamp", f.CollectedAt.UTC().Format("2006-01-02T15:04:05"))
		}
		if f.System.Value.Hostname != "" && !j.d.ofImage() { // where the suite ran, which no image's name tells
			j.attribute("hostname", ciLine(f.System.Value.Hostname))
		}
	}
	j.WriteString(">\n    <properties>\n")
	j.property("vmguard.version", j.d.Version)
	if j.d.Image != "" {
		j.property("vmguard.root", j.d.Image)
	}
	if j.d.Policy != "" {
		j.property("vmguard.policy", j.d.Policy)
	}
	j.WriteString("    </properties>\n")
	for i := range findings {
		j.testCase(area, findings[i])
	}
	j.WriteString("  </testsuite>\n")
}

func (j junit) testCase(area string, f finding.Finding) {
	j.WriteString("    <testcase")
	j.attribute("classname", "vmguard."+area)
	j.attribute("name", j.caseName(f))
	j.WriteString(">\n")
	switch {
	case j.d.failsRun(f):
		j.outcome("failure", f.Severity.String(), ciLine(f.Summary), ciLine(f.Summary)+"\n"+ciAccount(f))
	case f.Status == finding.Pass:
		j.WriteString("      <system-out>")
		j.escape(strings.TrimSuffix(ciLine(f.Summary)+"\n"+ciAccount(f), "\n"))
		j.WriteString("</system-out>\n")
	case f.Status == finding.Fail:
		j.outcome("skipped", f.Severity.String(), j.d.ciReason(f), ciLine(f.Summary)+"\n"+ciAccount(f))
	default:
		j.outcome("skipped", f.Status.String(), j.d.ciReason(f), ciLine(f.Summary)+"\n"+ciAccount(f))
	}
	j.WriteString("    </testcase>\n")
}

// caseName names a finding as no other is named in this report.
func (j junit) caseName(f finding.Finding) string {
	base := ciName(f)
	name := base
	for n := 1; j.names.next(name) > 1; {
		n = max(n+1, j.names[base]) // the second of its name is 2, unless another is called so by itself
		name = base + " (" + strconv.Itoa(n) + ")"
	}
	return name
}

// outcome writes what became of a case that did not pass.
func (j junit) outcome(element, kind, message, text string) {
	j.WriteString("      <" + element)
	j.attribute("type", kind)
	j.attribute("message", message)
	j.WriteByte('>')
	j.escape(strings.TrimSuffix(text, "\n"))
	j.WriteString("</" + element + ">\n")
}

func (j junit) property(name, value string) {
	j.WriteString("      <property")
	j.attribute("name", name)
	j.attribute("value", ciLine(value))
	j.WriteString("/>\n")
}

func (j junit) attribute(name, value string) {
	j.WriteString(" " + name + `="`)
	j.escape(value)
	j.WriteByte('"')
}

// escape writes clean text for an element or an attribute (XML 1.0, section 2.4). The package
// encoding/xml would do it too, and make the binary 16 KiB larger.
func (j junit) escape(s string) {
	from := 0
	for i := range len(s) {
		var entity string
		switch s[i] {
		case '&':
			entity = "&amp;"
		case '<':
			entity = "&lt;"
		case '>':
			entity = "&gt;" // "]]>" may not stand in text
		case '"':
			entity = "&quot;"
		default:
			continue
		}
		j.WriteString(s[from:i])
		j.WriteString(entity)
		from = i + 1
	}
	j.WriteString(s[from:])
}

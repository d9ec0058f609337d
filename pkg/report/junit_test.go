package report

import (
	"encoding/xml"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/finding"
)

// junitDoc is a report as a reader of JUnit XML sees it.
type junitDoc struct {
	Tests, Failures, Errors int
	Suites                  []junitSuite
}

type junitSuite struct {
	Name       string         `xml:"name,attr"`
	Tests      int            `xml:"tests,attr"`
	Failures   int            `xml:"failures,attr"`
	Errors     int            `xml:"errors,attr"`
	Skipped    int            `xml:"skipped,attr"`
	Timestamp  string         `xml:"timestamp,attr"`
	Hostname   string         `xml:"hostname,attr"`
	Properties []junitKeyword `xml:"properties>property"`
	Cases      []junitCase    `xml:"testcase"`
}

type junitKeyword struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Failure *junitOutcome `xml:"failure"`
	Skipped *junitOutcome `xml:"skipped"`
	Out     string        `xml:"system-out"`
}

type junitOutcome struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

func readJUnit(t testing.TB, doc []byte) junitDoc {
	t.Helper()
	var root struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	if err := xml.Unmarshal(doc, &root); err != nil {
		t.Fatalf("%v\n%.2000s", err, doc)
	}
	return junitDoc{root.Tests, root.Failures, root.Errors, root.Suites}
}

// checkJUnit holds the counts against what stands there, and every finding against its case.
func checkJUnit(t testing.TB, d Doctor, doc junitDoc) {
	t.Helper()
	var cases []junitCase
	names := map[string]bool{}
	total := 0
	for _, s := range doc.Suites {
		failures, skipped := 0, 0
		for _, c := range s.Cases {
			if names[c.Name] {
				t.Errorf("two cases are called %q", c.Name)
			}
			names[c.Name] = true
			switch {
			case c.Failure != nil:
				failures++
			case c.Skipped != nil:
				skipped++
			}
		}
		if s.Tests != len(s.Cases) || s.Failures != failures || s.Skipped != skipped || s.Errors != 0 {
			t.Errorf("suite %s says %d tests, %d failures, %d skipped; it has %d, %d, %d", s.Name, s.Tests, s.Failures, s.Skipped, len(s.Cases), failures, skipped)
		}
		total += failures
		cases = append(cases, s.Cases...)
	}
	if doc.Tests != len(d.Findings) || len(cases) != len(d.Findings) || doc.Failures != total {
		t.Fatalf("%d tests, %d cases, %d findings; %d failures of %d", doc.Tests, len(cases), len(d.Findings), doc.Failures, total)
	}
	for i, f := range d.Findings {
		c := cases[i]
		bad := f.Status == finding.Fail && d.FailOn != 0 && f.Severity >= d.FailOn
		if bad != (c.Failure != nil) || (f.Status == finding.Pass) != (c.Failure == nil && c.Skipped == nil) || !strings.HasPrefix(c.Name, ciLine(f.ID)+": ") {
			t.Errorf("%s %v %v became %+v", f.ID, f.Status, f.Severity, c)
		}
	}
	if d.FailOn != 0 && d.Findings.Bad(d.FailOn) != (total > 0) {
		t.Errorf("%d failures, and the run's exit code says otherwise", total)
	}
}

func TestJUnitSchema(t *testing.T) {
	for name, d := range map[string]Doctor{"an image": bakedImage(), "a host": sick(), "foul texts": fouled(), "10,000 findings": tenThousand(), "nothing": {}} {
		doc := written(t, "xml", d)
		tool(t, doc, "xmllint", "--noout", "--nonet", "--huge", "--schema", "testdata/schema/junit-10.xsd", "-")
		t.Logf("%s: %d bytes", name, len(doc))
		checkJUnit(t, d, readJUnit(t, doc))
	}
}

func TestJUnitFailOn(t *testing.T) {
	for failOn, want := range map[finding.Severity]int{0: 0, finding.Critical: 1, finding.Warning: 2, finding.Info: 3} {
		d := bakedImage()
		d.FailOn = failOn
		doc := readJUnit(t, written(t, "xml", d))
		checkJUnit(t, d, doc)
		if doc.Failures != want {
			t.Errorf("--fail-on %v: %d failures", failOn, doc.Failures)
		}
	}
}

// TestJUnitFoulTexts: they come back as they were, but for what cannot stand there.
func TestJUnitFoulTexts(t *testing.T) {
	suite := readJUnit(t, written(t, "xml", fouled())).Suites[0]
	if want := []junitKeyword{{"vmguard.version", foul[1].want}, {"vmguard.root", foul[0].want}, {"vmguard.policy", foul[7].want}}; !cmp.Equal(suite.Properties, want) {
		t.Errorf("%q", suite.Properties)
	}
	if suite.Hostname != "" {
		t.Errorf("an image's suite ran on %q", suite.Hostname)
	}
	d := fouled()
	d.Image, d.Facts.Image = "", false
	if got := readJUnit(t, written(t, "xml", d)).Suites[0].Hostname; got != foul[2].want {
		t.Errorf("%q", got)
	}
	seven := len(suite.Cases) / len(foul) // statuses for each text
	for i, text := range foul {
		failed, waived := suite.Cases[i*seven], suite.Cases[i*seven+int(finding.Waived-finding.Fail)]
		want := text.want + "\nseen: " + text.want + ": " + text.want + " (wanted: " + text.want + ")\nfix: " + text.want + ":\n" +
			ciCommand("echo "+text.in) + "\necho two"
		if failed.Name != "check-1: "+text.want || failed.Failure == nil || failed.Failure.Message != text.want || failed.Failure.Text != want {
			t.Errorf("%q became %q, %q", text.in, failed.Name, failed.Failure)
		}
		if want := "waived until " + text.want + ": " + text.want; waived.Skipped == nil || waived.Skipped.Message != want {
			t.Errorf("%q became %q", want, waived.Skipped)
		}
	}
}

// TestJUnitTwins: a reader that goes by names must not take two findings for one.
func TestJUnitTwins(t *testing.T) {
	d := bakedImage()
	web, named := d.Findings[5], d.Findings[5]
	named.Subject = "web (2)"
	d.Findings = finding.Report{web, named, web, web, named}
	cases := readJUnit(t, written(t, "xml", d)).Suites[0].Cases
	for i, want := range []string{"web", "web (2)", "web (3)", "web (4)", "web (2) (3)"} {
		if cases[i].Name != "compose-healthcheck: "+want {
			t.Errorf("%q", cases[i].Name)
		}
	}
}

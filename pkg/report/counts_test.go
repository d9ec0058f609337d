package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"vmguard/pkg/finding"
)

// unlike has checks that failed for one subject and passed for others, which each reader could count in another way.
func unlike() Doctor {
	d := baked()
	for i := range 6 {
		d.Findings = append(d.Findings, finding.Finding{ID: "compose-init", Area: finding.Containers, Status: finding.Pass, Severity: finding.Warning,
			Subject: fmt.Sprint("web-", i), Summary: "the program handles signals itself"})
	}
	for i := range 3 {
		d.Findings = append(d.Findings, finding.Finding{ID: "compose-init", Area: finding.Containers, Status: finding.Fail, Severity: finding.Warning,
			Subject: fmt.Sprint("job-", i), Summary: "no init"})
	}
	d.Findings.Sort()
	return d
}

// TestCountsAgree: all formats count the same, and what is beside a failure of its check is counted too.
func TestCountsAgree(t *testing.T) {
	var text, html, doc, github bytes.Buffer
	d := unlike()
	for _, err := range []error{
		DoctorText(&text, d, Style{Wide: true, Width: 200}, Problems, false), DoctorHTML(&html, d), DoctorJSON(&doc, d), DoctorGitHub(&github, d),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct{ got, want string }{
		"text":           {text.String(), "\n1 critical, 3 warnings, 1 waived, 7 fine, 3 not assessable in an image"},
		"HTML":           {html.String(), `<li class="warning"><b>3</b> warnings</li>`},
		"HTML's passes":  {html.String(), `<li class="pass"><b>7</b> fine</li>`},
		"HTML's title":   {html.String(), `: 1 critical, 3 warnings, 1 waived, 7 fine</title>`},
		"JSON":           {doc.String(), `"warning": 3,`},
		"JSON's passes":  {doc.String(), `"pass": 7,`},
		"GitHub's lines": {github.String(), "vmguard doctor: 1 critical, 3 warnings, 1 waived, 7 fine,"},
	} {
		if !strings.Contains(c.got, c.want) {
			t.Errorf("%s: no %q in\n%s", name, c.want, c.got)
		}
	}
	if junit := readJUnit(t, written(t, "xml", d)); junit.Tests != 15 {
		t.Errorf("JUnit has %d", junit.Tests)
	}
}

// TestWaivedIsListed: what is accepted stays in sight, faint, also where not all is listed.
func TestWaivedIsListed(t *testing.T) {
	var b bytes.Buffer
	if err := DoctorText(&b, baked(), Style{Wide: true, Width: 200, Color: true}, Problems, false); err != nil {
		t.Fatal(err)
	}
	if want := "swap-baked-in               \x1b[2m/swapfile of 2.0 GiB is part of the image (waived until 2027-01-31: the disk is thin)\x1b[22m\n"; !strings.Contains(b.String(), want) {
		t.Errorf("no %q in %q", want, b.String())
	}
}

// TestHintsNameNoCommand: a command would leave out the policy and the compose files that this run was given, and
// judge this host where a recording was judged.
func TestHintsNameNoCommand(t *testing.T) {
	recorded := unlike()
	recorded.Image = ""
	for _, d := range []Doctor{sick(), unlike(), recorded} {
		var b bytes.Buffer
		if err := DoctorText(&b, d, Style{Wide: true, Width: 100}, Problems, false); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), "vmguard doctor") || !strings.Contains(b.String(), "(--all lists all)") {
			t.Error(b.String())
		}
	}
}

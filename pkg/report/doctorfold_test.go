package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/finding"
)

func textOf(t testing.TB, findings finding.Report, detail Detail, evidence bool) string {
	t.Helper()
	var b bytes.Buffer
	if err := DoctorText(&b, Doctor{Version: "1", Facts: noFacts(), Findings: findings}, Style{Wide: true, Width: 120}, detail, evidence); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// services are findings that say the same of two services of a compose file, at two lines of it.
func services(remedy func(name string, line int) finding.Remedy) finding.Report {
	var findings finding.Report
	for i, name := range []string{"web", "db"} {
		line := 23 + 3*i
		r := remedy(name, line)
		findings = append(findings, finding.Finding{ID: "compose-init", Area: finding.Containers, Status: finding.Fail, Severity: finding.Info,
			Subject: "app/compose.yaml:" + name, Summary: "no init", Remedy: &r,
			Evidence: []finding.Evidence{{Source: fmt.Sprint("app/compose.yaml:", line), Got: name + " without init"}}})
	}
	return findings
}

// TestTextKeepsEachRemedy: where the second subject is mended elsewhere, that is said.
func TestTextKeepsEachRemedy(t *testing.T) {
	got := textOf(t, services(func(_ string, line int) finding.Remedy {
		return finding.Remedy{Text: fmt.Sprintf("write init: true in line %d", line)}
	}), Problems, false)
	want := `
CONTAINERS
  i compose-init                app/compose.yaml:web: no init
                                fix: write init: true in line 23
  i compose-init                app/compose.yaml:db: no init
                                fix: write init: true in line 26

`
	if _, after, _ := strings.Cut(got, "\n"); !strings.HasPrefix(after, want) {
		t.Error(got)
	}
}

// TestTextFoldsWhatDiffersInTheName: that is one line, which says that the remedy is the first one's; its evidence is
// shown for each.
func TestTextFoldsWhatDiffersInTheName(t *testing.T) {
	findings := services(func(name string, _ int) finding.Remedy {
		return finding.Remedy{Text: "below " + name + " write init: true"}
	})
	want := `
CONTAINERS
  i compose-init                app/compose.yaml:web, app/compose.yaml:db: no init
                                fix: below web write init: true (here for the first; likewise for the others)

`
	if _, after, _ := strings.Cut(textOf(t, findings, Problems, false), "\n"); !strings.HasPrefix(after, want) {
		t.Error(after)
	}
	for _, want := range []string{"seen: app/compose.yaml:23: web without init\n", "seen: app/compose.yaml:26: db without init\n", "fix: below db write"} {
		if got := textOf(t, findings, Problems, true); !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	same := services(func(string, int) finding.Remedy { return finding.Remedy{Text: "update", Command: "docker update all"} })
	if got := textOf(t, same, Problems, false); strings.Contains(got, "here for the first") || !strings.Contains(got, "web, app/compose.yaml:db: no init") {
		t.Errorf("one command for all reads as one for the first:\n%s", got)
	}
}

// TestTextOfAHundredContainers: what differs in the name is one line, with evidence too; what differs in more is four,
// and the rest is counted.
func TestTextOfAHundredContainers(t *testing.T) {
	crowd := func(got func(i int) string) finding.Report {
		var findings finding.Report
		for i := range 100 {
			name := fmt.Sprint("web-", i)
			findings = append(findings, finding.Finding{ID: "container-no-restart-policy", Area: finding.Containers, Status: finding.Fail, Severity: finding.Warning,
				Subject: name, Summary: "no restart policy", Evidence: []finding.Evidence{{Source: "docker inspect " + name, Got: got(i)}},
				Remedy: &finding.Remedy{Text: "let the engine restart it", Command: "docker update --restart unless-stopped " + name}})
		}
		return findings
	}
	alike := textOf(t, crowd(func(int) string { return "RestartPolicy no" }), Problems, true)
	if !strings.Contains(alike, "web-4 and 95 more: no restart policy\n") || strings.Count(alike, "seen: ") != 1 {
		t.Error(alike)
	}
	unlike := textOf(t, crowd(func(i int) string { return fmt.Sprint("made ", i, " days ago") }), Problems, true)
	if strings.Count(unlike, "seen: ") != linesPerCheck || !strings.Contains(unlike, "96 more like these (--all lists all)\n") {
		t.Error(unlike)
	}
}

// TestDiffKeepsEachRemedy: a comparison folds no more than a report.
func TestDiffKeepsEachRemedy(t *testing.T) {
	after := DoctorRecord{Findings: services(func(_ string, line int) finding.Remedy {
		return finding.Remedy{Text: fmt.Sprint("write it in line ", line)}
	})}
	got := diffText(t, NewDoctorDiff("1", DoctorRecord{}, after), Problems)
	for _, want := range []string{"fix: write it in line 23\n", "fix: write it in line 26\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestNameless(t *testing.T) {
	for _, c := range []struct{ text, subject, want string }{
		{"docker update web", "web", "docker update #"},
		{"web: web.", "web", "#: #."},
		{"web-1 web_1 myweb webweb web", "web", "web-1 web_1 myweb webweb #"},
		{"/etc/docker", "docker", "/etc/#"},
		{"below web in a/compose.yaml:web write", "a/compose.yaml:web", "below # in # write"},
		{"the host", finding.Host, "the host"},
		{"nothing", "", "nothing"},
		{"x:", "x:", "#"},
	} {
		if diff := cmp.Diff(c.want, strings.ReplaceAll(nameless(c.text, c.subject), "\x01", "#")); diff != "" {
			t.Errorf("%q without %q: %s", c.text, c.subject, diff)
		}
	}
}

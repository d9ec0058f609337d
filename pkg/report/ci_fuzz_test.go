package report

import (
	"strings"
	"testing"
	"unicode/utf8"

	"vmguard/pkg/finding"
)

// FuzzCI: whatever a host gives, each report is one that its readers can parse, and holds every finding as what it is.
func FuzzCI(f *testing.F) {
	for _, text := range foul {
		f.Add(text.in, "/etc/"+text.in, 3, uint8(3), uint8(1))
	}
	f.Fuzz(func(t *testing.T, text, file string, line int, severity, failOn uint8) {
		d := bakedImage()
		d.Version, d.Image, d.Facts.System.Value.Hostname, d.Policy = text, text, text, text
		d.FailOn = finding.Severity(failOn % 4)
		d.Findings = nil
		for status := finding.Fail; status <= finding.Skipped; status++ {
			one := finding.Finding{ID: "check-" + text, Area: finding.Boot, Status: status, Severity: finding.Severity(severity%3 + 1), Subject: text, Summary: text,
				Evidence: []finding.Evidence{{Source: file, Got: text, Want: text, File: file, Line: line}},
				Remedy:   &finding.Remedy{Text: text, Command: text}, Waiver: &finding.Waiver{Reason: text, Expires: text}}
			d.Findings = append(d.Findings, one, one)
		}
		checkJUnit(t, d, readJUnit(t, written(t, "xml", d)))
		checkSARIF(t, d, readSARIF(t, written(t, "sarif", d)))
		checkTAPLines(t, d, string(written(t, "tap", d)))
		list, _ := readGitHub(t, written(t, "github", d))
		if len(list) != 6 { // two failures, two unknown, two waived
			t.Fatalf("%d commands", len(list))
		}
		for _, c := range list {
			if want := "check-" + text + ": " + text; text != finding.Host && c.Properties["title"] != ciLine(want) && len(want) < githubTitle {
				t.Errorf("%q, want %q", c.Properties["title"], ciLine(want))
			}
			if strings.TrimSpace(ciLine(text)) != "" && !strings.Contains(c.Message, ciLine(text)) {
				t.Errorf("no %q in %q", ciLine(text), c.Message)
			}
		}
	})
}

// FuzzCILine: a clean line is valid, is one line, has nothing hidden, stays as it is when cleaned once more, and keeps text that is clean.
func FuzzCILine(f *testing.F) {
	for _, text := range foul {
		f.Add(text.in)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := ciLine(text)
		if !utf8.ValidString(got) || strings.ContainsAny(got, "\n\r\t\x00\x1b\ufffd\ufffe\uffff\u2028\u202e") || ciLine(got) != got && utf8.RuneCountInString(text) <= ciTextMost {
			t.Errorf("%q became %q", text, got)
		}
		if utf8.RuneCountInString(got) > ciTextMost+3 {
			t.Errorf("%d runes", utf8.RuneCountInString(got))
		}
		if command := ciCommand(text); strings.Count(command, "\n") != strings.Count(text, "\n") {
			t.Errorf("%q became %q", text, command)
		}
	})
}

package report

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

// What GitHub's code scanning takes of one run, and of one file.
const (
	githubResults   = 25000
	githubRules     = 25000
	githubTags      = 20
	githubTextRunes = 1024 // of a rule's descriptions
	githubGzipBytes = 10 << 20
)

// sarifSchemaOf compiles the standard's schema; its formats (URIs, times) are checked too.
func sarifSchemaOf(t testing.TB) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	s, err := c.Compile("testdata/schema/sarif-2.1.0.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func readSARIF(t testing.TB, doc []byte) sarifRun {
	t.Helper()
	var log sarifLog
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&log); err != nil || len(log.Runs) != 1 {
		t.Fatalf("%v, %d runs in %.300s", err, len(log.Runs), doc)
	}
	return log.Runs[0]
}

// checkSARIF holds what the schema cannot: indexes, places, fingerprints, and each finding against what it became.
func checkSARIF(t testing.TB, d Doctor, run sarifRun) {
	t.Helper()
	rules := run.Tool.Driver.Rules
	notices := run.Invocations[0].Notifications
	marks := map[string]bool{}
	results, notified := 0, 0
	for _, f := range d.Findings {
		switch f.Status {
		case finding.Fail, finding.Waived:
			r := run.Results[results]
			results++
			at := r.Locations[0].Physical
			if r.RuleID != ciLine(f.ID) || rules[r.RuleIndex].ID != r.RuleID || r.Level != sarifLevel(f.Severity) || (len(r.Suppressions) == 1) != (f.Status == finding.Waived) {
				t.Errorf("%s %v %v became %+v", f.ID, f.Status, f.Severity, r)
			}
			if u, err := url.Parse(at.File.URI); err != nil || at.File.URI == "" || at.Region.Line < 1 || u.Scheme != "" && u.Scheme != "file" || u.RawQuery != "" || u.Fragment != "" || u.Host != "" {
				t.Errorf("%s is shown at %+v: %v", f.ID, at, err)
			}
			mark := r.Fingerprints[sarifFingerprint]
			if marks[mark] || mark == "" {
				t.Errorf("the fingerprint %q comes twice, or is none", mark)
			}
			marks[mark] = true
		case finding.Unknown, finding.NotAssessable:
			n := notices[notified]
			notified++
			if n.Rule.ID != ciLine(f.ID) || rules[n.Rule.Index].ID != n.Rule.ID || n.Descriptor.ID != f.Status.String() || run.Tool.Driver.Notifications[n.Descriptor.Index].ID != n.Descriptor.ID {
				t.Errorf("%s %v became %+v", f.ID, f.Status, n)
			}
		}
	}
	if results != len(run.Results) || notified != len(notices) {
		t.Errorf("%d results of %d, %d notifications of %d", len(run.Results), results, len(notices), notified)
	}
}

func TestSARIFSchema(t *testing.T) {
	schema := sarifSchemaOf(t)
	for name, d := range map[string]Doctor{"an image": bakedImage(), "a host": sick(), "foul texts": fouled(), "10,000 findings": tenThousand(), "nothing": {}} {
		doc := written(t, "sarif", d)
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
		if err != nil {
			t.Fatal(name, err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		run := readSARIF(t, doc)
		checkSARIF(t, d, run)
		if len(run.Policies) > 1 || (d.Policy != "") != (len(run.Policies) == 1) || d.Policy != "" && run.Policies[0].Name != ciLine(d.Policy) {
			t.Errorf("%s: policies %+v, want %q", name, run.Policies, d.Policy)
		}
	}
}

// TestSARIFSchemaRefuses: the schema is one that can say no.
func TestSARIFSchemaRefuses(t *testing.T) {
	schema := sarifSchemaOf(t)
	doc := string(written(t, "sarif", bakedImage()))
	for _, c := range []struct{ from, to string }{
		{`"level": "error"`, `"level": "critical"`},
		{`"version": "2.1.0"`, `"version": "2.2"`},
		{`"ruleIndex": 0`, `"ruleIndex": -2`},
		{`"uri": "etc/docker/daemon.json"`, `"uri": "a b%zz"`},
	} {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(strings.Replace(doc, c.from, c.to, 1)))
		if err != nil {
			t.Fatal(err)
		}
		if schema.Validate(v) == nil {
			t.Errorf("%s in place of %s passes", c.to, c.from)
		}
	}
}

// TestSARIFLimits: 10,000 findings stay below what GitHub takes, and so do the checks' own texts.
func TestSARIFLimits(t *testing.T) {
	doc := written(t, "sarif", tenThousand())
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(doc); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	run := readSARIF(t, doc)
	if packed.Len() > githubGzipBytes || len(run.Results) > githubResults || len(run.Tool.Driver.Rules) > githubRules {
		t.Errorf("%d bytes packed, %d results, %d rules", packed.Len(), len(run.Results), len(run.Tool.Driver.Rules))
	}
	for _, r := range run.Tool.Driver.Rules {
		if len(r.Bag.Tags) > githubTags {
			t.Errorf("%s has %d tags", r.ID, len(r.Bag.Tags))
		}
	}
	long := Rule{ID: "long", Title: strings.Repeat("t", 5000), Why: strings.Repeat("ü", 5000)}
	for _, r := range readSARIF(t, written(t, "sarif", Doctor{Rules: []Rule{long}})).Tool.Driver.Rules {
		if n, m := len([]rune(r.Short.Text)), len([]rune(r.Full.Text)); n > githubTextRunes || m > githubTextRunes {
			t.Errorf("descriptions of %d and %d runes", n, m)
		}
	}
}

func TestSARIFFoulTexts(t *testing.T) {
	run := readSARIF(t, written(t, "sarif", fouled()))
	for i, text := range foul {
		if r := run.Tool.Driver.Rules[i]; r.ID != text.want || r.Short.Text != text.want || r.Full.Text != text.want {
			t.Errorf("%q became %+v", text.in, r)
		}
		failed, waived := run.Results[2*i], run.Results[2*i+1]
		if want := text.want + ": " + text.want + "\nfix: " + text.want + ":\n" + ciCommand("echo "+text.in) + "\necho two"; failed.Message.Text != want {
			t.Errorf("%q, want %q", failed.Message.Text, want)
		}
		if got := waived.Suppressions[0]; got.Justification != text.want || got.Kind != "external" || got.Status != "accepted" {
			t.Errorf("%+v", got)
		}
		if notice := run.Invocations[0].Notifications[2*i]; notice.Message.Text != text.want+": "+text.want {
			t.Errorf("%+v", notice)
		}
	}
	link := finding.Finding{Subject: finding.Host, Summary: "[click](https://example.org)"}
	if got := sarifMessage(link).Text; got != "[click] (https://example.org)" {
		t.Errorf("%q", got)
	}
}

func TestSARIFPlaces(t *testing.T) {
	at := func(evidence ...finding.Evidence) finding.Finding {
		return finding.Finding{ID: "x", Area: finding.Boot, Subject: "web 1", Evidence: evidence}
	}
	d := Doctor{Facts: &host.Facts{Compose: []host.Fact[host.ComposeFile]{host.Known(host.ComposeFile{Path: "/src/compose.yml"}, "")}}}
	for _, c := range []struct {
		name string
		f    finding.Finding
		want string
	}{
		{"a file of the host", at(finding.Evidence{Source: "x", File: "/etc/fstab", Line: 7}), "etc/fstab ROOT 7"},
		{"the first that has a file", at(finding.Evidence{Source: "/proc/swaps"}, finding.Evidence{File: "/etc/fstab"}), "etc/fstab ROOT 1"},
		{"a source that is a path", at(finding.Evidence{Source: "docker info"}, finding.Evidence{Source: "/proc/swaps"}), "proc/swaps ROOT 1"},
		{"a source with a line", at(finding.Evidence{Source: "/etc/fstab:12"}), "etc/fstab ROOT 12"},
		{"a source that is more than a path", at(finding.Evidence{Source: "/etc/a and /etc/b"}), "web%201  1"},
		{"the root itself", at(finding.Evidence{Source: "/"}), "web%201  1"},
		{"no evidence", at(), "web%201  1"},
		{"a file named relatively", at(finding.Evidence{File: "./deploy/compose.yml", Line: 2}), "deploy/compose.yml  2"},
		{"a file named absolutely", at(finding.Evidence{File: "/src/compose.yml", Line: 2}), "file:///src/compose.yml  2"},
		{"a name to encode", at(finding.Evidence{File: "/etc/a b:%\x00\n\xff?#ü"}), "etc/a%20b%3A%25%00%0A%FF%3F%23%C3%BC ROOT 1"},
		{"dots", at(finding.Evidence{File: "/etc/../../x//y"}), "x/y ROOT 1"},
		{"a line that cannot be", at(finding.Evidence{File: "/x", Line: -3}), "x ROOT 1"},
	} {
		p := d.place(c.f).location(c.f).Physical
		if got := fmt.Sprintf("%s %s %d", p.File.URI, p.File.Base, p.Region.Line); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestSARIFFingerprints: they hold across runs and machines, and tell twins apart.
func TestSARIFFingerprints(t *testing.T) {
	base := finding.Finding{ID: "swap-persistent", Area: finding.Memory, Status: finding.Fail, Severity: finding.Warning, Subject: finding.Host,
		Summary: "2 areas are missing", Evidence: []finding.Evidence{{File: "/etc/fstab", Line: 3, Got: "1 line"}}}
	with := func(change func(*finding.Finding)) finding.Finding {
		f := base
		f.Evidence = append([]finding.Evidence(nil), base.Evidence...)
		change(&f)
		return f
	}
	mark := func(d Doctor, f finding.Finding) string { return d.place(f).fingerprints(f, tally{})[sarifFingerprint] }
	same := []finding.Finding{
		with(func(f *finding.Finding) { f.Summary = "3 areas are missing" }),
		with(func(f *finding.Finding) { f.Evidence[0].Line, f.Evidence[0].Got = 9, "2 lines" }),
		with(func(f *finding.Finding) { f.Severity, f.Status = finding.Critical, finding.Waived }),
	}
	want := mark(Doctor{}, base)
	if want != "5499d06f9d4681e6f1a9d7a1fd1c3199:1" {
		t.Errorf("the key's version must rise, now that the fingerprint is %s", want)
	}
	for i, f := range same {
		if got := mark(Doctor{Image: "/mnt/other"}, f); got != want {
			t.Errorf("%d: %s, want %s", i, got, want)
		}
	}
	for i, f := range []finding.Finding{
		with(func(f *finding.Finding) { f.ID = "swap-enabled" }),
		with(func(f *finding.Finding) { f.Subject = "web" }),
		with(func(f *finding.Finding) { f.Evidence[0].File = "/etc/fstab.d/x" }),
	} {
		if mark(Doctor{}, f) == want {
			t.Errorf("%d has the fingerprint of another", i)
		}
	}
	run := readSARIF(t, written(t, "sarif", Doctor{Findings: finding.Report{base, same[0], base}}))
	for i, r := range run.Results {
		want := fmt.Sprintf("%s:%d", strings.TrimSuffix(want, ":1"), i+1)
		if diff := cmp.Diff(map[string]string{sarifFingerprint: want, githubFingerprint: want}, r.Fingerprints); diff != "" {
			t.Error(diff)
		}
	}
	checkout := func(dir string) string {
		d := Doctor{Facts: &host.Facts{Compose: []host.Fact[host.ComposeFile]{host.Known(host.ComposeFile{Path: dir + "/compose.yml"}, "")}}}
		f := with(func(f *finding.Finding) { f.Evidence[0].File = dir + "/compose.yml" })
		if _, ok := d.place(f).fingerprints(f, tally{})[githubFingerprint]; ok {
			t.Error("GitHub computes its own of a file in the repository")
		}
		return mark(d, f)
	}
	if a, b := checkout("/home/runner/work"), checkout("/builds/group"); a != b {
		t.Errorf("%s and %s", a, b)
	}
}

package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

// twoDays are the reports of two days, with a change of every kind between them.
func twoDays() (before, after DoctorRecord) {
	at := time.Date(2026, 11, 21, 15, 30, 0, 0, time.UTC)
	f := func(id string, status finding.Status, severity finding.Severity, subject, summary string) finding.Finding {
		out := finding.Finding{ID: id, Area: finding.Memory, Status: status, Severity: severity, Subject: subject, Summary: summary}
		if status == finding.Fail {
			out.Remedy = &finding.Remedy{Text: "mend it", Command: "mend " + id}
		}
		if status == finding.Waived {
			out.Waiver = &finding.Waiver{Reason: "known", Expires: "2027-01-31"}
		}
		return out
	}
	const host = finding.Host
	before = DoctorRecord{File: "a.json", Version: "1.2.2", CollectedAt: at, Hostname: "web-1", Findings: finding.Report{
		f("swap-enabled", finding.Pass, finding.Critical, host, "2.0 GiB of swap"),
		f("oom-kills", finding.Unknown, finding.Critical, host, "the kernel's log may not be read"),
		f("memory-headroom", finding.Fail, finding.Warning, host, "9 % available"),
		f("memory-pressure", finding.Pass, finding.Critical, host, "0 %"),
		f("swap-thrashing", finding.Fail, finding.Critical, host, "swap in all the time"),
		f("oom-panic", finding.Fail, finding.Critical, host, "it panics"),
		f("container-no-restart-policy", finding.Fail, finding.Warning, "web", "no restart policy"),
		f("container-no-restart-policy", finding.Pass, finding.Warning, "db", "always"),
		f("container-no-restart-policy", finding.Fail, finding.Warning, "old", "no restart policy"),
		f("docker-warnings", finding.Unknown, finding.Info, host, "the engine could not be asked"),
		f("swappiness", finding.Fail, finding.Info, host, "vm.swappiness is 70"),
		f("conntrack-full", finding.Pass, finding.Critical, host, "0 % used"),
		f("disk-space", finding.Pass, finding.Critical, host, "12 % used"),
		f("swap-persistent", finding.Fail, finding.Warning, host, "/swapfile is lost at boot"),
	}}
	after = DoctorRecord{File: "b.json", Version: "1.2.3", CollectedAt: at.Add(24 * time.Hour), Hostname: "web-1", Findings: finding.Report{
		f("swap-enabled", finding.Fail, finding.Critical, host, "no swap on a VM with 2.0 GiB of RAM"),
		f("oom-kills", finding.Fail, finding.Critical, host, "3 kills since boot"),
		f("journal-persistent", finding.Fail, finding.Warning, host, "the journal is lost at boot"),
		f("memory-headroom", finding.Fail, finding.Critical, host, "4 % available"),
		f("memory-pressure", finding.Unknown, finding.Critical, host, "the kernel keeps no pressure information"),
		f("swap-thrashing", finding.Fail, finding.Warning, host, "swap in now and then"),
		f("oom-panic", finding.Waived, finding.Critical, host, "it panics"),
		f("container-no-restart-policy", finding.Pass, finding.Warning, "web", "unless-stopped"),
		f("container-no-restart-policy", finding.Pass, finding.Warning, "db", "always"),
		f("docker-warnings", finding.Pass, finding.Info, host, "none"),
		f("swappiness", finding.Fail, finding.Info, host, "vm.swappiness is 80"),
		f("conntrack-full", finding.Skipped, finding.Critical, host, "no connection tracking"),
		f("disk-space", finding.Pass, finding.Critical, host, "12 % used"),
		f("swap-persistent", finding.Skipped, finding.Warning, host, "no swap is set up"),
	}}
	return before, after
}

func diffText(t testing.TB, d DoctorDiff, detail Detail) string {
	t.Helper()
	var b bytes.Buffer
	if err := DiffText(&b, d, Style{Wide: true, Width: 100}, detail); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestDiffText(t *testing.T) {
	before, after := twoDays()
	want := `before: web-1, 21 November 2026, 15:30 UTC, vmguard 1.2.2 (a.json)
after:  web-1, 22 November 2026, 15:30 UTC, vmguard 1.2.3 (b.json)

NEW FAILURES
  ✗ swap-enabled                no swap on a VM with 2.0 GiB of RAM
                                before: fine: 2.0 GiB of swap
                                fix: mend it:
                                     mend swap-enabled

FAILURES THAT THE EARLIER REPORT COULD NOT TELL
  ✗ oom-kills                   3 kills since boot
                                before: unknown: the kernel's log may not be read
                                fix: mend it:
                                     mend oom-kills
  ! journal-persistent          the journal is lost at boot
                                before: not looked at
                                fix: mend it:
                                     mend journal-persistent

WORSE
  ✗ memory-headroom             4 % available
                                before: warning: 9 % available
                                fix: mend it:
                                     mend memory-headroom

CANNOT BE TOLD NOW
  ? memory-pressure             the kernel keeps no pressure information
                                before: fine: 0 %

BETTER
  ! swap-thrashing              swap in now and then
                                before: critical: swap in all the time
                                fix: mend it:
                                     mend swap-thrashing

WAIVED NOW
  ~ oom-panic                   it panics (waived until 2027-01-31: known)
                                before: critical: it panics

MENDED
  ✓ container-no-restart-policy web: unless-stopped
                                before: warning: no restart policy

DOES NOT APPLY ANY MORE
  - swap-persistent             no swap is set up
                                before: warning: /swapfile is lost at boot

NO LONGER LOOKED AT
  - container-no-restart-policy old: nothing is said of it now
                                before: warning: no restart policy

FINE, AND NOT TOLD BEFORE
  ✓ docker-warnings             none
                                before: unknown: the engine could not be asked

1 new failure, 2 failures not told before, 1 worse, 1 cannot be told now, 1 better, 1 waived now,
  1 mended, 1 does not apply any more, 1 no longer looked at, 1 now known to be fine, 1 the same in
  other words, 1 other difference, 2 findings as before (--all lists all)
next: mend swap-enabled
`
	d := NewDoctorDiff("1.2.3", before, after)
	if diff := cmp.Diff(want, diffText(t, d, Problems)); diff != "" {
		t.Error(diff)
	}
	all := diffText(t, d, All)
	for _, want := range []string{"THE SAME IN OTHER WORDS\n  i swappiness ", "before: info: vm.swappiness is 70", "OTHER DIFFERENCES\n  - conntrack-full ", "before: fine: 0 % used"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
	if short := diffText(t, d, Verdict); !strings.HasPrefix(short, "1 new failure") {
		t.Error(short)
	}
}

func TestDiffTextOfTheSame(t *testing.T) {
	before, _ := twoDays()
	got := diffText(t, NewDoctorDiff("1", before, before), Problems)
	if want := "\nnothing changed: 14 findings as before\n"; !strings.HasSuffix(got, want) {
		t.Error(got)
	}
}

func TestDiffTextNotes(t *testing.T) {
	for _, c := range []struct {
		before, after DoctorRecord
		want          string
	}{
		{DoctorRecord{Hostname: "a"}, DoctorRecord{Hostname: "b"}, "note:   these are two hosts\n"},
		{DoctorRecord{Image: "/mnt/a"}, DoctorRecord{Hostname: "b"}, "note:   one is an image and one a running host"},
		{DoctorRecord{Image: "/mnt/a", Hostname: "a"}, DoctorRecord{Image: "/mnt/b", Hostname: "b"}, "after:  image /mnt/b, vmguard\n\n"},
		{DoctorRecord{}, DoctorRecord{}, "before: a host without a name, vmguard\n"},
	} {
		if got := diffText(t, NewDoctorDiff("1", c.before, c.after), Problems); !strings.Contains(got, c.want) {
			t.Errorf("no %q in %s", c.want, got)
		}
	}
}

// TestDiffTextFolds: a hundred containers that changed alike are one line, and those that did not are four.
func TestDiffTextFolds(t *testing.T) {
	var after finding.Report
	for i := range 100 {
		f := finding.Finding{ID: "container-unhealthy", Area: finding.Containers, Status: finding.Fail, Severity: finding.Warning, Subject: fmt.Sprint("web-", i), Summary: "unhealthy"}
		after = append(after, f)
		f.ID, f.Summary = "container-near-limit", fmt.Sprint(i, " %")
		after = append(after, f)
	}
	got := diffText(t, NewDoctorDiff("1", DoctorRecord{}, DoctorRecord{Findings: after}), Problems)
	for _, want := range []string{"web-0, web-1, web-2, web-3, web-4 and 95 more: unhealthy", "container-near-limit: 96 more like these (--all lists all)"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if n := strings.Count(got, "\n"); n > 30 {
		t.Errorf("%d lines", n)
	}
}

// heldAgainstSchema holds a document against the schema of comparisons.
func heldAgainstSchema(t *testing.T, doc []byte) error {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	s, err := c.Compile("../../docs/schema/doctor-diff.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(v)
}

func TestDiffJSON(t *testing.T) {
	before, after := twoDays()
	after.Image = "/mnt/image"
	for _, d := range []DoctorDiff{NewDoctorDiff("1.2.3", before, after), NewDoctorDiff("1.2.3", DoctorRecord{}, DoctorRecord{})} {
		var doc bytes.Buffer
		if err := DiffJSON(&doc, d); err != nil {
			t.Fatal(err)
		}
		if err := heldAgainstSchema(t, doc.Bytes()); err != nil {
			t.Error(err)
		}
		for _, wrong := range [][2]string{{`"kind": "mended"`, `"kind": "healed"`}, {`"alike"`, `"same"`}, {`"after": {`, `"later": {`}} {
			if changed := bytes.Replace(doc.Bytes(), []byte(wrong[0]), []byte(wrong[1]), 1); !bytes.Equal(changed, doc.Bytes()) && heldAgainstSchema(t, changed) == nil {
				t.Errorf("the schema accepts %s", wrong[1])
			}
		}
		var got struct {
			Kind string
			Data struct {
				Counts  map[string]int
				Changes finding.Changes
			}
		}
		if err := json.Unmarshal(doc.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(d.Changes, got.Data.Changes); got.Kind != "DoctorDiff" || len(d.Changes) > 0 && diff != "" {
			t.Errorf("%s: %s", got.Kind, diff)
		}
		for _, c := range d.Changes {
			got.Data.Counts[c.Kind.String()]--
		}
		for kind, n := range got.Data.Counts {
			if n != 0 && kind != "alike" || kind == "alike" && n != d.alike() {
				t.Errorf("%s: %d", kind, n)
			}
		}
	}
}

func TestDiffWritersKeepTheCause(t *testing.T) {
	d := NewDoctorDiff("1", DoctorRecord{}, DoctorRecord{})
	for _, err := range []error{DiffText(brokenPipe{}, d, Style{}, All), DiffJSON(brokenPipe{}, d), DoctorHTML(brokenPipe{}, sick()), DoctorPrometheus(brokenPipe{}, sick())} {
		if err == nil || !strings.Contains(err.Error(), "broken pipe") {
			t.Errorf("%v", err)
		}
	}
}

// FuzzDiffText: nothing that a terminal acts on comes out of a file that somebody else may have written.
func FuzzDiffText(f *testing.F) {
	for _, name := range wildNames {
		f.Add(name, uint8(3))
	}
	f.Fuzz(func(t *testing.T, s string, status uint8) {
		one := finding.Finding{ID: s, Status: finding.Status(1 + status%6), Severity: finding.Critical, Area: finding.Memory, Subject: s, Summary: s,
			Remedy: &finding.Remedy{Text: s, Command: s}}
		two := one
		two.Status = finding.Status(1 + status/6%6)
		r := DoctorRecord{File: s, Version: s, Hostname: s, Image: s}
		before, after := r, r
		before.Findings, after.Findings = finding.Report{one}, finding.Report{two, one}
		got := diffText(t, NewDoctorDiff(s, before, after), All)
		for _, r := range got {
			if r != '\n' && (hidden(r) || r < ' ') {
				t.Fatalf("holds %U: %q", r, got)
			}
		}
	})
}

func BenchmarkDiff10000(b *testing.B) {
	before, after := crowdDoctor(10_000).Findings, crowdDoctor(10_000).Findings
	for i := range after {
		after[i].Status = finding.Status(1 + (int(after[i].Status)+i)%6)
	}
	for b.Loop() {
		d := NewDoctorDiff("1", DoctorRecord{Findings: before}, DoctorRecord{Findings: after})
		if err := DiffText(io.Discard, d, Style{Wide: true, Width: 100}, All); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadDoctor10000(b *testing.B) {
	var doc bytes.Buffer
	if err := DoctorJSON(&doc, crowdDoctor(10_000)); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(doc.Len()))
	for b.Loop() {
		if _, err := ReadDoctor(bytes.NewReader(doc.Bytes())); err != nil {
			b.Fatal(err)
		}
	}
}

// noFacts are the facts of a host of which nothing is known.
func noFacts() *host.Facts { return &host.Facts{} }

package report

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/finding"
)

// TestReadDoctorReadsWhatWasWritten: a report comes back as it went, but for bytes that are no text.
func TestReadDoctorReadsWhatWasWritten(t *testing.T) {
	for name, d := range map[string]Doctor{"sick": sick(), "image": baked(), "empty": {Version: "1", Facts: noFacts(), Findings: finding.Report{}}} {
		d.Facts.CollectedAt = time.Date(2026, 11, 22, 15, 30, 0, 0, time.UTC)
		var doc bytes.Buffer
		if err := DoctorJSON(&doc, d); err != nil {
			t.Fatal(err)
		}
		got, err := ReadDoctor(&doc)
		if err != nil {
			t.Fatal(err)
		}
		want := DoctorRecord{Version: d.Version, CollectedAt: d.Facts.CollectedAt, Hostname: d.Facts.System.Value.Hostname, Image: d.Image, Offline: name == "image", Findings: d.Findings}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestReadDoctorRefuses(t *testing.T) {
	const head = `{"schemaVersion":1,"kind":"DoctorReport","data":`
	one := func(field string) string {
		return head + `{"vmguardVersion":"9.9.9","findings":[{"id":"x","area":"memory","status":"fail","severity":"info","subject":"host","summary":"y",` + field + `}]}}`
	}
	for _, c := range []struct{ name, doc, want string }{
		{"nothing", " \n", "read report: empty"},
		{"text", "vmguard 1.2.3 on web-1: Debian\n", "no JSON document: vmguard doctor -o json writes one"},
		{"a list", "[]", "no JSON document"},
		{"cut off", head + "\n{\"findings\":[\n{\"id\"", "line 3: unexpected end of JSON input"},
		{"broken", "{\n\"a\": nope}", "line 2: invalid character 'o' in literal null"},
		{"facts", `{"schemaVersion":3,"kind":"Facts","data":{}}`, "this is a recording of facts: judge it first: vmguard doctor --facts FILE -o json"},
		{"another document", `{"schemaVersion":1,"kind":"WhyReport","data":{}}`, `this is a "WhyReport", not a DoctorReport`},
		{"no document", `{"a":1}`, `no report of vmguard doctor (it has no "kind")`},
		{"a newer schema", `{"schemaVersion":2,"kind":"DoctorReport","data":{}}`, "schema version 2; this program reads version 1"},
		{"no data", `{"schemaVersion":1,"kind":"DoctorReport"}`, `"data" is no object`},
		{"other data", head + `7}`, `"data" is no object`},
		{"no findings", head + `{}}`, `"data" has no "findings"`},
		{"findings of another kind", head + `{"findings":7}}`, "cannot unmarshal number"},
		{"an unknown status", one(`"status":"dubious"`), `unknown finding.Status "dubious" (it was written by vmguard "9.9.9")`},
		{"a finding without a status", head + `{"findings":[{"id":"x","area":"memory","severity":"info"}]}}`, "finding 1 lacks its id, area, status or severity"},
		{"findings without end", head + `{"findings":[` + strings.Repeat("{},", doctorReadFindings) + `{}]}}`, "its lists of findings are too long"},
	} {
		if _, err := ReadDoctor(strings.NewReader(c.doc)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; wanted %q", c.name, err, c.want)
		}
	}
	if _, err := ReadDoctor(iotest.ErrReader(errPipe)); !errors.Is(err, errPipe) {
		t.Errorf("the cause is lost: %v", err)
	}
	if _, err := ReadDoctor(&blanks{doctorReadLimit + 1}); err == nil || !strings.Contains(err.Error(), "larger than 64 MiB") {
		t.Errorf("a huge document: %v", err)
	}
}

// blanks is a reader of so many blanks.
type blanks struct{ left int }

func (b *blanks) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, errors.New("read past the limit")
	}
	n := min(len(p), b.left)
	for i := range p[:n] {
		p[i] = ' '
	}
	b.left -= n
	return n, nil
}

// FuzzReadDoctor: what can be read has a valid status in every finding, and reads the same once written again.
func FuzzReadDoctor(f *testing.F) {
	for _, d := range []Doctor{sick(), baked(), wildDoctor()} {
		var doc bytes.Buffer
		if err := DoctorJSON(&doc, d); err != nil {
			f.Fatal(err)
		}
		f.Add(doc.Bytes())
	}
	f.Add([]byte(`{"schemaVersion":1,"kind":"DoctorReport","data":{"findings":[]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := ReadDoctor(bytes.NewReader(data))
		if err != nil {
			return
		}
		var doc bytes.Buffer
		if err := DoctorJSON(&doc, Doctor{Version: got.Version, Facts: noFacts(), Image: got.Image, Findings: got.Findings}); err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, err := ReadDoctor(&doc)
		if err != nil {
			t.Fatal(err)
		}
		again.CollectedAt, again.Hostname = got.CollectedAt, got.Hostname
		if diff := cmp.Diff(got, again); diff != "" {
			t.Fatal(diff)
		}
		if changes := finding.Diff(got.Findings, again.Findings); len(changes) != 0 {
			t.Fatalf("%+v", changes)
		}
	})
}

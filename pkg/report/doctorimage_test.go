package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

// baked is a report on an image, with everything that only images and policies bring.
func baked() Doctor {
	f := &host.Facts{Image: true, System: host.Known(host.System{Hostname: "golden", OS: "Debian GNU/Linux 12 (bookworm)"}, "/etc")}
	cannot := "not assessable in an image: only a running host shows it"
	findings := finding.Report{
		{ID: "docker-enabled", Area: finding.Docker, Status: finding.Fail, Severity: finding.Critical, Subject: finding.Host,
			Summary: "docker is installed, and nothing starts it at boot",
			Remedy:  &finding.Remedy{Text: "in the image: enable it", Command: "systemctl enable docker"}},
		{ID: "memory-headroom", Area: finding.Memory, Status: finding.NotAssessable, Severity: finding.Critical, Subject: finding.Host, Summary: cannot},
		{ID: "memory-pressure", Area: finding.Memory, Status: finding.NotAssessable, Severity: finding.Critical, Subject: finding.Host, Summary: cannot},
		{ID: "swap-thrashing", Area: finding.Memory, Status: finding.NotAssessable, Severity: finding.Critical, Subject: finding.Host, Summary: cannot},
		{ID: "swap-baked-in", Area: finding.Memory, Status: finding.Waived, Severity: finding.Warning, Subject: finding.Host,
			Summary: "/swapfile of 2.0 GiB is part of the image", Waiver: &finding.Waiver{Reason: "the disk is thin", Expires: "2027-01-31"}},
		{ID: "journal-persistent", Area: finding.Boot, Status: finding.Pass, Severity: finding.Warning, Subject: finding.Host, Summary: "the journal is kept"},
	}
	findings.Sort()
	return Doctor{Version: "1.2.3", Facts: f, Image: "/mnt/my image", Findings: findings, Took: 41 * time.Millisecond}
}

func TestDoctorTextOfAnImage(t *testing.T) {
	var short, all bytes.Buffer
	style := Style{Wide: true, Width: 100}
	if err := DoctorText(&short, baked(), style, Problems, false); err != nil {
		t.Fatal(err)
	}
	if err := DoctorText(&all, baked(), style, All, false); err != nil {
		t.Fatal(err)
	}
	head := "vmguard 1.2.3 on image /mnt/my image: Debian GNU/Linux 12 (bookworm)\n\nMEMORY\n"
	waived := `  ~ swap-baked-in               /swapfile of 2.0 GiB is part of the image (waived until 2027-01-31:
                                the disk is thin)

`
	docker := `DOCKER
  ✗ docker-enabled              docker is installed, and nothing starts it at boot
                                fix: in the image: enable it:
                                     systemctl enable docker

`
	counts := "1 critical, 0 warnings, 1 waived, 1 fine, 3 not assessable in an image"
	next := "next, in the image: systemctl enable docker\n"
	want := head + waived + docker + counts + " (--all lists all), in 41 ms\n" + next
	if diff := cmp.Diff(want, short.String()); diff != "" {
		t.Error(diff)
	}
	want = head + `  · memory-headroom             not assessable in an image: only a running host shows it (3 checks:
                                also memory-pressure, swap-thrashing)
` + waived + docker + `BOOT
  ✓ journal-persistent          the journal is kept

` + counts + ", in 41 ms\n" + next
	if diff := cmp.Diff(want, all.String()); diff != "" {
		t.Error(diff)
	}
}

func TestHeadlines(t *testing.T) {
	system := host.Known(host.System{Hostname: "web-1", OS: "Debian 12", Kernel: "6.1"}, "/proc")
	for _, c := range []struct {
		d    Doctor
		want string
	}{
		{Doctor{Facts: &host.Facts{System: system}}, "vmguard 1 on web-1: Debian 12, kernel 6.1"},
		{Doctor{Facts: &host.Facts{}}, "vmguard 1 on a host without a name"},
		{Doctor{Facts: &host.Facts{Image: true, System: system}}, "vmguard 1 on a recorded image web-1: Debian 12, kernel 6.1"},
		{Doctor{Facts: &host.Facts{Image: true}}, "vmguard 1 on a recorded image"},
		{Doctor{Facts: &host.Facts{Image: true}, Image: "/mnt"}, "vmguard 1 on image /mnt"},
	} {
		c.d.Version = "1"
		if got := headline(c.d); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// TestWaivedSaysTheSameOnlyUnderTheSameWaiver: two reasons are two lines.
func TestWaivedSaysTheSameOnlyUnderTheSameWaiver(t *testing.T) {
	var findings finding.Report
	for subject, reason := range map[string]string{"a": "x", "b": "x", "c": "y"} {
		findings = append(findings, finding.Finding{ID: "container-unhealthy", Status: finding.Waived, Subject: subject, Summary: "same", Waiver: &finding.Waiver{Reason: reason}})
	}
	if got := fold(findings, false); len(got) != 2 {
		t.Errorf("%d entries: %+v", len(got), got)
	}
}

func TestDoctorJSONOfAnImage(t *testing.T) {
	var doc bytes.Buffer
	if err := DoctorJSON(&doc, baked()); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Data struct {
			Image  string
			Counts finding.Counts
		}
	}
	if err := json.Unmarshal(doc.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Data.Image != "/mnt/my image" || got.Data.Counts != (finding.Counts{Critical: 1, NotAssessable: 3, Waived: 1, Pass: 1}) {
		t.Errorf("%+v", got)
	}
	doc.Reset()
	if err := DoctorJSON(&doc, sick()); err != nil || strings.Contains(doc.String(), `"image"`) {
		t.Errorf("%v: a running host has an image:\n%.300s", err, doc.String())
	}
}

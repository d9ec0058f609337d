package report

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

// ciFormats are the reports for CI systems, by the end of their golden file's name.
func ciFormats() map[string]func(*bytes.Buffer, Doctor) error {
	return map[string]func(*bytes.Buffer, Doctor) error{
		"sarif":  func(b *bytes.Buffer, d Doctor) error { return DoctorSARIF(b, d) },
		"xml":    func(b *bytes.Buffer, d Doctor) error { return DoctorJUnit(b, d) },
		"github": func(b *bytes.Buffer, d Doctor) error { return DoctorGitHub(b, d) },
		"tap":    func(b *bytes.Buffer, d Doctor) error { return DoctorTAP(b, d) },
	}
}

// written gives a report in one of ciFormats.
func written(t testing.TB, format string, d Doctor) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := ciFormats()[format](&b, d); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// bakedImage is the report on a golden image, with each status and each kind of place.
func bakedImage() Doctor {
	findings := finding.Report{
		{ID: "swap-enabled", Area: finding.Memory, Status: finding.NotAssessable, Severity: finding.Critical, Subject: finding.Host,
			Summary: "not assessable in an image: only a running host shows it"},
		{ID: "cloud-init-swap", Area: finding.Memory, Status: finding.Unknown, Severity: finding.Warning, Subject: finding.Host,
			Summary: "cannot tell whether cloud-init makes a second swapfile: /etc/cloud/cloud.cfg: permission denied"},
		{ID: "swap-baked-in", Area: finding.Memory, Status: finding.Waived, Severity: finding.Warning, Subject: finding.Host,
			Summary:  "the image carries a swapfile of 1.0 GiB, and each copy of the image carries it along",
			Evidence: []finding.Evidence{{Source: "/swapfile", Got: "1.0 GiB, a swap header", Want: "made at first boot"}},
			Remedy:   &finding.Remedy{Text: "in the image: remove it", Command: "rm /swapfile"},
			Waiver:   &finding.Waiver{Reason: "the old hypervisor cannot grow disks (OPS-17)", Expires: "2027-03-01"}},
		{ID: "daemon-json-valid", Area: finding.Docker, Status: finding.Fail, Severity: finding.Critical, Subject: finding.Host,
			Summary:  "/etc/docker/daemon.json is no JSON, and with it the engine does not start",
			Evidence: []finding.Evidence{{Source: "/etc/docker/daemon.json:4", Got: `"log-opts": {`, Want: "a comma before it", File: "/etc/docker/daemon.json", Line: 4}},
			Remedy:   &finding.Remedy{Text: "in the image: write it anew", Command: "cat >/etc/docker/daemon.json <<'END'\n{\"live-restore\": true}\nEND"}},
		{ID: "docker-log-limits", Area: finding.Docker, Status: finding.Pass, Severity: finding.Warning, Subject: finding.Host, Summary: "the log files are bounded"},
		{ID: "compose-healthcheck", Area: finding.Containers, Status: finding.Fail, Severity: finding.Warning, Subject: "web",
			Summary:  "no healthcheck: a service that hangs is taken for one that works",
			Evidence: []finding.Evidence{{Source: "deploy/compose.yml:12", Got: "web: no healthcheck", File: "deploy/compose.yml", Line: 12}},
			Remedy:   &finding.Remedy{Text: "add a healthcheck to the service"}},
		{ID: "compose-init", Area: finding.Containers, Status: finding.Skipped, Severity: finding.Info, Subject: "web", Summary: "the program handles signals itself"},
		{ID: "sysctl-module", Area: finding.Boot, Status: finding.Fail, Severity: finding.Info, Subject: finding.Host,
			Summary:  "a sysctl of a module that is not loaded at boot has no effect",
			Evidence: []finding.Evidence{{Source: "/etc/sysctl.d/90-net.conf:2", Got: "net.netfilter.nf_conntrack_max = 262144"}}},
	}
	return Doctor{
		Version: "0.6.0", Findings: findings, Took: 41 * time.Millisecond, Image: "/mnt/image", Policy: "ci/policy.yaml", FailOn: finding.Critical,
		Facts: &host.Facts{CollectedAt: time.Date(2026, 11, 25, 22, 14, 3, 0, time.UTC), Image: true,
			System: host.Known(host.System{Hostname: "golden"}, "/etc")},
		Rules: []Rule{
			{ID: "daemon-json-valid", Title: "Docker's daemon.json is valid", Why: "With a broken file the engine does not start, and no container runs.",
				Rule: "Critical when the file is no JSON.", Fix: "Correct the file.", Area: finding.Docker, Worst: finding.Critical},
			{ID: "compose-healthcheck", Title: "Services have a healthcheck", Why: "Docker cannot see that a program hangs.",
				Rule: "Warning for each service without one.", Fix: "Add a healthcheck.", Area: finding.Containers, Worst: finding.Warning},
		},
	}
}

// TestCIGolden holds the reports against files that a person has read; UPDATE_GOLDEN=1 writes them anew.
func TestCIGolden(t *testing.T) {
	for format := range ciFormats() {
		file := filepath.Join("testdata", "doctor."+format)
		got := written(t, format, bakedImage())
		if os.Getenv("UPDATE_GOLDEN") == "1" {
			if err := os.WriteFile(file, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s: %s", file, diff)
		}
	}
}

// foul are texts as a hostile host may give them, and what they become in a report.
var foul = []struct{ in, want string }{
	{`"double" 'single' <b>bold</b> &amp; ]]> <!-- -->`, `"double" 'single' <b>bold</b> &amp; ]]> <!-- -->`},
	{"nul\x00 esc\x1b[31m del\x7f next\u0085", "nul? esc?[31m del? next?"},
	{"bad\xff\xc3 bytes, half a pair \xed\xa0\x80", "bad?? bytes, half a pair ???"},
	{"two\nlines\r\nand a\ttab", "two lines  and a tab"},
	{"emoji \U0001f600, turned \u202eround\u202c, \u2066apart, \u200bhidden", "emoji \U0001f600, turned ?round?, ?apart, ?hidden"},
	{"\ufffe \uffff \ufffd \u2028 \u2029", "? ? ? ? ?"},
	{"::error file=/etc/passwd::gone %0A%0D %250A %25", "::error file=/etc/passwd::gone %0A%0D %250A %25"},
	{"x\n::error::injected\n##[error]injected", "x ::error::injected ##[error]injected"},
	{"x # TODO later \\# SKIP now \\", "x # TODO later \\# SKIP now \\"},
	{"x\n  ...\nok 99 - injected\nBail out!", "x   ... ok 99 - injected Bail out!"},
	{"a, b: c = {0} {{1}} 'd' - %s", "a, b: c = {0} {{1}} 'd' - %s"},
	{"../../etc/shadow?q#f file:///x C:\\x", "../../etc/shadow?q#f file:///x C:\\x"},
}

// fouled has a finding of each status for each foul text, with that text wherever foreign text can stand.
func fouled() Doctor {
	d := bakedImage()
	d.Findings, d.Rules = nil, nil
	d.Image, d.Version, d.Facts.System.Value.Hostname, d.Policy = foul[0].in, foul[1].in, foul[2].in, foul[7].in
	for _, text := range foul {
		d.Rules = append(d.Rules, Rule{ID: text.in, Title: text.in, Why: text.in, Rule: text.in, Fix: text.in})
		for status := finding.Fail; status <= finding.Skipped; status++ {
			f := finding.Finding{ID: fmt.Sprintf("check-%d", status), Area: finding.Boot, Status: status, Severity: finding.Critical, Subject: text.in, Summary: text.in,
				Evidence: []finding.Evidence{{Source: text.in, Got: text.in, Want: text.in, File: text.in, Line: 3}},
				Remedy:   &finding.Remedy{Text: text.in, Command: "echo " + text.in + "\necho two"}}
			if status == finding.Waived {
				f.Waiver = &finding.Waiver{Reason: text.in, Expires: text.in}
			}
			d.Findings = append(d.Findings, f)
		}
	}
	return d
}

// tenThousand is a report of 10,000 findings.
func tenThousand() Doctor {
	d := bakedImage()
	small := d.Findings
	d.Findings = nil
	for i := range 10000 {
		f := small[i%len(small)]
		f.Subject = fmt.Sprintf("web-%d", i)
		d.Findings = append(d.Findings, f)
	}
	d.Findings.Sort()
	return d
}

func TestCIExcuses(t *testing.T) {
	warning := finding.Finding{Status: finding.Fail, Severity: finding.Warning, Summary: "it is so"}
	for _, c := range []struct {
		f      finding.Finding
		failOn finding.Severity
		fails  bool
		reason string
	}{
		{warning, finding.Critical, false, "warning, below --fail-on critical: it is so"},
		{warning, 0, false, "warning, and --fail-on never fails no run: it is so"},
		{warning, finding.Warning, true, ""},
		{warning, finding.Info, true, ""},
		{finding.Finding{Status: finding.Unknown, Severity: finding.Critical, Summary: "no such file"}, finding.Info, false, "cannot tell: no such file"},
		{finding.Finding{Status: finding.Unknown, Severity: finding.Critical, Summary: "cannot tell: no such file"}, finding.Info, false, "cannot tell: no such file"},
		{finding.Finding{Status: finding.NotAssessable, Summary: "not assessable in an image: why"}, finding.Info, false, "not assessable in an image: why"},
		{finding.Finding{Status: finding.Waived, Severity: finding.Critical, Waiver: &finding.Waiver{Reason: "OPS-1"}}, finding.Info, false, "waived: OPS-1"},
		{finding.Finding{Status: finding.Waived, Severity: finding.Critical, Waiver: &finding.Waiver{Reason: "OPS-1", Expires: "2027-01-02"}}, finding.Info, false, "waived until 2027-01-02: OPS-1"},
		{finding.Finding{Status: finding.Skipped, Summary: "no swap"}, finding.Info, false, "does not apply: no swap"},
		{finding.Finding{Summary: "never filled in"}, finding.Info, false, "cannot tell: never filled in"},
	} {
		d := Doctor{FailOn: c.failOn}
		if got := d.failsRun(c.f); got != c.fails {
			t.Errorf("%+v fails at %v: %v", c.f, c.failOn, got)
		}
		if !c.fails {
			if got := d.ciReason(c.f); got != c.reason {
				t.Errorf("%+v at %v: %q, want %q", c.f, c.failOn, got, c.reason)
			}
		}
	}
}

func TestCIUserFile(t *testing.T) {
	d := Doctor{Facts: &host.Facts{Compose: []host.Fact[host.ComposeFile]{host.Known(host.ComposeFile{Path: "/src/deploy/compose.yml"}, "")}}}
	for _, c := range []struct {
		file string
		area finding.Area
		want bool
	}{
		{"compose.yml", finding.Containers, true},
		{"/src/deploy/compose.yml", finding.Containers, true},
		{"/src/deploy/web/Dockerfile", finding.Containers, true},
		{"/src/deployment", finding.Containers, false},
		{"/etc/fstab", finding.Boot, false},
		{"/etc/vmguard/policy.yaml", finding.Policy, true},
	} {
		if got := d.userFile(finding.Finding{Area: c.area}, c.file); got != c.want {
			t.Errorf("%s: %v", c.file, got)
		}
	}
	if (Doctor{}).userFile(finding.Finding{}, "/etc/fstab") {
		t.Error("a file of the user without any facts")
	}
}

func TestCIWritersKeepTheCause(t *testing.T) {
	for name, err := range map[string]error{
		"sarif": DoctorSARIF(brokenPipe{}, bakedImage()), "junit": DoctorJUnit(brokenPipe{}, bakedImage()),
		"github": DoctorGitHub(brokenPipe{}, bakedImage()), "tap": DoctorTAP(brokenPipe{}, bakedImage()),
	} {
		if !errors.Is(err, errPipe) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// tool runs a program of others on a document.
func tool(t *testing.T, stdin []byte, name string, args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%v: scripts/setup installs it", err)
	}
	cmd := exec.Command(name, args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%.2000s", name, strings.Join(args, " "), err, errs.String())
	}
	return out.Bytes()
}

// BenchmarkCI writes 10,000 findings, which is to take less than 200 ms in each format.
func BenchmarkCI(b *testing.B) {
	d := tenThousand()
	for format, write := range ciFormats() {
		b.Run(format, func(b *testing.B) {
			var out bytes.Buffer
			for b.Loop() {
				out.Reset()
				if err := write(&out, d); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(out.Len()))
		})
	}
}

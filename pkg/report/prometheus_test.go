package report

import (
	"bytes"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

func metricsOf(t testing.TB, d Doctor) string {
	t.Helper()
	var b bytes.Buffer
	if err := DoctorPrometheus(&b, d); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPrometheus(t *testing.T) {
	d := Doctor{Version: "1.2.3", Policy: "ci/policy.yaml", Took: 41 * time.Millisecond, Facts: &host.Facts{CollectedAt: time.Date(2026, 11, 22, 15, 30, 0, 5e8, time.UTC)}}
	oom := finding.Finding{ID: "oom-kills", Area: finding.Memory, Status: finding.Fail, Severity: finding.Critical, Subject: finding.Host}
	d.Findings = finding.Report{
		oom, oom,
		{ID: "memory-pressure", Area: finding.Memory, Status: finding.Unknown, Severity: finding.Warning, Subject: finding.Host},
		{ID: "container-unhealthy", Area: finding.Containers, Status: finding.Fail, Severity: finding.Warning, Subject: "a\"b\\c\nd"},
		{ID: "swappiness", Area: finding.Memory, Status: finding.Pass, Severity: finding.Warning, Subject: finding.Host},
		{ID: "swap-baked-in", Area: finding.Memory, Status: finding.Waived, Severity: finding.Info, Subject: finding.Host},
	}
	want := `# HELP vmguard_build_info The version of vmguard that judged.
# TYPE vmguard_build_info gauge
vmguard_build_info{version="1.2.3"} 1
# HELP vmguard_policy_info The policy that the findings were judged by; there is none with the default one.
# TYPE vmguard_policy_info gauge
vmguard_policy_info{policy="ci/policy.yaml"} 1
# HELP vmguard_run_timestamp_seconds When the facts were collected, in seconds since 1970.
# TYPE vmguard_run_timestamp_seconds gauge
vmguard_run_timestamp_seconds 1795361400.5
# HELP vmguard_run_duration_seconds How long collecting and judging took.
# TYPE vmguard_run_duration_seconds gauge
vmguard_run_duration_seconds 0.041
# HELP vmguard_findings How many findings have this status and severity; the severity is that of a failure, or the worst that there could be.
# TYPE vmguard_findings gauge
vmguard_findings{status="fail",severity="critical"} 2
vmguard_findings{status="fail",severity="warning"} 1
vmguard_findings{status="fail",severity="info"} 0
vmguard_findings{status="unknown",severity="critical"} 0
vmguard_findings{status="unknown",severity="warning"} 1
vmguard_findings{status="unknown",severity="info"} 0
vmguard_findings{status="not-assessable",severity="critical"} 0
vmguard_findings{status="not-assessable",severity="warning"} 0
vmguard_findings{status="not-assessable",severity="info"} 0
vmguard_findings{status="waived",severity="critical"} 0
vmguard_findings{status="waived",severity="warning"} 0
vmguard_findings{status="waived",severity="info"} 1
vmguard_findings{status="pass",severity="critical"} 0
vmguard_findings{status="pass",severity="warning"} 1
vmguard_findings{status="pass",severity="info"} 0
vmguard_findings{status="skipped",severity="critical"} 0
vmguard_findings{status="skipped",severity="warning"} 0
vmguard_findings{status="skipped",severity="info"} 0
# HELP vmguard_finding How many findings of this check about this subject failed, or could not be decided.
# TYPE vmguard_finding gauge
vmguard_finding{check="oom-kills",area="memory",subject="host",severity="critical",status="fail"} 2
vmguard_finding{check="memory-pressure",area="memory",subject="host",severity="warning",status="unknown"} 1
vmguard_finding{check="container-unhealthy",area="containers",subject="a\"b\\c d",severity="warning",status="fail"} 1
`
	if diff := cmp.Diff(want, metricsOf(t, d)); diff != "" {
		t.Error(diff)
	}
	if got := metricsOf(t, Doctor{Facts: &host.Facts{}}); strings.Contains(got, "timestamp") || strings.Contains(got, "policy") || strings.Contains(got, "vmguard_finding{") {
		t.Errorf("an empty report tells a time or a finding:\n%s", got)
	}
}

// promtool runs Prometheus' own tool.
func promtool(t *testing.T, stdin string, args ...string) {
	t.Helper()
	tool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skipf("%v: scripts/setup installs it", err)
	}
	c := exec.CommandContext(t.Context(), tool, args...)
	c.Stdin = strings.NewReader(stdin)
	if out, err := c.CombinedOutput(); err != nil || strings.Contains(string(out), "linting") {
		t.Errorf("promtool %s: %v\n%.2000s", strings.Join(args, " "), err, out)
	}
}

// TestPromtoolTakesEveryReport: the real parser and its linter have nothing to say, whatever stands in a report.
func TestPromtoolTakesEveryReport(t *testing.T) {
	for name, d := range map[string]Doctor{"sick": sick(), "image": baked(), "hostile": wildDoctor(), "empty": {Facts: &host.Facts{}}, "crowd": crowdDoctor(10_000)} {
		t.Run(name, func(t *testing.T) { promtool(t, metricsOf(t, d), "check", "metrics") })
	}
}

// TestAlertRules: the example rules are valid, and fire on what they are for.
func TestAlertRules(t *testing.T) {
	promtool(t, "", "check", "rules", "../../testdata/prometheus/alerts.yml")
	promtool(t, "", "test", "rules", "../../testdata/prometheus/alerts_test.yml")
}

// FuzzPrometheus: each line reads back as a sample with the labels that went in, and no series stands twice.
func FuzzPrometheus(f *testing.F) {
	for i, name := range wildNames {
		f.Add(name, wildNames[len(wildNames)-1-i])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		d := Doctor{Version: b, Policy: a, Facts: &host.Facts{}}
		for _, subject := range []string{a, b, a} {
			d.Findings = append(d.Findings, finding.Finding{ID: "x", Area: finding.Boot, Status: finding.Fail, Severity: finding.Info, Subject: subject})
		}
		subjects, seen, sum := map[string]bool{}, map[string]bool{}, 0
		text := metricsOf(t, d)
		if !utf8.ValidString(text) {
			t.Fatal("no UTF-8")
		}
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, "# ") {
				continue
			}
			series, labels, value := readSample(t, line)
			if seen[series] {
				t.Fatalf("twice: %s", series)
			}
			seen[series] = true
			if strings.HasPrefix(series, "vmguard_finding{") {
				subjects[labels["subject"]] = true
				n, err := strconv.Atoi(value)
				if err != nil {
					t.Fatal(err)
				}
				sum += n
			}
		}
		for _, s := range []string{a, b} {
			if !subjects[Clean(s, labelLimit, true)] {
				t.Fatalf("%q is lost: %v", s, subjects)
			}
		}
		if sum != 3 {
			t.Fatalf("%d findings of 3", sum)
		}
	})
}

// readSample reads a line of the text format, strictly.
func readSample(t *testing.T, line string) (series string, labels map[string]string, value string) {
	t.Helper()
	line = strings.TrimSuffix(line, "\n")
	at := strings.LastIndexByte(line, ' ')
	if at < 0 {
		t.Fatalf("no value: %q", line)
	}
	series, value = line[:at], line[at+1:]
	labels = map[string]string{}
	_, rest, found := strings.Cut(series, "{")
	for found && rest != "}" {
		name, quoted, ok := strings.Cut(rest, "=")
		if !ok || !strings.HasPrefix(quoted, `"`) {
			t.Fatalf("no label: %q", line)
		}
		var b strings.Builder
		i := 1
		for ; i < len(quoted) && quoted[i] != '"'; i++ {
			if quoted[i] == '\\' {
				i++
			}
			b.WriteByte(quoted[i])
		}
		labels[name] = b.String()
		rest = strings.TrimPrefix(quoted[i+1:], ",")
	}
	return series, labels, value
}

func BenchmarkPrometheus10000(b *testing.B) { benchmarkDoctor(b, DoctorPrometheus) }

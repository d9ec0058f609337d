package report

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"vmguard/pkg/finding"
)

// DoctorPrometheus writes the report in the text format of Prometheus, version 0.0.4, as the textfile
// collector of node_exporter reads it. What failed and what is unknown is a series each; of all findings
// there are the numbers, those that are 0 too, so that a rule can rely on them.
func DoctorPrometheus(w io.Writer, d Doctor) error {
	m := metrics{bufio.NewWriter(w)}
	m.family("vmguard_build_info", "The version of vmguard that judged.")
	m.sample("vmguard_build_info", []label{{"version", d.Version}}, "1")
	if d.Policy != "" {
		m.family("vmguard_policy_info", "The policy that the findings were judged by; there is none with the default one.")
		m.sample("vmguard_policy_info", []label{{"policy", d.Policy}}, "1")
	}
	if at := d.Facts.CollectedAt; !at.IsZero() {
		m.family("vmguard_run_timestamp_seconds", "When the facts were collected, in seconds since 1970.")
		m.sample("vmguard_run_timestamp_seconds", nil, strconv.FormatFloat(float64(at.UnixMilli())/1000, 'f', -1, 64))
	}
	m.family("vmguard_run_duration_seconds", "How long collecting and judging took.")
	m.sample("vmguard_run_duration_seconds", nil, strconv.FormatFloat(d.Took.Seconds(), 'f', -1, 64))
	m.counts(d.Findings)
	m.findings(d.Findings)
	if err := m.out.Flush(); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// metrics writes samples; the first error of the writer is kept for its end.
type metrics struct{ out *bufio.Writer }

// label is one of a series' labels. Its value may be foreign.
type label struct{ name, value string }

// family begins a metric that goes up and down.
func (m metrics) family(name, help string) {
	m.put("# HELP ", name, " ", help, "\n# TYPE ", name, " gauge\n")
}

func (m metrics) sample(name string, labels []label, value string) {
	m.put(name, labelText(labels), " ", value, "\n")
}

func (m metrics) put(pieces ...string) {
	for _, p := range pieces {
		_, _ = m.out.WriteString(p) // the error stays in the writer, and Flush gives it
	}
}

// labelText spells labels in braces; "" where there are none.
func labelText(labels []label) string {
	if len(labels) == 0 {
		return ""
	}
	var b strings.Builder
	for i, l := range labels {
		b.WriteByte("{,"[min(i, 1)])
		b.WriteString(l.name + `="` + labelEscape.Replace(Clean(l.value, labelLimit, true)) + `"`)
	}
	return b.String() + "}"
}

// labelLimit bounds a label's value, in runes: a series that a hostile host makes long is paid for at every scrape.
const labelLimit = 200

// labelEscape escapes what the text format asks for; Clean leaves no newline.
var labelEscape = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// statuses and severities are those of vmguard_findings.
var (
	statuses   = []finding.Status{finding.Fail, finding.Unknown, finding.NotAssessable, finding.Waived, finding.Pass, finding.Skipped}
	severities = []finding.Severity{finding.Critical, finding.Warning, finding.Info}
)

// counts writes the number of findings of each status and severity.
func (m metrics) counts(findings finding.Report) {
	type kind struct {
		status   finding.Status
		severity finding.Severity
	}
	n := map[kind]int{}
	for _, f := range findings {
		n[kind{f.Status, f.Severity}]++
	}
	m.family("vmguard_findings", "How many findings have this status and severity; the severity is that of a failure, or the worst that there could be.")
	for _, status := range statuses {
		for _, severity := range severities {
			m.sample("vmguard_findings", []label{{"status", status.String()}, {"severity", severity.String()}}, strconv.Itoa(n[kind{status, severity}]))
		}
	}
}

// findings writes a series for each failure and each unknown. Those that have the same labels are one
// series, whose value is their number: a series that stands twice makes the whole file invalid.
func (m metrics) findings(findings finding.Report) {
	var order []string
	n := map[string]int{}
	for _, f := range findings {
		if f.Status != finding.Fail && f.Status != finding.Unknown {
			continue
		}
		labels := labelText([]label{
			{"check", f.ID}, {"area", f.Area.String()}, {"subject", f.Subject}, {"severity", f.Severity.String()}, {"status", f.Status.String()},
		})
		if n[labels]++; n[labels] == 1 {
			order = append(order, labels)
		}
	}
	if len(order) == 0 {
		return
	}
	m.family("vmguard_finding", "How many findings of this check about this subject failed, or could not be decided.")
	for _, labels := range order {
		m.put("vmguard_finding", labels, " ", strconv.Itoa(n[labels]), "\n")
	}
}

package report

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"vmguard/pkg/finding"
)

// DoctorTAP writes the report as TAP 14, a test point for each finding: "not ok" is what fails
// the run; "not ok" with TODO is any other failure, what is waived, and what could not be decided,
// which a harness lists and does not count as failed; SKIP is what does not apply.
func DoctorTAP(w io.Writer, d Doctor) error {
	out := bufio.NewWriterSize(w, 1<<16)
	out.WriteString("TAP version 14\n1.." + strconv.Itoa(len(d.Findings)))
	if len(d.Findings) == 0 {
		out.WriteString(" # no check ran")
	}
	out.WriteByte('\n')
	for i := range d.Findings {
		d.writeTestPoint(out, i+1, d.Findings[i])
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

func (d Doctor) writeTestPoint(out *bufio.Writer, number int, f finding.Finding) {
	ok, directive := "ok", ""
	switch {
	case d.failsRun(f):
		ok = "not ok"
	case f.Status == finding.Skipped:
		directive = " # SKIP " + tapEscapes.Replace(d.ciReason(f))
	case f.Status == finding.Fail:
		ok, directive = "not ok", " # TODO "+tapEscapes.Replace(d.excuse(f))
	case f.Status != finding.Pass:
		ok, directive = "not ok", " # TODO "+tapEscapes.Replace(d.ciReason(f))
	}
	out.WriteString(ok + " " + strconv.Itoa(number) + " - " + tapEscapes.Replace(ciName(f)) + directive + "\n")
	if ok != "ok" {
		writeDiagnostic(out, f)
	}
}

// tapEscapes keeps a text from starting a directive.
var tapEscapes = strings.NewReplacer(`\`, `\\`, "#", `\#`)

// writeDiagnostic writes the block of YAML behind a test point.
func writeDiagnostic(out *bufio.Writer, f finding.Finding) {
	out.WriteString("  ---\n")
	out.WriteString("  message: " + yamlQuote(ciLine(f.Summary)) + "\n")
	out.WriteString("  status: " + f.Status.String() + "\n")
	out.WriteString("  severity: " + f.Severity.String() + "\n")
	if len(f.Evidence) > 0 {
		out.WriteString("  seen:\n")
	}
	for _, e := range f.Evidence {
		out.WriteString("    - " + yamlQuote(ciSeen(e)) + "\n")
	}
	if r := f.Remedy; r != nil {
		out.WriteString("  fix: " + yamlQuote(ciLine(r.Text)) + "\n")
		if r.Command != "" {
			out.WriteString("  command: " + yamlQuote(ciCommand(r.Command)) + "\n")
		}
	}
	out.WriteString("  ...\n")
}

// yamlQuote writes clean text as a double-quoted scalar (YAML 1.2, section 7.3.1).
func yamlQuote(s string) string { return `"` + yamlEscapes.Replace(s) + `"` }

var yamlEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

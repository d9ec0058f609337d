package report

import (
	"bytes"
	"io"
	"strconv"
	"strings"

	"vmguard/pkg/finding"
)

// tapVersion heads the report. What follows is TAP 14, which is TAP 13 with its customs written down;
// a reader of 14 takes 13 as well, but Perl's harness up to 5.36 refuses a 14.
const tapVersion = "TAP version 13\n"

// DoctorTAP writes the report as TAP 14, a test point for each finding: "not ok" is what fails
// the run; "not ok" with TODO is any other failure, what is waived, and what could not be decided,
// which a harness lists and does not count as failed; SKIP is what does not apply.
func DoctorTAP(w io.Writer, d Doctor) error {
	var out bytes.Buffer
	out.WriteString(tapVersion + "1.." + strconv.Itoa(len(d.Findings)))
	if len(d.Findings) == 0 {
		out.WriteString(" # no check ran")
	}
	out.WriteByte('\n')
	if d.Policy != "" {
		out.WriteString("# judged by " + ciLine(d.Policy) + "\n")
	}
	for i := range d.Findings {
		d.writeTestPoint(&out, i+1, d.Findings[i])
	}
	return ciWrite(w, out.Bytes())
}

func (d Doctor) writeTestPoint(out *bytes.Buffer, number int, f finding.Finding) {
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
func writeDiagnostic(out *bytes.Buffer, f finding.Finding) {
	out.WriteString("  ---\n")
	out.WriteString("  message: " + yamlQuote(ciLine(f.Summary)) + "\n")
	out.WriteString("  status: " + f.Status.String() + "\n")
	out.WriteString("  severity: " + f.Severity.String() + "\n")
	if len(f.Evidence) > 0 {
		out.WriteString("  seen:\n")
	}
	for _, e := range f.Evidence {
		out.WriteString("    - source: " + yamlQuote(ciLine(e.Source)) + "\n      got: " + yamlQuote(ciLine(e.Got)) + "\n")
		if e.Want != "" {
			out.WriteString("      want: " + yamlQuote(ciLine(e.Want)) + "\n")
		}
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

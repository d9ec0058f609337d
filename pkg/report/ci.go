package report

import (
	"fmt"
	"io"
	"path"
	"strings"

	"vmguard/pkg/finding"
)

// The reports for CI systems (JUnit, SARIF, workflow commands, TAP) end up on the pages of others,
// so foreign text is made as safe in them as for a terminal: a control character, a mark that
// reorders or hides text, an invalid byte and what XML 1.0 forbids become a question mark, and a
// line break becomes a blank, except within a command to type. No report says by itself whether
// the run failed: that goes by FailOn, as the exit code does.

// ciTextMost bounds one text in runes, so that a hostile name cannot fill a page.
const ciTextMost = 4000

// ciLine cleans foreign text for one line.
func ciLine(s string) string {
	if len(s) <= ciTextMost && printableASCII(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r == '\ufffe' || r == '\uffff' { // no characters, yet in none of the classes that Clean knows
			return '?'
		}
		return r
	}, Clean(s, ciTextMost, true))
}

// printableASCII tells that there is nothing to clean, which is the rule and quick to see.
func printableASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// ciCommand cleans a command and keeps its lines.
func ciCommand(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = ciLine(line)
	}
	return strings.Join(lines, "\n")
}

// ciName names a finding: the check, and whom it is about.
func ciName(f finding.Finding) string { return ciLine(f.ID) + ": " + ciLine(f.Subject) }

// ciSeen is one piece of evidence on one line.
func ciSeen(e finding.Evidence) string {
	line := e.Source + ": " + e.Got
	if e.Want != "" {
		line += " (wanted: " + e.Want + ")"
	}
	return ciLine(line)
}

// ciFix says how a failure is mended, with the command on lines of its own; empty where nothing can be named.
func ciFix(f finding.Finding) string {
	switch {
	case f.Remedy == nil || f.Status != finding.Fail && f.Status != finding.Waived:
		return ""
	case f.Remedy.Command == "":
		return "fix: " + ciLine(f.Remedy.Text)
	default:
		return "fix: " + ciLine(f.Remedy.Text) + ":\n" + ciCommand(f.Remedy.Command)
	}
}

// ciAccount is what a finding was decided from, a line each, and how it is mended.
func ciAccount(f finding.Finding) string {
	var lines []string
	for _, e := range f.Evidence {
		lines = append(lines, "seen: "+ciSeen(e))
	}
	if fix := ciFix(f); fix != "" {
		lines = append(lines, fix)
	}
	return strings.Join(lines, "\n")
}

// failsRun tells whether a finding is one of those that the exit code goes by.
func (d Doctor) failsRun(f finding.Finding) bool {
	return d.FailOn != 0 && f.Status == finding.Fail && f.Severity >= d.FailOn
}

// excuse says in a few words why a finding neither passed nor fails the run; empty where it did either.
func (d Doctor) excuse(f finding.Finding) string {
	switch {
	case f.Status == finding.Pass || d.failsRun(f):
		return ""
	case f.Status == finding.Fail && d.FailOn == 0:
		return f.Severity.String() + ", and --fail-on never fails no run"
	case f.Status == finding.Fail:
		return fmt.Sprintf("%s, below --fail-on %s", f.Severity, d.FailOn)
	case f.Status == finding.NotAssessable:
		return "not assessable in an image"
	case f.Status == finding.Waived && f.Waiver != nil && f.Waiver.Expires != "":
		return "waived until " + ciLine(f.Waiver.Expires)
	case f.Status == finding.Waived:
		return "waived"
	case f.Status == finding.Skipped:
		return "does not apply"
	default:
		return "cannot tell"
	}
}

// ciReason is the excuse with what is behind it: what was seen, or the waiver's reason.
func (d Doctor) ciReason(f finding.Finding) string {
	excuse, behind := d.excuse(f), ciLine(f.Summary)
	switch {
	case f.Status == finding.Waived && f.Waiver != nil:
		behind = ciLine(f.Waiver.Reason)
	case strings.HasPrefix(behind, excuse):
		return behind // a summary may well begin with "cannot tell" by itself
	}
	return excuse + ": " + behind
}

// tally counts what came before, so that twins get numbers.
type tally map[string]int

// next gives how often a key has come, this time included.
func (t tally) next(key string) int {
	t[key]++
	return t[key]
}

// userFile tells whether a file is one that the user named for this run, such as a compose
// file of the repository, or else a file of the host or image.
func (d Doctor) userFile(f finding.Finding, file string) bool {
	if !strings.HasPrefix(file, "/") || f.Area == finding.Policy {
		return true
	}
	if d.Facts == nil {
		return false
	}
	for _, c := range d.Facts.Compose {
		if named := c.Value.Path; named != "" && (file == named || strings.HasPrefix(file, path.Dir(named)+"/")) {
			return true // the file itself, or a Dockerfile beside or below it
		}
	}
	return false
}

// ciWrite hands a report on in one piece.
func ciWrite(w io.Writer, doc []byte) error {
	if _, err := w.Write(doc); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

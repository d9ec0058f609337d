// Package check holds the rules of vmguard doctor. A rule is a documented value in
// one explicit list, and its judgement is a pure function over the facts of a host.
package check

import (
	"fmt"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
)

// Check is one rule.
type Check struct {
	// ID is stable: policies, waivers and users' scripts name it.
	ID string
	// Area says where a report shows the rule's findings.
	Area finding.Area
	// Title is what is checked, in a few words.
	Title string
	// Why says what happens to a container when the rule is broken.
	Why string
	// Rule says when it fails and with which severity, when it cannot tell, and when it does not apply.
	Rule string
	// Fix says how it is mended.
	Fix string
	// Worst is the highest severity that the rule gives; every finding that is no Fail carries it.
	Worst finding.Severity
	// Modes says on what the rule can be judged; left empty, on a running host alone.
	Modes Modes
	// Judge gives at least one finding, with ID and Area left empty.
	Judge func(*host.Facts, Policy) []finding.Finding
}

// Modes is what a rule can be judged on.
type Modes int

// The modes. An image is a host's file tree that does not run.
const (
	Live Modes = 1 << iota
	Image
)

// judgeable tells whether the rule can be judged on what the facts were taken of.
func (c Check) judgeable(image bool) bool {
	if image {
		return c.Modes&Image != 0
	}
	return c.Modes == 0 || c.Modes&Live != 0
}

// Run judges the facts by each check and the policy, and gives the findings sorted for a reader.
func Run(checks []Check, facts *host.Facts, policy Policy) finding.Report {
	var report finding.Report
	for _, c := range checks {
		for _, f := range c.findings(facts, policy) {
			f.ID, f.Area = c.ID, c.Area
			if f.Subject == "" {
				f.Subject = finding.Host
			}
			if f.Status != finding.Fail {
				f.Severity = c.Worst
			}
			report = append(report, policy.apply(f))
		}
	}
	report.Sort()
	return report
}

// findings judges, where the rule can be judged on this and the policy does not leave it out.
func (c Check) findings(facts *host.Facts, policy Policy) []finding.Finding {
	switch {
	case policy.Rules[c.ID].Off:
		return one(skipped("the policy leaves it out"))
	case c.judgeable(facts.Image):
		return c.Judge(facts, policy)
	case facts.Image:
		return one(finding.Finding{Status: finding.NotAssessable, Summary: "not assessable in an image: only a running host shows it"})
	default:
		return one(skipped("it is about images, and this is a running host"))
	}
}

func pass(summary string, evidence ...finding.Evidence) finding.Finding {
	return finding.Finding{Status: finding.Pass, Summary: summary, Evidence: evidence}
}

func fail(severity finding.Severity, summary string, remedy *finding.Remedy, evidence ...finding.Evidence) finding.Finding {
	return finding.Finding{Status: finding.Fail, Severity: severity, Summary: summary, Remedy: remedy, Evidence: evidence}
}

// unknown says that a rule could not be decided, and why.
func unknown(reason string, evidence ...finding.Evidence) finding.Finding {
	return finding.Finding{Status: finding.Unknown, Summary: reason, Evidence: evidence}
}

// skipped says that a rule does not apply to this host or container.
func skipped(reason string) finding.Finding {
	return finding.Finding{Status: finding.Skipped, Summary: reason}
}

// one is the usual case of a rule about the host: a single finding.
func one(f finding.Finding) []finding.Finding { return []finding.Finding{f} }

// evidence is what stood at a source.
func evidence(source, got string) finding.Evidence {
	return finding.Evidence{Source: source, Got: got}
}

// wanted is what stood at a source, and what should have stood there.
func wanted(source, got, want string) finding.Evidence {
	return finding.Evidence{Source: source, Got: got, Want: want}
}

// inFile is what stood in a file, on a line counted from 1 (0: the whole file), and what
// should have stood there; empty where there is no one right value.
func inFile(file string, line int, got, want string) finding.Evidence {
	source := file
	if line > 0 {
		source = fmt.Sprintf("%s:%d", file, line)
	}
	return finding.Evidence{Source: source, Got: got, Want: want, File: file, Line: line}
}

// remedy is the one place where remedies come from: no command gets by human.Typed.
func remedy(text, command string) *finding.Remedy {
	text, command = human.Typed(text, command)
	return &finding.Remedy{Text: text, Command: command}
}

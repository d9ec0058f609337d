// Command reports writes a report of 10,000 findings to its standard output.
//
// Usage: reports FORMAT
//
// The findings have what real ones have: evidence, some of it in files, remedies, waivers, every
// status. They are made before the clock of a human eye would notice, in about ten milliseconds.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"time"

	"vmguard/pkg/check"
	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/report"
)

const number = 10_000

func main() {
	if err := write(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(2)
	}
}

func write(args []string) error {
	if len(args) != 1 {
		return errors.New("one format is wanted")
	}
	d := report.Doctor{
		Version: "0.0.0", Facts: &host.Facts{CollectedAt: time.Unix(1_800_000_000, 0), Image: true}, Image: "/mnt/image",
		FailOn: finding.Warning, Took: time.Millisecond,
	}
	checks := check.All()
	for _, c := range checks {
		d.Rules = append(d.Rules, report.Rule{ID: c.ID, Title: c.Title, Why: c.Why, Rule: c.Rule, Fix: c.Fix, Area: c.Area, Worst: c.Worst})
	}
	for i := range number {
		d.Findings = append(d.Findings, example(i, checks[i%len(checks)]))
	}
	d.Findings.Sort()
	out := bufio.NewWriter(os.Stdout)
	var err error
	if args[0] == "text" {
		err = report.DoctorText(out, d, report.Style{Wide: true, Width: 100}, report.All, true)
	} else {
		err = report.Write(out, args[0], d)
	}
	return errors.Join(err, out.Flush())
}

// example is the finding of that number: of four, two fail.
func example(i int, c check.Check) finding.Finding {
	statuses := []finding.Status{finding.Fail, finding.Fail, finding.Pass, finding.Unknown, finding.NotAssessable, finding.Waived, finding.Fail, finding.Skipped}
	f := finding.Finding{
		ID: c.ID, Area: c.Area, Status: statuses[i%len(statuses)], Severity: finding.Severity(1 + i%3), Subject: fmt.Sprintf("service-%d", i),
		Summary: fmt.Sprintf("service-%d has no memory limit of its own, and can take all of the VM's 2.0 GiB <with it>", i),
		Evidence: []finding.Evidence{
			{Source: fmt.Sprintf("/srv/app-%d/compose.yaml:%d", i%100, i), Got: "no mem_limit", Want: `mem_limit: "512m"`, File: fmt.Sprintf("/srv/app-%d/compose.yaml", i%100), Line: 1 + i},
			{Source: "docker inspect service", Got: "0"},
		},
	}
	switch f.Status {
	case finding.Fail:
		f.Remedy = &finding.Remedy{Text: "give it a limit, which the kernel then holds it to", Command: fmt.Sprintf("docker update --memory 512m --memory-swap 512m 'service-%d'", i)}
	case finding.Waived:
		f.Waiver = &finding.Waiver{Reason: "a nightly job that runs alone", Expires: "2030-01-31"}
	}
	return f
}

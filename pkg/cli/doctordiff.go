package cli

import (
	"context"
	"fmt"
	"os"

	"vmguard/pkg/report"
)

// twoReports errs where --diff was not given two files.
func twoReports(args []string) error {
	if len(args) == 2 {
		return nil
	}
	return usage("vmguard doctor --diff before.json after.json", "--diff takes two reports that vmguard doctor -o json wrote, and got %d", len(args))
}

// runDiff says what changed between two reports.
func runDiff(ctx context.Context, app *App, o doctorOptions, before, after string) error {
	if err := o.validate(); err != nil {
		return err
	}
	if err := checkChoice("output", o.output, "text", "json"); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	var records [2]report.DoctorRecord
	for i, file := range []string{before, after} {
		record, err := readRecord(ctx, file)
		if err != nil {
			return failed(err, "--diff takes two files that vmguard doctor -o json wrote")
		}
		records[i] = record
	}
	diff := report.NewDoctorDiff(app.Build.number(), records[0], records[1])
	if err := o.writeDiff(app, diff); err != nil {
		return failed(err, "")
	}
	if o.failOn != "never" && diff.Changes.Worse(o.failsOn()) {
		return errBad
	}
	return nil
}

func (o doctorOptions) writeDiff(app *App, diff report.DoctorDiff) error {
	if o.output == "json" {
		return report.DiffJSON(app.Stdout, diff)
	}
	detail := report.Problems
	switch {
	case o.quiet:
		detail = report.Verdict
	case o.all:
		detail = report.All
	}
	return report.DiffText(app.Stdout, diff, app.style(o.noColor), detail)
}

// readRecord reads a report, perhaps from a pipe.
func readRecord(ctx context.Context, name string) (report.DoctorRecord, error) {
	return until(ctx, func() (report.DoctorRecord, error) {
		file, err := os.Open(name)
		if err != nil {
			return report.DoctorRecord{}, err
		}
		defer file.Close()
		record, err := report.ReadDoctor(file)
		if err != nil {
			return record, fmt.Errorf("%s: %w", name, err)
		}
		record.File = name
		return record, nil
	})
}

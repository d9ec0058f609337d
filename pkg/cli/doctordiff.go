package cli

import (
	"context"
	"errors"
)

// twoReports errs where --diff was not given two files.
func twoReports(args []string) error {
	if len(args) == 2 {
		return nil
	}
	return usage("vmguard doctor --diff before.json after.json", "--diff takes two reports that vmguard doctor -o json wrote, and got %d", len(args))
}

// runDiff says what changed between two reports.
func runDiff(context.Context, *App, doctorOptions, string, string) error {
	return failed(errors.New("not written"), "")
}

package cli

import (
	"fmt"
	"strings"

	"vmguard/pkg/check"
	"vmguard/pkg/report"
)

// checkJSON is one check in a CheckList document (docs/schema/check-list.schema.json).
type checkJSON struct {
	ID    string `json:"id"`
	Area  string `json:"area"`
	Title string `json:"title"`
	Worst string `json:"worstSeverity"`
	Why   string `json:"why"`
	Rule  string `json:"rule"`
	Fix   string `json:"fix"`
}

func describe(checks []check.Check) map[string][]checkJSON {
	out := []checkJSON{}
	for _, c := range checks {
		out = append(out, checkJSON{c.ID, c.Area.String(), c.Title, c.Worst.String(), c.Why, c.Rule, c.Fix})
	}
	return map[string][]checkJSON{"checks": out}
}

// explain prints what a check looks for, why, and how it is mended.
func explain(app *App, o doctorOptions) error {
	if err := checkChoice("output", o.output, "text", "json"); err != nil {
		return err
	}
	c, err := check.Find(o.explain)
	if err != nil {
		return unknownCheck(err)
	}
	if o.output == "json" {
		return writing(report.JSON(app.Stdout, "CheckList", describe([]check.Check{c})))
	}
	style := app.style(o.noColor)
	_, err = fmt.Fprintf(app.Stdout, "%s: %s\n\nWhy\n%s\n\nRule\n%s\n\nFix\n%s\n",
		c.ID, c.Title, report.Paragraph(c.Why, style), report.Paragraph(c.Rule, style), report.Paragraph(c.Fix, style))
	return writing(err)
}

// list prints the checks that would run.
func list(app *App, o doctorOptions, checks []check.Check) error {
	if err := checkChoice("output", o.output, "text", "json"); err != nil {
		return err
	}
	if o.output == "json" {
		return writing(report.JSON(app.Stdout, "CheckList", describe(checks)))
	}
	var b strings.Builder
	for _, c := range checks {
		fmt.Fprintf(&b, "%-28s %-12s %s\n", c.ID, c.Area, c.Title)
	}
	_, err := app.Stdout.Write([]byte(b.String()))
	return writing(err)
}

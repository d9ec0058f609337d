package main

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"vmguard/pkg/check"
	"vmguard/pkg/cli"
	"vmguard/pkg/finding"
	"vmguard/pkg/probe"
)

// generate gives all generated files by their path below the documentation's folder.
func generate() (map[string][]byte, error) {
	timeouts, err := probe.Builtin()
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{"checks.md": checksPage(check.All()), "timeouts.md": timeoutsPage(timeouts)}
	root := cli.Root()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	if err := addPages(files, root); err != nil {
		return nil, err
	}
	return files, nil
}

// addPages adds a Markdown page and a man page for a command and all below it.
func addPages(files map[string][]byte, c *cobra.Command) error {
	c.DisableAutoGenTag = true
	if c.HasParent() {
		// Else the generator gives each command with others below it a help command, which no run of vmguard has.
		c.SetHelpCommand(&cobra.Command{Use: "no-help", Hidden: true})
	}
	name := strings.ReplaceAll(c.CommandPath(), " ", "-")
	var page bytes.Buffer
	link := func(s string) string { return strings.ReplaceAll(s, "_", "-") }
	if err := doc.GenMarkdownCustom(c, &page, link); err != nil {
		return fmt.Errorf("page of %s: %w", name, err)
	}
	files["cli/"+name+".md"] = page.Bytes()
	var man bytes.Buffer
	// A fixed date keeps the pages the same from one run to the next.
	date := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	if err := doc.GenMan(c, &doc.GenManHeader{Section: "1", Source: "vmguard", Manual: "vmguard", Date: &date}, &man); err != nil {
		return fmt.Errorf("man page of %s: %w", name, err)
	}
	files["man/"+name+".1"] = man.Bytes()
	for _, sub := range c.Commands() {
		if sub.Hidden {
			continue
		}
		if err := addPages(files, sub); err != nil {
			return err
		}
	}
	return nil
}

// checksPage documents the checks, area by area.
func checksPage(checks []check.Check) []byte {
	var b bytes.Buffer
	b.WriteString("# Checks\n\n" +
		"What `vmguard doctor` looks for. Made by `go run ./cmd/gendocs` from the checks themselves.\n\n" +
		"A check passes, fails with a severity (info, warning or critical), is **unknown** where it could not be\n" +
		"decided, with the reason, or is skipped where it does not apply. Unknown is never counted as a pass.\n")
	for _, area := range finding.Areas() {
		fmt.Fprintf(&b, "\n## %s\n", strings.ToUpper(area.String()[:1])+area.String()[1:])
		for _, c := range checks {
			if c.Area == area {
				fmt.Fprintf(&b, "\n### %s\n\n%s. At worst %s.\n\n- **Why:** %s\n- **Rule:** %s\n- **Fix:** %s\n",
					c.ID, c.Title, c.Worst, markdown(c.Why), markdown(c.Rule), markdown(c.Fix))
			}
		}
	}
	return b.Bytes()
}

// markdown keeps angle brackets, asterisks and underscores of plain text from being taken for markup.
func markdown(s string) string {
	return strings.NewReplacer("<", "&lt;", "*", `\*`, "_", `\_`).Replace(s)
}

package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"vmguard/pkg/check"
)

// newTopics gives the help topics: commands without a run function, which cobra lists apart.
func newTopics() []*cobra.Command {
	var checks strings.Builder
	checks.WriteString("The checks of vmguard doctor. vmguard doctor --explain ID tells more of one.\n\n")
	for _, c := range check.All() {
		fmt.Fprintf(&checks, "  %-28s %s\n", c.ID, c.Title)
	}
	return []*cobra.Command{
		{Use: "exit-codes", Short: "What the exit codes mean", Long: exitCodesHelp},
		{Use: "checks", Short: "The checks of vmguard doctor", Long: checks.String()},
	}
}

package cli

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// Root gives the whole command tree, for those who write documentation from it.
func Root() *cobra.Command {
	return newRoot(&App{Stdout: io.Discard, Stderr: io.Discard, Getenv: func(string) string { return "" }})
}

func newRoot(app *App) *cobra.Command {
	root := &cobra.Command{
		Use:   "vmguard",
		Short: "Say what on this VM will kill the containers, and the command that mends it",
		Long: "vmguard inspects a VM that runs Docker and says what will kill its containers,\n" +
			"why, and the one command that mends it. It changes nothing by looking.",
		Example:       "  vmguard doctor\n  sudo vmguard doctor --fail-on warning\n  vmguard containers",
		SilenceErrors: true,

		SuggestionsMinimumDistance: 2,

		SilenceUsage: true,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			hint := "vmguard --help lists the commands"
			if near := c.SuggestionsFor(args[0]); len(near) > 0 {
				hint = "did you mean: vmguard " + near[0]
			}
			return usage(hint, "unknown command %q", args[0])
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetIn(app.Stdin)
	root.SetOut(app.Stdout)
	root.SetErr(app.Stderr)
	root.PersistentFlags().Bool("no-color", false, "no colours, also on a terminal")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		what, _, goJargon := strings.Cut(err.Error(), " flag: strconv.")
		if goJargon {
			return usage(c.CommandPath()+" --help lists the flags", "%s: not a whole number", what)
		}
		return usage(c.CommandPath()+" --help lists the flags", "%w", err)
	})
	root.SetUsageFunc(func(c *cobra.Command) error { return writeHelp(c.ErrOrStderr(), c) })
	root.SetHelpFunc(func(c *cobra.Command, _ []string) {
		if err := writeHelp(c.OutOrStdout(), c); err != nil {
			c.PrintErrln("error:", err)
		}
	})
	root.AddCommand(newDoctor(app), newContainers(app), newOOM(app), newWhy(app), newSwap(app), newProbe(app), newLab(app), newVersion(app))
	root.AddCommand(newTopics()...)
	return root
}

// writeHelp writes a command's help. It stands in for cobra's templates, which would
// bring text/template into the binary.
func writeHelp(w io.Writer, c *cobra.Command) error {
	var b strings.Builder
	b.WriteString(strings.TrimSpace(cmp.Or(c.Long, c.Short)) + "\n")
	if c.Runnable() && !c.IsAdditionalHelpTopicCommand() {
		b.WriteString("\nUsage:\n  " + c.UseLine() + "\n")
	}
	if c.Example != "" {
		b.WriteString("\nExamples:\n" + c.Example + "\n")
	}
	writeCommands(&b, c)
	if flags := c.LocalFlags().FlagUsages(); flags != "" && !c.IsAdditionalHelpTopicCommand() {
		b.WriteString("\nFlags:\n" + flags)
	}
	if flags := c.InheritedFlags().FlagUsages(); flags != "" && !c.IsAdditionalHelpTopicCommand() {
		b.WriteString("\nGlobal flags:\n" + flags)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeCommands(b *strings.Builder, c *cobra.Command) {
	var commands, topics strings.Builder
	for _, sub := range c.Commands() {
		line := fmt.Sprintf("  %-12s %s\n", sub.Name(), sub.Short)
		switch {
		case sub.IsAdditionalHelpTopicCommand():
			topics.WriteString(line)
		case sub.IsAvailableCommand() || sub.Name() == "help":
			commands.WriteString(line)
		}
	}
	if commands.Len() > 0 {
		b.WriteString("\nCommands:\n" + commands.String())
	}
	if topics.Len() > 0 {
		b.WriteString("\nHelp topics (vmguard help TOPIC):\n" + topics.String())
	}
}

// noArgs refuses arguments with an error that says what was not understood.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage(c.CommandPath()+" --help shows the usage", "%s takes no arguments, and got %q", c.CommandPath(), args[0])
	}
	return nil
}

// outputFlag adds --output, which picks one of the formats; the first is the default.
func outputFlag(c *cobra.Command, target *string, formats ...string) {
	c.Flags().StringVarP(target, "output", "o", formats[0], "format: "+strings.Join(formats, " or "))
	if err := c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		c.PrintErrln("error:", err)
	}
}

// checkChoice errs when a flag's value is none of the accepted ones.
func checkChoice(flag, value string, accepted ...string) error {
	for _, a := range accepted {
		if value == a {
			return nil
		}
	}
	return usage("accepted: "+strings.Join(accepted, ", "), "--%s: %q is not accepted", flag, value)
}

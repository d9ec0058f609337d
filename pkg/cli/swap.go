package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"vmguard/pkg/host"
	"vmguard/pkg/swap"
)

func newSwap(app *App) *cobra.Command {
	c := &cobra.Command{
		Use:   "swap",
		Short: "Show, create, persist, resize and remove a swapfile",
		Long: `Show the swap of this VM, and manage a swapfile: create it, keep it over reboots,
resize it, remove it. Each change can be looked at beforehand (--dry-run), says how
to undo it, and either succeeds or leaves the VM as it was; a run that was killed is
mended by running it again.`,
		Example: "  vmguard swap status\n  sudo vmguard swap enable --size 2G\n  sudo vmguard swap disable",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return usage(c.CommandPath()+" --help lists them", "unknown command %q", c.Name()+" "+args[0])
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newSwapStatus(app), newSwapEnable(app), newSwapDisable(app))
	return c
}

// liveSource gives the sources of this host.
func liveSource() (host.Source, error) {
	source, err := host.LiveSource()
	if err != nil {
		return source, failed(err, "swap is managed on Linux only")
	}
	return source, nil
}

// swapFailure turns an error of package swap into one that knows its exit code. What a user
// without root's rights could not see is told with the command that can.
func swapFailure(ctx context.Context, err error, root bool, again string) error {
	refusal, ok := errors.AsType[*swap.Refusal](err)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case !ok:
		return failed(err, "")
	case refusal.Usage:
		return usage(refusal.Hint, "%w", err)
	case !root && refusal.Hint == "":
		return failed(err, "run: "+again)
	}
	return failed(err, refusal.Hint)
}

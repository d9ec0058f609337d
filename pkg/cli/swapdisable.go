package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"vmguard/pkg/host"
	"vmguard/pkg/human"
	"vmguard/pkg/swap"
)

func newSwapDisable(app *App) *cobra.Command {
	var (
		o       swapChange
		request swap.DisableRequest
		file    string
	)
	c := &cobra.Command{
		Use:   "disable",
		Short: "Switch a swapfile off, take it out of /etc/fstab and remove it",
		Long: `Switch the swapfile off that vmguard made, take its line out of /etc/fstab, and remove
it, with whatever else vmguard swap enable wrote. Swap that vmguard did not make is
left alone, unless you name the file.

Nothing is done where memory could not take back what is swapped out.`,
		Example: "  sudo vmguard swap disable --dry-run\n" +
			"  sudo vmguard swap disable\n" +
			"  sudo vmguard swap disable --file /swap.img --keep-file",
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var err error
			if o.noColor, err = c.Flags().GetBool("no-color"); err != nil {
				return failed(err, "")
			}
			request.FileNamed = c.Flags().Changed("file")
			if request.FileNamed {
				if err := swap.CheckPath(file); err != nil {
					return swapFailure(c.Context(), err, true, "")
				}
			}
			o.plan = func(ctx context.Context, source host.Source) (swap.Job, error) {
				return planDisable(ctx, source, file, request)
			}
			o.done = func(j swap.Job) string { return j.File + " is not swap" }
			return o.run(c.Context(), app)
		},
	}
	c.Flags().StringVar(&file, "file", "", "the swapfile (default: the one that vmguard made)")
	c.Flags().BoolVar(&request.KeepFile, "keep-file", false, "leave the file itself")
	addChangeFlags(c, &o)
	return c
}

// planDisable finds the swapfile that is meant, where none was named, and plans its end.
func planDisable(ctx context.Context, source host.Source, file string, request swap.DisableRequest) (swap.Job, error) {
	if !request.FileNamed {
		own, err := swap.OwnFiles(ctx, source)
		if err != nil {
			return swap.Job{}, err
		}
		switch len(own) {
		case 0:
			file = swap.DefaultFile
		case 1:
			file = own[0]
		default:
			return swap.Job{}, &swap.Refusal{
				Why:  fmt.Sprintf("vmguard made %s here: %s", human.Count(len(own), "swapfile"), human.List(own, 5)),
				Hint: "name the one that shall go, such as --file " + human.ShellWord(own[0]),
			}
		}
	}
	state, err := swap.Look(ctx, source, file)
	if err != nil {
		return swap.Job{}, err
	}
	return swap.PlanDisable(state, request)
}

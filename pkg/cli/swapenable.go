package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"vmguard/pkg/change"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
	"vmguard/pkg/swap"
)

// swapEnable is what the command line of vmguard swap enable asks for.
type swapEnable struct {
	size, file, allocate string
	noPersist            bool
	request              swap.EnableRequest
	change               swapChange
}

func newSwapEnable(app *App) *cobra.Command {
	var o swapEnable
	c := &cobra.Command{
		Use:   "enable",
		Short: "Create a swapfile, activate it and keep it over reboots; or resize it",
		Long: `Create a swapfile, activate it, and name it in /etc/fstab so that it is back after a
reboot. Only what is missing is done, so the command may be run again at any time. If
the swapfile is there with another size, it is resized, and swap stays on meanwhile.

Without --size a swapfile keeps the size that it has; a new one gets 2 GiB on a VM with
up to 4 GiB of RAM, else 4 GiB, and less where the disk would be left with under 10 %
or 1 GiB. Sizes: 2G, 2GiB and 2048M are powers of 1024, 2GB is 2,000,000,000 bytes.

If a step fails, or you press Ctrl-C, what was done is undone.`,
		Example: "  sudo vmguard swap enable --dry-run\n" +
			"  sudo vmguard swap enable --size 2G\n" +
			"  sudo vmguard swap enable --size 4G --swappiness 30\n" +
			"  sudo vmguard swap enable --file /mnt/data/swapfile --size 8G --priority 10",
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			o.request.FileNamed = c.Flags().Changed("file")
			o.request.PriorityNamed = c.Flags().Changed("priority")
			if err := o.parse(c); err != nil {
				return err
			}
			return o.change.run(c.Context(), app)
		},
	}
	f := c.Flags()
	f.StringVar(&o.size, "size", "", "size of the swapfile, such as 2G (default: see above)")
	f.StringVar(&o.file, "file", swap.DefaultFile, "the swapfile")
	f.IntVar(&o.request.Priority, "priority", -1, "0 to 32767, the highest is used first; -1 leaves it to the kernel")
	f.IntVar(&o.request.Swappiness, "swappiness", -1, "0 to 200: also set vm.swappiness, now and at boot (10 to 60 is modest)")
	f.Lookup("priority").DefValue, f.Lookup("swappiness").DefValue = "as it is", "as it is"
	f.BoolVar(&o.noPersist, "no-persist", false, "until the next reboot only: leave /etc alone")
	f.StringVar(&o.allocate, "allocate", "auto", "how to get the blocks: auto, fallocate or write (auto: fallocate, and write zeroes where that will not do)")
	addChangeFlags(c, &o.change)
	if err := c.RegisterFlagCompletionFunc("allocate", cobra.FixedCompletions([]string{"auto", "fallocate", "write"}, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		c.PrintErrln("error:", err)
	}
	return c
}

// addChangeFlags adds the flags that every change has.
func addChangeFlags(c *cobra.Command, o *swapChange) {
	c.Flags().BoolVar(&o.dryRun, "dry-run", false, "print the steps and the change to /etc/fstab, and change nothing")
	outputFlag(c, &o.output, "text", "json")
}

// parse checks the flags and makes the request of them.
func (o *swapEnable) parse(c *cobra.Command) error {
	var err error
	if o.change.noColor, err = c.Flags().GetBool("no-color"); err != nil {
		return failed(err, "")
	}
	if err := checkChoice("allocate", o.allocate, "auto", "fallocate", "write"); err != nil {
		return err
	}
	o.request.Method = change.Method(o.allocate)
	o.request.Persist = !o.noPersist
	if c.Flags().Changed("size") {
		if o.request.Size, err = human.ParseBytes(o.size); err != nil && o.size != "0" {
			return usage("such as --size 2G", "--size: %w", err)
		}
		if o.request.Size == 0 {
			return usage("to take the swapfile away: sudo vmguard swap disable", "--size: %s is no size of a swapfile", o.size)
		}
	}
	if c.Flags().Changed("swappiness") && o.request.Swappiness < 0 {
		return usage("accepted: 0 to 200", "--swappiness: %d is not accepted", o.request.Swappiness)
	}
	if err := swap.CheckPath(o.file); err != nil {
		return swapFailure(c.Context(), err, true, "")
	}
	if err := o.request.Check(); err != nil {
		return swapFailure(c.Context(), err, true, "")
	}
	o.change.plan = func(ctx context.Context, source host.Source) (swap.Job, error) {
		state, err := swap.Look(ctx, source, o.file)
		if err != nil {
			return swap.Job{}, err
		}
		return swap.PlanEnable(state, o.request)
	}
	o.change.done = func(j swap.Job) string {
		until := ""
		switch {
		case j.Persistent:
			until = ", and stays on after a reboot"
		case o.noPersist:
			until = " until the next reboot"
		}
		return fmt.Sprintf("swap is on: %s, %s%s", j.File, human.Bytes(j.Size), until)
	}
	return nil
}

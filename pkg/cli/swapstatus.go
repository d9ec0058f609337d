package cli

import (
	"time"

	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"vmguard/pkg/check"
	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/report"
	"vmguard/pkg/swap"
)

func newSwapStatus(app *App) *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:   "status",
		Short: "Show each swap area: size, use, priority, whether a reboot keeps it, who may read it",
		Long: `Show each swap area of this VM, file, partition or zram, and those that are configured
but not active: size, use, priority, whether it comes back after a reboot and by what
(a line of /etc/fstab, a systemd unit, the set-up of zram), who may read it, its
filesystem; then what the checks of vmguard doctor say of it. Nothing is changed.

Root's rights are not needed; with them the header of a swapfile can be read as well,
which tells its label, its UUID and whether vmguard made it. What cannot be found out
shows "?", with the reason.

The exit code is 0 also where there are problems, because this is a status and no
judgement: vmguard doctor judges. It is 3 where /proc/swaps cannot be read.`,
		Example: "  vmguard swap status\n" +
			"  sudo vmguard swap status -o json\n" +
			"  vmguard swap status -o json | jq '.data.areas[] | select(.persistence.state != \"yes\") | .path'",
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkChoice("output", output, "text", "json"); err != nil {
				return err
			}
			noColor, err := c.Flags().GetBool("no-color")
			if err != nil {
				return failed(err, "")
			}
			status, facts, err := swapStatus(c.Context())
			if err != nil {
				return err
			}
			if output == "json" {
				return writing(report.SwapStatusJSON(app.Stdout, status))
			}
			if err := report.SwapStatusText(app.Stdout, status, app.style(noColor)); err != nil {
				return writing(err)
			}
			hintRootSwap(app, status, facts)
			return nil
		},
	}
	outputFlag(c, &output, "text", "json")
	return c
}

// swapStatus looks at this host's swap. It errs where it cannot be told which swap is active, for then
// there is nothing to show.
func swapStatus(ctx context.Context) (report.SwapStatus, *host.Facts, error) {
	var none report.SwapStatus
	source, err := liveSource()
	if err != nil {
		return none, nil, err
	}
	defer source.Close() //nolint:errcheck // nothing was written
	facts := host.CollectSwap(ctx, source)
	if !facts.Swaps.Known() {
		if err := ctx.Err(); err != nil {
			return none, nil, fmt.Errorf("show swap: %w", err)
		}
		return none, nil, failed(fmt.Errorf("show swap: %s", facts.Swaps.Why()), "")
	}
	problems, err := swapProblems(facts)
	if err != nil {
		return none, nil, failed(err, "")
	}
	return report.SwapStatus{Status: swap.LookStatus(ctx, source, facts), Problems: problems}, facts, nil
}

// swapProblems gives what doctor's checks of swap find wrong, or cannot tell.
func swapProblems(facts *host.Facts) (finding.Report, error) {
	checks, err := check.Select([]string{"swap-enabled", "swap-persistent", "swap-permissions", "swappiness"}, nil)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(check.Run(checks, facts, check.DefaultPolicy(time.Now())), func(f finding.Finding) bool {
		return f.Status != finding.Fail && f.Status != finding.Unknown
	}), nil
}

// hintRootSwap says what root would see more, where that is so.
func hintRootSwap(app *App, s report.SwapStatus, facts *host.Facts) {
	ofFiles := func(g swap.Gap) bool {
		return g.What == swap.GapPermissions || g.What == swap.GapFilesystem || g.What == swap.GapHeader
	}
	unknown := s.Problems.Count().Unknown > 0 ||
		slices.ContainsFunc(s.Areas, func(a swap.AreaStatus) bool { return slices.ContainsFunc(a.Gaps(), ofFiles) })
	if unknown && facts.System.Known() && !facts.System.Value.Root {
		_, _ = fmt.Fprintf(app.Stderr, "hint: root sees more; run: sudo vmguard swap status\n")
	}
}

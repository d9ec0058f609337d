package cli

import "github.com/spf13/cobra"

func newSwapStatus(*App) *cobra.Command { return &cobra.Command{Use: "status", Short: "status"} }

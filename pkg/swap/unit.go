package swap

import "vmguard/pkg/host"

// unitName gives the name of systemd's unit for a swapfile.
func unitName(file string) string { return host.SwapUnitName(file) }

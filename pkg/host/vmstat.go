package host

import (
	"errors"

	"vmguard/pkg/rootfs"
)

// VMStat holds counters of /proc/vmstat since boot.
type VMStat struct {
	// OOMKill counts processes killed by the OOM killer, host-wide and in cgroups alike;
	// nil on kernels before 4.13, which do not count.
	OOMKill *uint64 `json:"oomKill,omitempty"`
	// SwapIn and SwapOut count pages.
	SwapIn  uint64 `json:"swapInPages"`
	SwapOut uint64 `json:"swapOutPages"`
}

func readVMStat(tree *rootfs.FS) Fact[VMStat] {
	return parsed(tree, "/proc/vmstat", parseVMStat)
}

// parseVMStat parses /proc/vmstat. It errs where the text is cut off or has no swap
// counters: every kernel with event counters has them, with and without swap.
func parseVMStat(data []byte) (VMStat, error) {
	found, err := keyed(data, "oom_kill", "pswpin", "pswpout")
	if err != nil {
		return VMStat{}, err
	}
	in, haveIn := found["pswpin"]
	out, haveOut := found["pswpout"]
	if !haveIn || !haveOut {
		return VMStat{}, errors.New("no pswpin and pswpout (kernel without event counters)")
	}
	v := VMStat{SwapIn: in, SwapOut: out}
	if n, ok := found["oom_kill"]; ok {
		v.OOMKill = &n
	}
	return v, nil
}

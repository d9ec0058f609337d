package host

import (
	"errors"
	"fmt"
	"io/fs"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"vmguard/pkg/rootfs"
)

// Conntrack is the fill of the kernel's connection tracking table.
type Conntrack struct {
	Count uint64 `json:"count"`
	// Max is 0 where connection tracking is not loaded.
	Max uint64 `json:"max"`
	// Dropped counts packets dropped because the table was full, since boot (drop column
	// of /proc/net/stat/nf_conntrack, summed over CPUs); nil where that is not to be had.
	Dropped *uint64 `json:"dropped,omitempty"`
}

// readConntrack reads the table of vmguard's own network namespace; all zero where
// connection tracking is not loaded (Documentation/networking/nf_conntrack-sysctl.rst).
func readConntrack(tree *rootfs.FS) Fact[Conntrack] {
	const (
		count = "/proc/sys/net/netfilter/nf_conntrack_count"
		limit = "/proc/sys/net/netfilter/nf_conntrack_max"
		stat  = "/proc/net/stat/nf_conntrack"
	)
	var (
		c   Conntrack
		err error
	)
	if c.Count, err = number(tree, count); err != nil {
		if _, net := tree.Stat("/proc/sys/net/ipv4"); net == nil && errors.Is(err, fs.ErrNotExist) {
			return Known(Conntrack{}, count+" (absent)")
		}
		return Missing[Conntrack](unread(count, err))
	}
	if c.Max, err = number(tree, limit); err != nil {
		return Missing[Conntrack](unread(limit, err))
	}
	// The counters are an addition: kernels may be built without this file
	// (CONFIG_NF_CONNTRACK_PROCFS), and the fill is worth knowing without them.
	if data, err := tree.ReadFile(stat, smallFile); err == nil {
		if dropped, err := parseConntrackDrops(data); err == nil {
			c.Dropped = &dropped
		}
	}
	return Known(c, count)
}

// parseConntrackDrops sums the "drop" column of /proc/net/stat/nf_conntrack: a line of
// names, then one line of hexadecimal numbers for each CPU.
func parseConntrackDrops(data []byte) (uint64, error) {
	lines, err := kernelLines(data)
	if err != nil {
		return 0, err
	}
	column := slices.Index(strings.Fields(lines[0]), "drop")
	switch {
	case column < 0:
		return 0, errors.New("no drop column")
	case len(lines) < 2:
		return 0, errors.New("no line of any CPU")
	}
	var sum uint64
	for i, line := range lines[1:] {
		fields := strings.Fields(line)
		if column >= len(fields) {
			return 0, fmt.Errorf("line %d is too short", i+2)
		}
		n, err := strconv.ParseUint(fields[column], 16, 64)
		if err != nil {
			return 0, fmt.Errorf("line %d: %w", i+2, badNumber(fields[column]))
		}
		var carry uint64
		if sum, carry = bits.Add64(sum, n, 0); carry != 0 {
			return 0, errors.New("the sum does not fit")
		}
	}
	return sum, nil
}

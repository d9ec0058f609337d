package host

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"vmguard/pkg/rootfs"
)

// Memory is /proc/meminfo, in bytes (proc_meminfo(5)). Total, Free, Available,
// SwapTotal and SwapFree are always there; any other field is 0 where the kernel
// does not say, and CommitLimit 0 therefore means that no limit is known.
type Memory struct {
	Total         uint64 `json:"totalBytes"`
	Free          uint64 `json:"freeBytes"`
	Available     uint64 `json:"availableBytes"`
	Buffers       uint64 `json:"buffersBytes"`
	Cached        uint64 `json:"cachedBytes"`
	Dirty         uint64 `json:"dirtyBytes"`
	Writeback     uint64 `json:"writebackBytes"`
	Slab          uint64 `json:"slabBytes"`
	Unreclaimable uint64 `json:"slabUnreclaimableBytes"` // SUnreclaim
	Shmem         uint64 `json:"shmemBytes"`
	CommitLimit   uint64 `json:"commitLimitBytes"`
	CommittedAS   uint64 `json:"committedAsBytes"`
	HugePages     uint64 `json:"hugePagesTotal"` // a count
	HugePageFree  uint64 `json:"hugePagesFree"`  // a count
	HugePageSize  uint64 `json:"hugePageSizeBytes"`
	SwapTotal     uint64 `json:"swapTotalBytes"`
	SwapFree      uint64 `json:"swapFreeBytes"`
}

// errNoAvailable says that the kernel is too old to estimate available memory.
// MemFree does not stand in for it: it counts the page cache as used.
var errNoAvailable = errors.New("no MemAvailable (kernels before 3.14 do not estimate it)")

func readMemory(tree *rootfs.FS) Fact[Memory] {
	return parsed(tree, "/proc/meminfo", parseMemory)
}

// parseMemory parses /proc/meminfo. It errs where the text is cut off, where a known
// field is no number of kB, and where a field is absent without which a 0 would lie.
func parseMemory(data []byte) (Memory, error) {
	lines, err := kernelLines(data)
	if err != nil {
		return Memory{}, err
	}
	var m Memory
	fields := m.fields()
	seen := make(map[string]bool, len(fields))
	for _, line := range lines {
		name, rest, _ := strings.Cut(line, ":")
		field, ok := fields[name]
		if !ok {
			continue
		}
		if seen[name] {
			return Memory{}, fmt.Errorf("%s stands there twice", name)
		}
		seen[name] = true
		if *field, err = memoryValue(name, rest); err != nil {
			return Memory{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, name := range []string{"MemTotal", "MemFree", "SwapTotal", "SwapFree"} {
		if !seen[name] {
			return Memory{}, fmt.Errorf("no %s", name)
		}
	}
	switch {
	case !seen["MemAvailable"]:
		return Memory{}, errNoAvailable
	case m.Total == 0:
		return Memory{}, errors.New("MemTotal is 0")
	}
	return m, nil
}

// fields gives where each line of /proc/meminfo belongs.
func (m *Memory) fields() map[string]*uint64 {
	return map[string]*uint64{
		"MemTotal":        &m.Total,
		"MemFree":         &m.Free,
		"MemAvailable":    &m.Available,
		"Buffers":         &m.Buffers,
		"Cached":          &m.Cached,
		"Dirty":           &m.Dirty,
		"Writeback":       &m.Writeback,
		"Slab":            &m.Slab,
		"SUnreclaim":      &m.Unreclaimable,
		"Shmem":           &m.Shmem,
		"CommitLimit":     &m.CommitLimit,
		"Committed_AS":    &m.CommittedAS,
		"HugePages_Total": &m.HugePages,
		"HugePages_Free":  &m.HugePageFree,
		"Hugepagesize":    &m.HugePageSize,
		"SwapTotal":       &m.SwapTotal,
		"SwapFree":        &m.SwapFree,
	}
}

// memoryValue parses what follows the colon: "  24684084 kB", or a bare count for the
// lines that count huge pages.
func memoryValue(name, rest string) (uint64, error) {
	rest = strings.TrimSpace(rest)
	if strings.HasPrefix(name, "HugePages_") {
		n, err := strconv.ParseUint(rest, 10, 64)
		if err != nil {
			return 0, badNumber(rest)
		}
		return n, nil
	}
	amount, ok := strings.CutSuffix(rest, " kB")
	if !ok {
		return 0, badNumber(rest)
	}
	return kibibytes(strings.TrimSpace(amount))
}

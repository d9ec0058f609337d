package oom

import (
	"math"
	"strconv"
	"strings"
)

// noLimit is more than any limit, in kB. Where none is set the kernel prints its largest
// count of pages, 2^53 kB less one page.
const noLimit = 1 << 52

// meter is a line of a cgroup's dump that says how full it was
// (mem_cgroup_print_oom_meminfo in mm/memcontrol.c), in bytes.
type meter struct {
	usage   uint64
	limit   *uint64 // nil where none is set
	failcnt *uint64
}

// parseMeter reads such a line of one name:
//
//	memory: usage 32768kB, limit 32768kB, failcnt 0
func parseMeter(message, name string) (m meter, ok bool) {
	rest, ok := strings.CutPrefix(message, name)
	if !ok {
		return meter{}, false
	}
	rest, ok = strings.CutPrefix(rest, ": usage ")
	if !ok {
		return meter{}, false
	}
	usage, rest, ok := strings.Cut(rest, "kB, limit ")
	if !ok {
		return meter{}, false
	}
	limit, failcnt, ok := strings.Cut(rest, "kB, failcnt ")
	if !ok {
		return meter{}, false
	}
	u, errUsage := strconv.ParseUint(usage, 10, 54)
	l, errLimit := strconv.ParseUint(limit, 10, 64)
	if errUsage != nil || errLimit != nil {
		return meter{}, false
	}
	m.usage = u * 1024
	if l < noLimit {
		m.limit = new(l * 1024)
	}
	if n, err := strconv.ParseUint(failcnt, 10, 64); err == nil {
		m.failcnt = &n
	}
	return m, true
}

// parseLimit gives the limit, in bytes, of a cgroup's line of memory, where one is set.
func parseLimit(message string) (bytes uint64, ok bool) {
	m, ok := parseMeter(message, "memory")
	if !ok || m.limit == nil {
		return 0, false
	}
	return *m.limit, true
}

// parseCount reads "free:25471 free_pcp:0" or "4167973 pages RAM": a number after or
// before words, in pages.
func parseCount(message, before, after string) *uint64 {
	rest, ok := strings.CutPrefix(message, before)
	if !ok {
		return nil
	}
	if before != "" {
		rest, _, _ = strings.Cut(rest, " ")
	} else if rest, ok = strings.CutSuffix(rest, after); !ok {
		return nil
	}
	n, err := strconv.ParseUint(rest, 10, 64)
	if err != nil || n > math.MaxUint64/(1<<20) {
		return nil
	}
	return &n
}

// parsePageSize reads the size of a page, in bytes, from a zone's free lists, the first
// of which holds single pages:
//
//	Node 0 DMA: 1*4kB (U) 0*8kB 0*16kB ... = 15360kB
func parsePageSize(message string) (bytes uint64, ok bool) {
	zone, lists, ok := strings.Cut(message, ": ")
	if !ok || len(zone) > 32 {
		return 0, false
	}
	first, _, _ := strings.Cut(lists, " ")
	count, size, ok := strings.Cut(first, "*")
	if !ok {
		return 0, false
	}
	if _, err := strconv.ParseUint(count, 10, 64); err != nil {
		return 0, false
	}
	n := parseKB(size)
	if n == nil || !isPageSize(*n) {
		return 0, false
	}
	return *n, true
}

// isPageSize tells whether Linux has pages of that many bytes: 4 KiB to 256 KiB.
func isPageSize(bytes uint64) bool {
	return bytes >= 4<<10 && bytes <= 256<<10 && bytes&(bytes-1) == 0
}

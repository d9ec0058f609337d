package check

import (
	"strconv"
	"strings"
	"time"

	"vmguard/pkg/human"
)

// Thresholds are the numbers that checks go by. A percentage is of what the host has, from 0 to 100.
type Thresholds struct {
	// MemoryHeadroom is how much memory must be available; below MemoryHeadroomCritical its lack is critical.
	MemoryHeadroom, MemoryHeadroomCritical Room
	// MemoryPressurePercent is for how much of the last minute tasks may wait for memory.
	MemoryPressurePercent float64
	// DiskSpace is how much of a filesystem must be free; below DiskSpaceCritical its lack is critical.
	DiskSpace, DiskSpaceCritical Room
	// DiskSpaceLeastBytes is how much must be free of any filesystem, however small: less is critical.
	DiskSpaceLeastBytes uint64
	// InodeSpacePercent is how many inodes of a filesystem must be free; below InodeSpaceCriticalPercent their lack is critical.
	InodeSpacePercent, InodeSpaceCriticalPercent float64
	// NearLimitPercent is from where a container is near its memory limit; from NearLimitCriticalPercent on that is critical.
	NearLimitPercent, NearLimitCriticalPercent float64
	// ConntrackPercent is from where the connection tracking table is full; from ConntrackCriticalPercent on that is critical.
	ConntrackPercent, ConntrackCriticalPercent float64
	// RestartLoopCount is how many restarts of a container, or deaths in ten minutes, are a loop.
	RestartLoopCount int
	// LoadBalancerIdle is how long the load balancer before the host's proxy keeps an idle connection; 0 where nobody said.
	LoadBalancerIdle time.Duration
	// StopGrace is the least time that a container must get between SIGTERM and SIGKILL.
	StopGrace time.Duration
}

// DefaultThresholds gives the numbers that hold where no policy says others.
func DefaultThresholds() Thresholds {
	return Thresholds{
		MemoryHeadroom:            Room{Percent: 10, Bytes: 4 * gib},
		MemoryHeadroomCritical:    Room{Percent: 5, Bytes: 1 * gib},
		MemoryPressurePercent:     10,
		DiskSpace:                 Room{Percent: 10, Bytes: 20 * gib},
		DiskSpaceCritical:         Room{Percent: 5, Bytes: 5 * gib},
		DiskSpaceLeastBytes:       512 * mib,
		InodeSpacePercent:         10,
		InodeSpaceCriticalPercent: 5,
		NearLimitPercent:          85,
		NearLimitCriticalPercent:  95,
		ConntrackPercent:          75,
		ConntrackCriticalPercent:  90,
		RestartLoopCount:          3,
		StopGrace:                 10 * time.Second,
	}
}

// Room is how much must be left of something: a share of it or an amount, whichever is reached
// first. A part that is 0 is not asked for; a Room of two zeros asks for nothing.
type Room struct {
	Percent float64
	Bytes   uint64
}

// Left tells whether what is free of a total is room enough.
func (r Room) Left(free, total uint64) bool {
	return r == Room{} || r.Percent > 0 && percentOf(free, total) >= r.Percent || r.Bytes > 0 && free >= r.Bytes
}

// String spells the room as evidence wants it: "10 % or 4 GiB".
func (r Room) String() string {
	var parts []string
	if r.Percent > 0 {
		parts = append(parts, spellPercent(r.Percent))
	}
	if r.Bytes > 0 {
		parts = append(parts, strings.Replace(human.Bytes(r.Bytes), ".0 ", " ", 1))
	}
	return strings.Join(parts, " or ")
}

// percentOf gives what share a part is of a whole, which is not 0.
func percentOf(part, whole uint64) float64 { return 100 * float64(part) / float64(whole) }

// spellPercent spells a threshold without rounding it: "10 %", "87.5 %".
func spellPercent(p float64) string { return strconv.FormatFloat(p, 'f', -1, 64) + " %" }

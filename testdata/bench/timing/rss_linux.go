package main

import (
	"os"
	"syscall"
)

// maxRSS is in bytes; getrusage(2): ru_maxrss is in kilobytes.
func maxRSS(state *os.ProcessState) int64 {
	usage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	return usage.Maxrss << 10
}

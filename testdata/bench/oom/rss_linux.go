package main

import "syscall"

// maxRSS is the most memory that this process has had, in bytes; getrusage(2): ru_maxrss is in kilobytes.
func maxRSS() (int64, error) {
	var usage syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return usage.Maxrss << 10, err
}

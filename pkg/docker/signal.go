package docker

import (
	"strconv"
	"strings"
)

// First and last real-time signal as Docker counts them (moby/sys/signal), and as the C
// library does on Linux, which keeps 32 and 33 for itself (signal(7)).
const (
	sigRTMin = 34
	sigRTMax = 64
)

// signalNumbers are Linux's signals on amd64 and arm64 (signal(7)). Named here rather
// than taken from package syscall, which has the numbers of the system it is built for.
var signalNumbers = map[string]int{
	"HUP": 1, "INT": 2, "QUIT": 3, "ILL": 4, "TRAP": 5, "ABRT": 6, "IOT": 6, "BUS": 7, "FPE": 8,
	"KILL": 9, "USR1": 10, "SEGV": 11, "USR2": 12, "PIPE": 13, "ALRM": 14, "TERM": 15, "STKFLT": 16,
	"CHLD": 17, "CLD": 17, "CONT": 18, "STOP": 19, "TSTP": 20, "TTIN": 21, "TTOU": 22, "URG": 23,
	"XCPU": 24, "XFSZ": 25, "VTALRM": 26, "PROF": 27, "WINCH": 28, "IO": 29, "POLL": 29, "PWR": 30, "SYS": 31,
}

// SignalNumber gives Linux's number of a signal written as Docker takes it: "SIGTERM",
// "TERM", "15", "SIGRTMIN+3", "RTMAX-1", in upper or lower case. It is false for
// anything else, and for numbers outside 1 to 64.
func SignalNumber(s string) (int, bool) {
	name := strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(s)), "SIG")
	if n, ok := signalNumbers[name]; ok {
		return n, true
	}
	if after, ok := strings.CutPrefix(name, "RTMIN"); ok {
		return realTime(sigRTMin, after, "+")
	}
	if after, ok := strings.CutPrefix(name, "RTMAX"); ok {
		return realTime(sigRTMax, after, "-")
	}
	if name != strings.TrimSpace(s) { // SIG15 is nothing
		return 0, false
	}
	n, err := strconv.ParseUint(name, 10, 8)
	if err != nil || n < 1 || n > sigRTMax {
		return 0, false
	}
	return int(n), true
}

// realTime gives base plus or minus an offset such as "+3"; the sign is fixed by the base.
func realTime(base int, offset, sign string) (int, bool) {
	if offset == "" {
		return base, true
	}
	digits, ok := strings.CutPrefix(offset, sign)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 8)
	if err != nil || n > sigRTMax-sigRTMin {
		return 0, false
	}
	if sign == "-" {
		return base - int(n), true
	}
	return base + int(n), true
}

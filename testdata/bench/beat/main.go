// Command beat is what the heartbeat of a probe is measured against: it sleeps until each moment of a schedule, and
// keeps the most by which it woke too late. So it shows how exact the machine lets any program be.
//
// Usage: beat [-every DURATION] [-for DURATION]
//
// It prints the part of a ProbeReport that tells a heartbeat.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	every := flag.Duration("every", time.Second, "the interval")
	lasting := flag.Duration("for", 10*time.Second, "how long it goes on")
	flag.Parse()
	if *every <= 0 {
		fmt.Fprintln(os.Stderr, "beat: the interval must be positive")
		os.Exit(2)
	}
	late := latest(*every, *lasting)
	fmt.Fprintf(os.Stdout, `{"kind":"ProbeReport","data":{"heartbeat":{"trace":{"idleNanoseconds":%d,"everyNanoseconds":%d,"driftNanoseconds":%d}}}}`+"\n",
		lasting.Nanoseconds(), every.Nanoseconds(), late.Nanoseconds())
}

// latest gives the most by which a moment was missed. The moments are counted from the beginning.
func latest(every, lasting time.Duration) time.Duration {
	var late time.Duration
	start := time.Now()
	for due := every; due <= lasting; due += every {
		time.Sleep(due - time.Since(start))
		late = max(late, time.Since(start)-due)
	}
	return late
}

package oom

import "time"

// BootClock ties the kernel's clock, which its log is stamped with, to the wall clock.
type BootClock struct {
	// Boot is the running boot's ID as the journal writes it, 32 hex digits; empty where unknown.
	Boot string `json:"boot,omitempty"`
	// Start is when the system booted, by the wall clock as it is set now; zero where unknown.
	Start time.Time `json:"start,omitzero"`
	// Suspended is how long the system was suspended since. The kernel's stamps do not
	// count it (printk takes local_clock, kernel/printk/printk.c), so a time that was
	// worked out of a stamp may be too early by as much.
	Suspended time.Duration `json:"suspendedNanoseconds"`
}

// At gives the wall-clock time of a kernel's stamp: at the earliest, where the system was
// suspended since boot. It gives the zero time where the clock is not known.
func (c BootClock) At(sinceBoot time.Duration) time.Time {
	if c.Start.IsZero() {
		return time.Time{}
	}
	return c.Start.Add(sinceBoot)
}

// stamp gives the kills of the running kernel's own log their boot and wall-clock time.
func (c BootClock) stamp(log Log) Log {
	kills := make([]Kill, len(log.Kills))
	for i, kill := range log.Kills {
		if kill.Boot == "" {
			kill.Boot = c.Boot
		}
		if kill.At.IsZero() {
			kill.At = c.At(kill.SinceBoot)
		}
		kills[i] = kill
	}
	log.Kills = kills
	return log
}

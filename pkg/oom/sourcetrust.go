package oom

import (
	"slices"
	"time"
)

// provenSlack is how far a syslog stamp may be from the time that is worked out of the
// kernel's: its daemon reads the kernel's messages late, and the clock is corrected.
const provenSlack = time.Minute

// provenFrom is the time from which on the kernel's buffer surely holds every kill; zero
// where that is not known.
func provenFrom(kmsg gathered, clock BootClock) time.Time {
	if kmsg.source.Err != nil || kmsg.source.Oldest.IsZero() || kmsg.log.Lost > 0 || kmsg.log.Malformed > 0 || kmsg.log.More > 0 {
		return time.Time{}
	}
	// The stamp of its first record does not count a suspend.
	return kmsg.source.Oldest.Add(clock.Suspended + provenSlack)
}

// ownKills leaves out the kills of a text that came after from and are in none of the
// kernel's own logs. Those of an unknown time stay.
func ownKills(text []Kill, from time.Time, own ...[]Kill) (kept []Kill, foreign int) {
	if from.IsZero() || len(text) == 0 {
		return text, 0
	}
	type name struct {
		pid  int
		comm string
	}
	known := map[name][]Kill{}
	for _, k := range slices.Concat(own...) {
		key := name{k.PID, k.Comm}
		if len(known[key]) < maxSame {
			known[key] = append(known[key], k)
		}
	}
	kept = []Kill{}
	for _, k := range text {
		is := func(one Kill) bool { return same(one, k) }
		if k.At.Before(from) || slices.ContainsFunc(known[name{k.PID, k.Comm}], is) {
			kept = append(kept, k)
		} else {
			foreign++
		}
	}
	return kept, foreign
}

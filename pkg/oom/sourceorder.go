package oom

import (
	"cmp"
	"sort"
	"strings"
	"time"
)

// trust gives the kills of all the wall-clock times that the journal has for them:
// journald stamped them as they happened, and a time that is worked out of the kernel's
// stamp is wrong by every step of the clock and every suspend since.
func trust(all, journal []Kill) {
	type name struct {
		boot, comm string
		pid        int
	}
	known := make(map[name][]Kill, len(journal))
	for _, kill := range journal {
		if !kill.At.IsZero() && kill.Boot != "" {
			key := name{kill.Boot, kill.Comm, kill.PID}
			known[key] = append(known[key], kill)
		}
	}
	for i, kill := range all {
		for _, k := range known[name{kill.Boot, kill.Comm, kill.PID}] {
			if within(k.SinceBoot, kill.SinceBoot, againWindow) {
				all[i].At = k.At
			}
		}
	}
}

// order sorts by the wall clock, and the kills of one boot by the kernel's clock, which
// is never set back: a step of the wall clock moves none before an earlier one of its
// boot. Kills of an unknown time come first.
func order(kills []Kill) {
	sort.SliceStable(kills, func(i, j int) bool {
		a, b := &kills[i], &kills[j]
		return cmp.Or(strings.Compare(a.Boot, b.Boot), cmp.Compare(a.SinceBoot, b.SinceBoot)) < 0
	})
	type placed struct {
		at   time.Time
		kill Kill
	}
	places := make([]placed, len(kills))
	var before placed
	for i, kill := range kills {
		place := placed{kill.At, kill}
		if kill.Boot != "" && kill.Boot == before.kill.Boot && before.at.After(kill.At) {
			place.at = before.at
		}
		places[i], before = place, place
	}
	sort.SliceStable(places, func(i, j int) bool { return places[i].at.Before(places[j].at) })
	for i := range places {
		kills[i] = places[i].kill
	}
}

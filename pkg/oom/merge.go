package oom

import (
	"cmp"
	"sort"
	"strings"
	"time"
)

// Merge makes one log of several that may tell of the same kills: the kernel's ring
// buffer, the journal, syslog files. Kills come in the order of time, as far as the
// logs say; a kill that several know of is listed once, with what each knows. The
// counters are added up, and what two logs tell of counts twice there. Truncated holds only where it holds of all.
func Merge(logs ...Log) Log {
	all := Log{Truncated: len(logs) > 0}
	var kills []Kill
	for _, l := range logs {
		if kills == nil {
			kills = l.Kills[:len(l.Kills):len(l.Kills)] // most often the only ones
		} else {
			kills = append(kills, l.Kills...)
		}
		all.Records += l.Records
		all.Lost += l.Lost
		all.Malformed += l.Malformed
		all.Lines += l.Lines
		all.Unnamed += l.Unnamed
		all.NoVictim += l.NoVictim
		all.Panics += l.Panics
		all.More += l.More
		all.Truncated = all.Truncated && l.Truncated
		all.Bare, all.Yearless = all.Bare || l.Bare, all.Yearless || l.Yearless
	}
	all.Kills = distinct(kills)
	sort.SliceStable(all.Kills, func(i, j int) bool { return byTime(&all.Kills[i], &all.Kills[j]) < 0 })
	if more := len(all.Kills) - maxKills; more > 0 {
		all.More += more
		all.Kills = all.Kills[:maxKills]
	}
	return all
}

// byTime orders kills by the wall clock, and within a boot by the kernel's.
func byTime(a, b *Kill) int {
	switch {
	case a.Boot != "" && a.Boot == b.Boot:
		return cmp.Compare(a.SinceBoot, b.SinceBoot)
	case !a.At.IsZero() && !b.At.IsZero():
		return a.At.Compare(b.At)
	case a.At.IsZero() && b.At.IsZero():
		return cmp.Compare(a.SinceBoot, b.SinceBoot)
	}
	return 0
}

// maxSame is how many kills of one process ID and name a kill is compared with.
const maxSame = 512

// distinct drops what is a kill that stands before it, and adds to that what only the
// later one knows.
func distinct(kills []Kill) []Kill {
	type name struct {
		pid  int
		comm string
	}
	last := make(map[name]int, len(kills)) // the newest place of a name, from 1
	before := make([]int, 0, len(kills))   // the place before it of the same name, from 1
	kept := make([]Kill, 0, len(kills))
next:
	for _, k := range kills {
		key := name{k.PID, k.Comm}
		for i, n := last[key], 0; i > 0 && n < maxSame; i, n = before[i-1], n+1 {
			if same(kept[i-1], k) {
				kept[i-1] = richer(kept[i-1], k)
				continue next
			}
		}
		before = append(before, last[key])
		kept = append(kept, k)
		last[key] = len(kept)
	}
	return kept
}

// otherBoot is how far apart by the wall clock two kills are that the kernel's clock
// puts at nearly the same moment, if they are of two boots. A boot that goes wrong again
// and again kills the same process at nearly the same moment.
const otherBoot = 20 * time.Second

// same tells whether two kills of one process ID and name are one. A clock that was
// set in between makes two of one; nothing makes one of two.
func same(a, b Kill) bool {
	differ := func(a, b string) bool { return a != "" && b != "" && a != b }
	if differ(a.Boot, b.Boot) || !sameHost(a.Host, b.Host) || differ(a.TaskCgroup, b.TaskCgroup) ||
		unequal(a.TotalVM, b.TotalVM) || unequal(a.AnonRSS, b.AnonRSS) {
		return false
	}
	dated := !a.At.IsZero() && !b.At.IsZero()
	apart := a.At.Sub(b.At).Abs()
	switch {
	case a.SinceBoot != 0 && b.SinceBoot != 0:
		// To the microsecond it is one record, whenever a log got it.
		return a.SinceBoot == b.SinceBoot || within(a.SinceBoot, b.SinceBoot, againWindow) && (!dated || apart <= otherBoot)
	case dated:
		return apart <= againWindow
	}
	return a.TotalVM != nil && b.TotalVM != nil // no common clock: the same sizes to the kB
}

// saysMore tells that of one kill b alone has whose limit was hit, or in which cgroup.
func saysMore(a, b Kill) bool {
	return a.TaskCgroup == "" && b.TaskCgroup != "" || a.LimitCgroup == "" && b.LimitCgroup != "" ||
		a.Scope == ScopeUnknown && b.Scope != ScopeUnknown
}

// sameHost tells whether two names can be one machine's: a log may leave the domain out,
// or the whole name.
func sameHost(a, b string) bool {
	return a == "" || b == "" || a == b || strings.HasPrefix(a, b+".") || strings.HasPrefix(b, a+".")
}

func unequal(a, b *uint64) bool { return a != nil && b != nil && *a != *b }

// richer joins two accounts of one kill: one counts, and the other fills gaps. What is
// vouched for counts before what is richer.
func richer(a, b Kill) Kill {
	switch {
	case a.Unvouched != b.Unvouched:
		if a.Unvouched {
			a, b = b, a
		}
		a.Unvouched = saysMore(a, b)
	case a.TotalVM == nil && b.TotalVM != nil || a.TotalVM != nil && b.TotalVM != nil && a.Picture == nil && b.Picture != nil:
		a, b = b, a
	}
	if a.TotalVM == nil {
		a.TotalVM, a.AnonRSS, a.FileRSS, a.ShmemRSS = b.TotalVM, b.AnonRSS, b.FileRSS, b.ShmemRSS
	}
	a.SinceBoot = cmp.Or(a.SinceBoot, b.SinceBoot)
	if a.At.IsZero() {
		a.At = b.At
	}
	a.Boot, a.Host = cmp.Or(a.Boot, b.Boot), cmp.Or(a.Host, b.Host)
	a.UID, a.OOMScoreAdj = cmp.Or(a.UID, b.UID), cmp.Or(a.OOMScoreAdj, b.OOMScoreAdj)
	a.TaskCgroup, a.LimitCgroup = cmp.Or(a.TaskCgroup, b.TaskCgroup), cmp.Or(a.LimitCgroup, b.LimitCgroup)
	a.Limit, a.Swap = cmp.Or(a.Limit, b.Limit), cmp.Or(a.Swap, b.Swap)
	a.Group, a.Reaped = cmp.Or(a.Group, b.Group), a.Reaped || b.Reaped
	a.Invoker, a.Picture = cmp.Or(a.Invoker, b.Invoker), cmp.Or(a.Picture, b.Picture)
	if a.Scope == ScopeUnknown {
		a.Scope = b.Scope
	}
	return a
}

package verdict

import (
	"slices"
	"time"

	"vmguard/pkg/oom"
)

const (
	// killBefore is how long before an end a kill may be that belongs to it: PID 1 dies at
	// once, but the engine notes it only when it gets round to it. 4 s were seen.
	killBefore = 15 * time.Second
	// killAfter is how much later than the end the kernel's stamp may be, for the clocks
	// differ: the kernel's drifts from the wall clock, by more after a suspend.
	killAfter = 5 * time.Second
)

// place lays the kernel's kills beside the lives that they hit. It gives the kills in the
// container that fit none.
func (h *history) place(id string, kills []oom.Kill) (unmatched []oom.Kill) {
	var mine, nameless []oom.Kill
	for _, k := range kills {
		switch {
		case id != "" && slices.Contains(oom.ContainerIDs(k.TaskCgroup), id):
			mine = append(mine, k)
		case k.TaskCgroup == "":
			nameless = append(nameless, k)
		}
	}
	for _, k := range mine {
		if k.At.IsZero() || !h.placeOne(k) {
			unmatched = append(unmatched, k)
		}
	}
	h.handBack()
	for i := range h.ends {
		end := &h.ends[i]
		if len(end.kills) > 0 || !end.code(exitKilled) {
			continue
		}
		for _, k := range slices.Concat(mine, nameless) {
			// One without a date may have come at any time.
			if k.At.IsZero() || atEnd(*end, k) && (end.started.IsZero() || k.At.After(end.started.Add(-killAfter))) {
				end.near = append(end.near, k)
			}
		}
	}
	h.placeLate(unmatched)
	return unmatched
}

// placeLate lays kills that came when a container no longer ran beside its last end: there
// was nothing to kill in it, so the clocks differ by more than is allowed for.
func (h *history) placeLate(unmatched []oom.Kill) {
	end := h.last()
	if h.running != nil || end == nil || len(end.kills) > 0 || !end.code(exitKilled) {
		return
	}
	for _, k := range unmatched {
		if k.At.Sub(end.died) > killAfter {
			end.near = append(end.near, k)
		}
	}
}

// placeOne finds the life of a kill: the one in whose time it fell, or else the one at
// whose end it came, as far as the clocks may differ.
func (h *history) placeOne(k oom.Kill) bool {
	for i := range h.ends {
		end := &h.ends[i]
		if end.started.IsZero() || k.At.Before(end.started) || k.At.After(end.died) {
			continue
		}
		if atEnd(*end, k) {
			end.kills = append(end.kills, k)
		} else {
			end.earlier = append(end.earlier, k)
		}
		return true
	}
	if r := h.running; r != nil && !r.started.IsZero() && !k.At.Before(r.started) {
		r.earlier = append(r.earlier, k)
		return true
	}
	var best *life
	for i := range h.ends {
		end := &h.ends[i]
		if atEnd(*end, k) && (best == nil || k.At.Sub(end.died).Abs() < k.At.Sub(best.died).Abs()) {
			best = end
		}
	}
	if best == nil {
		return false
	}
	best.kills = append(best.kills, k)
	return true
}

// handBack gives a kill that a life outlived to the end right before it, where that end
// is a SIGKILL without one: with clocks that differ a kill shows up in the next life.
func (h *history) handBack() {
	for i := range h.ends {
		end := &h.ends[i]
		if len(end.kills) > 0 || !end.code(exitKilled) || end.died.IsZero() {
			continue
		}
		next := h.running
		if i+1 < len(h.ends) {
			next = &h.ends[i+1]
		}
		if next == nil {
			continue
		}
		late := func(k oom.Kill) bool { return k.At.Sub(end.died) <= killAfter && k.At.After(end.died) }
		if j := slices.IndexFunc(next.earlier, late); j >= 0 {
			end.kills = append(end.kills, next.earlier[j])
			next.earlier = slices.Delete(next.earlier, j, j+1)
		}
	}
}

func atEnd(l life, k oom.Kill) bool {
	if k.At.IsZero() || l.died.IsZero() {
		return false
	}
	before := l.died.Sub(k.At)
	return before <= killBefore && before >= -killAfter
}

// reaches tells whether the log holds every kill about an end.
func (k KernelLog) reaches(died time.Time) bool {
	return !k.Since.IsZero() && !died.IsZero() && !k.Since.After(died.Add(-killBefore))
}

// Excludes tells that no kill of the log's can have led to an end at that moment: the log
// reaches back to it, and holds none about then nor one that it does not date. The log's
// kills are taken to be in the container, or to lack their cgroup, as Snapshot gives them.
func (k KernelLog) Excludes(died time.Time) bool {
	return k.reaches(died) && !slices.ContainsFunc(k.Kills, func(one oom.Kill) bool {
		return one.At.IsZero() || atEnd(life{died: died}, one)
	})
}

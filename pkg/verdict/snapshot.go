package verdict

import (
	"slices"
	"sort"
	"time"

	"vmguard/pkg/host"
	"vmguard/pkg/oom"
)

// Snapshot is a host's facts made ready for judging many containers: the kernel's log is
// dated once, and its kills are laid out by container. The work then grows with the
// containers and the kills, not with their product.
type Snapshot struct {
	shared   Input                 // without a container, and without kills
	all      []oom.Kill            // in the log's order
	kills    map[string][]oom.Kill // by each container's ID around the victim, in the log's order
	nameless []oom.Kill            // those whose cgroup does not stand in the log, the undated first, then by time
}

// NewSnapshot makes a snapshot of a host's facts. It keeps parts of them.
func NewSnapshot(f *host.Facts) Snapshot {
	s := Snapshot{shared: hostInput(f), kills: map[string][]oom.Kill{}}
	s.shared.Healer = HealerAmong(f.Containers.Value)
	s.all = s.shared.Kernel.Value.Kills
	s.shared.Kernel.Value.Kills = nil
	for _, k := range s.all {
		if k.TaskCgroup == "" {
			s.nameless = append(s.nameless, k)
		}
		for i, ids := 0, oom.ContainerIDs(k.TaskCgroup); i < len(ids); i++ {
			if slices.Index(ids, ids[i]) == i { // a path may name one twice
				s.kills[ids[i]] = append(s.kills[ids[i]], k)
			}
		}
	}
	sort.SliceStable(s.nameless, func(i, j int) bool { return s.nameless[i].At.Before(s.nameless[j].At) })
	return s
}

// Kills are the kills in a container, and in those inside it, in the log's order; none
// where the log could not be read.
func (s Snapshot) Kills(id string) []oom.Kill { return s.kills[id] }

// Input gives what is known of one of the snapshot's containers, as FromFacts does. Of
// the kernel's kills it holds only those in the container, and such without a cgroup as
// may have been in it when it ended.
func (s Snapshot) Input(c host.Container) Input {
	in := s.shared.of(c)
	in.Kernel.Value.Kills = slices.Concat(s.kills[c.ID], s.namelessAbout(endings(c)))
	return in
}

// endings are the moments at which a container may have ended, oldest first.
func endings(c host.Container) []time.Time {
	var out []time.Time
	if !c.FinishedAt.IsZero() {
		out = append(out, c.FinishedAt)
	}
	for _, e := range c.Events {
		if e.Action == actionDie {
			out = append(out, e.Time)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Before(out[j]) })
	return out
}

// namelessAbout gives the newest kills without a cgroup about each of some moments, and of
// those without a date: a storm of them tells no more than a few.
func (s Snapshot) namelessAbout(moments []time.Time) []oom.Kill {
	if len(moments) == 0 {
		return nil
	}
	dated := s.namelessFrom(time.Time{}.Add(1))
	out := slices.Clone(s.nameless[max(0, dated-mostNear):dated])
	next := dated
	for _, t := range moments {
		from, to := s.namelessFrom(t.Add(-killBefore)), s.namelessFrom(t.Add(killAfter+1))
		from = max(from, to-mostNear, next)
		if from < to {
			out = append(out, s.nameless[from:to]...)
			next = to
		}
	}
	return out
}

// namelessFrom is the index of the first kill without a cgroup that came at a moment or later.
func (s Snapshot) namelessFrom(t time.Time) int {
	return sort.Search(len(s.nameless), func(i int) bool { return !s.nameless[i].At.Before(t) })
}

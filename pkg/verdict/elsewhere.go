package verdict

import (
	"slices"
	"time"

	"vmguard/pkg/docker"
	"vmguard/pkg/human"
	"vmguard/pkg/oom"
)

// On cgroup v1 a limit that is hit is told to every cgroup below it (mem_cgroup_oom_notify
// in mm/memcontrol.c), and the engine notes an oom for each container there: also for those
// in which nothing was killed.

// notIts says why an oom event of the engine's is of no kill in the container; empty where
// it may be of one.
func (c inquest) notIts(e docker.Event) string {
	if e.Action != actionOOM {
		return ""
	}
	m := c.in.Container.Memory
	if c.life.died.IsZero() && m.Known() && m.Value.OOMKills != nil && *m.Value.OOMKills == 0 {
		return "nothing was killed in it: its cgroup counts no OOM kill"
	}
	if k, ok := c.killElsewhere(e.Time); ok {
		return "the kill was in another cgroup below the same limit, " + clip(k.TaskCgroup) + ": " + spellKill(k)
	}
	return ""
}

// killElsewhere finds the kernel's kill in another cgroup, at a limit above the container's
// own, that explains an oom event: only in a log which would show one in the container.
func (c inquest) killElsewhere(at time.Time) (found oom.Kill, ok bool) {
	log := c.in.Kernel
	if !log.Known() || !log.Value.reaches(at) || !c.in.Parents.Known() {
		return oom.Kill{}, false
	}
	for _, k := range log.Value.Kills {
		apart := k.At.Sub(at).Abs()
		if !k.At.IsZero() && apart > killAfter {
			continue
		}
		mayBeIts := k.TaskCgroup == "" || slices.Contains(oom.ContainerIDs(k.TaskCgroup), c.in.Container.ID)
		switch {
		case mayBeIts:
			return oom.Kill{}, false
		case k.At.IsZero() || !c.below(k.LimitCgroup):
		case !ok || apart < found.At.Sub(at).Abs():
			found, ok = k, true
		}
	}
	return found, ok
}

// below tells that a cgroup is one of those above the container's.
func (c inquest) below(cgroup string) bool {
	for _, g := range c.in.Parents.Value {
		if cgroup != "" && g.Path == cgroup {
			return true
		}
	}
	return false
}

// ownOOM tells that the engine noted an oom within a time before the end, or after it, that
// may be of a kill in the container.
func (c inquest) ownOOM(within time.Duration) bool {
	return slices.ContainsFunc(c.life.events, func(e docker.Event) bool {
		return e.Action == actionOOM && c.life.died.Sub(e.Time) <= within && c.notIts(e) == ""
	})
}

// othersOOM gives why the engine's newest oom event is of no kill in the container; empty
// where one of them may be.
func (c inquest) othersOOM() string {
	why := ""
	for _, e := range c.life.events {
		if e.Action != actionOOM {
			continue
		}
		if why = c.notIts(e); why == "" {
			return ""
		}
	}
	return why
}

// stray is the newest of the kills in the container that fit no end, or that this life
// outlived; false where there is none.
func (c inquest) stray() (k oom.Kill, ok bool) {
	all := slices.Concat(c.unmatched, c.life.earlier)
	if len(all) == 0 {
		return oom.Kill{}, false
	}
	return slices.MaxFunc(all, func(a, b oom.Kill) int { return a.At.Compare(b.At) }), true
}

func (c inquest) hasStray() bool {
	_, ok := c.stray()
	return ok
}

// strayText says of such a kill that it may have led to this end after all.
func (c inquest) strayText(k oom.Kill) string {
	apart := "without a date"
	switch gap := c.life.died.Sub(k.At); {
	case k.At.IsZero():
	case gap < 0:
		apart = human.Duration(-gap) + " after this end by its stamp"
	default:
		apart = human.Duration(gap) + " before this end"
	}
	return "the kernel's log shows an OOM kill in it, " + apart + ": that it led to this end is not excluded"
}

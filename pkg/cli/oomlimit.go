package cli

import (
	"strings"

	"vmguard/pkg/oom"
	"vmguard/pkg/report"
)

// limiterOf tells whose limit was hit, by the paths of the victim's cgroup and of the limit's.
func limiterOf(k oom.Kill) report.OOMLimiter {
	l := report.OOMLimiter{Cgroup: k.LimitCgroup, Limit: k.Limit}
	home := homeOf(k.TaskCgroup)
	switch {
	case k.Scope == oom.ScopeHost:
		return report.OOMLimiter{Kind: report.OOMHost}
	case k.LimitCgroup == "" && k.Scope == oom.ScopeUnknown:
		l.Kind = report.OOMUnknown
	case k.LimitCgroup == "" || k.TaskCgroup == "":
		l.Kind = report.OOMCgroup
	case k.LimitCgroup == home || k.LimitCgroup == home+"/container": // Podman's crun puts the processes one below
		l.Kind = report.OOMOwn
	case below(k.LimitCgroup, home):
		l.Kind = report.OOMInside
	case below(home, k.LimitCgroup):
		l.Kind = report.OOMParent
	default:
		l.Kind = report.OOMCgroup
	}
	return l
}

// below tells whether a cgroup lies somewhere below another one.
func below(cgroup, above string) bool {
	return strings.HasPrefix(cgroup, strings.TrimSuffix(above, "/")+"/") && cgroup != above
}

// homeOf gives the cgroup of the container, LXC container or unit that a cgroup belongs
// to, which is that itself where nothing else is known. A container or a service may have
// cgroups inside its own, which its limit is not set on.
func homeOf(cgroup string) string {
	owner := oom.OwnerOf(cgroup)
	is := func(string) bool { return false }
	switch {
	case owner.ContainerID != "":
		is = func(name string) bool { return strings.Contains(name, owner.ContainerID) }
	case owner.LXC != "":
		is = func(name string) bool { return name == owner.LXC || name == "lxc.payload."+owner.LXC }
	case owner.PodUID == "" && owner.Unit != "":
		is = func(name string) bool { return name == owner.Unit }
	}
	names := strings.Split(cgroup, "/")
	for i := len(names) - 1; i >= 0; i-- {
		if is(names[i]) {
			return strings.Join(names[:i+1], "/")
		}
	}
	return cgroup
}

// memoryAtDeath gives what the victim had in RAM, in bytes; nil where the log does not say.
func memoryAtDeath(k oom.Kill) *uint64 {
	if k.AnonRSS == nil {
		return nil
	}
	sum := *k.AnonRSS
	for _, n := range []*uint64{k.FileRSS, k.ShmemRSS} {
		if n != nil {
			sum += *n
		}
	}
	return &sum
}

// needOf tells what would have been enough, as far as the log says. A kill makes room for
// the victim's anonymous memory: a limit that is higher by as much, or so much more RAM or
// swap, would have made the same room at that moment. How far the victim would have grown
// nobody knows. Where more than one process was killed at once, more room was made than is known.
func needOf(k oom.Kill, l report.OOMLimiter) report.OOMNeed {
	freed := k.AnonRSS
	if k.Group != "" {
		freed = nil
	}
	var need report.OOMNeed
	switch l.Kind {
	case report.OOMUnknown:
	case report.OOMHost:
		if freed != nil {
			more := *freed
			if k.Swap != nil {
				more += *k.Swap
			}
			need.MoreForHost = &more
		}
	default:
		need.MoreThan = larger(k.Limit, usageOf(k))
		if need.MoreThan != nil && freed != nil {
			enough := *need.MoreThan + *freed
			need.EnoughThen = &enough
		}
	}
	return need
}

func usageOf(k oom.Kill) *uint64 {
	if k.Picture == nil {
		return nil
	}
	return k.Picture.Usage
}

// larger gives the larger of two sizes; nil is none.
func larger(a, b *uint64) *uint64 {
	if a == nil || b != nil && *b > *a {
		return b
	}
	return a
}

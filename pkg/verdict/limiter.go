package verdict

import (
	"fmt"
	"path"
	"slices"

	"vmguard/pkg/host"
	"vmguard/pkg/human"
	"vmguard/pkg/oom"
)

// limiter says whose memory had run out when the kernel killed in a container.
type limiter int

const (
	limiterUnknown limiter = iota
	limiterOwn             // the container's cgroup, or one made in it
	limiterInner           // a container inside this one
	limiterParent          // a cgroup above the container's
	limiterHost            // the whole machine
)

// limiterOf reads from a kill whose limit was hit. It is oom_memcg that tells: the
// constraint may say none beside it, and task_memcg is the victim's. With an empty ID the
// victim runs in no container, and its own is its cgroup's.
func limiterOf(id string, k oom.Kill) limiter {
	switch {
	case k.Scope == oom.ScopeHost:
		return limiterHost
	case k.Scope != oom.ScopeCgroup || k.LimitCgroup == "":
		return limiterUnknown
	case id == "" && k.LimitCgroup == k.TaskCgroup:
		return limiterOwn
	}
	ids := oom.ContainerIDs(k.LimitCgroup)
	switch i := slices.Index(ids, id); {
	case i < 0:
		return limiterParent
	case i == len(ids)-1:
		return limiterOwn
	}
	return limiterInner
}

// SpellLimiter says in words whose memory had run out when the kernel killed in a
// container, such as "at its own memory limit of 512 MiB". Of a container that is gone
// the ID is enough. One without an ID stands for a process outside of all containers.
func SpellLimiter(c host.Container, k oom.Kill) string {
	size := ""
	if k.Limit != nil {
		size = " of " + human.Bytes(*k.Limit)
	}
	switch limiterOf(c.ID, k) {
	case limiterOwn:
		if own := c.Limits.Memory; size == "" && own > 0 {
			size = ", now " + human.Bytes(own)
		}
		return "at its own memory limit" + size
	case limiterInner:
		return "at the memory limit" + size + " of a container inside it"
	case limiterParent:
		return "at the memory limit" + size + " of " + clip(k.LimitCgroup) + ", above its own"
	case limiterHost:
		return "the VM had run out of memory"
	}
	if k.Scope == oom.ScopeUnknown {
		return "the log does not name whose memory had run out"
	}
	return "at a memory limit that the log does not name"
}

// OwnLimitHit tells that a kill came at the victim's own limit, or at one made in it; id is
// the container's, empty for a process outside of all containers.
func OwnLimitHit(id string, k oom.Kill) bool { return limiterOf(id, k) == limiterOwn }

// RaisedSince tells that a kill came at the container's own limit, and that this has been
// raised or taken away since. The limit of a cgroup that the container made inside itself
// is another: inspect does not show it.
func RaisedSince(c host.Container, k oom.Kill) bool {
	if k.Limit == nil || limiterOf(c.ID, k) != limiterOwn || !slices.Contains(oom.ContainerIDs(path.Base(k.LimitCgroup)), c.ID) {
		return false
	}
	return c.Limits.Memory == 0 || c.Limits.Memory > *k.Limit
}

// JudgeKill is the verdict on a kill in a container whatever came of it: by whose memory
// had run out, and what mends that. Judge lays kills to deaths; this is for one that it
// leaves over.
func JudgeKill(in Input, k oom.Kill) Verdict {
	v := inquest{in: in}.limitVerdict(k)
	v.Summary = fmt.Sprintf("the kernel killed a process of it (%s): %s", clip(k.Comm), SpellLimiter(in.Container, k))
	v.against("proved is the kill; whether the container ended of it is not on record")
	return v
}

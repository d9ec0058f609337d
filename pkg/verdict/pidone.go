package verdict

import (
	"path"
	"slices"
	"time"

	"vmguard/pkg/human"
	"vmguard/pkg/oom"
)

const (
	// atOnce is how soon after the kernel's kill of its PID 1 a container has ended. What
	// takes longer may have outlived the kill.
	atOnce = time.Second
	// farBefore is how long before an end a kill may be that still is its likely cause.
	farBefore = 5 * time.Second
)

// fatal gives the kill at the end that was PID 1's beyond doubt, or else the newest with
// the doubt about it.
func (c inquest) fatal() (k oom.Kill, conf Confidence, doubt string) {
	for _, k := range slices.Backward(c.life.kills) {
		if conf, _ := c.outlived(k); conf == Certain {
			return k, Certain, ""
		}
	}
	k = c.life.kills[len(c.life.kills)-1]
	conf, doubt = c.outlived(k)
	return k, conf, doubt
}

// outlived judges whether PID 1 may have outlived a kill, and have ended by SIGKILL of
// another cause: by the time in between, and by the dump of the tasks.
func (c inquest) outlived(k oom.Kill) (conf Confidence, doubt string) {
	gap := c.untilEnd(k)
	switch {
	case gap > farBefore:
		return Possible, "PID 1 may have outlived it, and somebody have killed it " + human.Duration(gap) + " later"
	case gap > atOnce:
		return Likely, "PID 1 may have outlived it: the kill and the end are " + human.Duration(gap) + " apart"
	case c.wholeGroup(k):
		return Certain, ""
	}
	return c.eldest(k)
}

// untilEnd is how far apart a kill and the end are, by whichever account has them nearest:
// inspect's time of the end is earlier than the event's on a busy VM, and the engine's oom
// event has the same clock as its die.
func (c inquest) untilEnd(k oom.Kill) time.Duration {
	gap := c.life.died.Sub(k.At).Abs()
	if f := c.in.Container.FinishedAt; !f.IsZero() {
		gap = min(gap, f.Sub(k.At).Abs())
	}
	for _, e := range c.life.events {
		if e.Action == actionOOM && len(c.life.kills) == 1 {
			gap = min(gap, c.life.died.Sub(e.Time).Abs())
		}
	}
	return gap
}

// wholeGroup tells that the kernel killed all processes of the container together, or of
// a cgroup above it (memory.oom.group), and not only those of a cgroup made in it.
func (c inquest) wholeGroup(k oom.Kill) bool {
	return k.Group != "" && !slices.Contains(oom.ContainerIDs(path.Dir(k.Group)), c.in.Container.ID)
}

// eldest tells by the dump whether the victim was the container's oldest process. Only the
// dump of the container's own limit lists its tasks and no others; it names the largest.
func (c inquest) eldest(k oom.Kill) (conf Confidence, doubt string) {
	init := c.in.Container.Init
	p := k.Picture
	switch {
	case init != nil && *init && k.Comm != "docker-init" && k.Comm != "tini":
		return Likely, "PID 1 is docker-init, which outlives its program and hands on its exit code"
	case p == nil || p.TaskCount <= 1 || limiterOf(c.in.Container.ID, k) != limiterOwn:
		return Certain, ""
	}
	older := slices.ContainsFunc(p.Tasks, func(t oom.Task) bool { return t.PID < k.PID })
	switch {
	case older:
		return Likely, "an older process was in it: PID 1 may have outlived the kill, and handed on its child's exit code or been killed by somebody"
	case p.TaskCount > len(p.Tasks):
		return Likely, "the log does not name all that ran in it: PID 1 may have outlived the kill"
	}
	return Certain, ""
}

package verdict

import (
	"fmt"
	"slices"
)

// atDeathUnhealthy tells that the healthcheck failed when the container ended. Inspect
// keeps the status of a stopped container; the next start resets it.
func (c inquest) atDeathUnhealthy() bool {
	h := c.in.Container.Health
	return c.newest && c.life.inspected && c.life.failed == "" && h != nil && h.Status == "unhealthy"
}

// healer names what ends unhealthy containers here; empty where nothing is known to.
func (c inquest) healer() string {
	if c.in.Container.SwarmTask {
		return "the swarm"
	}
	return c.in.Healer
}

// retries is how many runs of a healthcheck must fail in a row before the engine calls the
// container unhealthy, by default (Dockerfile's HEALTHCHECK). What is set is not read.
const retries = 3

// failures counts the runs of the healthcheck that failed in a row right before the end.
// The start after it resets the status, and leaves the runs on record.
func (c inquest) failures() int {
	n := 0
	for _, p := range slices.Backward(c.in.Health.Value) {
		switch {
		case !c.within(p.End) || !c.next.IsZero() && !p.End.Before(c.next):
		case p.ExitCode == 0:
			return n
		default:
			n++
		}
	}
	return n
}

// startedAgain tells that the container was started again right after this end, as a
// healer does with what it ends; a swarm makes a new container.
func (c inquest) startedAgain() bool {
	return c.life.has(actionRestart, 0) || !c.next.IsZero() && c.next.Sub(c.life.died) <= promptly
}

// blameHealer turns a verdict on a kill or stop into Unhealthy where the container was
// unhealthy, and what was done to it is what a healer does that is known to run.
func (c inquest) blameHealer(v *Verdict) {
	failed, source := c.failures(), c.in.Health.Source
	unhealthy := failed >= retries
	if c.atDeathUnhealthy() {
		unhealthy, failed, source = true, c.in.Container.Health.FailingStreak, inspectOf(c.in.Container)
	}
	if !unhealthy || c.healer() == "" || !c.in.Container.SwarmTask && !c.startedAgain() {
		return
	}
	v.note(v.Summary)
	v.Kind, v.Confidence = Unhealthy, atMostLikely(v.Confidence)
	v.Summary = "ended while its healthcheck failed, by all appearance by " + c.healer()
	v.evidence(source, fmt.Sprintf("the healthcheck failed before the end, %s in a row", plural(failed, "failure", "failures")))
	v.against("the engine's record does not name who asked; the engine alone ends nothing for its health")
	v.remedy("mend what the healthcheck says, or the healthcheck", "docker inspect --format '{{json .State.Health}}' "+shellName(c.in.Container))
}

// noHealer says why an end is not laid to a failing healthcheck.
func (c inquest) noHealer() string {
	if who := c.healer(); who != "" && !c.in.Container.SwarmTask && !c.startedAgain() {
		return who + " runs here, but starts again what it ends, and this was not"
	}
	return "an engine alone does not end a container for that"
}

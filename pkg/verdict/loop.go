package verdict

import (
	"slices"
	"time"
)

// Loop is a crash loop: a container that ended again soon after each start, unasked.
type Loop struct {
	// Deaths is how many ends followed on each other, the newest death on record the last of
	// them. The engine may have forgotten older ones.
	Deaths int       `json:"deaths"`
	First  time.Time `json:"firstAt"`
	Last   time.Time `json:"lastAt"`
}

const (
	// leastLoop is how many ends make a loop.
	leastLoop = 3
	// loopGap is the longest time between two ends of a loop: the engine waits up to a minute
	// before it starts a container again, and begins anew with 0.1 s where a life has lasted
	// 10 s (moby: restartmanager).
	loopGap = 2 * time.Minute
)

// loop finds a crash loop among the newest ends; nil for none.
func (h history) loop(in Input) *Loop {
	var found Loop
	for _, end := range slices.Backward(h.ends) {
		if end.failed != "" {
			continue // it has no date
		}
		c := inquest{in: in, life: end}
		asked := c.stopped() || c.sentByEngine() != 0 || !end.signal(sigkill, time.Minute).IsZero()
		if asked || end.died.IsZero() || found.Deaths > 0 && found.First.Sub(end.died) > loopGap {
			break
		}
		if found.Deaths == 0 {
			found.Last = end.died
		}
		found.Deaths, found.First = found.Deaths+1, end.died
	}
	if found.Deaths < leastLoop {
		return nil
	}
	return &found
}

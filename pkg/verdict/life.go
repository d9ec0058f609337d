package verdict

import (
	"slices"
	"sort"
	"time"

	"vmguard/pkg/docker"
	"vmguard/pkg/host"
	"vmguard/pkg/oom"
)

const (
	exitKilled = 128 + sigkill
	sigkill    = 9

	// sameEnd is how far apart inspect's FinishedAt and the die event of one end may be:
	// the first is containerd's, the second comes when the engine has cleaned up. On a
	// loaded VM 6 s were seen.
	sameEnd = 30 * time.Second
	// startSlack is how much later than its FinishedAt the StartedAt of a short life may
	// be: the engine writes it when it gets round to it. 0.25 s were seen.
	startSlack = 5 * time.Second
	// lateEvent is how long after a die its stop and oom events may still come.
	lateEvent = 5 * time.Second
)

// The engine's events.
const (
	actionStart   = "start"
	actionDie     = "die"
	actionKill    = "kill"
	actionOOM     = "oom"
	actionStop    = "stop"
	actionRestart = "restart"
)

// life is one life of a container, from its start to its end.
type life struct {
	started   time.Time // zero where not known
	startSeen bool      // started is an event's, so that the events reach back over the whole life
	died      time.Time // zero while it runs, and for a start that failed
	exit      *int      // nil where not known
	events    []docker.Event
	inspected bool   // inspect speaks of this end
	flag      bool   // OOMKilled, of an inspected end
	failed    string // why the engine could not start it
	byLog     bool   // only kills in it are known, and died is when the last came

	kills   []oom.Kill // OOM kills in it at its end
	earlier []oom.Kill // OOM kills in it that it outlived
	near    []oom.Kill // of a SIGKILL without kills: OOM kills about its end that may have been in it
}

// history is a container's lives.
type history struct {
	ends    []life // oldest first
	running *life
}

// historyOf cuts a container's events into lives, and joins them with what inspect says
// of the present or last one.
func historyOf(c host.Container) history {
	var h history
	open := life{}
	events := slices.Clone(c.Events)
	sort.SliceStable(events, func(i, j int) bool { return events[i].Time.Before(events[j].Time) })
	for _, e := range events {
		if last := h.last(); last != nil && !open.startSeen && follows(e, last.died) {
			last.events = append(last.events, e)
			continue
		}
		if e.Action == actionStart {
			open = life{started: e.Time, startSeen: true}
		}
		open.events = append(open.events, e)
		if e.Action == actionDie {
			open.died, open.exit = e.Time, e.ExitCode
			h.ends = append(h.ends, open)
			open = life{}
		}
	}
	switch {
	case c.Running():
		h.addRunning(c, open)
	case c.InspectError == "":
		h.addEnd(c, open)
	}
	return h
}

func (h *history) last() *life {
	if len(h.ends) == 0 {
		return nil
	}
	return &h.ends[len(h.ends)-1]
}

// follows tells whether an event belongs to the end before it: the engine's stop comes
// after the die, and an oom may.
func follows(e docker.Event, died time.Time) bool {
	switch e.Action {
	case actionStop, actionRestart:
		return true
	case actionOOM:
		return e.Time.Sub(died) <= lateEvent
	}
	return false
}

// addRunning adds the life that goes on, and the end before it, of which inspect knows the time alone.
func (h *history) addRunning(c host.Container, open life) {
	if !c.StartedAt.IsZero() {
		open.started = c.StartedAt
	}
	if !c.FinishedAt.IsZero() && h.endAt(c.FinishedAt, nil) == nil {
		h.insert(life{died: c.FinishedAt})
	}
	h.running = &open
}

// addEnd adds what inspect says of the last end.
func (h *history) addEnd(c host.Container, open life) {
	code := c.ExitCode
	if c.Error != "" { // the code is that of the start that failed
		if !c.FinishedAt.IsZero() && h.endAt(c.FinishedAt, nil) == nil {
			h.insert(life{died: c.FinishedAt})
		}
		h.ends = append(h.ends, life{failed: c.Error, exit: &code, inspected: true})
		return
	}
	if c.FinishedAt.IsZero() {
		return // it never ran
	}
	started := c.StartedAt
	if started.After(c.FinishedAt.Add(startSlack)) {
		started = time.Time{}
	}
	end := h.endAt(c.FinishedAt, &code)
	if end == nil {
		one := life{started: started, died: c.FinishedAt, exit: &code}
		if open.startSeen || len(h.ends) == 0 {
			one.events, one.startSeen = open.events, open.startSeen
		}
		end = h.insert(one)
	}
	end.inspected, end.flag = true, c.OOMKilled
	if end.started.IsZero() && !started.After(end.died) {
		end.started = started
	}
}

// endAt finds the end nearest to a moment; with a code only one that has it.
func (h *history) endAt(at time.Time, code *int) *life {
	var best *life
	for i := range h.ends {
		one := &h.ends[i]
		if code != nil && (one.exit == nil || *one.exit != *code) {
			continue
		}
		apart := one.died.Sub(at).Abs()
		if apart <= sameEnd && (best == nil || apart < best.died.Sub(at).Abs()) {
			best = one
		}
	}
	return best
}

// insert adds an end at its place in time.
func (h *history) insert(one life) *life {
	i := 0
	for i < len(h.ends) && !h.ends[i].died.After(one.died) {
		i++
	}
	h.ends = slices.Insert(h.ends, i, one)
	return &h.ends[i]
}

// endBefore is when the life before an end was over; zero where there is none on record.
func (h *history) endBefore(i int) time.Time {
	if i == 0 {
		return time.Time{}
	}
	return h.ends[i-1].died
}

// startAfter is when the life after an end began; zero where there is none, or it is not known.
func (h *history) startAfter(i int) time.Time {
	switch {
	case i+1 < len(h.ends):
		return h.ends[i+1].started
	case h.running != nil:
		return h.running.started
	}
	return time.Time{}
}

// code tells whether the exit code is known to be n.
func (l life) code(n int) bool { return l.exit != nil && *l.exit == n }

// signal gives the newest kill event with a signal in the time before the end, zero for none.
func (l life) signal(number int, within time.Duration) time.Time {
	for _, e := range slices.Backward(l.events) {
		if e.Action == actionKill && e.Signal == number && l.died.Sub(e.Time) <= within && l.died.Sub(e.Time) >= -lateEvent {
			return e.Time
		}
	}
	return time.Time{}
}

// has tells whether an event of that kind is on record within a time before the end.
func (l life) has(action string, within time.Duration) bool {
	return slices.ContainsFunc(l.events, func(e docker.Event) bool {
		return e.Action == action && l.died.Sub(e.Time) <= within
	})
}

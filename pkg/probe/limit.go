package probe

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// LimitState says whether the rungs agree on an idle limit.
type LimitState string

// The states of a limit.
const (
	// LimitFound: every connection that was idle for longer died, and none that was idle for a shorter time.
	LimitFound LimitState = "found"
	// LimitNone: every one that was measured lived.
	LimitNone LimitState = "none"
	// LimitUnclear: they died, and idleness alone does not explain it.
	LimitUnclear LimitState = "unclear"
	// LimitUnknown: nothing was measured.
	LimitUnknown LimitState = "unknown"
)

// Limit is what the rungs say together: how long a connection may be idle.
type Limit struct {
	State LimitState `json:"state"`
	// Low and High are the bracket: a connection that was idle for Low lived, one that was idle for High died. Low is 0 where none lived.
	Low  time.Duration `json:"lowNanoseconds"`
	High time.Duration `json:"highNanoseconds"`
	// Longest is the longest idle time that a connection survived; 0 where none did.
	Longest time.Duration `json:"longestAliveNanoseconds"`
	// Beyond counts the connections that were to be idle for longer than Longest and could not be measured, where none died.
	Beyond int `json:"beyond,omitempty"`
	// Kind is how the connections died; empty where none did.
	Kind Kind `json:"kind,omitempty"`
	// Why says what the state rests on.
	Why string `json:"why"`
}

// delayedAck is the longest for which Linux holds back an acknowledgement (TCP_DELACK_MAX in
// include/net/tcp.h). A box that counts packets starts its clock with the acknowledgement of the last
// answer, this side with the answer itself.
const delayedAck = 200 * time.Millisecond

// JudgeLimit makes one limit of what became of the rungs. It is pure. Rungs of every pass may be given
// together; what was not measured does not count.
func JudgeLimit(rungs []Rung) Limit {
	var lived, died []Rung
	for _, r := range rungs {
		switch {
		case r.Verdict.Kind == Alive:
			lived = append(lived, r)
		case r.Verdict.Kind.Dead():
			died = append(died, r)
		}
	}
	var longest time.Duration
	for _, r := range lived {
		longest = max(longest, r.Trace.Quiet)
	}
	switch {
	case len(died) == 0 && len(lived) == 0:
		return Limit{State: LimitUnknown, Why: "no connection was measured"}
	case len(died) == 0:
		return beyond(rungs, longest)
	}
	limit := bracket(lived, died)
	limit.Longest = longest
	return limit
}

// beyond is the absence of a limit, with what it leaves open.
func beyond(rungs []Rung, longest time.Duration) Limit {
	limit := Limit{State: LimitNone, Longest: longest, Why: "every connection that was measured lived"}
	for _, r := range rungs {
		if r.Verdict.Kind != Alive && r.Trace.Idle > longest {
			limit.Beyond++
		}
	}
	if limit.Beyond > 0 {
		limit.Why = "beyond that nothing is known: of the connections that were to be idle for longer none could be measured"
	}
	return limit
}

// bracket finds the limit between those that lived and those that died.
func bracket(lived, died []Rung) Limit {
	first := slices.MinFunc(died, func(a, b Rung) int { return int(min(max(upper(a)-upper(b), -1), 1)) })
	limit := Limit{State: LimitFound, High: upper(first), Kind: mostly(died), Why: "nothing that was idle for longer lived, and nothing died sooner"}
	for _, r := range lived {
		limit.Low = max(limit.Low, r.Trace.Quiet-delayedAck)
	}
	if limit.Low > limit.High {
		limit.State = LimitUnclear
		limit.Why = fmt.Sprintf("one died after %s idle, and another lived for %s: it is not the idle time alone, or there is more than one way to the server",
			spell(limit.High), spell(limit.Low+delayedAck))
		return limit
	}
	// Those that died unasked show the moment itself, where nothing hid it.
	var last time.Duration
	for _, r := range died {
		if r.Trace.Phase == PhaseIdle {
			last = max(last, r.Trace.Quiet)
		}
	}
	spread := last - limit.High
	switch late := lateness(died); {
	case last == 0:
	case spread > max(late, limit.High/100):
		limit.State, limit.Why = LimitUnclear, unequal(died)
	case atOnce(died):
		limit.State = LimitUnclear
		limit.Why = "they died unasked at the same moment, not after the same idle time: something ended all of them at once, such as a restart"
	default:
		limit.Low = max(limit.Low, min(last, limit.High)-max(late, spread))
		limit.Why = "they died unasked, all after the same idle time"
	}
	return limit
}

// atOnce tells whether those that died unasked did so at one moment rather than at one age. They were opened
// one after the other, so one of the two differs more than the other.
func atOnce(died []Rung) bool {
	const telling = 100 * time.Millisecond
	var ages, moments span
	for _, r := range died {
		if t := r.Trace; t.Phase == PhaseIdle && !t.Ended.IsZero() {
			ages.add(t.Quiet)
			moments.add(t.Ended.Sub(died[0].Trace.Ended))
		}
	}
	return ages.width() > telling && moments.width() < ages.width()/2
}

// span is how far apart some times are.
type span struct {
	low, high time.Duration
	begun     bool
}

func (s *span) add(d time.Duration) {
	if !s.begun {
		s.low, s.high, s.begun = d, d, true
	}
	s.low, s.high = min(s.low, d), max(s.high, d)
}

func (s *span) width() time.Duration { return s.high - s.low }

// upper is the longest for which a box can have seen a dead rung quiet. The request of one in a black
// hole was lost at once, not when the patience for the answer ended.
func upper(r Rung) time.Duration {
	t := r.Trace
	if t.Phase == PhaseNudge && r.Verdict.Kind == BlackHole {
		return min(t.Longest, t.Quiet+2*delayedAck)
	}
	return max(t.Longest, t.Quiet)
}

// lateness is by how much later than at the limit an end may be seen: a busy box's timer is late, and the
// packet has its way to go.
func lateness(died []Rung) time.Duration {
	const timer = 500 * time.Millisecond
	late := timer
	for _, r := range died {
		if r.Trace.TCP != nil {
			late = max(late, timer+2*r.Trace.TCP.RTT)
		}
	}
	return late
}

// unequal says of connections that died unasked that they did not die at the same age.
func unequal(died []Rung) string {
	var ages []string
	for _, r := range died {
		if r.Trace.Phase == PhaseIdle {
			ages = append(ages, spell(r.Trace.Quiet))
		}
	}
	if len(ages) > 6 {
		ages = append(ages[:6], "...")
	}
	return "they died unasked after different idle times (" + strings.Join(ages, ", ") + "): it is not the idle time alone; a restart of the server or of a box ends all at once"
}

// mostly gives the most frequent way of dying, and of equally frequent ones that of the shorter idle time.
func mostly(died []Rung) Kind {
	count := map[Kind]int{}
	for _, r := range died {
		count[r.Verdict.Kind]++
	}
	best := died[0].Verdict.Kind
	for _, r := range died {
		if count[r.Verdict.Kind] > count[best] {
			best = r.Verdict.Kind
		}
	}
	return best
}

package probe

import (
	"time"
)

// Config says what to measure and how. Run fills in nothing: a zero field means just that.
type Config struct {
	Target   Target
	Protocol Protocol

	// Rungs are the idle times of the first pass; none for no ladder.
	Rungs []time.Duration
	// Connections is how many are open at a time, control connections apart; at least 1.
	Connections int
	// OpenTimeout bounds each phase of opening a connection.
	OpenTimeout time.Duration
	// AnswerTimeout is how long a request may go unanswered. It must leave the kernel time to send again
	// (0.2 s, 0.6 s, 1.4 s, 3 s ...), or a black hole cannot be told.
	AnswerTimeout time.Duration

	// Refine narrows the bracket to Precision in a second pass.
	Refine    bool
	Precision time.Duration
	// Arms compares silence, TCP keepalive and heartbeat in the second pass.
	Arms bool

	// Heartbeat is the interval of requests on one more connection, for the time For; 0 for none.
	Heartbeat, For time.Duration

	// Packets asks for packet evidence, which takes CAP_NET_RAW.
	Packets bool
	// Slept tells for how long the machine has been suspended since boot.
	Slept func() time.Duration
	// Observe is told what happens, one event at a time; it must not wait. Nil for nobody.
	Observe func(Event)
}

// EventKind is what happened.
type EventKind string

// The events of a run.
const (
	EventPass   EventKind = "pass"   // a pass begins
	EventOpen   EventKind = "open"   // a connection is being opened
	EventIdle   EventKind = "idle"   // it is open, and its idle time begins
	EventBeat   EventKind = "beat"   // a heartbeat was answered
	EventResult EventKind = "result" // it has its verdict
)

// Pass is one of the rounds of a run.
type Pass string

// The passes of a run.
const (
	PassLadder    Pass = "ladder"
	PassRefine    Pass = "refine"
	PassArms      Pass = "arms"
	PassHeartbeat Pass = "heartbeat"
)

// Event is something that happened in a run.
type Event struct {
	At   time.Time `json:"at"`
	Kind EventKind `json:"kind"`
	Pass Pass      `json:"pass"`
	// Conn numbers the connections of a run from 1; 0 for EventPass.
	Conn int `json:"connection,omitempty"`
	Arm  Arm `json:"arm,omitempty"`
	// Idle is the connection's planned idle time, or for EventPass the longest of the pass.
	Idle time.Duration `json:"idleNanoseconds"`
	// Takes is how long an EventPass will take, as far as it can be known.
	Takes time.Duration `json:"takesNanoseconds,omitempty"`
	Beats int           `json:"beats,omitempty"`
	// Rung is the outcome of an EventResult.
	Rung *Rung `json:"rung,omitempty"`
}

// Rung is one connection with its verdict.
type Rung struct {
	Pass    Pass    `json:"pass"`
	Conn    int     `json:"connection"`
	Verdict Verdict `json:"verdict"`
	Trace   Trace   `json:"trace"`
}

// job is a connection to be made.
type job struct {
	pass  Pass
	arm   Arm
	idle  time.Duration
	every time.Duration
}

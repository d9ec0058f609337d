package probe

import (
	"net/netip"
	"time"
)

// Result is everything that a run measured.
type Result struct {
	Protocol string         `json:"protocol"` // "IMAP"
	Request  string         `json:"request"`  // "NOOP"
	Host     string         `json:"host"`
	Addr     netip.AddrPort `json:"address"`
	// TLS is the version that was spoken; empty for none.
	TLS   string        `json:"tls,omitempty"`
	Begun time.Time     `json:"begun"`
	Took  time.Duration `json:"tookNanoseconds"`

	// Rungs are the connections of the ladder, by rising idle time; Refined those of the second pass.
	Rungs   []Rung `json:"rungs"`
	Refined []Rung `json:"refined"`
	Limit   Limit  `json:"limit,omitzero"`

	// Arms are the three arms, or those that were run; ArmsSay is what they say together, empty where none were.
	Arms    []Rung  `json:"arms"`
	ArmsSay ArmsSay `json:"armsSay,omitempty"`

	// Heartbeat is the connection that was kept alive on purpose; nil where none was asked for.
	Heartbeat *Rung `json:"heartbeat,omitempty"`

	// Watched tells that the packets were watched.
	Watched bool `json:"packetsWatched,omitempty"`
	// NoPackets says why there is no packet evidence; empty where packets were watched, or nobody asked.
	NoPackets string `json:"noPackets,omitempty"`
	// Interrupted tells that the user ended the run: not all that was asked for was measured.
	Interrupted bool `json:"interrupted,omitempty"`
}

// All gives every silent connection of every pass: what Limit rests on.
func (r *Result) All() []Rung {
	var all []Rung
	for _, group := range [][]Rung{r.Rungs, r.Refined, r.Arms} {
		for _, rung := range group {
			if rung.Trace.Arm == Silent {
				all = append(all, rung)
			}
		}
	}
	return all
}

package probe

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// ArmsSay is what the three arms of an experiment say of the box that ends idle connections.
type ArmsSay string

// What arms can say. A proxy and a server's own timer look the same to them.
const (
	ArmsUnknown       ArmsSay = "unknown"
	ArmsFlowTable     ArmsSay = "flow-table"      // keepalive probes keep the connection alive
	ArmsProxyOrServer ArmsSay = "proxy-or-server" // only data does
	ArmsSessionCap    ArmsSay = "session-cap"     // nothing does
	ArmsNotReproduced ArmsSay = "not-reproduced"  // the silent one lived this time
)

// JudgeArms tells the kinds of boxes apart by what became of three connections over the same time: one silent, one with the kernel's keepalive probes,
// one with a heartbeat of the protocol. A silent one that lives says that the expiry is not there, whatever the others did.
// Anything else than alive or dead was not measured, and makes it unknown. So does a heartbeat that dies while keepalive probes live: data is more than they are.
func JudgeArms(silent, keepalive, nudged Kind) ArmsSay {
	measured := func(k Kind) bool { return k == Alive || k.Dead() }
	switch {
	case silent == Alive:
		return ArmsNotReproduced
	case !measured(silent) || !measured(keepalive) || !measured(nudged):
		return ArmsUnknown
	case keepalive == Alive && nudged == Alive:
		return ArmsFlowTable
	case nudged == Alive:
		return ArmsProxyOrServer
	case keepalive == Alive:
		return ArmsUnknown
	default:
		return ArmsSessionCap
	}
}

// Question is what was measured of an expiry, and where.
type Question struct {
	// Low is the longest idle time that was survived, 0 for none; High the shortest that was not.
	Low, High time.Duration
	// Kind is how the connection died; Unknown or "" where that is not known.
	Kind Kind
	// Arms is what the three arms said; ArmsUnknown or "" where there were none.
	Arms ArmsSay
	// Cloud is this VM's provider, as package host spells it; "" where that is not known.
	Cloud string
	// Protocol is "imap" or "http".
	Protocol string
	LoggedIn bool
	// Container tells that the connection came from a container.
	Container bool
}

// Candidate is a box that may have ended a connection. One number fits several boxes, so none of them is certain.
type Candidate struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Seconds is the box's default; 0 where it has none.
	Seconds int `json:"seconds,omitempty"`
	// Why gives the reasons for it and against it, in plain words.
	Why []string `json:"why"`

	rank int
}

// mostCandidates is how many are worth reading.
const mostCandidates = 5

// Candidates gives the boxes that may have ended the connections, best first, at most five. None is a good answer: the box is one that the table does not know, or
// was set to another time. A box is left out
//   - whose time is not in the bracket, give or take 2 s or 1 %; one that was set to another time than its default is named only on its own cloud;
//   - which is not met by that protocol, before or after the login, or by a client at all;
//   - which cannot do what was seen: a flow table takes no leave, and nothing but a flow table is silent;
//   - which the arms exclude: keepalive probes help against flow tables alone, nothing helps against a session cap alone;
//   - of which too much of the rest speaks against it. Where the expiry was not seen again there is none: a table's timers are constant.
func (t Timeouts) Candidates(q Question) []Candidate {
	if q.Low < 0 || q.High <= q.Low || q.Arms == ArmsNotReproduced || !askable(q.Kind) {
		return nil
	}
	var found []Candidate
	for _, entry := range t.For(q.Protocol, q.LoggedIn) {
		if c, ok := entry.candidate(q); ok {
			found = append(found, c)
		}
	}
	sort.SliceStable(found, func(i, j int) bool { return found[i].rank > found[j].rank })
	return found[:min(len(found), mostCandidates)]
}

// askable tells the kinds that a question can be asked of.
func askable(k Kind) bool { return k == "" || k == Unknown || k.Dead() }

// judgement is what one rule says of a box: what it adds to its rank, and why, or that the box is out.
type judgement struct {
	rank int
	why  string
	out  bool
}

func (t Timeout) candidate(q Question) (Candidate, bool) {
	c := Candidate{ID: t.ID, Name: t.Name, Seconds: t.Seconds}
	for _, rule := range []func(Timeout, Question) judgement{byTime, byKind, byArms, byCloud, byContainer} {
		j := rule(t, q)
		if j.out {
			return Candidate{}, false
		}
		c.rank += j.rank
		if j.why != "" {
			c.Why = append(c.Why, j.why)
		}
	}
	if t.Needs != "" {
		c.Why = append(c.Why, "needs "+t.Needs)
	}
	return c, c.rank > 0
}

// byTime holds the box's time against the bracket.
func byTime(t Timeout, q Question) judgement {
	low, high := time.Duration(t.MinSeconds)*time.Second, time.Duration(t.MaxSeconds)*time.Second
	inRange := t.MinSeconds > 0 && low <= q.High+tolerance(q.High) && (high == 0 || high >= q.Low-tolerance(high))
	d := t.Default()
	switch {
	case d > 0 && d >= q.Low-tolerance(d) && d <= q.High+tolerance(d):
		if d < q.Low || d > q.High {
			return judgement{rank: 95, why: inSeconds(d) + " is near the limit that was found, and timers are coarse"}
		}
		return judgement{rank: 100, why: inSeconds(d) + " fits the limit that was found"}
	case d == 0 && inRange:
		return judgement{rank: 60, why: "it is set to " + t.span() + " as a rule, which fits the limit that was found"}
	case inRange && t.Where != "" && t.Where == q.Cloud:
		return judgement{rank: 40, why: inSeconds(d) + " by default, but it can be set to " + t.span() + ", which fits the limit that was found"}
	}
	return judgement{out: true}
}

// tolerance is how far a timer may be from its nominal time.
func tolerance(d time.Duration) time.Duration { return max(2*time.Second, d/100) }

// inSeconds spells a time as tables do: "600 s".
func inSeconds(d time.Duration) string {
	return strconv.FormatFloat(d.Round(100*time.Millisecond).Seconds(), 'f', -1, 64) + " s"
}

// span spells the range that the box can be set to.
func (t Timeout) span() string {
	if t.MaxSeconds == 0 {
		return fmt.Sprintf("%d s or more", t.MinSeconds)
	}
	return fmt.Sprintf("%d to %d s", t.MinSeconds, t.MaxSeconds)
}

// byKind holds what was seen against how the box ends connections.
func byKind(t Timeout, q Question) judgement {
	switch {
	case !q.Kind.Dead():
		return judgement{}
	case slices.Contains(t.Ends, q.Kind):
		return judgement{rank: 20, why: "it ends connections with " + ending(q.Kind) + ", as was seen"}
	case q.Kind == Bye, q.Kind == Closed && t.Box == BoxFlowTable, q.Kind == BlackHole && t.Box != BoxFlowTable:
		return judgement{out: true}
	}
	usual := make([]string, len(t.Ends))
	for i, kind := range t.Ends {
		usual[i] = ending(kind)
	}
	return judgement{rank: -40, why: "against it: it ends connections with " + strings.Join(usual, " or ") + ", not with " + ending(q.Kind)}
}

// ending spells how a connection ends.
func ending(k Kind) string {
	switch k {
	case ResetAtExpiry:
		return "an RST at the expiry"
	case ResetOnUse:
		return "an RST on the next use"
	case Closed:
		return "a close"
	case Bye:
		return "a farewell"
	case BlackHole:
		return "silence"
	default:
		return string(k)
	}
}

// byArms holds the kind of box against what the arms said.
func byArms(t Timeout, q Question) judgement {
	switch {
	case q.Arms == ArmsFlowTable && t.Box == BoxFlowTable:
		return judgement{rank: 30, why: "a flow table, as the arms say"}
	case q.Arms == ArmsProxyOrServer && (t.Box == BoxProxy || t.Box == BoxServer):
		return judgement{rank: 30, why: "a " + string(t.Box) + ", as the arms say"}
	case q.Arms == ArmsSessionCap && t.Box == BoxSession:
		return judgement{rank: 30, why: "a cap on the session's age, as the arms say"}
	case q.Arms == ArmsProxyOrServer && t.Box == BoxFlowTable:
		return judgement{rank: -50, why: "against it: keepalive probes did not help, as they do with nearly all flow tables"}
	case q.Arms == ArmsFlowTable, q.Arms == ArmsProxyOrServer, q.Arms == ArmsSessionCap:
		return judgement{out: true}
	case t.Box == BoxSession:
		return judgement{rank: -20, why: "it counts the session's age, not the idle time"}
	}
	return judgement{}
}

// byCloud holds the place of the box against this VM's.
func byCloud(t Timeout, q Question) judgement {
	switch {
	case t.Where == "", t.Where == cloudflare, q.Cloud == "":
		return judgement{}
	case t.Where == q.Cloud:
		return judgement{rank: 25, why: "this VM runs on " + provider(q.Cloud)}
	}
	return judgement{rank: -30, why: "against it: this VM does not run on " + provider(t.Where) + ", so it would have to be at the far end"}
}

// cloudflare has boxes, but no VMs.
const cloudflare = "cloudflare"

// provider spells a provider's name.
func provider(where string) string {
	names := map[string]string{"google": "Google Cloud", "amazon": "AWS", "azure": "Azure", "oracle": "Oracle Cloud"}
	return cmp.Or(names[where], where)
}

// byContainer holds boxes that only containers meet against where the connection came from.
func byContainer(t Timeout, q Question) judgement {
	switch {
	case !t.Container:
		return judgement{}
	case q.Container:
		return judgement{rank: 10, why: "the connection came from a container"}
	}
	return judgement{rank: -30, why: "against it: the connection did not come from a container, so it would have to be at the far end"}
}

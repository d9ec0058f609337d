package report

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/fatih/color"

	"vmguard/pkg/human"
	"vmguard/pkg/probe"
)

// Probe is the result of vmguard probe, and the data of a ProbeReport document
// (docs/schema/probe-report.schema.json).
type Probe struct {
	Version string `json:"vmguardVersion"`
	*probe.Result
	// Lab names the scenario of the built-in lab that was probed; empty for a real server.
	Lab string `json:"lab,omitempty"`
	// LoggedIn tells that the connections were logged in; nil where the protocol has no login.
	LoggedIn *bool `json:"loggedIn,omitempty"`
	// Container names the container from whose network namespace the connections were opened.
	Container string `json:"container,omitempty"`
	// Cloud is the provider that this VM runs at, empty where that is not known; CloudName is for a reader.
	Cloud     string `json:"cloud,omitempty"`
	CloudName string `json:"cloudName,omitempty"`

	Candidates []probe.Candidate `json:"candidates"`
	// Interval is the heartbeat that is recommended; 0 where a heartbeat does not help.
	Interval time.Duration   `json:"recommendedIntervalNanoseconds,omitempty"`
	Settings []probe.Setting `json:"settings"`

	Expectations []Expectation `json:"expectations"`
	Notes        []string      `json:"notes"`
}

// Expectation is what the user wanted to be so.
type Expectation struct {
	// Alive tells which way: that a connection survives Idle, or that it does not.
	Alive bool          `json:"alive"`
	Idle  time.Duration `json:"idleNanoseconds"`
	// Met is nil where it could not be measured.
	Met *bool  `json:"met"`
	Why string `json:"why"`
}

// ProbeJSON writes the result as a ProbeReport document.
func ProbeJSON(w io.Writer, p Probe) error { return JSON(w, "ProbeReport", withLists(p)) }

// ProbeLine writes the result as the last line of a stream of events.
func ProbeLine(w io.Writer, p Probe) error { return JSONLine(w, "ProbeReport", withLists(p)) }

// ProbeEvent writes an event as one line of a stream.
func ProbeEvent(w io.Writer, e probe.Event) error { return JSONLine(w, "ProbeEvent", e) }

// withLists makes empty lists of those that are missing.
func withLists(p Probe) Probe {
	result := *p.Result
	result.Rungs, result.Refined, result.Arms = orEmpty(result.Rungs), orEmpty(result.Refined), orEmpty(result.Arms)
	p.Result = &result
	p.Candidates, p.Settings = orEmpty(p.Candidates), orEmpty(p.Settings)
	p.Expectations, p.Notes = orEmpty(p.Expectations), orEmpty(p.Notes)
	return p
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// ProbeText writes the result for a person: what was probed, the ladder as a chart, and what follows
// from it. With detail, each connection shows its evidence.
func ProbeText(w io.Writer, p Probe, style Style, detail bool) error {
	b := probePage{Probe: p, style: style, detail: detail}
	b.line("", headOf(p))
	if len(p.Rungs) > 0 {
		b.WriteByte('\n')
		b.chart()
		b.WriteByte('\n')
		b.limit()
		b.who()
	}
	b.arms()
	b.heartbeat()
	b.candidates()
	b.fix()
	b.expectations()
	for _, note := range p.Notes {
		b.line("note: ", note)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// probePage is the report of a probe in the making.
type probePage struct {
	Probe
	strings.Builder
	style  Style
	detail bool
}

// line writes a paragraph after its bold label.
func (b *probePage) line(label, text string) {
	indent := max(len(label), 2)
	b.WriteString(b.style.paint(label, color.Bold) + wrap(b.style.command(text), b.style.Width-indent, strings.Repeat(" ", indent)) + "\n")
}

// headOf says what was probed, and how.
func headOf(p Probe) string {
	parts := []string{fmt.Sprintf("%s (%s)", p.Host, p.Addr)}
	if strings.HasPrefix(p.Addr.String(), p.Host) || p.Host == "" {
		parts[0] = p.Addr.String()
	}
	if p.Container != "" {
		parts = append(parts, "from inside the container "+p.Container)
	}
	parts = append(parts, cmp.Or(p.TLS, "no TLS"))
	if p.LoggedIn != nil {
		parts = append(parts, map[bool]string{true: "logged in", false: "not logged in"}[*p.LoggedIn])
	}
	if off := keepaliveOff(p.All()); off != "" {
		parts = append(parts, off)
	}
	if len(p.Rungs) > 0 {
		parts = append(parts, p.Request+" after each idle time")
	}
	return strings.Join(parts, ", ")
}

// keepaliveOff says what the sockets themselves said of TCP keepalive.
func keepaliveOff(rungs []probe.Rung) string {
	asked := 0
	for _, r := range rungs {
		switch off := r.Trace.KeepaliveOff; {
		case off == nil:
		case *off:
			asked++
		default:
			return "TCP keepalive on, which hides idle limits"
		}
	}
	if asked == 0 {
		return ""
	}
	return "TCP keepalive off"
}

// limit says how long a connection may be idle.
func (b *probePage) limit() {
	l := b.Limit
	switch l.State {
	case probe.LimitFound:
		text := fmt.Sprintf("between %s and %s idle", floor(l.Low), ceil(l.High))
		if l.Low <= 0 {
			text = "within " + ceil(l.High) + " idle"
		}
		b.line("dies ", text+": "+kindWords(l.Kind, b.Request))
	case probe.LimitNone:
		b.line("lives: ", "no idle limit up to "+floor(l.Longest)+"; a longer one may be there")
	case probe.LimitUnclear:
		b.line("unclear: ", l.Why)
	default:
		b.line("not measured: ", l.Why)
	}
}

// kindWords says how a connection dies, in words for those who do not know TCP's.
func kindWords(k probe.Kind, request string) string {
	switch k {
	case probe.ResetAtExpiry:
		return "a reset comes while it is idle (ECONNRESET)"
	case probe.ResetOnUse:
		return "silently; the next " + request + " is answered with a reset (ECONNRESET)"
	case probe.Closed:
		return "the other side closes it (FIN), which a program reads as the end of the stream"
	case probe.Bye:
		return "the server takes leave in words, and closes it"
	case probe.BlackHole:
		return "silently; what is sent vanishes, and a program without a time limit of its own waits for about 15 minutes"
	}
	return string(k)
}

// who says which box sent the reset, as far as packets tell.
func (b *probePage) who() {
	resets := 0
	for _, r := range b.All() {
		if e := r.Trace.Reset; e != nil {
			b.line("who: ", fmt.Sprintf("%s (%s)", e.Words, e.Why))
			return
		}
		if r.Verdict.Kind == probe.ResetOnUse || r.Verdict.Kind == probe.ResetAtExpiry {
			resets++
		}
	}
	switch {
	case resets == 0:
	case b.NoPackets != "":
		b.line("who: ", "the packets were not watched ("+b.NoPackets+"); root's rights (CAP_NET_RAW) would add which machine sent the reset")
	}
}

// arms compares what kept a connection alive.
func (b *probePage) arms() {
	if len(b.Arms) == 0 {
		return
	}
	var parts []string
	for _, a := range []probe.Arm{probe.Silent, probe.Keepalive, probe.Nudged} {
		for _, r := range b.Arms {
			if r.Trace.Arm == a {
				parts = append(parts, strings.ReplaceAll(armName(r, b.Request), " ", noBreak)+noBreak+b.mark(r.Verdict.Kind))
			}
		}
	}
	label := "arms at " + about(b.Arms[0].Trace.Idle) + ": "
	b.WriteString(b.style.paint(label, color.Bold) + wrap(strings.Join(parts, ", "), b.style.Width-len(label), "  ") + "\n")
	b.line("  -> ", armsWords(b.ArmsSay, b.Request))
}

func armName(r probe.Rung, request string) string {
	switch r.Trace.Arm {
	case probe.Keepalive:
		return "TCP keepalive every " + about(r.Trace.Every)
	case probe.Nudged:
		return request + " every " + about(r.Trace.Every)
	}
	return "silent"
}

// heartbeat says what became of the connection that was kept alive on purpose.
func (b *probePage) heartbeat() {
	if b.Heartbeat == nil {
		return
	}
	t := b.Heartbeat.Trace
	text := fmt.Sprintf("a %s every %s for %s: ", b.Request, about(t.Every), about(t.Idle))
	if b.Heartbeat.Verdict.Kind == probe.Alive {
		text += fmt.Sprintf("survived, %d answered, at most %s late", t.Beats, about(t.Drift))
	} else {
		text += fmt.Sprintf("%s: %s; %d were answered before", b.Heartbeat.Verdict.Kind, b.Heartbeat.Verdict.Why, t.Beats)
	}
	b.line("heartbeat: ", text)
}

// candidates lists the boxes that are known for such a limit.
func (b *probePage) candidates() {
	for i, c := range b.Candidates {
		label := "candidates: "
		if i > 0 {
			label = strings.Repeat(" ", len(label))
		}
		b.line(label, fmt.Sprintf("%d. %s: %s", i+1, c.Name, strings.Join(c.Why, "; ")))
	}
	if len(b.Candidates) == 0 && b.Limit.State == probe.LimitFound && b.Lab == "" {
		b.line("candidates: ", "no box that vmguard knows has this limit by default (docs/timeouts.md); --timeouts adds your own")
	}
}

// fix says what keeps a connection alive.
func (b *probePage) fix() {
	if b.Interval > 0 && len(b.Rungs) > 0 {
		b.line("fix: ", fixWords(b.Probe))
	}
	for _, s := range b.Settings {
		if b.Interval > 0 {
			b.line("  "+s.Client+": ", s.Text)
		}
	}
}

// fixWords says in one sentence what to do.
func fixWords(p Probe) string {
	if p.Protocol == "HTTP" {
		if p.Limit.State != probe.LimitFound {
			return "nothing is needed up to the idle time that was measured"
		}
		return fmt.Sprintf("let the client reuse a connection for less than %s after its last request; and where this is your own server or proxy, "+
			"its keep-alive should exceed the idle time of what stands before it (a load balancer's 600 s: 620 s), now it is about %s", floor(p.Limit.Low), about(p.Limit.High))
	}
	return fmt.Sprintf("send a %s every %s while the connection is idle", p.Request, human.Duration(p.Interval))
}

// expectations says of each whether it was met.
func (b *probePage) expectations() {
	for _, e := range b.Expectations {
		what := "dead"
		if e.Alive {
			what = "alive"
		}
		m := mark{"?", "??  ", color.FgMagenta}
		if e.Met != nil && *e.Met {
			m = mark{"✓", "ok  ", color.FgGreen}
		} else if e.Met != nil {
			m = mark{"✗", "FAIL", color.FgRed}
		}
		b.WriteString(b.style.mark(m) + " " + wrap(fmt.Sprintf("expected %s after %s: %s", what, about(e.Idle), b.style.clean(e.Why)), b.style.Width-4, "    ") + "\n")
	}
}

// about spells a time as a reader wants it: tenths below ten seconds, then whole seconds.
func about(d time.Duration) string { return spelled(d, math.Round) }

// floor and ceil spell the ends of a bracket so that rounding never makes it narrower.
func floor(d time.Duration) string { return spelled(d, math.Floor) }
func ceil(d time.Duration) string  { return spelled(d, math.Ceil) }

func spelled(d time.Duration, round func(float64) float64) string {
	const tenths, milliseconds = 10, 1000
	s := max(d.Seconds(), 0)
	switch {
	case s == 0:
		return "0 s"
	case s < 1:
		return fmt.Sprintf("%.0f ms", round(s*milliseconds))
	case s < 10 && s*tenths != math.Trunc(s)*tenths:
		return fmt.Sprintf("%.1f s", round(s*tenths)/tenths)
	}
	return fmt.Sprintf("%.0f s", round(s))
}

// sortedRungs gives the silent rungs of all passes by their idle time.
func sortedRungs(p Probe) []probe.Rung {
	rungs := p.All()
	slices.SortStableFunc(rungs, func(a, b probe.Rung) int { return cmp.Compare(a.Trace.Idle, b.Trace.Idle) })
	return rungs
}

// armsWords says what the arms say together.
func armsWords(a probe.ArmsSay, request string) string {
	switch a {
	case probe.ArmsFlowTable:
		return "a flow table (NAT, firewall, load balancer of layer 4), not a proxy: TCP keepalive helps as well"
	case probe.ArmsProxyOrServer:
		return "a proxy or the server itself: only a " + request + " helps, TCP keepalive does not"
	case probe.ArmsSessionCap:
		return "a cap on the session's age: nothing keeps it alive, so reconnect in time"
	case probe.ArmsNotReproduced:
		return "the silent connection lived this time: the limit did not show again"
	}
	return "cannot tell"
}

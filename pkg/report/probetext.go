package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/fatih/color"

	"vmguard/pkg/human"
	"vmguard/pkg/packet"
	"vmguard/pkg/probe"
)

// ProbeText writes the result for a person: what was probed, the ladder as a chart, and what follows
// from it. With detail, each connection shows its evidence.
func ProbeText(w io.Writer, p Probe, style Style, detail bool) error {
	// A URL's path is the user's, and as long as he likes.
	result := *p.Result
	result.Request = style.name(result.Request)
	p.Result = &result
	b := probePage{Probe: p, style: style, detail: detail}
	b.line("", b.head())
	if len(p.Rungs) > 0 {
		b.WriteByte('\n')
		b.chart()
		b.WriteByte('\n')
		b.limit()
		b.unmeasured()
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

// longLabel is the length from which on a label's text is not aligned to it, in columns.
const longLabel = 16

// line writes a paragraph after its bold label.
func (b *probePage) line(label, text string) {
	text = together(b.style.command(text))
	indent := max(len(label), 2)
	if indent < longLabel {
		text = wrap(text, b.style.Width-indent, strings.Repeat(" ", indent))
	} else {
		indent = 6
		label = strings.TrimRight(label, " ")
		text = wrap(strings.ReplaceAll(label, " ", noBreak)+" "+text, b.style.Width-indent, strings.Repeat(" ", indent))
		text = strings.TrimPrefix(text, label)
	}
	if strings.TrimSpace(label) != "" {
		label = b.style.paint(label, color.Bold)
	}
	b.WriteString(label + text + "\n")
}

// head says what was probed, and how.
func (b *probePage) head() string {
	parts := []string{b.Addr.String()}
	if b.Host != "" && b.Host != b.Addr.Addr().String() {
		parts[0] = fmt.Sprintf("%s (%s)", b.style.clean(b.Host), b.Addr)
	}
	if b.Container != "" {
		parts = append(parts, "from inside the container "+b.style.name(b.Container))
	}
	parts = append(parts, cmp.Or(b.TLS, "no TLS"))
	if b.LoggedIn != nil {
		parts = append(parts, map[bool]string{true: "logged in", false: "not logged in"}[*b.LoggedIn])
	}
	rungs := b.All()
	if b.Heartbeat != nil {
		rungs = append(rungs, *b.Heartbeat)
	}
	if off := keepaliveOff(rungs); off != "" {
		parts = append(parts, off)
	}
	if len(b.Rungs) > 0 {
		parts = append(parts, b.Request+" after each idle time")
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
		low, high := floor(l.Low), ceil(l.High)
		text := fmt.Sprintf("between %s and %s idle", low, high)
		if l.Low <= 0 {
			text = "within " + high + " idle"
		}
		b.line("dies ", text+": "+kindWords(l.Kind, b.Request))
	case probe.LimitNone:
		text := "no idle limit up to " + floor(l.Longest)
		if l.Beyond > 0 {
			text += "; " + b.style.clean(l.Why)
		} else {
			text += "; a longer one may be there"
		}
		b.line("lives: ", text)
	case probe.LimitUnclear:
		b.line("unclear: ", b.style.clean(l.Why))
	default:
		b.line("not measured: ", b.style.clean(l.Why))
	}
}

// unmeasured counts the connections on which the limit does not rest.
func (b *probePage) unmeasured() {
	missing, all := 0, b.All()
	for _, r := range all {
		if r.Verdict.Kind != probe.Alive && !r.Verdict.Kind.Dead() {
			missing++
		}
	}
	if missing > 0 && missing < len(all) {
		b.line("not measured: ", fmt.Sprintf("%d of %s; the chart says why", missing, human.Count(len(all), "connection")))
	}
}

// who says which box sent the reset, as far as packets tell.
func (b *probePage) who() {
	var found *probe.Trace
	resets := 0
	for _, r := range b.All() {
		if !r.Verdict.Kind.Dead() {
			continue
		}
		if r.Verdict.Kind == probe.ResetOnUse || r.Verdict.Kind == probe.ResetAtExpiry {
			resets++
		}
		switch e := r.Trace.Reset; {
		case e == nil:
		case found == nil || found.Reset.Origin == packet.CannotTell:
			found = &r.Trace
		case e.Origin != packet.CannotTell && e.Origin != found.Reset.Origin:
			b.line("who: ", fmt.Sprintf("the resets do not agree: %s (%s), and %s (%s)", found.Reset.Words, found.Reset.Why, e.Words, e.Why))
			return
		}
	}
	switch {
	case found != nil:
		b.line("who: ", fmt.Sprintf("%s (%s)", found.Reset.Words, found.Reset.Why))
	case resets > 0 && b.NoPackets != "":
		b.line("who: ", "the packets were not watched ("+b.style.clean(b.NoPackets)+"), so which machine sent the reset is not known; "+
			"that takes Linux and root's rights (CAP_NET_RAW)")
	case resets > 0 && b.Watched:
		b.line("who: ", "cannot tell: no reset was seen among the packets from the server's address")
	}
}

// arms compares what kept a connection alive.
func (b *probePage) arms() {
	if len(b.Arms) == 0 {
		return
	}
	// Colours have no width: until the text is wrapped, a mark is one character, and one that no clean text has.
	const place = "\x00"
	var parts, marks []string
	for _, a := range []probe.Arm{probe.Silent, probe.Keepalive, probe.Nudged} {
		for _, r := range b.Arms {
			if r.Trace.Arm == a {
				parts = append(parts, strings.ReplaceAll(armName(r, b.Request), " ", noBreak)+noBreak+place)
				marks = append(marks, b.mark(r.Verdict.Kind))
			}
		}
	}
	label := "arms at " + about(b.Arms[0].Trace.Idle) + ": "
	text := wrap(strings.Join(parts, ", "), b.style.Width-len(label), "  ")
	for _, m := range marks {
		text = strings.Replace(text, place, m, 1)
	}
	b.WriteString(b.style.paint(label, color.Bold) + text + "\n")
	b.line("  -> ", b.style.clean(armsWords(b.ArmsSay, b.Arms, b.Request)))
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
		text += fmt.Sprintf("%s: %s; %d answered before", b.Heartbeat.Verdict.Kind, b.style.clean(b.Heartbeat.Verdict.Why), t.Beats)
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
		b.line(label, fmt.Sprintf("%d. %s: %s", i+1, b.style.clean(c.Name), strings.Join(c.Why, "; ")))
	}
	if len(b.Candidates) == 0 && b.Limit.State == probe.LimitFound && b.Lab == "" {
		b.line("candidates: ", "no box that vmguard knows has this limit by default (docs/timeouts.md); --timeouts adds your own")
	}
}

// fix says what keeps a connection alive.
func (b *probePage) fix() {
	found := b.Limit.State == probe.LimitFound
	switch {
	case b.Interval <= 0 || len(b.Rungs) == 0:
		return
	case b.Protocol == "HTTP" && !found:
		return // a connection that lives needs no shorter life
	case b.Protocol == "HTTP":
		b.line("fix: ", fmt.Sprintf("let the client reuse a connection for less than %s after its last request; and where this is your own server or proxy, "+
			"its keep-alive should exceed the idle time of what stands before it (a load balancer's 600 s: 620 s), now it is about %s", floor(b.Limit.Low), about(b.Limit.High)))
	case b.Lab != "" && !found:
		return
	default:
		label := "fix: "
		if !found {
			label = "to be safe: "
		}
		b.line(label, fmt.Sprintf("send a %s every %s while the connection is idle", b.Request, human.Duration(b.Interval)))
	}
	for _, s := range b.Settings {
		b.line("  "+s.Client+": ", s.Text)
	}
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
		indent := len(m.ascii) + 1
		if b.style.Wide {
			indent = 2
		}
		text := together(fmt.Sprintf("expected %s after %s: %s", what, about(e.Idle), b.style.clean(e.Why)))
		b.WriteString(b.style.mark(m) + " " + wrap(text, b.style.Width-indent, strings.Repeat(" ", indent)) + "\n")
	}
}

package report

import (
	"fmt"
	"sort"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fatih/color"

	"vmguard/pkg/probe"
)

// The chart's measures, in columns and rows.
const (
	labelColumns = 9
	barShare     = 5 // the longest line takes a fifth of the width
	barLeast     = 8
	barMost      = 24
	textLeast    = 16
	chartRows    = 40
	alikeRows    = 6 // of a run of rows that say the same, in a chart that is too long
)

// chart draws the ladder: a line for each connection, as long as it was idle, with what became of it at its end.
func (b *probePage) chart() {
	rungs := sortedRungs(b.Probe)
	longest := rungs[len(rungs)-1].Trace.Idle
	fmt.Fprintf(b, "%*s  %s alive   %s dead   %s not measured\n", labelColumns, "idle",
		b.mark(probe.Alive), b.mark(probe.Closed), b.mark(probe.Unknown))
	for i := 0; i < len(rungs); i++ {
		if n := alike(rungs[i:]); len(rungs) > chartRows && n > alikeRows && !b.detail {
			const half = alikeRows / 2
			for _, r := range rungs[i : i+half] {
				b.row(r, longest)
			}
			fmt.Fprintf(b, "%*s  %d more of the same, from %s to %s\n", labelColumns, "...", n-alikeRows,
				about(rungs[i+half].Trace.Idle), about(rungs[i+n-half-1].Trace.Idle))
			i += n - half
		}
		b.row(rungs[i], longest)
	}
}

// sortedRungs gives the silent rungs of all passes by their idle time.
func sortedRungs(p Probe) []probe.Rung {
	rungs := p.All()
	sort.SliceStable(rungs, func(i, j int) bool { return rungs[i].Trace.Idle < rungs[j].Trace.Idle })
	return rungs
}

// alike counts the rungs at the beginning that have the same verdict.
func alike(rungs []probe.Rung) int {
	n := 0
	for n < len(rungs) && rungs[n].Verdict.Kind == rungs[0].Verdict.Kind {
		n++
	}
	return n
}

// row draws one connection. The line of one that ended unasked ends where it did.
func (b *probePage) row(r probe.Rung, longest time.Duration) {
	t := r.Trace
	reached := min(t.Quiet, t.Idle)
	if t.Phase == probe.PhaseNudge || t.Phase == probe.PhaseDone {
		reached = t.Idle
	}
	bar := min(max(b.style.Width/barShare, barLeast), barMost)
	columns := 0
	if longest > 0 {
		columns = int(float64(bar) * float64(max(reached, 0)) / float64(longest))
	}
	dash := "-"
	if b.style.Wide {
		dash = "─"
	}
	lead := fmt.Sprintf("%*s  ", labelColumns, about(t.Idle))
	b.WriteString(lead + b.style.paint(strings.Repeat(dash, columns), color.Faint) + b.mark(r.Verdict.Kind))
	if text := b.rowText(r); text != "" {
		indent := utf8.RuneCountInString(lead) + bar + 3
		b.WriteString(strings.Repeat(" ", bar-columns+2) + wrap(together(text), max(b.style.Width-indent, textLeast), strings.Repeat(" ", indent)))
	}
	b.WriteByte('\n')
}

// rowText is what stands beside a line: of one that lived only where details are wanted.
func (b *probePage) rowText(r probe.Rung) string {
	t := r.Trace
	var parts []string
	if r.Verdict.Kind != probe.Alive || b.detail {
		parts = append(parts, string(r.Verdict.Kind)+": "+b.style.clean(r.Verdict.Why))
	}
	if !b.detail {
		return strings.Join(parts, "; ")
	}
	if t.Local.IsValid() {
		parts = append(parts, fmt.Sprintf("from port %d", t.Local.Port()))
	}
	if tcp := t.TCP; tcp != nil {
		parts = append(parts, fmt.Sprintf("TCP %s, round trip %s, unacknowledged %d, sent again %d", tcp.State, roundTrip(tcp.RTT), tcp.Unacked, tcp.TotalRetrans))
	}
	if e := t.Reset; e != nil {
		parts = append(parts, "the reset: "+b.style.clean(e.Words+" ("+e.Why+")"))
	}
	if t.Control != probe.ControlNone {
		parts = append(parts, "a fresh connection right after: "+string(t.Control))
	}
	return strings.Join(parts, "; ")
}

// mark is a verdict's symbol.
func (b *probePage) mark(k probe.Kind) string {
	switch {
	case k == probe.Alive:
		return b.symbol("●", "o", color.FgGreen)
	case k.Dead():
		return b.symbol("✗", "x", color.FgRed)
	}
	return b.symbol("?", "?", color.FgYellow)
}

func (b *probePage) symbol(wide, ascii string, c color.Attribute) string {
	if b.style.Wide {
		return b.style.paint(wide, c)
	}
	return b.style.paint(ascii, c)
}

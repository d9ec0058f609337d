package report

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fatih/color"

	"vmguard/pkg/probe"
)

// The chart's measures, in columns and rows.
const (
	labelColumns = 9
	barColumns   = 30
	chartRows    = 40
	alikeRows    = 6 // of a run of rows that say the same, in a chart that is too long
)

// chart draws the ladder: a line for each connection, as long as it was idle, with what became of it at its end.
func (b *probePage) chart() {
	rungs := sortedRungs(b.Probe)
	longest := rungs[len(rungs)-1].Trace.Idle
	b.WriteString(fmt.Sprintf("%*s  %s alive   %s dead   %s not measured\n", labelColumns, "idle",
		b.mark(probe.Alive), b.mark(probe.Closed), b.mark(probe.Unknown)))
	for i := 0; i < len(rungs); i++ {
		if n := alike(rungs[i:]); len(rungs) > chartRows && n > alikeRows {
			for _, r := range rungs[i : i+alikeRows/2] {
				b.row(r, longest)
			}
			b.WriteString(fmt.Sprintf("%*s  %d more of the same\n", labelColumns, "", n-alikeRows))
			i += n - alikeRows/2
		}
		b.row(rungs[i], longest)
	}
}

// alike counts the rungs at the beginning that have the same verdict.
func alike(rungs []probe.Rung) int {
	n := 0
	for n < len(rungs) && rungs[n].Verdict.Kind == rungs[0].Verdict.Kind {
		n++
	}
	return n
}

// row draws one connection. The line of one that died unasked ends where it died.
func (b *probePage) row(r probe.Rung, longest time.Duration) {
	t := r.Trace
	reached := t.Idle
	if t.Phase == probe.PhaseIdle || r.Verdict.Kind == probe.Unknown {
		reached = min(t.Quiet, t.Idle)
	}
	columns := 0
	if longest > 0 {
		columns = int(int64(barColumns) * int64(reached/time.Millisecond) / max(int64(longest/time.Millisecond), 1))
	}
	dash := "-"
	if b.style.Wide {
		dash = "─"
	}
	bar := strings.Repeat(dash, columns)
	rest := strings.Repeat(" ", barColumns-columns)
	lead := fmt.Sprintf("%*s  ", labelColumns, about(t.Idle))
	b.WriteString(lead + b.style.paint(bar, color.Faint) + b.mark(r.Verdict.Kind) + rest)
	if text := b.rowText(r); text != "" {
		indent := utf8.RuneCountInString(lead) + barColumns + 3
		b.WriteString("  " + wrap(b.style.clean(text), max(b.style.Width-indent, 24), strings.Repeat(" ", indent)))
	}
	b.trimRight()
	b.WriteByte('\n')
}

// trimRight takes away the blanks at the end of what was written.
func (b *probePage) trimRight() {
	text := strings.TrimRight(b.String(), " ")
	b.Reset()
	b.WriteString(text)
}

// rowText is what stands beside a line: of one that lived only where details are wanted.
func (b *probePage) rowText(r probe.Rung) string {
	t := r.Trace
	var parts []string
	if r.Verdict.Kind != probe.Alive || b.detail {
		parts = append(parts, string(r.Verdict.Kind)+": "+r.Verdict.Why)
	}
	if !b.detail {
		return strings.Join(parts, "; ")
	}
	if t.Local.IsValid() {
		parts = append(parts, fmt.Sprintf("from port %d", t.Local.Port()))
	}
	if tcp := t.TCP; tcp != nil {
		parts = append(parts, fmt.Sprintf("TCP %s, round trip %s, unacknowledged %d, sent again %d", tcp.State, about(tcp.RTT), tcp.Unacked, tcp.TotalRetrans))
	}
	if e := t.Reset; e != nil {
		parts = append(parts, "the reset: "+e.Words+" ("+e.Why+")")
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

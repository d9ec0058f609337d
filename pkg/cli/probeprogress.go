package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"vmguard/pkg/human"
	"vmguard/pkg/probe"
	"vmguard/pkg/report"
)

// probeProgress tells on stderr how a probe stands: on a terminal as a block of lines that is written over,
// one for each connection; else in a line now and then. With jsonl it writes each event on stdout as well.
type probeProgress struct {
	app      *App
	terminal bool
	stream   *eventStream // nil where no events are asked for
	wide     bool

	stopped chan struct{}
	done    sync.WaitGroup

	mu     sync.Mutex
	active map[int]*activeConn
	ends   time.Time // of the pass
	pass   probe.Pass
	// verdicts counts the connections of the pass that have one, lived and died those of two kinds.
	verdicts, lived, died int
	begun                 bool // a connection was open; before that, what goes wrong is the run's error
	shown                 int  // lines on the terminal
}

// activeConn is a connection that has no verdict yet.
type activeConn struct {
	event probe.Event // the last one
	idle  time.Time   // when its idle time began
}

const (
	redrawEvery = 500 * time.Millisecond
	tellEvery   = time.Minute
	mostLines   = 12
)

func newProbeProgress(app *App, stream bool) *probeProgress {
	_, terminal := terminalWidth(app.Stderr)
	p := &probeProgress{
		app: app, terminal: terminal && app.Getenv("TERM") != "dumb", wide: app.wide(),
		stopped: make(chan struct{}), active: map[int]*activeConn{},
	}
	if stream {
		p.stream = newEventStream(app.Stdout)
	}
	return p
}

// start begins to redraw, or to tell now and then.
func (p *probeProgress) start() {
	every := tellEvery
	if p.terminal {
		every = redrawEvery
	}
	p.done.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				p.mu.Lock()
				p.draw()
				p.mu.Unlock()
			case <-p.stopped:
				return
			}
		}
	})
}

// stop ends it, and leaves nothing on the terminal. It errs where the events could not all be written.
func (p *probeProgress) stop(ctx context.Context) error {
	close(p.stopped)
	p.done.Wait()
	p.mu.Lock()
	p.clear()
	p.mu.Unlock()
	if p.stream == nil {
		return nil
	}
	return p.stream.end(ctx)
}

// observe takes an event of the engine, which gives one at a time.
func (p *probeProgress) observe(e probe.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stream != nil {
		p.stream.event(e)
	}
	switch e.Kind {
	case probe.EventPass:
		if e.Pass != probe.PassHeartbeat {
			p.pass, p.ends = e.Pass, e.At.Add(max(e.Idle, e.Takes))
			p.verdicts, p.lived, p.died = 0, 0, 0
		}
		if !p.terminal && p.stream == nil {
			p.say(passLine(e))
		}
	case probe.EventOpen:
		p.active[e.Conn] = &activeConn{event: e}
	case probe.EventIdle, probe.EventBeat:
		c := cmp.Or(p.active[e.Conn], &activeConn{})
		if e.Kind == probe.EventIdle {
			c.idle, p.begun = e.At, true
		}
		c.event = e
		p.active[e.Conn] = c
	case probe.EventResult:
		delete(p.active, e.Conn)
		p.count(e.Rung.Verdict.Kind)
		if p.begun && !p.terminal && p.stream == nil {
			p.say(resultLine(e))
		}
	}
	if p.terminal {
		p.draw()
	}
}

// count counts a verdict.
func (p *probeProgress) count(k probe.Kind) {
	p.verdicts++
	switch {
	case k == probe.Alive:
		p.lived++
	case k.Dead():
		p.died++
	}
}

func (p *probeProgress) say(line string) {
	_, _ = fmt.Fprintln(p.app.Stderr, report.Clean(line, 300, p.wide))
}

func passLine(e probe.Event) string {
	if e.Pass == probe.PassHeartbeat {
		return fmt.Sprintf("%s: for %s", passName(e.Pass), report.Seconds(e.Idle))
	}
	text := fmt.Sprintf("%s: idle for up to %s", passName(e.Pass), report.Seconds(e.Idle))
	if e.Takes > e.Idle+time.Second {
		text += fmt.Sprintf(", with so few connections at a time %s in all", report.Seconds(e.Takes))
	}
	return text
}

func passName(pass probe.Pass) string {
	switch pass {
	case probe.PassLadder:
		return "first pass"
	case probe.PassHeartbeat, "":
		return "heartbeat"
	}
	return "second pass"
}

func resultLine(e probe.Event) string {
	return fmt.Sprintf("%s %s: %s: %s", report.Seconds(e.Idle), e.Arm, e.Rung.Verdict.Kind, e.Rung.Verdict.Why)
}

// draw shows the pass, and its connections, those that end first at the top.
func (p *probeProgress) draw() {
	now := time.Now()
	if !p.terminal {
		if p.stream == nil && len(p.active) > 0 {
			p.say(p.headline(now))
		}
		return
	}
	conns := slices.Collect(maps.Values(p.active))
	sort.Slice(conns, func(i, j int) bool { return conns[i].left(now) < conns[j].left(now) })
	width, height := terminalSize(p.app.Stderr)
	lines := []string{p.headline(now)}
	for i, c := range conns {
		if most := min(mostLines, height-3); i >= most && len(conns) > i+1 {
			lines = append(lines, fmt.Sprintf("  and %d more", len(conns)-i))
			break
		}
		lines = append(lines, c.line(now))
	}
	// Line by line, so that nothing is cleared that would go into the terminal's history.
	var b strings.Builder
	if p.shown > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", p.shown)
	}
	for _, line := range lines {
		b.WriteString("\r" + report.Clean(line, max(width-4, 20), p.wide) + "\x1b[K\n")
	}
	for range p.shown - len(lines) {
		b.WriteString("\x1b[K\n")
	}
	if fewer := p.shown - len(lines); fewer > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", fewer)
	}
	_, _ = io.WriteString(p.app.Stderr, b.String())
	p.shown = len(lines)
}

// headline says how far the pass has come.
func (p *probeProgress) headline(now time.Time) string {
	text := passName(p.pass)
	if p.verdicts > 0 {
		text += fmt.Sprintf(": %d alive, %d dead", p.lived, p.died)
		if rest := p.verdicts - p.lived - p.died; rest > 0 {
			text += fmt.Sprintf(", %d not measured", rest)
		}
	}
	if left := p.ends.Sub(now); left > 0 {
		text += ", " + human.Duration(left+time.Second) + " left"
	}
	return text
}

// clear takes the block away.
func (p *probeProgress) clear() {
	if p.shown > 0 {
		_, _ = fmt.Fprintf(p.app.Stderr, "\x1b[%dA\x1b[J", p.shown)
		p.shown = 0
	}
}

// left is how long a connection will still be idle.
func (c *activeConn) left(now time.Time) time.Duration {
	if c.idle.IsZero() {
		return c.event.Idle
	}
	return max(c.event.Idle-now.Sub(c.idle), 0)
}

// line shows how a connection stands.
func (c *activeConn) line(now time.Time) string {
	name := fmt.Sprintf("  %8s %-13s", report.Seconds(c.event.Idle), c.event.Arm)
	switch {
	case c.idle.IsZero():
		return name + " is being opened"
	case c.left(now) == 0:
		return name + " waits for the answer"
	case c.event.Arm == probe.Nudged:
		return fmt.Sprintf("%s %d answered, %s left", name, c.event.Beats, human.Duration(c.left(now)))
	}
	return fmt.Sprintf("%s idle for %s, %s left", name, human.Duration(now.Sub(c.idle)), human.Duration(c.left(now)))
}

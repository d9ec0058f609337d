package cli

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
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
	stream   bool
	wide     bool

	stopped chan struct{}
	done    sync.WaitGroup

	mu     sync.Mutex
	active map[int]*activeConn
	ends   time.Time // of the pass
	pass   probe.Pass
	begun  bool // a connection was open; before that, what goes wrong is the run's error
	shown  int  // lines on the terminal
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
	return &probeProgress{
		app: app, terminal: terminal && app.Getenv("TERM") != "dumb", stream: stream, wide: app.wide(),
		stopped: make(chan struct{}), active: map[int]*activeConn{},
	}
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

// stop ends it, and leaves nothing on the terminal.
func (p *probeProgress) stop() {
	close(p.stopped)
	p.done.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
}

// observe takes an event of the engine, which gives one at a time.
func (p *probeProgress) observe(e probe.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stream {
		_ = report.ProbeEvent(p.app.Stdout, e) // the last line's error is told
	}
	switch e.Kind {
	case probe.EventPass:
		if e.Pass != probe.PassHeartbeat {
			p.pass, p.ends = e.Pass, e.At.Add(e.Idle)
		}
		if !p.terminal && !p.stream {
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
		if p.begun && !p.terminal && !p.stream {
			p.say(resultLine(e))
		}
	}
	if p.terminal {
		p.draw()
	}
}

func (p *probeProgress) say(line string) {
	_, _ = fmt.Fprintln(p.app.Stderr, report.Clean(line, 300, p.wide))
}

func passLine(e probe.Event) string {
	name := map[probe.Pass]string{probe.PassLadder: "first pass", probe.PassRefine: "second pass", probe.PassHeartbeat: "heartbeat"}[e.Pass]
	if e.Pass == probe.PassHeartbeat {
		return fmt.Sprintf("%s: for %v", name, e.Idle)
	}
	return fmt.Sprintf("%s: idle for up to %v", name, e.Idle)
}

func resultLine(e probe.Event) string {
	return fmt.Sprintf("%v %s: %s: %s", e.Idle, e.Arm, e.Rung.Verdict.Kind, e.Rung.Verdict.Why)
}

// draw shows the connections, those that end first at the top.
func (p *probeProgress) draw() {
	now := time.Now()
	if !p.terminal {
		if !p.stream && len(p.active) > 0 {
			p.say(fmt.Sprintf("%s open, %s left", human.Count(len(p.active), "connection"), human.Duration(max(p.ends.Sub(now), 0))))
		}
		return
	}
	p.clear()
	width, _ := terminalWidth(p.app.Stderr)
	conns := slices.Collect(maps.Values(p.active))
	slices.SortFunc(conns, func(a, b *activeConn) int { return cmp.Compare(a.left(now), b.left(now)) })
	var lines []string
	for i, c := range conns {
		if i == mostLines && len(conns) > mostLines+1 {
			lines = append(lines, fmt.Sprintf("  and %d more", len(conns)-i))
			break
		}
		lines = append(lines, c.line(now))
	}
	for i := range lines {
		lines[i] = report.Clean(lines[i], max(width-4, 20), p.wide) + "\x1b[K\n"
	}
	_, _ = io.WriteString(p.app.Stderr, strings.Join(lines, ""))
	p.shown = len(lines)
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
	name := fmt.Sprintf("  %8v %-13s", c.event.Idle.Round(time.Millisecond), c.event.Arm)
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

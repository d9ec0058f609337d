package probe

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sort"
	"sync"
	"time"

	"vmguard/pkg/netns"
	"vmguard/pkg/packet"
)

// OpenError says that a run could not begin: its first connection could not be opened. Nothing was measured.
type OpenError struct {
	Phase Phase
	Addr  netip.AddrPort
	Err   error
	// Verdict is the one on that connection.
	Verdict Verdict
}

func (e *OpenError) Error() string {
	return fmt.Sprintf("open a connection to %s: %v", e.Addr, e.Err)
}

// Unwrap gives the cause.
func (e *OpenError) Unwrap() error { return e.Err }

// run is a run under way.
type run struct {
	Config
	capture *packet.Capture // nil where no packets are seen
	stagger time.Duration

	slots chan struct{}

	observing sync.Mutex

	mu       sync.Mutex // guards what follows
	conns    int
	alive    int             // connections that are open and idle
	withheld int             // slots that are not given back
	ports    map[uint16]bool // this side's ports that were in use
	login    error           // a refusal, after which nobody logs in again
	next     time.Time       // when the next connection may be opened
	slowest  time.Duration   // of the connections that were opened, how long the slowest took
	secure   string          // the version of TLS, for the reader
	active   sync.WaitGroup  // connections that take their leave

	proven  bool  // a connection was opened
	strikes int   // connections that were cut before one was opened
	failed  error // none can be opened

	// gate holds a token for whoever opens the first connection. It is closed when that has become known to
	// work, or to fail.
	gate chan struct{}

	checking sync.Mutex // held while a control connection is opened
	checked  time.Time  // when the last one began
	control  Control
}

// Run measures. It gives a *OpenError when not even one connection could be opened, and else a result,
// also when ctx ended: then with what was measured until then.
func (c Config) Run(ctx context.Context) (*Result, error) {
	r := &run{Config: c, slots: make(chan struct{}, max(c.Connections, 1)), ports: map[uint16]bool{}, gate: make(chan struct{}, 1)}
	r.gate <- struct{}{}
	// The last of many must not wait long for its turn; a few are not opened all at once.
	r.stagger = min(250*time.Millisecond, 1500*time.Millisecond/time.Duration(max(c.Connections, 1)))
	result := &Result{Protocol: c.Protocol.Name(), Request: c.Protocol.Request(), Host: c.Target.Host, Addr: c.Target.Addr, Begun: time.Now()}
	if c.Packets {
		if result.NoPackets = r.openCapture(); result.NoPackets == "" {
			result.Watched = true
			defer r.capture.Close() //nolint:errcheck // nothing was written
		}
	}
	var beside sync.WaitGroup
	if c.Heartbeat > 0 {
		beside.Go(func() {
			rungs := r.pass(ctx, PassHeartbeat, []job{{PassHeartbeat, Nudged, c.For, c.Heartbeat}})
			result.Heartbeat = &rungs[0]
		})
	}
	if len(c.Rungs) > 0 {
		r.climb(ctx, result)
	}
	beside.Wait()
	r.active.Wait()
	result.TLS, result.Took = r.secure, time.Since(result.Begun)
	result.Interrupted = ctx.Err() != nil
	if r.failed != nil && !errors.Is(r.failed, context.Canceled) {
		return nil, r.failed
	}
	return result, nil
}

// climb runs the ladder, and then the second pass that its outcome asks for.
func (r *run) climb(ctx context.Context, result *Result) {
	var jobs []job
	for _, idle := range r.Rungs {
		jobs = append(jobs, job{PassLadder, Silent, idle, 0})
	}
	result.Rungs = r.pass(ctx, PassLadder, jobs)
	result.Limit = JudgeLimit(result.Rungs)
	if ctx.Err() != nil || result.Limit.State != LimitFound {
		return
	}
	jobs = r.second(result.Limit)
	if len(jobs) == 0 {
		return
	}
	for _, rung := range r.pass(ctx, PassRefine, jobs) {
		if rung.Pass == PassArms {
			result.Arms = append(result.Arms, rung)
		} else {
			result.Refined = append(result.Refined, rung)
		}
	}
	result.Limit = JudgeLimit(result.All())
	if len(result.Arms) > 0 {
		result.ArmsSay = sayArms(result.Arms, result.Limit)
	}
}

// room is how many connections of a pass may be open at a time.
func (r *run) room() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	room := cap(r.slots) - r.withheld
	if r.Heartbeat > 0 {
		room-- // which has one of them for as long as it beats
	}
	return max(room, 1)
}

// armsRoom is how many connections the arms take.
const armsRoom = 3

// second gives the connections of the second pass, as many as can be open at a time: it takes no longer than its longest.
func (r *run) second(limit Limit) []job {
	var jobs []job
	room := r.room()
	if r.Arms && room >= armsRoom {
		idle, every := armTimes(limit)
		jobs = append(jobs, job{PassArms, Silent, idle, 0}, job{PassArms, Nudged, idle, every})
		// The kernel counts a keepalive's idle time in seconds (TCP_KEEPIDLE, tcp(7)), and two must fit below the limit.
		if limit.High >= 2*time.Second {
			jobs = append(jobs, job{PassArms, Keepalive, idle, max(every.Truncate(time.Second), time.Second)})
		}
		room -= armsRoom
	}
	low := limit.Low
	if limit.Longest < limit.High {
		low = max(low, limit.Longest) // below that another rung would tell nothing new
	}
	if r.Refine && room > 0 {
		for _, idle := range Refine(low, limit.High, r.Precision, room) {
			jobs = append(jobs, job{PassRefine, Silent, idle, 0})
		}
	}
	return jobs
}

// armTimes gives how long an arm lasts, clearly beyond the limit, and how often the two that are not
// silent stir: four times in that time, at least every two minutes, and twice in the time that is known to be survived.
func armTimes(limit Limit) (idle, every time.Duration) {
	const unit = 100 * time.Millisecond
	idle = limit.High + max(limit.High/50, min(limit.High/5, time.Second))
	if idle > time.Second {
		idle = idle.Truncate(unit) + unit
	}
	every = min(idle/4, 2*time.Minute)
	if limit.Low > 0 {
		every = min(every, max(limit.Low/2, time.Millisecond))
	}
	if every > time.Second {
		every = every.Truncate(unit)
	}
	return idle, every
}

// sayArms compares the arms that were run. One that stirred less often than the limit allows, and died, says nothing.
func sayArms(arms []Rung, limit Limit) ArmsSay {
	kinds := map[Arm]Kind{Silent: Unknown, Keepalive: Unknown, Nudged: Unknown}
	for _, a := range arms {
		if a.Trace.Arm == Silent || a.Verdict.Kind == Alive || a.Trace.Every < limit.Low {
			kinds[a.Trace.Arm] = a.Verdict.Kind
		}
	}
	return JudgeArms(kinds[Silent], kinds[Keepalive], kinds[Nudged])
}

// pass makes the connections of one pass, the longest first, and gives them in the order of their idle times.
func (r *run) pass(ctx context.Context, name Pass, jobs []job) []Rung {
	sort.SliceStable(jobs, func(i, j int) bool { return jobs[i].idle > jobs[j].idle })
	var idles []time.Duration
	for _, j := range slices.Backward(jobs) {
		idles = append(idles, j.idle)
	}
	r.tell(Event{Kind: EventPass, Pass: name, Idle: jobs[0].idle, Takes: makespan(idles, r.room())})
	rungs := make([]Rung, len(jobs))
	var all sync.WaitGroup
	for i, j := range jobs {
		select {
		case r.slots <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil || !r.takeTurn(ctx) {
			rungs[i] = notBegun(j, End{Canceled: true})
			continue
		}
		all.Go(func() { rungs[i] = r.one(ctx, j, func() { <-r.slots }) })
	}
	all.Wait()
	slices.Reverse(rungs)
	return rungs
}

func notBegun(j job, end End) Rung {
	t := Trace{Arm: j.arm, Idle: j.idle, Every: j.every, Phase: PhaseDial, End: end}
	return Rung{Pass: j.pass, Trace: t, Verdict: Verdict{Unknown, "not begun"}}
}

// takeTurn waits until the next connection may be opened: the second when the first is open, and the others
// so much later that a server does not see them all at once.
func (r *run) takeTurn(ctx context.Context) bool {
	select {
	case _, first := <-r.gate:
		if first {
			return true
		}
	case <-ctx.Done():
		return false
	}
	r.mu.Lock()
	turn := max(0, time.Until(r.next))
	r.next = time.Now().Add(turn + r.stagger)
	r.mu.Unlock()
	return pause(ctx, turn)
}

// begun tells whether a connection was opened.
func (r *run) begun() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.proven
}

func (r *run) tell(e Event) {
	if r.Observe == nil {
		return
	}
	e.At = time.Now()
	r.observing.Lock()
	defer r.observing.Unlock()
	r.Observe(e)
}

// openCapture begins to watch the packets of the target, and gives why that cannot be done.
func (r *run) openCapture() (missing string) {
	open := func() (err error) {
		r.capture, err = packet.Open(r.Target.Addr)
		return err
	}
	var err error
	if r.Target.PID == 0 {
		err = open()
	} else {
		err = netns.Do(r.Target.PID, open)
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

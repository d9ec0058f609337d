package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// errDirty says that the server spoke while the connection should have been idle.
var errDirty = errors.New("the server spoke unasked")

// errNotBegun says that a connection was not opened, since the first of the run could not be.
var errNotBegun = errors.New("the first connection could not be opened")

// leaveTimeout is how long a server may take to say goodbye.
const leaveTimeout = 2 * time.Second

// one makes a connection, lives it to its end, and judges it. The slot is given back when the connection is gone.
func (r *run) one(ctx context.Context, j job, release func()) Rung {
	t := Trace{Arm: j.arm, Idle: j.idle, Every: j.every, Phase: PhaseDial}
	r.mu.Lock()
	r.conns++
	event := Event{Pass: j.pass, Conn: r.conns, Arm: j.arm, Idle: j.idle}
	refused := r.login
	r.mu.Unlock()
	if refused != nil {
		release()
		return notBegun(j, End{Text: "an earlier login was refused"})
	}
	slept := r.Slept()
	c, first, err := r.connect(ctx, j, &t, event)
	if errors.Is(err, errNotBegun) {
		release()
		return notBegun(j, End{Text: err.Error()})
	}
	if err == nil {
		event.Kind = EventIdle
		r.tell(event)
		r.lives(1)
		err = r.live(ctx, c, &t, event)
		r.lives(-1)
	}
	r.witness(ctx, c, &t, err)
	t.Suspended = max(r.Slept()-slept, 0) // the clocks are read one after the other
	rung := Rung{Pass: j.pass, Conn: event.Conn, Trace: t, Verdict: Classify(t)}
	if first && !r.begun() {
		r.settle(ctx, &t, rung.Verdict, err)
	}
	event.Kind, event.Rung, event.Beats = EventResult, &rung, t.Beats
	r.tell(event)
	r.active.Go(func() {
		r.part(c, rung.Verdict.Kind)
		if !r.crowded(t) {
			release()
		}
	})
	return rung
}

// crowded tells of a connection for which there was no room beside others that are open. Its slot is not
// given back: the server serves no more than these, and the next login would be refused as well.
func (r *run) crowded(t Trace) bool {
	return t.End.Said != nil && t.End.Said.What == SaidTooMany && t.Phase != PhaseNudge && r.living() > 0 && r.withhold()
}

// withhold keeps a slot for good, unless it is the last one.
func (r *run) withhold() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.withheld >= cap(r.slots)-1 {
		return false
	}
	r.withheld++
	return true
}

// part closes a connection; one that works with a leave-taking.
func (r *run) part(c *Conn, kind Kind) {
	if c == nil {
		return
	}
	if !kind.Dead() && kind != SlowServer && kind != Outage {
		// The run's own context may have ended: taking leave is what is due then.
		_ = c.within(context.Background(), leaveTimeout, func() error { return r.Protocol.Leave(c) })
	}
	_ = c.Close()
}

// witness writes into the trace how the connection ended, and everything that explains it.
func (r *run) witness(ctx context.Context, c *Conn, t *Trace, err error) {
	if c != nil {
		t.TCP = tcpInfo(c.raw.Conn)
	}
	if err == nil {
		return
	}
	t.Ended = time.Now()
	t.End = endOf(ctx, err, c)
	if t.End.Canceled {
		return
	}
	if t.End.Said != nil && t.End.Said.What == SaidNoLogin {
		r.mu.Lock()
		r.login = err
		r.mu.Unlock()
	}
	if r.capture != nil && c != nil && reset(t.End.Errno) {
		var trip time.Duration
		if t.TCP != nil && t.TCP.MinRTT != nil {
			trip = *t.TCP.MinRTT
		}
		t.Reset = r.capture.Evidence(ctx, t.Local, t.Ended.Add(-t.Quiet-t.Took), trip)
	}
	if t.Control == ControlNone && r.doubtful(t.End, err) {
		t.Control = r.check(ctx, t.Ended)
	}
}

// doubtful tells whether an end may be an outage. The server that speaks is there; what this machine lacks,
// a control connection would lack as well; and of the first connection silence or a bad certificate is the answer already.
func (r *run) doubtful(end End, err error) bool {
	if end.Said != nil || errors.Is(err, errDirty) || local(end.Errno) {
		return false
	}
	return end.Errno != 0 || end.EOF || r.begun() // see cutEarly: then others may be served
}

// connect opens a connection up to where it may be idle. It tells whether none was opened before: then this
// one is opened alone, and settle says what follows from its failure.
func (r *run) connect(ctx context.Context, j job, t *Trace, event Event) (c *Conn, first bool, err error) {
	event.Kind = EventOpen
	r.mu.Lock()
	first = !r.proven
	failed := r.failed
	r.mu.Unlock()
	if failed != nil {
		return nil, false, errNotBegun
	}
	r.tell(event)
	c, err = r.open(ctx, j, t)
	if first && err == nil {
		r.mu.Lock()
		r.proven = true
		r.mu.Unlock()
		close(r.gate)
	}
	return c, first, err
}

// settle judges the failure of a connection before which none was opened. It ends the run: a wrong password is
// not tried eight times. Only where the other side cut it before anything was said of a login, and serves
// others, may the next one try instead: a server that is full does that, and so does a box that is starting.
func (r *run) settle(ctx context.Context, t *Trace, verdict Verdict, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	const mostStrikes = 2
	if ctx.Err() == nil && verdict.Kind == Refused && cutEarly(t.Phase, err) && r.strikes < mostStrikes {
		r.strikes++
		r.gate <- struct{}{}
		return
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	r.failed = &OpenError{Phase: t.Phase, Addr: r.Target.Addr, Err: err, Verdict: verdict}
	close(r.gate)
}

// cutEarly tells of a connection that the other side cut before a login could have been tried.
func cutEarly(phase Phase, err error) bool {
	return phase != PhaseOpen && (errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF))
}

func (r *run) open(ctx context.Context, j job, t *Trace) (*Conn, error) {
	began := time.Now()
	keepalive := time.Duration(0)
	if j.arm == Keepalive {
		keepalive = j.every
	}
	raw, dialled, err := r.dial(ctx, keepalive)
	if err != nil {
		return nil, err
	}
	t.Local, t.Remote = addrOf(raw.LocalAddr()), addrOf(raw.RemoteAddr())
	t.KeepaliveOff = keepaliveOff(raw)
	c := NewConn(raw, r.Target.TLS)
	c.raw.log.sending = dialled
	phase := func(p Phase, do func() error) error {
		t.Phase = p
		return c.within(ctx, r.OpenTimeout, do)
	}
	if r.Target.Implicit {
		err = phase(PhaseTLS, c.StartTLS)
	}
	if err == nil {
		err = phase(PhaseGreet, func() error { return r.Protocol.Greet(c) })
	}
	if err == nil {
		err = phase(PhaseOpen, func() error { return r.Protocol.Open(c) })
	}
	if _, ok := errors.AsType[*tlsError](err); ok {
		t.Phase = PhaseTLS // which STARTTLS begins in the middle of the greeting
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.secure != nil {
		r.secure = tls.VersionName(c.secure.ConnectionState().Version)
	}
	if err == nil {
		r.slowest = max(r.slowest, time.Since(began))
	}
	return c, err
}

// dial opens a TCP connection from a port that no other connection of the run has had: a box may remember
// the dead one. It gives the moment before the dialling as well.
func (r *run) dial(ctx context.Context, keepalive time.Duration) (conn net.Conn, began time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, r.OpenTimeout)
	defer cancel()
	var held []net.Conn // whose ports must not be chosen again
	defer func() {
		for _, one := range held {
			_ = one.Close()
		}
	}()
	const tries = 8 // then there are no other ports, and it must do
	for try := 1; ; try++ {
		began = time.Now()
		conn, err = r.Target.dial(ctx, keepalive)
		if err != nil {
			return nil, began, err
		}
		port := addrOf(conn.LocalAddr()).Port()
		r.mu.Lock()
		used := r.ports[port]
		r.ports[port] = true
		r.mu.Unlock()
		if !used || try == tries {
			return conn, began, nil
		}
		held = append(held, conn)
	}
}

func addrOf(a net.Addr) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := tcp.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

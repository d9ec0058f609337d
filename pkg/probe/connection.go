package probe

import (
	"context"
	"crypto/tls"
	"errors"
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
	c, err := r.connect(ctx, j, &t, event)
	if errors.Is(err, errNotBegun) {
		release()
		return notBegun(j, End{Text: err.Error()})
	}
	if err == nil {
		event.Kind = EventIdle
		r.tell(event)
		err = r.live(ctx, c, &t, event)
	}
	r.witness(ctx, c, &t, err)
	t.Suspended = max(r.Slept()-slept, 0) // the clocks are read one after the other
	rung := Rung{Pass: j.pass, Conn: event.Conn, Trace: t, Verdict: Classify(t)}
	if failed, ok := errors.AsType[*OpenError](err); ok && failed.Verdict == (Verdict{}) {
		failed.Verdict = rung.Verdict
	}
	event.Kind, event.Rung, event.Beats = EventResult, &rung, t.Beats
	r.tell(event)
	r.active.Go(func() {
		defer release()
		r.part(c, rung.Verdict.Kind)
	})
	return rung
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
	seen := time.Now()
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
		t.Reset = r.capture.Evidence(ctx, t.Local, seen.Add(-t.Quiet-t.Took), trip)
	}
	// The server that speaks is there; and what this machine lacks, a control connection would lack as well.
	if t.End.Said == nil && !errors.Is(err, errDirty) && !local(t.End.Errno) {
		t.Control = r.check(ctx, seen)
	}
}

// connect opens a connection up to where it may be idle. The first of a run is opened alone, and its
// failure ends the run: a wrong password is not tried eight times.
func (r *run) connect(ctx context.Context, j job, t *Trace, event Event) (*Conn, error) {
	event.Kind = EventOpen
	r.first.Lock()
	if r.proven {
		r.first.Unlock()
		r.tell(event)
		return r.open(ctx, j, t)
	}
	defer r.first.Unlock()
	if r.failed != nil {
		return nil, errNotBegun
	}
	r.tell(event)
	c, err := r.open(ctx, j, t)
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		r.failed = &OpenError{Phase: t.Phase, Addr: r.Target.Addr, Err: err}
		return c, r.failed
	}
	r.proven = true
	return c, nil
}

func (r *run) open(ctx context.Context, j job, t *Trace) (*Conn, error) {
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
	if c.secure != nil {
		r.mu.Lock()
		r.secure = tls.VersionName(c.secure.ConnectionState().Version)
		r.mu.Unlock()
	}
	return c, err
}

// dial opens a TCP connection from a port that no other connection of the run has had: a box may remember
// the dead one. It gives the moment before the dialling as well.
func (r *run) dial(ctx context.Context, keepalive time.Duration) (conn net.Conn, began time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, r.OpenTimeout)
	defer cancel()
	for {
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
		if !used {
			return conn, began, nil
		}
		_ = conn.Close()
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

// check opens a control connection, unless another was begun after the moment of the failure.
func (r *run) check(ctx context.Context, failed time.Time) Control {
	r.checking.Lock()
	defer r.checking.Unlock()
	if r.checked.After(failed) {
		return r.control
	}
	began := time.Now()
	err := r.reach(ctx)
	errno, _ := errors.AsType[syscall.Errno](err)
	if ctx.Err() != nil || local(errno) {
		return ControlNone
	}
	control := ControlOK
	if err != nil {
		control = ControlFailed
	}
	r.checked, r.control = began, control
	return control
}

// reach errs unless a fresh connection is greeted.
func (r *run) reach(ctx context.Context) error {
	const enough = 5 * time.Second
	dialling, cancel := context.WithTimeout(ctx, min(r.OpenTimeout, enough))
	defer cancel()
	raw, err := r.Target.dial(dialling, 0)
	if err != nil {
		return err
	}
	c := NewConn(raw, r.Target.TLS)
	defer c.Close() //nolint:errcheck // it was only to be seen whether it opens
	return c.within(ctx, min(r.OpenTimeout, enough), func() error {
		if r.Target.Implicit {
			if err := c.StartTLS(); err != nil {
				return err
			}
		}
		return r.Protocol.Greet(c)
	})
}

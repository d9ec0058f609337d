package probe

import (
	"context"
	"errors"
	"io"
	"syscall"
	"time"
)

// live lets an open connection be idle, and uses it, in the way of its arm.
func (r *run) live(ctx context.Context, c *Conn, t *Trace, event Event) error {
	if t.Arm == Nudged {
		return r.beat(ctx, c, t, event)
	}
	if err := r.idle(ctx, c, t); err != nil {
		return err
	}
	return r.nudge(ctx, c, t)
}

// idle waits until nothing has been heard for the idle time, with an eye on what comes meanwhile.
func (r *run) idle(ctx context.Context, c *Conn, t *Trace) error {
	t.Phase = PhaseIdle
	// What TLS says to itself restarts the clocks on the way as any data does; more than a few times is no accident.
	const restarts = 3
	// A server may add a word to its greeting or to the login's answer.
	const afterthought = 2 * time.Second
	opened := time.Now()
	for range restarts {
		before := c.raw.traffic()
		err := c.await(ctx, before.heard.Add(t.Idle))
		after, now := c.raw.traffic(), time.Now()
		t.Quiet, t.Longest = now.Sub(before.heard), now.Sub(before.sending)
		switch {
		case errors.Is(err, errQuiet) && after.in == before.in:
			return nil
		case errors.Is(err, errQuiet):
			t.Pushed += after.in - before.in
			continue
		case err == nil:
			err = r.hear(ctx, c, t, before)
			if errors.Is(err, errDirty) && now.Sub(opened) < afterthought {
				continue
			}
		case after.in != before.in: // TLS had something to say to itself
			t.Quiet = min(t.Quiet, after.quietBefore(now))
		}
		return err
	}
	return errDirty
}

// hear reads what the server says unasked: a farewell, or something that makes the rung worthless.
func (r *run) hear(ctx context.Context, c *Conn, t *Trace, before traffic) error {
	waiting := uint64(c.reader.Buffered()) // which may have come together with the last answer
	err := c.within(ctx, r.AnswerTimeout, func() (err error) {
		t.PushedText, err = r.Protocol.Heard(c)
		return err
	})
	t.Pushed += max(c.raw.traffic().in-before.in, waiting)
	if said, ok := errors.AsType[*Said](err); ok && said.What == SaidBye {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errDirty
}

// nudge sends the request and waits for its answer.
func (r *run) nudge(ctx context.Context, c *Conn, t *Trace) error {
	t.Phase = PhaseNudge
	before, info, start := c.raw.traffic(), tcpInfo(c.raw.Conn), time.Now()
	t.Quiet = start.Sub(before.heard)
	control := r.checkLater(ctx)
	err := c.within(ctx, r.AnswerTimeout, func() error { return r.Protocol.Nudge(c) })
	now := time.Now()
	if early := control(); isTimeout(err) {
		t.Control = early
	}
	t.Took, t.Longest = now.Sub(start), now.Sub(before.sending)
	t.Sent = sent(info, tcpInfo(c.raw.Conn), before, c.raw.traffic())
	if err == nil {
		t.Phase, t.Longest = PhaseDone, 0
	}
	return err
}

// sent tells whether data left: by the kernel's count of segments, or where it has none, by what was written.
func sent(before, after *TCPInfo, was, is traffic) bool {
	if before != nil && after != nil && before.DataSegsOut != nil && after.DataSegsOut != nil {
		return *after.DataSegsOut != *before.DataSegsOut
	}
	return is.out > was.out
}

// beat sends a request at each interval until the time is over. The moments are counted from the beginning,
// so that they do not drift.
func (r *run) beat(ctx context.Context, c *Conn, t *Trace, event Event) error {
	start := time.Now()
	event.Kind = EventBeat
	for due := t.Every; ; due += t.Every {
		last := due >= t.Idle
		if err := r.await(ctx, c, t, start.Add(min(due, t.Idle))); err != nil {
			return err
		}
		t.Drift = max(t.Drift, time.Since(start)-min(due, t.Idle))
		if err := r.nudge(ctx, c, t); err != nil {
			return err
		}
		t.Beats++
		event.Beats = t.Beats
		r.tell(event)
		if last {
			return nil
		}
		// An answer that took longer than the interval leaves out the moments that passed meanwhile.
		for start.Add(due + t.Every).Before(time.Now()) {
			due += t.Every
		}
	}
}

// await waits for the moment of a heartbeat. What the server says meanwhile does not matter, unless it is a farewell.
func (r *run) await(ctx context.Context, c *Conn, t *Trace, until time.Time) error {
	t.Phase = PhaseIdle
	for {
		before := c.raw.traffic()
		err := c.await(ctx, until)
		t.Quiet = time.Since(before.heard)
		if errors.Is(err, errQuiet) {
			return nil
		}
		if err == nil {
			err = c.within(ctx, r.AnswerTimeout, func() error {
				_, err := r.Protocol.Heard(c)
				return err
			})
		}
		if err != nil {
			return err
		}
	}
}

// endOf puts an error into the terms of a trace. A layer above the socket may have turned an RST or a
// FIN into an error of its own, so what the socket said comes before it.
func endOf(ctx context.Context, err error, c *Conn) End {
	e := End{Text: err.Error()}
	if ctx.Err() != nil && (errors.Is(err, context.Canceled) || isTimeout(err)) {
		return End{Canceled: true}
	}
	if said, ok := errors.AsType[*Said](err); ok {
		e.Said = said
		return e
	}
	if errors.Is(err, errDirty) {
		return e
	}
	var socket traffic
	if c != nil {
		socket = c.raw.traffic()
	}
	errno, isErrno := errors.AsType[syscall.Errno](err)
	if !isErrno {
		errno, isErrno = errors.AsType[syscall.Errno](socket.failed)
	}
	switch {
	case isErrno:
		e.Errno, e.ErrnoName = errno, errnoName(errno)
	case isTimeout(err):
		e.Timeout = true
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), socket.eof:
		e.EOF = true
		e.CloseNotify = c != nil && c.secure != nil && !socket.eof
	}
	return e
}

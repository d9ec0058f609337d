package probe

import (
	"context"
	"errors"
	"io"
	"syscall"
	"time"
)

// check opens a control connection, unless another was begun after the moment of the failure.
func (r *run) check(ctx context.Context, failed time.Time) Control {
	r.checking.Lock()
	defer r.checking.Unlock()
	if r.checked.After(failed) {
		return r.control
	}
	began := time.Now()
	control := r.judgeControl(ctx, r.reach(ctx))
	if ctx.Err() != nil {
		return ControlNone
	}
	if control != ControlNone {
		r.checked, r.control = began, control
	}
	return control
}

// judgeControl says what the outcome of a control connection means for the one that ended before it.
func (r *run) judgeControl(ctx context.Context, err error) Control {
	said, spoke := errors.AsType[*Said](err)
	errno, _ := errors.AsType[syscall.Errno](err)
	switch {
	case err == nil, spoke && said.What == SaidTooMany:
		return ControlOK
	case spoke && said.What != SaidBye, local(errno):
		return ControlNone
	case errno == syscall.ECONNRESET, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		// A server that wants no more connections cuts them too. Then the others live on, and in an outage
		// they end with this one.
		if pause(ctx, 100*time.Millisecond) && r.living() > 0 {
			return ControlRefused
		}
	}
	return ControlFailed
}

// reach errs unless a fresh connection is greeted. It has no less time than the slowest of the run has taken.
func (r *run) reach(ctx context.Context) error {
	const enough = 5 * time.Second
	r.mu.Lock()
	limit := min(r.OpenTimeout, max(enough, 2*r.slowest))
	r.mu.Unlock()
	dialling, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	raw, err := r.Target.dial(dialling, 0)
	if err != nil {
		return err
	}
	c := NewConn(raw, r.Target.TLS)
	defer c.Close() //nolint:errcheck // it was only to be seen whether it opens
	return c.within(ctx, limit, func() error {
		if r.Target.Implicit {
			if err := c.StartTLS(); err != nil {
				return err
			}
		}
		if err := r.Protocol.Greet(c); err != nil {
			return err
		}
		_ = r.Protocol.Leave(c) // it is greeted, which was the question
		return nil
	})
}

// checkLater opens a control connection when a request has waited for its answer for a while. What is sent
// again after that shows whether the network swallows everything, or this connection alone. The function
// that it gives ends it, and says what came of it.
func (r *run) checkLater(ctx context.Context) (outcome func() Control) {
	const patience = 2 * time.Second
	ctx, cancel := context.WithCancel(ctx)
	result := make(chan Control, 1)
	go func() {
		if pause(ctx, min(patience, r.AnswerTimeout/3)) {
			result <- r.check(ctx, time.Now())
		} else {
			result <- ControlNone
		}
	}()
	return func() Control {
		cancel()
		return <-result
	}
}

// pause waits, and tells whether the context has not ended meanwhile.
func pause(ctx context.Context, d time.Duration) bool {
	wait := time.NewTimer(d)
	defer wait.Stop()
	select {
	case <-wait.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// living counts the connections that are open and idle.
func (r *run) living() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.alive
}

// lives counts one more or fewer of them.
func (r *run) lives(by int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.alive += by
}

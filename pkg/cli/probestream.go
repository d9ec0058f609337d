package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"vmguard/pkg/probe"
	"vmguard/pkg/report"
)

// eventStream writes events as lines to a reader who may be slow, or asleep: what is measured must not
// wait for him.
type eventStream struct {
	w    io.Writer
	wake chan struct{} // that there is something to write, or nothing will come any more
	done chan struct{} // closed when all is written

	mu      sync.Mutex
	pending bytes.Buffer
	left    int // events for which there was no room
	ended   bool
	err     error
}

// maxPending bounds what waits for the reader, in bytes.
const maxPending = 8 << 20

func newEventStream(w io.Writer) *eventStream {
	s := &eventStream{w: w, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go s.write()
	return s
}

// event takes an event, and never waits.
func (s *eventStream) event(e probe.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending.Len() > maxPending {
		s.left++
		return
	}
	if err := report.ProbeEvent(&s.pending, e); err != nil {
		s.err = errors.Join(s.err, err)
	}
	s.nudge()
}

// nudge wakes the writer.
func (s *eventStream) nudge() {
	select {
	case s.wake <- struct{}{}:
	default: // it is awake already
	}
}

// write writes what comes, until the end or an error of the writer.
func (s *eventStream) write() {
	defer close(s.done)
	for range s.wake {
		s.mu.Lock()
		lines, ended := bytes.Clone(s.pending.Bytes()), s.ended
		s.pending.Reset()
		s.mu.Unlock()
		_, err := s.w.Write(lines)
		s.mu.Lock()
		s.err = errors.Join(s.err, err)
		ended = ended && s.pending.Len() == 0 || err != nil
		s.mu.Unlock()
		if ended {
			return
		}
	}
}

// end waits until all is written. After ctx has ended a reader has one more second. It errs where not all
// of it could be written; then nothing else is to be written after it.
func (s *eventStream) end(ctx context.Context) error {
	const grace = time.Second
	s.mu.Lock()
	s.ended = true
	s.nudge()
	s.mu.Unlock()
	select {
	case <-s.done:
	case <-ctx.Done():
		wait := time.NewTimer(grace)
		defer wait.Stop()
		select {
		case <-s.done:
		case <-wait.C:
			return errors.New("write events: nobody reads them")
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left > 0 {
		return errors.Join(s.err, fmt.Errorf("write events: %d were left out, since nobody read them in time", s.left))
	}
	return s.err
}

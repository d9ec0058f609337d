package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// measured is what one run of vmguard probe says of itself, and what it took.
type measured struct {
	passes   int
	overhead time.Duration // of each pass: its time beyond the longest wait of it, on average
	rungs    int           // silent connections of the first pass
	verdicts int           // those of them that are alive or dead; the others were not measured
	low      time.Duration // the bracket of the limit; both are 0 where none was found
	high     time.Duration
	drift    float64 // the most by which a heartbeat was late, as a share of its interval; 0 without one
	late     float64 // by how much half of them were late at least, their answers' way included; 0 without events
}

// report is what is read of a ProbeReport (docs/schema/probe-report.schema.json).
type report struct {
	Rungs, Refined, Arms []rung
	Heartbeat            *rung
	Limit                struct {
		State string
		Low   time.Duration `json:"lowNanoseconds"`
		High  time.Duration `json:"highNanoseconds"`
	}
}

type rung struct {
	Verdict struct{ Kind string }
	Trace   struct {
		Arm, Phase string
		Idle       time.Duration `json:"idleNanoseconds"`
		Every      time.Duration `json:"everyNanoseconds"`
		Quiet      time.Duration `json:"quietNanoseconds"`
		Drift      time.Duration `json:"driftNanoseconds"`
	}
}

// event is what is read of a ProbeEvent.
type event struct {
	At   time.Time
	Kind string
}

// parseProbe reads what a run printed: a report, and before it the events, if they were asked for. It errs on
// documents of another kind, and on a report in which nothing was measured.
func parseProbe(text []byte, took time.Duration) (measured, error) {
	var r *report
	var events []event
	for documents := json.NewDecoder(bytes.NewReader(text)); ; {
		var envelope struct {
			Kind string
			Data json.RawMessage
		}
		err := documents.Decode(&envelope)
		if errors.Is(err, io.EOF) {
			break
		}
		switch {
		case err != nil:
		case envelope.Kind == "ProbeEvent":
			var e event
			err = json.Unmarshal(envelope.Data, &e)
			events = append(events, e)
		case envelope.Kind == "ProbeReport":
			r = new(report)
			err = json.Unmarshal(envelope.Data, r)
		default:
			err = fmt.Errorf("its kind is %q", envelope.Kind)
		}
		if err != nil {
			return measured{}, fmt.Errorf("read the report: %w", err)
		}
	}
	if r == nil {
		return measured{}, errors.New("read the report: there is none")
	}
	return r.measured(took, events)
}

func (r *report) measured(took time.Duration, events []event) (measured, error) {
	m := measured{rungs: len(r.Rungs)}
	// The second pass and the arms are made side by side.
	var waited time.Duration
	for _, pass := range [][]rung{r.Rungs, append(r.Refined, r.Arms...)} {
		if len(pass) > 0 {
			m.passes++
			waited += longest(pass)
		}
	}
	// So is the heartbeat with both.
	if beat := r.Heartbeat; beat != nil {
		m.passes = max(m.passes, 1)
		waited = max(waited, beat.Trace.Idle)
		every := max(beat.Trace.Every, 1)
		m.drift = float64(beat.Trace.Drift) / float64(every)
		m.late = float64(lateness(events, every)) / float64(every)
	}
	if m.passes == 0 {
		return measured{}, errors.New("read the report: it has no connection")
	}
	m.overhead = (took - waited) / time.Duration(m.passes)
	for _, c := range r.Rungs {
		if decided(c.Verdict.Kind) {
			m.verdicts++
		}
	}
	if r.Limit.State == "found" {
		m.low, m.high = r.Limit.Low, r.Limit.High
	}
	return m, nil
}

func longest(rungs []rung) time.Duration {
	var most time.Duration
	for _, r := range rungs {
		most = max(most, r.waited())
	}
	return most
}

// waited is for how long a connection had to be waited for: its idle time, or less where it died unasked.
func (r rung) waited() time.Duration {
	if r.Trace.Phase == "idle" && r.Trace.Arm != "heartbeat" {
		return min(r.Trace.Quiet, r.Trace.Idle)
	}
	return r.Trace.Idle
}

// decided tells whether a verdict says that the connection lived or died.
func decided(kind string) bool {
	switch kind {
	case "alive", "reset-at-expiry", "reset-on-use", "closed", "bye", "black-hole":
		return true
	}
	return false
}

// lateness gives the median by which the answers to heartbeats came later than the last moment of the schedule before
// them. It is counted from when the connection was open; a heartbeat leaves out moments that pass while it waits for
// an answer, so that its number does not tell its moment.
func lateness(events []event, every time.Duration) time.Duration {
	var start time.Time
	var late []time.Duration
	for _, e := range events {
		switch e.Kind {
		case "idle":
			start = e.At
		case "beat":
			late = append(late, e.At.Sub(start)%every)
		}
	}
	if len(late) == 0 {
		return 0
	}
	slices.Sort(late)
	return median(late)
}

package report

import (
	"io"
	"time"

	"vmguard/pkg/probe"
)

// Probe is the result of vmguard probe, and the data of a ProbeReport document
// (docs/schema/probe-report.schema.json).
type Probe struct {
	Version string `json:"vmguardVersion"`
	*probe.Result
	// Lab names the scenario of the built-in lab that was probed; empty for a real server.
	Lab string `json:"lab,omitempty"`
	// LoggedIn tells that the connections were logged in; nil where the protocol has no login.
	LoggedIn *bool `json:"loggedIn,omitempty"`
	// Container names the container from whose network namespace the connections were opened.
	Container string `json:"container,omitempty"`
	// Cloud is the provider that this VM runs at, empty where that is not known; CloudName is for a reader.
	Cloud     string `json:"cloud,omitempty"`
	CloudName string `json:"cloudName,omitempty"`

	Candidates []probe.Candidate `json:"candidates"`
	// Interval is the heartbeat that is recommended; 0 where a heartbeat does not help.
	Interval time.Duration   `json:"recommendedIntervalNanoseconds,omitempty"`
	Settings []probe.Setting `json:"settings"`

	Expectations []Expectation `json:"expectations"`
	Notes        []string      `json:"notes"`
}

// Expectation is what the user wanted to be so.
type Expectation struct {
	// Alive tells which way: that a connection survives Idle, or that it does not.
	Alive bool          `json:"alive"`
	Idle  time.Duration `json:"idleNanoseconds"`
	// Met is nil where it could not be measured.
	Met *bool  `json:"met"`
	Why string `json:"why"`
}

// ProbeJSON writes the result as a ProbeReport document.
func ProbeJSON(w io.Writer, p Probe) error { return JSON(w, "ProbeReport", withLists(p)) }

// ProbeLine writes the result as the last line of a stream of events.
func ProbeLine(w io.Writer, p Probe) error { return JSONLine(w, "ProbeReport", withLists(p)) }

// ProbeEvent writes an event as one line of a stream.
func ProbeEvent(w io.Writer, e probe.Event) error { return JSONLine(w, "ProbeEvent", e) }

// withLists makes empty lists of those that are missing.
func withLists(p Probe) Probe {
	result := *p.Result
	result.Rungs, result.Refined, result.Arms = orEmpty(result.Rungs), orEmpty(result.Refined), orEmpty(result.Arms)
	p.Result = &result
	p.Candidates, p.Settings = orEmpty(p.Candidates), orEmpty(p.Settings)
	p.Expectations, p.Notes = orEmpty(p.Expectations), orEmpty(p.Notes)
	return p
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

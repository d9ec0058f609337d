package check

import (
	"time"

	"vmguard/pkg/finding"
)

// Policy is what a team wants of its hosts beyond the checks' own rules. The zero value
// has no thresholds: start from DefaultPolicy.
type Policy struct {
	// Now is when the waivers are judged.
	Now time.Time
	// Thresholds are the numbers that the checks go by.
	Thresholds Thresholds
	// Rules holds what the policy says of single checks, by ID.
	Rules map[string]Rule
	// Waivers are the findings that are accepted.
	Waivers []Waiver
}

// Rule is what a policy says of one check.
type Rule struct {
	// Off leaves the check out.
	Off bool
	// Required makes a failure of what could not be decided or assessed.
	Required bool
	// Severity is that of the check's failures, whatever the check says; 0 leaves it alone.
	Severity finding.Severity
}

// Waiver accepts findings of one check for a while.
type Waiver struct {
	ID      string // of the check
	Subject string // a pattern; "*" stands for any text
	Reason  string
	// Expires is when the waiver ends; the zero time never comes.
	Expires time.Time
	// File and Line say where the waiver stands.
	File string
	Line int
}

// Thresholds are the numbers that checks go by.
type Thresholds struct {
	// LoadBalancerIdle is how long the load balancer before the host's proxy keeps an idle connection; 0 where nobody said.
	LoadBalancerIdle time.Duration
	// StopGrace is the least time that a container must get between SIGTERM and SIGKILL.
	StopGrace time.Duration
}

// DefaultPolicy gives the policy that holds where none is named, to be judged at a time.
func DefaultPolicy(now time.Time) Policy {
	return Policy{Now: now, Thresholds: Thresholds{StopGrace: 10 * time.Second}}
}

// apply changes a finding as the policy says.
func (p Policy) apply(f finding.Finding) finding.Finding { return f }

package check

import (
	"slices"
	"time"

	"vmguard/pkg/finding"
)

// Policy is what a team wants of its hosts beyond the checks' own rules. The zero value
// has no thresholds: start from DefaultPolicy.
type Policy struct {
	// Name says whose word it is: a file, or "profile golden-image"; empty for the default policy.
	Name string
	// Now is when the waivers are judged.
	Now time.Time
	// Profile is the built-in profile that the policy starts from; empty where there is none.
	Profile string
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
	// Profile is the built-in profile that says it; empty where the policy itself does.
	Profile string
	// File and Line say where it stands, or where the profile is named; empty where there is no file.
	File string
	Line int
}

// DefaultPolicy gives the policy that holds where none is named, to be judged at a time.
func DefaultPolicy(now time.Time) Policy {
	return Policy{Now: now, Thresholds: DefaultThresholds()}
}

// apply changes a finding as the policy says: what is required and was not decided fails, failures
// get the policy's severity, and what then fails may be waived.
func (p Policy) apply(f finding.Finding) finding.Finding {
	rule := p.Rules[f.ID]
	if rule.Required && (f.Status == finding.Unknown || f.Status == finding.NotAssessable) {
		f = rule.demand(f)
	}
	if f.Status != finding.Fail {
		return f
	}
	if rule.Severity != 0 {
		f.Severity = rule.Severity
	}
	if w := p.waiver(f); w != nil {
		f.Status, f.Waiver = finding.Waived, &finding.Waiver{Reason: w.Reason, Expires: w.lastDay()}
	}
	return f
}

// demand makes a failure of what the rule requires and the check could not decide; the finding
// carries the check's worst severity already.
func (r Rule) demand(f finding.Finding) finding.Finding {
	fix := "let it be decided, as root and with what the reason names; or take the requirement out of the policy"
	if f.Status == finding.NotAssessable {
		fix = "run vmguard doctor in a VM that was booted from the image; or take the requirement out of the policy"
	}
	f.Status, f.Summary = finding.Fail, "required by the policy, and could not be decided: "+f.Summary
	if f.Remedy == nil {
		f.Remedy = remedy(fix, "")
	}
	f.Evidence = append(slices.Clip(f.Evidence), r.evidence())
	return f
}

// evidence says who requires the check.
func (r Rule) evidence() finding.Evidence {
	got := "required"
	if r.Profile != "" {
		got = "required by the profile " + r.Profile
	}
	if r.File == "" {
		return evidence("policy", got)
	}
	return inFile(r.File, r.Line, got, "")
}

package check

import (
	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

var waiverExpired = Check{
	ID: "waiver-expired", Area: finding.Policy, Worst: finding.Warning, Modes: Live | Image,
	Title: "No waiver of the policy has expired",
	Why:   "(to be written)",
	Rule:  "(to be written)",
	Fix:   "(to be written)",
	Judge: func(*host.Facts, Policy) []finding.Finding { return one(unknown("not written")) },
}

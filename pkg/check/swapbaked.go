package check

import (
	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

var swapBakedIn = Check{
	ID: "swap-baked-in", Area: finding.Memory, Worst: finding.Warning, Modes: Live | Image,
	Title: "The image carries no swapfile",
	Why:   "(to be written)",
	Rule:  "(to be written)",
	Fix:   "(to be written)",
	Judge: func(*host.Facts, Policy) []finding.Finding { return one(unknown("not written")) },
}

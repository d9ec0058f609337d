package check

import (
	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

var cloudInitSwap = Check{
	ID: "cloud-init-swap", Area: finding.Memory, Worst: finding.Warning, Modes: Live | Image,
	Title: "cloud-init makes no second swap",
	Why:   "(to be written)",
	Rule:  "(to be written)",
	Fix:   "(to be written)",
	Judge: func(*host.Facts, Policy) []finding.Finding { return one(unknown("not written")) },
}

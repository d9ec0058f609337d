package check

import (
	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

var userspaceOOM = Check{
	ID: "userspace-oom-killer", Area: finding.Memory, Worst: finding.Warning, Modes: Live | Image,
	Title: "At most one program kills when memory runs low",
	Why:   "(to be written)",
	Rule:  "(to be written)",
	Fix:   "(to be written)",
	Judge: func(*host.Facts, Policy) []finding.Finding { return one(unknown("not written")) },
}

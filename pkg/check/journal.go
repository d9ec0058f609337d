package check

import (
	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

var journalPersistent = Check{
	ID: "journal-persistent", Area: finding.Boot, Worst: finding.Warning, Modes: Live | Image,
	Title: "The journal outlives a reboot",
	Why:   "(to be written)",
	Rule:  "(to be written)",
	Fix:   "(to be written)",
	Judge: func(*host.Facts, Policy) []finding.Finding { return one(unknown("not written")) },
}

package check

import (
	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

var composeHealthcheck = Check{
	ID: "compose-healthcheck", Area: finding.Containers, Worst: finding.Warning, Modes: Live | Image,
	Title: "Services have a healthcheck",
	Why:   "(to be written)",
	Rule:  "(to be written)",
	Fix:   "(to be written)",
	Judge: func(*host.Facts, Policy) []finding.Finding { return one(unknown("not written")) },
}

var composeRestart = Check{
	ID: "compose-restart", Area: finding.Containers, Worst: finding.Warning, Modes: Live | Image,
	Title: "Services are restarted",
	Why:   "(to be written)",
	Rule:  "(to be written)",
	Fix:   "(to be written)",
	Judge: func(*host.Facts, Policy) []finding.Finding { return one(unknown("not written")) },
}

var composeMemoryLimit = Check{
	ID: "compose-memory-limit", Area: finding.Containers, Worst: finding.Warning, Modes: Live | Image,
	Title: "Services have a memory limit",
	Why:   "(to be written)",
	Rule:  "(to be written)",
	Fix:   "(to be written)",
	Judge: func(*host.Facts, Policy) []finding.Finding { return one(unknown("not written")) },
}

var composeStopGrace = Check{
	ID: "compose-stop-grace", Area: finding.Containers, Worst: finding.Warning, Modes: Live | Image,
	Title: "Services get time to stop",
	Why:   "(to be written)",
	Rule:  "(to be written)",
	Fix:   "(to be written)",
	Judge: func(*host.Facts, Policy) []finding.Finding { return one(unknown("not written")) },
}

var composeInit = Check{
	ID: "compose-init", Area: finding.Containers, Worst: finding.Warning, Modes: Live | Image,
	Title: "PID 1 of a service passes signals on",
	Why:   "(to be written)",
	Rule:  "(to be written)",
	Fix:   "(to be written)",
	Judge: func(*host.Facts, Policy) []finding.Finding { return one(unknown("not written")) },
}

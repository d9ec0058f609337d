package check

import (
	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

var dockerEnabled = Check{
	ID: "docker-enabled", Area: finding.Docker, Worst: finding.Critical, Modes: Live | Image,
	Title: "Docker is started at boot",
	Why:   "(to be written)",
	Rule:  "(to be written)",
	Fix:   "(to be written)",
	Judge: func(*host.Facts, Policy) []finding.Finding { return one(unknown("not written")) },
}

var daemonJSONValid = Check{
	ID: "daemon-json-valid", Area: finding.Docker, Worst: finding.Critical, Modes: Live | Image,
	Title: "dockerd can read its configuration",
	Why:   "(to be written)",
	Rule:  "(to be written)",
	Fix:   "(to be written)",
	Judge: func(*host.Facts, Policy) []finding.Finding { return one(unknown("not written")) },
}

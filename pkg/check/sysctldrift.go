package check

import (
	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

var sysctlDrift = Check{
	ID: "sysctl-drift", Area: finding.Boot, Worst: finding.Warning, Modes: Live | Image,
	Title: "Running sysctls are those that are configured",
	Why:   "(to be written)",
	Rule:  "(to be written)",
	Fix:   "(to be written)",
	Judge: func(*host.Facts, Policy) []finding.Finding { return one(unknown("not written")) },
}

var sysctlModule = Check{
	ID: "sysctl-module", Area: finding.Boot, Worst: finding.Warning, Modes: Live | Image,
	Title: "Sysctls of kernel modules are applied at boot",
	Why:   "(to be written)",
	Rule:  "(to be written)",
	Fix:   "(to be written)",
	Judge: func(*host.Facts, Policy) []finding.Finding { return one(unknown("not written")) },
}

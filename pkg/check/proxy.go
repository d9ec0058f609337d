package check

import (
	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

var proxyKeepalive = Check{
	ID: "proxy-keepalive", Area: finding.Connections, Worst: finding.Warning, Modes: Live | Image,
	Title: "The proxy keeps idle connections longer than the load balancer",
	Why:   "(to be written)",
	Rule:  "(to be written)",
	Fix:   "(to be written)",
	Judge: func(*host.Facts, Policy) []finding.Finding { return one(unknown("not written")) },
}

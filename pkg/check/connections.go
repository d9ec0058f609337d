package check

import (
	"fmt"
	"time"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
)

// idleTimeout gives how long a provider's network keeps an idle TCP flow by default,
// and which part of it forgets. Sources: Google's Compute Engine troubleshooting
// guide (VPC connection tracking, fixed), AWS's NAT gateway and Network Load Balancer
// guides, Azure's load balancer and NAT gateway guides (default 4 minutes), Oracle's
// load balancing guide (backend listeners).
func idleTimeout(p host.Provider) (idleLimit, bool) {
	limit, ok := map[host.Provider]idleLimit{
		host.Google: {600 * time.Second, "connection tracking", true},
		host.Amazon: {350 * time.Second, "NAT gateways and network load balancers", false},
		host.Azure:  {240 * time.Second, "load balancers and NAT gateways", true},
		host.Oracle: {300 * time.Second, "load balancers", false},
	}[p]
	return limit, ok
}

// idleLimit is how long a part of a provider's network keeps an idle flow.
type idleLimit struct {
	after time.Duration
	part  string
	// always tells that by default all traffic to the outside passes that part.
	always bool
}

var tcpKeepaliveLate = Check{
	ID: "tcp-keepalive-late", Area: finding.Connections, Worst: finding.Warning,
	Title: "TCP keepalive comes before the cloud forgets an idle connection",
	Why: "A cloud's network drops the state of a connection that is idle for a few minutes, and says nothing. The next packet gets a reset " +
		"(ECONNRESET) or no answer at all. Linux sends its first keepalive after two hours, and a container has its own setting, which starts " +
		"at that default whatever the host's is.",
	Rule: "For each running container: a warning when net.ipv4.tcp_keepalive_time of its network namespace is not below the cloud's known idle timeout " +
		"(Google 600 s, Azure 240 s); info where only traffic through a NAT gateway or load balancer is dropped (Amazon 350 s, Oracle 300 s). Unknown where the cloud or the setting is not known. " +
		"The setting only helps sockets that switch keepalive on (SO_KEEPALIVE).",
	Fix: "Let the program send its own heartbeat, such as an IMAP NOOP every 2 to 5 minutes: that works through every box. " +
		"Or switch keepalive on in the program and start the container with --sysctl net.ipv4.tcp_keepalive_time=120.",
	Judge: judgeKeepalives,
}

func judgeKeepalives(f *host.Facts, _ Policy) []finding.Finding {
	if !f.Containers.Known() {
		return one(noContainers(f))
	}
	running := runningContainers(f)
	if len(running) == 0 {
		return one(skipped("no container is running"))
	}
	if !f.Cloud.Known() {
		return one(unknown("cannot tell which idle timeout applies to the containers' connections: " + f.Cloud.Why()))
	}
	limit, ok := idleTimeout(f.Cloud.Value.Provider)
	if !ok {
		return one(unknown("cannot tell which idle timeout applies to the containers' connections: none is on record for "+f.Cloud.Value.Name,
			evidence(f.Cloud.Source, f.Cloud.Value.Name)))
	}
	return judgeContainers(running, "no container is running", func(c host.Container) finding.Finding {
		return judgeKeepalive(f, c, limit, f.Cloud.Value.Name)
	})
}

func judgeKeepalive(f *host.Facts, c host.Container, limit idleLimit, cloud string) finding.Finding {
	switch {
	case c.NetworkMode == "none":
		return skipped("it has no network")
	case !c.Keepalive.Known():
		return unknown("cannot read its TCP keepalive: " + c.Keepalive.Why())
	}
	first, after := c.Keepalive.Value.Time, int64(limit.after/time.Second)
	seen := wanted(c.Keepalive.Source, fmt.Sprintf("tcp_keepalive_time %d s", int64(first/time.Second)), fmt.Sprintf("below %d s", after))
	if first < limit.after {
		return pass(fmt.Sprintf("first keepalive after %s, before the %d s of %s's %s", human.Duration(first), after, cloud, limit.part), seen)
	}
	fix := setSysctl(f, "send a heartbeat from the program every 2 to 5 minutes; or, for sockets with keepalive on, lower the time",
		"net.ipv4.tcp_keepalive_time", 120)
	if c.NetworkMode != "host" {
		fix = remedy("send a heartbeat from the program every 2 to 5 minutes; or, for sockets with keepalive on, lower the time "+
			"(until the container's restart; --sysctl net.ipv4.tcp_keepalive_time=120 makes it last)",
			"sudo nsenter -n -t \"$(docker inspect -f '{{.State.Pid}}' "+human.ShellWord(c.Name)+")\" sysctl -w net.ipv4.tcp_keepalive_time=120")
	}
	late := fmt.Sprintf("first keepalive after %d s; %s (%s) drops idle flows after %d s", int64(first/time.Second), cloud, limit.part, after)
	if !limit.always {
		return fail(finding.Info, late+": if its traffic passes one, the packet after that gets a reset, or nothing", fix, seen)
	}
	return fail(finding.Warning, late+": the next packet gets a reset, or nothing", fix, seen)
}

var conntrackFull = Check{
	ID: "conntrack-full", Area: finding.Connections, Worst: finding.Critical,
	Title: "The connection tracking table has room",
	Why: "Docker's NAT needs an entry for each connection. When the table is full the kernel drops the packets of new ones: " +
		"clients see time-outs while old connections go on.",
	Rule: "Critical when 90 % or more of nf_conntrack_max is used, a warning from 75 %, or from a policy's conntrack-full-critical and conntrack-full; " +
		"info when packets were dropped since boot. " +
		"Does not apply where connection tracking is not loaded.",
	Fix:   "Raise net.netfilter.nf_conntrack_max, and look for a client that opens connections without end.",
	Judge: func(f *host.Facts, p Policy) []finding.Finding { return one(judgeConntrack(f, p.Thresholds)) },
}

func judgeConntrack(f *host.Facts, t Thresholds) finding.Finding {
	if !f.Conntrack.Known() {
		return unknown("cannot tell how full the connection tracking table is: " + f.Conntrack.Why())
	}
	c := f.Conntrack.Value
	if c.Max == 0 {
		return skipped("connection tracking is not loaded")
	}
	text := fmt.Sprintf("%s of the connection tracking table is used (%d of %d)", human.Percent(c.Count, c.Max), c.Count, c.Max)
	seen := []finding.Evidence{wanted(f.Conntrack.Source, fmt.Sprintf("%d of %d", c.Count, c.Max), "below "+spellPercent(t.ConntrackPercent))}
	if c.Dropped != nil {
		seen = append(seen, wanted("/proc/net/stat/nf_conntrack", fmt.Sprintf("drop %d", *c.Dropped), "0"))
	}
	fix := setSysctl(f, "double the table", "net.netfilter.nf_conntrack_max", int64(min(2*c.Max, 1<<31-1)))
	// At boot the setting is only there to be set once the module is.
	fix.Command += " && echo nf_conntrack | sudo tee /etc/modules-load.d/nf_conntrack.conf"
	switch share := percentOf(c.Count, c.Max); {
	case share >= t.ConntrackCriticalPercent:
		return fail(finding.Critical, text+": when it is full, new connections get no answer", fix, seen...)
	case share >= t.ConntrackPercent:
		return fail(finding.Warning, text+": when it is full, new connections get no answer", fix, seen...)
	case c.Dropped != nil && *c.Dropped > 0:
		return fail(finding.Info, fmt.Sprintf("%d packets were dropped by connection tracking since boot; now %s", *c.Dropped, text),
			remedy("compare the counter in an hour: while it stands still, nothing is lost", "cat /proc/net/stat/nf_conntrack"), seen...)
	}
	return pass(text, seen...)
}

package check

import (
	"fmt"
	"time"

	"vmguard/pkg/caddy"
	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
)

var proxyKeepalive = Check{
	ID: "proxy-keepalive", Area: finding.Connections, Worst: finding.Warning, Modes: Live | Image,
	Title: "The proxy keeps idle connections longer than the load balancer",
	Why: "A load balancer keeps idle connections to the servers behind it, to use them again. Where the server closes them first, the load balancer sometimes sends a request " +
		"onto a connection that is just being closed, and its client gets a 502. Caddy closes after 5 minutes by default; Google's load balancers keep for 10. " +
		"keepalive in a transport block is another matter: it is about the servers behind Caddy.",
	Rule: "For each server of /etc/caddy/Caddyfile: a warning when its idle timeout is not longer than the policy's load-balancer-idle; without that, info when it is not longer than what the cloud's " +
		"load balancers keep (Google 600 s, Oracle 300 s, Amazon's ALB 60 s), or below 60 s anywhere. Info as well when read_timeout or stream_timeout of a reverse_proxy, or write of the servers, cuts a stream sooner than that. " +
		"Unknown where a variable or a file that was not read decides. Does not apply without a Caddyfile, nor where no such time is known and the timeout is from 60 to 900 s, the longest on record.",
	Fix:   "Set servers { timeouts { idle 620s } } in the global options of the Caddyfile: 20 s more than the load balancer, as Google advises.",
	Judge: judgeProxies,
}

// What load balancers keep idle connections to the servers behind them for (docs/timeouts.md).
const (
	shortestBalancer = 60 * time.Second
	longestBalancer  = 900 * time.Second // Cloudflare
	// aboveBalancer is how much longer a server should keep them.
	aboveBalancer = 20 * time.Second
)

// balancer is what is known of the load balancer before the proxy.
type balancer struct {
	idle time.Duration // 0 where nothing is known
	name string
	// sure tells that the policy says so.
	sure bool
}

func balancerOf(f *host.Facts, policy Policy) balancer {
	if idle := policy.Thresholds.LoadBalancerIdle; idle > 0 {
		return balancer{idle, "the policy's load balancer", true}
	}
	if !f.Cloud.Known() {
		return balancer{}
	}
	return map[host.Provider]balancer{
		host.Google: {600 * time.Second, "a Google load balancer", false},
		host.Amazon: {60 * time.Second, "an Application Load Balancer", false},
		host.Oracle: {300 * time.Second, "an Oracle load balancer", false},
	}[f.Cloud.Value.Provider]
}

func judgeProxies(f *host.Facts, policy Policy) []finding.Finding {
	switch {
	case !f.Caddyfiles.Known():
		return one(unknown("cannot tell how long Caddy keeps idle connections: " + f.Caddyfiles.Why()))
	case len(f.Caddyfiles.Value) == 0:
		return one(skipped("there is no Caddyfile (" + f.Caddyfiles.Source + ")"))
	}
	lb := balancerOf(f, policy)
	var out []finding.Finding
	for _, file := range f.Caddyfiles.Value {
		found := judgeCaddyfile(f, file, lb)
		for i := range found {
			found[i].Subject = file.Path
		}
		out = append(out, found...)
	}
	return out
}

// judgeCaddyfile judges each different idle timeout once, and each timeout that cuts streams.
func judgeCaddyfile(f *host.Facts, file host.Caddyfile, lb balancer) []finding.Finding {
	var out []finding.Finding
	judged := map[caddy.Timeout]bool{}
	for _, site := range file.Sites {
		if !judged[site.Idle] {
			judged[site.Idle] = true
			out = append(out, judgeIdle(f, file, site, lb))
		}
	}
	cuts := map[string]bool{}
	for _, site := range file.Sites {
		for _, found := range judgeStreams(site, lb) {
			if at := found.Evidence[0].Source; !cuts[at] {
				cuts[at] = true
				out = append(out, found)
			}
		}
	}
	switch {
	case file.Unseen != "" && len(judged) == 0:
		out = append(out, unknown("cannot tell how long Caddy keeps idle connections: "+file.Unseen))
	case len(out) == 0:
		out = append(out, skipped("the Caddyfile has no site"))
	}
	return out
}

func judgeIdle(f *host.Facts, file host.Caddyfile, site caddy.Site, lb balancer) finding.Finding {
	idle, want := site.Idle, ""
	if lb.idle > 0 {
		want = "longer than " + seconds(lb.idle)
	}
	seen := inFile(site.File, site.Line, "no idle timeout is set, Caddy's own is "+seconds(caddy.DefaultIdle), want)
	if idle.Set() {
		seen = inFile(idle.File, idle.Line, "idle "+seconds(idle.Nanoseconds), want)
	}
	text := "Caddy keeps idle connections for " + seconds(idle.Nanoseconds)
	switch {
	case idle.Unknown != "":
		return unknown("cannot tell how long Caddy keeps idle connections: "+idle.Unknown, seen)
	case idle.Nanoseconds == 0:
		return pass("Caddy never closes idle connections", seen)
	case lb.idle > 0 && idle.Nanoseconds > lb.idle:
		return pass(fmt.Sprintf("%s, longer than %s (%s)", text, lb.name, seconds(lb.idle)), seen)
	case lb.sure:
		return fail(finding.Warning, fmt.Sprintf("%s, and %s for %s: a request on one that is just being closed gets a 502", text, lb.name, seconds(lb.idle)),
			idleRemedy(f, file, idle, lb.idle), seen)
	case lb.idle > 0:
		return fail(finding.Info, fmt.Sprintf("%s; if %s stands before it, which keeps them for %s, a request on one that is just being closed gets a 502", text, lb.name, seconds(lb.idle)),
			idleRemedy(f, file, idle, lb.idle), seen)
	case idle.Nanoseconds > longestBalancer:
		return pass(text+", longer than every load balancer on record", seen)
	case idle.Nanoseconds < shortestBalancer:
		return fail(finding.Info, text+"; any load balancer before it keeps them longer, and a request on one that is just being closed gets a 502",
			idleRemedy(f, file, idle, 600*time.Second), seen)
	}
	return skipped(text + "; whether a load balancer stands before Caddy is not known: load-balancer-idle in a policy says so")
}

// idleRemedy gives the command where the line to change, or the place of a new block, is certain.
func idleRemedy(f *host.Facts, file host.Caddyfile, idle caddy.Timeout, than time.Duration) *finding.Remedy {
	value := seconds(than + aboveBalancer)
	sed := func(script, name string) string {
		command := "sed -i '" + script + "' " + human.ShellWord(name)
		if f.Image {
			return command
		}
		if !f.System.Value.Systemd {
			return "sudo " + command + " && sudo caddy reload --config " + human.ShellWord(file.Path)
		}
		return "sudo " + command + " && sudo systemctl reload caddy"
	}
	block := `servers {\n\t\ttimeouts {\n\t\t\tidle ` + value + `\n\t\t}\n\t}`
	const text = "let Caddy keep them longer"
	switch {
	case idle.Set():
		return remedy(text+": idle "+value, sed(fmt.Sprintf(`%ds/idle[[:space:]].*/idle %s/`, idle.Line, value), idle.File))
	case file.Servers || file.Unseen != "":
		return remedy(fmt.Sprintf("%s: timeouts { idle %s } in the servers block of the global options of %s, each { ending its line", text, value, file.Path), "")
	case file.Options > 0:
		return remedy(text+", in the global options of "+file.Path, sed(fmt.Sprintf("%da ", file.Options)+block, file.Path))
	}
	return remedy(text+", in a block of global options at the top of "+file.Path, sed(`1i {\n\t`+block+`\n}\n`, file.Path))
}

// judgeStreams finds the timeouts that cut a stream sooner than the load balancer does. A
// write_timeout cuts none that is idle: it bounds each write by itself.
func judgeStreams(site caddy.Site, lb balancer) []finding.Finding {
	var out []finding.Finding
	add := func(t caddy.Timeout, name, what string) {
		if !t.Set() || t.Unknown != "" || t.Nanoseconds <= 0 || t.Nanoseconds >= lb.idle {
			return
		}
		out = append(out, fail(finding.Info, fmt.Sprintf("%s %s: Caddy %s, sooner than %s (%s)", name, seconds(t.Nanoseconds), what, lb.name, seconds(lb.idle)),
			remedy(fmt.Sprintf("if streams are meant to live longer: %s 1h at %s:%d", name, t.File, t.Line), ""),
			inFile(t.File, t.Line, name+" "+seconds(t.Nanoseconds), "at least "+seconds(lb.idle))))
	}
	add(site.Write, "write", "cuts every response that takes longer, an event stream too")
	for _, p := range site.Proxies {
		add(p.Read, "read_timeout", "cuts a stream (WebSocket, events) in which the server behind it is silent for longer")
		add(p.Stream, "stream_timeout", "cuts every stream (WebSocket) that lasts longer, idle or not")
	}
	return out
}

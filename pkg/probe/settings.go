package probe

import (
	"fmt"
	"strconv"
	"time"
)

// Setting is what to set in one piece of software so that idle connections live.
type Setting struct {
	Client string `json:"client"` // "node-imap"
	Text   string `json:"text"`   // the option as it is written, and a remark where one is needed
}

// Settings gives the settings of a protocol's clients: for IMAP of a heartbeat at that interval, for HTTP, where idle connections are closed rather than kept alive, of
// both sides, the time being for how long one is kept for reuse. The options are those that each project documents; none for another protocol.
func Settings(protocol string, every time.Duration) []Setting {
	switch protocol {
	case "imap":
		return imapSettings(every)
	case "http":
		return httpSettings(every)
	default:
		return nil
	}
}

// imapSettings: node-imap looks every interval whether IDLE is older than idleInterval; where there is no IDLE, or with forceNoop, it sends a NOOP every interval
// (lib/Connection.js). ImapFlow begins IDLE anew after maxIdleTime (lib/imap-flow.js). The others leave the timer to their user.
func imapSettings(every time.Duration) []Setting {
	ms, s := every.Milliseconds(), seconds(every)
	return []Setting{
		{"node-imap", fmt.Sprintf("keepalive: { interval: %d, idleInterval: %d }; with forceNoop: true it is interval that counts", min(ms, 10000), ms)},
		{"ImapFlow", fmt.Sprintf("maxIdleTime: %d", ms)},
		{"Python imaplib", fmt.Sprintf("call noop() every %s s; from Python 3.14 on: with M.idle(duration=%s) in a loop", s, s)},
		{"Python IMAPClient", fmt.Sprintf("idle_check(timeout=%s), then idle_done(), noop() and idle() again, in a loop", s)},
		{"Jakarta Mail, JavaMail", fmt.Sprintf(`every %s s, on another thread than idle(): folder.doCommand(p -> { p.simpleCommand("NOOP", null); return null; })`, s)},
		{"Go emersion/go-imap v2", fmt.Sprintf("client.Noop().Wait() every %s; its Idle() begins anew after 28 min only, so close it and call it again", goDuration(every))},
	}
}

// httpSettings: whoever takes a connection from a pool must close it before a box on the way does, and a server must keep it longer than the box before it, so
// that it is not the server that closes while a request is under way.
func httpSettings(every time.Duration) []Setting {
	ms, s := every.Milliseconds(), seconds(every)
	return []Setting{
		{"Node http.Agent", fmt.Sprintf("new http.Agent({ keepAlive: true, timeout: %d }); keepAliveMsecs is TCP's keepalive, no timeout", ms)},
		{"Go http.Transport", "IdleConnTimeout: " + goDuration(every)},
		{"Python requests, urllib3", "pools have no idle timeout: make a new Session after " + s + " s without a request, and retry what may be sent twice"},
		{"nginx as a proxy", fmt.Sprintf(`upstream { keepalive 16; keepalive_timeout %ss; }, with proxy_http_version 1.1 and proxy_set_header Connection ""`, s)},
		{"Caddy as a proxy", fmt.Sprintf("reverse_proxy { transport http { keepalive %ss } }", s)},
		{"Node server behind a load balancer", "server.keepAliveTimeout = 620000; server.headersTimeout = 625000 (longer than Google Cloud's 600 s)"},
		{"Go server behind a load balancer", "http.Server{IdleTimeout: 620 * time.Second}"},
		{"nginx behind a load balancer", "keepalive_timeout 620s;"},
		{"Caddy behind a load balancer", "servers { timeouts { idle 620s } }"},
	}
}

// KernelSettings gives those of the kernel's TCP keepalive, for a host and for a container, which has sysctls of its own: the defaults of tcp(7) are 7200, 75 and 9. They
// help against flow tables alone. Less than a second is taken as one.
func KernelSettings(every time.Duration) []Setting {
	sysctls := []string{"net.ipv4.tcp_keepalive_time=" + wholeSeconds(every), "net.ipv4.tcp_keepalive_intvl=30", "net.ipv4.tcp_keepalive_probes=5"}
	var kernel, docker string
	for _, sysctl := range sysctls {
		kernel += " " + sysctl
		docker += " --sysctl " + sysctl
	}
	return []Setting{
		{"Linux", "sysctl -w" + kernel + " (for sockets with SO_KEEPALIVE only; a proxy answers the probes itself, and passes none on)"},
		{"Docker", "docker run" + docker + " (a container has its own; SO_KEEPALIVE as above)"},
	}
}

// seconds spells an interval as a number of seconds: "120", "0.5".
func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }

// wholeSeconds spells an interval where the kernel wants whole seconds, one at least.
func wholeSeconds(d time.Duration) string { return strconv.FormatInt(max(1, int64(d/time.Second)), 10) }

// goDuration spells an interval as Go code: "120 * time.Second".
func goDuration(d time.Duration) string {
	if d%time.Second == 0 {
		return fmt.Sprintf("%d * time.Second", d/time.Second)
	}
	return fmt.Sprintf("%d * time.Millisecond", d.Milliseconds())
}

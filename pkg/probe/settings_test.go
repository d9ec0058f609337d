package probe

import (
	"strings"
	"testing"
	"time"
)

func TestSettings(t *testing.T) {
	for _, c := range []struct {
		protocol, client string
		every            time.Duration
		want             string
	}{
		{"imap", "node-imap", 2 * time.Minute, "keepalive: { interval: 10000, idleInterval: 120000 };"},
		{"imap", "node-imap", 2 * time.Second, "keepalive: { interval: 2000, idleInterval: 2000 };"},
		{"imap", "ImapFlow", 2 * time.Minute, "maxIdleTime: 120000"},
		{"imap", "Python imaplib", 2 * time.Minute, "noop() every 120 s; from Python 3.14 on: with M.idle(duration=120)"},
		{"imap", "Python IMAPClient", 500 * time.Millisecond, "idle_check(timeout=0.5), then idle_done()"},
		{"imap", "Jakarta Mail, JavaMail", 2 * time.Minute, `p.simpleCommand("NOOP", null)`},
		{"imap", "Go emersion/go-imap v2", 2 * time.Minute, "client.Noop().Wait() every 120 * time.Second;"},
		{"imap", "Go emersion/go-imap v2", 1500 * time.Millisecond, "every 1500 * time.Millisecond;"},
		{"kernel", "Linux", 2 * time.Minute, "sysctl -w net.ipv4.tcp_keepalive_time=120 net.ipv4.tcp_keepalive_intvl=30 net.ipv4.tcp_keepalive_probes=5 (for sockets with SO_KEEPALIVE only"},
		{"kernel", "Docker", 500 * time.Millisecond, "docker run --sysctl net.ipv4.tcp_keepalive_time=1 --sysctl net.ipv4.tcp_keepalive_intvl=30"},
		{"http", "Node http.Agent", 4 * time.Minute, "new http.Agent({ keepAlive: true, timeout: 240000 })"},
		{"http", "Go http.Transport", 4 * time.Minute, "IdleConnTimeout: 240 * time.Second"},
		{"http", "Python requests, urllib3", 4 * time.Minute, "a new Session after 240 s without a request"},
		{"http", "nginx as a proxy", 4 * time.Minute, "keepalive_timeout 240s;"},
		{"http", "Caddy as a proxy", 4 * time.Minute, "transport http { keepalive 240s }"},
		{"http", "Node server behind a load balancer", 4 * time.Minute, "server.keepAliveTimeout = 620000; server.headersTimeout = 625000"},
		{"http", "Go server behind a load balancer", 4 * time.Minute, "IdleTimeout: 620 * time.Second"},
		{"http", "nginx behind a load balancer", 4 * time.Minute, "keepalive_timeout 620s;"},
		{"http", "Caddy behind a load balancer", 4 * time.Minute, "idle 620s"},
	} {
		found, all := false, Settings(c.protocol, c.every)
		if c.protocol == "kernel" {
			all = KernelSettings(c.every)
		}
		for _, setting := range all {
			found = found || setting.Client == c.client && strings.Contains(setting.Text, c.want)
		}
		if !found {
			t.Errorf("%s, %s, every %v: %q is not in\n%v", c.protocol, c.client, c.every, c.want, all)
		}
	}
	if got := Settings("smtp", time.Minute); got != nil {
		t.Errorf("another protocol: %v", got)
	}
}

func TestSettingsAreShort(t *testing.T) {
	for _, protocol := range []string{"imap", "http"} {
		seen := map[string]bool{}
		for _, setting := range append(Settings(protocol, 2*time.Minute), KernelSettings(2*time.Minute)...) {
			if len(setting.Text) > 200 || strings.ContainsAny(setting.Text, "\n\t") || seen[setting.Client] {
				t.Errorf("%s: long, of several lines, or twice: %q", setting.Client, setting.Text)
			}
			seen[setting.Client] = true
		}
	}
}

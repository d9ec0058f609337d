package main

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestProbeOnARealNetwork runs the built binary over routers that forget connections, and against real
// servers. Nearly all of it is waiting, so every experiment begins before the first is judged.
func TestProbeOnARealNetwork(t *testing.T) {
	needNetwork(t)
	t.Parallel()
	vmguard := build(t)
	var all []experiment
	for _, begin := range []func(*testing.T, string) []experiment{
		probeForgetting, probeServers, probeRefusals, probeOutage,
	} {
		all = append(all, begin(t, vmguard)...)
	}
	for _, e := range all {
		t.Run(e.name, func(t *testing.T) { e.judge(t, e.wait()) })
	}
}

// experiment is a probe that has begun: how to wait for its end, and what must have come out.
type experiment struct {
	name  string
	wait  func() ran
	judge func(*testing.T, ran)
}

// probeReport is what these tests read of a ProbeReport.
type probeReport struct {
	TLS       string
	LoggedIn  *bool
	Container string
	NoPackets string
	Rungs     []rung
	Arms      []rung
	Heartbeat *rung
	ArmsSay   string
	Limit     struct {
		State, Kind, Why                string
		LowNanoseconds, HighNanoseconds time.Duration
	}
	Candidates []struct{ ID string }
}

type rung struct {
	Verdict struct{ Kind, Why string }
	Trace   struct {
		Arm             string
		Local           netip.AddrPort
		IdleNanoseconds time.Duration
		Control         string
		Reset           *struct{ Origin, Words, Why string }
	}
}

// String shows what a test that fails has seen.
func (r probeReport) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "limit %+v, the arms say %q\n", r.Limit, r.ArmsSay)
	for _, one := range slices.Concat(r.Rungs, r.Arms) {
		fmt.Fprintf(&b, "%s %v: %s (%s)", one.Trace.Arm, one.Trace.IdleNanoseconds, one.Verdict.Kind, one.Verdict.Why)
		if one.Trace.Reset != nil {
			fmt.Fprintf(&b, ", %+v", *one.Trace.Reset)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// reported reads the report of a run that must have ended with that exit code.
func reported(t *testing.T, r ran, code int) probeReport {
	t.Helper()
	if r.code != code {
		t.Fatalf("want exit code %d: %v", code, r)
	}
	var doc struct {
		SchemaVersion int
		Kind          string
		Data          probeReport
	}
	decode(t, []byte(r.stdout), &doc)
	if doc.SchemaVersion != 1 || doc.Kind != "ProbeReport" {
		t.Fatalf("no report: %v", r)
	}
	return doc.Data
}

// kinds gives the verdicts of the ladder, by rising idle time.
func (r probeReport) kinds() string {
	var all []string
	for _, one := range r.Rungs {
		all = append(all, one.Verdict.Kind)
	}
	return strings.Join(all, " ")
}

// arms gives the verdict of each arm: "silent closed, ...".
func (r probeReport) arms() string {
	var all []string
	for _, one := range r.Arms {
		all = append(all, one.Trace.Arm+" "+one.Verdict.Kind)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// forgets wants that connections die in one way after the real limit, or as much sooner as the box is
// inexact: the bracket contains that moment, short idle times survive, long ones do not, and the arms say
// what kind of box it is.
func forgets(kind string, limit, sooner time.Duration, arms string) func(*testing.T, ran) {
	return func(t *testing.T, r ran) {
		t.Helper()
		report := reported(t, r, 0)
		if want := strings.Join([]string{"alive", "alive", kind, kind}, " "); report.kinds() != want {
			t.Errorf("want %s, got %v", want, report)
		}
		got := report.Limit
		if got.State != "found" || got.Kind != kind || got.LowNanoseconds > limit || got.HighNanoseconds < limit-sooner || got.HighNanoseconds > 2*limit {
			t.Errorf("want a bracket around %v, got %v", limit, report)
		}
		want := map[string]string{
			"flow-table":      "heartbeat alive, silent " + kind + ", tcp-keepalive alive",
			"proxy-or-server": "heartbeat alive, silent " + kind + ", tcp-keepalive " + kind,
		}[arms]
		if report.ArmsSay != arms || report.arms() != want {
			t.Errorf("want %s (%s), got %v", arms, want, report)
		}
		for _, one := range report.Rungs {
			if one.Verdict.Kind == kind && one.Trace.Control != "ok" {
				t.Errorf("want a control connection that works, got %q", one.Trace.Control)
			}
		}
	}
}

// ladder is two idle times well below 4 s and two well above.
func ladder(more ...string) []string {
	return append([]string{"-o", "json", "--idle", "500ms,1s,6s,7s", "--precision", "1s", "--answer-timeout", "5s"}, more...)
}

const (
	expiry = 4 * time.Second
	// nginx leaves a timer as it is when the new moment is so near to the old one (NGX_TIMER_LAZY_DELAY in
	// src/event/ngx_event_timer.h).
	nginxLazy = 300 * time.Millisecond
)

// probeForgetting measures routers that forget a connection after 4 s.
func probeForgetting(t *testing.T, vmguard string) []experiment {
	t.Helper()
	reset := newNetwork(t, vmguard, router{rules: "reset", established: 4})
	reset.dovecot(50)
	drop := newNetwork(t, vmguard, router{rules: "drop", established: 4})
	drop.dovecot(50)
	nat := newNetwork(t, vmguard, router{rules: "nat", established: 4})
	nat.dovecot(50)
	loose := newNetwork(t, vmguard, router{rules: "nat", established: 4, loose: true})
	loose.dovecot(50)

	dies := func(kind, origin, words string) func(*testing.T, ran) {
		return func(t *testing.T, r ran) {
			t.Helper()
			forgets(kind, expiry, 0, "flow-table")(t, r)
			resetFrom(t, reported(t, r, 0), origin, words)
		}
	}
	begin := func(nw *network, args ...string) func() ran { return nw.startProbe(ladder(args...)...) }
	return []experiment{
		{"a router that answers with an RST", begin(reset, "imap", serverIP, "--plain"), dies("reset-on-use", "box", "a different box, about 1 hop nearer")},
		{"the same over IPv6", begin(reset, "imap", serverIP6, "--plain"), dies("reset-on-use", "box", "a different box, about 1 hop nearer")},
		{"the same over TLS, logged in", begin(reset, reset.imaps()...), dies("reset-on-use", "box", "a different box, about 1 hop nearer")},
		{"a router that drops", begin(drop, "imap", serverIP, "--plain"), dies("black-hole", "", "")},
		{"a NAT that lost its entry", begin(nat, "imap", serverIP, "--plain"), dies("reset-on-use", "cannot-tell", "cannot tell")},
		{"a NAT that adopts connections", begin(loose, "imap", serverIP, "--plain"), lives},
	}
}

// resetFrom wants that the packets of each RST say where it came from; without an origin, that there was none.
func resetFrom(t *testing.T, report probeReport, origin, words string) {
	t.Helper()
	if report.NoPackets != "" {
		t.Errorf("no packets were seen: %s", report.NoPackets)
	}
	for _, one := range slices.Concat(report.Rungs, report.Arms) {
		switch reset := one.Trace.Reset; {
		case (one.Verdict.Kind == "reset-on-use") != (reset != nil):
			t.Errorf("%s with evidence %+v", one.Verdict.Kind, reset)
		case reset != nil && (reset.Origin != origin || !strings.Contains(reset.Words, words)):
			t.Errorf("want %s, %q; got %+v", origin, words, *reset)
		}
	}
}

// lives wants that nothing died, and that therefore no limit and no box is named.
func lives(t *testing.T, r ran) {
	t.Helper()
	report := reported(t, r, 0)
	for _, one := range report.Rungs {
		if one.Verdict.Kind != "alive" {
			t.Errorf("want all alive, got %v", report)
		}
	}
	if report.Limit.State != "none" || report.Limit.HighNanoseconds != 0 || len(report.Arms) != 0 || report.ArmsSay != "" || len(report.Candidates) != 0 {
		t.Errorf("want no limit, got %v", report)
	}
}

// imaps gives the arguments that log in over TLS.
func (nw *network) imaps() []string {
	return []string{"imap", serverIP, "--ca-file", filepath.Join(nw.dir, "ca.pem"), "--user", "me", "--password-file", nw.password(imapPassword)}
}

// password makes a file that holds a password.
func (nw *network) password(text string) string {
	nw.t.Helper()
	file := filepath.Join(nw.t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
		nw.t.Fatal(err)
	}
	return file
}

// probeServers measures servers behind a router that forgets nothing.
func probeServers(t *testing.T, vmguard string) []experiment {
	t.Helper()
	nw := newNetwork(t, vmguard, router{})
	nw.dovecot(50)
	nw.haproxy()
	nw.nginx()
	nw.caddy()
	begin := func(args ...string) func() ran { return nw.startProbe(ladder(args...)...) }
	at := func(port int) string { return fmt.Sprintf("%s:%d", serverIP, port) }
	loggedIn := func(t *testing.T, r ran) {
		t.Helper()
		lives(t, r)
		report := reported(t, r, 0)
		if report.LoggedIn == nil || !*report.LoggedIn || !strings.HasPrefix(report.TLS, "TLS 1.") {
			t.Errorf("want to be logged in over TLS: %s", r.stdout)
		}
	}
	all := []experiment{
		{"Dovecot over TLS", begin(nw.imaps()...), loggedIn},
		{"Dovecot over STARTTLS", begin(append(nw.imaps(), "--starttls")...), loggedIn},
		{"HAProxy's timeout client", begin("imap", at(haproxyPort), "--plain"), forgets("closed", expiry, 0, "proxy-or-server")},
		{"nginx's proxy_timeout", begin("imap", at(nginxPort), "--plain"), forgets("closed", expiry, nginxLazy, "proxy-or-server")},
		{"Caddy's idle timeout", begin("http", "http://"+at(caddyPort)+"/"), forgets("closed", expiry, 0, "proxy-or-server")},
	}
	return append(all, probeFromContainer(t, nw)...)
}

// probeRefusals asks a Dovecot for more than it gives.
func probeRefusals(t *testing.T, vmguard string) []experiment {
	t.Helper()
	few := newNetwork(t, vmguard, router{})
	few.dovecot(2)
	wrong := newNetwork(t, vmguard, router{})
	wrong.dovecot(50)
	mistaken := []string{"imap", serverIP, "--starttls", "--ca-file", filepath.Join(wrong.dir, "ca.pem"), "--user", "me", "--password-file", wrong.password("wrong-horse")}
	return []experiment{
		{"too many sessions", few.startProbe(ladder(few.imaps()...)...), func(t *testing.T, r ran) {
			report := reported(t, r, 0)
			if got := report.kinds(); strings.Count(got, "alive") != 2 || !strings.Contains(got, "refused") || regexp.MustCompile(`reset|closed|bye|black`).MatchString(got) {
				t.Errorf("want two alive and the others refused, got %v", report)
			}
			if report.Limit.State != "none" {
				t.Errorf("want no limit, got %v", report)
			}
		}},
		{"a wrong password", wrong.startProbe(ladder(mistaken...)...), func(t *testing.T, r ran) {
			if r.code != 3 || r.stdout != "" || !strings.Contains(r.stderr, "hint: it was tried once and will not be tried again") || strings.Contains(r.stderr, "wrong-horse") {
				t.Errorf("want a refusal with exit code 3: %v", r)
			}
			ended := regexp.MustCompile(`imap-login: .*Disconnected: .*auth failed, 1 attempts`)
			waitFor(t, "Dovecot has logged the session's end", func() bool { return ended.MatchString(wrong.dovecotLog()) })
			if n := strings.Count(wrong.dovecotLog(), "Password mismatch"); n != 1 {
				t.Errorf("the password was tried %d times, want once:\n%s", n, wrong.dovecotLog())
			}
		}},
	}
}

// probeOutage cuts the network while every connection is idle.
func probeOutage(t *testing.T, vmguard string) []experiment {
	t.Helper()
	nw := newNetwork(t, vmguard, router{})
	nw.dovecot(50)
	wait := nw.startProbe("imap", serverIP, "--plain", "-o", "json", "--idle", "6s,7s,8s", "--answer-timeout", "4s", "--open-timeout", "2s")
	waitFor(t, "three connections", func() bool { return nw.server.sockets(imapPort, established) == 3 })
	nw.router.sh("ip link set server down")
	return []experiment{{"an outage", wait, func(t *testing.T, r ran) {
		report := reported(t, r, 3)
		if got := report.kinds(); got != "outage outage outage" || report.Limit.State != "unknown" || len(report.Arms) != 0 {
			t.Errorf("want outages and no limit, got %v", report)
		}
	}}}
}

// TestProbePreAuthTimer waits for the timer by which Dovecot ends those who do not log in. Nothing sets it:
// it is 180 s (CLIENT_LOGIN_TIMEOUT_MSECS in src/login-common/client-common.h). It counts from the
// connection's beginning, so that no NOOP helps.
func TestProbePreAuthTimer(t *testing.T) {
	if testing.Short() {
		t.Skip("takes minutes, and this is a short run")
	}
	needNetwork(t)
	t.Parallel()
	nw := newNetwork(t, build(t), router{})
	nw.dovecot(50)
	r := nw.probe("imap", serverIP, "--plain", "-o", "json", "--idle", "1s,190s", "--refine=false", "--arms=false", "--heartbeat", "50s", "--for", "190s")
	report := reported(t, r, 1) // since the heartbeat did not keep it alive
	if report.kinds() != "alive bye" || !strings.Contains(report.Rungs[1].Verdict.Why, "Disconnected for inactivity") {
		t.Errorf("want a farewell, got %v", report)
	}
	if got := report.Limit; got.State != "found" || got.LowNanoseconds > 180*time.Second || got.HighNanoseconds < 180*time.Second {
		t.Errorf("want a bracket around 180 s, got %v", report)
	}
	if report.Heartbeat == nil || report.Heartbeat.Verdict.Kind != "bye" {
		t.Errorf("want a farewell for the heartbeat as well: %s", r.stdout)
	}
}

package report

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/packet"
	"vmguard/pkg/probe"
)

// rungOf is a silent connection as the ladder leaves it: alive or reset on its use, where no other verdict is given.
func rungOf(idle time.Duration, kind probe.Kind, why string) probe.Rung {
	t := probe.Trace{Arm: probe.Silent, Idle: idle, Quiet: idle, Phase: probe.PhaseNudge, KeepaliveOff: pointer(true)}
	switch kind {
	case probe.Alive:
		t.Phase = probe.PhaseDone
	case probe.ResetAtExpiry, probe.Closed, probe.Bye, probe.Dirty, probe.Unknown:
		t.Phase = probe.PhaseIdle
	case probe.Refused, probe.LoginRefused:
		t.Phase, t.Quiet = probe.PhaseOpen, 0
	}
	return probe.Rung{Pass: probe.PassLadder, Verdict: probe.Verdict{Kind: kind, Why: why}, Trace: t}
}

// armOf is a connection of the second pass.
func armOf(arm probe.Arm, idle, every time.Duration, kind probe.Kind, why string) probe.Rung {
	r := rungOf(idle, kind, why)
	r.Pass, r.Trace.Arm, r.Trace.Every = probe.PassArms, arm, every
	return r
}

const (
	answered  = "answered in 21 ms"
	wasReset  = "ECONNRESET 21 ms after the request was sent"
	byBox     = "a different box, about 2 hops nearer"
	byBoxTTL  = "TTL 62 against 115 of the data packets"
	noPackets = "open packet socket: operation not permitted"
)

// onUse is a run that found a limit of 600 s, with everything that can be said of it.
func onUse() Probe {
	result := &probe.Result{
		Protocol: "IMAP", Request: "NOOP", Host: "imap.example.org", Addr: netip.MustParseAddrPort("203.0.113.7:993"), TLS: "TLS 1.3",
		Rungs: []probe.Rung{
			rungOf(55*time.Second, probe.Alive, answered),
			rungOf(250*time.Second, probe.Alive, answered),
			rungOf(590*time.Second, probe.Alive, answered),
			rungOf(620*time.Second, probe.ResetOnUse, wasReset),
		},
		Refined: []probe.Rung{rungOf(598*time.Second, probe.Alive, answered), rungOf(605*time.Second, probe.ResetOnUse, wasReset)},
		Limit:   probe.Limit{State: probe.LimitFound, Low: 597800 * time.Millisecond, High: 605100 * time.Millisecond, Longest: 598 * time.Second, Kind: probe.ResetOnUse, Why: "x"},
		Arms: []probe.Rung{
			armOf(probe.Nudged, 617*time.Second, 2*time.Minute, probe.Alive, "5 heartbeats answered"),
			armOf(probe.Keepalive, 617*time.Second, 2*time.Minute, probe.Alive, answered),
			armOf(probe.Silent, 617*time.Second, 0, probe.ResetOnUse, wasReset),
		},
		ArmsSay: probe.ArmsFlowTable,
	}
	result.Rungs[3].Trace.Reset = &packet.Evidence{Origin: packet.FromBox, Words: byBox, Why: byBoxTTL}
	return Probe{
		Version: "1.2.3", Result: result, LoggedIn: pointer(true), Cloud: "google", CloudName: "Google Compute Engine", Interval: 4 * time.Minute,
		Candidates: []probe.Candidate{
			{ID: "gcp-vpc-conntrack", Name: "Google Cloud VPC connection tracking", Seconds: 600,
				Why: []string{"600 s lies in the bracket of 598 s to 605 s", "this VM runs there"}},
			{ID: "nginx-stream", Name: "nginx stream", Seconds: 600, Why: []string{"600 s lies in the bracket of 598 s to 605 s"}},
		},
		Settings: []probe.Setting{
			{Client: "ImapFlow", Text: "maxIdleTime: 240000"},
			{Client: "Go emersion/go-imap v2", Text: "client.Noop().Wait() every 240 * time.Second; its Idle() begins anew after 28 min only, so close it and call it again"},
		},
	}
}

func probeText(t *testing.T, p Probe, style Style, detail bool) string {
	t.Helper()
	var out bytes.Buffer
	if err := ProbeText(&out, p, style, detail); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// ladder is a run of the ladder alone, as it stands before its limit is judged.
func ladder(limit probe.Limit, rungs ...probe.Rung) Probe {
	p := onUse()
	return Probe{Result: &probe.Result{Protocol: "IMAP", Request: "NOOP", Host: p.Host, Addr: p.Addr, Rungs: rungs, Limit: limit}}
}

func atExpiry() Probe {
	p := ladder(probe.Limit{State: probe.LimitFound, High: 60400 * time.Millisecond, Kind: probe.ResetAtExpiry},
		rungOf(90*time.Second, probe.ResetAtExpiry, "ECONNRESET after 60 s idle, unasked"))
	p.Rungs[0].Trace.Quiet = time.Minute
	p.NoPackets, p.LoggedIn = noPackets, pointer(false)
	p.Notes = []string{"without a login the server's own timer ends the connections, often after 60 to 180 s: what is measured may be that; --user logs in"}
	return p
}

func lives() Probe {
	p := ladder(probe.Limit{State: probe.LimitNone, Longest: 620900 * time.Millisecond}, rungOf(620*time.Second, probe.Alive, answered))
	p.Interval, p.Settings = 5*time.Minute, onUse().Settings[:1]
	return p
}

func partly() Probe {
	p := ladder(probe.Limit{State: probe.LimitNone, Longest: 250 * time.Second}, rungOf(250*time.Second, probe.Alive, answered),
		rungOf(340*time.Second, probe.Refused, `too many connections: the server said "Too many simultaneous connections. (Failure)"`),
		rungOf(360*time.Second, probe.Dirty, `the server spoke unasked after 120 s idle: "* OK Still here"`),
		rungOf(620*time.Second, probe.Unknown, "interrupted after 300 s idle"))
	p.Rungs[2].Trace.Quiet, p.Rungs[3].Trace.Quiet, p.Interrupted = 120*time.Second, 300*time.Second, true
	p.Interval = 5 * time.Minute
	return p
}

func unclear() Probe {
	return ladder(probe.Limit{State: probe.LimitUnclear, High: 60 * time.Second, Kind: probe.Closed,
		Why: "one died after 60 s idle, and another lived for 90 s: it is not the idle time alone, or there is more than one way to the server"},
		rungOf(60*time.Second, probe.Closed, "closed by the other side (FIN) after 60 s idle, unasked"), rungOf(90*time.Second, probe.Alive, answered))
}

func unmeasured() Probe {
	return ladder(probe.Limit{State: probe.LimitUnknown, Why: "no connection was measured"},
		rungOf(60*time.Second, probe.Outage, "ECONNRESET after 30 s idle, and a fresh connection failed as well"))
}

func beating(kind probe.Kind, why string) Probe {
	p := ladder(probe.Limit{})
	beat := armOf(probe.Nudged, time.Hour, 90*time.Second, kind, why)
	beat.Trace.Beats, beat.Trace.Drift = 40, 4*time.Millisecond
	p.Heartbeat = &beat
	return p
}

func expecting() Probe {
	p := ladder(probe.Limit{})
	p.Expectations = []Expectation{
		{Alive: true, Idle: 10 * time.Minute, Met: pointer(true), Why: "a connection lived for 10m0.2s, answered in 21 ms"},
		{Idle: 20 * time.Minute, Met: pointer(false), Why: "a connection lived for 20m0.2s, answered in 21 ms"},
		{Alive: true, Idle: 30 * time.Minute, Why: "it was not measured"},
	}
	return p
}

func overHTTP(limit probe.Limit, last probe.Kind) Probe {
	p := ladder(limit, rungOf(55*time.Second, probe.Alive, answered), rungOf(65*time.Second, last, "x"))
	p.Protocol, p.Request, p.Lab, p.TLS = "HTTP", "GET /", "none", "TLS 1.2"
	p.Interval, p.Settings = 20*time.Second, []probe.Setting{{Client: "Go http.Transport", Text: "IdleConnTimeout: 20 * time.Second"}}
	return p
}

func TestProbeText(t *testing.T) {
	t.Parallel()
	wide, ascii := Style{Wide: true, Width: 100}, Style{Width: 60}
	for _, test := range []struct {
		name  string
		probe Probe
		style Style
		want  string
	}{
		{"everything", onUse(), wide, `
imap.example.org (203.0.113.7:993), TLS 1.3, logged in, TCP keepalive off, NOOP after each idle
  time

     idle  ● alive   ✗ dead   ? not measured
     55 s  ─●
    250 s  ────────●
    590 s  ───────────────────●
    598 s  ───────────────────●
    605 s  ───────────────────✗   reset-on-use: ECONNRESET 21 ms after the request was sent
    617 s  ───────────────────✗   reset-on-use: ECONNRESET 21 ms after the request was sent
    620 s  ────────────────────✗  reset-on-use: ECONNRESET 21 ms after the request was sent

dies between 597 s and 606 s idle: silently; the next NOOP is answered with a reset (ECONNRESET)
who: a different box, about 2 hops nearer (TTL 62 against 115 of the data packets)
arms at 617 s: silent ✗, TCP keepalive every 120 s ●, NOOP every 120 s ●
  -> a flow table (NAT, firewall, load balancer of layer 4), not a proxy: TCP keepalive helps as
     well
candidates: 1. Google Cloud VPC connection tracking: 600 s lies in the bracket of 598 s to 605 s;
            this VM runs there
            2. nginx stream: 600 s lies in the bracket of 598 s to 605 s
fix: send a NOOP every 4 min while the connection is idle
  ImapFlow: maxIdleTime: 240000
  Go emersion/go-imap v2: client.Noop().Wait() every 240 * time.Second; its Idle() begins anew
      after 28 min only, so close it and call it again
`},
		{"everything, narrow", onUse(), ascii, `
imap.example.org (203.0.113.7:993), TLS 1.3, logged in,
  TCP keepalive off, NOOP after each idle time

     idle  o alive   x dead   ? not measured
     55 s  -o
    250 s  ----o
    590 s  -----------o
    598 s  -----------o
    605 s  -----------x   reset-on-use: ECONNRESET 21 ms
                          after the request was sent
    617 s  -----------x   reset-on-use: ECONNRESET 21 ms
                          after the request was sent
    620 s  ------------x  reset-on-use: ECONNRESET 21 ms
                          after the request was sent

dies between 597 s and 606 s idle: silently; the next NOOP
     is answered with a reset (ECONNRESET)
who: a different box, about 2 hops nearer (TTL 62 against
     115 of the data packets)
arms at 617 s: silent x, TCP keepalive every 120 s o,
  NOOP every 120 s o
  -> a flow table (NAT, firewall, load balancer of layer 4),
     not a proxy: TCP keepalive helps as well
candidates: 1. Google Cloud VPC connection tracking: 600 s
            lies in the bracket of 598 s to 605 s; this VM
            runs there
            2. nginx stream: 600 s lies in the bracket of
            598 s to 605 s
fix: send a NOOP every 4 min while the connection is idle
  ImapFlow: maxIdleTime: 240000
  Go emersion/go-imap v2: client.Noop().Wait() every
      240 * time.Second; its Idle() begins anew after 28 min
      only, so close it and call it again
`},
		{"at expiry, packets not watched, none lived", atExpiry(), wide, `
imap.example.org (203.0.113.7:993), no TLS, not logged in, TCP keepalive off, NOOP after each idle
  time

     idle  ● alive   ✗ dead   ? not measured
     90 s  ─────────────✗         reset-at-expiry: ECONNRESET after 60 s idle, unasked

dies within 61 s idle: a reset comes while it is idle (ECONNRESET)
who: the packets were not watched (open packet socket: operation not permitted), so which machine
     sent the reset is not known; that takes Linux and root's rights (CAP_NET_RAW)
candidates: no box that vmguard knows has this limit by default (docs/timeouts.md); --timeouts adds
            your own
note: without a login the server's own timer ends the connections, often after 60 to 180 s: what is
      measured may be that; --user logs in
`},
		{"no limit", lives(), wide, `
imap.example.org (203.0.113.7:993), no TLS, TCP keepalive off, NOOP after each idle time

     idle  ● alive   ✗ dead   ? not measured
    620 s  ────────────────────●

lives: no idle limit up to 620 s; a longer one may be there
to be safe: send a NOOP every 5 min while the connection is idle
  ImapFlow: maxIdleTime: 240000
`},
		{"no limit, not all measured", partly(), wide, `
imap.example.org (203.0.113.7:993), no TLS, TCP keepalive off, NOOP after each idle time

     idle  ● alive   ✗ dead   ? not measured
    250 s  ────────●
    340 s  ?                      refused: too many connections: the server said "Too many
                                  simultaneous connections. (Failure)"
    360 s  ───?                   dirty: the server spoke unasked after 120 s idle: "* OK Still
                                  here"
    620 s  ─────────?             unknown: interrupted after 300 s idle

lives: no idle limit up to 250 s; a longer one may be there
not measured: 3 of 4 connections; the chart says why
to be safe: send a NOOP every 5 min while the connection is idle
`},
		{"unclear", unclear(), ascii, `
imap.example.org (203.0.113.7:993), no TLS, TCP keepalive
  off, NOOP after each idle time

     idle  o alive   x dead   ? not measured
     60 s  --------x      closed: closed by the other side
                          (FIN) after 60 s idle, unasked
     90 s  ------------o

unclear: one died after 60 s idle, and another lived for
         90 s: it is not the idle time alone, or there is
         more than one way to the server
`},
		{"nothing measured", unmeasured(), ascii, `
imap.example.org (203.0.113.7:993), no TLS, TCP keepalive
  off, NOOP after each idle time

     idle  o alive   x dead   ? not measured
     60 s  ------------?  outage: ECONNRESET after 30 s
                          idle, and a fresh connection
                          failed as well

not measured: no connection was measured
`},
		{"a heartbeat survived", beating(probe.Alive, "40 heartbeats answered"), wide, `
imap.example.org (203.0.113.7:993), no TLS, TCP keepalive off
heartbeat: a NOOP every 90 s for 3600 s: survived, 40 answered, at most 4 ms late
`},
		{"a heartbeat died", beating(probe.BlackHole, "no answer within 10 s: sent 6 times, never acknowledged"), ascii, `
imap.example.org (203.0.113.7:993), no TLS, TCP keepalive
  off
heartbeat: a NOOP every 90 s for 3600 s: black-hole: no
           answer within 10 s: sent 6 times, never
           acknowledged; 40 answered before
`},
		{"expectations", expecting(), wide, `
imap.example.org (203.0.113.7:993), no TLS
✓ expected alive after 600 s: a connection lived for 10m0.2s, answered in 21 ms
✗ expected dead after 1200 s: a connection lived for 20m0.2s, answered in 21 ms
? expected alive after 1800 s: it was not measured
`},
		{"expectations, narrow", expecting(), ascii, `
imap.example.org (203.0.113.7:993), no TLS
ok   expected alive after 600 s: a connection lived for
     10m0.2s, answered in 21 ms
FAIL expected dead after 1200 s: a connection lived for
     20m0.2s, answered in 21 ms
??   expected alive after 1800 s: it was not measured
`},
		{"HTTP", overHTTP(probe.Limit{State: probe.LimitFound, Low: 59 * time.Second, High: 61 * time.Second, Kind: probe.Closed}, probe.Closed), wide, `
imap.example.org (203.0.113.7:993), TLS 1.2, TCP keepalive off, GET / after each idle time

     idle  ● alive   ✗ dead   ? not measured
     55 s  ────────────────●
     65 s  ────────────────────✗  closed: x

dies between 59 s and 61 s idle: the other side closes it (FIN), which a program reads as the end of
     the stream
fix: let the client reuse a connection for less than 59 s after its last request; and where this is
     your own server or proxy, its keep-alive should exceed the idle time of what stands before it
     (a load balancer's 600 s: 620 s), now it is about 61 s
  Go http.Transport: IdleConnTimeout: 20 * time.Second
`},
		{"HTTP, no limit", overHTTP(probe.Limit{State: probe.LimitNone, Longest: 65 * time.Second}, probe.Alive), wide, `
imap.example.org (203.0.113.7:993), TLS 1.2, TCP keepalive off, GET / after each idle time

     idle  ● alive   ✗ dead   ? not measured
     55 s  ────────────────●
     65 s  ────────────────────●

lives: no idle limit up to 65 s; a longer one may be there
`},
	} {
		got := probeText(t, test.probe, test.style, false)
		if diff := cmp.Diff(strings.TrimPrefix(test.want, "\n"), got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", test.name, diff)
		}
	}
}

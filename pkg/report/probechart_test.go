package report

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/packet"
	"vmguard/pkg/probe"
)

// chartOf draws the chart of some rungs.
func chartOf(style Style, detail bool, rungs ...probe.Rung) string {
	b := probePage{Probe: ladder(probe.Limit{}, rungs...), style: style, detail: detail}
	b.chart()
	return b.String()
}

// many is a ladder of 256 rungs that die from 200 s on; two of them were not measured.
func many() []probe.Rung {
	var rungs []probe.Rung
	for i := range 256 {
		r := rungOf(time.Duration(i+1)*time.Second, probe.Alive, answered)
		switch {
		case i == 99 || i == 100:
			r = rungOf(r.Trace.Idle, probe.LoginRefused, `the server said "no"`)
		case i >= 199:
			r = rungOf(r.Trace.Idle, probe.ResetOnUse, wasReset)
		}
		rungs = append(rungs, r)
	}
	return rungs
}

// explained is a rung with all that is known of it.
func explained() probe.Rung {
	r := rungOf(620*time.Second, probe.ResetOnUse, wasReset)
	r.Trace.Local = netip.MustParseAddrPort("198.51.100.2:40312")
	r.Trace.TCP = &probe.TCPInfo{State: "close", RTT: 21300 * time.Microsecond, Unacked: 1, TotalRetrans: 2}
	r.Trace.Reset = &packet.Evidence{Origin: packet.FromBox, Words: byBox, Why: byBoxTTL}
	r.Trace.Control = probe.ControlOK
	return r
}

func TestChart(t *testing.T) {
	t.Parallel()
	wide, ascii := Style{Wide: true, Width: 100}, Style{Width: 60}
	at := func(quiet time.Duration, r probe.Rung) probe.Rung { r.Trace.Quiet = quiet; return r }
	ends := []probe.Rung{
		at(30*time.Second, rungOf(60*time.Second, probe.Bye, `the server said "bye" after 30 s idle`)),
		rungOf(50*time.Millisecond, probe.BlackHole, "no answer within 10 s: sent 6 times, never acknowledged"),
		rungOf(1500*time.Millisecond, probe.SlowServer, "no answer within 10 s, though the request was acknowledged"),
		rungOf(30*time.Second, probe.Refused, "ECONNREFUSED while it was being opened (dial), and others are served"),
		rungOf(60*time.Second, probe.Alive, answered),
	}
	for _, test := range []struct {
		name   string
		style  Style
		detail bool
		rungs  []probe.Rung
		want   string
	}{
		{"each kind of end", wide, false, ends, `
     idle  ● alive   ✗ dead   ? not measured
    50 ms  ✗                      black-hole: no answer within 10 s: sent 6 times, never
                                  acknowledged
    1.5 s  ?                      slow-server: no answer within 10 s, though the request was
                                  acknowledged
     30 s  ?                      refused: ECONNREFUSED while it was being opened (dial), and others
                                  are served
     60 s  ──────────✗            bye: the server said "bye" after 30 s idle
     60 s  ────────────────────●
`},
		{"256 rungs", wide, false, many(), `
     idle  ● alive   ✗ dead   ? not measured
      1 s  ●
      2 s  ●
      3 s  ●
      ...  93 more of the same, from 4 s to 96 s
     97 s  ───────●
     98 s  ───────●
     99 s  ───────●
    100 s  ?                      login-refused: the server said "no"
    101 s  ?                      login-refused: the server said "no"
    102 s  ───────●
    103 s  ────────●
    104 s  ────────●
      ...  92 more of the same, from 105 s to 196 s
    197 s  ───────────────●
    198 s  ───────────────●
    199 s  ───────────────●
    200 s  ───────────────✗       reset-on-use: ECONNRESET 21 ms after the request was sent
    201 s  ───────────────✗       reset-on-use: ECONNRESET 21 ms after the request was sent
    202 s  ───────────────✗       reset-on-use: ECONNRESET 21 ms after the request was sent
      ...  51 more of the same, from 203 s to 253 s
    254 s  ───────────────────✗   reset-on-use: ECONNRESET 21 ms after the request was sent
    255 s  ───────────────────✗   reset-on-use: ECONNRESET 21 ms after the request was sent
    256 s  ────────────────────✗  reset-on-use: ECONNRESET 21 ms after the request was sent
`},
		{"no ladder is too short", ascii, false, many()[:1], `
     idle  o alive   x dead   ? not measured
      1 s  ------------o
`},
		{"details", wide, true, []probe.Rung{rungOf(time.Minute, probe.Alive, answered), explained()}, `
     idle  ● alive   ✗ dead   ? not measured
     60 s  ─●                     alive: answered in 21 ms
    620 s  ────────────────────✗  reset-on-use: ECONNRESET 21 ms after the request was sent; from
                                  port 40312; TCP close, round trip 21 ms, unacknowledged 1, sent
                                  again 2; the reset: a different box, about 2 hops nearer (TTL 62
                                  against 115 of the data packets); a fresh connection right after:
                                  ok
`},
		{"details, narrow", ascii, true, []probe.Rung{explained()}, `
     idle  o alive   x dead   ? not measured
    620 s  ------------x  reset-on-use: ECONNRESET 21 ms
                          after the request was sent; from
                          port 40312; TCP close, round trip
                          21 ms, unacknowledged 1, sent
                          again 2; the reset: a different
                          box, about 2 hops nearer (TTL 62
                          against 115 of the data packets);
                          a fresh connection right after: ok
`},
	} {
		got := chartOf(test.style, test.detail, test.rungs...)
		if diff := cmp.Diff(strings.TrimPrefix(test.want, "\n"), got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", test.name, diff)
		}
	}
}

// A chart that is wanted in detail leaves no connection out.
func TestChartInDetailIsWhole(t *testing.T) {
	t.Parallel()
	if got := strings.Count(chartOf(Style{Width: 200}, true, many()...), "\n"); got != 1+256 {
		t.Errorf("%d lines", got)
	}
}

// Whatever the ladder, no line is longer than the terminal, each rung is drawn or counted, and no row's mark leaves the chart.
func FuzzChart(f *testing.F) {
	f.Add([]byte{1, 0, 2, 1, 3, 2, 255, 3}, uint8(100), false)
	f.Add([]byte(strings.Repeat("\x01\x00", 100)), uint8(60), true)
	f.Fuzz(func(t *testing.T, data []byte, width uint8, wide bool) {
		if width < 60 || len(data) < 2 {
			return
		}
		var rungs []probe.Rung
		for i := 0; i+1 < len(data); i += 2 {
			kinds := probe.Kinds()
			idle := time.Duration(data[i])*time.Second + time.Millisecond
			rungs = append(rungs, rungOf(idle, kinds[int(data[i+1])%len(kinds)], "x"))
		}
		got := chartOf(Style{Width: int(width), Wide: wide}, false, rungs...)
		counted := 0
		for line := range strings.Lines(got) {
			var folded int
			if strings.Contains(line, "more of the same") {
				if _, err := fmt.Sscanf(line, " ... %d", &folded); err != nil {
					t.Fatal(err)
				}
			} else if strings.TrimSpace(line[:labelColumns]) != "" {
				folded = 1
			}
			counted += folded
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > int(width) {
				t.Fatalf("%d columns of %d: %q", n, width, line)
			}
		}
		if counted != 1+len(rungs) {
			t.Fatalf("%d rungs drawn or counted, want %d:\n%s", counted-1, len(rungs), got)
		}
	})
}

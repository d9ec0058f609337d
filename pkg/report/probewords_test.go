package report

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"vmguard/pkg/probe"
)

func TestSpelled(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		d                  time.Duration
		floor, about, ceil string
	}{
		{-time.Second, "0 s", "0 s", "0 s"},
		{0, "0 s", "0 s", "0 s"},
		{400 * time.Microsecond, "0 s", "0 s", "1 ms"},
		{570 * time.Millisecond, "570 ms", "570 ms", "570 ms"}, // which no binary fraction is
		{999600 * time.Microsecond, "999 ms", "1 s", "1 s"},
		{1100 * time.Millisecond, "1.1 s", "1.1 s", "1.1 s"},
		{3560 * time.Millisecond, "3.5 s", "3.6 s", "3.6 s"},
		{4 * time.Second, "4 s", "4 s", "4 s"},
		{9970 * time.Millisecond, "9.9 s", "10 s", "10 s"},
		{59500 * time.Millisecond, "59 s", "60 s", "60 s"},
		{600*time.Second + 1, "600 s", "600 s", "601 s"},
		{7 * 24 * time.Hour, "604800 s", "604800 s", "604800 s"},
	} {
		if got := []string{floor(test.d), about(test.d), ceil(test.d)}; got[0] != test.floor || got[1] != test.about || got[2] != test.ceil {
			t.Errorf("%v: got %q", test.d, got)
		}
	}
}

// spelledOut reads what spelled wrote.
func spelledOut(t *testing.T, text string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// FuzzSpelled: rounding never makes a bracket narrower, changes nothing by more than a unit, and keeps the order of lengths.
func FuzzSpelled(f *testing.F) {
	for _, n := range []int64{-1, 0, 1, 999_500_000, 1_100_000_000, 9_950_000_000, 600_000_000_001} {
		f.Add(n, n+1)
	}
	f.Fuzz(func(t *testing.T, n, m int64) {
		const most = int64(math.MaxInt64 / 2)
		if n < -most || n > most || m < -most || m > most {
			return
		}
		d, longer := time.Duration(min(n, m)), time.Duration(max(n, m))
		low, mid, high := spelledOut(t, floor(d)), spelledOut(t, about(d)), spelledOut(t, ceil(d))
		exact := max(d, 0)
		if low > exact || high < exact || mid < low || mid > high {
			t.Fatalf("%v: %v, %v, %v", d, low, mid, high)
		}
		if unit := max(exact/10, time.Millisecond); exact-low > unit || high-exact > unit {
			t.Fatalf("%v: %v to %v is too wide", d, low, high)
		}
		if spelledOut(t, floor(longer)) < low || spelledOut(t, ceil(longer)) < high {
			t.Fatalf("%v is spelled longer than %v", d, longer)
		}
	})
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "below 0.1 ms", 37 * time.Microsecond: "below 0.1 ms", 100 * time.Microsecond: "0.1 ms", 2345 * time.Microsecond: "2.3 ms", 21300 * time.Microsecond: "21 ms",
	} {
		if got := roundTrip(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}

func TestTogether(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"after 60_s idle", "590_s, 5_min; (3_ms) 2_h.", "in 5 places s", "no s", "", " s 1", "1  s", "port 4 send",
	} {
		plain := strings.ReplaceAll(text, "_", " ")
		if got := strings.ReplaceAll(together(plain), noBreak, "_"); got != text {
			t.Errorf("got %q, want %q", got, text)
		}
	}
}

func TestKindWords(t *testing.T) {
	t.Parallel()
	said := map[string]probe.Kind{}
	for _, k := range probe.Kinds() {
		words := kindWords(k, "NOOP")
		if before, twice := said[words]; twice {
			t.Errorf("%s and %s read alike", k, before)
		}
		said[words] = k
		if k.Dead() == (words == string(k)) {
			t.Errorf("%s: %q", k, words)
		}
	}
}

func TestArmsWords(t *testing.T) {
	t.Parallel()
	silent := armOf(probe.Silent, time.Minute, 0, probe.ResetOnUse, wasReset)
	keepalive := armOf(probe.Keepalive, time.Minute, 15*time.Second, probe.Alive, answered)
	nudged := armOf(probe.Nudged, time.Minute, 15*time.Second, probe.Closed, "closed by the other side (FIN)")
	refused := armOf(probe.Keepalive, time.Minute, 15*time.Second, probe.Refused, "ECONNREFUSED")
	for i, test := range []struct {
		say  probe.ArmsSay
		arms []probe.Rung
		want string
	}{
		{probe.ArmsFlowTable, nil, "a flow table (NAT"},
		{probe.ArmsProxyOrServer, nil, "only a NOOP helps"},
		{probe.ArmsSessionCap, nil, "nothing keeps it alive"},
		{probe.ArmsNotReproduced, nil, "lived this time"},
		{probe.ArmsUnknown, []probe.Rung{silent, refused, nudged}, "cannot tell: the arm TCP keepalive every 15 s was not measured (refused: ECONNREFUSED)"},
		{probe.ArmsUnknown, []probe.Rung{silent, nudged}, "cannot tell: TCP keepalive was not tried"},
		{probe.ArmsUnknown, []probe.Rung{silent, keepalive, nudged}, "cannot tell: TCP keepalive helped and the NOOP did not"},
	} {
		if got := armsWords(test.say, test.arms, "NOOP"); !strings.Contains(got, test.want) {
			t.Errorf("%d, %s: got %q, want %q", i, test.say, got, test.want)
		}
	}
}

// Who sent a reset is said where packets tell it, where they could not be watched, and else not at all.
func TestWho(t *testing.T) {
	t.Parallel()
	box, server := evidence("box", byBox), evidence("server", "same origin as the server")
	doubt := evidence("cannot-tell", "cannot tell")
	for _, test := range []struct {
		name    string
		rungs   []probe.Rung
		missing string
		want    string
		watched bool
	}{
		{"nothing was reset", []probe.Rung{rungOf(time.Minute, probe.Closed, "x")}, noPackets, "", false},
		{"nobody asked", []probe.Rung{rungOf(time.Minute, probe.ResetOnUse, "x")}, "", "", false},
		{"nothing was seen", []probe.Rung{rungOf(time.Minute, probe.ResetOnUse, "x")}, "", "cannot tell: no reset was seen among the packets from the server's address", true},
		{"not watched", []probe.Rung{rungOf(time.Minute, probe.ResetAtExpiry, "x")}, "x", "the packets were not watched (x), so which machine sent the reset is not known; that takes Linux and root's rights (CAP_NET_RAW)", false},
		{"a box", []probe.Rung{box}, "", byBox + " (because)", true},
		{"one tells, one does not", []probe.Rung{doubt, server}, "", "same origin as the server (because)", true},
		{"one does not tell, after one that did", []probe.Rung{box, doubt, box}, "", byBox + " (because)", true},
		{"none tells", []probe.Rung{doubt, doubt}, "", "cannot tell (because)", true},
		{"they disagree", []probe.Rung{box, server}, "", fmt.Sprintf("the resets do not agree: %s (because), and same origin as the server (because)", byBox), true},
	} {
		b := probePage{Probe: ladder(probe.Limit{}, test.rungs...), style: Style{Width: 1000}}
		b.NoPackets, b.Watched = test.missing, test.watched
		b.who()
		want := ""
		if test.want != "" {
			want = "who: " + test.want + "\n"
		}
		if got := b.String(); got != want {
			t.Errorf("%s: got %q, want %q", test.name, got, want)
		}
	}
}

package report

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/packet"
	"vmguard/pkg/probe"
)

// evidence is a rung that was reset, with what its packets say.
func evidence(origin packet.Origin, words string) probe.Rung {
	r := rungOf(time.Minute, probe.ResetOnUse, wasReset)
	r.Trace.Reset = &packet.Evidence{Origin: origin, Words: words, Why: "because"}
	return r
}

func TestProbeHead(t *testing.T) {
	t.Parallel()
	on := rungOf(time.Minute, probe.Alive, answered)
	on.Trace.KeepaliveOff = pointer(false)
	unasked := rungOf(time.Minute, probe.Alive, answered)
	unasked.Trace.KeepaliveOff = nil
	for _, test := range []struct {
		host, addr, container, tls string
		loggedIn                   *bool
		rungs                      []probe.Rung
		want                       string
	}{
		{"mail", "192.0.2.1:993", "", "TLS 1.3", pointer(true), nil, "mail (192.0.2.1:993), TLS 1.3, logged in"},
		{"192.0.2.1", "192.0.2.1:143", "", "", pointer(false), nil, "192.0.2.1:143, no TLS, not logged in"},
		{"2001:db8::1", "[2001:db8::1]:993", "", "", nil, nil, "[2001:db8::1]:993, no TLS"},
		{"1", "127.0.0.1:993", "", "", nil, nil, "1 (127.0.0.1:993), no TLS"},
		{"", "192.0.2.1:993", "web", "", nil, nil, "192.0.2.1:993, from inside the container web, no TLS"},
		{"", "192.0.2.1:80", "", "", nil, []probe.Rung{unasked}, "192.0.2.1:80, no TLS, NOOP after each idle time"},
		{"", "192.0.2.1:80", "", "", nil, []probe.Rung{unasked, on}, "192.0.2.1:80, no TLS, TCP keepalive on, which hides idle limits, NOOP after each idle time"},
	} {
		b := probePage{Probe: ladder(probe.Limit{}, test.rungs...), style: Style{Width: 1000}}
		b.Host, b.Addr, b.Container, b.TLS, b.LoggedIn = test.host, netip.MustParseAddrPort(test.addr), test.container, test.tls, test.loggedIn
		if got := b.head(); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

// Nobody needs advice for the lab, and a box that the table does not know is told as such elsewhere.
func TestProbeTextWithoutCandidates(t *testing.T) {
	t.Parallel()
	const none = "no box that vmguard knows"
	p := atExpiry()
	if got := probeText(t, p, Style{Width: 100}, false); !strings.Contains(got, none) {
		t.Errorf("got\n%s", got)
	}
	p.Lab = "reset-at-expiry"
	if got := probeText(t, p, Style{Width: 100}, false); strings.Contains(got, none) {
		t.Errorf("got\n%s", got)
	}
}

// Colours change neither the words nor where lines break.
func TestProbeTextColour(t *testing.T) {
	t.Parallel()
	for _, p := range []Probe{onUse(), partly(), expecting()} {
		for _, width := range []int{60, 78, 100} {
			for _, wide := range []bool{false, true} {
				plain := probeText(t, p, Style{Wide: wide, Width: width}, false)
				coloured := probeText(t, p, Style{Wide: wide, Width: width, Color: true}, false)
				if strings.Contains(plain, "\x1b") || !strings.Contains(coloured, "\x1b") {
					t.Errorf("width %d: colours where none are wanted, or none where they are", width)
				}
				if diff := cmp.Diff(plain, withoutColour(coloured)); diff != "" {
					t.Errorf("width %d (-plain +coloured)\n%s", width, diff)
				}
			}
		}
	}
	got := probeText(t, onUse(), Style{Wide: true, Color: true, Width: 100}, false)
	for _, want := range []string{"\x1b[1mdies \x1b[22m", "\x1b[32m●\x1b[0m", "\x1b[31m✗\x1b[0m", "\x1b[33m?\x1b[0m", "\x1b[2m─\x1b[22m", "silent \x1b[31m✗\x1b[0m,", "\x1b[1mcandidates: \x1b[22m"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%q", want, got)
		}
	}
}

// withoutColour takes the sequences that set colours out of a text.
func withoutColour(text string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "\x1b[")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		_, text, _ = strings.Cut(rest, "m")
	}
}

// hostile puts a text wherever a server, a box, a container's name or a file may bring one.
func hostile(evil string) Probe {
	p := onUse()
	p.Host, p.Container, p.Request, p.NoPackets = evil, evil, evil, evil
	p.Limit.State, p.Limit.Why = probe.LimitUnclear, evil
	for _, group := range [][]probe.Rung{p.Rungs, p.Refined, p.Arms} {
		for i := range group {
			r := &group[i]
			r.Verdict = probe.Verdict{Kind: probe.Unknown, Why: evil}
			r.Trace.Reset = &packet.Evidence{Origin: packet.FromBox, Words: evil, Why: evil}
			r.Trace.PushedText, r.Trace.End = evil, probe.End{Text: evil, Said: &probe.Said{Text: evil}}
		}
	}
	p.ArmsSay, p.Heartbeat = probe.ArmsUnknown, &p.Rungs[0]
	p.Candidates = []probe.Candidate{{Name: evil, Why: []string{evil}}}
	p.Settings = []probe.Setting{{Client: "x", Text: evil}}
	p.Expectations, p.Notes = []Expectation{{Why: evil}}, []string{evil}
	return p
}

// Whatever a server says, no terminal acts on it, no line begins with it, and it does not fill the screen.
func TestProbeTextHostile(t *testing.T) {
	t.Parallel()
	const lie = "lives: no idle limit"
	for _, evil := range []string{
		"x\x1b[2J\x1b]0;t\x07\n" + lie + "\r\n" + lie + "\u202e\u2066\u009b1A\u2028" + lie + "\x00\x01\u200b\ufeff\xff\u00a0\U000e0041 s",
		strings.Repeat("A", 10000), strings.Repeat("a ", 5000), strings.Repeat("\n", 10000), strings.Repeat("\u00a0", 10000),
	} {
		for _, style := range []Style{{Width: 60}, {Width: 100, Wide: true}, {Width: 4000}} {
			for _, detail := range []bool{false, true} {
				got := probeText(t, hostile(evil), style, detail)
				for _, r := range got {
					if r != '\n' && (hidden(r) || r < ' ' || !style.Wide && r > '~') {
						t.Fatalf("%q in\n%q", r, got)
					}
				}
				if n := utf8.RuneCountInString(got); n > 60000 {
					t.Errorf("%d characters of %.20q", n, evil)
				}
				for line := range strings.Lines(got) {
					if strings.HasPrefix(line, lie) {
						t.Errorf("a line of its own:\n%s", got)
					}
				}
			}
		}
		var doc bytes.Buffer
		if err := ProbeLine(&doc, hostile(evil)); err != nil {
			t.Fatal(err)
		}
		if strings.Count(doc.String(), "\n") != 1 {
			t.Errorf("more than one line: %q", doc.String())
		}
		for _, r := range doc.String() {
			if r != '\n' && hidden(r) {
				t.Errorf("%U in the document", r)
			}
		}
	}
}

func TestProbeTellsWriteErrors(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		ProbeText(fullDisk{}, onUse(), Style{Width: 100}, false), ProbeJSON(fullDisk{}, onUse()), ProbeLine(fullDisk{}, onUse()), ProbeEvent(fullDisk{}, probe.Event{}),
	} {
		if err == nil || !strings.Contains(err.Error(), "no space") {
			t.Errorf("got %v", err)
		}
	}
}

// The text leaves the result as it was: it is written as JSON as well.
func TestProbeTextChangesNothing(t *testing.T) {
	t.Parallel()
	p := overHTTP(probe.Limit{}, probe.Alive)
	p.Request = "GET /" + strings.Repeat("x", 1000)
	want := p.Request
	if text := probeText(t, p, Style{Width: 100}, false); strings.Contains(text, want) || p.Request != want {
		t.Errorf("not cut, or changed: %.100s", p.Request)
	}
}

package probe

import (
	"maps"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// errno is an end by an error number.
func errno(n syscall.Errno) End { return End{Errno: n, ErrnoName: errnoName(n), Text: n.Error()} }

func saying(what What, text string) End { return End{Said: &Said{what, text}, Text: text} }

func TestClassify(t *testing.T) {
	t.Parallel()
	const idle = 600 * time.Second
	unacked := &TCPInfo{State: "established", Unacked: 1, Retransmits: 5}
	acked := &TCPInfo{State: "established"}
	for name, c := range map[string]struct {
		trace Trace
		want  Kind
		why   string
	}{
		"answered":            {Trace{Phase: PhaseDone, Took: 21 * time.Millisecond}, Alive, "answered in 21 ms"},
		"heartbeats answered": {Trace{Phase: PhaseDone, Arm: Nudged, Beats: 30}, Alive, "30 heartbeats answered"},

		"an RST while idle":       {Trace{Phase: PhaseIdle, End: errno(syscall.ECONNRESET), Quiet: idle, Control: ControlOK}, ResetAtExpiry, "ECONNRESET after 600 s idle, unasked"},
		"an RST before the write": {Trace{Phase: PhaseNudge, End: errno(syscall.ECONNRESET), Control: ControlOK}, ResetAtExpiry, "ECONNRESET before the request could be sent"},
		"a broken pipe":           {Trace{Phase: PhaseNudge, End: errno(syscall.EPIPE), Control: ControlOK}, ResetAtExpiry, "EPIPE before"},
		"an RST to the request":   {Trace{Phase: PhaseNudge, Sent: true, End: errno(syscall.ECONNRESET), Took: 21 * time.Millisecond, Control: ControlOK}, ResetOnUse, "ECONNRESET 21 ms after the request was sent"},
		"an RST, no control":      {Trace{Phase: PhaseNudge, Sent: true, End: errno(syscall.ECONNRESET)}, ResetOnUse, ""},

		"FIN while idle":      {Trace{Phase: PhaseIdle, End: End{EOF: true}, Quiet: 60 * time.Second, Control: ControlOK}, Closed, "the other side's FIN after 60 s idle, unasked"},
		"close_notify":        {Trace{Phase: PhaseIdle, End: End{EOF: true, CloseNotify: true}, Control: ControlOK}, Closed, "close_notify"},
		"FIN to the request":  {Trace{Phase: PhaseNudge, Sent: true, End: End{EOF: true}, Control: ControlOK}, Closed, "after the request was sent"},
		"a farewell":          {Trace{Phase: PhaseIdle, End: saying(SaidBye, "Disconnected for inactivity."), Pushed: 40, Quiet: 180 * time.Second}, Bye, `"Disconnected for inactivity." after 180 s idle`},
		"a farewell in reply": {Trace{Phase: PhaseNudge, Sent: true, End: saying(SaidBye, "Autologout")}, Bye, `"Autologout" to the request`},

		"sent again and again":     {Trace{Phase: PhaseNudge, Sent: true, End: End{Timeout: true}, TCP: unacked, Took: 10 * time.Second, Control: ControlOK}, BlackHole, "no answer within 10.0 s: sent again 5 times, never acknowledged"},
		"the kernel gave up":       {Trace{Phase: PhaseNudge, Sent: true, End: errno(syscall.ETIMEDOUT), Control: ControlOK}, BlackHole, "gave up"},
		"keepalive not answered":   {Trace{Phase: PhaseIdle, Arm: Keepalive, End: errno(syscall.ETIMEDOUT), Control: ControlOK}, BlackHole, "keepalive probes"},
		"acknowledged, no answer":  {Trace{Phase: PhaseNudge, Sent: true, End: End{Timeout: true}, TCP: acked, Control: ControlOK}, SlowServer, "acknowledged"},
		"no tcp_info":              {Trace{Phase: PhaseNudge, Sent: true, End: End{Timeout: true}, Control: ControlOK}, Unknown, "not known here"},
		"too little patience":      {Trace{Phase: PhaseNudge, Sent: true, End: End{Timeout: true}, TCP: &TCPInfo{Unacked: 1}, Control: ControlOK}, Unknown, "not sent again"},
		"nothing sent, no answer":  {Trace{Phase: PhaseNudge, End: End{Timeout: true}, TCP: acked, Control: ControlOK}, Unknown, ""},
		"an ICMP error":            {Trace{Phase: PhaseNudge, Sent: true, End: errno(syscall.EHOSTUNREACH), Control: ControlOK}, Unknown, "EHOSTUNREACH"},
		"something else":           {Trace{Phase: PhaseNudge, Sent: true, End: End{Text: "tls: bad record MAC"}, Control: ControlOK}, Unknown, "bad record MAC"},
		"nonsense in reply":        {Trace{Phase: PhaseNudge, Sent: true, End: saying(SaidStrange, "a line of more than 16 KiB")}, Unknown, "16 KiB"},
		"an ICMP error while idle": {Trace{Phase: PhaseIdle, End: errno(syscall.EHOSTUNREACH), Control: ControlOK}, Unknown, "EHOSTUNREACH after"},

		"the server spoke":         {Trace{Phase: PhaseIdle, Pushed: 15, PushedText: "* OK Still here\r\n", End: End{Text: errDirty.Error()}, Quiet: 2 * time.Minute}, Dirty, `after 120 s idle: "* OK Still here`},
		"it spoke, then cut":       {Trace{Phase: PhaseIdle, Pushed: 15, End: errno(syscall.ECONNRESET), Control: ControlOK}, Dirty, ""},
		"too many":                 {Trace{Phase: PhaseOpen, End: saying(SaidTooMany, "Maximum number of connections exceeded")}, Refused, "Maximum number"},
		"too many, said late":      {Trace{Phase: PhaseNudge, Sent: true, End: saying(SaidTooMany, "User is authenticated but not connected.")}, Refused, "not connected"},
		"a farewell as greeting":   {Trace{Phase: PhaseGreet, End: saying(SaidBye, "go away")}, Refused, "at once"},
		"cut while opened":         {Trace{Phase: PhaseGreet, End: errno(syscall.ECONNRESET), Control: ControlOK}, Refused, "others are served"},
		"closed while opened":      {Trace{Phase: PhaseTLS, End: End{EOF: true}, Control: ControlOK}, Refused, "(tls)"},
		"cut, control not made":    {Trace{Phase: PhaseGreet, End: errno(syscall.ECONNRESET)}, Unknown, "ECONNRESET while it was being opened (greet)"},
		"no greeting":              {Trace{Phase: PhaseGreet, End: End{Timeout: true}, Control: ControlOK}, Unknown, "no answer while"},
		"unfit":                    {Trace{Phase: PhaseOpen, End: saying(SaidUnfit, "login is disabled")}, Unknown, "login is disabled"},
		"wrong password":           {Trace{Phase: PhaseOpen, End: saying(SaidNoLogin, "[AUTHENTICATIONFAILED]")}, LoginRefused, "AUTHENTICATIONFAILED"},
		"all is down":              {Trace{Phase: PhaseNudge, Sent: true, End: errno(syscall.ECONNRESET), Control: ControlFailed}, Outage, "ECONNRESET, and a fresh connection failed as well"},
		"down while idle":          {Trace{Phase: PhaseIdle, End: End{EOF: true}, Control: ControlFailed}, Outage, ""},
		"down while opened":        {Trace{Phase: PhaseDial, End: errno(syscall.ECONNREFUSED), Control: ControlFailed}, Outage, ""},
		"slept, then reset":        {Trace{Phase: PhaseNudge, Sent: true, End: errno(syscall.ECONNRESET), Suspended: time.Hour, Control: ControlOK}, ClockSuspended, "slept for 3600 s"},
		"slept, then answered":     {Trace{Phase: PhaseDone, Suspended: 2 * time.Second}, ClockSuspended, ""},
		"a moment between clocks":  {Trace{Phase: PhaseDone, Suspended: 20 * time.Millisecond}, Alive, ""},
		"interrupted":              {Trace{Phase: PhaseIdle, End: End{Canceled: true}, Quiet: time.Minute}, Unknown, "interrupted after 60 s idle"},
		"too many files":           {Trace{Phase: PhaseDial, End: errno(syscall.EMFILE), Control: ControlFailed}, Unknown, "EMFILE on this machine"},
		"not seen":                 {Trace{Phase: PhaseIdle}, Unknown, "not seen"},
		"a server that quotes ESC": {Trace{Phase: PhaseOpen, End: saying(SaidTooMany, "\x1b[31m"+strings.Repeat("x", 1000))}, Refused, `"\x1b[31mxxx`},
	} {
		t.Run(name, func(t *testing.T) {
			got := Classify(c.trace)
			if got.Kind != c.want || !strings.Contains(got.Why, c.why) || got.Why == "" || len(got.Why) > 400 {
				t.Errorf("got %+v, want %s and %q in it", got, c.want, c.why)
			}
		})
	}
}

// TestKinds holds that a kind is dead or not, and that none is named twice.
func TestKinds(t *testing.T) {
	t.Parallel()
	names := map[Kind]bool{}
	dead := 0
	for _, k := range Kinds() {
		names[k] = true
		if k.Dead() {
			dead++
		}
	}
	if len(names) != len(Kinds()) || dead != 5 {
		t.Errorf("%d of %v are dead", dead, slices.Collect(maps.Keys(names)))
	}
}

// FuzzClassify holds that every trace has a verdict that is one of the kinds, with a short reason, and that only an answer makes it alive.
func FuzzClassify(f *testing.F) {
	f.Add(uint8(5), uint16(104), uint8(0), true, uint8(1), "bye", int64(time.Second))
	f.Fuzz(func(t *testing.T, phase uint8, n uint16, flags uint8, sent bool, control uint8, text string, quiet int64) {
		phases := []Phase{PhaseDial, PhaseTLS, PhaseGreet, PhaseOpen, PhaseIdle, PhaseNudge, PhaseDone}
		whats := []What{SaidBye, SaidTooMany, SaidNoLogin, SaidUnfit, SaidStrange}
		trace := Trace{Phase: phases[int(phase)%len(phases)], Sent: sent, Quiet: time.Duration(quiet), Control: []Control{"", ControlOK, ControlFailed}[control%3]}
		switch flags % 5 {
		case 0:
			trace.End = errno(syscall.Errno(n % 134))
		case 1:
			trace.End = End{EOF: true, CloseNotify: n%2 == 0}
		case 2:
			trace.End, trace.TCP = End{Timeout: true}, &TCPInfo{Unacked: uint32(n % 3), Retransmits: uint8(n % 5)}
		case 3:
			trace.End = saying(whats[int(n)%len(whats)], text)
		}
		got := Classify(trace)
		if !slices.Contains(Kinds(), got.Kind) || got.Why == "" || len(got.Why) > 1000+len(text) {
			t.Fatalf("%+v: %+v", trace, got)
		}
		if (got.Kind == Alive) != (trace.Phase == PhaseDone) {
			t.Fatalf("%+v: %+v", trace, got)
		}
		if got.Kind.Dead() && trace.Control == ControlFailed {
			t.Fatalf("an outage is called %+v", got)
		}
	})
}

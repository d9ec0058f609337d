package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"vmguard/pkg/probe"
)

// kindWords says how a connection dies, in words for those who do not know TCP's.
func kindWords(k probe.Kind, request string) string {
	switch k {
	case probe.ResetAtExpiry:
		return "a reset comes while it is idle (ECONNRESET)"
	case probe.ResetOnUse:
		return "silently; the next " + request + " is answered with a reset (ECONNRESET)"
	case probe.Closed:
		return "the other side closes it (FIN), which a program reads as the end of the stream"
	case probe.Bye:
		return "the server says why (BYE), and closes it"
	case probe.BlackHole:
		return "silently; what is sent vanishes, and a program without a time limit of its own waits for about 15 minutes"
	}
	return string(k)
}

// Seconds spells a time as reports do: "3.5 s", "590 s".
func Seconds(d time.Duration) string { return about(d) }

// armsWords says what the arms say together.
func armsWords(say probe.ArmsSay, arms []probe.Rung, request string) string {
	switch say {
	case probe.ArmsFlowTable:
		return "a flow table (NAT, firewall, load balancer of layer 4), not a proxy: TCP keepalive helps as well"
	case probe.ArmsProxyOrServer:
		return "a proxy or the server itself: only a " + request + " helps, TCP keepalive does not"
	case probe.ArmsSessionCap:
		return "a cap on the session's age: nothing keeps it alive, so reconnect in time"
	case probe.ArmsNotReproduced:
		return "the silent connection lived this time: the limit did not show again"
	}
	return "cannot tell: " + armsDoubt(arms, request)
}

// armsDoubt says why the arms tell nothing.
func armsDoubt(arms []probe.Rung, request string) string {
	keepalive := false
	for _, a := range arms {
		keepalive = keepalive || a.Trace.Arm == probe.Keepalive
		if k := a.Verdict.Kind; k != probe.Alive && !k.Dead() {
			return fmt.Sprintf("the arm %s was not measured (%s: %s)", armName(a, request), k, a.Verdict.Why)
		}
	}
	if !keepalive {
		return "TCP keepalive was not tried, since the kernel counts its interval in whole seconds"
	}
	return "TCP keepalive helped and the " + request + " did not, which fits no kind of box"
}

func armName(r probe.Rung, request string) string {
	switch r.Trace.Arm {
	case probe.Keepalive:
		return "TCP keepalive every " + about(r.Trace.Every)
	case probe.Nudged:
		return request + " every " + about(r.Trace.Every)
	}
	return "silent"
}

// about spells a time as a reader wants it: milliseconds below a second, tenths below ten seconds, then whole seconds.
func about(d time.Duration) string { return spelled(d, time.Duration.Round) }

// floor and ceil spell the ends of a bracket so that rounding never makes it narrower.
func floor(d time.Duration) string { return spelled(d, time.Duration.Truncate) }

func ceil(d time.Duration) string {
	return spelled(d, func(d, unit time.Duration) time.Duration {
		if rest := d % unit; rest > 0 {
			return d - rest + unit
		}
		return d
	})
}

// spelled rounds a time to the unit that its length asks for. What is below 0 is 0.
func spelled(d time.Duration, round func(d, unit time.Duration) time.Duration) string {
	const tenth = 100 * time.Millisecond
	d = max(d, 0)
	switch {
	case d < time.Second:
		d = round(d, time.Millisecond)
	case d < 10*time.Second:
		d = round(d, tenth)
	default:
		d = round(d, time.Second)
	}
	switch {
	case d == 0:
		return "0 s"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d%time.Second != 0:
		return fmt.Sprintf("%d.%d s", d/time.Second, d%time.Second/tenth)
	}
	return fmt.Sprintf("%d s", d/time.Second)
}

// roundTrip spells a time that may be far below a millisecond.
func roundTrip(d time.Duration) string {
	switch {
	case d < 100*time.Microsecond:
		return "below 0.1 ms"
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
	}
	return about(d)
}

// together keeps a number and its unit on one line: no blank between them is one at which wrap breaks.
func together(text string) string {
	words := strings.Split(text, " ")
	var b strings.Builder
	for i, word := range words {
		if i > 0 {
			before := words[i-1]
			number := before != "" && strings.ContainsRune("0123456789", rune(before[len(before)-1]))
			if number && slices.Contains([]string{"s", "ms", "min", "h", "days"}, strings.TrimRight(word, ".,;:)")) {
				b.WriteString(noBreak)
			} else {
				b.WriteByte(' ')
			}
		}
		b.WriteString(word)
	}
	return b.String()
}

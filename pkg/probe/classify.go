package probe

import (
	"fmt"
	"strconv"
	"syscall"
	"time"
)

// slept is how much time a machine must have slept for an idle time not to be believed. The clocks are
// read one after the other, and a busy machine may come between.
const slept = time.Second

// Classify makes a verdict of a trace. It is pure: what it needs to know stands in the trace. Where the
// evidence does not suffice the verdict is Unknown, and says what is missing.
func Classify(t Trace) Verdict {
	switch {
	case t.End.Canceled:
		return Verdict{Unknown, "interrupted " + elapsed(t)}
	case t.Suspended > slept:
		return Verdict{ClockSuspended, "the machine slept for " + spell(t.Suspended) + " meanwhile"}
	case t.Phase == PhaseDone:
		return alive(t)
	case !t.End.Happened():
		return Verdict{Unknown, "how it ended was not seen"}
	case local(t.End.Errno):
		return Verdict{Unknown, t.End.ErrnoName + " on this machine: " + t.End.Text}
	case t.Control == ControlRefused && t.Phase != PhaseIdle && t.Phase != PhaseNudge:
		return Verdict{Refused, how(t) + " while it was being opened (" + string(t.Phase) + "), as was a fresh one, and others live"}
	case t.Control == ControlFailed:
		return Verdict{Outage, how(t) + ", and a fresh connection failed as well"}
	}
	switch t.Phase {
	case PhaseIdle:
		return whileIdle(t)
	case PhaseNudge:
		return onUse(t)
	default:
		return notOpened(t)
	}
}

// local tells the errors that this machine's limits give, whatever the network does (errno(3)).
func local(errno syscall.Errno) bool {
	switch errno {
	case syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL, syscall.EADDRINUSE, syscall.EACCES, syscall.EPERM:
		return true
	}
	return false
}

func alive(t Trace) Verdict {
	if t.Arm == Nudged {
		return Verdict{Alive, fmt.Sprintf("%d heartbeats answered", t.Beats)}
	}
	return Verdict{Alive, "answered in " + spell(t.Took)}
}

// notOpened judges what never came to be idle: nothing was measured.
func notOpened(t Trace) Verdict {
	if said := t.End.Said; said != nil {
		switch said.What {
		case SaidTooMany:
			return Verdict{Refused, "too many connections: the server said " + quote(said.Text)}
		case SaidNoLogin:
			return Verdict{LoginRefused, "the server said " + quote(said.Text)}
		case SaidBye:
			return Verdict{Refused, "the server took leave at once: " + quote(said.Text)}
		}
		return Verdict{Unknown, said.Text}
	}
	if t.Control == ControlOK && !t.End.Timeout {
		return Verdict{Refused, how(t) + " while it was being opened (" + string(t.Phase) + "), and others are served"}
	}
	return Verdict{Unknown, how(t) + " while it was being opened (" + string(t.Phase) + ")"}
}

func whileIdle(t Trace) Verdict {
	said := t.End.Said
	switch {
	case said != nil && said.What == SaidBye:
		return Verdict{Bye, "the server said " + quote(said.Text) + " " + elapsed(t)}
	case t.Pushed > 0:
		return Verdict{Dirty, "the server spoke unasked " + elapsed(t) + ": " + quote(t.PushedText)}
	case t.End.EOF:
		return Verdict{Closed, fin(t) + " " + elapsed(t) + ", unasked"}
	case t.End.Errno == syscall.ECONNRESET:
		return Verdict{ResetAtExpiry, "ECONNRESET " + elapsed(t) + ", unasked"}
	case t.End.Errno == syscall.ETIMEDOUT:
		return Verdict{BlackHole, "ETIMEDOUT " + elapsed(t) + ": the keepalive probes were not answered"}
	}
	return Verdict{Unknown, how(t) + " " + elapsed(t)}
}

func onUse(t Trace) Verdict {
	said := t.End.Said
	switch {
	case said != nil && said.What == SaidBye:
		return Verdict{Bye, "the server said " + quote(said.Text) + " to the request"}
	case said != nil && said.What == SaidTooMany:
		return Verdict{Refused, "too many connections: the server said " + quote(said.Text)}
	case said != nil:
		return Verdict{Unknown, said.Text}
	case reset(t.End.Errno) && !t.Sent:
		// The kernel had the RST before it could send: it came while the connection was idle.
		return Verdict{ResetAtExpiry, t.End.ErrnoName + " before the request could be sent: the reset had come already"}
	case reset(t.End.Errno):
		return Verdict{ResetOnUse, t.End.ErrnoName + " " + spell(t.Took) + " after the request was sent"}
	case t.End.EOF:
		return Verdict{Closed, fin(t) + " " + spell(t.Took) + " after the request was sent"}
	case t.End.Errno == syscall.ETIMEDOUT:
		return Verdict{BlackHole, "ETIMEDOUT: the kernel sent the request again and again, and gave up"}
	case t.End.Timeout:
		return unanswered(t)
	}
	return Verdict{Unknown, how(t) + " after the request"}
}

// reset tells the errors of a connection that an RST ended: a write after it may also give EPIPE (tcp_reset
// in net/ipv4/tcp_input.c).
func reset(errno syscall.Errno) bool { return errno == syscall.ECONNRESET || errno == syscall.EPIPE }

// unanswered tells a path that swallows packets from a server that is slow: by whether the other side's
// kernel acknowledged the request.
func unanswered(t Trace) Verdict {
	waited := "no answer within " + spell(t.Took)
	switch tcp := t.TCP; {
	case tcp == nil:
		return Verdict{Unknown, waited + "; whether the request was acknowledged is not known here"}
	case tcp.Unacked == 0 && t.Sent:
		return Verdict{SlowServer, waited + ", though the request was acknowledged"}
	case tcp.Unacked > 0 && tcp.Retransmits > 0:
		return Verdict{BlackHole, fmt.Sprintf("%s: sent again %d times, never acknowledged", waited, max(uint32(tcp.Retransmits), tcp.TotalRetrans))}
	}
	return Verdict{Unknown, waited + ", and it was not sent again in that time"}
}

// how spells the end of a connection.
func how(t Trace) string {
	switch e := t.End; {
	case e.Said != nil:
		return "the server said " + quote(e.Said.Text)
	case e.ErrnoName != "":
		return e.ErrnoName
	case e.EOF:
		return fin(t)
	case e.Timeout:
		return "no answer"
	default:
		return e.Text
	}
}

func fin(t Trace) string {
	if t.End.CloseNotify {
		return "the other side's close_notify and FIN"
	}
	return "the other side's FIN"
}

// elapsed says how far into the idle time something happened.
func elapsed(t Trace) string { return "after " + spell(t.Quiet) + " idle" }

// spell writes a time with the precision that it was measured with: milliseconds below a second, of few
// milliseconds the tenths, tenths of a second below a minute.
func spell(d time.Duration) string {
	switch {
	case d > 0 && d < 10*time.Millisecond:
		return strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', 1, 64) + " ms"
	case d < time.Second:
		return strconv.FormatInt(max(d, 0).Milliseconds(), 10) + " ms"
	case d < time.Minute:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	default:
		return strconv.FormatFloat(d.Seconds(), 'f', 0, 64) + " s"
	}
}

// quote bounds and quotes what a server said.
func quote(s string) string {
	const enough = 200
	if len(s) > enough {
		s = s[:enough] + "..."
	}
	return strconv.Quote(s)
}

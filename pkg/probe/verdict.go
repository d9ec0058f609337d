package probe

import "slices"

// Kind is the name of a verdict on one connection, as JSON spells it.
type Kind string

// The verdicts on a connection that was left idle and then used.
const (
	// Alive: the request after the idle time was answered.
	Alive Kind = "alive"
	// ResetAtExpiry: an RST came while the connection was idle.
	ResetAtExpiry Kind = "reset-at-expiry"
	// ResetOnUse: nothing came while it was idle, and the request was answered with an RST.
	ResetOnUse Kind = "reset-on-use"
	// Closed: the other side closed it (FIN), with or without TLS's close_notify.
	Closed Kind = "closed"
	// Bye: the server said why, and closed it.
	Bye Kind = "bye"
	// BlackHole: the request was sent again and again by the kernel, and never acknowledged.
	BlackHole Kind = "black-hole"
	// SlowServer: the request was acknowledged by the other side's kernel, and not answered in time.
	SlowServer Kind = "slow-server"
	// Dirty: the server spoke while the connection should have been idle, which restarts every clock on the way.
	Dirty Kind = "dirty"
	// Refused: the server, or a box before it, did not want one more connection, while others are served.
	Refused Kind = "refused"
	// LoginRefused: the server did not accept the credentials.
	LoginRefused Kind = "login-refused"
	// Outage: a fresh connection failed too, so that the idle time need not be the cause.
	Outage Kind = "outage"
	// ClockSuspended: the machine slept meanwhile, so that the idle time is not known.
	ClockSuspended Kind = "clock-suspended"
	// Unknown: it cannot be told what happened, or the connection was not watched to its end.
	Unknown Kind = "unknown"
)

// Kinds lists the verdicts in the order in which documents name them.
func Kinds() []Kind {
	return []Kind{
		Alive, ResetAtExpiry, ResetOnUse, Closed, Bye, BlackHole, SlowServer, Dirty, Refused, LoginRefused, Outage, ClockSuspended, Unknown,
	}
}

// Dead tells whether the verdict says that idleness, or something at that time, ended the connection.
func (k Kind) Dead() bool {
	return slices.Contains([]Kind{ResetAtExpiry, ResetOnUse, Closed, Bye, BlackHole}, k)
}

// Verdict is what became of one connection.
type Verdict struct {
	Kind Kind `json:"kind"`
	// Why says in one clause what was seen, with the errno by its name: "ECONNRESET on the NOOP, 21 ms after sending it".
	// It may hold foreign text.
	Why string `json:"why"`
}

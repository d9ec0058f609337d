package lab

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"net/netip"
	"time"
)

// TLSMode is how TLS begins.
type TLSMode string

// The modes of TLS.
const (
	Plain       TLSMode = ""         // not at all
	ImplicitTLS TLSMode = "implicit" // with the connection, as on port 993
	StartTLS    TLSMode = "starttls" // by the command STARTTLS, and no login before it
)

// Options say how a scenario is played. The zero value plays every scenario that does not need TLS.
type Options struct {
	// Idle is the limit that the scenario is about; 4 s where it is 0.
	Idle time.Duration
	// Listen is the address to listen on; 127.0.0.1 with a free port where it is empty.
	Listen string
	// TLS is how TLS begins.
	TLS TLSMode
	// User and Password are those that may log in; "lab" and a random one where they are empty.
	User, Password string
	// First is the number of connections that reset-first resets; 1 where it is 0.
	First int
	// Sessions is the number of sessions of one address that ghosts allows; 2 where it is 0.
	Sessions int
	// GhostFor is for how long ghosts counts a session that was cut without LOGOUT; 30 s where it is 0.
	GhostFor time.Duration
	// Delay is how late slow-server answers; never where it is 0.
	Delay time.Duration
	// PushEvery is how often the server of push speaks after the login; half of Idle where it is 0.
	PushEvery time.Duration
	// Event is told what happens; nil for nobody. It is called by one goroutine at a time, and must
	// neither wait for long nor close the lab.
	Event func(Event)
}

// Event is something that happened in a lab. It holds no secret and nothing that a client said.
type Event struct {
	Time time.Time
	// Conn is the connection's number, from 1; 0 for what concerns the whole lab.
	Conn int
	// Peer is the client's address; not valid where Conn is 0.
	Peer netip.AddrPort
	// Text says it in one clause: "idle 4 s: reset sent".
	Text string
}

// complete fills in the defaults. It errs on what cannot be meant.
func (o Options) complete() (Options, error) {
	if o.TLS != Plain && o.TLS != ImplicitTLS && o.TLS != StartTLS {
		return o, fmt.Errorf("no TLS mode is called %q", o.TLS)
	}
	if min(o.Idle, o.GhostFor, o.Delay, o.PushEvery) < 0 || min(o.First, o.Sessions) < 0 {
		return o, fmt.Errorf("a limit is below 0")
	}
	o.Idle = cmp.Or(o.Idle, 4*time.Second)
	o.Listen = cmp.Or(o.Listen, "127.0.0.1:0")
	o.User = cmp.Or(o.User, "lab")
	o.Password = cmp.Or(o.Password, rand.Text())
	o.First = cmp.Or(o.First, 1)
	o.Sessions = cmp.Or(o.Sessions, 2)
	o.GhostFor = cmp.Or(o.GhostFor, 30*time.Second)
	o.PushEvery = cmp.Or(o.PushEvery, max(o.Idle/2, 1))
	return o, nil
}

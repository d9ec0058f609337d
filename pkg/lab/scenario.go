package lab

import (
	"errors"
	"fmt"
	"strings"

	"vmguard/pkg/probe"
)

// Scenario is one way to misbehave.
type Scenario struct {
	// Name is what the user types: "reset-on-use".
	Name string
	// Title says what happens, as a clause for a reader.
	Title string
	// Want is the verdict on a connection that was logged in, left idle for longer than the limit, and
	// then used. Of reset-first it is the verdict on the first connections, of ghosts that on the one
	// beyond the limit of sessions.
	Want probe.Kind
	// Keepalive is the verdict on the same with TCP keepalive more often than the limit. The kernel counts
	// its interval in whole seconds, so it takes a limit of more than one.
	Keepalive probe.Kind
	// Heartbeat is the verdict on the same with a request more often than the limit.
	Heartbeat probe.Kind
	// NeedsTLS tells that it means nothing without TLS.
	NeedsTLS bool
	// LinuxOnly tells that it takes what only Linux's sockets can do.
	LinuxOnly bool

	limit      fault
	byAge      bool // the limit is on the connection's age rather than on its idle time
	keepalive  bool // a keepalive segment counts as activity
	resetFirst bool // the first connections are reset
	ghosts     bool // sessions are counted and limited
	refuse     bool // no password is right
	push       bool // the server speaks unasked
}

// fault is what happens to a connection at the limit.
type fault int

const (
	nothing     fault = iota
	reset             // an RST at once
	resetOnUse        // nothing at once; the client's next bytes are answered with an RST
	closeBoth         // FIN, and nothing is read any more
	closeHalf         // FIN, but what comes is still read
	closeNotify       // TLS's close_notify, then FIN
	bye               // the server's farewell, then FIN
	blackHole         // nothing comes through and nothing is acknowledged
	stall             // what comes is acknowledged, and answered late or never
	outage            // the server goes away, with all its connections
)

// Scenarios lists the scenarios, in the order in which documents name them.
func Scenarios() []Scenario { return append(ofThePath(), ofTheServer()...) }

// ofThePath are the scenarios that have a limit, after the one that has none.
func ofThePath() []Scenario {
	return []Scenario{
		{
			Name: "none", Title: "no limit: idle connections live",
			Want: probe.Alive, Keepalive: probe.Alive, Heartbeat: probe.Alive,
		},
		{
			Name: "reset-at-expiry", Title: "a reset is sent when the limit is reached",
			Want: probe.ResetAtExpiry, Keepalive: probe.ResetAtExpiry, Heartbeat: probe.Alive,
			limit: reset,
		},
		{
			Name: "reset-on-use", Title: "the connection is forgotten silently, and its next bytes are answered with a reset",
			Want: probe.ResetOnUse, Keepalive: probe.ResetOnUse, Heartbeat: probe.Alive,
			limit: resetOnUse,
		},
		{
			Name: "close", Title: "the connection is closed (FIN), without TLS's close_notify",
			Want: probe.Closed, Keepalive: probe.Closed, Heartbeat: probe.Alive,
			limit: closeBoth,
		},
		{
			Name: "close-notify", Title: "TLS is ended with its close_notify, then the connection is closed",
			Want: probe.Closed, Keepalive: probe.Closed, Heartbeat: probe.Alive, NeedsTLS: true,
			limit: closeNotify,
		},
		{
			Name: "half-close", Title: "the connection is closed towards the client (FIN), while its bytes are still taken",
			Want: probe.Closed, Keepalive: probe.Closed, Heartbeat: probe.Alive,
			limit: closeHalf,
		},
		{
			Name: "bye", Title: "the server says BYE and closes, as an autologout does",
			Want: probe.Bye, Keepalive: probe.Bye, Heartbeat: probe.Alive,
			limit: bye,
		},
		{
			Name: "black-hole", Title: "a firewall: nothing comes through any more, and nothing is acknowledged; TCP keepalive counts as use",
			Want: probe.BlackHole, Keepalive: probe.Alive, Heartbeat: probe.Alive, LinuxOnly: true,
			limit: blackHole, keepalive: true,
		},
		{
			Name: "slow-server", Title: "what comes after the limit is acknowledged, and answered late or never",
			Want: probe.SlowServer, Keepalive: probe.SlowServer, Heartbeat: probe.Alive,
			limit: stall,
		},
		{
			Name: "flow-table", Title: "a NAT: TCP keepalive counts as use; the entry is dropped silently, and the next bytes are answered with a reset",
			Want: probe.ResetOnUse, Keepalive: probe.Alive, Heartbeat: probe.Alive, LinuxOnly: true,
			limit: resetOnUse, keepalive: true,
		},
		{
			Name: "proxy", Title: "a proxy: TCP keepalive does not count as use; the connection is closed at the limit",
			Want: probe.Closed, Keepalive: probe.Closed, Heartbeat: probe.Alive,
			limit: closeBoth,
		},
		{
			Name: "session-cap", Title: "the connection is closed at an age, used or not",
			Want: probe.Closed, Keepalive: probe.Closed, Heartbeat: probe.Closed,
			limit: closeBoth, byAge: true,
		},
	}
}

// ofTheServer are the scenarios in which the path is not to blame.
func ofTheServer() []Scenario {
	return []Scenario{
		{
			Name: "push", Title: "the server speaks unasked, so that the connection is never idle",
			Want: probe.Dirty, Keepalive: probe.Dirty, Heartbeat: probe.Dirty,
			push: true,
		},
		{
			Name: "ghosts", Title: "logins beyond a number of sessions are refused, and sessions that were cut are counted for a while",
			Want: probe.Refused, Keepalive: probe.Refused, Heartbeat: probe.Refused,
			ghosts: true,
		},
		{
			Name: "reset-first", Title: "the first connections are reset as soon as they are made, later ones are served",
			Want: probe.Refused, Keepalive: probe.Refused, Heartbeat: probe.Refused,
			resetFirst: true,
		},
		{
			Name: "login-refused", Title: "every password is refused",
			Want: probe.LoginRefused, Keepalive: probe.LoginRefused, Heartbeat: probe.LoginRefused,
			refuse: true,
		},
		{
			Name: "outage", Title: "when the first connection reaches an age, the server and all connections go away",
			Want: probe.Outage, Keepalive: probe.Outage, Heartbeat: probe.Outage,
			limit: outage, byAge: true,
		},
	}
}

// Find gives the scenario of a name. The error names those that there are.
func Find(name string) (Scenario, error) {
	scenarios := Scenarios()
	names := make([]string, 0, len(scenarios))
	for _, s := range scenarios {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return Scenario{}, fmt.Errorf("no scenario is called %q; there are %s", name, strings.Join(names, ", "))
}

// Limited tells that something happens at the limit; the other scenarios take no notice of it.
func (s Scenario) Limited() bool { return s.limit != nothing }

// possible tells by an error why the scenario cannot be played.
func (s Scenario) possible(mode TLSMode) error {
	switch {
	case s.NeedsTLS && mode == Plain:
		return errors.New("it means nothing without TLS")
	case s.LinuxOnly && !onLinux:
		return fmt.Errorf("it takes what only Linux's sockets can do: %w", errors.ErrUnsupported)
	case s.limit == blackHole:
		return canDrop()
	}
	return nil
}

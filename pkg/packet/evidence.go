// Package packet looks at the TCP segments of a connection as they come off the wire, and
// says where a reset came from: from the server's own machine, or from a box on the way.
package packet

import "time"

// Origin is where a reset came from, as far as its packets tell.
type Origin string

// The origins that can be told apart.
const (
	// FromServer: the RST is a connection's own (RST+ACK) and continues the IP-ID sequence of the server's data
	// packets, with the same TTL. Only IPv4 can tell that.
	FromServer Origin = "server"
	// FromBox: its TTL differs from that of the server's data packets, or it came sooner than the server can have answered.
	FromBox Origin = "box"
	// CannotTell: a kernel without a socket for the connection, and a NAT that lost its entry, look the same.
	CannotTell Origin = "cannot-tell"
)

// Evidence is what the packets say of a reset.
type Evidence struct {
	Origin Origin `json:"origin"`
	// Words say it for a reader: "same origin as the server", "a different box, about 2 hops nearer", "cannot tell".
	Words string `json:"words"`
	// Why is the reason in one clause: "TTL 62 against 115 of the data packets".
	Why string `json:"why"`
	// Reset and Data are the RST and the server's last data packet before it; Data is nil where none was seen.
	Reset Segment  `json:"reset"`
	Data  *Segment `json:"data,omitempty"`
	// After is the time from this side's first data packet since the idle time began to the RST, by the kernel's
	// stamps; 0 where none had been sent, or where the first is not known.
	After time.Duration `json:"afterNanoseconds,omitempty"`
}

// Segment is what is looked at of one TCP segment.
type Segment struct {
	TTL    uint8  `json:"ttl"` // IPv4's time to live, IPv6's hop limit
	IPID   uint16 `json:"ipId"`
	Flags  string `json:"flags"` // "RST", "RST+ACK", "PSH+ACK"
	Window uint16 `json:"window"`
	// Options tells whether the segment carries TCP options, such as timestamps.
	Options bool `json:"options"`
	Payload int  `json:"payloadBytes"`
}

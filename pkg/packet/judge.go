package packet

import (
	"fmt"
	"time"
)

// Seen is a packet with the time at which the kernel saw it.
type Seen struct {
	Packet
	At time.Time
}

// Flow is what was seen of one connection up to its reset.
type Flow struct {
	// Data are the server's last packets with data before the reset, oldest first. A SYN-ACK is none of
	// them: Linux sends it with an IP-ID of 0, and some boxes answer a SYN themselves.
	Data []Seen
	// Sent are this side's last packets before the reset, oldest first, with data or without.
	Sent []Seen
	// Forgotten tells that this side had sent others before the first of Sent.
	Forgotten bool
	// Reset is the first RST that came from the server's address.
	Reset Seen
	// QuietSince is when the connection began to be idle.
	QuietSince time.Time
	// RTT is the shortest time known to hold a round trip to the server; 0 for unknown.
	RTT time.Duration
}

// Limits of what the evidence bears.
const (
	// maxStep is the largest step from one IP-ID to the next within a sequence. Linux counts each packet
	// of a socket, acknowledgements as well (include/net/ip.h, ip_select_ident_segs), and a receiver that
	// joins 64 KiB of segments (GRO) keeps the first one's number. An ID chosen at random fits once in 1024 times.
	maxStep = 64
	// maxHops is the longest way that is believed.
	maxHops = 40
	// minRTT is the shortest round trip whose half is clearly more than the delays within a machine.
	minRTT = 2 * time.Millisecond
	// stale is the age at which a packet of this side can no longer be what an RST answers.
	stale = 5 * time.Second
)

// Judge says where a reset came from. "Server" is whatever speaks TCP under the server's address, which
// may be a proxy.
//
// A TTL other than that of the server's data packets is another sender's, unless the route has changed in
// between. An IP-ID that continues theirs is the server's, if the RST has the ACK flag as well. Without it,
// the RST answers a packet that belongs to no connection (RFC 9293 3.5.2), and then its sender does not matter:
// a server that has forgotten the connection and a NAT that has forgotten it on the way look the same. So
// they do without an IP-ID: Linux sends 0 in these RSTs, and IPv6 has none. A reset that answers sooner than
// half the shortest round trip came from nearer. Where two of these disagree, nothing is claimed.
func Judge(f Flow) Evidence {
	e := Evidence{Origin: CannotTell, Words: "cannot tell", Reset: f.Reset.Segment, After: f.after()}
	if n := len(f.Data); n > 0 {
		last := f.Data[n-1].Segment
		e.Data = &last
	}
	ttl := compareTTL(f)
	continues, answered := f.continuesID(), f.answeredAfter()
	soon := f.RTT > minRTT && answered > 0 && answered < f.RTT/2
	switch {
	case continues && ttl.differs:
		e.Why = "its IP-ID continues that of the data packets, but " + ttl.text
	case continues && soon:
		e.Why = "its IP-ID continues that of the data packets, but " + soonText(answered, f.RTT)
	case ttl.differs:
		e.Origin, e.Words, e.Why = FromBox, ttl.words, ttl.text
	case continues && ttl.same:
		e.Origin, e.Words = FromServer, "same origin as the server"
		e.Why = fmt.Sprintf("%s, and its IP-ID %d continues that of the data packets, %d", ttl.text, f.Reset.IPID, e.Data.IPID)
	case soon:
		e.Origin, e.Words, e.Why = FromBox, "a different box, nearer", soonText(answered, f.RTT)
	case ttl.same:
		e.Why = ttl.text + ", " + doubt(f.Reset)
	default:
		e.Why = ttl.text
	}
	return e
}

// doubt says what is open about an RST with the TTL of the data packets.
func doubt(reset Seen) string {
	switch {
	case !reset.has("ACK"):
		return "as a server without the connection sends it, also when a NAT lost its entry"
	case reset.Options:
		return "and it is made like a server's own (RST+ACK with TCP options), but no IP-ID confirms that"
	default:
		return "and no IP-ID tells more"
	}
}

func soonText(answered, rtt time.Duration) string {
	return fmt.Sprintf("it came %s after the packet that it answers, and a round trip to the server takes %s", millis(answered), millis(rtt))
}

// millis spells a short time, of which human.Duration would leave nothing.
func millis(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

// after gives the time from this side's first data packet of the idle time to the reset; 0 where there
// was none, or where it is not known to have been the first.
func (f Flow) after() time.Duration {
	for i, p := range f.Sent {
		if !p.isData() || !p.At.After(f.QuietSince) {
			continue
		}
		if i == 0 && f.Forgotten {
			return 0
		}
		return max(f.Reset.At.Sub(p.At), 0)
	}
	return 0
}

// answeredAfter gives the shortest time in which the reset can have been an answer, by which its sender is
// so far away at most. It is 0 where that is not known.
func (f Flow) answeredAfter() time.Duration {
	if f.Reset.has("ACK") {
		return f.acknowledgedAfter()
	}
	// An RST without ACK may answer any packet, also one of a moment ago. An acknowledgement as the only one
	// may have been drawn by what came just before the RST, and not have drawn it.
	for i, p := range f.Sent {
		answered := f.Reset.At.Sub(p.At)
		if answered > stale {
			continue
		}
		if p.end() == p.Seq || i == 0 && f.Forgotten {
			return 0
		}
		return max(answered, 0)
	}
	return 0
}

// acknowledgedAfter gives the time from the first sending of the last byte that the reset acknowledges,
// and that its sender therefore has received. An abort that was under way already acknowledges an older one.
func (f Flow) acknowledgedAfter() time.Duration {
	for i, p := range f.Sent {
		if before(p.end(), f.Reset.Ack) {
			continue
		}
		if !before(p.Seq, f.Reset.Ack) || i == 0 && f.Forgotten {
			return 0
		}
		return max(f.Reset.At.Sub(p.At), 0)
	}
	return 0
}

// before compares sequence numbers, modulo 2^32 (RFC 9293 3.4).
func before(a, b uint32) bool { return int32(a-b) < 0 }

// continuesID tells whether the data packets' IP-IDs are a sequence, and the reset's is one of it.
func (f Flow) continuesID() bool {
	if len(f.Data) < 2 || !f.Reset.has("ACK") {
		return false
	}
	last := f.Data[0].IPID
	for _, p := range append(f.Data[1:len(f.Data):len(f.Data)], f.Reset) {
		// 0 is what a sender writes who numbers nothing.
		if step := p.IPID - last; last == 0 || p.IPID == 0 || step == 0 || step > maxStep {
			return false
		}
		last = p.IPID
	}
	return true
}

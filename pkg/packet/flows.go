package packet

import (
	"net/netip"
	"slices"
	"time"
)

// Limits of what is remembered.
const (
	maxFlows = 1024
	keepData = 4
	keepSent = 16
)

// flows remembers the connections to one server, by this side's address and port: those whose SYN was seen.
type flows struct {
	server  netip.AddrPort
	byLocal map[netip.AddrPort]*flow
}

// flow is one connection.
type flow struct {
	Flow         // with its Reset's time not set while there was none
	ended   bool // an RST or a FIN of either side was seen
	touched time.Time
}

func newFlows(server netip.AddrPort) *flows {
	return &flows{server: server, byLocal: map[netip.AddrPort]*flow{}}
}

// add takes up a packet, and tells whether it was a connection's first RST from the server.
// A packet passes several interfaces, and the loopback interface twice: the server's count where they
// arrive, and this side's where they leave. One that arrives twice even so, as on a bridge, counts once.
func (fs *flows) add(p Seen, outgoing bool) (reset bool) {
	switch {
	case p.Src == fs.server && p.Dst != fs.server && !outgoing:
		f := fs.byLocal[p.Dst]
		return f != nil && f.received(p)
	case p.Dst == fs.server && p.Src != fs.server && outgoing:
		if p.has("SYN") {
			fs.begin(p)
		}
		if f := fs.byLocal[p.Src]; f != nil {
			f.sent(p)
		}
	}
	return false
}

// begin makes room for a connection, and forgets an older one of the same port. With too many open
// connections there is none.
func (fs *flows) begin(p Seen) {
	if fs.byLocal[p.Src] == nil && len(fs.byLocal) >= maxFlows && !fs.evict() {
		return
	}
	fs.byLocal[p.Src] = &flow{}
}

// evict forgets the connection that ended first.
func (fs *flows) evict() bool {
	var oldest netip.AddrPort
	var at time.Time
	for local, f := range fs.byLocal {
		if f.ended && (!oldest.IsValid() || f.touched.Before(at)) {
			oldest, at = local, f.touched
		}
	}
	delete(fs.byLocal, oldest)
	return oldest.IsValid()
}

// over tells that the reset was seen, and that nothing that comes afterwards counts.
func (f *flow) over() bool { return !f.Reset.At.IsZero() }

func (f *flow) sent(p Seen) {
	if f.over() {
		return
	}
	f.touched, f.ended = p.At, f.ended || p.has("FIN") || p.has("RST")
	f.Forgotten = f.Forgotten || len(f.Sent) == keepSent
	f.Sent = push(f.Sent, p, keepSent)
}

func (f *flow) received(p Seen) (reset bool) {
	if f.over() {
		return false
	}
	f.touched, f.ended = p.At, f.ended || p.has("FIN") || p.has("RST")
	switch {
	case p.has("RST"):
		f.Reset = p
		return true
	case p.has("ACK"):
		f.sample(p)
	}
	// A retransmission has another IP-ID, or tells nothing new.
	if n := len(f.Data); p.isData() && (n == 0 || f.Data[n-1].Packet != p.Packet) {
		f.Data = push(f.Data, p, keepData)
	}
	return false
}

// sample times the round trip of what the packet acknowledges. It takes the last packet that this may be,
// so that a retransmission makes the time too short rather than too long.
func (f *flow) sample(ack Seen) {
	for _, p := range slices.Backward(f.Sent) {
		if p.end() != ack.Ack || p.end() == p.Seq {
			continue
		}
		if took := ack.At.Sub(p.At); took > 0 {
			f.RTT = shorter(f.RTT, took)
		}
		return
	}
}

// shorter gives the shorter of two times of which 0 is unknown.
func shorter(a, b time.Duration) time.Duration {
	if a <= 0 || b <= 0 {
		return max(a, b, 0)
	}
	return min(a, b)
}

// push appends to the last few.
func push(list []Seen, p Seen, most int) []Seen {
	if len(list) == most {
		list = append(list[:0], list[1:]...)
	}
	return append(list, p)
}

// reset gives what was seen of a connection that was reset, to which nothing is added any more. It gives
// false where no reset was seen.
func (fs *flows) reset(local netip.AddrPort) (Flow, bool) {
	f := fs.byLocal[local]
	if f == nil || !f.over() {
		return Flow{}, false
	}
	return f.Flow, true
}

// plain gives an address as packets have it: no IPv4 in IPv6, no zone.
func plain(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

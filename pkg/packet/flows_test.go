package packet

import (
	"net/netip"
	"testing"
	"time"
)

// passing is a packet on its way in or out.
type passing struct {
	Seen
	out bool
}

func follow(list ...passing) *flows {
	fs := newFlows(server4)
	for _, p := range list {
		fs.add(p.Seen, p.out)
	}
	return fs
}

func in(s Seen) passing  { return passing{s, false} }
func out(s Seen) passing { return passing{s, true} }

// acking gives a packet of the server that acknowledges.
func acking(ack uint32, p Packet) Packet {
	p.Ack = ack
	return p
}

func TestFlows(t *testing.T) {
	syn, ack := at(0, to4("SYN", 99, 0)), at(31, to4("ACK", 100, 0))
	synAck := at(30, acking(100, from4("SYN+ACK", 57, 0, 0)))
	hello := at(40, acking(100, from4("PSH+ACK", 57, 7, 30)))
	noop := at(900, to4("PSH+ACK", 100, 6))
	rst := at(1000, from4("RST", 57, 0, 0))
	want := Flow{Data: []Seen{hello}, Sent: []Seen{syn, ack, noop}, Reset: rst, RTT: 30 * time.Millisecond}
	for name, c := range map[string]struct {
		packets []passing
		want    Flow
		seen    bool
	}{
		"a reset":                    {[]passing{out(syn), in(synAck), out(ack), in(hello), out(noop), in(rst)}, want, true},
		"both ends on this machine":  {[]passing{out(syn), in(syn), out(synAck), in(synAck), out(ack), in(ack), out(hello), in(hello), out(noop), in(noop), out(rst), in(rst)}, want, true},
		"seen on a bridge as well":   {[]passing{out(syn), in(synAck), in(synAck), out(ack), in(hello), in(hello), out(noop), in(rst), in(rst)}, want, true},
		"nothing counts afterwards":  {[]passing{out(syn), in(synAck), out(ack), in(hello), out(noop), in(rst), out(noop), in(hello), in(at(1010, rst.Packet))}, want, true},
		"no reset":                   {[]passing{out(syn), in(synAck), out(ack), in(hello), out(noop)}, Flow{}, false},
		"its beginning was not seen": {[]passing{in(hello), out(noop), in(rst)}, Flow{}, false},
		"this side's own reset":      {[]passing{out(syn), out(at(9, to4("RST", 100, 0)))}, Flow{}, false},
		"the port used again":        {[]passing{out(syn), in(rst), out(at(2000, to4("SYN", 5, 0)))}, Flow{}, false},
		"refused":                    {[]passing{out(syn), in(rst)}, Flow{Sent: []Seen{syn}, Reset: rst}, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, seen := follow(c.packets...).reset(client4)
			equal(t, got, c.want)
			equal(t, seen, c.seen)
		})
	}
}

func TestFlowsAreApart(t *testing.T) {
	other := from4("RST", 64, 0, 0)
	other.Dst = netip.MustParseAddrPort("198.51.100.7:40001")
	foreign := from4("RST", 64, 0, 0)
	foreign.Src = netip.MustParseAddrPort("192.0.2.9:144")
	own := Packet{Src: server4, Dst: server4, Segment: Segment{Flags: "RST"}}
	fs := follow(out(at(0, to4("SYN", 99, 0))), in(at(1, other)), in(at(2, foreign)), in(at(3, own)), out(at(3, own)))
	if got, seen := fs.reset(client4); seen {
		t.Errorf("another connection's reset is taken for this one's: %+v", got)
	}
	if fs.add(at(4, other), false) || !fs.add(at(5, from4("RST", 57, 0, 0)), false) || fs.add(at(6, from4("RST", 57, 0, 0)), false) {
		t.Error("not the first reset of a known connection alone is news")
	}
}

func TestSample(t *testing.T) {
	sent := func(ms float64, flags string, seq uint32, payload int) passing {
		return out(at(ms, to4(flags, seq, payload)))
	}
	acked := func(ms float64, ack uint32) passing {
		return in(at(ms, acking(ack, from4("ACK", 57, 0, 0))))
	}
	for name, c := range map[string]struct {
		packets []passing
		want    time.Duration
	}{
		"unknown":                 {nil, 0},
		"the handshake":           {[]passing{acked(20, 100)}, 20 * time.Millisecond},
		"the shortest":            {[]passing{acked(20, 100), sent(100, "PSH+ACK", 100, 5), acked(115, 105), sent(200, "PSH+ACK", 105, 5), acked(219, 110)}, 15 * time.Millisecond},
		"sent again":              {[]passing{sent(100, "PSH+ACK", 100, 5), sent(300, "PSH+ACK", 100, 5), acked(310, 105)}, 10 * time.Millisecond},
		"no answer to a bare ACK": {[]passing{acked(20, 100), sent(21, "ACK", 100, 0), acked(22, 100)}, 20 * time.Millisecond},
		"not to the last":         {[]passing{sent(100, "PSH+ACK", 100, 5), sent(110, "PSH+ACK", 105, 5), acked(130, 105)}, 30 * time.Millisecond},
		"a clock set back":        {[]passing{acked(-1, 100)}, 0},
	} {
		fs := follow(append([]passing{sent(0, "SYN", 99, 0)}, c.packets...)...)
		if got := fs.byLocal[client4].RTT; got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	equal(t, [4]time.Duration{shorter(0, 0), shorter(0, 3), shorter(3, 0), shorter(3, 2)}, [4]time.Duration{0, 3, 3, 2})
}

func TestFlowsAreBounded(t *testing.T) {
	fs := newFlows(server4)
	local := func(n int) netip.AddrPort { return netip.AddrPortFrom(client4.Addr(), uint16(n)) }
	send := func(n int, ms float64, flags string) {
		p := to4(flags, uint32(ms), 0)
		p.Src = local(n)
		fs.add(at(ms, p), true)
	}
	for n := range maxFlows {
		send(1+n, float64(n), "SYN")
	}
	send(20000, 5000, "SYN")
	if len(fs.byLocal) != maxFlows || fs.byLocal[local(20000)] != nil {
		t.Error("an open connection is forgotten for a new one")
	}
	send(8, 6001, "FIN+ACK")
	send(7, 6000, "FIN+ACK")
	send(20001, 6002, "SYN")
	if len(fs.byLocal) != maxFlows || fs.byLocal[local(20001)] == nil || fs.byLocal[local(7)] != nil || fs.byLocal[local(8)] == nil {
		t.Error("not the connection that ended first is forgotten")
	}
	for n := range 100 {
		send(1, 7000+float64(n), "ACK")
		p := from4("PSH+ACK", 57, uint16(n), 5)
		p.Dst = local(1)
		fs.add(at(7000+float64(n), p), false)
	}
	f := fs.byLocal[local(1)]
	if len(f.Sent) != keepSent || len(f.Data) != keepData || !f.Forgotten || f.Data[keepData-1].IPID != 99 || f.Sent[0].Seq != 7084 {
		t.Errorf("%d sent, %d received, forgotten %v", len(f.Sent), len(f.Data), f.Forgotten)
	}
}

func TestPlain(t *testing.T) {
	for in, want := range map[string]string{
		"[::ffff:192.0.2.9]:143": "192.0.2.9:143", "[fe80::1%eth0]:143": "[fe80::1]:143", "192.0.2.9:1": "192.0.2.9:1",
	} {
		equal(t, plain(netip.MustParseAddrPort(in)), netip.MustParseAddrPort(want))
	}
	if plain(netip.AddrPort{}).IsValid() {
		t.Error("no address becomes one")
	}
}

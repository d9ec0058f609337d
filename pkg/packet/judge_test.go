package packet

import (
	"testing"
	"time"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// at gives a packet its time, in milliseconds after start.
func at(ms float64, p Packet) Seen {
	return Seen{p, start.Add(time.Duration(ms * float64(time.Millisecond)))}
}

// from4 is a packet of the server, and to4 one to it.
func from4(flags string, ttl uint8, id uint16, payload int) Packet {
	return Packet{server4, client4, 100, 200, Segment{TTL: ttl, IPID: id, Flags: flags, Payload: payload}}
}

func to4(flags string, seq uint32, payload int) Packet {
	return Packet{client4, server4, seq, 100, Segment{TTL: 64, IPID: 1, Flags: flags, Payload: payload}}
}

// data are data packets of the server with a TTL and IP-IDs.
func data(ttl uint8, ids ...uint16) []Seen {
	var list []Seen
	for i, id := range ids {
		list = append(list, at(float64(i), from4("PSH+ACK", ttl, id, 10)))
	}
	return list
}

// ownRST is a reset as Linux sends it for a socket that is closed with unread data or SO_LINGER 0.
func ownRST(ttl uint8, id uint16) Seen {
	p := from4("RST+ACK", ttl, id, 0)
	p.Window, p.Options = 502, true
	return at(1000, p)
}

func bareRST(ttl uint8) Seen { return at(1000, from4("RST", ttl, 0, 0)) }

func TestJudge(t *testing.T) {
	sequence := data(57, 10, 11, 13)
	for name, c := range map[string]struct {
		flow       Flow
		origin     Origin
		words, why string
	}{
		"a router nearer": {
			Flow{Data: sequence, Reset: bareRST(63)}, FromBox,
			"a different box, about 6 hops nearer", "TTL 63 against 57 of the data packets",
		},
		"one hop": {
			Flow{Data: data(63, 1), Reset: bareRST(64)}, FromBox,
			"a different box, about 1 hop nearer", "TTL 64 against 63 of the data packets",
		},
		"farther than a proxy": {
			Flow{Data: data(60, 0, 0), Reset: ownRST(58, 0)}, FromBox,
			"a different box, about 2 hops farther", "TTL 58 against 60 of the data packets",
		},
		"other initial TTLs": {
			Flow{Data: data(115, 1, 2), Reset: bareRST(62)}, FromBox,
			"a different box", "TTL 62 against 115 of the data packets, perhaps from different initial values",
		},
		"other initial TTLs, as many hops": {
			Flow{Data: data(115, 1, 2), Reset: bareRST(51)}, CannotTell,
			"cannot tell", "TTL 51 against 115 of the data packets, which is as many hops (13) from different initial values",
		},
		"no believable number of hops": {
			Flow{Data: data(60, 1), Reset: bareRST(10)}, FromBox,
			"a different box", "TTL 10 against 60 of the data packets",
		},
		"hop limit": {
			Flow{Data: []Seen{at(0, packet6("PSH+ACK", 57, 9))}, Reset: at(1, packet6("RST", 64, 0))}, FromBox,
			"a different box, about 7 hops nearer", "hop limit 64 against 57 of the data packets",
		},
		"the server's socket": {
			Flow{Data: sequence, Reset: ownRST(57, 15)}, FromServer,
			"same origin as the server", "TTL 57 as the data packets, and its IP-ID 15 continues that of the data packets, 13",
		},
		"the IP-ID wraps": {
			Flow{Data: data(57, 65530, 65535), Reset: ownRST(57, 2)}, FromServer,
			"same origin as the server", "TTL 57 as the data packets, and its IP-ID 2 continues that of the data packets, 65535",
		},
		"the kernel, or a NAT's loss": {
			Flow{Data: sequence, Reset: bareRST(57)}, CannotTell,
			"cannot tell", "TTL 57 as the data packets, as a server without the connection sends it, also when a NAT lost its entry",
		},
		"a counter of the whole machine": {
			Flow{Data: sequence, Reset: at(9, from4("RST", 57, 14, 0))}, CannotTell,
			"cannot tell", "TTL 57 as the data packets, as a server without the connection sends it, also when a NAT lost its entry",
		},
		"the server's socket over IPv6": {
			Flow{Data: []Seen{at(0, packet6("PSH+ACK", 57, 9))}, Reset: at(1, packet6("RST+ACK", 57, 0))}, CannotTell,
			"cannot tell", "hop limit 57 as the data packets, and no IP-ID tells more",
		},
		"only the form of the server's": {
			Flow{Data: data(57, 10), Reset: ownRST(57, 11)}, CannotTell,
			"cannot tell", "TTL 57 as the data packets, and it is made like a server's own (RST+ACK with TCP options), but no IP-ID confirms that",
		},
		"no data": {
			Flow{Reset: ownRST(57, 11)}, CannotTell,
			"cannot tell", "no data packet of the server was seen to compare it with",
		},
		"several ways": {
			Flow{Data: append(data(57, 10), data(58, 11)...), Reset: ownRST(58, 12)}, CannotTell,
			"cannot tell", "the data packets differ in their TTL themselves (57, 58)",
		},
		"IP-ID against TTL": {
			Flow{Data: sequence, Reset: ownRST(58, 14)}, CannotTell,
			"cannot tell", "its IP-ID continues that of the data packets, but TTL 58 against 57 of the data packets",
		},
		"sooner than the server can": {
			Flow{Data: sequence, Reset: bareRST(57), RTT: 20 * time.Millisecond, Sent: []Seen{at(997, to4("PSH+ACK", 200, 6))}}, FromBox,
			"a different box, nearer", "it came 3.0 ms after the packet that it answers, and a round trip to the server takes 20.0 ms",
		},
		"sooner, and nothing to compare with": {
			Flow{Reset: bareRST(57), RTT: 20 * time.Millisecond, Sent: []Seen{at(991, to4("PSH+ACK", 200, 6))}}, FromBox,
			"a different box, nearer", "it came 9.0 ms after the packet that it answers, and a round trip to the server takes 20.0 ms",
		},
		"IP-ID against time": {
			Flow{
				Data: sequence, RTT: 20 * time.Millisecond, Sent: []Seen{at(997, to4("PSH+ACK", 190, 10))},
				Reset: ownRST(57, 14),
			}, CannotTell,
			"cannot tell", "its IP-ID continues that of the data packets, but it came 3.0 ms after the packet that it answers, and a round trip to the server takes 20.0 ms",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := Judge(c.flow)
			equal(t, [3]string{string(got.Origin), got.Words, got.Why}, [3]string{string(c.origin), c.words, c.why})
			equal(t, got.Reset, c.flow.Reset.Segment)
			if n := len(c.flow.Data); n > 0 {
				equal(t, *got.Data, c.flow.Data[n-1].Segment)
			} else {
				equal(t, got.Data, nil)
			}
		})
	}
}

func packet6(flags string, hopLimit uint8, payload int) Packet {
	return Packet{Src: server6, Dst: client6, Segment: Segment{TTL: hopLimit, Flags: flags, Payload: payload}}
}

func TestContinuesID(t *testing.T) {
	for name, c := range map[string]struct {
		ids   []uint16
		reset uint16
		want  bool
	}{
		"the next":                     {[]uint16{5, 6}, 7, true},
		"acknowledgements between":     {[]uint16{5, 9, 73}, 137, true},
		"too far":                      {[]uint16{5, 6}, 71, false},
		"the same":                     {[]uint16{5, 6}, 6, false},
		"backwards":                    {[]uint16{5, 6}, 4, false},
		"reset of 0":                   {[]uint16{65534, 65535}, 0, false},
		"unnumbered data":              {[]uint16{0, 0}, 1, false},
		"some data unnumbered":         {[]uint16{0, 1}, 2, false},
		"random data, reset near":      {[]uint16{40000, 900}, 901, false},
		"one packet, which is no list": {[]uint16{5}, 6, false},
		"none":                         {nil, 6, false},
	} {
		f := Flow{Data: data(57, c.ids...), Reset: ownRST(57, c.reset)}
		if got := f.continuesID(); got != c.want {
			t.Errorf("%s: %v after %v: %v", name, c.reset, c.ids, got)
		}
	}
}

// TestAnsweredAfter has a reset at 1000 ms that acknowledges what ends at 200.
func TestAnsweredAfter(t *testing.T) {
	for name, c := range map[string]struct {
		sent      []Seen
		reset     Seen
		forgotten bool
		want      time.Duration
	}{
		"nothing sent":              {nil, bareRST(57), false, 0},
		"one packet":                {[]Seen{at(990, to4("PSH+ACK", 190, 10))}, bareRST(57), false, 10 * time.Millisecond},
		"sent again":                {[]Seen{at(700, to4("PSH+ACK", 190, 10)), at(990, to4("PSH+ACK", 190, 10))}, bareRST(57), false, 300 * time.Millisecond},
		"a keepalive probe before":  {[]Seen{at(980, to4("ACK", 189, 0)), at(999, to4("PSH+ACK", 190, 10))}, bareRST(57), false, 0},
		"an acknowledgement alone":  {[]Seen{at(999, to4("ACK", 200, 0))}, bareRST(57), false, 0},
		"farewell and abort":        {[]Seen{at(0, to4("PSH+ACK", 190, 10)), at(999, to4("ACK", 200, 0))}, ownRST(57, 1), false, time.Second},
		"farewell, data forgotten":  {[]Seen{at(999, to4("ACK", 200, 0))}, ownRST(57, 1), true, 0},
		"farewell, data not seen":   {[]Seen{at(999, to4("ACK", 200, 0))}, ownRST(57, 1), false, 0},
		"acknowledged, sent again":  {[]Seen{at(700, to4("PSH+ACK", 190, 10)), at(999, to4("PSH+ACK", 190, 10))}, ownRST(57, 1), false, 300 * time.Millisecond},
		"an older one acknowledged": {[]Seen{at(800, to4("PSH+ACK", 190, 10)), at(999, to4("PSH+ACK", 200, 10))}, ownRST(57, 1), false, 200 * time.Millisecond},
		"long before":               {[]Seen{at(-4001, to4("ACK", 190, 0)), at(999, to4("PSH+ACK", 190, 10))}, bareRST(57), false, time.Millisecond},
		"all stale":                 {[]Seen{at(-4001, to4("ACK", 190, 0))}, bareRST(57), false, 0},
		"acknowledged":              {[]Seen{at(999, to4("PSH+ACK", 190, 10))}, ownRST(57, 1), false, time.Millisecond},
		"crossed":                   {[]Seen{at(999, to4("PSH+ACK", 200, 10))}, ownRST(57, 1), false, 0},
		"older ones forgotten":      {[]Seen{at(999, to4("PSH+ACK", 190, 10))}, bareRST(57), true, 0},
		"only stale ones forgotten": {[]Seen{at(-4001, to4("ACK", 190, 0)), at(999, to4("PSH+ACK", 190, 10))}, bareRST(57), true, time.Millisecond},
		"the clock was set back":    {[]Seen{at(1500, to4("PSH+ACK", 190, 10))}, bareRST(57), false, 0},
	} {
		if got := (Flow{Sent: c.sent, Reset: c.reset, Forgotten: c.forgotten}).answeredAfter(); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestNotSooner has resets of the TTL of the data packets, of which the time tells nothing.
func TestNotSooner(t *testing.T) {
	for name, f := range map[string]Flow{
		"half a round trip":      {RTT: 20 * time.Millisecond, Sent: []Seen{at(990, to4("PSH+ACK", 200, 6))}},
		"the round trip unknown": {Sent: []Seen{at(999, to4("PSH+ACK", 200, 6))}},
		"a near server":          {RTT: 2 * time.Millisecond, Sent: []Seen{at(999.9, to4("PSH+ACK", 200, 6))}},
	} {
		f.Data, f.Reset = data(57, 0, 0), bareRST(57)
		if got := Judge(f); got.Origin != CannotTell {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestAfter(t *testing.T) {
	quiet := start.Add(500 * time.Millisecond)
	for name, c := range map[string]struct {
		sent      []Seen
		forgotten bool
		want      time.Duration
	}{
		"nothing":                 {nil, false, 0},
		"only before the idling":  {[]Seen{at(500, to4("PSH+ACK", 1, 5))}, false, 0},
		"no data":                 {[]Seen{at(600, to4("ACK", 1, 0))}, false, 0},
		"the first of two":        {[]Seen{at(400, to4("PSH+ACK", 1, 5)), at(900, to4("PSH+ACK", 6, 5)), at(950, to4("PSH+ACK", 6, 5))}, false, 100 * time.Millisecond},
		"perhaps not the first":   {[]Seen{at(900, to4("PSH+ACK", 6, 5))}, true, 0},
		"certainly the first":     {[]Seen{at(400, to4("ACK", 6, 0)), at(900, to4("PSH+ACK", 6, 5))}, true, 100 * time.Millisecond},
		"the clock was set back":  {[]Seen{at(1100, to4("PSH+ACK", 6, 5))}, false, 0},
		"a SYN with data, no use": {[]Seen{at(900, to4("SYN", 6, 5))}, false, 0},
	} {
		got := Judge(Flow{Sent: c.sent, Forgotten: c.forgotten, QuietSince: quiet, Reset: bareRST(57)}).After
		if got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

package packet

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// shape is what a built packet has beside its fields.
type shape struct {
	ipOptions  int // bytes
	tcpOptions int
	extensions []byte // next header numbers, before TCP
}

func equal[T any](t *testing.T, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.AddrPort{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// build writes a packet with a payload of zeros.
func build(p Packet, s shape) []byte {
	tcp := make([]byte, minTCP+s.tcpOptions+p.Payload)
	binary.BigEndian.PutUint16(tcp, p.Src.Port())
	binary.BigEndian.PutUint16(tcp[2:], p.Dst.Port())
	binary.BigEndian.PutUint32(tcp[4:], p.Seq)
	binary.BigEndian.PutUint32(tcp[8:], p.Ack)
	tcp[12] = byte((minTCP + s.tcpOptions) / 4 << 4)
	for i, name := range strings.Split("FIN SYN RST PSH ACK URG ECE CWR", " ") {
		if p.has(name) {
			tcp[13] |= 1 << i
		}
	}
	binary.BigEndian.PutUint16(tcp[14:], p.Window)
	if p.Src.Addr().Is4() {
		return append(headerIPv4(p, s.ipOptions, len(tcp)), tcp...)
	}
	return append(headerIPv6(p, s.extensions, len(tcp)), tcp...)
}

func headerIPv4(p Packet, options, length int) []byte {
	ip := make([]byte, minIPv4+options)
	ip[0] = 4<<4 | byte(len(ip)/4)
	binary.BigEndian.PutUint16(ip[2:], uint16(len(ip)+length))
	binary.BigEndian.PutUint16(ip[4:], p.IPID)
	ip[6] = 0x40 // don't fragment
	ip[8], ip[9] = p.TTL, protocolTCP
	copy(ip[12:], p.Src.Addr().AsSlice())
	copy(ip[16:], p.Dst.Addr().AsSlice())
	return ip
}

func headerIPv6(p Packet, extensions []byte, length int) []byte {
	ip := make([]byte, minIPv6, minIPv6+len(extensions)*16)
	ip[0], ip[7] = 6<<4, p.TTL
	copy(ip[8:], p.Src.Addr().AsSlice())
	copy(ip[24:], p.Dst.Addr().AsSlice())
	next := &ip[6]
	for _, number := range extensions {
		*next = number
		header := make([]byte, 16)
		header[1] = 1 // 8 bytes more than 8
		if number == authHeader {
			header[1] = 2 // 4 bytes each
		}
		ip = append(ip, header...)
		next = &ip[len(ip)-16]
	}
	*next = protocolTCP
	binary.BigEndian.PutUint16(ip[4:], uint16(len(ip)-minIPv6+length))
	return ip
}

var (
	server4 = netip.MustParseAddrPort("192.0.2.9:143")
	client4 = netip.MustParseAddrPort("198.51.100.7:40000")
	server6 = netip.MustParseAddrPort("[2001:db8::9]:143")
	client6 = netip.MustParseAddrPort("[2001:db8:1::7]:40000")
)

func TestParse(t *testing.T) {
	data4 := Packet{server4, client4, 1 << 31, 7, Segment{TTL: 57, IPID: 4711, Flags: "PSH+ACK", Window: 502, Options: true, Payload: 30}}
	bare4 := Packet{server4, client4, 0xffffffff, 0, Segment{TTL: 255, Flags: "RST"}}
	data6 := Packet{server6, client6, 1, 2, Segment{TTL: 1, Flags: "PSH+ACK", Window: 65535, Payload: 1000}}
	for name, c := range map[string]struct {
		network []byte
		want    Packet
	}{
		"IPv4":                         {build(data4, shape{tcpOptions: 12}), data4},
		"IPv4 with options":            {build(data4, shape{ipOptions: 40, tcpOptions: 40}), data4},
		"a bare RST":                   {build(bare4, shape{}), bare4},
		"cut behind the header":        {build(data4, shape{tcpOptions: 12})[:minIPv4+minTCP], data4},
		"padded by the link":           {append(build(bare4, shape{}), make([]byte, 6)...), bare4},
		"IPv6":                         {build(data6, shape{}), data6},
		"IPv6 with extensions":         {build(data6, shape{extensions: []byte{hopByHop, destOptions, routing, authHeader}}), data6},
		"IPv6 cut behind TCP's header": {build(data6, shape{})[:minIPv6+minTCP], data6},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Parse(c.network)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, got, c.want)
		})
	}
}

func TestParseRefuses(t *testing.T) {
	v4 := build(Packet{Src: server4, Dst: client4, Segment: Segment{Flags: "ACK", Payload: 4}}, shape{})
	v6 := build(Packet{Src: server6, Dst: client6, Segment: Segment{Flags: "ACK", Payload: 4}}, shape{})
	set := func(b []byte, at int, values ...byte) []byte {
		b = bytes.Clone(b)
		copy(b[at:], values)
		return b
	}
	for name, c := range map[string]struct {
		network []byte
		want    string
	}{
		"nothing":                    {nil, "ends before"},
		"IP version":                 {set(v4, 0, 0x55), "IP version 5"},
		"IPv4 cut":                   {v4[:minIPv4-1], "ends before"},
		"IPv4 header":                {set(v4, 0, 0x44), "header of 16 bytes"},
		"IPv4 options cut":           {set(v4, 0, 0x4f)[:minIPv4], "a packet of 44"},
		"IPv4 length 0":              {set(v4, 2, 0, 0), "a packet of 0"},
		"IPv4 first fragment":        {set(v4, 6, 0x20, 0), "a fragment"},
		"IPv4 later fragment":        {set(v4, 6, 0, 1), "a fragment"},
		"UDP":                        {set(v4, 9, 17), "protocol 17"},
		"TCP cut":                    {v4[:minIPv4+minTCP-1], "ends before"},
		"TCP header of 16":           {set(v4, minIPv4+12, 0x40), "TCP header of 16"},
		"TCP header longer than all": {set(v4, minIPv4+12, 0xf0), "a segment of 24"},
		"IPv6 cut":                   {v6[:minIPv6-1], "ends before"},
		"IPv6 fragment":              {set(v6, 6, fragment), "a fragment"},
		"UDP over IPv6":              {set(v6, 6, 17), "next header 17"},
		"IPv6 jumbogram":             {set(v6, 4, 0, 0), "a segment of 0"},
		"IPv6 extension cut":         {set(set(v6, 6, hopByHop), minIPv6, protocolTCP, 200), "ends before"},
		"IPv6 extension missing":     {set(v6, 6, hopByHop)[:minIPv6+7], "ends before"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Parse(c.network)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			equal(t, got, Packet{})
		})
	}
}

// FuzzParse holds that a packet gives the fields that it was built from, and that a part of it gives the
// same or an error.
func FuzzParse(f *testing.F) {
	f.Add([]byte{192, 0, 2, 1}, []byte{192, 0, 2, 2}, uint16(143), uint16(40000), uint32(1), uint32(2), uint8(64), uint16(9), uint8(0x18), uint16(502), uint16(5), uint8(3), uint8(1))
	f.Add(bytes.Repeat([]byte{1}, 16), bytes.Repeat([]byte{2}, 16), uint16(1), uint16(2), uint32(1), uint32(2), uint8(64), uint16(9), uint8(0x14), uint16(0), uint16(0), uint8(0), uint8(27))
	f.Fuzz(func(t *testing.T, src, dst []byte, from, to uint16, seq, ack uint32, ttl uint8, id uint16, flags uint8, window, payload uint16, tcpOptions, more uint8) {
		srcAddr, ok1 := netip.AddrFromSlice(src)
		dstAddr, ok2 := netip.AddrFromSlice(dst)
		if !ok1 || !ok2 || len(src) != len(dst) {
			return
		}
		s := shape{tcpOptions: int(tcpOptions%11) * 4, ipOptions: int(more%11) * 4}
		for ; len(src) == 16 && more > 0; more /= 3 {
			s.extensions = append(s.extensions, []byte{hopByHop, destOptions, authHeader}[more%3])
		}
		want := Packet{
			netip.AddrPortFrom(srcAddr, from), netip.AddrPortFrom(dstAddr, to), seq, ack,
			Segment{ttl, id, flagNames(flags), window, s.tcpOptions > 0, int(payload % 2000)},
		}
		if len(src) == 16 {
			want.IPID = 0
		}
		network := build(want, s)
		headers := len(network) - want.Payload - s.tcpOptions
		for end := range network {
			got, err := Parse(network[:end])
			if (err == nil) != (end >= headers) || err == nil && got != want {
				t.Fatalf("%d bytes of %+v give %+v, %v", end, want, got, err)
			}
		}
		if got, err := Parse(network); err != nil || got != want {
			t.Fatalf("%+v gives %+v, %v", want, got, err)
		}
	})
}

// FuzzParseForeign holds that a packet's lengths are those of its headers, whatever stands in it.
func FuzzParseForeign(f *testing.F) {
	f.Add(build(Packet{Src: server4, Dst: client4, Segment: Segment{Flags: "ACK", Payload: 4}}, shape{}))
	f.Add(build(Packet{Src: server6, Dst: client6, Segment: Segment{Flags: "RST"}}, shape{extensions: []byte{routing}}))
	f.Fuzz(func(t *testing.T, network []byte) {
		p, err := Parse(network)
		if err != nil {
			equal(t, p, Packet{})
			return
		}
		most := int(binary.BigEndian.Uint16(network[2:])) - minIPv4 - minTCP
		if p.Src.Addr().Is6() {
			most = int(binary.BigEndian.Uint16(network[4:])) - minTCP
		}
		if p.Payload < 0 || p.Payload > most || p.Src.Addr().BitLen() != p.Dst.Addr().BitLen() {
			t.Errorf("%+v", p)
		}
		if again, err := Parse(append(bytes.Clone(network), 1, 2, 3)); err != nil || again != p {
			t.Errorf("with padding %+v, %v; without %+v", again, err, p)
		}
	})
}

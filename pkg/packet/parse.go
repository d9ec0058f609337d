package packet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// Packet is an IP packet that carries a whole TCP segment, as far as it is looked at.
type Packet struct {
	Src, Dst netip.AddrPort
	Seq, Ack uint32
	Segment
}

// IPv6's extension headers, by their number as a next header (RFC 8200 4; IANA, protocol numbers).
const (
	hopByHop    = 0
	routing     = 43
	fragment    = 44
	authHeader  = 51
	destOptions = 60
)

const (
	protocolTCP = 6
	minIPv4     = 20 // bytes of a header without options
	minIPv6     = 40
	minTCP      = 20
	minExt      = 8
)

// errShort is of a packet that was cut before the end of its TCP header.
var errShort = errors.New("parse packet: it ends before its TCP header does")

// Parse reads an IPv4 (RFC 791) or IPv6 (RFC 8200) packet that begins with its IP header. What was
// captured may end anywhere behind the 20 bytes of the TCP header: lengths are those that the headers
// give. It errs for fragments, of which only the first has a TCP header, for packets of more than
// 64 KiB, which give no length, and for what is no TCP.
func Parse(network []byte) (Packet, error) {
	if len(network) == 0 {
		return Packet{}, errShort
	}
	switch version := network[0] >> 4; version {
	case 4:
		return parseIPv4(network)
	case 6:
		return parseIPv6(network)
	default:
		return Packet{}, fmt.Errorf("parse packet: IP version %d", version)
	}
}

func parseIPv4(b []byte) (Packet, error) {
	if len(b) < minIPv4 {
		return Packet{}, errShort
	}
	header, total := int(b[0]&0xf)*4, int(binary.BigEndian.Uint16(b[2:]))
	switch {
	case header < minIPv4 || total < header:
		return Packet{}, fmt.Errorf("parse packet: an IPv4 header of %d bytes in a packet of %d", header, total)
	case binary.BigEndian.Uint16(b[6:])&0x3fff != 0: // more fragments, or an offset
		return Packet{}, errors.New("parse packet: a fragment")
	case b[9] != protocolTCP:
		return Packet{}, fmt.Errorf("parse packet: protocol %d", b[9])
	case len(b) < header:
		return Packet{}, errShort
	}
	src, dst := netip.AddrFrom4([4]byte(b[12:])), netip.AddrFrom4([4]byte(b[16:]))
	p, err := parseTCP(b[header:], total-header, src, dst)
	if err != nil {
		return Packet{}, err
	}
	p.TTL, p.IPID = b[8], binary.BigEndian.Uint16(b[4:])
	return p, nil
}

func parseIPv6(b []byte) (Packet, error) {
	if len(b) < minIPv6 {
		return Packet{}, errShort
	}
	next, rest, left := b[6], b[minIPv6:], int(binary.BigEndian.Uint16(b[4:]))
	for next != protocolTCP {
		if len(rest) < minExt {
			return Packet{}, errShort
		}
		var size int
		switch next {
		case hopByHop, routing, destOptions:
			size = minExt + int(rest[1])*8
		case authHeader:
			size = minExt + int(rest[1])*4 // RFC 4302 2.2
		case fragment:
			return Packet{}, errors.New("parse packet: a fragment")
		default:
			return Packet{}, fmt.Errorf("parse packet: next header %d", next)
		}
		if len(rest) < size {
			return Packet{}, errShort
		}
		next, rest, left = rest[0], rest[size:], left-size
	}
	src, dst := netip.AddrFrom16([16]byte(b[8:])), netip.AddrFrom16([16]byte(b[24:]))
	p, err := parseTCP(rest, left, src, dst)
	if err != nil {
		return Packet{}, err
	}
	p.TTL = b[7]
	return p, nil
}

// parseTCP reads a TCP header (RFC 9293 3.1). The length is that of the segment by the IP header, in bytes.
func parseTCP(b []byte, length int, src, dst netip.Addr) (Packet, error) {
	if len(b) < minTCP {
		return Packet{}, errShort
	}
	header := int(b[12]>>4) * 4
	if header < minTCP || length < header {
		return Packet{}, fmt.Errorf("parse packet: a TCP header of %d bytes in a segment of %d", header, length)
	}
	return Packet{
		Src: netip.AddrPortFrom(src, binary.BigEndian.Uint16(b)),
		Dst: netip.AddrPortFrom(dst, binary.BigEndian.Uint16(b[2:])),
		Seq: binary.BigEndian.Uint32(b[4:]),
		Ack: binary.BigEndian.Uint32(b[8:]),
		Segment: Segment{
			Flags:   flagNames(b[13]),
			Window:  binary.BigEndian.Uint16(b[14:]),
			Options: header > minTCP,
			Payload: length - header,
		},
	}, nil
}

// flagNames spells a TCP header's control bits, lowest first: "SYN+ACK".
func flagNames(bits byte) string {
	var set []string
	for i, name := range [...]string{"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"} {
		if bits&(1<<i) != 0 {
			set = append(set, name)
		}
	}
	return strings.Join(set, "+")
}

// has tells whether a segment has one of the flags that flagNames spells.
func (s Segment) has(flag string) bool { return strings.Contains(s.Flags, flag) }

// isData tells whether a packet carries data of an open connection.
func (p Packet) isData() bool { return p.Payload > 0 && !p.has("SYN") && !p.has("RST") }

// end is the sequence number behind the packet: what an acknowledgement of it carries at least.
func (p Packet) end() uint32 {
	end := p.Seq + uint32(p.Payload)
	for _, flag := range []string{"SYN", "FIN"} { // each takes a number of its own
		if p.has(flag) {
			end++
		}
	}
	return end
}

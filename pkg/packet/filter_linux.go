package packet

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"
)

// snapLength is how many bytes of a packet are looked at: all headers, with room for options.
const snapLength = 256

// adProtocol is the offset at which a filter finds a packet's protocol: SKF_AD_OFF (-0x1000) + SKF_AD_PROTOCOL
// (include/uapi/linux/filter.h).
const adProtocol = 0xfffff000

// check is one condition of a filter: what is loaded must equal a value.
type check struct {
	load []unix.SockFilter
	want uint32
}

// filter gives the program (classic BPF; kernel, Documentation/networking/filter.rst) that lets TCP
// packets from and to an address and port pass. It is for packets that begin with their IP header.
// An IPv6 packet with an extension header passes by its addresses alone, since a program without loops cannot skip the headers.
func filter(server netip.AddrPort) []unix.SockFilter {
	var program []unix.SockFilter
	for _, end := range []uint32{0, 1} { // source, destination
		if server.Addr().Is4() {
			program = append(program, allOf(checkIPv4(server, end))...)
			continue
		}
		program = append(program, allOf(append(checkIPv6(server, end, protocolTCP), check{load(unix.BPF_H, minIPv6+2*end), uint32(server.Port())}))...)
		for _, next := range []uint32{hopByHop, routing, authHeader, destOptions} {
			program = append(program, allOf(checkIPv6(server, end, next))...)
		}
	}
	return append(program, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 0})
}

func checkIPv4(server netip.AddrPort, end uint32) []check {
	addr := server.Addr().As4()
	return []check{
		protocol(unix.ETH_P_IP),
		{load(unix.BPF_B, 9), protocolTCP},
		{load(unix.BPF_W, 12+4*end), binary.BigEndian.Uint32(addr[:])},
		{[]unix.SockFilter{
			{Code: unix.BPF_LDX | unix.BPF_B | unix.BPF_MSH, K: 0}, // X = the header's length
			{Code: unix.BPF_LD | unix.BPF_H | unix.BPF_IND, K: 2 * end},
		}, uint32(server.Port())},
	}
}

func checkIPv6(server netip.AddrPort, end, next uint32) []check {
	checks := []check{protocol(unix.ETH_P_IPV6), {load(unix.BPF_B, 6), next}}
	addr := server.Addr().As16()
	for i := uint32(0); i < 16; i += 4 {
		checks = append(checks, check{load(unix.BPF_W, 8+16*end+i), binary.BigEndian.Uint32(addr[i:])})
	}
	return checks
}

// protocol checks the packet's protocol, which a link header would have had.
func protocol(want uint32) check {
	return check{load(unix.BPF_H, adProtocol), want}
}

func load(size uint16, at uint32) []unix.SockFilter {
	return []unix.SockFilter{{Code: unix.BPF_LD | size | unix.BPF_ABS, K: at}}
}

// allOf lets a packet pass that meets all conditions, and goes on behind its own end for any other.
func allOf(checks []check) []unix.SockFilter {
	program := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: snapLength}}
	for _, c := range slices.Backward(checks) {
		jump := unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: uint8(len(program)), K: c.want}
		program = slices.Concat(c.load, []unix.SockFilter{jump}, program)
	}
	return program
}

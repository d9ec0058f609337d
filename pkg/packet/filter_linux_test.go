package packet

import (
	"encoding/binary"
	"net/netip"
	"os"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ptr is for the kernel's structures at the beginning of a message.
func ptr(b []byte) unsafe.Pointer { return unsafe.Pointer(&b[0]) }

// TestFilter sends packets through the loopback interface of a namespace of its own, and looks at which
// the kernel's filter lets pass.
func TestFilter(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to make a network namespace")
	}
	turn := func(p Packet) Packet { p.Src, p.Dst = p.Dst, p.Src; return p }
	v4 := Packet{Src: server4, Dst: client4, Segment: Segment{TTL: 9, Flags: "ACK", Payload: 1000}}
	v6 := Packet{Src: server6, Dst: client6, Segment: Segment{TTL: 9, Flags: "ACK", Payload: 1000}}
	port4, host4, port6, host6 := v4, v4, v6, v6
	port4.Src = netip.AddrPortFrom(server4.Addr(), 144)
	host4.Src = netip.AddrPortFrom(server4.Addr().Next(), 143)
	port6.Src = netip.AddrPortFrom(server6.Addr(), 144)
	host6.Src = netip.AddrPortFrom(server6.Addr().Next(), 143)
	udp := build(v4, shape{})
	udp[9] = 17
	both := port4
	both.Dst = server4
	cases := []struct {
		name    string
		server  netip.AddrPort
		network []byte
		want    bool
	}{
		{"from the server", server4, build(v4, shape{}), true},
		{"to the server", server4, build(turn(v4), shape{}), true},
		{"with options", server4, build(v4, shape{ipOptions: 40, tcpOptions: 40}), true},
		{"to the server with options", server4, build(turn(v4), shape{ipOptions: 8}), true},
		{"both ends at the server's address", server4, build(both, shape{}), true},
		{"another port", server4, build(port4, shape{}), false},
		{"to another port", server4, build(turn(port4), shape{}), false},
		{"another host", server4, build(host4, shape{}), false},
		{"UDP", server4, udp, false},
		{"IPv6 for IPv4", server4, build(v6, shape{}), false},
		{"from the server, IPv6", server6, build(v6, shape{}), true},
		{"to the server, IPv6", server6, build(turn(v6), shape{}), true},
		{"extension header", server6, build(v6, shape{extensions: []byte{destOptions, routing}}), true},
		{"to the server with extension header", server6, build(turn(v6), shape{extensions: []byte{hopByHop}}), true},
		{"another port, IPv6", server6, build(port6, shape{}), false},
		{"another host, IPv6", server6, build(host6, shape{}), false},
		{"another host with extension header", server6, build(host6, shape{extensions: []byte{hopByHop}}), false},
		{"IPv4 for IPv6", server6, build(v4, shape{}), false},
	}
	alone(func() {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			t.Errorf("unshare: %v", err)
			return
		}
		lo := bringUp(t)
		for _, c := range cases {
			marker := turn(v4)
			if c.server.Addr().Is6() {
				marker = turn(v6)
			}
			marker.Payload = 1
			passed := through(t, lo, c.server, c.network, build(marker, shape{}))
			if passed != c.want {
				t.Errorf("%s: %v", c.name, passed)
			}
		}
	})
}

// bringUp sets the loopback interface of the thread's namespace up, and gives its number.
func bringUp(t *testing.T) int {
	t.Helper()
	fd := socket(t, unix.AF_INET, unix.SOCK_DGRAM, 0)
	request, err := unix.NewIfreq("lo")
	if err != nil {
		t.Fatal(err)
	}
	request.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request); err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, request); err != nil {
		t.Fatal(err)
	}
	return int(request.Uint32())
}

// through sends a packet, and then another that passes the filter, and tells whether the first came before it.
func through(t *testing.T, lo int, server netip.AddrPort, packet, marker []byte) bool {
	t.Helper()
	fd, sender := socket(t, unix.AF_PACKET, unix.SOCK_DGRAM, 0), socket(t, unix.AF_PACKET, unix.SOCK_DGRAM, 0)
	limit := unix.NsecToTimeval(patience.Nanoseconds())
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit); err != nil {
		t.Fatal(err)
	}
	if err := prepare(fd, server); err != nil {
		t.Fatal(err)
	}
	for _, network := range [][]byte{packet, marker} {
		ethertype := uint16(unix.ETH_P_IP)
		if network[0]>>4 == 6 {
			ethertype = unix.ETH_P_IPV6
		}
		to := &unix.SockaddrLinklayer{Protocol: binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, ethertype)), Ifindex: lo}
		if err := unix.Sendto(sender, network, 0, to); err != nil {
			t.Fatal(err)
		}
	}
	buffer, control := make([]byte, 2048), make([]byte, 128)
	for passed := false; ; {
		n, controls, _, _, err := unix.Recvmsg(fd, buffer, control, 0)
		if err != nil {
			t.Fatalf("receive: %v", err)
		}
		p, err := Parse(buffer[:n])
		if err != nil || n > snapLength {
			t.Fatalf("%d bytes: %v", n, err)
		}
		if at, ok := stamp(control[:controls]); !ok || time.Since(at) > patience {
			t.Errorf("time stamp %v, %v", at, ok)
		}
		if p.Payload == 1 {
			return passed
		}
		passed = true
	}
}

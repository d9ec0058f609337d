package probe

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"vmguard/pkg/netns"
)

// Target is the one address that all connections of a run go to.
type Target struct {
	// Host is the server's name as the user gave it, or its address.
	Host string
	// Addr is what it was resolved to: one address for the whole run, since another may be another box.
	Addr netip.AddrPort
	// Bind is this side's address; its zero value leaves the choice to the kernel.
	Bind netip.Addr
	// TLS is spoken right after TCP's handshake where Implicit is set, and else when the protocol starts
	// it; nil where it never is.
	TLS      *tls.Config
	Implicit bool
	// PID names a process whose network namespace the connections are opened in; 0 for vmguard's own.
	PID int
}

// ErrNoAddress says that a name has no address of the family that was asked for.
var ErrNoAddress = errors.New("it has no address of that family")

// Resolve gives the address of a host: of several the first, as the system's resolver orders them
// (RFC 6724). Family is 4, 6, or 0 for either. It errs with the resolver's error (*net.DNSError), or with
// ErrNoAddress.
func Resolve(ctx context.Context, host string, family int) (netip.Addr, error) {
	network := map[int]string{4: "ip4", 6: "ip6"}[family]
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, cmp.Or(network, "ip"), host)
	if addrErr, ok := errors.AsType[*net.AddrError](err); ok {
		return netip.Addr{}, fmt.Errorf("resolve %s: %w (%s)", host, ErrNoAddress, addrErr.Err)
	}
	if err != nil {
		return netip.Addr{}, fmt.Errorf("resolve: %w", err)
	}
	fits := func(a netip.Addr) bool { return family == 0 || a.Unmap().Is4() == (family == 4) }
	if i := slices.IndexFunc(addrs, fits); i >= 0 {
		return addrs[i].Unmap(), nil
	}
	return netip.Addr{}, fmt.Errorf("resolve %s: %w", host, ErrNoAddress)
}

// dial opens a connection whose keepalive is off, or probes at the given interval.
func (t Target) dial(ctx context.Context, keepalive time.Duration) (net.Conn, error) {
	// The zero KeepAlive would switch it on with Go's 15 s, which hides every box that forgets idle flows.
	d := net.Dialer{KeepAlive: -1}
	if keepalive > 0 {
		d.KeepAliveConfig = net.KeepAliveConfig{Enable: true, Idle: keepalive, Interval: keepalive, Count: 9}
	}
	if t.Bind.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(t.Bind, 0))
	}
	if t.PID == 0 {
		return d.DialContext(ctx, "tcp", t.Addr.String())
	}
	var conn net.Conn
	err := netns.Do(t.PID, func() (err error) {
		conn, err = d.DialContext(ctx, "tcp", t.Addr.String()) // one address: the socket is made on this thread
		return err
	})
	return conn, err
}

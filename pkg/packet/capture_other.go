//go:build !linux

package packet

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Capture sees the TCP packets to and from one server. There is none on this system.
type Capture struct{}

// Open gives errors.ErrUnsupported: packets are watched on Linux only.
func Open(netip.AddrPort) (*Capture, error) {
	return nil, fmt.Errorf("watch packets: %w", errors.ErrUnsupported)
}

// Evidence gives nil.
func (*Capture) Evidence(context.Context, netip.AddrPort, time.Time, time.Duration) *Evidence {
	return nil
}

// Close does nothing.
func (*Capture) Close() error { return nil }

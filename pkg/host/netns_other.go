//go:build !linux

package host

import (
	"context"
	"errors"
)

// NamespaceKeepalive would read the TCP keepalive settings inside the network
// namespace of a process, which only Linux has.
func NamespaceKeepalive(context.Context, int) (Keepalive, error) {
	return Keepalive{}, errors.New("network namespaces need Linux")
}

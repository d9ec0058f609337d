package host

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"vmguard/pkg/netns"
)

// NamespaceKeepalive reads the TCP keepalive settings inside the network namespace of
// a process of the live host. It takes CAP_SYS_ADMIN; without it, the error says so.
func NamespaceKeepalive(ctx context.Context, pid int) (Keepalive, error) {
	if err := ctx.Err(); err != nil {
		return Keepalive{}, err
	}
	type answer struct {
		keepalive Keepalive
		err       error
	}
	answers := make(chan answer, 1) // a late answer waits for nobody
	go func() {
		var a answer
		a.err = netns.Do(pid, func() (err error) {
			a.keepalive, err = readThreadKeepalive()
			return err
		})
		answers <- a
	}()
	select {
	case a := <-answers:
		return a.keepalive, a.err
	case <-ctx.Done():
		return Keepalive{}, ctx.Err()
	}
}

// readThreadKeepalive asks a new socket for what it got from its namespace's sysctls
// (tcp(7); keepalive_time_when in include/net/tcp.h). With a hundred containers that
// spares three hundred files.
func readThreadKeepalive() (Keepalive, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
	if err != nil {
		return Keepalive{}, fmt.Errorf("open a socket in its network namespace: %w", err)
	}
	defer unix.Close(fd) //nolint:errcheck // never connected
	var values [3]int
	for i, option := range []int{unix.TCP_KEEPIDLE, unix.TCP_KEEPINTVL, unix.TCP_KEEPCNT} {
		if values[i], err = unix.GetsockoptInt(fd, unix.IPPROTO_TCP, option); err != nil {
			return Keepalive{}, fmt.Errorf("ask a socket for its keepalive: %w", err)
		}
	}
	return Keepalive{
		Time:     time.Duration(values[0]) * time.Second,
		Interval: time.Duration(values[1]) * time.Second,
		Probes:   values[2],
	}, nil
}

//go:build !linux

package probe

import (
	"net"
	"syscall"
	"time"
)

func tcpInfo(net.Conn) *TCPInfo { return nil }

func keepaliveOff(net.Conn) *bool { return nil }

// Slept would tell for how long the machine has been suspended since boot, which only Linux is asked.
func Slept() time.Duration { return 0 }

// errnoName names an error number of those that a connection gives.
func errnoName(errno syscall.Errno) string {
	for name, n := range map[string]syscall.Errno{
		"ECONNRESET": syscall.ECONNRESET, "EPIPE": syscall.EPIPE, "ETIMEDOUT": syscall.ETIMEDOUT, "ECONNREFUSED": syscall.ECONNREFUSED,
		"EHOSTUNREACH": syscall.EHOSTUNREACH, "ENETUNREACH": syscall.ENETUNREACH, "EMFILE": syscall.EMFILE, "ENFILE": syscall.ENFILE,
	} {
		if n == errno {
			return name
		}
	}
	return errno.Error()
}

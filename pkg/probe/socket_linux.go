package probe

import (
	"net"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// tcpInfo asks the kernel about a connection; nil where that is none of TCP.
func tcpInfo(conn net.Conn) *TCPInfo {
	var info *TCPInfo
	onSocket(conn, func(fd int) {
		// The wrapper of x/sys does not tell how much of the structure the kernel filled in.
		var raw [512]byte
		size := uint32(len(raw))
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.IPPROTO_TCP, unix.TCP_INFO,
			uintptr(unsafe.Pointer(&raw)), uintptr(unsafe.Pointer(&size)), 0) //nolint:gosec // G103: getsockopt(2) takes addresses
		if errno == 0 && int(size) <= len(raw) {
			info = parseTCPInfo(raw[:size])
		}
	})
	return info
}

// keepaliveOff asks a socket whether SO_KEEPALIVE is off, without which the kernel runs no keepalive timer
// (socket(7)); nil where it does not say.
func keepaliveOff(conn net.Conn) *bool {
	var off *bool
	onSocket(conn, func(fd int) {
		if on, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE); err == nil {
			no := on == 0
			off = &no
		}
	})
	return off
}

func onSocket(conn net.Conn, f func(fd int)) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	if raw, err := tcp.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { f(int(fd)) }) // a closed connection has nothing to tell
	}
}

// Slept tells for how long the machine has been suspended since boot: CLOCK_MONOTONIC stands still
// meanwhile, CLOCK_BOOTTIME does not (clock_gettime(2)).
func Slept() time.Duration {
	var boot, mono unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &mono) != nil || unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot) != nil {
		return 0
	}
	return time.Duration(boot.Nano() - mono.Nano())
}

// errnoName names an error number: "ECONNRESET".
func errnoName(errno syscall.Errno) string { return unix.ErrnoName(errno) }

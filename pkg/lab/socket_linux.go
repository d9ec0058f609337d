package lab

import (
	"errors"
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

const onLinux = true

// dropAll lets nothing more through to a socket: a filter that takes 0 bytes of each segment. TCP runs
// it before it looks at the segment (net/ipv4/tcp_ipv4.c, tcp_v4_rcv), so nothing is acknowledged.
// It takes no privilege by socket(7), SO_ATTACH_FILTER; but hardened kernels refuse it to all but root.
func dropAll(socket *net.TCPConn) error {
	return control(socket, "attach a filter", func(fd int) error { return attach(fd, 0) })
}

// attach sets a filter that takes so many bytes of each segment.
func attach(fd int, bytes uint32) error {
	code := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: bytes}}
	program := unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &program)
}

// canDrop errs where a filter may not be attached, by attaching one that lets everything through.
func canDrop() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = errors.Join(attach(fd, 1<<18), unix.Close(fd))
	}
	if err != nil {
		return fmt.Errorf("attach a filter: %w", err)
	}
	return nil
}

// countSegments asks a socket what it has received. It errs with errors.ErrUnsupported before Linux 4.6,
// which does not count so (tcpi_segs_in starts with the handshake, so 0 is no count).
func countSegments(socket *net.TCPConn) (segments, error) {
	var s segments
	err := control(socket, "count segments", func(fd int) error {
		info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil {
			return err
		}
		if info.Segs_in == 0 {
			return errors.ErrUnsupported
		}
		s = segments{all: info.Segs_in, data: info.Data_segs_in, acked: info.Bytes_acked}
		return nil
	})
	return s, err
}

// control runs a system call on a socket's file descriptor.
func control(socket *net.TCPConn, what string, call func(fd int) error) error {
	raw, err := socket.SyscallConn()
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = call(int(fd)) })
	if err == nil {
		err = failed
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

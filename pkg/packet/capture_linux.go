package packet

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// resetWait is how long Evidence waits for an RST: the packet is queued before the socket learns of it,
// but another goroutine reads it.
const resetWait = 200 * time.Millisecond

// Capture sees the TCP packets to and from one server. It is safe for use by several goroutines.
type Capture struct {
	file *os.File // the packet socket
	done chan struct{}
	err  error // why the reading ended, if not by Close; set before done is closed

	mu    sync.Mutex
	flows *flows
	news  chan struct{} // closed, and made anew, when a connection was reset
}

// Open begins to watch the packets to and from a server's address and port, on all interfaces of the
// network namespace that the calling thread is in (packet(7)). Connections that are opened afterwards
// are remembered: of each the last few packets, no payload. It takes CAP_NET_RAW: without it, the
// error's cause is EPERM (os.ErrPermission). Close ends it.
func Open(server netip.AddrPort) (*Capture, error) {
	server = plain(server)
	if !server.IsValid() {
		return nil, errors.New("watch packets: no server's address")
	}
	// With protocol 0 nothing comes in before the filter is set.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open packet socket: %w", err)
	}
	file := os.NewFile(uintptr(fd), "packet socket")
	conn, err := pollable(file)
	if err == nil {
		err = prepare(fd, server)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	c := &Capture{file: file, done: make(chan struct{}), flows: newFlows(server), news: make(chan struct{})}
	go c.read(conn)
	return c, nil
}

// pollable gives the connection of a file whose closing ends the waiting for it.
func pollable(file *os.File) (syscall.RawConn, error) {
	if err := file.SetReadDeadline(time.Time{}); err != nil {
		return nil, fmt.Errorf("poll packet socket: %w", err)
	}
	return file.SyscallConn()
}

// prepare sets the filter and the time stamps, and then lets packets come in.
func prepare(fd int, server netip.AddrPort) error {
	program := filter(server)
	prog := &unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, prog); err != nil {
		return fmt.Errorf("set packet filter: %w", err)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		return fmt.Errorf("ask for time stamps: %w", err)
	}
	// Only a socket for all protocols sees the packets that leave.
	all := binary.NativeEndian.Uint16([]byte{0, unix.ETH_P_ALL})
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all}); err != nil {
		return fmt.Errorf("bind packet socket: %w", err)
	}
	return nil
}

// read takes up packets until the socket is closed.
func (c *Capture) read(conn syscall.RawConn) {
	defer close(c.done)
	packet, control := make([]byte, snapLength), make([]byte, 128)
	for {
		var n, controls int
		var from unix.Sockaddr
		var failed error
		err := conn.Read(func(fd uintptr) bool {
			n, controls, _, from, failed = unix.Recvmsg(int(fd), packet, control, 0)
			return !errors.Is(failed, unix.EAGAIN)
		})
		switch {
		case err != nil: // closed
			return
		case errors.Is(failed, unix.EINTR), errors.Is(failed, unix.ENETDOWN): // an interface went down
			continue
		case failed != nil:
			c.err = failed
			return
		}
		if link, ok := from.(*unix.SockaddrLinklayer); ok {
			c.take(packet[:n], control[:controls], link.Pkttype == unix.PACKET_OUTGOING)
		}
	}
}

// take remembers a packet. One that cannot be read, such as a fragment, or has no time, says nothing.
func (c *Capture) take(packet, control []byte, outgoing bool) {
	p, err := Parse(packet)
	at, ok := stamp(control)
	if err != nil || !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.flows.add(Seen{p, at}, outgoing) {
		close(c.news)
		c.news = make(chan struct{})
	}
}

// stamp gives the time in a packet's control messages (socket(7), SO_TIMESTAMPNS), a struct timespec
// of this machine.
func stamp(control []byte) (time.Time, bool) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return time.Time{}, false
	}
	for _, m := range messages {
		if m.Header.Level != unix.SOL_SOCKET || m.Header.Type != unix.SCM_TIMESTAMPNS {
			continue
		}
		switch b := m.Data; {
		case len(b) >= 16:
			return time.Unix(int64(binary.NativeEndian.Uint64(b)), int64(binary.NativeEndian.Uint64(b[8:]))), true
		case len(b) >= 8:
			return time.Unix(int64(int32(binary.NativeEndian.Uint32(b))), int64(int32(binary.NativeEndian.Uint32(b[4:])))), true
		}
	}
	return time.Time{}, false
}

// Evidence says what the packets tell of the RST that ended the connection from a local address, which
// had been idle since quietSince. The round trip of the handshake, 0 for unknown, is used where no
// packets gave a shorter one. It is nil where no RST from the server's address is seen within 200 ms,
// or before ctx ends, and for a connection that was open before the capture.
func (c *Capture) Evidence(ctx context.Context, local netip.AddrPort, quietSince time.Time, handshakeRTT time.Duration) *Evidence {
	ctx, cancel := context.WithTimeout(ctx, resetWait)
	defer cancel()
	for {
		c.mu.Lock()
		f, seen := c.flows.reset(plain(local))
		news := c.news
		c.mu.Unlock()
		if seen {
			f.QuietSince, f.RTT = quietSince, shorter(f.RTT, handshakeRTT)
			e := Judge(f)
			return &e
		}
		select {
		case <-news:
		case <-c.done:
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}

// Close ends the capture, and all waiting for evidence. It errs when the reading of packets had already
// ended by itself, with the cause. To close it again does nothing.
func (c *Capture) Close() error {
	err := c.file.Close()
	<-c.done
	if c.err != nil {
		return fmt.Errorf("read packets: %w", c.err)
	}
	if err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("close packet socket: %w", err)
	}
	return nil
}

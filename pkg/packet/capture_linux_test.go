package packet

import (
	"context"
	"encoding/binary"
	"errors"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open begins to watch packets, and closes the capture at the test's end.
func open(t *testing.T, server netip.AddrPort) *Capture {
	t.Helper()
	c, err := Open(server)
	if errors.Is(err, os.ErrPermission) {
		t.Skipf("needs root, or CAP_NET_RAW: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, c) })
	return c
}

func closed(t *testing.T, c *Capture) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

func TestCaptureOnLoopback(t *testing.T) {
	for name, c := range map[string]struct{ listen, dial string }{
		"IPv4":         {"127.0.0.1:0", "127.0.0.1"},
		"IPv6":         {"[::1]:0", "::1"},
		"IPv4 in IPv6": {"127.0.0.1:0", "::ffff:127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			listener := listen(t, netip.MustParseAddrPort(c.listen))
			server := netip.AddrPortFrom(netip.MustParseAddr(c.dial), addrPort(listener.Addr()).Port())
			capture := open(t, server)
			conn := used(t, capture, func() pair { return connect(t, listener, server) })
			conn.vanish(t, true)
			conn.reset(t)
			got := capture.Evidence(t.Context(), conn.local(), time.Now(), 0)
			if got == nil {
				t.Fatal("the reset was not seen")
			}
			if got.Reset.Flags != "RST+ACK" || got.Reset.TTL != got.Data.TTL || !got.Reset.Options || got.After != 0 {
				t.Errorf("%+v", got)
			}
			// Each packet is counted once: SYN, ACK, three requests and the ACKs of the answers.
			capture.mu.Lock()
			f, _ := capture.flows.reset(plain(conn.local()))
			capture.mu.Unlock()
			requests := 0
			for _, p := range f.Sent {
				requests += p.Payload
			}
			if len(f.Data) != 3 || requests != 3 || f.RTT <= 0 || f.RTT > patience {
				t.Errorf("%d answers, %d requests, round trip %v", len(f.Data), requests, f.RTT)
			}
			if (got.Origin == FromServer) != (name != "IPv6") {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestCaptureOfRefusal has the kernel answer for a port at which nobody listens.
func TestCaptureOfRefusal(t *testing.T) {
	listener := listen(t, netip.MustParseAddrPort("127.0.0.1:0"))
	server := addrPort(listener.Addr())
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	capture := open(t, server)
	fd := socket(t, unix.AF_INET, unix.SOCK_STREAM, 0)
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	own, ok := name.(*unix.SockaddrInet4)
	if err != nil || !ok {
		t.Fatal(name, err)
	}
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(server.Port()), Addr: own.Addr}); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Fatalf("connect: %v", err)
	}
	got := capture.Evidence(t.Context(), netip.AddrPortFrom(server.Addr(), uint16(own.Port)), time.Time{}, 0)
	want := &Evidence{
		Origin: CannotTell, Words: "cannot tell", Why: "no data packet of the server was seen to compare it with",
		Reset: Segment{TTL: 64, Flags: "RST+ACK"},
	}
	equal(t, got, want)
}

func TestOpenNeedsTheRight(t *testing.T) {
	alone(func() {
		// Capabilities are a thread's own.
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		none := make([]unix.CapUserData, 2)
		if err := unix.Capset(&header, &none[0]); err != nil {
			t.Errorf("drop capabilities: %v", err)
			return
		}
		if c, err := Open(server4); !errors.Is(err, os.ErrPermission) || c != nil {
			t.Errorf("%v, %v", c, err)
		}
	})
	if c, err := Open(netip.AddrPort{}); err == nil || c != nil {
		t.Errorf("no address: %v, %v", c, err)
	}
}

func TestCloseEndsTheWaiting(t *testing.T) {
	capture := open(t, netip.MustParseAddrPort("127.0.0.1:1"))
	other := open(t, netip.MustParseAddrPort("[::1]:1"))
	over, end := context.WithCancel(t.Context())
	end()
	if got := other.Evidence(over, client4, start, 0); got != nil {
		t.Errorf("%+v", got)
	}
	waiting := make(chan *Evidence)
	go func() { waiting <- capture.Evidence(context.Background(), client4, start, 0) }()
	// The test's end closes it as well, which is no fault.
	closed(t, capture)
	if got := <-waiting; got != nil {
		t.Errorf("%+v", got)
	}
}

// TestEvidenceWaits has a reset that comes after it was asked for, and none.
func TestEvidenceWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &Capture{done: make(chan struct{}), flows: newFlows(server4), news: make(chan struct{})}
		pass := func(p Packet, out bool) { c.take(build(p, shape{}), stamped(16, time.Now()), out) }
		asked := time.Now()
		if got := c.Evidence(t.Context(), client4, asked, 0); got != nil || time.Since(asked) != resetWait {
			t.Errorf("%+v after %v", got, time.Since(asked))
		}
		asked = time.Now()
		pass(to4("SYN", 99, 0), true)
		time.Sleep(30 * time.Millisecond)
		pass(acking(100, from4("SYN+ACK", 57, 0, 0)), false)
		time.Sleep(time.Minute)
		pass(to4("PSH+ACK", 100, 6), true)
		got := make(chan *Evidence)
		go func() { got <- c.Evidence(t.Context(), client4, asked, 50*time.Millisecond) }()
		time.Sleep(4 * time.Millisecond)
		c.take([]byte("no packet"), stamped(16, time.Now()), false)
		c.take(build(from4("RST", 57, 0, 0), shape{}), nil, false)
		synctest.Wait()
		pass(from4("RST", 57, 0, 0), false)
		want := "it came 4.0 ms after the packet that it answers, and a round trip to the server takes 30.0 ms"
		if e := <-got; e == nil || e.Why != want || e.After != 4*time.Millisecond {
			t.Errorf("%+v", e)
		}
	})
}

// stamped gives a control message with a time, of as many bytes as a machine's timespec has.
func stamped(size int, at time.Time) []byte {
	message := make([]byte, unix.CmsgSpace(size))
	(*unix.Cmsghdr)(ptr(message)).Level = unix.SOL_SOCKET
	(*unix.Cmsghdr)(ptr(message)).Type = unix.SCM_TIMESTAMPNS
	(*unix.Cmsghdr)(ptr(message)).SetLen(unix.CmsgLen(size))
	body := message[unix.CmsgLen(0):]
	if size == 8 {
		binary.NativeEndian.PutUint32(body, uint32(at.Unix()))
		binary.NativeEndian.PutUint32(body[4:], uint32(at.Nanosecond()))
		return message
	}
	binary.NativeEndian.PutUint64(body, uint64(at.Unix()))
	binary.NativeEndian.PutUint64(body[8:], uint64(at.Nanosecond()))
	return message
}

// FuzzStamp holds that a time comes back, also behind other messages, and that a part of a message gives
// no other time.
func FuzzStamp(f *testing.F) {
	f.Add(uint32(1767322445), uint32(999999999), true, 3)
	f.Fuzz(func(t *testing.T, seconds, nanoseconds uint32, wide bool, cut int) {
		want, size := time.Unix(int64(seconds), int64(nanoseconds%1e9)), 8
		if wide {
			size = 16
		} else if seconds > 1<<31-1 {
			return
		}
		message := stamped(size, want)
		other := unix.UnixRights(0)
		if got, ok := stamp(append(other, message...)); !ok || !got.Equal(want) {
			t.Errorf("%v gives %v, %v", want, got, ok)
		}
		if got, ok := stamp(other); ok {
			t.Errorf("a time from nothing: %v", got)
		}
		if cut < 0 || cut >= unix.CmsgLen(size) {
			return
		}
		if got, ok := stamp(message[:cut]); ok {
			t.Errorf("%d bytes give %v", cut, got)
		}
	})
}

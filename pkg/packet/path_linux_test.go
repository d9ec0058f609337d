package packet

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long a test waits for what must come.
const patience = 10 * time.Second

// The namespaces of a path, and its addresses.
const (
	clientSpace = "vmg-p-client"
	routerSpace = "vmg-p-router"
	serverSpace = "vmg-p-server"
)

var (
	pathServer4 = netip.MustParseAddrPort("10.77.2.2:143")
	pathServer6 = netip.MustParseAddrPort("[fd77:2::2]:143")
	pathRouter4 = netip.MustParseAddrPort("10.77.1.1:143")
)

// newPath makes three network namespaces, client - router - server, which the test's end removes.
func newPath(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to make network namespaces")
	}
	for _, tool := range []string{"ip", "nft"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%v: scripts/setup installs it", err)
		}
	}
	lock(t)
	spaces := []string{clientSpace, routerSpace, serverSpace}
	remove := func() {
		for _, space := range spaces {
			if _, err := os.Stat("/run/netns/" + space); err != nil {
				continue
			}
			if err := try("", "ip", "netns", "del", space); err != nil {
				t.Error(err)
			}
		}
	}
	remove()
	t.Cleanup(remove)
	for _, space := range spaces {
		run(t, "", "ip", "netns", "add", space)
		run(t, "", "ip", "-n", space, "link", "set", "lo", "up")
		write(t, space, "net/ipv6/conf/default/accept_dad", "0") // nobody else has these addresses
	}
	link(t, clientSpace, "1")
	link(t, serverSpace, "2")
	write(t, routerSpace, "net/ipv4/ip_forward", "1")
	write(t, routerSpace, "net/ipv6/conf/all/forwarding", "1")
}

// lock keeps other runs of these tests from the namespaces.
func lock(t *testing.T) {
	t.Helper()
	dir, err := os.Open(os.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	if err := unix.Flock(int(dir.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
}

// link joins a namespace to the router by a network of that number.
func link(t *testing.T, space, network string) {
	t.Helper()
	inner := "to-" + network
	run(t, "", "ip", "-n", space, "link", "add", "eth0", "type", "veth", "peer", "name", inner, "netns", routerSpace)
	for _, end := range []struct{ space, name, host string }{{routerSpace, inner, "1"}, {space, "eth0", "2"}} {
		run(t, "", "ip", "-n", end.space, "addr", "add", "10.77."+network+"."+end.host+"/24", "dev", end.name)
		run(t, "", "ip", "-n", end.space, "addr", "add", "fd77:"+network+"::"+end.host+"/64", "dev", end.name, "nodad")
		run(t, "", "ip", "-n", end.space, "link", "set", end.name, "up")
	}
	run(t, "", "ip", "-n", space, "route", "add", "default", "via", "10.77."+network+".1")
	run(t, "", "ip", "-n", space, "-6", "route", "add", "default", "via", "fd77:"+network+"::1")
}

// write sets a value below /proc/sys in a namespace.
func write(t *testing.T, space, name, value string) {
	t.Helper()
	run(t, value, "ip", "netns", "exec", space, "tee", "/proc/sys/"+name)
}

// rules loads rules of nftables into the router.
func rules(t *testing.T, text string) {
	t.Helper()
	run(t, text, "ip", "netns", "exec", routerSpace, "nft", "-f", "-")
}

func run(t *testing.T, stdin, name string, args ...string) {
	t.Helper()
	if err := try(stdin, name, args...); err != nil {
		t.Fatal(err)
	}
}

func try(stdin, name string, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", cmd, err, out)
	}
	return nil
}

// inside runs f on a thread of its own in a namespace, which ends with it.
func inside(t *testing.T, space string, f func()) {
	t.Helper()
	var err error
	alone(func() {
		var fd int
		if fd, err = unix.Open("/run/netns/"+space, unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
			return
		}
		defer unix.Close(fd) //nolint:errcheck // opened for reading only
		if err = unix.Setns(fd, unix.CLONE_NEWNET); err == nil {
			f()
		}
	})
	switch {
	case err != nil:
		t.Fatalf("enter %s: %v", space, err)
	case t.Skipped(): // f can end its own goroutine only
		t.SkipNow()
	case t.Failed():
		t.FailNow()
	}
}

// alone runs f on a thread that runs nothing else afterwards. It is never the process's first, which
// cannot end, and which /proc/self stands for.
func alone(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			alone(f)
			runtime.UnlockOSThread()
			return
		}
		f()
	}()
	<-done
}

// forget empties the router's table of connections (ctnetlink, IPCTNL_MSG_CT_DELETE without a tuple).
func forget(t *testing.T) {
	t.Helper()
	inside(t, routerSpace, func() {
		fd := socket(t, unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_NETFILTER)
		const deleteEntries = 2
		request := make([]byte, 20) // struct nlmsghdr, struct nfgenmsg
		binary.NativeEndian.PutUint32(request, 20)
		binary.NativeEndian.PutUint16(request[4:], unix.NFNL_SUBSYS_CTNETLINK<<8|deleteEntries)
		binary.NativeEndian.PutUint16(request[6:], unix.NLM_F_REQUEST|unix.NLM_F_ACK)
		answer := make([]byte, 1024)
		if err := unix.Sendto(fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
			t.Errorf("ask to forget: %v", err)
			return
		}
		n, _, err := unix.Recvfrom(fd, answer, 0)
		if err != nil || n < 20 || binary.NativeEndian.Uint32(answer[16:]) != 0 {
			t.Errorf("forget: %v, % x", err, answer[:max(n, 0)])
		}
	})
}

// socket opens a socket, which is closed at the test's end.
func socket(t *testing.T, domain, kind, protocol int) int {
	t.Helper()
	fd, err := unix.Socket(domain, kind|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Close(fd); err != nil {
			t.Error(err)
		}
	})
	return fd
}

// pair is a connection that this test has both ends of.
type pair struct {
	client net.Conn
	server *net.TCPConn
}

// listen listens, until the test's end, in the namespace of the thread.
func listen(t *testing.T, address netip.AddrPort) *net.TCPListener {
	t.Helper()
	listener, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(address))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() }) // the test may have closed it
	return listener
}

// connect opens a connection to a listener by an address, and closes both ends at the test's end.
func connect(t *testing.T, listener *net.TCPListener, to netip.AddrPort) pair {
	t.Helper()
	var p pair
	dialer := net.Dialer{Timeout: patience, KeepAlive: -1}
	conn, err := dialer.Dial("tcp", to.String())
	if err != nil {
		t.Errorf("dial: %v", err)
		return p
	}
	p.client = conn
	t.Cleanup(func() { conn.Close() })
	if p.server, err = listener.AcceptTCP(); err != nil {
		t.Errorf("accept: %v", err)
		return p
	}
	t.Cleanup(func() { _ = p.server.Close() }) // the test may have closed it
	for _, c := range []net.Conn{p.client, p.server} {
		if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Error(err)
		}
	}
	return p
}

// talk sends a number of requests and answers, each one packet.
func (p pair) talk(t *testing.T, times int) {
	t.Helper()
	one := make([]byte, 1)
	for range times {
		for _, way := range [][2]net.Conn{{p.client, p.server}, {p.server, p.client}} {
			if _, err := way[0].Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
			if _, err := way[1].Read(one); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// reset waits until the client's end learns of a reset.
func (p pair) reset(t *testing.T) {
	t.Helper()
	if _, err := p.client.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("no reset: %v", err)
	}
}

// vanish makes the server's end disappear. With an RST it aborts the connection, as a crash does with
// unread data; without, no packet tells of it, as when a machine is started anew (TCP_REPAIR).
func (p pair) vanish(t *testing.T, withRST bool) {
	t.Helper()
	err := p.server.SetLinger(0)
	if !withRST {
		err = p.repair()
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := p.server.Close(); err != nil {
		t.Fatal(err)
	}
}

func (p pair) repair() error {
	raw, err := p.server.SyscallConn()
	if err != nil {
		return err
	}
	var set error
	err = raw.Control(func(fd uintptr) { set = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_REPAIR, 1) })
	return errors.Join(err, set)
}

func (p pair) local() netip.AddrPort { return addrPort(p.client.LocalAddr()) }

func addrPort(a net.Addr) netip.AddrPort { return netip.MustParseAddrPort(a.String()) }

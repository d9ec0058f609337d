package lab

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// info asks the client's socket.
func (c *client) info() *unix.TCPInfo {
	c.t.Helper()
	var info *unix.TCPInfo
	err := control(c.tcp, "ask", func(fd int) (err error) {
		info, err = unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return info
}

// until waits until the client's socket is as wanted.
func (c *client) until(what string, wanted func(*unix.TCPInfo) bool) {
	c.t.Helper()
	late := time.After(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		info := c.info()
		if wanted(info) {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			c.t.Fatalf("not %s: %+v", what, info)
		}
	}
}

// TestBlackHole shows that nothing is acknowledged: the client's kernel sends again and again.
func TestBlackHole(t *testing.T) {
	t.Parallel()
	inModes(t, func(t *testing.T, mode TLSMode) {
		for _, listen := range []string{"127.0.0.1:0", "[::1]:0"} {
			lab, r := play(t, "black-hole", Options{TLS: mode, Listen: listen})
			c := logIn(t, lab)
			lab.pass(t, 1)
			r.await(t, 1, "nothing comes through")
			acked := c.info().Bytes_acked
			c.say("x NOOP")
			c.until("sent again twice", func(i *unix.TCPInfo) bool { return i.Unacked == 1 && i.Retransmits >= 2 })
			if got := c.info().Bytes_acked; got != acked {
				t.Errorf("%d bytes were acknowledged", got-acked)
			}
			c.quiet()
		}
	})
}

// TestSlowServerAcknowledges is the other side of it.
func TestSlowServerAcknowledges(t *testing.T) {
	t.Parallel()
	inModes(t, func(t *testing.T, mode TLSMode) {
		lab, r := play(t, "slow-server", Options{TLS: mode})
		c := logIn(t, lab)
		lab.pass(t, 1)
		r.await(t, 1, "answered late")
		acked := c.info().Bytes_acked
		c.say("x NOOP")
		c.until("acknowledged", func(i *unix.TCPInfo) bool { return i.Unacked == 0 && i.Bytes_acked > acked })
		r.await(t, 1, "never answered")
		c.quiet()
	})
}

// keepAlive has the client's kernel send a probe each second.
func (c *client) keepAlive() {
	c.t.Helper()
	config := net.KeepAliveConfig{Enable: true, Idle: time.Second, Interval: time.Second, Count: 9}
	if err := c.tcp.SetKeepAliveConfig(config); err != nil {
		c.t.Fatal(err)
	}
}

// TestKeepalive has one client with keepalive, and a silent one that began later: when that one expires,
// the limit has passed for both.
func TestKeepalive(t *testing.T) {
	t.Parallel()
	for name, honoured := range map[string]bool{"flow-table": true, "black-hole": true, "reset-on-use": false, "proxy": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lab, r := play(t, name, Options{Idle: 2500 * time.Millisecond})
			kept := logIn(t, lab)
			kept.keepAlive()
			logIn(t, lab)
			r.await(t, 2, "idle ")
			if honoured {
				kept.ask("NOOP", "OK")
			} else {
				r.await(t, 1, "idle ")
			}
		})
	}
}

// TestLook shows on real sockets what tells a keepalive probe from the rest, and what the path makes of it.
func TestLook(t *testing.T) {
	t.Parallel()
	lab, _ := play(t, "flow-table", Options{})
	c := logIn(t, lab)
	path := lab.path(t, 1)
	server := &client{t: t, tcp: path.tcp}
	count := func() segments {
		t.Helper()
		s, err := countSegments(path.tcp)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	used := func() time.Time {
		path.mu.Lock()
		defer path.mu.Unlock()
		return path.last
	}
	acknowledged := func(i *unix.TCPInfo) bool { return i.Unacked == 0 }

	server.until("acknowledged", acknowledged)
	before := count()
	c.ask("NOOP", "OK")
	asked := used()
	server.until("acknowledged", acknowledged)
	after := count()
	if after.data <= before.data || after.acked <= before.acked || after.keepaliveSince(before) {
		t.Errorf("a request: %+v, then %+v", before, after)
	}
	if got := used(); !got.Equal(asked) {
		t.Errorf("an acknowledgement was taken for activity, %s after the last", got.Sub(asked))
	}
	c.keepAlive()
	server.until("probed", func(*unix.TCPInfo) bool { return used().After(asked) })
	probed := count()
	if !probed.keepaliveSince(after) || probed.data != after.data || probed.acked != after.acked {
		t.Errorf("keepalive: %+v, then %+v", after, probed)
	}
}

func TestSegments(t *testing.T) {
	t.Parallel()
	before := segments{all: 10, data: 4, acked: 100}
	for name, c := range map[string]struct {
		now  segments
		want bool
	}{
		"nothing":                      {before, false},
		"data":                         {segments{12, 6, 100}, false},
		"an acknowledgement":           {segments{11, 4, 150}, false},
		"data that acknowledges":       {segments{11, 5, 150}, false},
		"a probe":                      {segments{11, 4, 100}, true},
		"a probe beside data":          {segments{12, 5, 100}, true},
		"a probe, and the count wraps": {segments{2, 4, 100}, true},
	} {
		if got := c.now.keepaliveSince(before); got != c.want {
			t.Errorf("%s: got %t", name, got)
		}
	}
}

// TestListenerKeepsStill shows that the lab's own sockets send no keepalive, which would be answered.
func TestListenerKeepsStill(t *testing.T) {
	t.Parallel()
	lab, _ := play(t, "none", Options{})
	logIn(t, lab)
	err := control(lab.path(t, 1).tcp, "ask", func(fd int) error {
		on, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE)
		if err == nil && on != 0 {
			t.Error("SO_KEEPALIVE is on")
		}
		protocol, err2 := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PROTOCOL)
		if err2 == nil && protocol != unix.IPPROTO_TCP {
			t.Errorf("protocol %d", protocol)
		}
		return errors.Join(err, err2)
	})
	if err != nil {
		t.Error(err)
	}
}

func TestClosedSocket(t *testing.T) {
	t.Parallel()
	lab, _ := play(t, "none", Options{})
	c := logIn(t, lab)
	_ = c.tcp.Close()
	if err := dropAll(c.tcp); !errors.Is(err, net.ErrClosed) {
		t.Errorf("drop all: %v", err)
	}
	if _, err := countSegments(c.tcp); !errors.Is(err, net.ErrClosed) {
		t.Errorf("count segments: %v", err)
	}
}

func TestAddressInUse(t *testing.T) {
	t.Parallel()
	first, _ := play(t, "none", Options{})
	s, err := Find("none")
	if err != nil {
		t.Fatal(err)
	}
	lab, err := Start(context.Background(), s, Options{Listen: first.Addr().String()})
	if lab != nil || !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("got %v and %v", lab, err)
	}
}

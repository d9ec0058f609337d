package packet

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What the router does, in nftables' language.
const (
	rejecting   = "table inet t { chain c { type filter hook forward priority 0; tcp dport 143 reject with tcp reset; }; };"
	tracking    = "table inet t { chain c { type filter hook forward priority 0; ct state established accept; }; };"
	masquerade  = "table ip n { chain c { type nat hook postrouting priority 100; oifname to-2 masquerade; }; };"
	forwardPort = "table ip n { chain c { type nat hook prerouting priority -100; iifname to-1 tcp dport 143 dnat to 10.77.2.2; }; };"
)

// TestResets has a real reset of each kind come over a real path, of one router.
func TestResets(t *testing.T) {
	use := func(t *testing.T, p pair) {
		// A delayed acknowledgement may have met the router before, and brought the reset.
		if _, err := p.client.Write([]byte("x")); err != nil && !errors.Is(err, syscall.ECONNRESET) {
			t.Fatal(err)
		}
	}
	reject := func(t *testing.T, p pair) { rules(t, rejecting); use(t, p) }
	lose := func(t *testing.T, p pair) { forget(t); use(t, p) }
	abort := func(t *testing.T, p pair) { p.vanish(t, true) }
	vanish := func(t *testing.T, p pair) { p.vanish(t, false); use(t, p) }
	for name, c := range map[string]struct {
		server  netip.AddrPort
		address netip.AddrPort // that is dialled, where it is not the server's own
		rules   string
		ttl     string // the router's own
		kill    func(*testing.T, pair)
		origin  Origin
		words   string
		why     string
		reset   Segment // its IP-ID and window are 1 for any but 0
	}{
		"the router rejects": {
			server: pathServer4, kill: reject, origin: FromBox, words: "a different box, about 1 hop nearer",
			why: "TTL 64 against 63 of the data packets", reset: Segment{TTL: 64, Flags: "RST"},
		},
		"the router rejects, IPv6": {
			server: pathServer6, kill: reject, origin: FromBox, words: "a different box, about 1 hop nearer",
			why: "hop limit 64 against 63 of the data packets", reset: Segment{TTL: 64, Flags: "RST"},
		},
		"the router rejects with another initial TTL": {
			server: pathServer4, ttl: "255", kill: reject, origin: FromBox, words: "a different box",
			why: "TTL 255 against 63 of the data packets, perhaps from different initial values", reset: Segment{TTL: 255, Flags: "RST"},
		},
		"the router rejects with the server's TTL": {
			server: pathServer4, ttl: "63", kill: reject, origin: CannotTell, words: "cannot tell",
			why: "TTL 63 as the data packets, as a server without", reset: Segment{TTL: 63, Flags: "RST"},
		},
		"the server aborts": {
			server: pathServer4, kill: abort, origin: FromServer, words: "same origin as the server",
			why: "TTL 63 as the data packets, and its IP-ID", reset: Segment{TTL: 63, IPID: 1, Flags: "RST+ACK", Window: 1, Options: true},
		},
		"the server aborts, IPv6": {
			server: pathServer6, kill: abort, origin: CannotTell, words: "cannot tell",
			why: "hop limit 63 as the data packets, and it is made like a server's own", reset: Segment{TTL: 63, Flags: "RST+ACK", Window: 1, Options: true},
		},
		"the server aborts behind a NAT": {
			server: pathServer4, rules: masquerade, kill: abort, origin: FromServer, words: "same origin as the server",
			why: "TTL 63 as the data packets, and its IP-ID", reset: Segment{TTL: 63, IPID: 1, Flags: "RST+ACK", Window: 1, Options: true},
		},
		"the server's socket is gone": {
			server: pathServer4, kill: vanish, origin: CannotTell, words: "cannot tell",
			why: "TTL 63 as the data packets, as a server without", reset: Segment{TTL: 63, Flags: "RST"},
		},
		"the NAT lost its entry, and the packet leaked": {
			server: pathServer4, rules: tracking + masquerade, kill: lose, origin: CannotTell, words: "cannot tell",
			why: "TTL 63 as the data packets, as a server without", reset: Segment{TTL: 63, Flags: "RST"},
		},
		"the balancer lost its entry, and answers itself": {
			server: pathServer4, address: pathRouter4, rules: tracking + forwardPort, kill: lose, origin: FromBox, words: "a different box, about 1 hop nearer",
			why: "TTL 64 against 63 of the data packets", reset: Segment{TTL: 64, Flags: "RST"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			newPath(t)
			if c.rules != "" {
				rules(t, c.rules)
				write(t, routerSpace, "net/netfilter/nf_conntrack_tcp_loose", "0")
			}
			if c.ttl != "" {
				write(t, routerSpace, "net/ipv4/ip_default_ttl", c.ttl)
			}
			address := c.server
			if c.address.IsValid() {
				address = c.address
			}
			capture, conn := watched(t, c.server, address)
			quiet := time.Now()
			c.kill(t, conn)
			conn.reset(t)
			got := capture.Evidence(t.Context(), conn.local(), quiet, 0)
			if got == nil {
				t.Fatal("the reset was not seen")
			}
			if got.Origin != c.origin || got.Words != c.words || !strings.HasPrefix(got.Why, c.why) {
				t.Errorf("%s, %q, %q", got.Origin, got.Words, got.Why)
			}
			got.Reset.IPID, got.Reset.Window = min(got.Reset.IPID, 1), min(got.Reset.Window, 1)
			equal(t, got.Reset, c.reset)
			if asked := !strings.Contains(name, "aborts"); (got.After > 0) != asked {
				t.Errorf("%v after this side's data; sent any: %v", got.After, asked)
			}
		})
	}
}

// watched opens a connection across the path that has been used, with the packets seen at the client.
func watched(t *testing.T, server, address netip.AddrPort) (*Capture, pair) {
	t.Helper()
	var listener *net.TCPListener
	var capture *Capture
	inside(t, serverSpace, func() { listener = listen(t, server) })
	inside(t, clientSpace, func() { capture = open(t, address) })
	return capture, used(t, capture, func() (conn pair) {
		inside(t, clientSpace, func() { conn = connect(t, listener, address) })
		return conn
	})
}

// used opens a connection on which three requests are answered. It opens another where the server's IP-IDs,
// which begin at random, might pass 0.
func used(t *testing.T, c *Capture, open func() pair) pair {
	t.Helper()
	for {
		p := open()
		if t.Failed() {
			t.FailNow()
		}
		p.talk(t, 3)
		if id := c.lastID(t, p.local()); p.local().Addr().Is6() || id > 100 && id < 65400 {
			return p
		}
	}
}

// lastID waits until the third answer was seen, and gives its IP-ID.
func (c *Capture) lastID(t *testing.T, local netip.AddrPort) uint16 {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if data := c.data(local); len(data) == 3 {
			return data[2].IPID
		}
	}
	t.Fatal("the answers were not seen")
	return 0
}

func (c *Capture) data(local netip.AddrPort) []Seen {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.flows.byLocal[plain(local)]; f != nil {
		return f.Data
	}
	return nil
}

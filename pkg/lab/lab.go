package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// Lab is a server that plays a scenario. Its methods may be called at any time, by any goroutine.
type Lab struct {
	scenario Scenario
	options  Options
	listener *net.TCPListener
	identity *identity     // nil without TLS
	slots    *slots        // nil where sessions are not counted
	done     chan struct{} // closed when the lab is to stop
	wait     sync.WaitGroup

	once  sync.Once
	ended error // of Close

	events sync.Mutex // held while Options.Event is called

	mu     sync.Mutex
	down   bool // nothing is accepted any more
	opened int  // connections accepted so far
	conns  map[*conn]struct{}
}

// Start plays a scenario until ctx ends or Close is called. The error's cause is kept: EADDRINUSE
// where the address is taken, errors.ErrUnsupported where the scenario takes what this system has not.
func Start(ctx context.Context, s Scenario, o Options) (*Lab, error) {
	o, err := o.complete()
	if err == nil {
		err = s.possible(o.TLS)
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", s.Name, err)
	}
	// The sockets' own keepalive would be seen as the client's, by its acknowledgements; a multipath
	// socket (Go's default since 1.24) has filters and counters of its own.
	config := net.ListenConfig{KeepAlive: -1}
	config.SetMultipathTCP(false)
	listener, err := config.Listen(ctx, "tcp", o.Listen)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", s.Name, err)
	}
	tcp, ok := listener.(*net.TCPListener)
	if !ok {
		listener.Close()
		return nil, fmt.Errorf("start %s: %s is no TCP address", s.Name, o.Listen)
	}
	l := &Lab{scenario: s, options: o, listener: tcp, done: make(chan struct{}), conns: map[*conn]struct{}{}}
	if o.TLS != Plain {
		if l.identity, err = newIdentity(l.Addr().Addr(), time.Now()); err != nil {
			listener.Close()
			return nil, fmt.Errorf("start %s: %w", s.Name, err)
		}
	}
	if s.ghosts {
		l.slots = newSlots(o.Sessions, o.GhostFor)
	}
	l.serve(ctx)
	return l, nil
}

// serve starts what runs in the background.
func (l *Lab) serve(ctx context.Context) {
	l.wait.Go(func() {
		if err := l.accept(l.listener.AcceptTCP); err != nil {
			l.tell(nil, "no connection is accepted any more: "+err.Error())
		}
	})
	if l.scenario.keepalive {
		l.wait.Go(l.watchKeepalive)
	}
	stop := context.AfterFunc(ctx, func() { _ = l.stop() })
	l.wait.Go(func() {
		<-l.done
		stop()
	})
}

// Addr is the address that the lab listens on.
func (l *Lab) Addr() netip.AddrPort { return addrPort(l.listener.Addr()) }

// User is the name that may log in.
func (l *Lab) User() string { return l.options.User }

// Password is the one that lets it in.
func (l *Lab) Password() string { return l.options.Password }

// CA is the certificate of the authority that the server's certificate is from, in PEM; nil without TLS.
// The server is named localhost, 127.0.0.1, ::1 and by the address that it listens on.
func (l *Lab) CA() []byte {
	if l.identity == nil {
		return nil
	}
	return l.identity.authority
}

// Close resets the connections, and returns when everything has stopped. It errs where the listener
// cannot be closed, and may be called again, also after ctx has ended the lab.
func (l *Lab) Close() error {
	err := l.stop()
	l.wait.Wait()
	return err
}

// stop begins what Close waits for.
func (l *Lab) stop() error {
	l.once.Do(func() {
		l.ended = l.goDown()
		close(l.done)
	})
	return l.ended
}

// goDown closes the listener and resets all connections. An outage does no more than this.
func (l *Lab) goDown() error {
	l.mu.Lock()
	down := l.down
	l.down = true
	conns := make([]*conn, 0, len(l.conns))
	for c := range l.conns {
		conns = append(conns, c)
	}
	l.mu.Unlock()
	var err error
	if !down {
		err = l.listener.Close()
	}
	for _, c := range conns {
		c.reset()
	}
	return err
}

// tell reports what happened to a connection, or to the lab where that is nil.
func (l *Lab) tell(c *conn, text string) {
	if l.options.Event == nil {
		return
	}
	l.events.Lock()
	defer l.events.Unlock()
	e := Event{Time: time.Now(), Text: text}
	if c != nil {
		e.Conn, e.Peer = c.number, c.peer
	}
	l.options.Event(e)
}

// retryAccept is how long nothing is accepted after this process had no file descriptor left.
const retryAccept = 50 * time.Millisecond

// accept serves connections until the lab goes down.
func (l *Lab) accept(next func() (*net.TCPConn, error)) error {
	for {
		socket, err := next()
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil
		case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
			select {
			case <-time.After(retryAccept):
			case <-l.done:
			}
			continue
		case err != nil:
			return err
		}
		if c := l.admit(socket); c != nil {
			l.begin(c)
		}
	}
}

// begin begins to serve a connection, unless the scenario has it reset.
func (l *Lab) begin(c *conn) {
	if l.scenario.resetFirst && c.number <= l.options.First {
		c.reset()
		l.tell(c, "reset sent at once")
		return
	}
	c.session = newSession(c)
	c.start()
	l.wait.Go(c.session.serve)
}

// admit takes a new connection into the books; nil when the lab has gone down meanwhile.
func (l *Lab) admit(socket *net.TCPConn) *conn {
	l.mu.Lock()
	if l.down {
		l.mu.Unlock()
		_ = socket.Close()
		return nil
	}
	l.opened++
	c := newConn(l, socket, l.opened)
	l.conns[c] = struct{}{}
	l.mu.Unlock()
	l.tell(c, "connected")
	return c
}

// forget strikes a connection from the books.
func (l *Lab) forget(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
}

// open lists the connections that are open.
func (l *Lab) open() []*conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	conns := make([]*conn, 0, len(l.conns))
	for c := range l.conns {
		conns = append(conns, c)
	}
	return conns
}

func addrPort(a net.Addr) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := tcp.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

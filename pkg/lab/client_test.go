package lab

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait for something that must come.
const patience = 20 * time.Second

// play starts a scenario for the length of a test.
func play(t *testing.T, name string, o Options) (*Lab, *recorder) {
	t.Helper()
	s, err := Find(name)
	if err != nil {
		t.Fatal(err)
	}
	if s.LinuxOnly && !onLinux {
		t.Skip("needs Linux")
	}
	r := &recorder{come: make(chan struct{}, 1)}
	o.Event = r.add
	if o.Idle == 0 {
		o.Idle = time.Hour // it passes when the test lets it, however busy the machine is
	}
	lab, err := Start(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lab.Close(); err != nil {
			t.Error(err)
		}
		if open := lab.open(); len(open) > 0 {
			t.Errorf("%d connections are left", len(open))
		}
		if text := r.String(); strings.Contains(text, lab.Password()) {
			t.Errorf("the password is told: %s", text)
		}
	})
	return lab, r
}

// path gives the lab's side of an open connection.
func (l *Lab) path(t *testing.T, number int) *conn {
	t.Helper()
	for _, c := range l.open() {
		if c.number == number {
			return c
		}
	}
	t.Fatalf("connection %d is not open", number)
	return nil
}

// pass makes the limit pass on a connection.
func (l *Lab) pass(t *testing.T, number int) {
	t.Helper()
	c := l.path(t, number)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = c.last.Add(-l.options.Idle)
	if c.armed && c.timer.Stop() {
		c.timer.Reset(0)
	}
}

// recorder keeps the events.
type recorder struct {
	mu     sync.Mutex
	events []Event
	come   chan struct{} // one more may have come
}

func (r *recorder) add(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
	select {
	case r.come <- struct{}{}:
	default:
	}
}

func (r *recorder) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Sprint(r.events)
}

// forget forgets the events so far.
func (r *recorder) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = nil
}

// await waits for an event of a connection, for one goroutine.
func (r *recorder) await(t *testing.T, number int, text string) Event {
	t.Helper()
	late := time.After(patience)
	for {
		r.mu.Lock()
		for _, e := range r.events {
			if e.Conn == number && strings.Contains(e.Text, text) {
				r.mu.Unlock()
				return e
			}
		}
		r.mu.Unlock()
		select {
		case <-r.come:
		case <-late:
			t.Fatalf("no event %q of connection %d in %s", text, number, r)
		}
	}
}

// client is a bare IMAP client.
type client struct {
	t      *testing.T
	lab    *Lab
	tcp    *net.TCPConn
	conn   net.Conn // tcp, or TLS on it
	reader *bufio.Reader
	got    int // bytes that came over TCP
}

// dial connects, and does what the lab's mode wants of TLS; it leaves the greeting unread.
func dial(t *testing.T, lab *Lab) *client {
	t.Helper()
	c := dialTCP(t, lab)
	if lab.options.TLS == ImplicitTLS {
		c.secure()
	}
	return c
}

func dialTCP(t *testing.T, lab *Lab) *client {
	t.Helper()
	conn, err := (&net.Dialer{KeepAlive: -1}).DialContext(t.Context(), "tcp", lab.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		t.Fatalf("%T", conn)
	}
	t.Cleanup(func() { _ = tcp.Close() })
	c := &client{t: t, lab: lab, tcp: tcp}
	c.conn = counting{tcp, c}
	c.reader = bufio.NewReader(c.conn)
	c.patient(patience)
	return c
}

type counting struct {
	net.Conn
	c *client
}

func (c counting) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.c.got += n
	return n, err
}

func (c *client) patient(d time.Duration) {
	c.t.Helper()
	if err := c.tcp.SetDeadline(time.Now().Add(d)); err != nil {
		c.t.Fatal(err)
	}
}

// secure speaks TLS, trusting the lab's authority alone.
func (c *client) secure() {
	c.t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(c.lab.CA()) {
		c.t.Fatal("the lab gives no certificate")
	}
	host := c.lab.Addr().Addr().String()
	secure := tls.Client(c.conn, &tls.Config{RootCAs: roots, ServerName: host, MinVersion: tls.VersionTLS12})
	if err := secure.HandshakeContext(context.Background()); err != nil {
		c.t.Fatal(err)
	}
	c.conn, c.reader = secure, bufio.NewReader(secure)
}

// want reads a line, which must begin so.
func (c *client) want(prefix string) string {
	c.t.Helper()
	line, err := c.reader.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, prefix) {
		c.t.Fatalf("read %q and %v, want %q", line, err, prefix)
	}
	return line
}

// say sends a line.
func (c *client) say(line string) {
	c.t.Helper()
	if _, err := c.conn.Write([]byte(line + "\r\n")); err != nil {
		c.t.Fatal(err)
	}
}

// ask sends a command and gives all lines up to its tagged answer, which must begin so.
func (c *client) ask(command, answer string) string {
	c.t.Helper()
	c.say("x " + command)
	var all strings.Builder
	for {
		line := c.want("")
		all.WriteString(line)
		if rest, ok := strings.CutPrefix(line, "x "); ok {
			if !strings.HasPrefix(rest, answer) {
				c.t.Fatalf("%s: answered %q, want %q", command, line, answer)
			}
			return all.String()
		}
	}
}

func (c *client) login(answer string) {
	c.t.Helper()
	c.ask("LOGIN "+c.lab.User()+" "+c.lab.Password(), answer)
}

// ready connects, and comes as far as the login.
func ready(t *testing.T, lab *Lab) *client {
	t.Helper()
	c := dial(t, lab)
	c.want("* OK ")
	if lab.options.TLS == StartTLS {
		c.ask("STARTTLS", "OK")
		c.secure()
	}
	return c
}

// logIn connects and logs in.
func logIn(t *testing.T, lab *Lab) *client {
	t.Helper()
	c := ready(t, lab)
	c.login("OK")
	return c
}

// ends reads to the connection's end, and gives what came and the error.
func (c *client) ends() (string, error) {
	c.t.Helper()
	var all strings.Builder
	_, err := c.reader.WriteTo(&all)
	if err == nil {
		return all.String(), nil // EOF
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatalf("it does not end; read %q", all.String())
	}
	return all.String(), err
}

// quiet shows that the connection stands and nothing comes.
func (c *client) quiet() {
	c.t.Helper()
	c.patient(20 * time.Millisecond)
	defer c.patient(patience)
	if line, err := c.reader.Peek(1); !errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatalf("read %q and %v, want nothing", line, err)
	}
}

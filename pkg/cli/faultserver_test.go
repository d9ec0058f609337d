package cli

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// faulty starts a server on the loopback interface that does to each connection what play says, and then closes it.
// The connections are numbered from 1.
func faulty(t *testing.T, play func(n int, c net.Conn)) (address string) {
	t.Helper()
	listener, err := (&net.ListenConfig{KeepAlive: -1}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var open []net.Conn
	var all sync.WaitGroup
	all.Go(func() {
		for n := 1; ; n++ {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			all.Go(func() {
				defer c.Close()
				play(n, c)
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		mu.Lock()
		for _, c := range open {
			c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return listener.Addr().String()
}

// hold waits until the client closes, and reads what it says.
func hold(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

// reset closes a connection with an RST, and not with a FIN.
func reset(c net.Conn) {
	if below, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = below.NetConn()
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

// The words in a mail's answers that are no words.
const (
	cutRST  = "RST"
	cutFIN  = "FIN"
	silence = "SILENCE"
	endless = "ENDLESS"
	hello   = "GREETING" // what it says before any command
	idled   = "IDLE"     // what it says after the login, unasked
)

// mail is a mail server by what it answers to each command, with TAG for the command's tag and ECHO for what
// the command said. What it does not hold is answered as a good server does.
type mail map[string]string

// good are the answers of a server that works.
func good() mail {
	return mail{
		hello:          "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready",
		"CAPABILITY":   "* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN\r\nTAG OK done",
		"AUTHENTICATE": "TAG OK welcome",
		"LOGIN":        "TAG OK welcome",
		"NOOP":         "TAG OK done",
		"LOGOUT":       "* BYE\r\nTAG OK done",
	}
}

// says answers with what m has for a word. It tells whether the conversation goes on.
func (m mail) says(c net.Conn, word, tag, line string) bool {
	text, ok := m[word]
	if !ok {
		text = good()[word]
	}
	switch text {
	case cutRST:
		reset(c)
		return false
	case cutFIN:
		return false
	case silence, "":
		return true
	case endless:
		for { // until the client goes away
			if _, err := io.WriteString(c, strings.Repeat("x", 1000)); err != nil {
				return false
			}
		}
	}
	text = strings.NewReplacer("TAG", tag, "ECHO", line).Replace(text)
	_, err := io.WriteString(c, text+"\r\n")
	return err == nil
}

// serve is the server's side of a connection.
func (m mail) serve(c net.Conn) {
	if !m.says(c, hello, "", "") {
		return
	}
	lines := bufio.NewScanner(c)
	for lines.Scan() {
		tag, command, _ := strings.Cut(lines.Text(), " ")
		word, rest, _ := strings.Cut(command, " ")
		if !m.says(c, word, tag, rest) {
			return
		}
		if word == "AUTHENTICATE" && m[idled] != "" && !m.says(c, idled, "", rest) {
			return
		}
	}
}

// counted starts a mail server that counts the logins.
func (m mail) counted(t *testing.T) (address string, logins *atomic.Int64) {
	t.Helper()
	logins = &atomic.Int64{}
	return faulty(t, func(_ int, c net.Conn) {
		m.serve(listening{c, func(said string) {
			if strings.Contains(said, " AUTHENTICATE ") || strings.Contains(said, " LOGIN ") {
				logins.Add(1)
			}
		}})
	}), logins
}

// listening tells what is read from a connection.
type listening struct {
	net.Conn
	heard func(string)
}

func (l listening) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	l.heard(string(p[:n]))
	return n, err
}

func (l listening) NetConn() net.Conn { return l.Conn }

// secret is a password that is told from every other text, and needs care on the wire.
const secret = `gehei"m\nis-Schlüssel-qxzvw`

// passwordFile writes the password into a file.
func passwordFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// mustBeClean fails where an output holds the password, in any form in which it goes over the wire, or a
// character that a terminal would act on.
func mustBeClean(t *testing.T, outputs ...string) {
	t.Helper()
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(secret)
	forms := []string{
		secret, quoted, "Schlüssel", "qxzvw",
		base64.StdEncoding.EncodeToString([]byte("\x00me\x00" + secret))[8:24], base64.StdEncoding.EncodeToString([]byte(secret))[:16],
	}
	for _, text := range outputs {
		for _, form := range forms {
			if strings.Contains(text, form) {
				t.Errorf("the password is in the output:\n%.600s", text)
				break
			}
		}
		if !utf8.ValidString(text) {
			t.Errorf("no UTF-8: %.300q", text)
		}
		for _, r := range text {
			if r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
				t.Errorf("%U is in the output: %.300q", r, text)
				break
			}
		}
	}
}

// identity is a server's certificate, and the one that a client must trust to accept it.
type identity struct {
	config *tls.Config
	file   string // of the certificate, in PEM
}

// newIdentity makes a certificate that signs itself, for a name or an address, until a moment.
func newIdentity(t *testing.T, name string, until time.Time) identity {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: until.Add(-48 * time.Hour), NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	id := identity{&tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}, filepath.Join(t.TempDir(), "ca.pem")}
	if err := os.WriteFile(id.file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return id
}

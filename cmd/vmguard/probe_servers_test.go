package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// The ports of the servers in a network.
const (
	imapPort    = 143
	imapsPort   = 993
	haproxyPort = 1143
	nginxPort   = 2143
	caddyPort   = 8080
	helloPort   = 8081 // what Caddy stands before
)

// Dovecot takes every user with this password.
const imapPassword = "correct-horse"

// dovecot starts Dovecot on the server, on both of its addresses, with and without TLS. It lets a user
// have so many sessions from one address.
func (nw *network) dovecot(sessions int) {
	nw.t.Helper()
	needTools(nw.t, "dovecot")
	nw.certify()
	mail := filepath.Join(nw.dir, "mail")
	if err := os.Mkdir(mail, 0o755); err != nil {
		nw.t.Fatal(err)
	}
	if err := os.Chmod(mail, 0o777); err != nil { // for the user mail, as whom Dovecot serves
		nw.t.Fatal(err)
	}
	file := nw.config("dovecot.conf", map[string]string{
		"address": serverIP + ", " + serverIP6, "sessions": strconv.Itoa(sessions), "password": imapPassword,
		"imap": strconv.Itoa(imapPort), "imaps": strconv.Itoa(imapsPort),
	})
	nw.server.serve(imapsPort, "dovecot", "-F", "-c", file)
}

// dovecotLog gives what Dovecot has logged.
func (nw *network) dovecotLog() string {
	nw.t.Helper()
	return string(readFile(nw.t, filepath.Join(nw.dir, "dovecot.log")))
}

// haproxy starts HAProxy before Dovecot's port without TLS. It closes a connection that was idle for 4 s.
func (nw *network) haproxy() {
	nw.t.Helper()
	needTools(nw.t, "haproxy")
	nw.server.serve(haproxyPort, "haproxy", "-db", "-f", nw.config("haproxy.cfg", map[string]string{
		"address": serverIP, "port": strconv.Itoa(haproxyPort), "imap": strconv.Itoa(imapPort),
	}))
}

// nginx does the same with nginx's stream module.
func (nw *network) nginx() {
	nw.t.Helper()
	needTools(nw.t, "nginx")
	nw.server.serve(nginxPort, "nginx", "-p", nw.dir, "-c", nw.config("nginx.conf", map[string]string{
		"address": serverIP, "port": strconv.Itoa(nginxPort), "imap": strconv.Itoa(imapPort),
	}))
}

// caddy starts Caddy before another site of its own. It closes a connection that was idle for 4 s.
func (nw *network) caddy() {
	nw.t.Helper()
	needTools(nw.t, "caddy")
	file := nw.config("Caddyfile", map[string]string{
		"address": serverIP, "port": strconv.Itoa(caddyPort), "upstream": strconv.Itoa(helloPort),
	})
	// It keeps its state in the home directory.
	nw.server.serve(caddyPort, "env", "-u", "XDG_DATA_HOME", "-u", "XDG_CONFIG_HOME", "HOME="+nw.dir,
		"caddy", "run", "--adapter", "caddyfile", "--config", file)
}

// config fills in a file of testdata/probe, with ${dir} for the network's directory, and gives where it is.
func (nw *network) config(name string, values map[string]string) string {
	nw.t.Helper()
	text := os.Expand(string(readFile(nw.t, testdata(nw.t, name))), func(key string) string {
		if key == "dir" {
			return nw.dir
		}
		value, known := values[key]
		if !known {
			nw.t.Fatalf("%s wants ${%s}", name, key)
		}
		return value
	})
	file := filepath.Join(nw.dir, name)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		nw.t.Fatal(err)
	}
	return file
}

// certify makes an authority (ca.pem) and the server's certificate (server.pem, server.key), for its addresses.
func (nw *network) certify() {
	nw.t.Helper()
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "vmguard test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	server := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: serverIP},
		NotBefore: authority.NotBefore, NotAfter: authority.NotAfter,
		IPAddresses: []net.IP{net.ParseIP(serverIP), net.ParseIP(serverIP6)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	authorityKey, serverKey := newKey(nw.t), newKey(nw.t)
	for name, of := range map[string]*x509.Certificate{"ca.pem": authority, "server.pem": server} {
		key := authorityKey
		if of == server {
			key = serverKey
		}
		der, err := x509.CreateCertificate(rand.Reader, of, authority, key.Public(), authorityKey)
		if err != nil {
			nw.t.Fatal(err)
		}
		nw.writePEM(name, "CERTIFICATE", der)
	}
	der, err := x509.MarshalPKCS8PrivateKey(serverKey)
	if err != nil {
		nw.t.Fatal(err)
	}
	nw.writePEM("server.key", "PRIVATE KEY", der)
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (nw *network) writePEM(name, kind string, der []byte) {
	nw.t.Helper()
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	if err := os.WriteFile(filepath.Join(nw.dir, name), text, 0o600); err != nil {
		nw.t.Fatal(err)
	}
}

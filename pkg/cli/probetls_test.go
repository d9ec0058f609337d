package cli

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vmguard/pkg/probe"
)

// overTLS lets a server speak TLS from the beginning.
func overTLS(config *tls.Config, serve func(net.Conn)) func(int, net.Conn) {
	return func(_ int, c net.Conn) {
		secure := tls.Server(c, config)
		if secure.HandshakeContext(context.Background()) == nil {
			serve(secure)
		}
		_ = secure.Close()
	}
}

// byStartTLS lets a server speak TLS after STARTTLS.
func byStartTLS(config *tls.Config, serve func(net.Conn)) func(int, net.Conn) {
	return func(_ int, c net.Conn) {
		_, _ = fmt.Fprint(c, "* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n")
		line, _ := bufio.NewReaderSize(c, 16).ReadString('\n')
		tag, _, _ := strings.Cut(line, " ")
		_, _ = fmt.Fprintf(c, "%s OK go\r\n", tag)
		secure := tls.Server(c, config)
		serve(secure)
		_ = secure.Close()
	}
}

// afterTLS serves mail once TLS is spoken, without a greeting.
func afterTLS(c net.Conn) { mail{hello: silence}.serve(c) }

// TestCertificates has servers whose certificates are not to be trusted, and one that is.
func TestCertificates(t *testing.T) {
	tomorrow, yesterday := time.Now().Add(24*time.Hour), time.Now().Add(-24*time.Hour)
	right := newIdentity(t, "127.0.0.1", tomorrow)
	other := newIdentity(t, "mail.example.org", tomorrow)
	odd := newIdentity(t, "x\x1b[2J.example.org", tomorrow)
	expired := newIdentity(t, "127.0.0.1", yesterday)
	for name, c := range map[string]struct {
		id          identity
		trust       string
		args        []string
		error, hint string // none for a server that is to be trusted
	}{
		"trusted":            {id: right, trust: right.file},
		"not checked":        {id: expired, args: []string{"--insecure"}},
		"another name, said": {id: other, trust: other.file, args: []string{"--server-name", "mail.example.org"}},
		"another name":       {id: other, trust: other.file, error: "cannot agree on TLS with .*certificate", hint: "--server-name mail.example.org"},
		"an odd name":        {id: odd, trust: odd.file, error: "cannot agree on TLS with .*certificate", hint: "--server-name"},
		"expired":            {id: expired, trust: expired.file, error: "expired", hint: "expired, or this machine's clock"},
		"signed by itself":   {id: right, error: "unknown authority", hint: "--ca-file"},
		"another authority":  {id: right, trust: other.file, error: "unknown authority", hint: "--ca-file"},
	} {
		for begin, serve := range map[string]func(int, net.Conn){
			"--tls": overTLS(c.id.config, mail{}.serve), "--starttls": byStartTLS(c.id.config, afterTLS),
		} {
			t.Run(name+begin, func(t *testing.T) {
				t.Parallel()
				args := slices.Concat([]string{"imap", faulty(t, serve), begin, "--user", "me", "--password-file", passwordFile(t), "--idle", "10ms"}, c.args)
				if c.trust != "" {
					args = append(args, "--ca-file", c.trust)
				}
				code, stdout, stderr := probeFault(t, args...)
				if c.error == "" {
					if code != exitOK || !slices.Equal(kinds(t, stdout), []probe.Kind{probe.Alive}) {
						t.Errorf("exit code %d: %s%s", code, stdout, stderr)
					}
					return
				}
				if code != exitFailed || len(stdout) > 0 {
					t.Errorf("exit code %d, and on stdout: %s", code, stdout)
				}
				mustTell(t, stderr, c.error, c.hint)
			})
		}
	}
}

// TestCertificateWarning has the flag that checks nothing, which is never silent.
func TestCertificateWarning(t *testing.T) {
	id := newIdentity(t, "mail.example.org", time.Now().Add(time.Hour))
	_, _, stderr := tryVMGuard(t, "probe", "imap", faulty(t, overTLS(id.config, mail{}.serve)), "--insecure", "--idle", "10ms")
	if !strings.Contains(stderr, "warning: --insecure") {
		t.Errorf("no warning: %s", stderr)
	}
}

// TestTLSCut has servers that end the connection in the midst of TLS's handshake.
func TestTLSCut(t *testing.T) {
	id := newIdentity(t, "127.0.0.1", time.Now().Add(time.Hour))
	for name, c := range map[string]struct {
		play        func(int, net.Conn)
		args        []string
		error, hint string
	}{
		"RST":             {play: func(_ int, c net.Conn) { _, _ = c.Read(make([]byte, 5)); reset(c) }, error: "connection reset", hint: "ghosts"},
		"FIN":             {play: func(_ int, c net.Conn) { _, _ = c.Read(make([]byte, 4096)) }, error: "the server closed", hint: "--starttls"},
		"silence":         {play: func(_ int, c net.Conn) { hold(c) }, args: []string{"--open-timeout", "100ms"}, error: "no answer within 100 ms", hint: "--open-timeout"},
		"an old version":  {play: overTLS(&tls.Config{Certificates: id.config.Certificates, MaxVersion: tls.VersionTLS11}, hold), error: "cannot agree on TLS", hint: "before TLS 1.2"},
		"greeting closed": {play: overTLS(id.config, mail{hello: cutFIN}.serve), error: "does not begin to speak IMAP", hint: "right port"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := slices.Concat([]string{"imap", faulty(t, c.play), "--user", "me", "--password-file", passwordFile(t), "--idle", "10ms", "--ca-file", id.file}, c.args)
			code, _, stderr := probeFault(t, args...)
			if code != exitFailed {
				t.Errorf("exit code %d", code)
			}
			mustTell(t, stderr, "cannot agree on TLS|does not begin", ".")
			mustTell(t, stderr, c.error, c.hint)
		})
	}
}

// TestAuthorities has files that hold no authority.
func TestAuthorities(t *testing.T) {
	for name, c := range map[string]struct{ file, error string }{
		"none":        {passwordFile(t), "holds none in PEM"},
		"missing":     {filepath.Join(t.TempDir(), "none"), "no such file"},
		"a directory": {t.TempDir(), "is a directory"},
		"endless":     {"/dev/zero", "more than 1 MiB"},
	} {
		code, _, stderr := tryVMGuard(t, "probe", "imap", "127.0.0.1:1", "--ca-file", c.file)
		mustBeClean(t, stderr)
		mustTell(t, stderr, c.error, "PEM")
		if code != exitFailed {
			t.Errorf("%s: exit code %d", name, code)
		}
	}
}

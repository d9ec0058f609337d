package docker

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// DefaultSocket is where a Docker engine listens unless it was told otherwise.
const DefaultSocket = "/var/run/docker.sock"

// Endpoint is where a Docker engine is asked, and why there.
type Endpoint struct {
	// Host is the address as a URL: unix:///path or tcp://host:port.
	Host string
	// Source says what chose Host: "--docker-host", "DOCKER_HOST", a context's
	// name, "default" or "rootless".
	Source string
	// Named tells that a user or a configuration named this endpoint, so that an
	// engine is to be expected there; false where it is only the usual place.
	Named bool
	// TLS is nil where the connection is plain.
	TLS *TLS
}

// TLS names the files for a connection over TLS. A file that is absent is empty.
type TLS struct {
	CA, Cert, Key string
	// SkipVerify leaves the engine's certificate unchecked, as the user asked.
	SkipVerify bool
}

// Local tells whether the endpoint is a unix socket. Its engine is then most
// likely on this host, where its PIDs mean something; a forwarded socket is the exception.
func (e Endpoint) Local() bool { return strings.HasPrefix(e.Host, "unix://") }

// FindEndpoint says which endpoint to ask. The first of these that is set wins:
// host (the --docker-host option), DOCKER_HOST, DOCKER_CONTEXT, the current context
// in Docker's config.json, /var/run/docker.sock, and where that is absent the socket
// of a rootless engine: $XDG_RUNTIME_DIR/docker.sock, or under sudo that of the user
// who called it, /run/user/$SUDO_UID/docker.sock. Up to the last, the order is that of
// the docker command (docker help context). env looks up a variable, as os.Getenv does.
//
// It errs when what was named cannot be used: a bad or unsupported address, an
// unknown context, or a config.json that would have to decide and cannot be read.
// Whether an engine answers is not tried.
func FindEndpoint(host string, env func(string) string) (Endpoint, error) {
	return findEndpoint(host, env, places{socket: DefaultSocket, users: "/run/user"})
}

// places is where engines are when nobody named one.
type places struct {
	socket string // of the engine that root started
	users  string // holds a folder for each user, by number (pam_systemd(8))
}

// findEndpoint is FindEndpoint with the usual places as an argument.
func findEndpoint(host string, env func(string) string, usual places) (Endpoint, error) {
	if host != "" {
		return namedEndpoint(host, "--docker-host", envTLS(env))
	}
	if h := env("DOCKER_HOST"); h != "" {
		return namedEndpoint(h, "DOCKER_HOST", envTLS(env))
	}
	name, source, err := currentContext(env)
	if err != nil {
		return Endpoint{}, err
	}
	if name != "" && name != "default" {
		return contextEndpoint(name, source, env)
	}
	return usualEndpoint(env, usual), nil
}

// usualEndpoint is where an engine is when nobody named one.
func usualEndpoint(env func(string) string, at places) Endpoint {
	usual := Endpoint{Host: "unix://" + at.socket, Source: "default"}
	if !absent(at.socket) {
		return usual
	}
	dirs := []string{env("XDG_RUNTIME_DIR")}
	if uid, err := strconv.ParseUint(env("SUDO_UID"), 10, 32); err == nil { // nothing else may become a path
		dirs = append(dirs, filepath.Join(at.users, strconv.FormatUint(uid, 10)))
	}
	for _, dir := range dirs {
		if rootless := filepath.Join(dir, "docker.sock"); filepath.IsAbs(dir) && !absent(rootless) {
			return Endpoint{Host: "unix://" + rootless, Source: "rootless"}
		}
	}
	return usual
}

// absent tells whether a path certainly does not exist. One that may not be looked
// at counts as there: asking it then gives the true reason.
func absent(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// envTLS reads DOCKER_TLS_VERIFY, DOCKER_TLS and DOCKER_CERT_PATH as the docker
// command does: the first asks for TLS, the second for TLS without checking the
// engine's certificate, and any non-empty value counts. A certificate path alone asks for nothing.
func envTLS(env func(string) string) *TLS {
	verify := env("DOCKER_TLS_VERIFY") != ""
	if !verify && env("DOCKER_TLS") == "" {
		return nil
	}
	dir := env("DOCKER_CERT_PATH")
	if dir == "" {
		dir = configDir(env)
	}
	return dirTLS(dir, !verify)
}

// dirTLS names the files of a folder that holds ca.pem, cert.pem and key.pem, or some of them.
func dirTLS(dir string, skipVerify bool) *TLS {
	t := &TLS{SkipVerify: skipVerify}
	for _, f := range []struct {
		name string
		to   *string
	}{{"ca.pem", &t.CA}, {"cert.pem", &t.Cert}, {"key.pem", &t.Key}} {
		if path := filepath.Join(dir, f.name); dir != "" && !absent(path) {
			*f.to = path
		}
	}
	return t
}

// namedEndpoint checks an address that source gave.
func namedEndpoint(host, source string, tls *TLS) (Endpoint, error) {
	clean, err := parseHost(host, tls != nil)
	if err != nil {
		return Endpoint{}, fmt.Errorf("docker endpoint %q from %s: %w", host, source, err)
	}
	e := Endpoint{Host: clean, Source: source, Named: true, TLS: tls}
	if e.Local() {
		e.TLS = nil
	}
	return e, nil
}

var (
	errNoScheme = errors.New("a socket's path needs unix:// in front")
	errSSH      = errors.New("ssh:// is not supported; forward the engine's socket, " +
		"ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock USER@HOST, and use unix:///tmp/docker.sock")
	errNpipe  = errors.New("npipe:// exists on Windows only; use unix:// or tcp://")
	errScheme = errors.New("only unix:///path and tcp://host:port are supported")
	errPath   = errors.New("the socket's path is empty or not absolute")
	errAddr   = errors.New("want tcp://host:port")
)

// parseHost checks an address and gives its full form. As for the docker command, an
// address without a scheme is tcp, and the port is 2375, or 2376 with TLS.
func parseHost(host string, tls bool) (string, error) {
	host = strings.TrimSpace(host)
	if strings.ContainsFunc(host, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", errors.New("it holds control characters")
	}
	scheme, rest, ok := strings.Cut(host, "://")
	if !ok {
		if strings.HasPrefix(host, "/") || strings.HasPrefix(host, ".") {
			return "", errNoScheme
		}
		scheme, rest = "tcp", host
	}
	switch scheme {
	case "unix":
		if !filepath.IsAbs(rest) {
			return "", errPath
		}
		return "unix://" + rest, nil
	case "tcp":
		return parseTCP(rest, tls)
	case "ssh":
		return "", errSSH
	case "npipe":
		return "", errNpipe
	}
	return "", errScheme
}

// parseTCP checks what follows tcp://.
func parseTCP(rest string, tls bool) (string, error) {
	u, err := url.Parse("tcp://" + rest)
	if err != nil {
		return "", errAddr
	}
	if u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errAddr
	}
	port := u.Port()
	if port == "" {
		port = "2375"
		if tls {
			port = "2376"
		}
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", errAddr
	}
	return "tcp://" + net.JoinHostPort(u.Hostname(), port) + strings.TrimSuffix(u.EscapedPath(), "/"), nil
}

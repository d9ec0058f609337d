package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"vmguard/pkg/human"
	"vmguard/pkg/netns"
	"vmguard/pkg/probe"
)

// openFailure says why nothing was measured, and what the user can do.
func (p *probing) openFailure(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	open, ok := errors.AsType[*probe.OpenError](err)
	if !ok {
		return failed(err, "")
	}
	if said, ok := errors.AsType[*probe.Said](err); ok {
		return failed(fmt.Errorf("%s: %w", p.saidWords(said), said), p.saidHint(open.Phase, said))
	}
	return failed(fmt.Errorf("%s: %w", p.phaseWords(open.Phase), p.cause(open.Err)), p.openHint(open))
}

// server names the other side: by its name where it has one, and by its address.
func (p *probing) server() string {
	addr := p.target.Addr.String()
	if p.target.Host == p.target.Addr.Addr().String() {
		return addr
	}
	return p.target.Host + " (" + addr + ")"
}

func (p *probing) phaseWords(phase probe.Phase) string {
	switch phase {
	case probe.PhaseDial:
		return "cannot connect to " + p.server()
	case probe.PhaseTLS:
		return "cannot agree on TLS with " + p.server()
	case probe.PhaseGreet:
		return p.server() + " does not begin to speak " + p.protocol.Name()
	}
	return "cannot begin with " + p.server()
}

// cause leaves away what the layers between say of a system call's error, and spells what the others mean.
func (p *probing) cause(err error) error {
	errno, isErrno := errors.AsType[syscall.Errno](err)
	switch {
	case isErrno && p.target.PID == 0:
		return errno
	case timedOut(err):
		return fmt.Errorf("no answer within %s: %w", human.Duration(p.open), os.ErrDeadlineExceeded)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the server closed the connection: %w", err)
	}
	return err
}

func timedOut(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)
}

// openHint knows what usually helps.
func (p *probing) openHint(e *probe.OpenError) string {
	if hint := certificateHint(e.Err); hint != "" {
		return hint
	}
	if hint := localHint(e.Err); hint != "" {
		return hint
	}
	_, isNot := errors.AsType[tls.RecordHeaderError](e.Err)
	switch {
	case isNot:
		return p.clearHint()
	case errors.Is(e.Err, syscall.ECONNREFUSED) && p.container != "" && p.target.Addr.Addr().IsLoopback():
		return "inside the container, " + p.target.Addr.Addr().String() + " is the container itself"
	case errors.Is(e.Err, syscall.ECONNREFUSED):
		return "nothing listens there, or a firewall says so: is the port right?"
	case errors.Is(e.Err, syscall.ENETUNREACH), errors.Is(e.Err, syscall.EHOSTUNREACH):
		return "there is no way to that address from here: try --family 4, or ip route get " + p.target.Addr.Addr().String()
	case timedOut(e.Err) && e.Phase == probe.PhaseDial:
		return "nothing answers: a firewall may drop the packets, or the address is wrong; --open-timeout waits longer"
	case timedOut(e.Err) && p.inLogin(e):
		return "it is connected, and the login is not answered: some servers delay the answer to a wrong password; --open-timeout waits longer"
	case p.inLogin(e):
		return "a limit of connections or logins, or sessions that the server still counts (ghosts), may do that: its log says why"
	case timedOut(e.Err):
		return "it is connected, and the server is silent; " + p.beginHint() + "; --open-timeout waits longer"
	case errors.Is(e.Err, syscall.ECONNRESET), errors.Is(e.Err, syscall.EPIPE):
		return "a firewall, a limit of connections, or sessions that the server still counts (ghosts) may do that; " + p.beginHint()
	case e.Phase == probe.PhaseTLS && !errors.Is(e.Err, io.EOF):
		return "versions before TLS 1.2 are not spoken; what the server speaks is shown by: openssl s_client -connect " + p.target.Addr.String()
	}
	return p.beginHint()
}

// inLogin tells whether it was IMAP's login that failed.
func (p *probing) inLogin(e *probe.OpenError) bool {
	return e.Phase == probe.PhaseOpen && p.protocol.Name() == "IMAP"
}

// localHint says what helps where this machine is at fault.
func localHint(err error) string {
	switch {
	case errors.Is(err, netns.ErrNoRight):
		return "run it with sudo"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return filesHint
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "--bind takes an address of this machine (ip addr lists them); without it, all ports of this side may be in use"
	}
	return ""
}

const filesHint = "too many files are open: fewer --connections, or a higher limit (ulimit -n)"

// beginHint says how else the conversation may begin.
func (p *probing) beginHint() string {
	switch {
	case p.protocol.Name() != "IMAP" && p.target.Implicit:
		return "is this the right port, and does it speak TLS? http:// does without"
	case p.protocol.Name() != "IMAP":
		return "is this the right port, and does it do without TLS? https:// speaks it"
	case p.target.Implicit:
		return "is this the right port? where IMAP begins in the clear (port 143), add --starttls"
	}
	return "is this the right port? where IMAP begins with TLS (port 993), leave --starttls and --plain out"
}

// clearHint is for a server that speaks in the clear where TLS was to begin.
func (p *probing) clearHint() string {
	if p.protocol.Name() == "IMAP" {
		return "the server does not begin with TLS on this port: if it is IMAP's, --starttls does that; else port 993 is the usual one"
	}
	return "the server does not speak TLS on this port: for HTTP in the clear write http://"
}

// saidWords say in whose words the error is.
func (p *probing) saidWords(said *probe.Said) string {
	switch said.What {
	case probe.SaidNoLogin:
		return p.server() + " refused the login"
	case probe.SaidTooMany:
		return p.server() + " takes no more connections"
	case probe.SaidBye:
		return p.server() + " took leave at once"
	case probe.SaidStrange:
		return p.server() + " does not speak " + p.protocol.Name() + " as it should"
	}
	return p.server() + " cannot be measured in this way"
}

func (p *probing) saidHint(phase probe.Phase, said *probe.Said) string {
	imap := p.protocol.Name() == "IMAP"
	switch said.What {
	case probe.SaidNoLogin:
		return "it was tried once and will not be tried again: is the password right? some services want an app password or a token (--auth xoauth2 --token-file)"
	case probe.SaidTooMany:
		return "too many sessions: close other clients, or wait until the server forgets those that a crash left behind (ghosts); --connections 2 needs fewer"
	case probe.SaidBye:
		return "the server does not want this client now: its words say why"
	case probe.SaidStrange:
		return p.beginHint()
	}
	switch {
	case !imap:
		return "only a connection that is kept open can be idle: try another path, or --method HEAD"
	case phase == probe.PhaseGreet && p.target.TLS != nil && !p.target.Implicit:
		return "--tls (port 993) begins with TLS, which nobody on the way can strip"
	case phase == probe.PhaseOpen && p.target.TLS == nil:
		return "many servers take no password without TLS: try --tls (port 993) or --starttls (port 143)"
	}
	return "--auth names another way to log in: login, plain, xoauth2, oauthbearer"
}

// certificateHint says what helps against a certificate that is not trusted.
func certificateHint(err error) string {
	if wrong, ok := errors.AsType[x509.HostnameError](err); ok {
		hint := "the certificate is for another name: name the host as the certificate does, or say it with --server-name"
		if wrong.Certificate != nil && len(wrong.Certificate.DNSNames) > 0 {
			hint += " " + wrong.Certificate.DNSNames[0]
		}
		return hint
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if invalid.Reason == x509.Expired {
			return "the certificate has expired, or this machine's clock is wrong: try: date"
		}
		return "the certificate cannot be used; --insecure does not check it"
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "nobody that this machine trusts has signed the certificate: name its authority with --ca-file; --insecure does not check it"
	}
	return ""
}

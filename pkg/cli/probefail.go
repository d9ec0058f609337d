package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"syscall"

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
	return failed(fmt.Errorf("%s: %w", phaseWords(open.Phase), err), p.openHint(open))
}

func phaseWords(phase probe.Phase) string {
	switch phase {
	case probe.PhaseDial:
		return "cannot connect"
	case probe.PhaseTLS:
		return "cannot agree on TLS"
	case probe.PhaseGreet:
		return "no greeting"
	}
	return "cannot begin"
}

// openHint knows what usually helps.
func (p *probing) openHint(e *probe.OpenError) string {
	if said, ok := errors.AsType[*probe.Said](e.Err); ok {
		return saidHint(said)
	}
	if hint := certificateHint(e.Err); hint != "" {
		return hint
	}
	_, notTLS := errors.AsType[tls.RecordHeaderError](e.Err)
	timeout := errors.Is(e.Err, os.ErrDeadlineExceeded) || errors.Is(e.Err, context.DeadlineExceeded)
	switch {
	case notTLS:
		return "the server does not speak TLS from the beginning on this port: for IMAP try --starttls, or for port 993 leave the port out"
	case errors.Is(e.Err, netns.ErrNoRight):
		return "run it with sudo"
	case errors.Is(e.Err, syscall.EMFILE), errors.Is(e.Err, syscall.ENFILE):
		return "too many files are open: fewer --connections, or more with ulimit -n"
	case errors.Is(e.Err, syscall.ECONNREFUSED):
		return "nothing listens there, or a firewall says so: is the port right?"
	case errors.Is(e.Err, syscall.EADDRNOTAVAIL):
		return "--bind takes an address of this machine: ip addr lists them"
	case errors.Is(e.Err, syscall.ENETUNREACH), errors.Is(e.Err, syscall.EHOSTUNREACH):
		return "there is no way to that address from here: try --family 4, or ip route get " + p.target.Addr.Addr().String()
	case timeout && e.Phase == probe.PhaseDial:
		return "nothing answers: a firewall may drop the packets, or the address is wrong; --open-timeout waits longer"
	case timeout:
		return "it is connected, and the server is silent: is this the right port for TLS from the beginning? --starttls and --plain speak first in the clear; --open-timeout waits longer"
	case errors.Is(e.Err, syscall.ECONNRESET):
		return "the connection was cut at once: a firewall, a limit of connections, or sessions that the server still counts (ghosts) may do that"
	case e.Phase != probe.PhaseDial:
		return "the server ended the connection: is this the right port, and the right way to begin TLS?"
	}
	return ""
}

func saidHint(said *probe.Said) string {
	switch said.What {
	case probe.SaidNoLogin:
		return "it was tried once and will not be tried again: is the password right? some services want an app password or a token (--auth xoauth2 --token-file)"
	case probe.SaidTooMany:
		return "too many sessions: close other clients, or wait until the server forgets those that a crash left behind (ghosts); --connections 2 needs fewer"
	case probe.SaidBye:
		return "the server does not want this client now: read what it says"
	case probe.SaidStrange:
		return "is this the right port for the protocol?"
	}
	return "choose another way to begin or to log in: --tls, --starttls, --plain, --auth"
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

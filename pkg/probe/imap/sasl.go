package imap

import (
	"encoding/base64"
	"strings"
)

// Mechanism is a way to log in.
type Mechanism string

// The ways to log in.
const (
	MechanismLogin       Mechanism = "login"       // the LOGIN command
	MechanismPlain       Mechanism = "plain"       // AUTHENTICATE PLAIN (RFC 4616)
	MechanismXOAUTH2     Mechanism = "xoauth2"     // Google's and Microsoft's, before there was a standard
	MechanismOAuthBearer Mechanism = "oauthbearer" // AUTHENTICATE OAUTHBEARER (RFC 7628)
)

// Mechanisms lists the ways to log in.
func Mechanisms() []Mechanism {
	return []Mechanism{MechanismLogin, MechanismPlain, MechanismXOAUTH2, MechanismOAuthBearer}
}

// name is the mechanism's name on the wire.
func (m Mechanism) name() string { return strings.ToUpper(string(m)) }

// payload is what a mechanism sends, before base64; "" for the LOGIN command, which has none.
func payload(m Mechanism, user, secret string) string {
	switch m {
	case MechanismPlain:
		return "\x00" + user + "\x00" + secret
	case MechanismXOAUTH2:
		return "user=" + user + "\x01auth=Bearer " + secret + "\x01\x01"
	case MechanismOAuthBearer:
		name := strings.NewReplacer("=", "=3D", ",", "=2C").Replace(user) // RFC 5801 4, saslname
		return "n,a=" + name + ",\x01auth=Bearer " + secret + "\x01\x01"
	default:
		return ""
	}
}

// giveUp is the line that answers an invitation after everything has been sent. OAuth's servers then wait for
// an empty message before they refuse (RFC 7628 3.2.3 has a ^A in it); elsewhere a star ends the exchange.
func (m Mechanism) giveUp() string {
	switch m {
	case MechanismXOAUTH2:
		return ""
	case MechanismOAuthBearer:
		return base64.StdEncoding.EncodeToString([]byte{1})
	default:
		return "*"
	}
}

// sent are the messages that a login may have put on the wire, in base64.
func (l *Login) sent() []string {
	var all []string
	for _, m := range Mechanisms() {
		if p := payload(m, l.User, l.Secret.reveal()); p != "" && l.Secret.reveal() != "" {
			all = append(all, base64.StdEncoding.EncodeToString([]byte(p)))
		}
	}
	return all
}

// unspeakable says why a mechanism cannot carry a name or a secret; "" where it can.
func unspeakable(m Mechanism, user, secret string) string {
	switch {
	case strings.Contains(user+secret, "\x00"):
		return "a NUL in the user's name or in the secret cannot be sent"
	case (m == MechanismXOAUTH2 || m == MechanismOAuthBearer) && strings.ContainsAny(user+secret, "\x01\r\n"):
		return "a control character in the user's name or in the token cannot be sent"
	}
	return ""
}

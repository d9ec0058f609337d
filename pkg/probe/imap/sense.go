package imap

import (
	"slices"
	"strings"

	"vmguard/pkg/probe"
)

// sense tells what a refusal means: of a greeting, or of a command up to the login. Codes are RFC 5530's.
func sense(r response) probe.What {
	switch {
	case crowded(r):
		return probe.SaidTooMany
	case r.status == bye:
		return probe.SaidBye
	case slices.Contains([]string{"AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED"}, r.code):
		return probe.SaidNoLogin
	case slices.Contains([]string{"PRIVACYREQUIRED", "CLIENTBUG", "SERVERBUG"}, r.code), r.status == bad:
		return probe.SaidUnfit
	}
	return probe.SaidNoLogin
}

// crowded tells whether a refusal says that there are too many connections, or that the server cannot serve
// now. Most servers say so in words alone: Gmail "Too many simultaneous connections", Dovecot "Maximum number of
// connections from user+IP exceeded", Exchange "User is authenticated but not connected". A limit on a session's
// age, or on wrong commands, is none on their number.
func crowded(r response) bool {
	// LIMIT and INUSE are RFC 5530's as well; THROTTLED and OVERQUOTA are Gmail's and Yahoo's for an account that asked too much.
	if slices.Contains([]string{"UNAVAILABLE", "LIMIT", "INUSE", "THROTTLED", "OVERQUOTA"}, r.code) {
		return true
	}
	text := strings.ToLower(r.text)
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
	}
	return has("too many") && has("connection", "session", "simultaneous", "concurrent") ||
		has("number of connections", "number of sessions", "number of imap connections", "connection limit", "maximum connections") ||
		has("authenticated but not connected", "server unavailable")
}

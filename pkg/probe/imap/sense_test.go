package imap

import (
	"testing"

	"vmguard/pkg/probe"
)

func TestSense(t *testing.T) {
	for line, want := range map[string]probe.What{
		"v1 NO [UNAVAILABLE] Maximum number of connections from user+IP exceeded (mail_max_userip_connections=16)": probe.SaidTooMany,
		"v1 NO [ALERT] Too many simultaneous connections. (Failure)":                                               probe.SaidTooMany,
		"v1 BAD User is authenticated but not connected.":                                                          probe.SaidTooMany,
		"v1 NO [INUSE] locked": probe.SaidTooMany,
		"v1 NO [limit] x":      probe.SaidTooMany,
		"v1 NO [OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)": probe.SaidTooMany,
		"v1 NO Server Unavailable. 15":                                              probe.SaidTooMany,
		"v1 NO Too many concurrent logins":                                          probe.SaidTooMany,
		"* BYE Too many connections":                                                probe.SaidTooMany,

		"v1 NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)": probe.SaidNoLogin,
		"v1 BAD [AUTHENTICATIONFAILED] x":                            probe.SaidNoLogin,
		"v1 NO [ALERT] Application-specific password required":       probe.SaidNoLogin,
		"v1 NO [EXPIRED] change it":                                  probe.SaidNoLogin,
		"v1 NO LOGIN failed.":                                        probe.SaidNoLogin,
		"v1 NO":                                                      probe.SaidNoLogin,
		"v1 NO Too many login failures":                              probe.SaidNoLogin,
		"v1 NO x [LIMIT]":                                            probe.SaidNoLogin,

		"v1 BAD Unknown command":                probe.SaidUnfit,
		"v1 NO [PRIVACYREQUIRED] TLS":           probe.SaidUnfit,
		"v1 NO [SERVERBUG] Internal error":      probe.SaidUnfit,
		"* BYE Disconnected for inactivity.":    probe.SaidBye,
		"* BYE Too many invalid IMAP commands.": probe.SaidBye,
		"* BYE Session time limit exceeded":     probe.SaidBye,
		"* BYE Maximum connection time reached": probe.SaidBye,
	} {
		if got := sense(parse(line)); got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
}

package imap

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/probe"
)

func TestNames(t *testing.T) {
	var p probe.Protocol = &Session{}
	if p.Name() != "IMAP" || p.Request() != "NOOP" {
		t.Errorf("%q %q", p.Name(), p.Request())
	}
}

func TestGreet(t *testing.T) {
	for name, c := range map[string]struct {
		login  bool
		script script
		what   probe.What
		text   string
	}{
		"a greeting":     {script: "S: * OK ready"},
		"in small":       {script: "S: * ok ready"},
		"without a text": {script: "S: * OK"},
		"with capabilities": {true, `
			S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready`, "", ""},
		"capabilities asked for": {true, `
			S: * OK ready
			C: v1 CAPABILITY
			S: * CAPABILITY IMAP4rev1
			S: v1 OK done`, "", ""},
		"capabilities in the answer": {true, `
			S: * OK ready
			C: v1 CAPABILITY
			S: v1 OK [CAPABILITY IMAP4rev1] done`, "", ""},
		"no capabilities": {true, `
			S: * OK ready
			C: v1 CAPABILITY
			S: v1 BAD what?`, probe.SaidUnfit, "the server does not tell its capabilities: what?"},
		"too many at capabilities": {true, `
			S: * OK ready
			C: v1 CAPABILITY
			S: * BYE Too many connections`, probe.SaidTooMany, "Too many connections"},
		"preauth": {true, `S: * PREAUTH welcome`, "", ""},
		"bye":     {false, `S: * BYE going down`, probe.SaidBye, "going down"},
		"bye without a text": {false, `
			S: * BYE`, probe.SaidBye, "BYE"},
		"too many in words": {false, `
			S: * BYE [ALERT] Maximum number of connections from user+IP exceeded`, probe.SaidTooMany, "[ALERT] Maximum"},
		"too many in a code": {false, `S: * BYE [UNAVAILABLE] later`, probe.SaidTooMany, "later"},
		"SMTP": {false, `
			S: 220 mail.example.org ESMTP Postfix`, probe.SaidStrange, "this is an SMTP server: 220 mail.example.org ESMTP Postfix"},
		"SSH":             {false, `S: SSH-2.0-OpenSSH_9.2`, probe.SaidStrange, "this is an SSH server"},
		"HTTP":            {false, `S: HTTP/1.1 400 Bad Request`, probe.SaidStrange, "this is an HTTP server"},
		"POP3":            {false, `S: +OK ready`, probe.SaidStrange, "this is a POP3 server"},
		"TLS":             {false, "SEND \x15\x03\x03\x00\x02\x02\x28\nFIN", probe.SaidStrange, "speaks TLS"},
		"data first":      {false, `S: * CAPABILITY IMAP4rev1`, probe.SaidStrange, "this is not IMAP"},
		"a tagged answer": {false, `S: v1 OK ready`, probe.SaidStrange, "this is not IMAP"},
		"a NO":            {false, `S: * NO thanks`, probe.SaidStrange, "this is not IMAP"},
	} {
		t.Run(name, func(t *testing.T) {
			var s Session
			if c.login {
				s.Login = &Login{}
			}
			saidIs(t, s.Greet(serve(t, c.script)), c.what, c.text)
		})
	}
}

func TestNudge(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		what   probe.What
		text   string
	}{
		"answered":                 {"v1 OK done", "", ""},
		"after data":               {"* 23 EXISTS\r\n* FLAGS (\\Seen)\r\nv1 OK done", "", ""},
		"after a literal":          {"* 1 FETCH (BODY[] {11}\r\nv1 NO a\r\nb)\r\nv1 OK done", "", ""},
		"after two literals":       {"* LIST () \"/\" {3}\r\nabc {0+}\r\n\r\nv1 OK done", "", ""},
		"braces that are text":     {"* OK Still here {5}\r\nv1 OK done", "", ""},
		"a code with a literal":    {"* NO [BADCHARSET ({5}\r\nUTF-8)] x\r\nv1 OK done", "", ""},
		"other tags":               {"v0 OK late\r\nx9 NO\r\n+ idling\r\n\r\nv1 OK done", "", ""},
		"NO":                       {"v1 NO not now", "", ""},
		"BAD":                      {"v1 BAD what?", "", ""},
		"bye":                      {"* BYE Autologout; idle for too long", probe.SaidBye, "Autologout; idle"},
		"bye for too many":         {"* BYE [UNAVAILABLE] Server shutting down", probe.SaidBye, "shutting down"},
		"Exchange":                 {"v1 BAD User is authenticated but not connected.", probe.SaidTooMany, "User is authenticated"},
		"too many":                 {"v1 NO [LIMIT] slow down", probe.SaidTooMany, "[LIMIT] slow down"},
		"too many, and answered":   {"v1 OK Too many connections", "", ""},
		"HTTP":                     {"HTTP/1.1 408 Request Timeout", probe.SaidStrange, "this is an HTTP server"},
		"a giant literal":          {"* 1 FETCH (BODY[] {4294967295}", probe.SaidStrange, "more than 1 MiB"},
		"a literal beyond numbers": {"* 1 FETCH (BODY[] {99999999999999999999999}", probe.SaidStrange, "more than 1 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			var s Session
			saidIs(t, s.Nudge(serve(t, script("C: v1 NOOP\nS: "+strings.ReplaceAll(c.answer, "\r\n", "\nS: ")))), c.what, c.text)
		})
	}
}

func TestHeard(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		what probe.What
		part string
		told string
	}{
		"bye":           {"* BYE Disconnected for inactivity.\r\n", probe.SaidBye, "Disconnected for inactivity.", "Disconnected for inactivity."},
		"too many":      {"* BYE [LIMIT] Too many connections\r\n", probe.SaidBye, "Too many", "[LIMIT] Too many connections"},
		"at the end":    {"* OK Still here\r\n* 1 EXISTS\r\n* BYE x\r\n", probe.SaidBye, "x", "Still here"},
		"nothing of it": {"* OK Still here\r\n", "", "", "Still here"},
		"a secret":      {"* OK your password is hunter2\r\n", "", "", "your password is ***"},
		"long":          {"* OK " + strings.Repeat("x", 1000) + "\r\n", "", "", strings.Repeat("x", maxText-3) + "..."},
		"in a literal":  {"* 1 FETCH (X {8}\r\n* BYE x\r)\r\n", "", "", "1 FETCH (X {8}"},
		"tagged":        {"v1 BYE x\r\n", "", "", "v1 BYE x"},
		"foreign":       {"HTTP/1.1 408 x\r\n\r\n", "", "", "HTTP/1.1 408 x"},
	} {
		t.Run(name, func(t *testing.T) {
			// The server's end stays open: what waits for a FIN would hang.
			conn := serve(t, script("SEND "+strings.ReplaceAll(c.text, "\r\n", "\nS: \nSEND ")))
			if _, err := conn.Reader().Peek(len(c.text)); err != nil {
				t.Fatal(err)
			}
			s := Session{Login: &Login{Secret: NewSecret("hunter2")}}
			told, err := s.Heard(conn)
			saidIs(t, err, c.what, c.part)
			if told != c.told {
				t.Errorf("told %q, want %q", told, c.told)
			}
			if c.what == "" && conn.Ready() {
				t.Error("something was left unread")
			}
		})
	}
	t.Run("nothing has begun", func(t *testing.T) {
		var s Session
		told, err := s.Heard(serve(t, ""))
		saidIs(t, err, "", told)
	})
}

func TestLeave(t *testing.T) {
	for name, s := range map[string]script{
		"bye and answer": "C: v1 LOGOUT\nS: * BYE see you\nS: v1 OK done\nFIN",
		"bye alone":      "C: v1 LOGOUT\nS: * BYE see you",
		"answer alone":   "C: v1 LOGOUT\nS: v1 OK done",
		"refused":        "C: v1 LOGOUT\nS: v1 BAD what?",
	} {
		t.Run(name, func(t *testing.T) {
			var session Session
			saidIs(t, session.Leave(serve(t, s)), "", "")
		})
	}
	t.Run("no answer", func(t *testing.T) {
		var session Session
		if session.Leave(serve(t, "C: v1 LOGOUT\nFIN")) == nil {
			t.Error("no error")
		}
	})
}

func TestLearned(t *testing.T) {
	s := &Session{Login: &Login{User: "me", Secret: NewSecret("hunter2")}, AllowClear: true}
	if diff := cmp.Diff(s.Learned(), Learned{}); diff != "" {
		t.Error(diff)
	}
	conn := serve(t, `
		S: * OK [CAPABILITY IMAP4rev1 auth=plain SASL-IR HUNTER2] Dovecot
		C: v1 AUTHENTICATE PLAIN AG1lAGh1bnRlcjI=
		S: v1 OK done`)
	saidIs(t, s.Greet(conn), "", "")
	saidIs(t, s.Open(conn), "", "")
	if diff := cmp.Diff(s.Learned(), Learned{
		Greeting:     "[CAPABILITY IMAP4rev1 auth=plain SASL-IR ***] Dovecot",
		Capabilities: []string{"IMAP4REV1", "AUTH=PLAIN", "SASL-IR", hidden},
		LoggedIn:     true, Mechanism: MechanismPlain,
	}); diff != "" {
		t.Error(diff)
	}

	s = &Session{Login: &Login{}}
	conn = serve(t, "S: * PREAUTH hello")
	saidIs(t, s.Greet(conn), "", "")
	saidIs(t, s.Open(conn), "", "") // and sends nothing, though it is in the clear
	if diff := cmp.Diff(s.Learned(), Learned{Greeting: "hello", PreAuth: true, LoggedIn: true}); diff != "" {
		t.Error(diff)
	}
}

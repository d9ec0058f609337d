package cli

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"

	"vmguard/pkg/probe"
)

// probeFault runs a probe of a server in every format at the same time, and on a narrow terminal without UTF-8, and gives the outcome of one. No output may hold
// the password, or anything that a terminal would act on.
func probeFault(t *testing.T, args ...string) (code int, report []byte, stderr string) {
	t.Helper()
	// So many connections at a time are opened with no long waits in between. What a case says comes later, and counts.
	args = slices.Concat([]string{"probe"}, args[:2], []string{"--connections", "64", "--refine=false", "--arms=false", "--packets=false", "-v"}, args[2:])
	formats := []string{"text", "jsonl", "json"}
	codes := make([]int, len(formats))
	var all sync.WaitGroup
	for i, format := range formats {
		all.Go(func() {
			got, stdout, errs := tryVMGuard(t, slices.Concat(args, []string{"-o", format})...)
			mustBeClean(t, string(stdout), errs)
			codes[i] = got
			if format == "json" {
				report, stderr = stdout, errs
			}
		})
	}
	all.Go(func() {
		var out, errs bytes.Buffer
		narrow := map[string]string{"COLUMNS": "40", "LC_ALL": "C"}
		Main(t.Context(), App{Args: args, Stdout: &out, Stderr: &errs, Getenv: func(name string) string { return narrow[name] }})
		mustBeClean(t, out.String(), errs.String())
		if strings.ContainsFunc(out.String()+errs.String(), func(r rune) bool { return r > unicode.MaxASCII }) {
			t.Errorf("more than ASCII: %s%s", out.String(), errs.String())
		}
	})
	all.Wait()
	if codes[0] != codes[1] || codes[0] != codes[2] {
		t.Errorf("the formats differ in their exit codes: %v", codes)
	}
	return codes[0], report, stderr
}

// mustTell fails unless there is one error and one hint, each as wanted.
func mustTell(t *testing.T, stderr, wantError, wantHint string) {
	t.Helper()
	for lead, want := range map[string]string{"error: ": wantError, "hint: ": wantHint} {
		lines := regexp.MustCompile(`(?m)^`+lead+`.*$`).FindAllString(stderr, -1)
		if len(lines) != 1 || !regexp.MustCompile(want).MatchString(lines[0]) {
			t.Errorf("want one %s%q, got:\n%s", lead, want, stderr)
		}
	}
}

// kinds gives the verdicts of a report by rising idle time, those of the ladder alone.
func kinds(t *testing.T, report []byte) (all []probe.Kind) {
	t.Helper()
	var doc struct{ Data struct{ Rungs []probe.Rung } }
	if err := json.Unmarshal(report, &doc); err != nil {
		t.Fatalf("%v: %.300s", err, report)
	}
	for _, r := range doc.Data.Rungs {
		all = append(all, r.Verdict.Kind)
	}
	return all
}

// wantsTLS is in the hint for a server that was spoken to in the clear.
const wantsTLS = "port 993"

// begun gives how a case begins: in the clear, unless it says otherwise.
func begun(args []string) []string {
	if slices.ContainsFunc(args, func(arg string) bool { return arg == "--tls" || arg == "--starttls" }) {
		return args
	}
	return append([]string{"--plain"}, args...)
}

// TestNoBeginning has servers with which no connection can be begun: exit code 3, and one error with one hint.
func TestNoBeginning(t *testing.T) {
	long := strings.Repeat("x", 100<<10)
	for name, c := range map[string]struct {
		server      mail
		args        []string
		error, hint string
		logins      int64
	}{
		"HTTP":                  {server: mail{hello: "HTTP/1.0 400 Bad Request"}, error: "does not speak IMAP as it should: this is an HTTP server", hint: wantsTLS},
		"SSH":                   {server: mail{hello: "SSH-2.0-OpenSSH_9.2"}, error: "this is an SSH server", hint: wantsTLS},
		"SMTP":                  {server: mail{hello: "220 mx ESMTP Postfix"}, error: "this is an SMTP server", hint: wantsTLS},
		"no greeting":           {server: mail{hello: silence}, args: []string{"--open-timeout", "100ms"}, error: "does not begin to speak IMAP: no answer within 100 ms", hint: "--open-timeout"},
		"a long line":           {server: mail{hello: "* OK " + long}, error: "a line of more than 16 KiB", hint: wantsTLS},
		"an endless line":       {server: mail{hello: endless}, error: "a line of more than 16 KiB", hint: wantsTLS},
		"a mebibyte":            {server: mail{hello: strings.Repeat("x", 1<<20)}, error: "a line of more than 16 KiB", hint: wantsTLS},
		"endless lines":         {server: mail{"CAPABILITY": strings.Repeat("* X\r\n", 1<<18), hello: "* OK"}, error: "more than 1 MiB in one answer", hint: wantsTLS},
		"a giant literal":       {server: mail{hello: "* OK", "CAPABILITY": "* X {99999999999999999999}"}, error: "more than 1 MiB in one answer", hint: wantsTLS},
		"a literal of a GiB":    {server: mail{hello: "* OK", "CAPABILITY": "* X {1073741824}"}, error: "more than 1 MiB in one answer", hint: wantsTLS},
		"escapes":               {server: mail{hello: "\x1b[2J\x1b]0;x\x07\xff\xfe\u202e"}, error: "this is not IMAP", hint: wantsTLS},
		"nothing":               {server: mail{hello: "\x00\x00\x00"}, error: "this is not IMAP", hint: wantsTLS},
		"BYE at once":           {server: mail{hello: "* BYE go \x1b[31maway"}, error: "took leave at once: go .*away", hint: "its words say why"},
		"BYE, too many":         {server: mail{hello: "* BYE Too many connections"}, error: "takes no more connections: Too many", hint: "--connections"},
		"cut in the greeting":   {server: mail{hello: cutRST}, error: "(does not begin to speak IMAP|cannot connect to .*): connection reset", hint: "ghosts"},
		"closed in greeting":    {server: mail{hello: cutFIN}, error: "does not begin to speak IMAP: the server closed", hint: wantsTLS},
		"cut in the login":      {server: mail{"AUTHENTICATE": cutRST}, error: "cannot begin with .*: connection reset", hint: "its log says why", logins: 1},
		"closed in the login":   {server: mail{"AUTHENTICATE": cutFIN}, error: "cannot begin with .*: the server closed", hint: "its log says why", logins: 1},
		"no answer to login":    {server: mail{"AUTHENTICATE": silence}, args: []string{"--open-timeout", "100ms"}, error: "no answer within 100 ms", hint: "delay the answer to a wrong password", logins: 1},
		"a wrong password":      {server: mail{"AUTHENTICATE": "TAG NO [AUTHENTICATIONFAILED] no"}, error: "refused the login: .*no$", hint: "will not be tried again", logins: 1},
		"an echo of the login":  {server: mail{"AUTHENTICATE": "TAG NO not with ECHO"}, error: "refused the login: not with", hint: "password right", logins: 1},
		"an echo of the secret": {server: mail{"AUTHENTICATE": "* BYE " + secret + " is wrong"}, error: "took leave at once: .* is wrong", hint: "words", logins: 1},
		"LOGIN, an echo": {
			server: mail{hello: "* OK [CAPABILITY IMAP4rev1 LITERAL+]", "LOGIN": "TAG NO you said ECHO"}, error: "refused the login", hint: "password right", logins: 1,
		},
		"too many sessions":    {server: mail{"AUTHENTICATE": "TAG NO [UNAVAILABLE] later"}, error: "takes no more connections: .*later", hint: "ghosts", logins: 1},
		"login disabled":       {server: mail{hello: "* OK [CAPABILITY IMAP4rev1 LOGINDISABLED]"}, error: "LOGINDISABLED", hint: "--starttls"},
		"no such mechanism":    {args: []string{"--auth", "login"}, server: mail{hello: "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN LOGINDISABLED]"}, error: "LOGINDISABLED", hint: "--tls"},
		"STARTTLS not offered": {args: []string{"--starttls"}, error: "does not offer STARTTLS, which may have been stripped", hint: "--tls .port 993."},
		"STARTTLS refused": {
			server: mail{hello: "* OK [CAPABILITY STARTTLS]", "STARTTLS": "TAG NO not now"}, args: []string{"--starttls"},
			error: "refuses STARTTLS, which may have been stripped on the way: not now", hint: "--tls .port 993.",
		},
		"words before TLS": {
			server: mail{hello: "* OK [CAPABILITY STARTTLS]", "STARTTLS": "TAG OK go\r\n* OK trust me"}, args: []string{"--starttls"},
			error: "before TLS began", hint: wantsTLS,
		},
		"PREAUTH before TLS": {server: mail{hello: "* PREAUTH hello"}, args: []string{"--starttls"}, error: "PREAUTH", hint: "--tls .port 993."},
		"TLS where none is":  {args: []string{"--tls"}, error: "cannot agree on TLS with 127", hint: "--starttls"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, logins := c.server.counted(t)
			args := slices.Concat([]string{"imap", address, "--user", "me", "--password-file", passwordFile(t), "--idle", "10ms,20ms,30ms"}, begun(c.args))
			code, stdout, stderr := probeFault(t, args...)
			if code != exitFailed || len(stdout) > 0 {
				t.Errorf("exit code %d, and on stdout: %s", code, stdout)
			}
			mustTell(t, stderr, c.error, c.hint)
			if got := logins.Load(); got != 4*c.logins { // one in each of the runs
				t.Errorf("%d logins were tried in 4 runs, want %d", got, 4*c.logins)
			}
		})
	}
}

// TestEachPhaseCut has servers that end a connection that was open: that is a measurement.
func TestEachPhaseCut(t *testing.T) {
	for name, c := range map[string]struct {
		server mail
		args   []string
		code   int
		want   []probe.Kind // at 10 ms and at 30 ms
	}{
		"nothing":                     {want: []probe.Kind{probe.Alive, probe.Alive}},
		"RST while idle":              {server: mail{idled: cutRST}, want: []probe.Kind{probe.ResetAtExpiry, probe.ResetAtExpiry}},
		"FIN while idle":              {server: mail{idled: cutFIN}, want: []probe.Kind{probe.Closed, probe.Closed}},
		"BYE while idle":              {server: mail{idled: "* BYE \x1b[2J ECHO"}, want: []probe.Kind{probe.Bye, probe.Bye}},
		"RST on use":                  {server: mail{"NOOP": cutRST}, want: []probe.Kind{probe.ResetOnUse, probe.ResetOnUse}},
		"FIN on use":                  {server: mail{"NOOP": cutFIN}, want: []probe.Kind{probe.Closed, probe.Closed}},
		"BYE on use":                  {server: mail{"NOOP": "* BYE " + secret}, want: []probe.Kind{probe.Bye, probe.Bye}},
		"another's answer, then its":  {server: mail{"NOOP": "zzz OK other\r\nTAG OK done"}, want: []probe.Kind{probe.Alive, probe.Alive}},
		"an answer with a literal":    {server: mail{"NOOP": "* 1 FETCH (X {3}\r\nabc)\r\nTAG OK done"}, want: []probe.Kind{probe.Alive, probe.Alive}},
		"NO to the request":           {server: mail{"NOOP": "TAG NO \xff\x1b"}, want: []probe.Kind{probe.Alive, probe.Alive}},
		"PREAUTH":                     {server: mail{hello: "* PREAUTH welcome"}, want: []probe.Kind{probe.Alive, probe.Alive}},
		"a greeting in odd bytes":     {server: mail{hello: "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] \x1b]0;x\x07\xff\xfe"}, want: []probe.Kind{probe.Alive, probe.Alive}},
		"no leave-taking":             {server: mail{"LOGOUT": cutRST}, want: []probe.Kind{probe.Alive, probe.Alive}},
		"the password, unasked":       {server: mail{idled: "* OK you are ECHO, " + secret}, want: []probe.Kind{probe.Alive, probe.Alive}},
		"never an answer":             {server: mail{"NOOP": silence}, args: []string{"--answer-timeout", "100ms"}, code: exitFailed, want: []probe.Kind{probe.SlowServer, probe.SlowServer}},
		"no IMAP to the request":      {server: mail{"NOOP": "HTTP/1.1 200 \x1b[2J"}, code: exitFailed, want: []probe.Kind{probe.Unknown, probe.Unknown}},
		"an endless answer":           {server: mail{"NOOP": endless}, code: exitFailed, want: []probe.Kind{probe.Unknown, probe.Unknown}},
		"a giant literal, as answer":  {server: mail{"NOOP": "* X {4294967296}"}, code: exitFailed, want: []probe.Kind{probe.Unknown, probe.Unknown}},
		"an expectation is not met":   {server: mail{"NOOP": cutRST}, args: []string{"--expect-alive", "10ms"}, code: exitBad, want: []probe.Kind{probe.ResetOnUse, probe.ResetOnUse}},
		"an expectation is met":       {server: mail{"NOOP": cutRST}, args: []string{"--expect-dead", "30ms"}, want: []probe.Kind{probe.ResetOnUse, probe.ResetOnUse}},
		"a heartbeat that dies":       {server: mail{"NOOP": cutRST}, args: []string{"--heartbeat", "10ms", "--for", "10ms"}, code: exitBad, want: []probe.Kind{probe.ResetOnUse, probe.ResetOnUse}},
		"a heartbeat without answers": {server: mail{"NOOP": silence}, args: []string{"--idle", "none", "--heartbeat", "10ms", "--for", "10ms", "--answer-timeout", "100ms"}, code: exitFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, _ := c.server.counted(t)
			args := slices.Concat([]string{"imap", address, "--user", "me", "--password-file", passwordFile(t), "--idle", "10ms,30ms"}, begun(c.args))
			code, stdout, stderr := probeFault(t, args...)
			if code != c.code {
				t.Errorf("exit code %d, want %d: %s", code, c.code, stderr)
			}
			if got := kinds(t, stdout); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v: %s", got, c.want, stdout)
			}
			if code == exitFailed {
				mustTell(t, stderr, "nothing could be measured: .", ".")
			}
		})
	}
}

// TestLaterConnections has servers that serve one connection, and no other: what the other would have told is not known,
// and is never a limit.
func TestLaterConnections(t *testing.T) {
	for name, c := range map[string]struct {
		then mail
		want probe.Kind
	}{
		"refused by RST":    {mail{hello: cutRST}, probe.Refused},
		"refused by FIN":    {mail{hello: cutFIN}, probe.Refused},
		"refused in words":  {mail{hello: "* BYE Too many connections"}, probe.Refused},
		"no login any more": {mail{"AUTHENTICATE": "TAG NO [AUTHENTICATIONFAILED] no"}, probe.LoginRefused},
		"no session left":   {mail{"AUTHENTICATE": "TAG NO [LIMIT] no"}, probe.Refused},
		"cut in the login":  {mail{"AUTHENTICATE": cutRST}, probe.Refused},
		"another protocol":  {mail{hello: "SSH-2.0-x"}, probe.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := faulty(t, func(n int, conn net.Conn) {
				if n == 1 {
					good().serve(conn)
					return
				}
				c.then.serve(conn)
			})
			code, stdout, stderr := tryVMGuard(t, "probe", "imap", address, "--plain", "--user", "me", "--password-file", passwordFile(t),
				"--idle", "10ms,1s", "--connections", "64", "--packets=false", "-o", "json")
			mustBeClean(t, string(stdout), stderr)
			if got := kinds(t, stdout); code != exitOK || len(got) != 2 || got[0] != c.want || got[1] != probe.Alive {
				t.Errorf("exit code %d, %v, want %s: %s", code, got, c.want, stdout)
			}
		})
	}
}

// TestWebServers has servers that are none of HTTP, or keep nothing open.
func TestWebServers(t *testing.T) {
	answers := func(text string) func(int, net.Conn) {
		return func(_ int, c net.Conn) {
			if n, _ := c.Read(make([]byte, 4096)); n > 0 {
				_, _ = io.WriteString(c, text)
				hold(c)
			}
		}
	}
	for name, c := range map[string]struct {
		play        func(int, net.Conn)
		scheme      string
		error, hint string
	}{
		"mail":              {answers("* OK IMAP ready\r\n"), "http", "does not speak HTTP as it should: .*IMAP", "right port"},
		"escapes":           {answers("\x1b[2J\xff\r\n"), "http", "not HTTP", "right port"},
		"no keep-alive":     {answers("HTTP/1.1 200 \x1b[2J\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"), "http", "cannot be measured in this way: ", "--method HEAD"},
		"until the end":     {answers("HTTP/1.1 200 OK\r\n\r\nabc"), "http", "cannot be measured", "--method HEAD"},
		"too long":          {answers("HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n"), "http", "longer than 1 MiB", "another path"},
		"endless":           {func(_ int, c net.Conn) { mail{hello: endless}.serve(c) }, "http", "a line of more than 16 KiB", "right port"},
		"no answer":         {func(_ int, c net.Conn) { hold(c) }, "http", "no answer within 100 ms", "--open-timeout"},
		"no answer, TLS":    {func(_ int, c net.Conn) { hold(c) }, "https", "cannot agree on TLS with .*no answer within 100 ms", "http://"},
		"RST":               {func(_ int, c net.Conn) { _, _ = c.Read(make([]byte, 1)); reset(c) }, "http", "connection reset", "right port"},
		"FIN":               {func(_ int, c net.Conn) { _, _ = c.Read(make([]byte, 4096)) }, "http", "the server closed the connection", "https://"},
		"TLS where none is": {answers("HTTP/1.0 400 Bad Request\r\n\r\n"), "https", "cannot agree on TLS", "http://"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := faulty(t, c.play)
			code, stdout, stderr := probeFault(t, "http", c.scheme+"://"+address+"/", "--idle", "10ms,20ms", "--open-timeout", map[bool]string{true: "100ms", false: "10s"}[strings.HasPrefix(name, "no answer")])
			if code != exitFailed || len(stdout) > 0 {
				t.Errorf("exit code %d, and on stdout: %s", code, stdout)
			}
			mustTell(t, stderr, c.error, c.hint)
		})
	}
}

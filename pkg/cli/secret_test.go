package cli

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// greedy is a mail server that keeps what clients say of themselves.
type greedy struct {
	mu   sync.Mutex
	said []string
}

// start gives the server's address. It takes every mechanism.
func (g *greedy) start(t *testing.T) string {
	t.Helper()
	server := mail{hello: "* OK [CAPABILITY IMAP4rev1 SASL-IR LITERAL+ AUTH=PLAIN AUTH=XOAUTH2 AUTH=OAUTHBEARER] ready"}
	return faulty(t, func(_ int, c net.Conn) {
		server.serve(listening{c, func(text string) {
			_, payload, is := strings.Cut(text, " AUTHENTICATE ")
			if !is {
				return
			}
			_, encoded, _ := strings.Cut(strings.TrimSpace(payload), " ")
			decoded, _ := base64.StdEncoding.DecodeString(encoded)
			g.mu.Lock()
			defer g.mu.Unlock()
			g.said = append(g.said, string(decoded))
		}})
	})
}

// login runs a probe with the given ways to a secret, and gives what the server heard. No output may hold the secret.
func login(t *testing.T, stdin io.Reader, variable, secret string, args ...string) (code int, heard []string, stderr string) {
	t.Helper()
	var server greedy
	var out, errs bytes.Buffer
	app := App{
		Args:  append([]string{"probe", "imap", server.start(t), "--plain", "--idle", "10ms", "--packets=false", "-v", "--user", "me"}, args...),
		Stdin: stdin, Stdout: &out, Stderr: &errs,
		Getenv: func(name string) string { return map[string]string{passwordVariable: variable}[name] },
	}
	code = Main(t.Context(), app)
	mustBeClean(t, out.String(), errs.String())
	if secret != "" && strings.Contains(out.String()+errs.String(), secret) {
		t.Errorf("the secret is in the output:\n%s%s", out.String(), errs.String())
	}
	server.mu.Lock()
	defer server.mu.Unlock()
	return code, server.said, errs.String()
}

// TestSecretFiles has what people put into files.
func TestSecretFiles(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		want    string // the password; "" for a refusal
		error   string
	}{
		"a line":             {content: "sesame\n", want: "sesame"},
		"no newline":         {content: "sesame", want: "sesame"},
		"CRLF":               {content: "sesame\r\n", want: "sesame"},
		"two lines":          {content: "sesame\nsimsala\n", want: "sesame"},
		"blanks":             {content: " ses ame \n", want: " ses ame "},
		"quotes":             {content: `"ses\ame"` + "\n", want: `"ses\ame"`},
		"beyond ASCII":       {content: "sésame-öffne-開け\n", want: "sésame-öffne-開け"},
		"invalid UTF-8":      {content: "ses\xff\xfeame\n", want: "ses\xff\xfeame"},
		"an escape":          {content: "ses\x1b[2Jame\n", want: "ses\x1b[2Jame"},
		"empty":              {content: "", error: "the first line of .* is empty"},
		"an empty line":      {content: "\nsesame\n", error: "the first line of .* is empty"},
		"a byte order mark":  {content: "\ufeffsesame\n", error: "byte order mark"},
		"UTF-16":             {content: "s\x00e\x00s\x00a\x00m\x00e\x00\n\x00", error: "a NUL"},
		"more than any":      {content: strings.Repeat("x", maxSecret), error: "too long"},
		"more than any line": {content: strings.Repeat("x", maxSecret) + "\n", error: "too long"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "pw")
			if err := os.WriteFile(file, []byte(c.content), 0o600); err != nil {
				t.Fatal(err)
			}
			code, heard, stderr := login(t, nil, "", c.want, "--password-file", file)
			if c.want != "" {
				if diff := cmp.Diff([]string{"\x00me\x00" + c.want}, heard); code != exitOK || diff != "" {
					t.Errorf("exit code %d, %s%s", code, stderr, diff)
				}
				return
			}
			if code != exitFailed || heard != nil {
				t.Errorf("exit code %d, the server heard %q", code, heard)
			}
			mustTell(t, stderr, c.error, "first line")
		})
	}
}

// TestSecretSources has the other ways to a secret, and what does not go together.
func TestSecretSources(t *testing.T) {
	file, missing := filepath.Join(t.TempDir(), "pw"), filepath.Join(t.TempDir(), "none")
	if err := os.WriteFile(file, []byte("sesame\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const plain = "\x00me\x00sesame"
	for name, c := range map[string]struct {
		stdin, variable string
		args            []string
		heard           string // "" for a refusal
		code            int
		error, hint     string
	}{
		"standard input":       {stdin: "sesame\nmore\n", args: []string{"--password-stdin"}, heard: plain},
		"the variable":         {variable: "sesame", heard: plain},
		"a file goes before":   {variable: "simsala", args: []string{"--password-file", file}, heard: plain},
		"XOAUTH2":              {args: []string{"--auth", "xoauth2", "--token-file", file}, heard: "user=me\x01auth=Bearer sesame\x01\x01"},
		"OAUTHBEARER by stdin": {stdin: "sesame", args: []string{"--auth", "oauthbearer", "--password-stdin"}, heard: "n,a=me,\x01auth=Bearer sesame\x01\x01"},
		"no standard input":    {args: []string{"--password-stdin"}, code: exitFailed, error: "first line of standard input is empty", hint: "<FILE"},
		"none":                 {code: exitUsage, error: "--user needs a password", hint: passwordVariable},
		"missing":              {args: []string{"--password-file", missing}, code: exitFailed, error: "none: no such file", hint: "first line"},
		"a directory":          {args: []string{"--password-file", t.TempDir()}, code: exitFailed, error: "is a directory", hint: "first line"},
		"an empty variable":    {args: []string{"--password-file", ""}, code: exitUsage, error: "--password-file: nothing is given", hint: "shell variable"},
		"two":                  {args: []string{"--password-file", file, "--password-stdin"}, code: exitUsage, error: "exclude each other", hint: "name one"},
		"a token as password":  {args: []string{"--token-file", file}, code: exitUsage, error: "--token-file is for access tokens", hint: "--auth"},
		"a password as token":  {args: []string{"--auth", "xoauth2", "--password-file", file}, code: exitUsage, error: "takes an access token", hint: "--token-file"},
		"no such mechanism":    {args: []string{"--auth", "ntlm", "--password-file", file}, code: exitUsage, error: "--auth: .* is not accepted", hint: "oauthbearer"},
		"an odd user":          {args: []string{"--user", "a\r\nb", "--password-file", file}, code: exitUsage, error: "control character", hint: "accepted"},
		"nobody":               {args: []string{"--user", "", "--password-file", file}, code: exitUsage, error: "--user: nothing is given", hint: "shell variable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, heard, stderr := login(t, strings.NewReader(c.stdin), c.variable, "sesame", c.args...)
			var want []string
			if c.heard != "" {
				want = []string{c.heard}
			} else {
				mustTell(t, stderr, c.error, c.hint)
			}
			if diff := cmp.Diff(want, heard); code != c.code || diff != "" {
				t.Errorf("exit code %d, want %d: %s%s", code, c.code, stderr, diff)
			}
		})
	}
}

// TestSecretWithoutUser has a secret, and nobody whose it is.
func TestSecretWithoutUser(t *testing.T) {
	code, _, stderr := tryVMGuard(t, "probe", "imap", "127.0.0.1:1", "--password-file", passwordFile(t))
	mustTell(t, stderr, "no user", "add --user")
	if code != exitUsage {
		t.Errorf("exit code %d", code)
	}
}

// TestWaitingForSecret ends while nobody gives the secret.
func TestWaitingForSecret(t *testing.T) {
	reader, writer := io.Pipe()
	defer func() { _ = writer.Close() }() // what was left behind ends
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stop := time.AfterFunc(10*time.Millisecond, cancel)
	defer stop.Stop()
	var out, errs bytes.Buffer
	code := Main(ctx, App{
		Args:  []string{"probe", "imap", "127.0.0.1:1", "--user", "me", "--password-stdin"},
		Stdin: reader, Stdout: &out, Stderr: &errs, Getenv: func(string) string { return "" },
	})
	if code != exitInterrupted || out.Len()+errs.Len() > 0 {
		t.Errorf("exit code %d: %s%s", code, out.String(), errs.String())
	}
}

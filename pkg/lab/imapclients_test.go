package lab

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// forClients starts a lab with a password that must be quoted, and gives the file of its authority's certificate.
func forClients(t *testing.T, mode TLSMode) (lab *Lab, r *recorder, ca string) {
	t.Helper()
	lab, r = play(t, "none", Options{TLS: mode, User: "me", Password: `a b"\c`})
	ca = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, lab.CA(), 0o600); err != nil {
		t.Fatal(err)
	}
	return lab, r, ca
}

// run runs a client, and gives what it prints.
func run(t *testing.T, wantCode int, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skip("needs " + name)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != wantCode {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

const imaplib = `
import imaplib, ssl, sys
mode, port, ca, user, password = sys.argv[1:]
trust = lambda: ssl.create_default_context(cafile=ca)
def say(what, answer):
    print(what, answer[0], *(part.decode() if part else part for part in answer[1]))
def connect():
    if mode == "implicit":
        return imaplib.IMAP4_SSL("127.0.0.1", int(port), ssl_context=trust())
    m = imaplib.IMAP4("127.0.0.1", int(port))
    if mode == "starttls":
        assert "LOGINDISABLED" in m.capabilities
        m.starttls(trust())
    return m
m = connect()
try:
    m.login(user, "wrong")
except m.error as e:
    print("wrong", e)
m.login(user, password)
say("list", m.list())
say("status", m.status("INBOX", "(MESSAGES UIDNEXT)"))
say("select", m.select())
say("search", m.uid("SEARCH", None, "ALL"))
say("fetch", m.fetch("1:*", "(FLAGS BODY[HEADER.FIELDS (DATE)])"))
say("noop", m.noop())
say("append", m.append("INBOX", None, None, b"Subject: x\r\n\r\nx"))
m.send(b"idle1 IDLE\r\n")
print(m.readline().decode().strip())
m.send(b"DONE\r\n")
print(m.readline().decode().strip())
say("close", m.close())
print("logout", m.logout()[0])
m = connect()
m.authenticate("PLAIN", lambda _: b"\0" + user.encode() + b"\0" + password.encode())
print("state", m.state)
m.logout()
`

func TestPythonImaplib(t *testing.T) {
	t.Parallel()
	inModes(t, func(t *testing.T, mode TLSMode) {
		lab, r, ca := forClients(t, mode)
		out := run(t, 0, "python3", "-c", imaplib, string(mode), fmt.Sprint(lab.Addr().Port()), ca, lab.User(), lab.Password())
		const want = `wrong b'[AUTHENTICATIONFAILED] Authentication failed'
list OK () "/" INBOX
status OK INBOX (MESSAGES 0 UIDNEXT 1)
select OK 0
search OK b''
fetch OK None
noop OK NOOP completed
append NO [CANNOT] This server keeps no mail
+ idling
idle1 OK IDLE completed
close OK CLOSE completed
logout BYE
state AUTH
`
		if out != want {
			t.Errorf("got:\n%s\nwant:\n%s", out, want)
		}
		r.await(t, 1, "ended")
		r.await(t, 2, "ended")
	})
}

func TestCurl(t *testing.T) {
	t.Parallel()
	inModes(t, func(t *testing.T, mode TLSMode) {
		lab, r, ca := forClients(t, mode)
		scheme, args := "imap", []string{"-sS", "--cacert", ca, "-u", lab.User() + ":" + lab.Password()}
		switch mode {
		case ImplicitTLS:
			scheme = "imaps"
		case StartTLS:
			args = append(args, "--ssl-reqd")
		}
		curl := func(code int, path string, more ...string) string {
			t.Helper()
			return run(t, code, "curl", append(append(more, args...), scheme+"://"+lab.Addr().String()+path)...)
		}
		for i, c := range []struct {
			path string
			more []string
			code int
			want string
		}{
			{"/", nil, 0, "* LIST () \"/\" INBOX\r\n"},
			{"/", []string{"--sasl-ir"}, 0, "* LIST () \"/\" INBOX\r\n"},
			{"/", []string{"-X", "STATUS INBOX (MESSAGES)"}, 0, "* STATUS INBOX (MESSAGES 0)\r\n"},
			{"/INBOX", []string{"-X", "NOOP"}, 0, ""},
			{"/INBOX?ALL", nil, 0, "* SEARCH\r\n"},
			{"/INBOX/;MAILINDEX=1", nil, 78, ""}, // there is no such mail
		} {
			out := curl(c.code, c.path, c.more...)
			if c.code == 0 && out != c.want {
				t.Errorf("%s %q: got %q, want %q", c.path, c.more, out, c.want)
			}
			r.await(t, i+1, "ended")
		}
	})
}

// goClient connects as programs in Go do.
func goClient(t *testing.T, lab *Lab) (*imapclient.Client, error) {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(lab.CA())
	o := &imapclient.Options{TLSConfig: &tls.Config{RootCAs: roots, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12}}
	switch lab.options.TLS {
	case ImplicitTLS:
		return imapclient.DialTLS(lab.Addr().String(), o)
	case StartTLS:
		return imapclient.DialStartTLS(lab.Addr().String(), o)
	default:
		return imapclient.DialInsecure(lab.Addr().String(), o)
	}
}

func TestGoClient(t *testing.T) {
	t.Parallel()
	inModes(t, func(t *testing.T, mode TLSMode) {
		lab, r, _ := forClients(t, mode)
		c, err := goClient(t, lab)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		must := func(what string, err error) {
			t.Helper()
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
		}
		if err := c.Login("me", "wröng").Wait(); err == nil || !strings.Contains(err.Error(), "Authentication failed") {
			t.Errorf("a wrong password, in a literal: %v", err)
		}
		must("login", c.Login(lab.User(), lab.Password()).Wait())
		boxes, err := c.List("", "%", nil).Collect()
		if must("list", err); len(boxes) != 1 || boxes[0].Mailbox != inbox || boxes[0].Delim != '/' {
			t.Errorf("list: %+v", boxes)
		}
		status, err := c.Status(inbox, &imap.StatusOptions{NumMessages: true, UIDNext: true}).Wait()
		if must("status", err); *status.NumMessages != 0 || status.UIDNext != 1 {
			t.Errorf("status: %+v", status)
		}
		if _, err := c.Select("Drafts", nil).Wait(); err == nil || !strings.Contains(err.Error(), "No such mailbox") {
			t.Errorf("select another: %v", err)
		}
		box, err := c.Select(inbox, nil).Wait()
		if must("select", err); box.NumMessages != 0 || box.UIDValidity != 1 || len(box.PermanentFlags) != 5 {
			t.Errorf("select: %+v", box)
		}
		found, err := c.UIDSearch(&imap.SearchCriteria{Text: []string{"ö"}}, nil).Wait()
		if must("search", err); len(found.AllUIDs()) != 0 {
			t.Errorf("search: %+v", found)
		}
		section := &imap.FetchItemBodySection{HeaderFields: []string{"DATE"}, Peek: true}
		mails, err := c.Fetch(imap.SeqSetNum(1), &imap.FetchOptions{Envelope: true, BodySection: []*imap.FetchItemBodySection{section}}).Collect()
		if must("fetch", err); len(mails) != 0 {
			t.Errorf("fetch: %+v", mails)
		}
		idle, err := c.Idle()
		must("idle", err)
		must("idle", idle.Close())
		must("done", idle.Wait())
		pipelined := []*imapclient.Command{c.Noop(), c.Noop(), c.Unselect(), c.Subscribe(inbox)}
		for _, command := range pipelined {
			must("pipelined", command.Wait())
		}
		spaces, err := c.Namespace().Wait()
		if must("namespace", err); len(spaces.Personal) != 1 {
			t.Errorf("namespace: %+v", spaces)
		}
		enabled, err := c.Enable(imap.CapUTF8Accept).Wait()
		if must("enable", err); len(enabled.Caps) != 1 {
			t.Errorf("enable: %+v", enabled)
		}
		_, err = c.ID(&imap.IDData{Name: "x"}).Wait()
		must("id", err)
		appended := c.Append(inbox, 1, nil)
		_, _ = appended.Write([]byte("x"))
		_ = appended.Close()
		if _, err := appended.Wait(); err == nil || !strings.Contains(err.Error(), noMail[len("NO [CANNOT] "):]) {
			t.Errorf("append: %v", err)
		}
		must("noop", c.Noop().Wait())
		must("logout", c.Logout().Wait())
		r.await(t, 1, "ended")
	})
}

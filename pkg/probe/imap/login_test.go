package imap

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"vmguard/pkg/probe"
)

// b64 puts base64 of a text into a script.
func b64(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func TestLogin(t *testing.T) {
	const failed = `{"status":"401","schemes":"bearer"}`
	plain := b64("\x00me\x00sesame")
	oauth := b64("user=me\x01auth=Bearer sesame\x01\x01")
	bearer := b64("n,a=a=3Db=2Cc,\x01auth=Bearer sesame\x01\x01")
	for name, c := range map[string]struct {
		login  Login
		caps   string
		script string
		what   probe.What
		text   string
	}{
		"LOGIN":               {caps: "IMAP4rev1", script: "C: v1 LOGIN \"me\" \"sesame\"\nS: v1 OK done"},
		"LOGIN asked for":     {login: Login{Mechanism: MechanismLogin}, caps: "AUTH=PLAIN", script: "C: v1 LOGIN \"me\" \"sesame\"\nS: * 1 EXISTS\nS: v1 OK"},
		"quoted":              {login: Login{User: `a"b\c`}, script: `C: v1 LOGIN "a\"b\\c" "sesame"` + "\nS: v1 OK"},
		"empty":               {login: Login{User: "-", Secret: NewSecret("")}, script: `C: v1 LOGIN "-" ""` + "\nS: v1 NO", what: probe.SaidNoLogin, text: "NO"},
		"literals":            {login: Login{User: "mé", Secret: NewSecret("a\r\nb")}, script: "C: v1 LOGIN {3}\nS: + go\nC: mé {4}\nS: * 1 EXISTS\nS: + go\nC: a\nC: b\nS: v1 OK"},
		"literals, LITERAL+":  {login: Login{User: "mé", Secret: NewSecret("ñ")}, caps: "LITERAL+", script: "C: v1 LOGIN {3+}\nC: mé {2+}\nC: ñ\nS: v1 OK"},
		"literals, LITERAL-":  {login: Login{User: "mé"}, caps: "LITERAL-", script: "C: v1 LOGIN {3+}\nC: mé \"sesame\"\nS: v1 OK"},
		"a long one":          {login: Login{Secret: NewSecret(strings.Repeat("ñ", 2049))}, caps: "LITERAL-", script: "C: v1 LOGIN \"me\" {4098}\nS: + go\nC: " + strings.Repeat("ñ", 2049) + "\nS: v1 OK"},
		"literal refused":     {login: Login{User: "mé"}, script: "C: v1 LOGIN {3}\nS: v1 NO no literals", what: probe.SaidNoLogin, text: "no literals"},
		"bye at a literal":    {login: Login{User: "mé"}, script: "C: v1 LOGIN {3}\nS: * BYE go away", what: probe.SaidBye, text: "go away"},
		"a NUL":               {login: Login{Secret: NewSecret("a\x00b")}, caps: "AUTH=PLAIN", what: probe.SaidUnfit, text: "a NUL"},
		"disabled":            {caps: "LOGINDISABLED STARTTLS", what: probe.SaidUnfit, text: "LOGINDISABLED"},
		"disabled, but PLAIN": {caps: "LOGINDISABLED AUTH=PLAIN", script: "C: v1 AUTHENTICATE PLAIN\nS: +\nC: " + plain + "\nS: v1 OK"},
		"PLAIN at once":       {caps: "AUTH=PLAIN SASL-IR", script: "C: v1 AUTHENTICATE PLAIN " + plain + "\nS: v1 OK"},
		"PLAIN in two":        {caps: "AUTH=PLAIN", script: "C: v1 AUTHENTICATE PLAIN\nS: + \nC: " + plain + "\nS: v1 OK"},
		"PLAIN not offered":   {login: Login{Mechanism: MechanismPlain}, caps: "AUTH=NTLM", what: probe.SaidUnfit, text: "AUTH=PLAIN"},
		"PLAIN refused early": {caps: "AUTH=PLAIN", script: "C: v1 AUTHENTICATE PLAIN\nS: v1 NO [PRIVACYREQUIRED] TLS first", what: probe.SaidUnfit, text: "TLS first"},
		"PLAIN asked on":      {caps: "AUTH=PLAIN SASL-IR", script: "C: v1 AUTHENTICATE PLAIN " + plain + "\nS: + " + b64("more") + "\nC: *\nS: v1 BAD aborted", what: probe.SaidUnfit, text: "aborted more"},
		"XOAUTH2": {login: Login{Mechanism: MechanismXOAUTH2}, caps: "AUTH=XOAUTH2 SASL-IR", script: "C: v1 AUTHENTICATE XOAUTH2 " +
			oauth + "\nS: v1 OK"},
		"XOAUTH2 in two, refused": {login: Login{Mechanism: MechanismXOAUTH2}, caps: "AUTH=XOAUTH2", script: "C: v1 AUTHENTICATE XOAUTH2\nS: +\nC: " +
			oauth + "\nS: + " + b64(failed) + "\nC: \nS: v1 NO [AUTHENTICATIONFAILED] no", what: probe.SaidNoLogin, text: "[AUTHENTICATIONFAILED] no " + failed},
		"OAUTHBEARER, refused": {login: Login{User: "a=b,c", Mechanism: MechanismOAuthBearer}, caps: "AUTH=OAUTHBEARER SASL-IR", script: "C: v1 AUTHENTICATE OAUTHBEARER " +
			bearer + "\nS: + " + b64(failed) + "\nC: AQ==\nS: v1 NO no", what: probe.SaidNoLogin, text: "no " + failed},
		"OAUTHBEARER, no base64": {login: Login{Mechanism: MechanismOAuthBearer}, caps: "AUTH=OAUTHBEARER SASL-IR", script: "C: v1 AUTHENTICATE OAUTHBEARER " +
			b64("n,a=me,\x01auth=Bearer sesame\x01\x01") + "\nS: + ???\nC: AQ==\nS: + again\nS: v1 NO no", what: probe.SaidNoLogin, text: "no"},
		"OAuth not offered":   {login: Login{Mechanism: MechanismXOAUTH2}, caps: "AUTH=PLAIN", what: probe.SaidUnfit, text: "AUTH=XOAUTH2"},
		"a token with a ^A":   {login: Login{Secret: NewSecret("a\x01b"), Mechanism: MechanismXOAUTH2}, caps: "AUTH=XOAUTH2", what: probe.SaidUnfit, text: "control character"},
		"an unknown one":      {login: Login{Mechanism: "cram-md5"}, caps: "AUTH=CRAM-MD5", what: probe.SaidUnfit, text: "no mechanism cram-md5"},
		"wrong password":      {script: "C: v1 LOGIN \"me\" \"sesame\"\nS: v1 NO [AUTHENTICATIONFAILED] Authentication failed.", what: probe.SaidNoLogin, text: "Authentication failed."},
		"Gmail is full":       {script: "C: v1 LOGIN \"me\" \"sesame\"\nS: v1 NO [ALERT] Too many simultaneous connections. (Failure)", what: probe.SaidTooMany, text: "Too many"},
		"bye":                 {script: "C: v1 LOGIN \"me\" \"sesame\"\nS: * BYE Too many invalid IMAP commands.", what: probe.SaidBye, text: "invalid IMAP commands"},
		"bye, too many":       {script: "C: v1 LOGIN \"me\" \"sesame\"\nS: * BYE connection limit reached", what: probe.SaidTooMany, text: "limit"},
		"not understood":      {script: "C: v1 LOGIN \"me\" \"sesame\"\nS: v1 BAD syntax", what: probe.SaidUnfit, text: "syntax"},
		"the secret repeated": {script: "C: v1 LOGIN \"me\" \"sesame\"\nS: v1 NO not sesame or SESAME for me", what: probe.SaidNoLogin, text: "not *** or *** for me"},
	} {
		t.Run(name, func(t *testing.T) {
			login := c.login
			if login.User == "" {
				login.User = "me"
			}
			if login.Secret == (Secret{}) {
				login.Secret = NewSecret("sesame")
			}
			s := &Session{Login: &login, AllowClear: true}
			conn := serve(t, script(fmt.Sprintf("S: * OK [CAPABILITY IMAP4rev1 %s] x\n%s", c.caps, c.script)))
			saidIs(t, s.Greet(conn), "", "")
			err := s.Open(conn)
			saidIs(t, err, c.what, c.text)
			if got := s.Learned().LoggedIn; got != (err == nil) {
				t.Errorf("logged in: %v", got)
			}
		})
	}
}

// TestDetail has only the second invitation say something of the login: the first asks for it.
func TestDetail(t *testing.T) {
	s := &Session{Login: &Login{User: "me", Secret: NewSecret("sesame")}, AllowClear: true}
	conn := serve(t, script("S: * OK [CAPABILITY AUTH=PLAIN] x\nC: v1 AUTHENTICATE PLAIN\nS: + "+b64("hello")+"\nC: "+b64("\x00me\x00sesame")+"\nS: v1 NO no"))
	saidIs(t, s.Greet(conn), "", "")
	if err := s.Open(conn); err == nil || err.Error() != "no" {
		t.Errorf("error %v", err)
	}
}

func TestNoLogin(t *testing.T) {
	var s Session
	conn := serve(t, "S: * OK x")
	saidIs(t, s.Greet(conn), "", "")
	saidIs(t, s.Open(conn), "", "")
	if s.Learned().LoggedIn {
		t.Error("logged in as nobody")
	}
}

func TestNotInTheClear(t *testing.T) {
	s := &Session{Login: &Login{User: "me", Secret: NewSecret("sesame")}}
	conn := serve(t, "S: * OK [CAPABILITY IMAP4rev1] x") // and nothing more may come
	saidIs(t, s.Greet(conn), "", "")
	saidIs(t, s.Open(conn), probe.SaidUnfit, "not encrypted")
}

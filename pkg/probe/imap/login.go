package imap

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"vmguard/pkg/probe"
)

// Login is who logs in, and how.
type Login struct {
	// User is the user's name.
	User string
	// Secret is the password, or the access token for XOAUTH2 and OAUTHBEARER.
	Secret Secret
	// Mechanism is how; "" for PLAIN where the server offers that, else the LOGIN command.
	Mechanism Mechanism
}

// logIn logs in once, with the way that was asked for or that the server offers.
func (d *dialogue) logIn() error {
	login := d.session.Login
	mechanism, problem := choose(login.Mechanism, d.caps)
	if problem == "" {
		problem = unspeakable(mechanism, login.User, login.Secret.reveal())
	}
	if problem != "" {
		return d.session.said(probe.SaidUnfit, problem, "")
	}
	var r response
	var detail string
	var err error
	if mechanism == MechanismLogin {
		r, err = d.login(login.User, login.Secret.reveal())
	} else {
		r, detail, err = d.authenticate(mechanism, payload(mechanism, login.User, login.Secret.reveal()))
	}
	switch {
	case err != nil:
		return err
	case r.status != ok:
		return d.session.said(sense(r), "", strings.TrimSpace(r.words()+" "+detail))
	}
	d.session.mu.Lock()
	defer d.session.mu.Unlock()
	d.session.learned.LoggedIn, d.session.learned.Mechanism = true, mechanism
	return nil
}

// choose picks the mechanism, or says why there is none.
func choose(asked Mechanism, caps capabilities) (chosen Mechanism, problem string) {
	if asked == "" {
		asked = MechanismLogin
		if caps.has("AUTH=PLAIN") {
			asked = MechanismPlain
		}
	}
	switch {
	case !slices.Contains(Mechanisms(), asked):
		return "", "there is no mechanism " + bound(string(asked))
	case asked != MechanismLogin && !caps.has("AUTH="+asked.name()):
		return "", "the server does not offer AUTH=" + asked.name()
	case asked == MechanismLogin && caps.has("LOGINDISABLED"):
		// Without TLS most servers do that, so that nobody sends a password in the clear (RFC 9051 6.2.3).
		return "", "the server has disabled the LOGIN command (LOGINDISABLED)"
	}
	return asked, ""
}

// login speaks the LOGIN command (RFC 9051 6.2.3). Name and password are quoted strings where such can hold them,
// else literals, for which the server's invitation is awaited unless it does without (RFC 7888).
func (d *dialogue) login(user, password string) (response, error) {
	tag := d.tag()
	line := tag + " LOGIN"
	for _, arg := range []string{user, password} {
		switch {
		case quotable(arg):
			line += " " + quote(arg)
		case d.caps.has("LITERAL+"), d.caps.has("LITERAL-") && len(arg) <= 4096:
			line += fmt.Sprintf(" {%d+}\r\n%s", len(arg), arg)
		default:
			if err := d.send(fmt.Sprintf("%s {%d}\r\n", line, len(arg))); err != nil {
				return response{}, err
			}
			if r, err := d.answer(tag, true); err != nil || r.tag != invitation {
				return r, err
			}
			line = arg
		}
	}
	if err := d.send(line + "\r\n"); err != nil {
		return response{}, err
	}
	return d.answer(tag, false)
}

// authenticate speaks the AUTHENTICATE command (RFC 9051 6.2.2). The detail is what the server said of a token
// before it refused it; "" for nothing.
func (d *dialogue) authenticate(m Mechanism, payload string) (last response, detail string, err error) {
	tag := d.tag()
	encoded := base64.StdEncoding.EncodeToString([]byte(payload))
	first, then := tag+" AUTHENTICATE "+m.name(), []string{encoded, m.giveUp()}
	if d.caps.has("SASL-IR") { // RFC 4959: the response may come with the command
		first, then = first+" "+encoded, then[1:]
	}
	if err := d.send(first + "\r\n"); err != nil {
		return response{}, "", err
	}
	for _, reply := range then {
		r, err := d.answer(tag, true)
		if err != nil || r.tag != invitation {
			return r, detail, err
		}
		if text, err := base64.StdEncoding.DecodeString(strings.TrimSpace(r.text)); err == nil && reply != encoded {
			detail = string(text)
		}
		if err := d.send(reply + "\r\n"); err != nil {
			return response{}, "", err
		}
	}
	// What was sent last ends the exchange; a further invitation is passed by.
	last, err = d.answer(tag, false)
	return last, detail, err
}

// quotable tells whether a quoted string can hold a text: 7 bits, and no line end (RFC 3501 9).
func quotable(text string) bool {
	return strings.IndexFunc(text, func(c rune) bool { return c == '\r' || c == '\n' || c == 0 || c > 0x7f }) < 0
}

// quote makes a quoted string.
func quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

package lab

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"strings"
)

// state is how far a client has come (RFC 3501 3).
type state int

const (
	fresh state = iota
	authenticated
	selected
	loggedOut
)

func (s state) String() string {
	return []string{"not authenticated", "authenticated", "selected", "logout"}[s]
}

// dialogue is what an IMAP server says to one client. It has no limits of time: those are the scenario's.
type dialogue struct {
	in       commandReader
	say      func(text string) error
	login    func(user, password string) error      // a refusal where they are wrong
	startTLS func(answer string) (io.Reader, error) // answers before it does

	mode   TLSMode
	secure bool // TLS is spoken
	state  state
}

// verb is a command that the server knows.
type verb struct {
	least, most state  // in which it may be said
	no          string // the refusal of one that is never carried out
	// answer gives what is said before "OK", and what follows that; "" for "NAME completed".
	answer func(d *dialogue, c command) (before, after string, err error)
}

// verbs are all that are known.
var verbs = map[string]verb{
	"CAPABILITY": {fresh, selected, "", (*dialogue).capability},
	"NOOP":       {fresh, selected, "", done},
	"LOGOUT":     {fresh, selected, "", (*dialogue).logout},
	"ID":         {fresh, selected, "", says(`* ID ("name" "vmguard lab")` + "\r\n")},

	"STARTTLS":     {fresh, fresh, "", (*dialogue).beginTLS},
	"AUTHENTICATE": {fresh, fresh, "", (*dialogue).authenticate},
	"LOGIN":        {fresh, fresh, "", (*dialogue).logIn},

	"ENABLE":      {authenticated, selected, "", enable},
	"NAMESPACE":   {authenticated, selected, "", says(`* NAMESPACE (("" "/")) NIL NIL` + "\r\n")},
	"IDLE":        {authenticated, selected, "", (*dialogue).idle},
	"SELECT":      {authenticated, selected, "", (*dialogue).choose},
	"EXAMINE":     {authenticated, selected, "", (*dialogue).choose},
	"STATUS":      {authenticated, selected, "", tellStatus},
	"LIST":        {authenticated, selected, "", tellList},
	"LSUB":        {authenticated, selected, "", tellList},
	"SUBSCRIBE":   {authenticated, selected, "", takes(1)},
	"UNSUBSCRIBE": {authenticated, selected, "", takes(1)},
	"CREATE":      {authenticated, selected, noneElse, nil},
	"RENAME":      {authenticated, selected, noneElse, nil},
	"DELETE":      {authenticated, selected, noMailbox, nil},
	"APPEND":      {authenticated, selected, noMail, nil},

	"CHECK":      {selected, selected, "", done},
	"EXPUNGE":    {selected, selected, "", done},
	"CLOSE":      {selected, selected, "", (*dialogue).leave},
	"UNSELECT":   {selected, selected, "", (*dialogue).leave},
	"SEARCH":     {selected, selected, "", search},
	"UID SEARCH": {selected, selected, "", search},
	"FETCH":      {selected, selected, "", takes(2)},
	"UID FETCH":  {selected, selected, "", takes(2)},
	"STORE":      {selected, selected, "", takes(3)},
	"UID STORE":  {selected, selected, "", takes(3)},
	"COPY":       {selected, selected, "", takes(2)},
	"UID COPY":   {selected, selected, "", takes(2)},
}

// serve greets and answers, until the client has logged out. The error is the connection's.
func (d *dialogue) serve() error {
	if err := d.say("* OK [CAPABILITY " + d.capabilities() + "] IMAP server ready\r\n"); err != nil {
		return err
	}
	for d.state != loggedOut {
		c, err := d.in.read(d.invite)
		var text string
		if err == nil {
			text, err = d.answer(c)
		}
		if no, refused := errors.AsType[refusal](err); refused {
			text, err = d.refuse(c.tag, no), nil
		}
		if err == nil && text != "" {
			err = d.say(text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// invite lets a literal come, unless the command will be refused anyway.
func (d *dialogue) invite(c command) error {
	if _, err := d.find(c.name); err != nil {
		return err
	}
	return d.say("+ Ready for literal data\r\n")
}

// answer carries a command out.
func (d *dialogue) answer(c command) (string, error) {
	v, err := d.find(c.name)
	if err != nil {
		return "", err
	}
	before, after, err := v.answer(d, c)
	switch {
	case err != nil:
		return "", err
	case c.name == "STARTTLS":
		return "", nil // it was answered before TLS began
	case after == "":
		after = c.name + " completed"
	}
	return before + c.tag + " OK " + after + "\r\n", nil
}

// refuse words a refusal. After a final one the client is taken leave of.
func (d *dialogue) refuse(tag string, no refusal) string {
	if tag == "" {
		tag = "*"
	}
	text := tag + " " + no.text + "\r\n"
	if no.final {
		d.state = loggedOut
		text += "* BYE This cannot be followed\r\n"
	}
	return text
}

// find gives a verb, or the refusal of one that may not be said now.
func (d *dialogue) find(name string) (verb, error) {
	v, known := verbs[name]
	switch {
	case !known:
		return v, bad("Unknown command")
	case d.state < v.least:
		return v, bad("[CLIENTBUG] This command is only valid in the " + v.least.String() + " state")
	case d.state > v.most:
		return v, bad("[CLIENTBUG] This command is only valid in the " + v.most.String() + " state")
	case v.no != "":
		return v, refusal{text: v.no}
	case (name == "LOGIN" || name == "AUTHENTICATE") && !d.mayLogIn():
		return v, refusal{text: "NO [PRIVACYREQUIRED] TLS is required to authenticate"}
	}
	return v, nil
}

func (d *dialogue) mayLogIn() bool { return d.mode == Plain || d.secure }

// capabilities are what the server offers now.
func (d *dialogue) capabilities() string {
	text := "IMAP4rev1 SASL-IR LITERAL- ID"
	switch {
	case d.state != fresh:
		text += " UNSELECT ENABLE IDLE UTF8=ACCEPT NAMESPACE"
	case d.mayLogIn():
		text += " AUTH=PLAIN"
	default:
		text += " STARTTLS LOGINDISABLED"
	}
	return text
}

func (d *dialogue) capability(c command) (before, after string, err error) {
	return "* CAPABILITY " + d.capabilities() + "\r\n", "", none(c)
}

func (d *dialogue) logout(c command) (before, after string, err error) {
	if err := none(c); err != nil {
		return "", "", err
	}
	d.state = loggedOut
	return "* BYE Logging out\r\n", "", nil
}

// beginTLS begins no TLS where more has come already: it may have been put there on the way (RFC 9051 11.1).
func (d *dialogue) beginTLS(c command) (before, after string, err error) {
	switch {
	case len(c.args) > 0:
		return "", "", none(c)
	case d.mode != StartTLS:
		return "", "", refusal{text: "NO STARTTLS not supported"}
	case d.secure:
		return "", "", bad("STARTTLS not available")
	case d.in.in.Buffered() > 0:
		return "", "", bad("Nothing may follow STARTTLS")
	}
	in, err := d.startTLS(c.tag + " OK Begin TLS negotiation now\r\n")
	if err != nil {
		return "", "", err
	}
	d.in.in.Reset(in)
	d.secure = true
	return "", "", nil
}

func (d *dialogue) logIn(c command) (before, after string, err error) {
	args, err := c.texts(2)
	if err != nil {
		return "", "", err
	}
	return d.loggedIn(args[0], args[1], "Logged in")
}

func (d *dialogue) loggedIn(user, password, text string) (before, after string, err error) {
	if err := d.login(user, password); err != nil {
		return "", "", err
	}
	d.state = authenticated
	return "", "[CAPABILITY " + d.capabilities() + "] " + text, nil
}

// authenticate takes the response of PLAIN (RFC 4616) with the command (RFC 4959), or asks for it.
func (d *dialogue) authenticate(c command) (before, after string, err error) {
	n := min(max(len(c.args), 1), 2)
	args, err := c.texts(n)
	if err != nil {
		return "", "", err
	}
	if !strings.EqualFold(args[0], "PLAIN") {
		return "", "", refusal{text: "NO SASL mechanism not supported"}
	}
	if n == 1 {
		response, err := d.ask("+ \r\n")
		if err != nil {
			return "", "", err
		}
		args = append(args, response)
	}
	if args[1] == "*" {
		return "", "", bad("AUTHENTICATE cancelled")
	}
	response, err := base64.StdEncoding.DecodeString(args[1])
	parts := bytes.Split(response, []byte{0})
	switch {
	case err != nil || len(parts) != 3:
		return "", "", bad("Malformed SASL response")
	case len(parts[0]) > 0 && !bytes.Equal(parts[0], parts[1]):
		return "", "", refusal{text: "NO [AUTHORIZATIONFAILED] SASL identity not supported"}
	}
	return d.loggedIn(string(parts[1]), string(parts[2]), "PLAIN authentication successful")
}

// ask invites the client to say a line, and reads it.
func (d *dialogue) ask(invitation string) (string, error) {
	if err := d.say(invitation); err != nil {
		return "", err
	}
	return d.in.line()
}

// idle waits until the client has had enough (RFC 2177).
func (d *dialogue) idle(c command) (before, after string, err error) {
	if err := none(c); err != nil {
		return "", "", err
	}
	line, err := d.ask("+ idling\r\n")
	if err == nil && !strings.EqualFold(line, "DONE") {
		err = bad("[CLIENTBUG] IDLE is ended by DONE")
	}
	return "", "", err
}

// choose opens INBOX. One that was open before is not any more, whatever becomes of this.
func (d *dialogue) choose(c command) (before, after string, err error) {
	args, err := c.texts(1)
	if err != nil {
		return "", "", err
	}
	d.state = authenticated
	if !strings.EqualFold(args[0], inbox) {
		return "", "", refusal{text: noMailbox}
	}
	d.state = selected
	if c.name == "EXAMINE" {
		return opened, "[READ-ONLY] EXAMINE completed", nil
	}
	return opened, "[READ-WRITE] SELECT completed", nil
}

func (d *dialogue) leave(c command) (before, after string, err error) {
	if err := none(c); err != nil {
		return "", "", err
	}
	d.state = authenticated
	return "", "", nil
}

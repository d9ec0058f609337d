package imap

import (
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"vmguard/pkg/probe"
)

// dialogue is one phase on one connection.
type dialogue struct {
	conn    *probe.Conn
	session *Session
	greeted
}

// capabilities are a server's, in capitals; nil where it has not said.
type capabilities []string

func (c capabilities) has(name string) bool { return slices.Contains(c, name) }

// command sends a command and gives its tag. Tags differ between connections too: none needs a counter of its own.
func (d *dialogue) command(text string) (string, error) {
	tag := d.tag()
	return tag, d.send(tag + " " + text + "\r\n")
}

func (d *dialogue) tag() string { return "v" + strconv.FormatUint(d.session.tags.Add(1), 10) }

// send writes in one piece, so that it leaves in one segment where it fits.
func (d *dialogue) send(text string) error {
	_, err := io.WriteString(d.conn, text)
	return err
}

// read reads one response with its literals, whose content it skips.
func (d *dialogue) read() (response, error) {
	line, err := d.conn.ReadLine()
	if err != nil {
		return response{}, err
	}
	r := parse(line)
	if !r.mayHoldLiterals() {
		return r, nil
	}
	for {
		size, is := literal(line)
		if !is {
			return r, nil
		}
		if err := d.conn.Skip(size); err != nil {
			return response{}, err
		}
		if line, err = d.conn.ReadLine(); err != nil {
			return response{}, err
		}
	}
}

// answer reads until a command's tagged answer, or until BYE, which comes instead of one. Where the command asks
// for more in between, the server's invitation (+) is an answer as well. Everything else is passed by.
func (d *dialogue) answer(tag string, invited bool) (response, error) {
	for {
		r, err := d.read()
		if err != nil {
			return response{}, err
		}
		switch {
		case r.foreign():
			return response{}, d.session.said(probe.SaidStrange, looksLike(r.line), r.line)
		case r.tag == tag, r.untagged() && r.status == bye:
			d.note(r)
			return r, nil
		case r.tag == invitation:
			if invited {
				return r, nil
			}
		case r.untagged():
			d.note(r)
		}
	}
}

// note remembers the capabilities that a response announces, on its own or as a code of another.
func (d *dialogue) note(r response) {
	caps := r.capabilities()
	if caps == nil {
		return
	}
	d.caps = caps
	var shown []string
	for _, name := range caps {
		shown = append(shown, d.session.redacted(name))
	}
	d.session.mu.Lock()
	defer d.session.mu.Unlock()
	d.session.learned.Capabilities = shown
}

// greeting reads the greeting (RFC 9051 7.1).
func (d *dialogue) greeting() error {
	// A TLS record need not hold the end of a line. The error is this one: a second reading after an RST gives EOF.
	start, err := d.conn.Reader().Peek(3)
	if err != nil {
		return err
	}
	if isTLS(string(start)) {
		return d.session.said(probe.SaidStrange, "the server speaks TLS from the start, and was spoken to without it", "")
	}
	r, err := d.read()
	if err != nil {
		return err
	}
	switch {
	case !r.untagged() || (r.status != ok && r.status != preAuth && r.status != bye):
		return d.session.said(probe.SaidStrange, looksLike(r.line), r.line)
	case r.status == bye:
		return d.session.refused(r)
	}
	d.note(r)
	d.preAuth = r.status == preAuth
	d.session.greetedWith(r)
	return nil
}

// greetedWith keeps the facts of a greeting.
func (s *Session) greetedWith(r response) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.learned.Greeting == "" {
		s.learned.Greeting = bound(s.redacted(r.words()))
	}
	if r.status == preAuth {
		s.learned.PreAuth, s.learned.LoggedIn = true, true
	}
}

// startTLS starts TLS and asks for the capabilities anew: what was announced before may have been anybody's
// words (RFC 9051 6.2.1).
func (d *dialogue) startTLS() error {
	const stripped = ", which may have been stripped on the way"
	switch {
	case d.conn.Secure():
		return errors.New("start TLS: it is spoken already")
	case d.preAuth:
		// In this state there is no STARTTLS, and who forged the greeting would have the session in the clear.
		return d.session.said(probe.SaidUnfit, "the server greets as logged in (PREAUTH), so that TLS cannot be started", "")
	}
	if err := d.needCapabilities(); err != nil {
		return err
	}
	if !d.caps.has("STARTTLS") {
		return d.session.said(probe.SaidUnfit, "the server does not offer STARTTLS"+stripped, "")
	}
	tag, err := d.command("STARTTLS")
	if err != nil {
		return err
	}
	r, err := d.answer(tag, false)
	switch {
	case err != nil:
		return err
	case r.status == bye, r.status != ok && crowded(r):
		return d.session.refused(r)
	case r.status != ok:
		return d.session.said(probe.SaidUnfit, "the server refuses STARTTLS"+stripped, r.words())
	}
	if err := d.conn.StartTLS(); err != nil {
		return err
	}
	d.caps = nil
	return d.needCapabilities()
}

// needCapabilities asks for the capabilities, unless they are known.
func (d *dialogue) needCapabilities() error {
	if d.caps != nil {
		return nil
	}
	tag, err := d.command("CAPABILITY")
	if err != nil {
		return err
	}
	r, err := d.answer(tag, false)
	switch {
	case err != nil:
		return err
	case r.status == bye, r.status != ok && crowded(r):
		return d.session.refused(r)
	case d.caps == nil:
		return d.session.said(probe.SaidUnfit, "the server does not tell its capabilities", r.words())
	}
	return nil
}

// maxText is how much of foreign text is kept, in bytes.
const maxText = 300

// said makes an error of our words and of what the server said, either of which may be "".
func (s *Session) said(what probe.What, words, text string) error {
	text = s.redacted(text)
	if words != "" && text != "" {
		words += ": "
	}
	return &probe.Said{What: what, Text: bound(words + text)}
}

// refused makes an error of a refusal, by what it means.
func (s *Session) refused(r response) error { return s.said(sense(r), "", r.words()) }

// bound cuts foreign text to maxText bytes, between characters where it has any.
func bound(text string) string {
	if len(text) <= maxText {
		return text
	}
	const more = "..."
	return strings.TrimSuffix(cutRune(text[:maxText-len(more)]), " ") + more
}

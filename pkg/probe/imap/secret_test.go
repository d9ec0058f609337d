package imap

import (
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"vmguard/pkg/probe"
)

func TestSecretPrintsNothing(t *testing.T) {
	const word = "open-sesame"
	login := Login{User: "me", Secret: NewSecret(word)}
	type inside struct {
		login  Login // of which fmt cannot call the methods
		Secret *Secret
	}
	values := []any{
		login.Secret, &login.Secret, login, &login, []Secret{login.Secret}, map[string]Secret{"x": login.Secret},
		inside{login, &login.Secret}, &inside{login, &login.Secret}, &Session{Login: &login},
		fmt.Errorf("x %w %v", errors.New("y"), login.Secret),
	}
	var log strings.Builder
	for _, value := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%b", "%t", "%p", "%10v", "%T", "%z"} {
			if got := fmt.Sprintf(verb, value); leaks(got, word) {
				t.Errorf("%s of %T: %s", verb, value, got)
			}
		}
		log.WriteString(fmt.Sprint(value) + fmt.Sprintln(value))
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "value", value)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "value", value)
	}
	for _, value := range []any{login, []Secret{login.Secret}, map[string]any{"x": &login.Secret}} {
		text, err := json.Marshal(value)
		if err != nil || !strings.Contains(string(text), `"***"`) {
			t.Errorf("%s, %v", text, err)
		}
		log.Write(text)
	}
	text, err := xml.Marshal(login)
	if err != nil {
		t.Error(err)
	}
	log.Write(text)
	if leaks(log.String(), word) {
		t.Error(log.String())
	}
	if got := fmt.Sprintf("%v %+v %#v %s", login.Secret, login.Secret, login.Secret, Secret{}); got != "*** *** *** ***" {
		t.Error(got)
	}
}

// leaks tells whether a text holds the word: as it is, in hex, in base64.
func leaks(text, word string) bool {
	text = strings.ToLower(text)
	for _, form := range []string{
		word, fmt.Sprintf("%x", word), strings.ToLower(base64.StdEncoding.EncodeToString([]byte(word))),
	} {
		if strings.Contains(text, form) {
			return true
		}
	}
	return false
}

func TestRedacted(t *testing.T) {
	const secret = "hunter-is-2"
	for text, want := range map[string]string{
		"hunter-is-2":              "***",
		"a hunter-is-2, b":         "a ***, b",
		"HUNTER-IS-2hunter-is-2":   "***",
		"hunter-i":                 "***",
		"is hunter-is it?":         "is *** it?",
		"hunter is 2":              "hunter is 2",
		"":                         "",
		"nobody@example.org":       "nobody@example.org",
		b64("\x00me\x00" + secret): "***",
	} {
		s := &Session{Login: &Login{User: "me", Secret: NewSecret(secret)}}
		if got := s.redacted(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for name, c := range map[string]struct{ secret, text, want string }{
		"nothing secret":      {"", "a b", "a b"},
		"too short to hide":   {"no", "there is no such user", "***"},
		"short, and not told": {"xy", "there is no such user", "there is no such user"},
		"short":               {"abcd", "x abcd y", "x *** y"},
		"short, in base64":    {"xy", "x " + b64("\x00me\x00xy"), "x ***"},
		"quoted":              {`a"b\cdef`, `bad "a\"b\\cdef" there`, "bad *** there"},
	} {
		s := &Session{Login: &Login{User: "me", Secret: NewSecret(c.secret)}}
		if got := s.redacted(c.text); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	for shift := range 3 {
		// What stands before and after the secret in base64 may stay, in part.
		s := &Session{Login: &Login{Secret: NewSecret(secret)}}
		text := base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("?", shift) + secret + "???"))
		if got := s.redacted(text); !strings.Contains(got, hidden) || len(got) > len(text)-len(secret)*8/6+5 {
			t.Errorf("%q: %q", text, got)
		}
	}
	if got := (&Session{}).redacted("a b"); got != "a b" {
		t.Error(got)
	}
}

// TestRepeatedEverywhere has a server that repeats what it was sent in each place where it can say something.
func TestRepeatedEverywhere(t *testing.T) {
	const secret = "correct horse battery staple"
	sent := b64("\x00me\x00" + secret)
	echo := secret + " " + sent + " " + strings.ToUpper(secret) + ` "` + secret + `" ` + secret[:20]
	long := strings.Repeat("x", maxText-10) + secret // of which the bound leaves less than is looked for
	for _, said := range []string{echo, long} {
		for name, text := range map[string]string{
			"greeting":     "* BYE " + said,
			"not IMAP":     "220 " + said,
			"at login":     "* OK [CAPABILITY AUTH=PLAIN] x\r\nv1 NO " + said,
			"as a code":    "* OK [CAPABILITY AUTH=PLAIN] x\r\nv1 NO [" + said + "] x",
			"bye":          "* OK [CAPABILITY AUTH=PLAIN] x\r\n* BYE " + said,
			"foreign":      "* OK [CAPABILITY AUTH=PLAIN] x\r\n" + strings.ReplaceAll(said, " ", "_"),
			"in base64":    "* OK [CAPABILITY AUTH=PLAIN] x\r\n+\r\n+ " + b64(said) + "\r\nv1 NO x",
			"capabilities": "* OK [CAPABILITY AUTH=PLAIN] x\r\nv1 OK x\r\n* BYE " + said,
		} {
			s := &Session{Login: &Login{User: "me", Secret: NewSecret(secret)}, AllowClear: true}
			conn, _ := says(text + "\r\n")
			err := s.Greet(conn)
			if err == nil {
				err = s.Open(conn)
			}
			if err == nil {
				err = s.Nudge(conn)
			}
			if _, ok := errors.AsType[*probe.Said](err); !ok {
				t.Errorf("%s: %v", name, err)
			}
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
				for _, value := range []any{err, fmt.Errorf("open: %w", err), s.Learned()} {
					got := fmt.Sprintf(verb, value)
					if leaks(got, secret) || leaks(got, secret[:12]) || strings.Contains(got, sent) || strings.Contains(got, "xcorrect") {
						t.Errorf("%s: %s", name, got)
					}
				}
			}
		}
	}
}

// FuzzRedact holds that nothing of a secret's forms is left in a text, whatever stands around it.
func FuzzRedact(f *testing.F) {
	f.Add("sesame street", "the password ", " is wrong")
	f.Add("aaaa", "a", "aa")
	f.Fuzz(func(t *testing.T, secret, before, after string) {
		if len(secret) > 1<<10 || len(before)+len(after) > 1<<12 || strings.Contains(secret, "*") {
			return
		}
		s := &Session{Login: &Login{User: "me", Secret: NewSecret(secret)}}
		if secret == "" {
			if got := s.redacted(before); got != before {
				t.Fatalf("%q became %q", before, got)
			}
			return
		}
		got := s.redacted(before + secret + after)
		if strings.Contains(fold(got), fold(secret)) {
			t.Fatalf("%q is in %q", secret, got)
		}
		got = s.redacted(base64.StdEncoding.EncodeToString([]byte(before + secret + after)))
		if len(secret) >= 8 && !strings.Contains(got, hidden) {
			t.Fatalf("%q is in the base64 of %q", secret, got)
		}
	})
}

package imap

import (
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	for line, want := range map[string]response{
		"* OK [ALERT] hi":             {tag: "*", status: ok, code: "ALERT", text: "[ALERT] hi"},
		"* ok [alert]":                {tag: "*", status: ok, code: "ALERT", text: "[alert]"},
		"* OK [CAPABILITY a b] c] d":  {tag: "*", status: ok, code: capability, args: "a b", text: "[CAPABILITY a b] c] d"},
		"* OK [open":                  {tag: "*", status: ok, code: "OPEN", text: "[open"},
		"* BYE":                       {tag: "*", status: bye},
		"* PREAUTH x":                 {tag: "*", status: preAuth, text: "x"},
		"* OKAY x":                    {tag: "*", text: "OKAY x"},
		"* 3 EXISTS":                  {tag: "*", text: "3 EXISTS"},
		"*":                           {tag: "*"},
		"+":                           {tag: "+"},
		"+ go on":                     {tag: "+", text: "go on"},
		"v1 OK done":                  {tag: "v1", status: ok, text: "done"},
		"v1 no":                       {tag: "v1", status: no},
		"v1 BYE x":                    {},
		"v1":                          {},
		"":                            {},
		" OK x":                       {},
		"+OK ready":                   {},
		"(x OK":                       {},
		"\x00 OK":                     {},
		"é OK":                        {},
		"220 mail.example.org ESMTP":  {},
		"HTTP/1.1 400 Bad Request":    {},
		"550 NO such user":            {tag: "550", status: no, text: "such user"},
		"* CAPABILITY IMAP4rev1 IDLE": {tag: "*", text: "CAPABILITY IMAP4rev1 IDLE"},
	} {
		want.line = line
		if diff := cmp.Diff(parse(line), want, cmp.AllowUnexported(response{})); diff != "" {
			t.Errorf("%q: %s", line, diff)
		}
	}
}

func TestCapabilities(t *testing.T) {
	for line, want := range map[string]capabilities{
		"* CAPABILITY IMAP4rev1 Auth=Plain":     {"IMAP4REV1", "AUTH=PLAIN"},
		"* capability":                          {},
		"* OK [CAPABILITY IMAP4rev1  IDLE] x":   {"IMAP4REV1", "IDLE"},
		"v1 OK [CAPABILITY X] done":             {"X"},
		"* CAPABILITY " + string(longText) + "": {},
		"* OK CAPABILITY X":                     nil,
		"v1 OK CAPABILITY X":                    nil,
		"* CAPABILITYX Y":                       nil,
		"+ CAPABILITY X":                        nil,
		"* 1 EXISTS":                            nil,
	} {
		got := parse(line).capabilities()
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("%q: %s", line, diff)
		}
	}
	if got := parse("* CAPABILITY" + strings.Repeat(" X", 1000)).capabilities(); len(got) != 200 {
		t.Errorf("%d capabilities", len(got))
	}
}

var longText = slices.Repeat([]byte("x"), 65)

func TestLiteral(t *testing.T) {
	for line, want := range map[string]struct {
		size uint64
		is   bool
	}{
		"x {0}":                        {0, true},
		"x {310}":                      {310, true},
		"x {310+}":                     {310, true},
		"x ~{310}":                     {310, true},
		"{5}{6}":                       {6, true},
		"{4294967295}":                 {4294967295, true},
		"{99999999999999999999999}":    {math.MaxUint64, true},
		"{}":                           {},
		"{+}":                          {},
		"{-1}":                         {},
		"{1 }":                         {},
		"{1} ":                         {},
		"1}":                           {},
		"}":                            {},
		"":                             {},
		"{00000000000000000000000001}": {1, true},
	} {
		if size, is := literal(line); size != want.size || is != want.is {
			t.Errorf("%q: %d %v", line, size, is)
		}
	}
}

func TestLooksLike(t *testing.T) {
	for line, want := range map[string]string{
		"HTTP/1.0 400 Bad Request":       "this is an HTTP server",
		"<html>":                         "this is an HTTP server",
		"SSH-2.0-x":                      "this is an SSH server",
		"220 mail.example.org ESMTP":     "this is an SMTP server",
		"554 5.7.1 no SMTP for you":      "this is an SMTP server",
		"220 (vsFTPd 3.0.3)":             "this is an FTP server",
		"220 ready":                      "this is an SMTP or FTP server",
		"+OK":                            "this is a POP3 server",
		"\x16\x03\x01":                   "this is TLS",
		"\"IMPLEMENTATION\" \"Dovecot\"": "this is a ManageSieve server",
		"2200 x":                         "this is not IMAP",
		"\x1b]0;title\a":                 "this is not IMAP",
	} {
		if got := looksLike(line); got != want {
			t.Errorf("%q: %s, want %s", line, got, want)
		}
	}
}

func TestBound(t *testing.T) {
	short := strings.Repeat("x", maxText)
	for text, want := range map[string]string{
		"":                                "",
		short:                             short,
		short + "x":                       short[3:] + "...",
		strings.Repeat("é", maxText):      strings.Repeat("é", 148) + "...",
		strings.Repeat("\xff", maxText+1): strings.Repeat("\xff", maxText-3) + "...",
		strings.Repeat("\x80", maxText+1): strings.Repeat("\x80", maxText-3) + "...",
	} {
		if got := bound(text); got != want {
			t.Errorf("%.10q: %q, want %q", text, got, want)
		}
	}
}

// FuzzParse holds that a response is made of pieces of its line, and that it is IMAP or not.
func FuzzParse(f *testing.F) {
	f.Add("* OK [CAPABILITY IMAP4rev1] x {5}")
	f.Add("v1 NO [LIMIT")
	f.Fuzz(func(t *testing.T, line string) {
		r := parse(line)
		for _, part := range []string{r.tag, r.args, r.text} {
			if !strings.Contains(line, part) {
				t.Fatalf("%q is not of %q", part, line)
			}
		}
		if r.status != "" && !strings.Contains(strings.ToUpper(line), r.status) {
			t.Fatalf("%q in %q", r.status, line)
		}
		if r.tag == "" && (r.status != "" || r.text != "" || r.code != "") {
			t.Fatalf("not IMAP, and yet %+v", r)
		}
		if size, is := literal(line); is && !strings.HasSuffix(line, "}") {
			t.Fatalf("a literal of %d in %q", size, line)
		}
		if got := bound(line); len(got) > maxText || utf8.ValidString(line) && !utf8.ValidString(got) {
			t.Fatalf("%q is bounded to %q", line, got)
		}
	})
}

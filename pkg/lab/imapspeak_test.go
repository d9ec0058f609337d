package lab

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
)

// speak has a client say something, all at once, and gives what the server says after the greeting.
func speak(t *testing.T, mode TLSMode, said string) string {
	t.Helper()
	var heard bytes.Buffer
	d := dialogue{
		in: commandReader{in: bufio.NewReader(strings.NewReader(said))}, mode: mode, secure: mode == ImplicitTLS,
		say: func(text string) error {
			heard.WriteString(text)
			return nil
		},
		login: func(user, password string) error {
			if user != "me" || password != "a b\"" {
				return refusal{text: "NO [AUTHENTICATIONFAILED] Authentication failed"}
			}
			return nil
		},
		startTLS: func(answer string) (io.Reader, error) {
			heard.WriteString(answer)
			return strings.NewReader("s CAPABILITY\r\n"), nil
		},
	}
	if err := d.serve(); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("%q: %v", said, err)
	}
	greeting, rest, _ := strings.Cut(heard.String(), "\r\n")
	if !strings.HasPrefix(greeting, "* OK [CAPABILITY IMAP4rev1 ") || !strings.HasSuffix(greeting, "] IMAP server ready") {
		t.Fatalf("greeted by %q", greeting)
	}
	return rest
}

const (
	enter = "i LOGIN me \"a b\\\"\"\n"
	open  = enter + "i SELECT INBOX\n"
)

// TestConversations says lines and wants lines; "..." stands for any end of a line, a line "..." for any lines before.
func TestConversations(t *testing.T) {
	t.Parallel()
	plain := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	const syntax = "a BAD ..."
	for _, c := range []struct {
		mode       TLSMode
		said, want string
	}{
		{said: "a CAPABILITY", want: "* CAPABILITY IMAP4rev1 SASL-IR LITERAL- ID AUTH=PLAIN\na OK CAPABILITY completed"},
		{mode: StartTLS, said: "a capability", want: "* CAPABILITY IMAP4rev1 SASL-IR LITERAL- ID STARTTLS LOGINDISABLED\na OK CAPABILITY completed"},
		{mode: ImplicitTLS, said: "a CAPABILITY", want: "* CAPABILITY IMAP4rev1 SASL-IR LITERAL- ID AUTH=PLAIN\na OK CAPABILITY completed"},
		{said: "a NOOP\nb noop\nA.1 NoOp", want: "a OK NOOP completed\nb OK NOOP completed\nA.1 OK NOOP completed"},
		{said: "a NOOP 1", want: syntax},
		{said: "a LOGOUT\nb NOOP", want: "* BYE Logging out\na OK LOGOUT completed"},
		{said: `a ID ("name" "x" "version" NIL)`, want: "* ID (\"name\" \"vmguard lab\")\na OK ID completed"},
		{said: "a XYZ\nb NOOP", want: "a BAD Unknown command\nb OK NOOP completed"},
		{said: "GET / HTTP/1.1\n\n* x\n+ NOOP\na\n(a) NOOP\né NOOP", want: "GET BAD Unknown command\n* BAD There is no tag\n* BAD ...\n* BAD ...\na BAD There is no command\n* BAD ...\n* BAD ..."},

		{said: "a LOGIN me \"a b\\\"\"", want: "a OK [CAPABILITY IMAP4rev1 SASL-IR LITERAL- ID UNSELECT ENABLE IDLE UTF8=ACCEPT NAMESPACE] Logged in"},
		{said: "a LOGIN {2}\nme {4}\na b\"", want: "+ Ready for literal data\n+ Ready for literal data\na OK [CAPABILITY ..."},
		{said: "a LOGIN {2+}\nme {4+}\na b\"", want: "a OK [CAPABILITY ..."},
		{said: "a LOGIN \"me\" {4}\na\nb", want: "+ Ready for literal data\na NO [AUTHENTICATIONFAILED] Authentication failed"},
		{said: "a LOGIN me", want: syntax}, {said: "a LOGIN me (x)", want: syntax}, {said: "a LOGIN me x y", want: syntax},
		{said: "a LOGIN me \"x", want: syntax}, {said: `a LOGIN me "\x"`, want: syntax}, {said: `a LOGIN "me""x"`, want: syntax},
		{said: "a LOGIN me{2}", want: syntax}, {said: "a LOGIN {2+}\nmex", want: syntax}, {said: "a LOGIN \x01 x", want: syntax}, {said: "a LOGIN {x}", want: syntax},
		{said: "a LOGIN ((me x)", want: syntax}, {said: "a LOGIN )me x(", want: syntax},
		{said: enter + "a LOGIN me x", want: "...\na BAD [CLIENTBUG] This command is only valid in the not authenticated state"},
		{mode: StartTLS, said: "a LOGIN me x\nb LOGIN {2}\nc AUTHENTICATE PLAIN", want: strings.TrimSuffix(strings.Repeat("\n? NO [PRIVACYREQUIRED] TLS is required to authenticate", 3), "\n")[1:]},

		{said: "a AUTHENTICATE PLAIN " + plain("\x00me\x00a b\""), want: "a OK [CAPABILITY ..."},
		{said: "a authenticate plain\n" + plain("me\x00me\x00a b\""), want: "+ \na OK [CAPABILITY ..."},
		{said: "a AUTHENTICATE PLAIN " + plain("you\x00me\x00a b\""), want: "a NO [AUTHORIZATIONFAILED] SASL identity not supported"},
		{said: "a AUTHENTICATE PLAIN\n*", want: "+ \na BAD AUTHENTICATE cancelled"},
		{said: "a AUTHENTICATE PLAIN\n???\nb NOOP", want: "+ \na BAD Malformed SASL response\nb OK NOOP completed"},
		{said: "a AUTHENTICATE PLAIN =", want: "a BAD Malformed SASL response"},
		{said: "a AUTHENTICATE NTLM", want: "a NO SASL mechanism not supported"},
		{said: "a AUTHENTICATE", want: syntax},

		{said: "a STARTTLS", want: "a NO STARTTLS not supported"},
		{mode: ImplicitTLS, said: "a STARTTLS", want: "a NO STARTTLS not supported"},
		{mode: StartTLS, said: "a STARTTLS", want: "a OK Begin TLS negotiation now\n* CAPABILITY IMAP4rev1 SASL-IR LITERAL- ID AUTH=PLAIN\ns OK CAPABILITY completed"},
		{mode: StartTLS, said: "a STARTTLS\nb NOOP", want: "a BAD Nothing may follow STARTTLS\nb OK NOOP completed"},

		{said: "a SELECT INBOX\nb LIST \"\" *\nc IDLE", want: strings.TrimSuffix(strings.Repeat("\n? BAD [CLIENTBUG] This command is only valid in the authenticated state", 3), "\n")[1:]},
		{said: enter + "a SELECT inbox", want: "...\n" + strings.ReplaceAll(opened, "\r\n", "\n") + "a OK [READ-WRITE] SELECT completed"},
		{said: enter + "a EXAMINE \"INBOX\"", want: "...\na OK [READ-ONLY] EXAMINE completed"},
		{said: open + "a SELECT x\nb CHECK", want: "...\na NO [NONEXISTENT] No such mailbox\nb BAD [CLIENTBUG] This command is only valid in the selected state"},
		{said: enter + "a SELECT", want: "...\n" + syntax},
		{said: open + "a CLOSE\nb UNSELECT", want: "...\na OK CLOSE completed\nb BAD [CLIENTBUG] ..."},
		{said: open + "a CHECK\nb EXPUNGE\nc UNSELECT", want: "...\na OK CHECK completed\nb OK EXPUNGE completed\nc OK UNSELECT completed"},
		{said: open + "a SEARCH UNSEEN\nb uid search 1:*\nc SEARCH", want: "...\n* SEARCH\na OK SEARCH completed\n* SEARCH\nb OK UID SEARCH completed\nc BAD ..."},
		{said: open + "a FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS (DATE \"From\")]<0.9> FLAGS)\nb UID FETCH 1 FLAGS\nc FETCH 1", want: "...\na OK FETCH completed\nb OK UID FETCH completed\nc BAD ..."},
		{said: open + "a STORE 1 +FLAGS (\\Seen)\nb UID STORE 1 FLAGS ()\nc COPY 1 x\nd UID COPY 1 x", want: "...\na OK STORE completed\nb OK UID STORE completed\nc OK COPY completed\nd OK UID COPY completed"},
		{said: open + "a UID NOOP\nb UID\nc UID EXPUNGE 1", want: "...\na BAD Unknown command\nb BAD Unknown command\nc BAD Unknown command"},

		{said: enter + "a STATUS INBOX (MESSAGES uidnext UIDVALIDITY RECENT UNSEEN)", want: "...\n* STATUS INBOX (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 1 RECENT 0 UNSEEN 0)\na OK STATUS completed"},
		{said: enter + "a STATUS x (MESSAGES)\nb STATUS INBOX (x)\nc STATUS INBOX ()\nd STATUS INBOX MESSAGES", want: "...\na NO [NONEXISTENT] No such mailbox\nb BAD Unknown STATUS data item\nc BAD ...\nd BAD ..."},
		{said: enter + "a LIST \"\" *\nb LSUB \"\" \"%\"\nc LIST \"\" x", want: "...\n* LIST () \"/\" INBOX\na OK LIST completed\n* LSUB () \"/\" INBOX\nb OK LSUB completed\nc OK LIST completed"},
		{said: enter + "a LIST \"\" \"\"\nb LIST *", want: "...\n* LIST (\\Noselect) \"/\" \"\"\na OK LIST completed\nb BAD ..."},
		{said: enter + "a SUBSCRIBE INBOX\nb UNSUBSCRIBE x\nc SUBSCRIBE", want: "...\na OK SUBSCRIBE completed\nb OK UNSUBSCRIBE completed\nc BAD ..."},
		{said: enter + "a CREATE x\nb RENAME x y\nc DELETE x", want: "...\na NO [CANNOT] There is INBOX, and nothing else\nb NO [CANNOT] There is INBOX, and nothing else\nc NO [NONEXISTENT] No such mailbox"},
		{said: enter + "a APPEND INBOX (\\Seen) {100}\nb NOOP", want: "...\na NO [CANNOT] This server keeps no mail\nb OK NOOP completed"}, // before the literal comes
		{said: enter + "a APPEND INBOX {8+}\nz NOOP\n\nb NOOP", want: "...\na NO [CANNOT] This server keeps no mail\nb OK NOOP completed"},
		{said: enter + "a NAMESPACE\nb ENABLE X UTF8=ACCEPT\nc ENABLE X", want: "...\n* NAMESPACE ((\"\" \"/\")) NIL NIL\na OK NAMESPACE completed\n* ENABLED UTF8=ACCEPT\nb OK ENABLE completed\n* ENABLED\nc OK ENABLE completed"},
		{said: enter + "a IDLE\nDONE\nb NOOP", want: "...\n+ idling\na OK IDLE completed\nb OK NOOP completed"},
		{said: enter + "a IDLE\nb NOOP\nc NOOP", want: "...\n+ idling\na BAD [CLIENTBUG] IDLE is ended by DONE\nc OK NOOP completed"},
		{said: enter + "a IDLE now", want: "...\n" + syntax},

		{said: "a LOGIN {65536}\nb NOOP", want: "a NO [TOOBIG] Too long\nb OK NOOP completed"},
		{said: "a LOGIN {99999999999999999999}\nb NOOP", want: "a NO [TOOBIG] Too long\nb OK NOOP completed"},
		{said: "a LOGIN {65536+}\nb NOOP", want: "a BAD Too long\n* BYE This cannot be followed"},
		{said: "a LOGIN {60000+}\n" + strings.Repeat("x", 60000) + " {9000+}\nb NOOP", want: "a BAD Too long\n* BYE This cannot be followed"},
		{said: "a NOOP " + strings.Repeat("x", maxCommand) + "\nb NOOP", want: "a BAD Too long\n* BYE This cannot be followed"},
		{said: strings.Repeat("x", 2*maxCommand), want: "* BAD Too long\n* BYE This cannot be followed"},
		{said: enter + "a IDLE\n" + strings.Repeat("x", maxCommand), want: "...\n+ idling\na BAD Too long\n* BYE This cannot be followed"},
	} {
		said := strings.ReplaceAll(c.said, "\n", "\r\n") + "\r\n"
		want := regexp.QuoteMeta(c.want)
		want = strings.NewReplacer(`\.\.\.`+"\n", "(?s:.*)", `\.\.\.`, ".*", `\?`, ".").Replace(want)
		got := strings.ReplaceAll(speak(t, c.mode, said), "\r\n", "\n")
		if !regexp.MustCompile("^" + want + "\n$").MatchString(got) {
			t.Errorf("said %.200q\n got %q\nwant %q", said, got, c.want)
		}
		// A client that ends its lines with LF alone is understood as well; in a literal it counts.
		if !strings.Contains(said, "}\r\n") {
			if bare := speak(t, c.mode, strings.ReplaceAll(said, "\r\n", "\n")); strings.ReplaceAll(bare, "\r\n", "\n") != got {
				t.Errorf("said %.200q with bare LF: got %q, want %q", said, bare, got)
			}
		}
	}
}

// TestEveryVerb has each be known, and be refused where it may not be said.
func TestEveryVerb(t *testing.T) {
	t.Parallel()
	for name, v := range verbs {
		if got := speak(t, Plain, "a "+name+"\r\n"); (v.least > fresh) != strings.HasPrefix(got, "a BAD [CLIENTBUG] ") || strings.Contains(got, "Unknown") {
			t.Errorf("%s at first: %q", name, got)
		}
		if (v.answer == nil) == (v.no == "") {
			t.Errorf("%s is answered and refused, or neither", name)
		}
	}
}

func TestFits(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]bool{
		"*": true, "%": true, "INBOX": true, "inbox": true, "In*": true, "*x": true, "I%O*": true, "**%": true, "INBOX*": true,
		"": false, "INBO": false, "INBOXX": false, "*y": false, "INBOX/*": false, "O*N": false, "?NBOX": false,
		strings.Repeat("*", maxCommand): true, strings.Repeat("*I", maxCommand/2): false,
	} {
		if got := fits(pattern); got != want {
			t.Errorf("%.20q: %t", pattern, got)
		}
	}
}

// FuzzDialogue has a client say lines, each with a tag of its own: each gets one answer, in order, until
// the server takes its leave.
func FuzzDialogue(f *testing.F) {
	for _, seed := range []string{
		"CAPABILITY\nLOGIN me {9}\nNOOP\nLOGOUT\nNOOP", "LOGIN me \"a b\\\"\"\nSELECT INBOX\nUID FETCH 1 (FLAGS)\nIDLE\nAPPEND INBOX {3+}",
		"AUTHENTICATE PLAIN\nAUTHENTICATE PLAIN =\nSTARTTLS\n\n(\n\"", "LOGIN me \"a b\\\"\"\nLIST \"\" %\nLIST () \"\"\nSTATUS INBOX (MESSAGES)\nID NIL\nENABLE {1+} x",
	} {
		f.Add(seed)
	}
	announced := regexp.MustCompile(`\{[0-9]*\+?\}\r*$`)
	f.Fuzz(func(t *testing.T, text string) {
		var said strings.Builder
		lines := strings.Split(text, "\n")
		for i, line := range lines {
			line = announced.ReplaceAllString(line, "")
			fmt.Fprintf(&said, "t%d %s\r\n", i, line)
			switch name, _ := cutName(strings.TrimSuffix(line, "\r")); name {
			case "IDLE":
				said.WriteString("DONE\r\n")
			case "AUTHENTICATE":
				said.WriteString("*\r\n")
			}
		}
		heard := speak(t, Plain, said.String())
		next, left := 0, false
		for line := range strings.SplitSeq(strings.TrimSuffix(heard, "\r\n"), "\r\n") {
			left = left || strings.HasPrefix(line, "* BYE ")
			if strings.HasPrefix(line, "* ") || strings.HasPrefix(line, "+ ") || line == "DONE BAD There is no command" {
				continue
			}
			if rest, ok := strings.CutPrefix(line, fmt.Sprintf("t%d ", next)); !ok || !regexp.MustCompile(`^(OK|NO|BAD) [^\r\n]+$`).MatchString(rest) {
				t.Fatalf("said %q, heard %q after %d answers", said.String(), line, next)
			}
			next++
		}
		if next < len(lines) && !left {
			t.Fatalf("said %q, heard %d answers: %q", said.String(), next, heard)
		}
		_ = speak(t, Plain, text) // whatever it is, it ends
	})
}

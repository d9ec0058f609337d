package lab

import (
	"fmt"
	"strings"
)

// The user has an empty INBOX that nothing can be put into.
const (
	inbox     = "INBOX"
	noMailbox = "NO [NONEXISTENT] No such mailbox"
	noneElse  = "NO [CANNOT] There is INBOX, and nothing else"
	noMail    = "NO [CANNOT] This server keeps no mail"

	// opened is what a client hears that opens INBOX (RFC 3501 6.3.1).
	opened = "* 0 EXISTS\r\n* 0 RECENT\r\n" +
		"* OK [UIDVALIDITY 1] UIDs valid\r\n* OK [UIDNEXT 1] Predicted next UID\r\n" +
		`* FLAGS (\Seen \Answered \Flagged \Deleted \Draft)` + "\r\n" +
		`* OK [PERMANENTFLAGS (\Seen \Answered \Flagged \Deleted \Draft)] Permanent flags` + "\r\n"
)

// status tells what was asked about INBOX.
func status(items []token) (string, error) {
	var b strings.Builder
	for _, item := range items {
		name, number := strings.ToUpper(item.text), 0
		switch name {
		case "UIDNEXT", "UIDVALIDITY":
			number = 1
		case "MESSAGES", "RECENT", "UNSEEN", "DELETED", "SIZE":
		default:
			return "", bad("Unknown STATUS data item")
		}
		fmt.Fprintf(&b, " %s %d", name, number)
	}
	return "* STATUS INBOX (" + strings.TrimPrefix(b.String(), " ") + ")\r\n", nil
}

// list names INBOX where a pattern fits it. An empty pattern asks for the delimiter (RFC 3501 6.3.8).
func list(verb, reference, pattern string) string {
	switch {
	case pattern == "":
		return "* " + verb + ` (\Noselect) "/" ""` + "\r\n"
	case fits(reference + pattern):
		return "* " + verb + ` () "/" INBOX` + "\r\n"
	}
	return ""
}

// fits tells whether a pattern fits INBOX, in whatever case. * and % are the same to a name without a delimiter.
func fits(pattern string) bool {
	parts := strings.Split(strings.ReplaceAll(strings.ToUpper(pattern), "%", "*"), "*")
	rest, ok := strings.CutPrefix(inbox, parts[0])
	last := len(parts) - 1
	if last == 0 {
		return ok && rest == ""
	}
	for i := 1; ok && i < last; i++ {
		_, rest, ok = strings.Cut(rest, parts[i])
	}
	return ok && strings.HasSuffix(rest, parts[last])
}

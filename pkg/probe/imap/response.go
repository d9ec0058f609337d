package imap

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The status words (RFC 9051 7.1), and the tag of an invitation to go on.
const (
	ok      = "OK"
	no      = "NO"
	bad     = "BAD"
	bye     = "BYE"
	preAuth = "PREAUTH"

	invitation = "+"
)

// response is one response of a server, as far as a probe looks at it.
type response struct {
	line   string // the whole of its first line
	tag    string // "*", "+", a command's tag; "" where it is not IMAP
	status string // one of the status words, "" for data
	code   string // the name of its response code in capitals, such as ALERT
	args   string // what follows that name
	text   string // what follows the status, with the code; of data and of an invitation all that follows the tag
}

func (r response) untagged() bool { return r.tag == "*" }

// foreign tells that it is not IMAP. An empty line is nothing at all.
func (r response) foreign() bool { return r.tag == "" && r.line != "" }

// words is what the server said, for a reader.
func (r response) words() string { return cmp.Or(r.text, r.status) }

// parse parses the first line of a response. What is not IMAP has no tag.
func parse(line string) response {
	tag, rest, _ := strings.Cut(line, " ")
	word, text, _ := strings.Cut(rest, " ")
	word = strings.ToUpper(word)
	r := response{line: line, tag: tag, text: rest}
	statuses := []string{ok, no, bad}
	switch {
	case tag == invitation:
		return r
	case tag == "*":
		statuses = append(statuses, bye, preAuth)
	case !isTag(tag), !slices.Contains(statuses, word):
		return response{line: line}
	}
	if slices.Contains(statuses, word) {
		r.status, r.text = word, text
		r.code, r.args = code(text)
	}
	return r
}

// isTag tells whether a word can be a tag: ASTRING-CHARs without "+" (RFC 9051 9).
func isTag(word string) bool {
	for i := range len(word) {
		if b := word[i]; b <= ' ' || b >= 0x7f || strings.IndexByte(`(){%*"\+`, b) >= 0 {
			return false
		}
	}
	return word != ""
}

// code gives the response code at the beginning of a text: its name in capitals, and its arguments.
func code(text string) (name, args string) {
	inner, isCode := strings.CutPrefix(text, "[")
	if !isCode {
		return "", ""
	}
	inner, _, _ = strings.Cut(inner, "]")
	name, args, _ = strings.Cut(inner, " ")
	return strings.ToUpper(name), args
}

// capabilities gives those that a response announces, as far as anybody would look at them; nil where it announces none.
func (r response) capabilities() capabilities {
	list := r.args
	if r.code != capability {
		word, rest, _ := strings.Cut(r.text, " ")
		if !r.untagged() || r.status != "" || !strings.EqualFold(word, capability) {
			return nil
		}
		list = rest
	}
	const most, longest = 200, 64 // a server has some thirty, of less than thirty bytes each
	caps := capabilities{}
	for name := range strings.FieldsSeq(list) {
		if len(name) <= longest && len(caps) < most {
			caps = append(caps, strings.ToUpper(name))
		}
	}
	return caps
}

const capability = "CAPABILITY"

// mayHoldLiterals tells whether the end of a line may announce a literal. A status's text is free, and may end in
// {5} by chance; only a code that is still open goes on behind a literal.
func (r response) mayHoldLiterals() bool {
	if r.status != "" {
		return strings.HasPrefix(r.text, "[") && !strings.Contains(r.text, "]")
	}
	return r.untagged()
}

// literal gives the length in bytes of the literal that a line announces at its end: {310}, {310+}, ~{310}
// (RFC 9051 4.3, RFC 3516). A number beyond 64 bits gives the largest that there is.
func literal(line string) (size uint64, is bool) {
	line, is = strings.CutSuffix(line, "}")
	open := strings.LastIndexByte(line, '{')
	if !is || open < 0 {
		return 0, false
	}
	digits := strings.TrimSuffix(line[open+1:], "+")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	size, err := strconv.ParseUint(digits, 10, 64)
	if err != nil { // it is too large
		return math.MaxUint64, true
	}
	return size, true
}

// isTLS tells whether a connection's first bytes are those of a TLS record: an alert or a handshake (RFC 8446 5.1).
func isTLS(start string) bool {
	return strings.HasPrefix(start, "\x15\x03") || strings.HasPrefix(start, "\x16\x03")
}

// looksLike says what speaks a line that is not IMAP.
func looksLike(line string) string {
	upper := strings.ToUpper(line)
	starts := func(prefixes ...string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(upper, p) })
	}
	switch {
	case isTLS(line):
		return "this is TLS"
	case starts("HTTP/", "<HTML", "<!DOCTYPE"):
		return "this is an HTTP server"
	case starts("SSH-"):
		return "this is an SSH server"
	case starts("+OK", "-ERR"):
		return "this is a POP3 server"
	case starts(`"IMPLEMENTATION"`):
		return "this is a ManageSieve server"
	case starts("220", "421", "554") && strings.Contains(upper, "FTP"):
		return "this is an FTP server"
	case starts("220", "421", "554") && strings.Contains(upper, "SMTP"):
		return "this is an SMTP server"
	case starts("220 ", "220-", "421 ", "554 ", "554-"):
		return "this is an SMTP or FTP server"
	}
	return "this is not IMAP"
}

// cutRune drops the beginning of a character at a text's end; bytes that are no UTF-8 stay.
func cutRune(text string) string {
	for back := 1; back < utf8.UTFMax && back <= len(text); back++ {
		tail := text[len(text)-back:]
		if utf8.RuneStart(tail[0]) {
			if !utf8.FullRuneInString(tail) {
				return text[:len(text)-back]
			}
			break
		}
	}
	return text
}

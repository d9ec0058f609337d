package human

import (
	"regexp"
	"strings"
)

// masked stands for what is not shown.
const masked = "***"

// The forms in which programs print secrets. A value without quotes goes on to the next
// space or double quote: rather too much is hidden than the end of a password shown.
const (
	nameForm   = `[\w.-]*(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key)(?:[_-]\w+)*|\b(?:\w*[_.-])?(?:key|pass)(?:_base)?`
	quotedForm = `\\"[^"]*"?|"(?:[^"\\]|\\.)*"?|'[^']*'?`
	// chainForm is what may stand between a name and its value: another name.
	chainForm = `(?:(?:[^\s"]*[:=]|--[\w-]+|bearer|basic)[ \t]+)*`
)

var (
	// urlUser is what stands before the host of a URL (RFC 3986, 3.2.1), also where it
	// holds a slash that should have been encoded.
	urlUser = regexp.MustCompile(`(://)[^\s"'<>]*@`)
	// urlCut is the same in a text that was cut before the host. A port looks alike.
	urlCut  = regexp.MustCompile(`(://)[^\s/@:"'<>\[]+:([^\s@/"'<>]*)$`)
	urlPort = regexp.MustCompile(`:[0-9]{0,5}[?#]?$`)
	// header is a field of HTTP's that is all secret (RFC 9110, 11.6.2; RFC 6265).
	header = regexp.MustCompile(`(?i)(\b(?:proxy-)?authorization\\?["']?[ \t]*[:=]|\b(?:set-)?cookie\\?["']?[ \t]*[:=])[ \t]*(?:` + quotedForm + `|[^"\r\n]+)`)
	// scheme is a credential after its scheme (RFC 6750, RFC 7617).
	scheme = regexp.MustCompile(`(?i)\b(bearer|basic)(\s+)[A-Za-z0-9._~+/][A-Za-z0-9._~+/=-]{7,}`)
	// assigned is name=value, name: value and --name value. After a colon a word of a sentence
	// may stand, so that a short value is taken for a password alone.
	assigned = regexp.MustCompile(`(?i)((?:` + nameForm + `|\bpwd)\\?["']?[ \t]*=[ \t]*)(?:` + quotedForm + `|` + chainForm + `[^\s"]+)` +
		`|([\w.-]*(?:passw(?:or)?d|passphrase|secret)\\?["']?[ \t]*:[ \t]*)(?:` + quotedForm + `|` + chainForm + `[^\s"]+)` +
		`|((?:` + nameForm + `)\\?["']?[ \t]*:[ \t]*)(?:` + quotedForm + `|` + chainForm + `[^\s"]{8,})` +
		`|(--[\w-]*(?:password|passwd|passphrase|secret|token|api-?key)[ \t]+)(?:` + quotedForm + `|` + chainForm + `[^\s"]+)`)
	// known are tokens that tell themselves by how they begin: JWT (RFC 7519), GitHub, GitLab, Slack, AWS, Stripe and OpenAI.
	known = regexp.MustCompile(`\b(?:eyJ[\w-]{8,}(?:\.[\w-]*)*|(?:gh[opsu]|github_pat)_\w{16,}|glpat-[\w-]{16,}|xox[abps]-[\w-]{10,}|AKIA[0-9A-Z]{12,}|[sr]k[-_][\w-]{16,})`)
)

// MaskSecrets hides in a text of a program's what looks like a secret: the user and password
// of a URL, the values of password=, token=, secret=, key= and their like, credentials after
// Authorization, Bearer and Basic, and tokens that tell themselves. It knows forms, not
// secrets: one that stands in no such form is not found. It belongs before any cutting of
// the text; of a text that was cut inside of a secret the rest is hidden as well.
func MaskSecrets(s string) string {
	if !strings.ContainsAny(s, ":=-_ ") && len(s) < 12 { // no form is so short
		return s
	}
	s = urlUser.ReplaceAllString(s, "${1}"+masked+"@")
	s = urlCut.ReplaceAllStringFunc(s, func(found string) string {
		if urlPort.MatchString(found) {
			return found
		}
		return "://" + masked
	})
	s = header.ReplaceAllString(s, "${1} "+masked)
	s = assigned.ReplaceAllString(s, "${1}${2}${3}${4}"+masked)
	s = scheme.ReplaceAllStringFunc(s, func(found string) string {
		name, value, _ := strings.Cut(found, " ")
		if strings.Trim(value, "abcdefghijklmnopqrstuvwxyz. ") == "" { // "basic authentication"
			return found
		}
		return name + " " + masked
	})
	return known.ReplaceAllString(s, masked)
}

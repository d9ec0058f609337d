package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"path"
	"strconv"
	"strings"

	"vmguard/pkg/finding"
)

// sarifRoot is the base of the URIs of files in the image, or on the host. It has no URI of its
// own: where an image was mounted is no part of what is wrong with it.
const sarifRoot = "ROOT"

// The keys of the fingerprints. GitHub goes by its own alone, which its upload computes from the
// source file where there is one and the key is not there.
const (
	sarifFingerprint  = "vmguardFinding/v1"
	githubFingerprint = "primaryLocationLineHash"
)

// sarifPlace is where a finding is shown.
type sarifPlace struct {
	file string // cleaned; empty where the finding is about no file
	line int    // from 1; 0 for the whole file
	user bool   // the file was named by the user, or else lies on the host or in the image
}

// plainPath takes apart a source that is a path and nothing else, with or without a line; 0 is the whole file.
func plainPath(source string) (file string, line int, ok bool) {
	file, number, numbered := strings.Cut(source, ":")
	n, err := strconv.ParseUint(number, 10, 23)
	return file, int(n), len(file) > 1 && file[0] == '/' && !strings.ContainsAny(file, " \t\n\v\f\r") && (err == nil || !numbered)
}

// place finds where to show a finding: the first evidence that came from a file, or else whose source is a path.
func (d Doctor) place(f finding.Finding) sarifPlace {
	for _, e := range f.Evidence {
		if e.File != "" {
			return sarifPlace{path.Clean(e.File), max(e.Line, 0), d.userFile(f, e.File)}
		}
	}
	for _, e := range f.Evidence {
		if file, line, ok := plainPath(e.Source); ok {
			return sarifPlace{path.Clean(file), line, d.userFile(f, file)}
		}
	}
	return sarifPlace{}
}

// location gives the place as SARIF has it. GitHub refuses a report in which one result is without
// a file and a line, so what has none gets the subject for a file and the first line.
func (p sarifPlace) location(f finding.Finding) sarifLocation {
	l := sarifLocation{
		Logical:  []sarifLogical{{Name: ciLine(f.Subject), Kind: "resource"}},
		Physical: sarifPhysical{Region: sarifRegion{Line: max(p.line, 1)}},
	}
	switch relative := strings.TrimPrefix(p.file, "/"); {
	case relative == "":
		name := strings.ReplaceAll(uriPath(cmp.Or(ciLine(f.Subject), finding.Host)), "/", "%2F")
		l.Physical.File = sarifArtifact{URI: name, Description: &sarifText{Text: "no file: what the finding is about"}}
	case !p.user:
		l.Physical.File = sarifArtifact{URI: uriPath(relative), Base: sarifRoot}
	case relative == p.file:
		l.Physical.File = sarifArtifact{URI: uriPath(p.file)}
	default:
		l.Physical.File = sarifArtifact{URI: "file://" + uriPath(p.file)}
	}
	return l
}

// fingerprints tells a finding from all others, in the same way on each run and machine: by its
// check, subject and file. Numbers in a summary are no part of it, nor is where a checkout lies.
func (p sarifPlace) fingerprints(f finding.Finding, twins tally) map[string]string {
	file := p.file
	if p.user && strings.HasPrefix(file, "/") {
		file = path.Base(file)
	}
	key := strings.Join([]string{f.ID, f.Subject, file}, "\x00")
	sum := sha256.Sum256([]byte(key))
	mark := hex.EncodeToString(sum[:16]) + ":" + strconv.Itoa(twins.next(key))
	if p.user {
		return map[string]string{sarifFingerprint: mark}
	}
	return map[string]string{sarifFingerprint: mark, githubFingerprint: mark}
}

// uriPath writes a path as a URI's (RFC 3986, section 3.3): each byte but the unreserved ones and
// slashes as a percent sign and two digits, which keeps a colon from making a scheme of a name.
func uriPath(p string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(p) {
		switch c := p[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~/", c) >= 0:
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return b.String()
}

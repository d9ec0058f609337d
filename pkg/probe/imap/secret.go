package imap

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// Secret is a password or an access token. In every format, text and JSON it is "***".
type Secret struct {
	// A pointer, since fmt cannot call the methods of a value in an unexported field, and prints that field by field.
	value *string
}

const hidden = "***"

// short is the length in bytes below which a secret is told by the places where it is missing from a text.
const short = 4

// NewSecret makes a Secret of what it is to hide.
func NewSecret(value string) Secret { return Secret{&value} }

// Format writes "***", whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, hidden) }

// String gives "***".
func (s Secret) String() string { return hidden }

// MarshalText gives "***", in JSON as well.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

func (s Secret) reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// redacted is what the server said, without what it repeats of the secret.
func (s *Session) redacted(text string) string {
	if s.Login == nil {
		return text
	}
	secret := s.Login.Secret.reveal()
	if len(secret) > 0 && len(secret) < short && strings.Contains(fold(text), fold(secret)) {
		return hidden
	}
	return redact(text, append(forms(secret), s.Login.sent()...))
}

// forms are the ways in which a server may repeat a secret: as it is, quoted, and within anything in base64,
// where it may begin at each of three places of a group.
func forms(secret string) []string {
	if secret == "" {
		return nil
	}
	all := []string{secret, quote(secret)}
	for shift := range 3 {
		encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("\x00", shift) + secret))
		// The first and the last digits hold bits of what stands beside the secret.
		from, to := (shift*8+5)/6, (shift+len(secret))*8/6
		if to-from >= short {
			all = append(all, encoded[from:to])
		}
	}
	return all
}

// redact hides every piece of the text that is eight bytes or more of one of the forms, or the whole of a
// shorter one. Capitals count as small letters, and base64's alphabet for URLs as the other.
func redact(text string, forms []string) string {
	hide := make([]bool, len(text))
	folded := fold(text)
	for _, form := range forms {
		mark(hide, folded, fold(form))
	}
	var b strings.Builder
	for i := range len(text) {
		switch {
		case !hide[i]:
			b.WriteByte(text[i])
		case i == 0 || !hide[i-1]:
			b.WriteString(hidden)
		}
	}
	return b.String()
}

// mark marks the bytes of the text that belong to a piece of the form.
func mark(hide []bool, text, form string) {
	const window = 8
	size := min(window, len(form))
	if size == 0 {
		return
	}
	pieces := map[string]bool{}
	for i := range len(form) - size + 1 {
		pieces[form[i:i+size]] = true
	}
	for i := range len(text) - size + 1 {
		if pieces[text[i:i+size]] {
			for k := range size {
				hide[i+k] = true
			}
		}
	}
}

// fold maps what shall count as equal to one byte, and keeps the length.
func fold(text string) string {
	folded := []byte(text)
	for i, b := range folded {
		switch {
		case b >= 'A' && b <= 'Z':
			folded[i] = b + 'a' - 'A'
		case b == '-':
			folded[i] = '+'
		case b == '_':
			folded[i] = '/'
		}
	}
	return string(folded)
}

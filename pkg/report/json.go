package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"
)

// schemaVersion is the version of every JSON document that vmguard writes. It rises
// when a reader of the present form would misread the new one; new fields alone do not raise it.
const schemaVersion = 1

// envelope stands around every JSON document.
type envelope struct {
	SchemaVersion int    `json:"schemaVersion"`
	Kind          string `json:"kind"`
	Data          any    `json:"data"`
}

// JSON writes one document in the envelope, indented, with a final newline. Characters
// that a terminal would act on are written as escapes, so that the document is safe to look at.
func JSON(w io.Writer, kind string, data any) error {
	var raw bytes.Buffer
	enc := json.NewEncoder(&raw)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(envelope{SchemaVersion: schemaVersion, Kind: kind, Data: data}); err != nil {
		return fmt.Errorf("encode %s: %w", kind, err)
	}
	if _, err := w.Write(escapeHidden(raw.Bytes())); err != nil {
		return fmt.Errorf("write %s: %w", kind, err)
	}
	return nil
}

// escapeHidden writes hidden characters as \u escapes. encoding/json has escaped those
// below U+0020 already; the rest can only stand inside strings.
func escapeHidden(doc []byte) []byte {
	var out bytes.Buffer
	out.Grow(len(doc))
	for len(doc) > 0 {
		// Nearly all of a document is ASCII, of which DEL alone is hidden.
		plain := bytes.IndexFunc(doc, func(r rune) bool { return r >= '\x7f' })
		if plain < 0 {
			plain = len(doc)
		}
		out.Write(doc[:plain])
		doc = doc[plain:]
		if len(doc) == 0 {
			break
		}
		r, size := utf8.DecodeRune(doc)
		doc = doc[size:]
		switch {
		case r != unicode.ReplacementChar && !hidden(r):
			out.WriteRune(r)
		case r > 0xffff:
			high, low := surrogates(r)
			fmt.Fprintf(&out, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.Bytes()
}

// surrogates splits a rune beyond the basic plane as JSON escapes spell it (RFC 8259, section 7).
func surrogates(r rune) (high, low rune) {
	r -= 0x10000
	return 0xd800 + r>>10, 0xdc00 + r&0x3ff
}

// JSONLine writes one document in the envelope on one line.
func JSONLine(w io.Writer, kind string, data any) error {
	var raw bytes.Buffer
	enc := json.NewEncoder(&raw)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(envelope{SchemaVersion: schemaVersion, Kind: kind, Data: data}); err != nil {
		return fmt.Errorf("encode %s: %w", kind, err)
	}
	if _, err := w.Write(escapeHidden(raw.Bytes())); err != nil {
		return fmt.Errorf("write %s: %w", kind, err)
	}
	return nil
}

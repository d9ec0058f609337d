package journal

import (
	"cmp"
	"strconv"
	"strings"
	"time"
)

// Pair is one key with its value, of a line in logfmt.
type Pair struct{ Key, Value string }

// ParseLogfmt reads a line of the form in which Docker, containerd and Podman log where
// their output is no terminal (logrus, text_formatter.go): key=value pairs with a space
// between them, a value with other than plain characters as a Go string in quotes. It is
// not ok for a line that departs from this anywhere.
func ParseLogfmt(line string) ([]Pair, bool) {
	var pairs []Pair
	for rest := line; ; {
		key, after, found := strings.Cut(rest, "=")
		if !found || key == "" || strings.ContainsAny(key, " \t\n\"") {
			return nil, false
		}
		value, after, ok := cutValue(after)
		if !ok {
			return nil, false
		}
		pairs = append(pairs, Pair{key, value})
		if after == "" {
			return pairs, true
		}
		if rest, ok = strings.CutPrefix(after, " "); !ok {
			return nil, false
		}
	}
}

// cutValue takes a value, quoted or plain, from the beginning of what follows a key.
func cutValue(s string) (value, after string, ok bool) {
	if quoted, err := strconv.QuotedPrefix(s); err == nil && quoted[0] == '"' {
		value, err = strconv.Unquote(quoted)
		return value, s[len(quoted):], err == nil
	}
	value, _, _ = strings.Cut(s, " ")
	return value, s[len(value):], !strings.ContainsAny(value, "\"\n\t=")
}

// Message is one message of an engine's log.
type Message struct {
	At    time.Time // when the engine wrote it; zero where it does not say
	Level string    // logrus's word: trace, debug, info, warning, error, fatal, panic
	// Text is what it says, with its error after a colon.
	Text string
	// Container is the ID that it names beside its text; empty for none. dockerd has it in
	// container=, and containerd, to which a container is but a task, in id=.
	Container string
}

// ParseMessage reads one line of an engine's log. It is not ok for a line that is no
// logfmt, or has no msg. Of a key that comes twice the first counts.
func ParseMessage(line string) (Message, bool) {
	pairs, ok := ParseLogfmt(line)
	if !ok {
		return Message{}, false
	}
	fields := map[string]string{}
	for _, p := range pairs {
		if _, there := fields[p.Key]; !there {
			fields[p.Key] = p.Value
		}
	}
	m := Message{Level: fields["level"], Text: fields["msg"], Container: cmp.Or(fields["container"], fields["id"])}
	if m.Text == "" {
		return Message{}, false
	}
	if cause := fields["error"]; cause != "" {
		m.Text += ": " + cause
	}
	if at, err := time.Parse(time.RFC3339Nano, fields["time"]); err == nil {
		m.At = at.UTC()
	}
	return m, true
}

// Names tells whether the message is about the container with that full ID: by its field,
// or since its text has the ID as a word.
func (m Message) Names(id string) bool {
	if id == "" {
		return false
	}
	return m.Container == id || hasWord(m.Text, id)
}

// hasWord tells whether a word stands in a text, with no letter or digit beside it.
func hasWord(text, word string) bool {
	for {
		before, after, found := strings.Cut(text, word)
		if !found {
			return false
		}
		if !endsInWord(before) && !beginsWithWord(after) {
			return true
		}
		text = after
	}
}

func endsInWord(s string) bool     { return s != "" && isAlphanumeric(s[len(s)-1]) }
func beginsWithWord(s string) bool { return s != "" && isAlphanumeric(s[0]) }

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

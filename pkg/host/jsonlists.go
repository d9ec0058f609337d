package host

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// listMost is how many entries the lists of a name hold together.
type listMost struct {
	name string
	most int
}

// mostValues is how many values a document holds in all: those of 10,000 containers.
const mostValues = 1_000_000

// BoundLists errs where the text of a JSON document has more entries in its lists of a name
// than given, or very many values in all: decoded, each two bytes of "{}" take up to a
// kilobyte. A list that is the "value" of a fact has the fact's name.
func BoundLists(data []byte, name string, most int) error {
	return boundLists(data, []listMost{{name, most}})
}

func boundLists(data []byte, left []listMost) error {
	type level struct {
		name string // of the key, or of what it stands in
		fact string // the name that it stands under itself
		list bool
		key  bool // a key comes next
	}
	var open []level
	at, values := level{}, 0
	dec := json.NewDecoder(bytes.NewReader(data))
	for token, err := dec.Token(); err == nil; token, err = dec.Token() { // of broken JSON the decoding tells
		if delim, ok := token.(json.Delim); ok && (delim == '}' || delim == ']') {
			at, open = open[len(open)-1], open[:len(open)-1]
			continue
		}
		if at.key {
			at.key = false
			if at.name, _ = token.(string); strings.EqualFold(at.name, "value") {
				at.name = at.fact
			}
			continue
		}
		if values++; values > mostValues {
			return fmt.Errorf("it holds more than %d values", mostValues)
		}
		for i := range left {
			if at.list && strings.EqualFold(left[i].name, at.name) {
				if left[i].most--; left[i].most < 0 {
					return fmt.Errorf("its lists of %s are too long", left[i].name)
				}
			}
		}
		at.key = !at.list && len(open) > 0
		if delim, ok := token.(json.Delim); ok {
			open = append(open, at)
			at = level{name: at.name, fact: at.name, list: delim == '[', key: delim == '{'}
		}
	}
	return nil
}

package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// document gives the root of a policy's YAML; nil where the text is empty or wrong.
func (p *parser) document(data []byte) *yaml.Node {
	if line, problem := badText(data); problem != "" {
		p.fail(line, "%s", problem)
		return nil
	}
	root, err := decode(data)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		line, text := explain(data, err)
		p.fail(line, "%s", text)
		return nil
	}
	p.plain(root)
	if len(p.errors) > 0 {
		return nil
	}
	return root
}

// badText tells what keeps bytes from being the text of a policy, and on which line: the YAML
// parser names no line for these.
func badText(data []byte) (line int, problem string) {
	if len(data) > MaxBytes {
		return 1, "it is larger than 64 KiB"
	}
	line = 1
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		switch {
		case r == utf8.RuneError && size == 1:
			return line, "a byte is not UTF-8"
		case r == '\n':
			line++
		case r < ' ' && r != '\t' && r != '\r', r == 0x7f, r >= 0x80 && r < 0xa0 && r != 0x85, r == 0xfffe, r == 0xffff:
			return line, fmt.Sprintf(`a control character (U+%04X) stands in it; in double quotes, write it as "\u%04X"`, r, r)
		}
		data = data[size:]
	}
	return line, ""
}

// decode gives the one document of a text; io.EOF where it has none.
func decode(data []byte) (root *yaml.Node, err error) {
	// The parser says of some of its states that they cannot be, and panics.
	defer func() {
		if r := recover(); r != nil {
			root, err = nil, fmt.Errorf("the YAML parser gave up: %v", r)
		}
	}()
	d := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	if err := d.Decode(&first); err != nil {
		return nil, err
	}
	switch err := d.Decode(&second); {
	case err == nil:
		return nil, fmt.Errorf("yaml: line %d: a second document starts here: a policy is one", second.Line)
	case !errors.Is(err, io.EOF):
		return nil, err
	}
	return first.Content[0], nil
}

// explain gives the line and the words of a YAML parser's error.
func explain(data []byte, err error) (line int, text string) {
	line, text = position(err)
	const missing, nameless = "did not find expected", "unknown anchor '"
	switch {
	case strings.Contains(text, "alphabetic or numeric"), strings.HasPrefix(text, nameless):
		name, _, _ := strings.Cut(strings.TrimPrefix(text, nameless), "'")
		if strings.HasPrefix(text, nameless) {
			before, _, _ := bytes.Cut(data, []byte("*"+name))
			line = 1 + bytes.Count(before, []byte("\n"))
		}
		text = `a value that starts with * or & needs quotes, such as "*-db"`
	case tabbed(data, line):
		text = "a tab does not indent in YAML: use blanks"
	case strings.HasPrefix(text, missing):
		// The parser names the line on which the list or mapping starts that then goes wrong.
		line = max(line, firstWith(data, text))
	}
	return line, text
}

// tabbed tells whether a line is indented by a tab.
func tabbed(data []byte, line int) bool {
	lines := bytes.SplitN(data, []byte("\n"), line+1)
	if line > len(lines) {
		return false
	}
	text := lines[line-1]
	return bytes.ContainsRune(text[:len(text)-len(bytes.TrimLeft(text, " \t"))], '\t')
}

// position takes the line out of a YAML parser's error, which names none for the first.
func position(err error) (line int, text string) {
	text = strings.TrimPrefix(err.Error(), "yaml: ")
	rest, ok := strings.CutPrefix(text, "line ")
	if !ok {
		return 1, text
	}
	number, rest, _ := strings.Cut(rest, ": ")
	line, err = strconv.Atoi(number)
	if err != nil {
		return 1, text
	}
	return line, rest
}

// firstWith gives the first line whose reading makes the parser say so: it reads no further
// than it must, so more lines change nothing.
func firstWith(data []byte, text string) int {
	lines := bytes.SplitAfter(data, []byte("\n"))
	low, high := 1, len(lines)
	for low < high {
		middle := (low + high) / 2
		_, err := decode(bytes.Join(lines[:middle], nil))
		said := ""
		if err != nil {
			_, said = position(err)
		}
		if said == text {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low
}

// plain refuses what a policy has no use for: anchors and aliases, by which a short text can
// stand for a huge one, and tags.
func (p *parser) plain(n *yaml.Node) {
	switch {
	case n.Kind == yaml.AliasNode:
		p.fail(n.Line, `an alias (*%s) is not accepted: write the value out, or quote a pattern that starts with *`, n.Value)
	case n.Anchor != "":
		p.fail(n.Line, "an anchor (&%s) is not accepted: write the value out where it is needed", n.Anchor)
	case n.Style&yaml.TaggedStyle != 0:
		p.fail(n.Line, "a tag (%s) is not accepted", n.Tag)
	}
	for _, c := range n.Content {
		p.plain(c)
	}
}

// pair is one key of a mapping and its value.
type pair struct {
	key   string
	line  int // of the key
	value *yaml.Node
}

// mapping gives the pairs of a mapping whose keys are names, each once, and among the known
// ones; where those are nil, the caller looks at the keys. What is wrong is left out.
func (p *parser) mapping(n *yaml.Node, what string, known []string) []pair {
	if n.Kind != yaml.MappingNode {
		p.refuse(n, what, fmt.Sprintf("a mapping, such as {%s: ...}", slices.Concat(known, []string{"KEY"})[0]))
		return nil
	}
	var out []pair
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		before, twice := first[k.Value]
		switch {
		case k.Kind != yaml.ScalarNode || k.ShortTag() != "!!str":
			p.fail(k.Line, "%s: %s is no key: a key is a name", what, kindOf(k))
		case twice:
			p.fail(k.Line, "%s: %s stands on line %d already", what, quoted(k.Value), before)
		case known != nil && !slices.Contains(known, k.Value):
			p.fail(k.Line, "%s: no key is called %s%s (keys: %s)", what, quoted(k.Value), suggest(k.Value, known), strings.Join(known, ", "))
		default:
			out = append(out, pair{k.Value, k.Line, v})
		}
		if k.Kind == yaml.ScalarNode && !twice {
			first[k.Value] = k.Line
		}
	}
	return out
}

// scalar gives a value as it is written.
func (p *parser) scalar(n *yaml.Node, key, accepted string) (string, bool) {
	if n.Kind != yaml.ScalarNode || isNull(n) || n.Value == "" {
		p.refuse(n, key, accepted)
		return "", false
	}
	return n.Value, true
}

// refuse says that a value is of the wrong kind.
func (p *parser) refuse(n *yaml.Node, key, accepted string) {
	is := "is not accepted"
	if n.Kind == yaml.ScalarNode && n.Value == "" {
		is = "stands there"
	}
	p.fail(n.Line, "%s: %s %s: accepted is %s", key, kindOf(n), is, accepted)
}

// isNull tells that there is a key, and nothing behind it.
func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// kindOf says what a value is, where it is not what it should be.
func kindOf(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Value == "":
		return "nothing"
	default:
		return quoted(n.Value)
	}
}

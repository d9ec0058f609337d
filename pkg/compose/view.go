package compose

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// layer is a mapping and the file that it stands in.
type layer struct {
	node *yaml.Node
	file string
}

// view is several mappings that make one: of each key the first that has it counts, and
// where that is a mapping again, those of the later ones lie below it.
type view []layer

// value is what a view has for a key: a mapping, a list, or a text.
type value struct {
	file       string
	line       int // 0 where there is nothing
	view       view
	list       []*yaml.Node
	resolution // of a scalar
	scalar     bool
}

func (v value) set() bool { return v.line > 0 }

// key is a key of a view and where it stands first.
type key struct {
	text, file string
	line       int
}

// reader follows a tree of YAML nodes, which aliases can make endless, for a bounded number of steps.
type reader struct {
	variables variables
	steps     int
	err       error // the first
}

func (r *reader) fail(file string, line int, what string) {
	if r.err == nil {
		r.err = atLine(file, line, what)
	}
}

// resolve gives what an alias stands for.
func resolve(n *yaml.Node) *yaml.Node {
	for range maxDepth {
		if n == nil || n.Kind != yaml.AliasNode {
			return n
		}
		n = n.Alias
	}
	return nil
}

// find gives a mapping's own value of a key, or that of the mappings that it merges (<<).
func (r *reader) find(l layer, name string, depth int) *yaml.Node {
	n := resolve(l.node)
	if n == nil || n.Kind != yaml.MappingNode || r.err != nil {
		return nil
	}
	if r.steps += len(n.Content)/2 + 1; r.steps > maxSteps || depth > maxDepth {
		r.fail(l.file, n.Line, "aliases and merge keys that lead too far")
		return nil
	}
	var found, merge *yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		switch {
		case k.Tag == "!!merge" || k.Value == "<<" && k.Style == 0:
			merge = n.Content[i+1]
		case k.Value == name && found != nil:
			r.fail(l.file, k.Line, fmt.Sprintf("the key %.40q stands twice", name))
		case k.Value == name:
			found = n.Content[i+1]
		}
	}
	if found != nil || merge == nil {
		return found
	}
	for _, from := range merged(merge) {
		if inner := r.find(layer{from, l.file}, name, depth+1); inner != nil {
			return inner
		}
	}
	return nil
}

// merged gives the mappings that a merge key names: one, or a list.
func merged(n *yaml.Node) []*yaml.Node {
	n = resolve(n)
	if n != nil && n.Kind == yaml.SequenceNode {
		return n.Content
	}
	return []*yaml.Node{n}
}

// get gives what a view has for a key. The tags !reset and !override of the Compose
// Specification end the search in the layers below.
func (r *reader) get(v view, name string) value {
	var out value
	for _, l := range v {
		n := r.find(l, name, 0)
		if n == nil {
			continue
		}
		tag := n.Tag
		if n = resolve(n); n == nil || tag == "!reset" {
			break
		}
		if n.Kind == yaml.ScalarNode && (n.Tag == "!!null" || n.Value == "" && n.Style == 0) {
			continue
		}
		if n.Kind != yaml.MappingNode {
			if !out.set() {
				out = r.leaf(n, l.file)
			}
			break
		}
		if !out.set() {
			out.file, out.line = l.file, n.Line
		}
		if out.view = append(out.view, layer{n, l.file}); tag == "!override" {
			break
		}
	}
	return out
}

// leaf is the value of a list or a scalar.
func (r *reader) leaf(n *yaml.Node, file string) value {
	out := value{file: file, line: n.Line}
	if n.Kind == yaml.SequenceNode {
		out.list = n.Content
		return out
	}
	out.scalar = true
	out.resolution = r.variables.interpolate(n.Value)
	return out
}

// keys lists the keys of a view, each once, those of the lowest layer first, as compose
// does, without extensions (x-...).
func (r *reader) keys(v view) []key {
	var out []key
	seen := map[string]bool{}
	for i := len(v) - 1; i >= 0; i-- {
		out = r.layerKeys(v[i], seen, out, 0)
	}
	return out
}

func (r *reader) layerKeys(l layer, seen map[string]bool, out []key, depth int) []key {
	n := resolve(l.node)
	if n == nil || n.Kind != yaml.MappingNode || r.err != nil {
		return out
	}
	if r.steps += len(n.Content)/2 + 1; r.steps > maxSteps || depth > maxDepth {
		r.fail(l.file, n.Line, "aliases and merge keys that lead too far")
		return out
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		switch {
		case k.Tag == "!!merge" || k.Value == "<<" && k.Style == 0:
			for _, from := range merged(n.Content[i+1]) {
				out = r.layerKeys(layer{from, l.file}, seen, out, depth+1)
			}
		case strings.HasPrefix(k.Value, "x-") || seen[k.Value] || k.Kind != yaml.ScalarNode:
		default:
			seen[k.Value] = true
			out = append(out, key{k.Value, l.file, k.Line})
		}
	}
	return out
}

// texts gives the entries of a list, their variables resolved; variable is one that could
// not be.
func (r *reader) texts(list []*yaml.Node) (out []string, variable string) {
	for _, n := range list {
		n = resolve(n)
		if n == nil || n.Kind != yaml.ScalarNode {
			continue
		}
		got := r.variables.interpolate(n.Value)
		if got.variable != "" {
			got.text, variable = unresolved, got.variable
		}
		out = append(out, got.text)
	}
	return out, variable
}

func reading(data []byte) io.Reader { return bytes.NewReader(data) }

// atLine says what is wrong, and where.
func atLine(file string, line int, what string) error {
	return fmt.Errorf("%s:%d: %s", file, line, what)
}

// yamlError gives an error of the YAML parser with the file's name before its line.
func yamlError(s Source, err error) error {
	if errors.Is(err, io.EOF) {
		return nil // an empty file
	}
	text, _, _ := strings.Cut(err.Error(), "\n")
	text = strings.TrimPrefix(text, "yaml: ")
	if strings.HasPrefix(text, "unknown anchor ") { // it quotes the file, of whose text nothing is shown
		text = "an alias of no anchor"
	}
	where, what, _ := strings.Cut(text, ": ") // "line 3", or "... at line 3, column 2"
	_, line, _ := strings.Cut(where, "line ")
	line, _, _ = strings.Cut(line, ", column ")
	if n, err := strconv.Atoi(line); err == nil {
		return atLine(s.Name, n, "no YAML: "+what)
	}
	return fmt.Errorf("%s: no YAML: %s", s.Name, text)
}

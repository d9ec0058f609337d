package caddy

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// directive is one line of a block, with the block that it opens.
type directive struct {
	words []token
	block []directive
}

func (d directive) name() string { return d.words[0].text }

// value gives the word after the name; false where there is none.
func (d directive) value() (token, bool) {
	if len(d.words) < 2 {
		return token{}, false
	}
	return d.words[1], true
}

// all gives the directives of a name, in their order.
func all(block []directive, name string) []directive {
	var out []directive
	for _, d := range block {
		if d.name() == name {
			out = append(out, d)
		}
	}
	return out
}

// What one Caddyfile may cost. Snippets that import snippets can make it long without end.
const (
	maxDepth      = 32
	maxDirectives = 50_000
	maxAddresses  = 5_000   // of all sites
	maxServers    = 100     // servers blocks
	maxReplaced   = 4 << 20 // bytes of words with arguments put in
)

var errTooMuch = errors.New("blocks or imports that lead too far")

// parser takes tokens one by one.
type parser struct {
	tokens   []token
	at       int
	main     string
	files    map[string][]Source
	snippets map[string][]directive
	count    int // of directives
	replaced int // bytes
	listed   int // of addresses
	unseen   string
	sites    []directive // the words are the addresses
	options  []directive // of the global block
	global   int         // the line of its {, 0 where there is none
}

// errAt says on which line an error lies.
func errAt(t token, err error) error { return fmt.Errorf("%s:%d: %w", t.file, t.line, err) }

// open and closing tell whether a token opens a block, or ends one.
func (t token) open() bool    { return t.text == "{" && !t.quoted }
func (t token) closing() bool { return t.text == "}" && !t.quoted }

// missing notes what cannot be seen; the first is kept.
func (p *parser) missing(t token, what string) {
	if p.unseen == "" {
		p.unseen = fmt.Sprintf("%s:%d %s", t.file, t.line, what)
	}
}

// top reads the top level: the global options, snippets, sites.
func (p *parser) top(depth int) error {
	for p.at < len(p.tokens) {
		first := p.tokens[p.at]
		if first.text == "import" && !first.quoted {
			if err := p.importTop(depth); err != nil {
				return err
			}
			continue
		}
		head, braces, err := p.head()
		if err != nil {
			return err
		}
		if len(head) == 0 {
			p.global = first.line
		}
		block, err := p.block(depth+1, braces)
		if err != nil {
			return err
		}
		if err := p.place(directive{head, block}); err != nil {
			return err
		}
	}
	return nil
}

// place puts a block of the top level where it belongs.
func (p *parser) place(d directive) error {
	if len(d.words) == 0 {
		p.options = append(p.options, d.block...)
		return nil
	}
	name := d.name()
	switch {
	case len(d.words) == 1 && strings.HasPrefix(name, "(") && strings.HasSuffix(name, ")"):
		p.snippets[name[1:len(name)-1]] = d.block
	case len(d.words) == 1 && strings.HasPrefix(name, "&("):
		p.missing(d.words[0], "has a named route, which is not followed")
	default:
		p.sites = append(p.sites, d)
	}
	p.count++
	if p.listed += len(d.words); p.count > maxDirectives || p.listed > maxAddresses {
		return errAt(d.words[0], errTooMuch)
	}
	return nil
}

// head takes the addresses before a block: those of one line, and of the next after a comma.
// braces tells whether a block in braces follows; without, it is the rest of the file.
func (p *parser) head() (words []token, braces bool, err error) {
	for p.at < len(p.tokens) {
		t := p.tokens[p.at]
		if t.open() {
			return words, true, p.opened()
		}
		if t.closing() {
			return nil, false, errAt(t, errors.New("a } that closes nothing"))
		}
		if len(words) > 0 && t.line != words[len(words)-1].line && !strings.HasSuffix(p.tokens[p.at-1].text, ",") {
			return words, false, nil
		}
		p.at++
		t.text = strings.TrimSuffix(t.text, ",")
		words = append(words, t)
	}
	return words, false, nil
}

// opened passes a {, which must end its line.
func (p *parser) opened() error {
	t := p.tokens[p.at]
	if p.at++; p.at < len(p.tokens) && p.tokens[p.at].line == t.line && !p.tokens[p.at].closing() {
		return errAt(t, errors.New("text after a { on the same line"))
	}
	return nil
}

// block takes the directives up to the closing brace; without braces up to the end.
func (p *parser) block(depth int, braces bool) ([]directive, error) {
	var out []directive
	opened := p.tokens[max(p.at-1, 0)]
	if depth > maxDepth {
		return nil, errAt(opened, errTooMuch)
	}
	for p.at < len(p.tokens) {
		t := p.tokens[p.at]
		switch {
		case t.closing() && braces:
			p.at++
			return out, nil
		case t.closing():
			return nil, errAt(t, errors.New("a } that closes nothing"))
		case t.open():
			return nil, errAt(t, errors.New("a { that belongs to nothing"))
		}
		d, err := p.directive(depth)
		if err != nil {
			return nil, err
		}
		more, err := p.expand(d, depth)
		if err != nil {
			return nil, err
		}
		if p.count += len(more); p.count > maxDirectives {
			return nil, errAt(t, errTooMuch)
		}
		out = append(out, more...)
	}
	if braces {
		return nil, errAt(opened, errors.New("a { that is not closed"))
	}
	return out, nil
}

// directive takes one line and the block that it opens.
func (p *parser) directive(depth int) (directive, error) {
	first := p.tokens[p.at]
	d := directive{words: []token{first}}
	for p.at++; p.at < len(p.tokens); p.at++ {
		t := p.tokens[p.at]
		if t.open() {
			err := p.opened()
			if err != nil {
				return d, err
			}
			d.block, err = p.block(depth+1, true)
			return d, err
		}
		if t.closing() || t.line > p.tokens[p.at-1].end() {
			break
		}
		d.words = append(d.words, t)
	}
	return d, nil
}

// end gives the line on which a token ends.
func (t token) end() int {
	if !t.quoted {
		return t.line
	}
	return t.line + strings.Count(t.text, "\n") + t.marker
}

// expand replaces an import by what it imports, and notes a line that a variable may fill.
func (p *parser) expand(d directive, depth int) ([]directive, error) {
	first := d.words[0]
	if v := variable(first.text); v != "" {
		p.missing(first, "has lines that depend on the environment variable "+v)
		return nil, nil
	}
	if first.text == "{block}" || strings.HasPrefix(first.text, "{blocks.") {
		p.missing(first, "has lines that come from where it is imported")
		return nil, nil
	}
	if first.text != "import" || first.quoted {
		return []directive{d}, nil
	}
	snippet, sources, err := p.imported(d)
	switch {
	case err != nil:
		return nil, err
	case snippet != nil:
		return withArgs(snippet, d.words[2:], p, depth)
	}
	var out []directive
	for _, s := range sources {
		tokens, err := tokenise(s)
		if err != nil {
			return nil, err
		}
		sub := parser{tokens: tokens, main: p.main, files: p.files, snippets: p.snippets, count: p.count, replaced: p.replaced, listed: p.listed}
		more, err := sub.block(depth+1, false)
		if err != nil {
			return nil, err
		}
		p.take(sub)
		if more, err = withArgs(more, d.words[2:], p, depth); err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

// take keeps what a parser of an imported file counted and could not see.
func (p *parser) take(sub parser) {
	p.count, p.replaced, p.listed = sub.count, sub.replaced, sub.listed
	if p.unseen == "" {
		p.unseen = sub.unseen
	}
}

// imported gives what an import names: a snippet, or files. Both are empty where that is not
// to be seen.
func (p *parser) imported(d directive) ([]directive, []Source, error) {
	pattern, ok := d.value()
	if !ok {
		return nil, nil, errAt(d.words[0], errors.New("import of nothing"))
	}
	if snippet, ok := p.snippets[pattern.text]; ok {
		return append([]directive{}, snippet...), nil, nil
	}
	sources, ok := p.files[pattern.text]
	if !ok || pattern.file != p.main {
		p.missing(pattern, "imports "+bounded(pattern.text)+", which was not read")
		return nil, nil, nil
	}
	return nil, sources, nil
}

// importTop expands an import between the blocks of the top level.
func (p *parser) importTop(depth int) error {
	d, err := p.directive(depth)
	if err != nil {
		return err
	}
	if depth > maxDepth {
		return errAt(d.words[0], errTooMuch)
	}
	snippet, sources, err := p.imported(d)
	if err != nil {
		return err
	}
	if snippet != nil {
		// A snippet is mostly lines of a site; one that holds sites is not followed.
		p.missing(d.words[0], "imports a snippet between the sites, which is not followed")
	}
	for _, s := range sources {
		tokens, err := tokenise(s)
		if err != nil {
			return err
		}
		sub := parser{tokens: tokens, main: p.main, files: p.files, snippets: p.snippets, count: p.count, replaced: p.replaced, listed: p.listed}
		if err := sub.top(depth + 1); err != nil {
			return err
		}
		p.take(sub)
		p.sites, p.options = append(p.sites, sub.sites...), append(p.options, sub.options...)
	}
	return nil
}

// withArgs gives a copy with {args.0}, or {args[0]} since Caddy 2.7, replaced.
func withArgs(block []directive, args []token, p *parser, depth int) ([]directive, error) {
	var pairs []string
	for i, a := range args {
		n := strconv.Itoa(i)
		pairs = append(pairs, "{args."+n+"}", a.text, "{args["+n+"]}", a.text)
	}
	replacer := strings.NewReplacer(pairs...)
	var replace func([]directive, int) ([]directive, error)
	replace = func(block []directive, depth int) ([]directive, error) {
		if p.count += len(block); p.count > maxDirectives || depth > 2*maxDepth {
			return nil, fmt.Errorf("%s: %w", p.main, errTooMuch)
		}
		out := make([]directive, 0, len(block))
		for _, d := range block {
			words := append([]token{}, d.words...)
			for i := range words {
				if !strings.Contains(words[i].text, "{args") {
					continue
				}
				words[i].text = replacer.Replace(words[i].text)
				if p.replaced += len(words[i].text); p.replaced > maxReplaced {
					return nil, errAt(words[i], errTooMuch)
				}
			}
			inner, err := replace(d.block, depth+1)
			if err != nil {
				return nil, err
			}
			out = append(out, directive{words, inner})
		}
		return out, nil
	}
	return replace(block, depth)
}

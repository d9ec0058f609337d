package caddy

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Imports lists what a Caddyfile imports that is no snippet of its own: paths and patterns,
// for the caller to read. It gives none where the file cannot be cut into words.
func Imports(s Source) []string {
	tokens, err := tokenise(s)
	if err != nil {
		return nil
	}
	own := map[string]bool{}
	for i, t := range tokens {
		if i+1 < len(tokens) && tokens[i+1].open() && strings.HasPrefix(t.text, "(") && strings.HasSuffix(t.text, ")") {
			own[t.text[1:len(t.text)-1]] = true
		}
	}
	var out []string
	for i, t := range tokens {
		begins := i == 0 || tokens[i-1].line < t.line
		if !begins || t.text != "import" || t.quoted || i+1 == len(tokens) || tokens[i+1].line != t.line {
			continue
		}
		pattern := tokens[i+1].text
		if !own[pattern] && variable(pattern) == "" {
			own[pattern] = true
			out = append(out, pattern)
		}
	}
	return out
}

// Parse reads a Caddyfile. files holds, by the words of Imports, the files that those come to,
// in order; what is not in it was not seen, and the Config says so. Of the environment nothing
// is known: a variable counts as its default, and where it has none as unknown. Parse errs,
// with file and line, where quotes or braces do not pair up, and on what leads too far.
func Parse(s Source, files map[string][]Source) (Config, error) {
	tokens, err := tokenise(s)
	if err != nil {
		return Config{}, err
	}
	p := parser{tokens: tokens, main: s.Name, files: files, snippets: map[string][]directive{}}
	if err := p.top(0); err != nil {
		return Config{}, err
	}
	servers := serversOf(p.options)
	if len(servers) > maxServers {
		return Config{}, fmt.Errorf("%s: %w", s.Name, errTooMuch)
	}
	ports := portsOf(p.options)
	config := Config{Options: p.global, Servers: len(servers) > 0, Unseen: p.unseen}
	for _, d := range p.sites {
		site := Site{File: d.words[0].file, Line: d.words[0].line}
		for _, w := range d.words {
			site.Addresses = append(site.Addresses, shown(w.text))
		}
		site.Idle, site.Write = apply(servers, d.words, ports, len(all(d.block, "bind")) == 0)
		if config.Unseen != "" && !site.Idle.Set() {
			site.Idle.Unknown, site.Write.Unknown = config.Unseen, config.Unseen
		}
		site.Proxies = proxies(d.block, nil)
		config.Sites = append(config.Sites, site)
	}
	return config, nil
}

// ports are where sites without a port of their own listen.
type ports struct {
	http, https string
	// certain tells that no global option makes it another place.
	certain bool
}

// portsOf reads the global options that say where sites listen. auto_https is none of them.
func portsOf(options []directive) ports {
	out := ports{":80", ":443", true}
	for _, d := range options {
		value, _ := d.value()
		n, err := strconv.Atoi(value.text)
		port := ":" + strconv.Itoa(n)
		switch d.name() {
		case "http_port":
			out.http, out.certain = port, out.certain && err == nil
		case "https_port":
			out.https, out.certain = port, out.certain && err == nil
		case "default_bind":
			out.certain = false
		}
	}
	return out
}

// shown is an address as a report may show it: without the variables' marks, and with no
// user or password.
func shown(address string) string {
	address = strings.ReplaceAll(strings.ReplaceAll(address, openVariable, "{$"), closeVariable, "}")
	if at := strings.LastIndexByte(address, '@'); at >= 0 {
		scheme := strings.Index(address[:at], "//")
		if scheme >= 0 {
			scheme += len("//")
		}
		address = address[:max(scheme, 0)] + "..." + address[at:]
	}
	return bounded(address)
}

// server is what a servers block of the global options sets.
type server struct {
	listener    string // empty for all that no other block is for
	idle, write Timeout
}

// serversOf reads the servers blocks.
func serversOf(options []directive) []server {
	var out []server
	for _, d := range all(options, "servers") {
		s := server{idle: Timeout{Nanoseconds: DefaultIdle}}
		if a, ok := d.value(); ok {
			s.listener = a.text
		}
		for _, timeouts := range all(d.block, "timeouts") {
			for _, t := range all(timeouts.block, "idle") {
				s.idle = timeout(t)
				switch { // caddyhttp.App takes 0 for not set, and net/http less than 0 for no timeout
				case s.idle.Unknown == "" && s.idle.Nanoseconds == 0:
					s.idle.Nanoseconds = DefaultIdle
				case s.idle.Nanoseconds < 0:
					s.idle.Nanoseconds = 0
				}
			}
			for _, t := range all(timeouts.block, "write") {
				s.write = timeout(t)
				s.write.Nanoseconds = max(0, s.write.Nanoseconds)
			}
		}
		out = append(out, s)
	}
	return out
}

// apply gives the timeouts of a site: those of the block for its listener, else of the one
// for all (httpcaddyfile/serveroptions.go). Where its listener is not certain, or it has
// several, all that may apply must agree.
func apply(servers []server, addresses []token, at ports, unbound bool) (idle, write Timeout) {
	var may []server
	for _, a := range addresses {
		listener, ok := at.listenerOf(a.text)
		if !at.certain || !unbound || !ok {
			may = append(append([]server{}, servers...), pick(servers, ""))
			break
		}
		may = append(may, pick(servers, listener))
	}
	idle, write = may[0].idle, may[0].write
	for _, s := range may[1:] {
		idle, write = agree(idle, s.idle), agree(write, s.write)
	}
	return idle, write
}

// pick gives the block for a listener, else that for all, else Caddy's own values.
func pick(servers []server, listener string) server {
	for _, want := range []string{listener, ""} {
		for _, s := range servers {
			if s.listener == want {
				return s
			}
		}
	}
	return server{idle: Timeout{Nanoseconds: DefaultIdle}}
}

func agree(a, b Timeout) Timeout {
	if a.Unknown == "" && (b.Unknown != "" || a.Nanoseconds != b.Nanoseconds) {
		return Timeout{File: b.File, Line: b.Line, Unknown: "several servers blocks may apply, and they differ"}
	}
	return a
}

// listenerOf gives the address that a site's server listens on, as Caddy spells it; false
// where it cannot be told.
func (p ports) listenerOf(address string) (string, bool) {
	if strings.ContainsAny(address, "{"+openVariable) {
		return "", false
	}
	scheme, rest, found := strings.Cut(address, "://")
	if !found {
		scheme, rest = "", address
	}
	rest, _, _ = strings.Cut(rest, "/")
	if i := strings.LastIndexByte(rest, ':'); i >= 0 && !strings.HasSuffix(rest, "]") {
		return rest[i:], rest[i:] != ":"
	}
	if scheme == "http" {
		return p.http, true
	}
	return p.https, scheme == "" || scheme == "https"
}

// proxies collects each reverse_proxy of a site, however deep.
func proxies(block []directive, out []Proxy) []Proxy {
	for _, d := range block {
		if d.name() == "reverse_proxy" {
			out = append(out, proxy(d))
		}
		out = proxies(d.block, out)
	}
	return out
}

func proxy(d directive) Proxy {
	p := Proxy{File: d.words[0].file, Line: d.words[0].line, Keepalive: Timeout{Nanoseconds: DefaultKeepalive}}
	for _, t := range all(d.block, "stream_timeout") {
		p.Stream = timeout(t)
	}
	for _, transport := range all(d.block, "transport") {
		if kind, _ := transport.value(); kind.text != "http" {
			continue
		}
		for _, t := range transport.block {
			switch t.name() {
			case "read_timeout":
				p.Read = timeout(t)
			case "write_timeout":
				p.Write = timeout(t)
			case "keepalive":
				if p.Keepalive = timeout(t); p.Keepalive.Unknown == "" && p.Keepalive.Nanoseconds == 0 {
					p.Keepalive.Nanoseconds = DefaultKeepalive
				}
			}
		}
	}
	return p
}

// timeout reads a directive with one duration; keepalive's off counts as less than none.
func timeout(d directive) Timeout {
	t := Timeout{File: d.words[0].file, Line: d.words[0].line}
	word, ok := d.value()
	switch {
	case !ok:
		t.Unknown = "it has no value"
		return t
	case variable(word.text) != "":
		t.Unknown = "it depends on the environment variable " + variable(word.text)
		return t
	case word.text == "off" && d.name() == "keepalive":
		t.Nanoseconds = -1
		return t
	}
	var err error
	if t.Nanoseconds, err = Duration(word.text); err != nil {
		t.Unknown = err.Error()
	}
	return t
}

// Duration reads a duration as Caddy does: Go's syntax, and d for days of 24 hours
// (caddy.ParseDuration). It errs on any other text.
func Duration(text string) (time.Duration, error) {
	bad := errors.New("it is no duration such as 620s or 1d")
	if len(text) > 64 {
		return 0, bad
	}
	unsigned, negative := strings.CutPrefix(text, "-")
	rest, total := unsigned, 0.0
	if !negative {
		rest = strings.TrimPrefix(rest, "+")
	}
	if rest == "0" {
		return 0, nil
	}
	for rest != "" {
		digits := strings.IndexFunc(rest, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
		if digits <= 0 {
			return 0, bad
		}
		letters := strings.IndexFunc(rest[digits:], func(r rune) bool { return r == '.' || r >= '0' && r <= '9' })
		if letters < 0 {
			letters = len(rest) - digits
		}
		number, unit, factor := rest[:digits], rest[digits:digits+letters], 1.0
		if unit == "d" {
			unit, factor = "h", 24
		}
		part, err := time.ParseDuration(number + unit)
		if err != nil {
			return 0, bad
		}
		total += factor * float64(part)
		rest = rest[digits+letters:]
	}
	if unsigned == "" || total > float64(1<<62) {
		return 0, bad
	}
	if negative {
		total = -total
	}
	return time.Duration(total), nil
}

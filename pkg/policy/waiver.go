package policy

import (
	"fmt"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"vmguard/pkg/check"
)

// The bounds of waivers, generous for people: each finding is held against each waiver.
const (
	mostWaivers    = 1000
	longestSubject = 256  // characters
	longestReason  = 1000 // characters
)

// waivers reads what is accepted for a while.
func (p *parser) waivers(n *yaml.Node) {
	if n.Kind != yaml.SequenceNode {
		p.refuse(n, "waivers", "a list of {id: ..., reason: ...}")
		return
	}
	if len(n.Content) > mostWaivers {
		p.fail(n.Content[mostWaivers].Line, "waivers: there are more than %d", mostWaivers)
		return
	}
	for _, w := range n.Content {
		p.waiver(w)
	}
}

func (p *parser) waiver(n *yaml.Node) {
	wrong := len(p.errors)
	w := check.Waiver{Subject: "*", File: p.name, Line: n.Line}
	said := map[string]bool{}
	for _, s := range p.mapping(n, "a waiver", []string{"id", "subject", "reason", "expires"}) {
		said[s.key] = true
		switch s.key {
		case "id":
			if id, ok := p.scalar(s.value, "id", "the ID of a check"); ok && p.knownCheck(s.value.Line, id) {
				w.ID = id
			}
		case "subject":
			w.Subject = p.text(s.value, "subject", `a name or a pattern such as "batch-*"`, longestSubject)
		case "reason":
			w.Reason = p.text(s.value, "reason", "why it is accepted", longestReason)
		case "expires":
			w.Expires = p.date(s.value)
		}
	}
	for _, key := range []string{"id", "reason"} {
		if !said[key] && n.Kind == yaml.MappingNode {
			p.fail(n.Line, "a waiver: it has no %s", key)
		}
	}
	if len(p.errors) == wrong {
		p.policy.Waivers = append(p.policy.Waivers, w)
	}
}

// text gives a text of bounded length.
func (p *parser) text(n *yaml.Node, key, accepted string, longest int) string {
	s, ok := p.scalar(n, key, accepted)
	if ok && utf8.RuneCountInString(s) > longest {
		p.fail(n.Line, "%s: it is longer than %d characters", key, longest)
	}
	return s
}

// date reads a day. A year of long ago is a slip, and the first of all is Go's word for none.
func (p *parser) date(n *yaml.Node) time.Time {
	const accepted = "the last day on which it holds, such as 2027-01-31"
	s, ok := p.scalar(n, "expires", accepted)
	if !ok {
		return time.Time{}
	}
	day, err := time.Parse(time.DateOnly, s)
	if err == nil && day.Year() < 2000 {
		err = fmt.Errorf("the year is %d", day.Year())
	}
	if err != nil {
		p.fail(n.Line, "expires: %s is no such day: accepted is %s", quoted(s), accepted)
		return time.Time{}
	}
	return day
}

// Package policy reads policies: YAML to a check.Policy, and the built-in profiles.
package policy

import (
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"vmguard/pkg/check"
	"vmguard/pkg/finding"
)

// MaxBytes is how large a policy may be.
const MaxBytes = 64 << 10

// Parse reads a policy, to be judged at a time. The name is that of the file, as errors and
// evidence shall spell it. What the text leaves out is as in its profile, and what it has no
// profile for as in check.DefaultPolicy; so an empty text is the default policy.
//
// It errs with Errors, which holds all that is wrong, each with its line.
func Parse(name string, data []byte, now time.Time) (check.Policy, error) {
	p := &parser{name: name, policy: check.DefaultPolicy(now)}
	if root := p.document(data); root != nil && !isNull(root) {
		p.read(root)
	}
	if len(p.errors) > 0 {
		return check.Policy{}, p.errors.sorted()
	}
	return p.policy, nil
}

// parser is one policy on its way from text to what it means.
type parser struct {
	name   string
	policy check.Policy
	errors Errors
}

// sections are the keys of a policy.
func sections() []string { return []string{"profile", "thresholds", "checks", "waivers"} }

// read takes the sections of a policy: the profile first, wherever it stands, as all else changes it.
func (p *parser) read(root *yaml.Node) {
	pairs := p.mapping(root, "a policy", sections())
	for _, s := range pairs {
		if s.key == "profile" {
			p.profile(s.value)
		}
	}
	for _, s := range pairs {
		if isNull(s.value) {
			continue // a section whose lines are all commented out
		}
		switch s.key {
		case "thresholds":
			p.thresholds(s.value)
		case "checks":
			p.checks(s.value)
		case "waivers":
			p.waivers(s.value)
		}
	}
}

// profile starts from a built-in profile.
func (p *parser) profile(n *yaml.Node) {
	name, ok := p.scalar(n, "profile", "the name of a profile")
	if !ok {
		return
	}
	base, err := FromProfile(name, p.policy.Now)
	if err != nil {
		p.fail(n.Line, "%v", err)
		return
	}
	for id, rule := range base.Rules {
		rule.File, rule.Line = p.name, n.Line
		base.Rules[id] = rule
	}
	p.policy = base
}

// checks reads what is said of single checks. An entry replaces all that the profile says of its check.
func (p *parser) checks(n *yaml.Node) {
	if p.policy.Rules == nil {
		p.policy.Rules = map[string]check.Rule{}
	}
	for _, c := range p.mapping(n, "checks", nil) {
		if !p.knownCheck(c.line, c.key) {
			continue
		}
		rule := check.Rule{File: p.name, Line: c.line}
		if on := p.rule(c, &rule); on {
			delete(p.policy.Rules, c.key)
		} else {
			p.policy.Rules[c.key] = rule
		}
	}
}

// knownCheck tells whether a check has an ID, and says so where none has.
func (p *parser) knownCheck(line int, id string) bool {
	_, err := check.Find(id)
	if err == nil {
		return true
	}
	ids := make([]string, 0, 64)
	for _, c := range check.All() {
		ids = append(ids, c.ID)
	}
	p.fail(line, "no check is called %s%s", quoted(id), suggest(id, ids))
	return false
}

// rule reads what is said of one check: a word, or the words of severity and required. It tells
// whether that is "on": the check's own rule, whatever the profile says.
func (p *parser) rule(c pair, rule *check.Rule) (on bool) {
	if c.value.Kind != yaml.MappingNode {
		word, ok := p.scalar(c.value, c.key, ruleWords)
		switch {
		case !ok:
		case word == "on":
			return true
		case word == "off":
			rule.Off = true
		case word == "required":
			rule.Required = true
		default:
			p.severity(c.value, word, c.key, ruleWords, rule, "off", "on", "required")
		}
		return false
	}
	settings := p.mapping(c.value, c.key, []string{"severity", "required"})
	if len(c.value.Content) == 0 {
		p.fail(c.value.Line, "%s: nothing is said: accepted is %s", c.key, ruleWords)
	}
	for _, s := range settings {
		switch s.key {
		case "severity":
			if word, ok := p.scalar(s.value, "severity", severityWords); ok {
				p.severity(s.value, word, "severity", severityWords, rule)
			}
		case "required":
			rule.Required = p.boolean(s.value, "required")
		}
	}
	return false
}

const (
	severityWords = "info, warning or critical"
	ruleWords     = "off, on, required, info, warning, critical, or {severity: critical, required: true}"
)

// severity reads the severity of a check's failures; others are the words that are accepted beside it.
func (p *parser) severity(n *yaml.Node, word, key, accepted string, rule *check.Rule, others ...string) {
	severity, err := finding.ParseSeverity(word)
	if err != nil {
		p.fail(n.Line, "%s: %s is not accepted%s: accepted is %s", key, quoted(word),
			suggest(word, append(others, "info", "warning", "critical")), accepted)
		return
	}
	rule.Severity = severity
}

// boolean reads true or false.
func (p *parser) boolean(n *yaml.Node, key string) bool {
	word, ok := p.scalar(n, key, "true or false")
	if ok && !slices.Contains([]string{"true", "false"}, word) {
		p.fail(n.Line, "%s: %s is not accepted: accepted is true or false", key, quoted(word))
	}
	return word == "true"
}

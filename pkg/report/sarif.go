package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"vmguard/pkg/finding"
)

// DoctorSARIF writes the report as SARIF 2.1.0, in the shape that GitHub's code scanning takes.
// Failures are results, and so are waived ones, which are suppressed. What could not be decided is
// no result but a notification of the tool, so that it is seen and raises no alert.
func DoctorSARIF(w io.Writer, d Doctor) error {
	s := sarif{d: d, index: map[string]int{}, twins: tally{}}
	s.addRules()
	s.results = make([]sarifResult, 0, len(d.Findings)) // an empty list says that all was checked; null, that nothing was
	for i := range d.Findings {
		switch f := d.Findings[i]; f.Status {
		case finding.Fail, finding.Waived:
			s.results = append(s.results, s.result(f))
		case finding.Unknown, finding.NotAssessable:
			s.notifications = append(s.notifications, s.notification(f))
		}
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(sarifLog{Schema: sarifSchema, Version: sarifVersion, Runs: []sarifRun{s.run()}}); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// sarif is a report in the making.
type sarif struct {
	d             Doctor
	rules         []sarifDescriptor
	index         map[string]int // of a rule, by its ID
	twins         tally
	results       []sarifResult
	notifications []sarifNotification
}

// sarifNotices are the kinds of notifications.
func sarifNotices() []sarifDescriptor {
	return []sarifDescriptor{
		{ID: finding.Unknown.String(), Short: &sarifText{Text: "A check could not be decided"}},
		{ID: finding.NotAssessable.String(), Short: &sarifText{Text: "A check that an image cannot tell: only a running host shows it"}},
	}
}

func (s *sarif) run() sarifRun {
	d := s.d
	invocation := sarifInvocation{Successful: true, Notifications: s.notifications}
	if d.Facts != nil && !d.Facts.CollectedAt.IsZero() {
		invocation.Start = d.Facts.CollectedAt.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	root := "the root of the host's file system"
	if d.Image != "" {
		root = "the root of the image"
	}
	var policies []sarifPolicy
	if d.Policy != "" {
		policies = []sarifPolicy{{Name: ciLine(d.Policy)}}
	}
	return sarifRun{
		Tool:        sarifTool{Driver: sarifDriver{Name: "vmguard", Version: ciLine(d.Version), Rules: s.rules, Notifications: sarifNotices()}},
		Automation:  sarifAutomation{ID: "vmguard/doctor/"},
		Invocations: []sarifInvocation{invocation},
		Bases:       map[string]sarifArtifact{sarifRoot: {Description: &sarifText{Text: root}}},
		Policies:    policies,
		Results:     s.results,
	}
}

// addRules describes the checks that ran, and at least names each that a finding comes from.
func (s *sarif) addRules() {
	s.rules = []sarifDescriptor{}
	for _, r := range s.d.Rules {
		s.addRule(r)
	}
	for i := range s.d.Findings {
		f := &s.d.Findings[i]
		s.addRule(Rule{ID: f.ID, Area: f.Area, Worst: f.Severity})
	}
}

func (s *sarif) addRule(r Rule) {
	if _, ok := s.index[r.ID]; ok {
		return
	}
	s.index[r.ID] = len(s.rules)
	title := cmp.Or(r.Title, r.ID)
	level := sarifLevel(r.Worst)
	s.rules = append(s.rules, sarifDescriptor{
		ID:     ciLine(r.ID),
		Short:  &sarifText{Text: sarifDescription(title)},
		Full:   &sarifText{Text: sarifDescription(cmp.Or(r.Why, title))},
		Help:   sarifHelp(r, title),
		Config: &sarifConfiguration{Level: level},
		Bag:    &sarifRuleBag{Tags: []string{r.Area.String()}, Severity: strings.Replace(level, "note", "recommendation", 1)},
	})
}

// sarifDescription cuts a text to what GitHub keeps of a description: 1,024 characters.
func sarifDescription(s string) string { return Clean(ciLine(s), 1020, true) }

// sarifHelp is what a page shows beside an alert.
func sarifHelp(r Rule, title string) *sarifText {
	text, markdown := []string{}, []string{}
	for _, part := range []struct{ head, body string }{{"Why", r.Why}, {"Rule", r.Rule}, {"Fix", r.Fix}} {
		if part.body != "" {
			text = append(text, part.head+": "+ciLine(part.body))
			markdown = append(markdown, "**"+part.head+":** "+ciLine(part.body))
		}
	}
	if len(text) == 0 {
		return &sarifText{Text: ciLine(title)}
	}
	return &sarifText{Text: strings.Join(text, "\n\n"), Markdown: strings.Join(markdown, "\n\n")}
}

func (s *sarif) result(f finding.Finding) sarifResult {
	at := s.d.place(f)
	r := sarifResult{
		RuleID: ciLine(f.ID), RuleIndex: s.index[f.ID], Kind: "fail", Level: sarifLevel(f.Severity),
		Message:      sarifMessage(f),
		Locations:    []sarifLocation{at.location(f)},
		Fingerprints: at.fingerprints(f, s.twins),
	}
	if f.Status == finding.Waived {
		waiver := sarifSuppression{Kind: "external", Status: "accepted"}
		if f.Waiver != nil {
			waiver.Justification = ciLine(f.Waiver.Reason)
		}
		r.Suppressions = []sarifSuppression{waiver}
	}
	if len(f.Evidence) > 0 {
		r.Bag = &sarifResultBag{}
	}
	for _, e := range f.Evidence {
		r.Bag.Evidence = append(r.Bag.Evidence, ciSeen(e))
	}
	return r
}

func (s *sarif) notification(f finding.Finding) sarifNotification {
	level, kind := "warning", 0
	if f.Status == finding.NotAssessable {
		level, kind = "note", 1
	}
	return sarifNotification{
		Descriptor: sarifReference{ID: f.Status.String(), Index: kind},
		Rule:       sarifReference{ID: ciLine(f.ID), Index: s.index[f.ID]},
		Level:      level,
		Message:    sarifMessage(f),
	}
}

// sarifMessage is what a finding says, with the fix behind a failure. A name must not become a
// link, which a message spells [text](target), so that pair of brackets is parted. Braces stay
// single, although the standard doubles them: no message has arguments to fill in, GitHub shows
// them as they are, and a command must stay one that can be typed.
func sarifMessage(f finding.Finding) sarifText {
	text := ciLine(f.Summary)
	if f.Subject != finding.Host {
		text = ciLine(f.Subject) + ": " + text
	}
	if fix := ciFix(f); fix != "" {
		text += "\n" + fix
	}
	return sarifText{Text: strings.ReplaceAll(text, "](", "] (")}
}

// sarifLevel gives the level of a failure.
func sarifLevel(s finding.Severity) string {
	switch s {
	case finding.Critical:
		return "error"
	case finding.Warning:
		return "warning"
	default:
		return "note"
	}
}

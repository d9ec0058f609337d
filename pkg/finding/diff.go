package finding

import "sort"

// Change is how two reports differ about one thing. Either side is nil where that report says nothing of it.
type Change struct {
	Kind   ChangeKind `json:"kind"`
	Before *Finding   `json:"before,omitempty"`
	After  *Finding   `json:"after,omitempty"`
}

// ChangeKind says what a change means to a reader.
type ChangeKind int

// The kinds, in the order of what a reader should see first.
const (
	// Appeared is a failure that was none before: it was fine, did not apply, was accepted, or was not there.
	Appeared ChangeKind = iota + 1
	// Found is a failure of which the earlier report could not tell, or for which it did not look.
	Found
	// Worse is a failure that has become more severe.
	Worse
	// Unclear can no longer be told; a failure may well be there still.
	Unclear
	// Better is a failure that has become less severe.
	Better
	// Accepted is a failure that the policy waives now.
	Accepted
	// Mended failed, and does so no more.
	Mended
	// Inapplicable failed, and does not apply any more.
	Inapplicable
	// Gone failed, and is not looked at any more: its subject or its check is not in the later report.
	Gone
	// Decided could not be told before, and is fine.
	Decided
	// Reworded says the same in other words, most often with other numbers.
	Reworded
	// Other is no news: what does not apply, what an image cannot tell, what is fine and new.
	Other
)

var changeNames = names[ChangeKind]{
	Appeared: "appeared", Found: "found", Worse: "worse", Unclear: "unclear", Better: "better", Accepted: "accepted",
	Mended: "mended", Inapplicable: "inapplicable", Gone: "gone", Decided: "decided", Reworded: "reworded", Other: "other",
}

// ChangeKinds lists all kinds in their order.
func ChangeKinds() []ChangeKind {
	return []ChangeKind{Appeared, Found, Worse, Unclear, Better, Accepted, Mended, Inapplicable, Gone, Decided, Reworded, Other}
}

func (k ChangeKind) String() string { return changeNames.spell(k) }

// MarshalJSON writes the kind's name; it errs on a value that is none of the constants.
func (k ChangeKind) MarshalJSON() ([]byte, error) { return changeNames.marshal(k) }

// UnmarshalJSON reads a name that MarshalJSON wrote; it errs on any other.
func (k *ChangeKind) UnmarshalJSON(data []byte) error { return changeNames.unmarshal(data, k) }

// Changes is how two reports differ, the worst first.
type Changes []Change

// Worse tells whether anything fails now, at or above a severity, that did not fail before or failed less severely. It is
// the one rule behind the exit code 1 of a comparison.
func (c Changes) Worse(failOn Severity) bool {
	for _, change := range c {
		if change.Kind <= Worse && change.After.Severity >= failOn {
			return true
		}
	}
	return false
}

// Of gives the finding that a change is about: the later one where there is one.
func (c Change) Of() *Finding {
	if c.After != nil {
		return c.After
	}
	return c.Before
}

// Diff compares two reports: findings of one check about one subject are the same thing, and where there
// are several, those are that say the same. What is alike in both is left out, whatever its evidence.
func Diff(before, after Report) Changes {
	was, is := lookAt(before), lookAt(after)
	var changes Changes
	add := func(b, a *Finding) {
		if kind := kindOf(b, a, was, is); kind != 0 {
			changes = append(changes, Change{Kind: kind, Before: b, After: a})
		}
	}
	paired := pairs(before, after)
	taken := make([]bool, len(before))
	for i := range after {
		if j := paired[i]; j >= 0 {
			taken[j] = true
			add(&before[j], &after[i])
		} else {
			add(nil, &after[i])
		}
	}
	for j := range before {
		if !taken[j] {
			add(&before[j], nil)
		}
	}
	sort.SliceStable(changes, func(i, j int) bool {
		x, y := changes[i], changes[j]
		if x.Kind != y.Kind {
			return x.Kind < y.Kind
		}
		if a, b := x.Of().Severity, y.Of().Severity; a != b {
			return a > b
		}
		return x.Of().Area < y.Of().Area
	})
	return changes
}

// thing is what a finding is about.
type thing struct{ id, subject string }

// looked is what a report looked at.
type looked struct {
	ids, subjects map[string]bool
	open          map[thing]bool // what it could not tell
}

func lookAt(r Report) looked {
	l := looked{map[string]bool{}, map[string]bool{}, map[thing]bool{}}
	for _, f := range r {
		l.ids[f.ID], l.subjects[f.Subject] = true, true
		if f.Status == Unknown || f.Status == NotAssessable {
			l.open[thing{f.ID, f.Subject}] = true
		}
	}
	return l
}

// couldTell tells whether the report would have a finding's failure in it, if it were so.
func (l looked) couldTell(f *Finding) bool {
	return l.ids[f.ID] && !l.open[thing{f.ID, f.Subject}] && !l.open[thing{f.ID, Host}]
}

// kindOf says what a pair means; 0 where nothing changed.
func kindOf(before, after *Finding, was, is looked) ChangeKind {
	switch {
	case after == nil:
		return kindOfLost(before, is)
	case before == nil:
		return kindOfNew(after, was)
	case before.Status == after.Status:
		return kindOfSame(before, after)
	}
	failed := before.Status == Fail || before.Status == Waived
	open := before.Status == Unknown || before.Status == NotAssessable
	switch after.Status {
	case Fail:
		if open {
			return Found
		}
		return Appeared
	case Waived:
		return Accepted
	case Unknown:
		if open {
			return Other
		}
		return Unclear
	case NotAssessable:
		if failed {
			return Unclear
		}
		return Other
	case Pass:
		switch {
		case failed:
			return Mended
		case open:
			return Decided
		}
	case Skipped:
		if failed {
			return Inapplicable
		}
	}
	return Other
}

// kindOfSame compares two findings with the same status.
func kindOfSame(before, after *Finding) ChangeKind {
	switch {
	case after.Status == Fail && after.Severity > before.Severity:
		return Worse
	case after.Status == Fail && after.Severity < before.Severity:
		return Better
	case after.Summary != before.Summary:
		return Reworded
	default:
		return 0
	}
}

// kindOfLost judges what the later report does not speak of.
func kindOfLost(before *Finding, is looked) ChangeKind {
	switch {
	case before.Status != Fail && before.Status != Waived:
		return Other
	case is.couldTell(before) && is.subjects[before.Subject]:
		return Mended
	case is.ids[before.ID] && !is.couldTell(before):
		return Unclear
	default:
		return Gone
	}
}

// kindOfNew judges what the earlier report does not speak of.
func kindOfNew(after *Finding, was looked) ChangeKind {
	switch {
	case after.Status == Fail && was.couldTell(after):
		return Appeared
	case after.Status == Fail:
		return Found
	case after.Status == Waived:
		return Accepted
	case after.Status == Unknown:
		return Unclear
	default:
		return Other
	}
}

package change_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"vmguard/pkg/change"
)

// TestEveryPlan runs each plan of up to four steps of all kinds, and holds what it says of itself against the host.
func TestEveryPlan(t *testing.T) {
	t.Parallel()
	kinds := []string{"", "already", "fails", "optional fails", "harmless", "final", "sticks", "ends", "stops"}
	plans := [][]string{nil}
	for from, length := 0, 1; length <= 4; length++ {
		till := len(plans)
		for _, plan := range plans[from:till] {
			for _, kind := range kinds {
				plans = append(plans, append(slices.Clone(plan), string(rune('a'+len(plan)))+" "+kind))
			}
		}
		from = till
	}
	for _, steps := range plans {
		s, _, result := play(t, steps)
		for _, fault := range faults(s, result) {
			t.Errorf("%q: %s\n%s", steps, fault, strings.Join(s.log, "\n"))
		}
	}
	if want := 1 + 9 + 81 + 729 + 6561; len(plans) != want {
		t.Errorf("%d plans, want %d", len(plans), want)
	}
}

// faults are the promises of a plan that a run broke.
func faults(s *stage, r change.Result) []string {
	var out []string
	fault := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	left := 0
	final := slices.ContainsFunc(r.Outcomes, func(o change.Outcome) bool { return o.State == change.Done && o.Step.Undo == nil })
	for i, o := range r.Outcomes {
		there := s.host[o.Step.Name]
		switch o.State {
		case change.Done, change.NotUndone:
			left++
			if !there {
				fault("%s is %s, and is not on the host", o.Step.Name, o.State)
			}
		case change.Undone, change.Planned, change.Already, change.Failed:
			if there && !o.Step.Harmless {
				fault("%s is %s, and is on the host", o.Step.Name, o.State)
			}
		}
		if (o.Err != nil) != (o.State == change.Failed || o.State == change.NotUndone) {
			fault("%s is %s, with the error %v", o.Step.Name, o.State, o.Err)
		}
		stayed := o.State == change.Done || o.State == change.Already || (o.State == change.Failed && o.Step.Optional)
		if r.Complete() && !stayed {
			fault("complete, and step %d is %s", i, o.State)
		}
		if !r.Complete() && o.State == change.Done && !final {
			fault("not complete, and step %d is done", i)
		}
	}
	if r.Restored() != (left == 0) {
		fault("restored %v, and %d steps are left", r.Restored(), left)
	}
	var applied, undone []string
	for _, line := range s.log {
		switch what, name, _ := strings.Cut(line, " "); what {
		case "apply":
			applied = append(applied, name)
		case "undo":
			undone = append(undone, name)
		}
	}
	slices.Reverse(undone)
	if !slices.IsSorted(applied) || !slices.IsSorted(undone) {
		fault("applied %q; undone, from last to first, %q", applied, undone)
	}
	return out
}

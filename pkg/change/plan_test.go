package change_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/change"
)

// stage is where the steps of a test play: what they did to a host that has one part for each step.
type stage struct {
	log    []string
	host   map[string]bool // the steps that are applied
	cancel context.CancelFunc
}

func (s *stage) say(words ...string) { s.log = append(s.log, strings.Join(words, " ")) }

// step makes a step from a line such as "b fails" or "c optional fails".
func (s *stage) step(line string) change.Step {
	name, what, _ := strings.Cut(line, " ")
	is := func(word string) bool { return slices.Contains(strings.Fields(what), word) }
	step := change.Step{
		Name: name, Text: "the text of " + name,
		Already: is("already"), Optional: is("optional"), Harmless: is("harmless"),
		Apply: func(ctx context.Context, progress change.Progress) (string, error) {
			s.say("apply", name)
			if is("slow") {
				progress(1, 2)
				progress(2, 2)
			}
			if is("ends") {
				s.cancel()
			}
			switch {
			case is("fails"):
				return "not to be told", errors.New(name + " is broken")
			case is("stops"):
				s.cancel()
				return "", fmt.Errorf("wait: %w", ctx.Err())
			}
			s.host[name] = true
			if is("speaks") {
				return name + " was done", nil
			}
			return "", nil
		},
		Undo: func(ctx context.Context) error {
			s.say("undo", name)
			if err := ctx.Err(); err != nil {
				return err
			}
			if is("sticks") {
				return errors.New(name + " sticks")
			}
			delete(s.host, name)
			return nil
		},
	}
	if is("final") {
		step.Undo = nil
	}
	return step
}

// play runs the steps and gives the result, with all that was done and told, in order.
func play(t *testing.T, steps []string) (*stage, change.Plan, change.Result) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := &stage{host: map[string]bool{}, cancel: cancel}
	var plan change.Plan
	for _, line := range steps {
		if line == "context ended" {
			cancel()
			continue
		}
		plan = append(plan, s.step(line))
	}
	return s, plan, plan.Run(ctx, change.Watcher{
		Starting: func(step change.Step) { s.say("starting", step.Name) },
		Progress: func(step change.Step, done, total uint64) { s.say(step.Name, fmt.Sprintf("%d/%d", done, total)) },
		Finished: func(o change.Outcome) { s.say("finished", o.Step.Name, string(o.State)) },
	})
}

// endings are the outcomes as text: state, what was done, and why not.
func endings(r change.Result) []string {
	var out []string
	for _, o := range r.Outcomes {
		line := fmt.Sprintf("%s: %s: %s", o.Step.Name, o.State, o.Did)
		if o.Err != nil {
			line += ": " + o.Err.Error()
		}
		out = append(out, line)
	}
	return out
}

// planTest is a plan and what must become of it.
type planTest struct {
	steps       []string
	log         []string
	endings     []string
	err         string
	interrupted bool
	changed     bool // the host is not as it was: Restored must say so
}

func planTests() map[string]planTest {
	tests := planTestsInterrupted()
	for name, test := range map[string]planTest{
		"no steps": {},
		"all done": {
			steps: []string{"a", "b speaks slow"},
			log: []string{
				"starting a", "apply a", "finished a done",
				"starting b", "apply b", "b 1/2", "b 2/2", "finished b done",
			},
			endings: []string{"a: done: the text of a", "b: done: b was done"},
			changed: true,
		},
		"already": {
			steps:   []string{"a already", "b", "c already"},
			log:     []string{"finished a already", "starting b", "apply b", "finished b done", "finished c already"},
			endings: []string{"a: already: the text of a", "b: done: the text of b", "c: already: the text of c"},
			changed: true,
		},
		"all already": {
			steps:   []string{"a already", "b already"},
			log:     []string{"finished a already", "finished b already"},
			endings: []string{"a: already: the text of a", "b: already: the text of b"},
		},
		"the first fails": {
			steps:   []string{"a fails", "b", "c already"},
			log:     []string{"starting a", "apply a", "finished a failed"},
			endings: []string{"a: failed: the text of a: a is broken", "b: planned: the text of b", "c: already: the text of c"},
			err:     "a: a is broken",
		},
		"one in the middle fails": {
			steps: []string{"a", "b fails", "c"},
			log: []string{
				"starting a", "apply a", "finished a done", "starting b", "apply b", "finished b failed", "undo a", "finished a undone",
			},
			endings: []string{"a: undone: the text of a", "b: failed: the text of b: b is broken", "c: planned: the text of c"},
			err:     "b: b is broken",
		},
		"the last fails": {
			steps: []string{"a", "b already", "c", "d fails"},
			log: []string{
				"starting a", "apply a", "finished a done", "finished b already", "starting c", "apply c", "finished c done",
				"starting d", "apply d", "finished d failed", "undo c", "finished c undone", "undo a", "finished a undone",
			},
			endings: []string{
				"a: undone: the text of a", "b: already: the text of b", "c: undone: the text of c", "d: failed: the text of d: d is broken",
			},
			err: "d: d is broken",
		},
		"an optional one fails": {
			steps: []string{"a", "b optional fails", "c"},
			log: []string{
				"starting a", "apply a", "finished a done", "starting b", "apply b", "finished b failed", "starting c", "apply c", "finished c done",
			},
			endings: []string{"a: done: the text of a", "b: failed: the text of b: b is broken", "c: done: the text of c"},
			changed: true,
		},
		"one fails after an optional one": {
			steps: []string{"a optional", "b optional fails", "c fails"},
			log: []string{
				"starting a", "apply a", "finished a done", "starting b", "apply b", "finished b failed", "starting c", "apply c", "finished c failed",
				"undo a", "finished a undone",
			},
			endings: []string{"a: undone: the text of a", "b: failed: the text of b: b is broken", "c: failed: the text of c: c is broken"},
			err:     "c: c is broken",
		},
		"what is harmless is not undone": {
			steps: []string{"a", "b harmless", "c harmless final", "d fails"},
			log: []string{
				"starting a", "apply a", "finished a done", "starting b", "apply b", "finished b done", "starting c", "apply c", "finished c done",
				"starting d", "apply d", "finished d failed", "undo a", "finished a undone",
			},
			endings: []string{
				"a: undone: the text of a", "b: undone: the text of b", "c: undone: the text of c", "d: failed: the text of d: d is broken",
			},
			err: "d: d is broken",
		},
		"what cannot be undone": {
			steps: []string{"a", "b final", "c fails", "d ends", "e"},
			log: []string{
				"starting a", "apply a", "finished a done", "starting b", "apply b", "finished b done", "starting c", "apply c", "finished c failed",
				"starting d", "apply d", "finished d done", "starting e", "apply e", "finished e done",
			},
			endings: []string{
				"a: done: the text of a", "b: done: the text of b", "c: failed: the text of c: c is broken",
				"d: done: the text of d", "e: done: the text of e",
			},
			err:     "c: c is broken",
			changed: true,
		},
		"an undoing fails": {
			steps: []string{"a", "b sticks", "c sticks", "d fails"},
			log: []string{
				"starting a", "apply a", "finished a done", "starting b", "apply b", "finished b done", "starting c", "apply c", "finished c done",
				"starting d", "apply d", "finished d failed",
				"undo c", "finished c not undone", "undo b", "finished b not undone", "undo a", "finished a undone",
			},
			endings: []string{
				"a: undone: the text of a", "b: not undone: the text of b: b sticks", "c: not undone: the text of c: c sticks",
				"d: failed: the text of d: d is broken",
			},
			err:     "d: d is broken",
			changed: true,
		},
	} {
		tests[name] = test
	}
	return tests
}

func planTestsInterrupted() map[string]planTest {
	return map[string]planTest{
		"the context has ended before": {
			steps:       []string{"context ended", "a already", "b", "c"},
			endings:     []string{"a: already: the text of a", "b: planned: the text of b", "c: planned: the text of c"},
			err:         "context canceled",
			interrupted: true,
		},
		"it ends between two steps": {
			steps:       []string{"a", "b ends", "c"},
			log:         []string{"starting a", "apply a", "finished a done", "starting b", "apply b", "finished b done", "undo b", "finished b undone", "undo a", "finished a undone"},
			endings:     []string{"a: undone: the text of a", "b: undone: the text of b", "c: planned: the text of c"},
			err:         "context canceled",
			interrupted: true,
		},
		"it ends inside a step": {
			steps:       []string{"a", "b stops", "c"},
			log:         []string{"starting a", "apply a", "finished a done", "starting b", "apply b", "finished b failed", "undo a", "finished a undone"},
			endings:     []string{"a: undone: the text of a", "b: failed: the text of b: wait: context canceled", "c: planned: the text of c"},
			err:         "b: wait: context canceled",
			interrupted: true,
		},
		"it ends inside an optional step": {
			steps:       []string{"a", "b optional stops", "c"},
			log:         []string{"starting a", "apply a", "finished a done", "starting b", "apply b", "finished b failed", "undo a", "finished a undone"},
			endings:     []string{"a: undone: the text of a", "b: failed: the text of b: wait: context canceled", "c: planned: the text of c"},
			err:         "b: wait: context canceled",
			interrupted: true,
		},
		"it ends inside the last step, which is done": {
			steps:   []string{"a ends"},
			log:     []string{"starting a", "apply a", "finished a done"},
			endings: []string{"a: done: the text of a"},
			changed: true,
		},
	}
}

func TestPlan(t *testing.T) {
	t.Parallel()
	for name, test := range planTests() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _, result := play(t, test.steps)
			if diff := cmp.Diff(test.log, s.log); diff != "" {
				t.Errorf("what happened (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.endings, endings(result)); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
			if got := text(result.Err); got != test.err {
				t.Errorf("error %q, want %q", got, test.err)
			}
			if result.Interrupted != test.interrupted {
				t.Errorf("interrupted %v, want %v", result.Interrupted, test.interrupted)
			}
			if got, want := result.Complete(), test.err == ""; got != want {
				t.Errorf("complete %v, want %v", got, want)
			}
			if got, want := result.Restored(), !test.changed; got != want {
				t.Errorf("restored %v, want %v", got, want)
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestPlanErrorKeepsItsCause: who runs a plan asks what the cause was, and may leave out every function of the watcher.
func TestPlanErrorKeepsItsCause(t *testing.T) {
	t.Parallel()
	cause := errors.New("the cause")
	plan := change.Plan{{
		Name: "long",
		Apply: func(_ context.Context, progress change.Progress) (string, error) {
			progress(1, 2)
			return "", cause
		},
	}}
	result := plan.Run(t.Context(), change.Watcher{})
	if !errors.Is(result.Err, cause) || !errors.Is(result.Outcomes[0].Err, cause) || result.Interrupted {
		t.Errorf("error %v, outcome %v, interrupted %v; want %v in both", result.Err, result.Outcomes[0].Err, result.Interrupted, cause)
	}
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	s := &stage{host: map[string]bool{}}
	plan := change.Plan{s.step("a already"), s.step("b"), s.step("c optional fails")}
	result := plan.DryRun()
	want := []string{"a: already: the text of a", "b: planned: the text of b", "c: planned: the text of c"}
	if diff := cmp.Diff(want, endings(result)); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	if !result.Complete() || !result.Restored() || result.Interrupted || len(s.log) != 0 {
		t.Errorf("complete %v, restored %v, interrupted %v, done %q", result.Complete(), result.Restored(), result.Interrupted, s.log)
	}
}

func TestEmpty(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		steps []string
		want  bool
	}{
		{nil, true},
		{[]string{"a already", "b already"}, true},
		{[]string{"a already", "b"}, false},
		{[]string{"a optional", "b already"}, false},
		{[]string{"a harmless"}, false},
	} {
		_, plan, _ := play(t, test.steps)
		if got := plan.Empty(); got != test.want {
			t.Errorf("%q: empty %v, want %v", test.steps, got, test.want)
		}
	}
}

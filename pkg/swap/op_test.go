package swap

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/host"
)

// The sizes of the areas in these tests: the wanted one and another.
const (
	wantedArea = 4 * gib
	otherArea  = 2 * gib
)

// The priorities: what was active has one, what a plan activates the other.
const (
	formerPriority = 7
	plannedPrio    = 5
)

// modelFile is a file as far as swap goes.
type modelFile struct {
	area     uint64 // 0 where it is no swapfile
	active   bool
	priority int
}

// model is the three names, with the kernel's rules on them.
type model map[string]modelFile

func (m model) anyActive() bool { return countActive(m) > 0 }

// String spells a model such as "main=N+ old=junk": N is the wanted size, + is active.
func (m model) String() string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		f, word := m[name], "junk"
		switch f.area {
		case wantedArea:
			word = "N"
		case otherArea:
			word = "A"
		}
		if f.active {
			word += "+"
		}
		words = append(words, name+"="+word)
	}
	return strings.Join(words, " ")
}

// inactive makes sure that a name is of an inactive file: the kernel renames and removes no other.
func (m model) inactive(name string) error {
	f, ok := m[name]
	switch {
	case !ok:
		return fmt.Errorf("%s is not there", name)
	case f.active:
		return fmt.Errorf("%s is active", name)
	}
	return nil
}

// apply does what an operation does, and errs where the kernel would.
func (m model) apply(o op) error {
	f, there := m[o.path]
	switch o.kind {
	case opAllocate:
		if there {
			return fmt.Errorf("%v: it is there", o)
		}
		m[o.path] = modelFile{}
		return nil
	case opOff:
		if !f.active || f.area != o.size || f.priority != o.priority {
			return fmt.Errorf("%v: it is %+v, not %d bytes with priority %d", o, f, o.size, o.priority)
		}
		f.active, f.priority = false, 0
		m[o.path] = f
		return nil
	}
	if err := m.inactive(o.path); err != nil {
		return fmt.Errorf("%v: %w", o, err)
	}
	switch o.kind {
	case opFormat:
		m[o.path] = modelFile{area: o.size}
	case opOn:
		if f.area == 0 || f.area != o.size {
			return fmt.Errorf("%v: it is an area of %d, not of %d", o, f.area, o.size)
		}
		m[o.path] = modelFile{area: f.area, active: true, priority: o.priority}
	case opMove:
		if _, there := m[o.to]; there {
			return fmt.Errorf("%v: there is a file already", o)
		}
		m[o.to] = f
		delete(m, o.path)
	case opSweep, opRemove:
		delete(m, o.path)
	default:
		return fmt.Errorf("%v: of no use on these files", o)
	}
	return nil
}

// undo takes an operation back, as its step does.
func (m model) undo(o op) error {
	switch {
	case o.mends || o.kind == opFormat || o.kind == opSweep:
		return nil
	case o.kind == opAllocate:
		return m.apply(op{kind: opRemove, path: o.path})
	case o.kind == opOn:
		return m.apply(op{kind: opOff, path: o.path, size: o.size, priority: o.priority})
	case o.kind == opOff:
		return m.apply(op{kind: opOn, path: o.path, size: o.size, priority: o.priority})
	case o.kind == opMove:
		return m.apply(op{kind: opMove, path: o.to, to: o.path})
	}
	return fmt.Errorf("%v: cannot be undone", o)
}

// plan makes the plan for a model.
func (m model) plan() *filePlan {
	look := func(name string) File {
		f, ok := m[name]
		file := File{Path: name, Exists: ok}
		if !ok {
			return file
		}
		file.HeaderErr = ErrNoHeader
		if f.area != 0 {
			file.Size, file.HeaderErr = f.area, nil
			file.Header = Header{PageSize: minPageSize, LastPage: uint32(f.area/minPageSize - 1), Label: Label}
		}
		if f.active {
			file.Active = &host.SwapArea{Path: name, Type: "file", Size: f.area - minPageSize, Priority: f.priority}
		}
		return file
	}
	return newFilePlan(State{Main: look("main"), Fresh: look("new"), Old: look("old")}, plannedPrio)
}

// allModels gives each state that the three names can be in; a file that is no swapfile
// under the main name is refused before anything is planned.
func allModels() []model {
	var all []model
	kinds := []*modelFile{
		nil, {}, {area: otherArea}, {area: otherArea, active: true, priority: formerPriority},
		{area: wantedArea}, {area: wantedArea, active: true, priority: formerPriority},
	}
	for _, main := range kinds {
		for _, fresh := range kinds {
			for _, old := range kinds {
				m := model{}
				for name, f := range map[string]*modelFile{"main": main, "new": fresh, "old": old} {
					if f != nil {
						m[name] = *f
					}
				}
				if f, ok := m["main"]; !ok || f.area != 0 {
					all = append(all, m)
				}
			}
		}
	}
	return all
}

// wish is what is asked of the three names.
type wish struct {
	enable, rearm, keep bool
}

func allWishes() []wish {
	return []wish{{enable: true}, {enable: true, rearm: true}, {}, {keep: true}}
}

func (w wish) plan(m model) *filePlan {
	p := m.plan()
	if w.enable {
		p.enable(wantedArea, w.rearm)
	} else {
		p.disable(w.keep)
	}
	return p
}

// reached tells what is wrong with where a plan led to.
func (w wish) reached(from, to model) string {
	want := model{}
	switch former := from["main"]; {
	case w.enable && former.active && former.area == wantedArea && !w.rearm:
		want["main"] = former
	case w.enable:
		want["main"] = modelFile{area: wantedArea, active: true, priority: plannedPrio}
	case w.keep && former.area != 0:
		want["main"] = modelFile{area: former.area}
	}
	return cmp.Diff(want, to, cmp.AllowUnexported(modelFile{}))
}

// course runs a plan on a copy of a model, and gives the states before, between and after the operations.
func course(t *testing.T, start model, p *filePlan) []model {
	t.Helper()
	at := maps.Clone(start)
	states := []model{maps.Clone(at)}
	bare, beside := false, p.beside
	for _, o := range slices.Concat(p.ops, p.last) {
		if err := at.apply(o); err != nil {
			t.Fatalf("%v: %v\n%v", start, err, p.ops)
		}
		if o.kind == opOff {
			room := uint64(0)
			for _, f := range at {
				if f.active {
					room += f.area
				}
			}
			bare = bare || !at.anyActive()
			beside = min(beside, room)
		}
		states = append(states, maps.Clone(at))
	}
	if bare != p.bare() || beside != p.beside {
		t.Errorf("%v: bare %v and %d beside, and it says %v and %d\n%v", start, bare, beside, p.bare(), p.beside, p.ops)
	}
	return states
}

// needsFile tells that none of the files can be the wanted one: either none has its size, or the one that was
// moved away has it, and could only be renamed while nothing is active.
func needsFile(m model) bool {
	old, moved := m["old"], m["main"].area == 0 && m["new"].area != wantedArea
	return m["main"].area != wantedArea && m["new"].area != wantedArea &&
		!(moved && old.area == wantedArea && (!old.active || m["new"].area != 0))
}

// countActive counts the active files of a model.
func countActive(m model) int {
	n := 0
	for _, f := range m {
		if f.active {
			n++
		}
	}
	return n
}

// areasIn counts the swapfiles of a model.
func areasIn(m model) int {
	n := 0
	for _, f := range m {
		if f.area != 0 {
			n++
		}
	}
	return n
}

// bare tells that for a moment none of the swapfiles is active.
func (p *filePlan) bare() bool { return p.beside == 0 }

// TestEveryPlan runs every plan from every state: it keeps to the kernel's rules, comes to
// its goal, and has swap active at every instant where it was in the beginning.
func TestEveryPlan(t *testing.T) {
	t.Parallel()
	for _, start := range allModels() {
		for _, w := range allWishes() {
			p := w.plan(start)
			states := course(t, start, p)
			if diff := w.reached(start, states[len(states)-1]); diff != "" {
				t.Errorf("%v, %+v: %v then %v leads to %s", start, w, p.ops, p.last, diff)
			}
			if !w.enable {
				continue
			}
			for i, m := range states {
				if start.anyActive() && !m.anyActive() && !p.bare() {
					t.Errorf("%v, %+v: nothing is active after %v", start, w, p.ops[:i])
				}
			}
			// Only a swapfile that stands alone, and has to be switched off itself, may leave a gap.
			if p.bare() && (areasIn(start) != 1 || !start["main"].active && !start["new"].active) {
				t.Errorf("%v, %+v: nothing is active for a moment: %v", start, w, p.ops)
			}
			if made := slices.ContainsFunc(p.ops, func(o op) bool { return o.kind == opAllocate }); made && !needsFile(start) {
				t.Errorf("%v, %+v: a file is made, though there is one: %v", start, w, p.ops)
			}
			for i, o := range p.ops {
				if o.kind == opOn && o.path != "main" && countActive(states[i+1]) > 2 {
					t.Errorf("%v, %+v: %v is of no use: %v", start, w, o, p.ops)
				}
			}
			if again := w.plan(states[len(states)-1]); len(again.ops)+len(again.last) > 0 && !w.rearm {
				t.Errorf("%v: and again: %v", start, again.ops)
			}
		}
	}
}

// TestKilledAnywhere kills every plan after each operation: whatever is asked for next is
// reached from there.
func TestKilledAnywhere(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, m := range allModels() {
		known[m.String()] = true
	}
	for _, start := range allModels() {
		for _, w := range allWishes() {
			for _, killed := range course(t, start, w.plan(start)) {
				if !known[killed.String()] {
					t.Fatalf("%v, %+v: leads to %v, from where nothing goes on", start, w, killed)
				}
				for _, next := range allWishes() {
					states := course(t, killed, next.plan(killed))
					if diff := next.reached(killed, states[len(states)-1]); diff != "" {
						t.Errorf("%v, %+v, killed at %v, then %+v: %s", start, w, killed, next, diff)
					}
				}
			}
		}
	}
}

// TestFailedAnywhere lets every plan fail at each operation and takes it back: that meets
// no refusal, swap stays on, and the state is the one before but for what is swept away.
func TestFailedAnywhere(t *testing.T) {
	t.Parallel()
	for _, start := range allModels() {
		for _, w := range allWishes() {
			p := w.plan(start)
			states := course(t, start, p)
			for failed := range p.ops {
				at := maps.Clone(states[failed])
				for i := failed - 1; i >= 0; i-- {
					if err := at.undo(p.ops[i]); err != nil {
						t.Fatalf("%v, %+v, taking back %v: %v", start, w, p.ops[:failed], err)
					}
					if w.enable && start.anyActive() && !at.anyActive() && !p.bare() {
						t.Errorf("%v, %+v: nothing is active while %v is taken back", start, w, p.ops[:failed])
					}
				}
				if diff := cmp.Diff(restored(start, p.ops[:failed]), at, cmp.AllowUnexported(modelFile{})); diff != "" {
					t.Errorf("%v, %+v, taking back %v: %s", start, w, p.ops[:failed], diff)
				}
				if start.anyActive() != at.anyActive() {
					t.Errorf("%v, %+v: taking back %v leaves active: %v", start, w, p.ops[:failed], at)
				}
			}
		}
	}
}

// restored is where a plan leads to that failed after some operations: to the start, but
// what a killed run left stays swept away, with what made way for that.
func restored(start model, done []op) model {
	want := maps.Clone(start)
	for _, o := range done {
		f := want[o.path]
		switch {
		case o.kind == opSweep:
			delete(want, o.path)
		case o.mends && o.kind == opOn:
			want[o.path] = modelFile{area: f.area, active: true, priority: o.priority}
		case o.mends && o.kind == opOff:
			want[o.path] = modelFile{area: f.area}
		}
	}
	return want
}

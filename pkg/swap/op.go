package swap

import (
	"fmt"
	"math"
	"slices"
)

// opKind is what an operation does to a file.
type opKind string

// The kinds of operations.
const (
	opAllocate opKind = "allocate" // make a file of that size
	opFormat   opKind = "format"   // write the swap header
	opOn       opKind = "on"       // swapon
	opOff      opKind = "off"      // swapoff
	opMove     opKind = "move"     // rename
	opProtect  opKind = "protect"  // chmod 0600
	opRemove   opKind = "remove"   // unlink: cannot be undone
	opSweep    opKind = "sweep"    // unlink what a killed run left half made: nothing is lost
)

// op is one operation on a file.
type op struct {
	kind     opKind
	path, to string // to: of a move
	size     uint64 // of allocate, format and on: the area, its header included
	priority int    // of on and off: what the area has or had; below 0 is the kernel's choice
	// mends tells that it is not taken back where a later operation fails: it makes way for the
	// sweeping of an area that a killed run left, which cannot be taken back either.
	mends bool
}

// String spells an operation for tests.
func (o op) String() string {
	switch o.kind {
	case opMove:
		return fmt.Sprintf("%s %s %s", o.kind, o.path, o.to)
	case opAllocate:
		return fmt.Sprintf("%s %s %d", o.kind, o.path, o.size)
	default:
		return fmt.Sprintf("%s %s", o.kind, o.path)
	}
}

// slot is a name and what a plan, as far as it has come, leaves under it.
type slot struct {
	path           string
	exists, active bool
	area           uint64 // 0 where it is no swapfile
	priority       int    // that it is active with
}

func slotOf(f File) *slot {
	s := &slot{path: f.Path, exists: f.Exists, area: f.Area(), priority: -1}
	if f.Active != nil {
		s.active, s.priority = true, f.Active.Priority
	}
	return s
}

// filePlan is the way from the three names as they are to one active swapfile, or none.
type filePlan struct {
	main, fresh, old *slot
	priority         int // for what is activated
	ops              []op
	last             []op // what cannot be undone, so it comes after everything else
	// beside is the least, in bytes, that the other swapfiles have room for while one is switched off; no limit
	// where none is, and 0 where for a moment memory alone must hold what they held.
	beside uint64
}

func newFilePlan(s State, priority int) *filePlan {
	return &filePlan{
		main: slotOf(s.Main), fresh: slotOf(s.Fresh), old: slotOf(s.Old), priority: priority, beside: math.MaxUint64,
	}
}

// enable plans the way to an active swapfile of that size under the main name.
//
// A file of another size is replaced so that swap is active at every instant: the new
// file is activated beside the old one, the old one switched off and moved out of the way,
// activated once more while the new one, which cannot be renamed while it is active, gets
// its name, and removed in the end. Any of the states between is one that this function starts from
// as well.
func (p *filePlan) enable(size uint64, rearm bool) {
	switch {
	case p.main.exists && p.main.area == size:
		if rearm {
			p.off(p.main)
		}
		if !p.main.active {
			p.on(p.main)
		}
	case !p.main.exists && p.old.area == size && p.fresh.area != size && (!p.old.active || p.fresh.area != 0):
		// A resize to another size was killed: the file that it moved away goes back.
		p.off(p.old)
		p.move(p.old, p.main)
		p.on(p.main)
	default:
		p.mend(size)
		p.replace(size)
	}
	p.clear()
}

// mend frees the two names beside the swapfile of what a killed run for another size left there.
func (p *filePlan) mend(size uint64) {
	if p.fresh.exists && p.fresh.area != size {
		if p.fresh.active && p.main.area == 0 && p.old.area == 0 {
			// It is all the swap there is, so it stays until the new one is active.
			p.drop(p.old)
			p.off(p.fresh)
			p.move(p.fresh, p.old)
			p.on(p.old)
		}
		p.drop(p.fresh)
	}
	if p.main.exists {
		p.drop(p.old)
	}
}

// replace makes a new file, unless a killed run has, and gives it the place of the old one.
func (p *filePlan) replace(size uint64) {
	if !p.fresh.exists {
		p.ops = append(p.ops, op{kind: opAllocate, path: p.fresh.path, size: size}, op{kind: opFormat, path: p.fresh.path, size: size})
		p.fresh.exists, p.fresh.area = true, size
	}
	if p.main.exists {
		p.off(p.main)
		p.move(p.main, p.old)
	}
	p.off(p.fresh)
	p.move(p.fresh, p.main)
	p.on(p.main)
}

// disable plans the way to no active swapfile.
func (p *filePlan) disable(keep bool) {
	for _, s := range []*slot{p.main, p.old, p.fresh} {
		p.turnOff(s)
	}
	if p.main.exists && !keep {
		p.last = append(p.last, op{kind: opRemove, path: p.main.path})
	}
	p.clear()
}

// clear takes away what is left beside the swapfile.
func (p *filePlan) clear() {
	for _, s := range []*slot{p.old, p.fresh} {
		p.turnOff(s)
		if s.exists {
			p.last = append(p.last, op{kind: opRemove, path: s.path})
			s.exists = false
		}
	}
}

func (p *filePlan) on(s *slot) {
	p.ops = append(p.ops, op{kind: opOn, path: s.path, size: s.area, priority: p.priority})
	s.active, s.priority = true, p.priority
}

// off switches an area off, where it is active, once another of the three is active that can take
// its pages, if there is one.
func (p *filePlan) off(s *slot) {
	if !s.active {
		return
	}
	var other *slot
	for _, o := range p.others(s) {
		switch {
		case o.active:
			other = o
		case other == nil && o.area != 0:
			other = o
		}
	}
	if other != nil && !other.active {
		p.on(other)
	}
	p.turnOff(s)
}

// others are the slots beside one.
func (p *filePlan) others(s *slot) []*slot {
	return slices.DeleteFunc([]*slot{p.main, p.fresh, p.old}, func(o *slot) bool { return o == s })
}

func (p *filePlan) turnOff(s *slot) {
	if !s.active {
		return
	}
	p.ops = append(p.ops, op{kind: opOff, path: s.path, size: s.area, priority: s.priority})
	s.active = false
	beside := uint64(0)
	for _, o := range p.others(s) {
		if o.active {
			beside += o.area
		}
	}
	p.beside = min(p.beside, beside)
}

func (p *filePlan) move(from, to *slot) {
	p.ops = append(p.ops, op{kind: opMove, path: from.path, to: to.path})
	to.exists, to.area = true, from.area
	from.exists, from.area = false, 0
}

// drop takes a file away at once, if there is one.
func (p *filePlan) drop(s *slot) {
	if !s.exists {
		return
	}
	before := len(p.ops)
	p.off(s)
	for i := range p.ops[before:] {
		p.ops[before+i].mends = true
	}
	p.ops = append(p.ops, op{kind: opSweep, path: s.path})
	s.exists, s.area = false, 0
}

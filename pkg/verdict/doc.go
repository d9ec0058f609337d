// Package verdict says why a container died: one verdict for each death, with its
// evidence, how sure it is, why it was nothing else, and what mends it.
//
// It joins three witnesses, none of which is enough alone: the engine's account (inspect
// and events), the kernel's log of OOM kills, and what the container itself printed. All
// of it is pure: Judge takes what was read, or why it could not be read (Input), and
// gives a Report. What each verdict means stands in docs/why.md.
//
// Lives are cut out of the events (life.go), kills are laid beside them (place.go), and
// each end is then judged: by the kernel's kills (memory.go, pidone.go), by SIGKILL (sigkill.go),
// by the runtime's own words (heap.go), by the exit code (exit.go).
package verdict

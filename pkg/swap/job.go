package swap

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"vmguard/pkg/change"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
)

// Job is what is to be done to the host, and what is so already. It is made by PlanEnable
// and PlanDisable, and Steps makes a plan of it.
type Job struct {
	// File is the swapfile's path, free of links, and Size its area in bytes with the header; 0 where
	// there will be none.
	File string
	Size uint64
	// Persistent tells that the swapfile is active again after a reboot.
	Persistent bool
	// Notes are what the user should know beside the steps.
	Notes []string
	// Undo is the command that takes the whole back; empty where nothing is done, or no command can.
	Undo string

	space   string // what the disk has and will have; empty where nothing is allocated
	already []fact // what the swapfile is and has already
	after   []fact // what is so already of what comes after the operations on files
	ops     []op   // on the files, in order
	last    []op   // after everything else
	edit    *edit  // of fstab
	reload  bool   // of systemd
	sysctl  *sysctlEdit
	method  change.Method
	nocow   bool // btrfs
	label   string
}

// fact is a step that the host needs no more.
type fact struct{ name, text string }

// edit is the replacement of a text file, and what is said about it.
type edit struct {
	change.Edit
	name string // of its step
	text string
}

// sysctlEdit sets vm.swappiness now and at boot.
type sysctlEdit struct {
	edit
	now, was int64 // of the running value; the same where that stays
}

// sizeFlag spells a size as --size takes it.
func sizeFlag(size uint64) string {
	switch {
	case size%gib == 0:
		return fmt.Sprintf("%dG", size/gib)
	case size%mib == 0:
		return fmt.Sprintf("%dM", size/mib)
	default:
		return fmt.Sprintf("%dK", size/1024)
	}
}

// command spells a vmguard swap command for a file.
func command(verb, file, flags string) string {
	line := "sudo vmguard swap " + verb
	if flags != "" {
		line += " " + flags
	}
	if file != DefaultFile {
		line += " --file " + human.ShellWord(file)
	}
	return line
}

// EnableCommand is the command that makes a swapfile of that size, for the remedies of
// vmguard doctor.
func EnableCommand(size uint64) string {
	return command("enable", DefaultFile, "--size "+sizeFlag(size))
}

// CommandFor is the command that does what is missing for a swapfile, for the remedies of
// vmguard doctor.
func CommandFor(file string) string { return command("enable", file, "") }

// checkFiles errs where something stands under one of the three names that vmguard does
// not touch, or, for a file that shall be active, that no kernel would accept.
func checkFiles(s State, active bool) error {
	if err := checkBeside(s); err != nil {
		return err
	}
	return checkMain(s, active)
}

func checkBeside(s State) error {
	for _, f := range []File{s.Fresh, s.Old} {
		switch {
		case f.Exists && f.Problem != "":
			return refuse("move it away", "%s is in the way: it %s", f.Path, f.Problem)
		case f.ActiveAs != "":
			return refuse("sudo swapoff "+human.ShellWord(f.ActiveAs)+", and again", "%s is in the way: it is active as %s", f.Path, f.ActiveAs)
		}
	}
	for _, f := range []File{s.Main, s.Fresh, s.Old} {
		if f.MayBe != "" {
			return refuse("switch it off first: sudo swapoff "+human.ShellWord(f.Path),
				"%s seems to be active under a name that leads to no file from here: %s, as of another mount namespace", f.Path, f.MayBe)
		}
	}
	return nil
}

func checkMain(s State, active bool) error {
	main := s.Main
	const another = "name another file with --file, or move this one away"
	switch {
	case !main.Exists:
		return nil
	case main.Problem != "":
		hint := "name another file with --file"
		if !active {
			hint = "to switch it off all the same, if it is swap: sudo swapoff " + human.ShellWord(main.Path)
		}
		return refuse(hint, "%s %s: vmguard does not touch it", main.Path, main.Problem)
	case main.Unread != "":
		return refuse("", "cannot read %s: %s", main.Path, main.Unread)
	case main.ActiveAs != "":
		return refuse("name it so: --file "+human.ShellWord(main.ActiveAs), "%s is active as swap under another name, %s", main.Path, main.ActiveAs)
	case isHibernation(main.HeaderErr):
		return refuse("boot that system, which wakes it up; if nobody wants it any more: sudo mkswap "+human.ShellWord(main.Path)+", and again",
			"%s holds a hibernated system, which would be lost", main.Path)
	case main.HeaderErr != nil:
		return refuse(another, "%s is there, and is no swapfile (%v)", main.Path, main.HeaderErr)
	case active && main.Header.PageSize != s.Facts.System.Value.PageSize:
		return refuse(another, "%s was made for a machine with pages of %s", main.Path, human.Bytes(main.Header.PageSize))
	case active && main.Header.BadPages > 0:
		return refuse(another, "%s has a list of bad pages, which the kernel does not accept in a file", main.Path)
	case !main.Formatted():
		return refuse(another, "%s is shorter than its swap header says: it has been cut off", main.Path)
	}
	return nil
}

// checkMemory errs where memory and the other areas cannot take what the swapfiles hold.
// Beside is what one that stays, or is made, can take of it, in bytes.
func checkMemory(s State, beside uint64) error {
	used := s.Main.Used() + s.Fresh.Used() + s.Old.Used()
	if beside >= used {
		return nil
	}
	memory := s.Facts.Memory
	if !memory.Known() {
		return refuse("", "cannot tell whether memory can take back the %s in use: %s", human.Bytes(used), memory.Why())
	}
	var others uint64
	for _, area := range s.otherAreas() {
		if !area.Zram() { // which is memory itself
			others += area.Size - min(area.Used, area.Size)
		}
	}
	// A margin, since programs go on asking for memory meanwhile.
	margin := max(memory.Value.Total/20, 16*mib)
	room := memory.Value.Available + beside + others
	if room >= used+margin {
		return nil
	}
	elsewhere := ""
	if beside > 0 {
		elsewhere += fmt.Sprintf(" and %s in the new swapfile", human.Bytes(beside))
	}
	if others > 0 {
		elsewhere += fmt.Sprintf(" and %s free in other swap", human.Bytes(others))
	}
	more := (used + margin - room + gib - 1) / gib * gib
	return refuse("stop what uses the most memory first (vmguard containers shows it), or add swap: "+command("enable", s.Main.Path+"2", "--size "+sizeFlag(more)),
		"memory cannot take back what is swapped out: %s in use, but only %s available%s, and %s must stay free for the programs that run",
		human.Bytes(used), human.Bytes(memory.Value.Available), elsewhere, human.Bytes(margin))
}

// otherAreas gives the active areas that are none of the three files.
func (s State) otherAreas() []host.SwapArea {
	var others []host.SwapArea
	for _, area := range s.Facts.Swaps.Value {
		if area.Deleted || area.Path != s.Main.Path && area.Path != s.Fresh.Path && area.Path != s.Old.Path {
			others = append(others, area)
		}
	}
	return others
}

// checkHost errs where a swapfile cannot be managed at all from here.
func checkHost(s State) error {
	if kind := s.Facts.System.Value.Container; kind != "" {
		return refuse("run vmguard on the VM itself", "this is a container (%s): swap belongs to the VM that it runs on", kind)
	}
	switch {
	case !s.Facts.System.Known():
		return refuse("", "cannot tell what system this is: %s", s.Facts.System.Why())
	case s.Facts.System.Value.PageSize == 0:
		return refuse("", "cannot tell the page size of this system")
	}
	return nil
}

// undoEnable gives the command that takes back what enable does; empty where it does nothing.
func (j *Job) undoEnable(s State, r EnableRequest) string {
	if s.Main.Active == nil && (s.Fresh.Active != nil || s.Old.Active != nil) || !s.Main.Exists && s.Old.Exists {
		return "" // the way back would be to the middle of a run that was killed
	}
	if !s.Main.Exists && len(j.ops) > 0 {
		if len(s.Siblings) > 0 { // without a name, disable would not know which
			return command("disable", j.File, "") + namedFlag(j.File)
		}
		return command("disable", j.File, "")
	}
	var commands []string
	if j.sysctl != nil {
		commands = append(commands, j.sysctl.undo(s.Main.Path)...)
	}
	if j.edit != nil {
		commands = append(commands, j.edit.undo())
	}
	return strings.Join(append(commands, j.undoOps(s, r)...), " && ")
}

// undoOps gives the commands that take back what is done to a swapfile that was there.
func (j *Job) undoOps(s State, r EnableRequest) []string {
	var commands []string
	flags := ""
	if was := s.Main.Area(); was != j.Size {
		flags = "--size " + sizeFlag(was)
	}
	if a := s.Main.Active; a != nil && r.PriorityNamed && max(a.Priority, -1) != r.Priority {
		flags += fmt.Sprintf(" --priority %d", max(a.Priority, -1))
	}
	if flags != "" && len(j.ops) > 0 {
		if !r.Persist || j.edit != nil { // fstab is put back by itself
			flags += " --no-persist"
		}
		commands = append(commands, command("enable", j.File, strings.TrimSpace(flags)))
	}
	if s.Main.Active == nil && slices.ContainsFunc(j.ops, func(o op) bool { return o.kind == opOn && o.path == j.File }) {
		commands = append(commands, "sudo swapoff "+human.ShellWord(j.File))
	}
	if slices.ContainsFunc(j.ops, func(o op) bool { return o.kind == opProtect }) {
		commands = append(commands, fmt.Sprintf("sudo chmod %o %s", s.Main.Mode, human.ShellWord(j.File)))
	}
	return commands
}

// undo gives the command that takes an edit back.
func (e edit) undo() string {
	if e.Backup != "" {
		return "sudo mv " + e.Backup + " " + e.Path
	}
	return "sudo rm " + e.Path // there was none
}

// undo gives the commands that set the value of before, now and at boot.
func (e sysctlEdit) undo(file string) []string {
	var commands []string
	if !bytes.Equal(e.Was, e.Now) {
		if _, ours := swappinessWas(e.Was); ours {
			return []string{command("enable", file, fmt.Sprintf("--swappiness %d", e.was))}
		}
		commands = append(commands, e.edit.undo())
	}
	if e.now != e.was {
		commands = append(commands, fmt.Sprintf("sudo sysctl -w vm.swappiness=%d", e.was))
	}
	return commands
}

package swap

import (
	"fmt"

	"vmguard/pkg/change"
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

// checkFiles errs where something stands under one of the three names that vmguard does
// not touch, or, for a file that shall be active, that no kernel would accept.
func checkFiles(s State, active bool) error {
	for _, f := range []File{s.Fresh, s.Old} {
		switch {
		case f.Exists && f.Problem != "":
			return refuse("move it away", "%s is in the way: it %s", f.Path, f.Problem)
		case f.ActiveAs != "":
			return refuse("", "%s is in the way: it is active as %s", f.Path, f.ActiveAs)
		}
	}
	main := s.Main
	const another = "name another file with --file, or move this one away"
	switch {
	case !main.Exists:
		return nil
	case main.Problem != "":
		return refuse("name another file with --file", "%s %s: vmguard does not touch it", main.Path, main.Problem)
	case main.Unread != "":
		return refuse("", "cannot read %s: %s", main.Path, main.Unread)
	case main.ActiveAs != "":
		return refuse("name it so: --file "+human.ShellWord(main.ActiveAs), "%s is active as swap under another name, %s", main.Path, main.ActiveAs)
	case isHibernation(main.HeaderErr):
		return refuse("wake that system up and shut it down first, or name another file with --file", "%s holds a hibernated system, which would be lost", main.Path)
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
// Beside is what else can take it, in bytes.
func checkMemory(s State, beside uint64) error {
	used := s.Main.Used() + s.Fresh.Used() + s.Old.Used()
	if used == 0 {
		return nil
	}
	memory := s.Facts.Memory
	if !memory.Known() {
		return refuse("", "cannot tell whether memory can take back the %s in use: %s", human.Bytes(used), memory.Why())
	}
	others := beside
	for _, area := range s.Facts.Swaps.Value {
		if area.Path != s.Main.Path && area.Path != s.Fresh.Path && area.Path != s.Old.Path {
			others += area.Size - min(area.Used, area.Size)
		}
	}
	// A margin, since programs go on asking for memory meanwhile.
	margin := max(memory.Value.Total/20, 16*mib)
	room := memory.Value.Available + others
	if room >= used+margin {
		return nil
	}
	elsewhere := ""
	if others > 0 {
		elsewhere = fmt.Sprintf(" and %s free in other swap", human.Bytes(others))
	}
	return refuse("stop what uses the most memory first (vmguard containers shows it), or add another swapfile with --file",
		"memory cannot take back what is swapped out: %s in use, but only %s available%s, of which %s must stay for the programs that run",
		human.Bytes(used), human.Bytes(memory.Value.Available), elsewhere, human.Bytes(margin))
}

// checkHost errs where a swapfile cannot be managed at all from here.
func checkHost(s State) error {
	if kind := s.Facts.System.Value.Container; kind != "" {
		return refuse("run vmguard on the VM itself", "this is a container (%s): swap belongs to the VM that it runs on", kind)
	}
	if !s.Facts.System.Known() || s.Facts.System.Value.PageSize == 0 {
		return refuse("", "cannot tell what system this is: %s", s.Facts.System.Why())
	}
	return nil
}

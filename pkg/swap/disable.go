package swap

import (
	"bytes"
	"fmt"
	"slices"

	"vmguard/pkg/change"
	"vmguard/pkg/human"
)

// DisableRequest is what the user wants gone.
type DisableRequest struct {
	// FileNamed tells that the user named the file; else it must be one that vmguard made.
	FileNamed bool
	// KeepFile leaves the file itself.
	KeepFile bool
}

// PlanDisable judges how things stand, and gives what must be done for the swapfile to be
// gone. It errs with a *Refusal where that cannot be; nothing has then been changed.
func PlanDisable(s State, r DisableRequest) (Job, error) {
	if err := checkHost(s); err != nil {
		return Job{}, err
	}
	if err := checkFiles(s, false); err != nil {
		return Job{}, err
	}
	job := Job{File: s.Main.Path}
	if r.KeepFile {
		job.Size = s.Main.Area()
	}
	if s.Main.Exists && !s.Main.Ours() && !r.FileNamed {
		return Job{}, refuse("if it shall go all the same, name it: "+command("disable", s.Main.Path, "")+namedFlag(s.Main.Path),
			"%s was not made by vmguard (its swap header has no label %s)", s.Main.Path, Label)
	}
	if unit := s.ownUnit(); unit != "" {
		return Job{}, refuse("sudo systemctl disable "+human.ShellWord(unit)+", and again", "the unit %s activates %s at boot, and is not vmguard's", unit, s.Main.Path)
	}
	p := newFilePlan(s, -1)
	p.disable(r.KeepFile)
	job.ops, job.last = p.ops, p.last
	if err := checkMemory(s, p.beside); err != nil {
		return Job{}, err
	}
	if err := job.planForget(s); err != nil {
		return Job{}, err
	}
	job.planCalm(s)
	job.sweepLeftovers(s)
	job.describeGone(s, r)
	for _, area := range s.otherAreas() {
		name := area.Path
		if area.Deleted {
			name += " (a file that was removed while in use)"
		}
		job.Notes = append(job.Notes, name+" is active swap of its own, and stays so")
	}
	return job, nil
}

// namedFlag is the flag that command leaves out for the default file.
func namedFlag(file string) string {
	if file == DefaultFile {
		return " --file " + DefaultFile
	}
	return ""
}

// planForget takes the file's lines out of fstab, and vmguard's copy of fstab away.
func (j *Job) planForget(s State) error {
	now := RemoveEntries(s.Etc.Fstab, s.means)
	j.reload = s.Systemd && s.Generated
	if !bytes.Equal(now, s.Etc.Fstab) {
		if s.Etc.Problem != "" {
			hint := "to switch it off until the next reboot: sudo swapoff " + human.ShellWord(s.Main.Path)
			if s.Etc.Hint != "" {
				hint = s.Etc.Hint + "; or, " + hint
			}
			return refuse(hint, "cannot take the swapfile out of fstab: %s", s.Etc.Problem)
		}
		text := "its line is gone"
		if len(now) == 0 && !s.Etc.Backup && isOnlyEntry(s.Etc.Fstab) {
			now, text = nil, "removed: there was none before" // there was no fstab when the line was added
		}
		j.edit = &edit{change.Edit{Path: fstabFile, Was: s.Etc.Fstab, Now: now}, "forget", fstabFile + ", " + text}
		j.reload = s.Systemd
	}
	if s.Etc.Backup && len(s.Siblings) == 0 {
		j.last = append(j.last, op{kind: opSweep, path: change.BackupOf(fstabFile)})
	}
	return nil
}

// isOnlyEntry tells that a file is what vmguard makes where there is no fstab.
func isOnlyEntry(fstab []byte) bool {
	lines := ParseFstab(fstab)
	return len(lines) == 1 && string(fstab) == Entry{Path: lines[0].Spec, Priority: lines[0].Priority}.Line()+"\n"
}

// planCalm sets vm.swappiness back, where vmguard set it.
func (j *Job) planCalm(s State) {
	w := s.Swappiness
	was, ours := swappinessWas(w.File)
	if ours && len(s.Siblings) > 0 {
		j.Notes = append(j.Notes, fmt.Sprintf("vm.swappiness stays as vmguard set it, until %s is gone as well", human.List(s.Siblings, 3)))
		return
	}
	if ours {
		e := sysctlEdit{edit: edit{name: "swappiness", Edit: change.Edit{Path: SwappinessFile, Was: w.File, Now: w.Before}}, now: w.Running.Value, was: w.Running.Value}
		e.text = SwappinessFile + " is gone"
		if w.Before != nil {
			e.text = SwappinessFile + " is as it was before"
		}
		// What somebody else has set since then stays.
		if w.Running.Known() && setsTo(w.File, w.Running.Value) {
			e.now = was
			e.text += fmt.Sprintf(", vm.swappiness is %d again", was)
		}
		j.sysctl = &e
	}
	switch {
	case w.Before == nil:
	case !ours:
		j.Notes = append(j.Notes, change.BackupOf(SwappinessFile)+" stays: vm.swappiness has been changed since, in "+SwappinessFile)
	default:
		j.last = append(j.last, op{kind: opSweep, path: change.BackupOf(SwappinessFile)})
	}
}

// setsTo tells whether vmguard's file sets that value.
func setsTo(file []byte, value int64) bool {
	was, _ := swappinessWas(file)
	return bytes.Equal(file, swappinessText(int(value), was))
}

// describeGone says what is so already, and how to come back.
func (j *Job) describeGone(s State, r DisableRequest) {
	if s.Main.Active == nil {
		j.already = append(j.already, fact{"deactivate", j.File + " is not active"})
	}
	switch {
	case s.Etc.Fstab == nil && s.Etc.Problem != "":
		j.Notes = append(j.Notes, "whether "+fstabFile+" names it was not looked at: "+s.Etc.Problem)
	case !slices.ContainsFunc(ParseFstab(s.Etc.Fstab), func(l FstabLine) bool { return s.means(l.Spec) }):
		j.after = append(j.after, fact{"forget", fstabFile + " does not name it"})
	}
	switch {
	case !s.Main.Exists:
		j.after = append(j.after, fact{"remove", j.File + " does not exist"})
	case r.KeepFile:
		j.after = append(j.after, fact{"keep", j.File + " stays"})
	}
	j.Undo = j.undoDisable(s)
}

// undoDisable gives the command that takes back what disable does to a swapfile. There is none for one that
// was neither active nor to be active after a reboot.
func (j *Job) undoDisable(s State) string {
	if s.Main.Area() == 0 || s.Main.Active == nil && !s.comesBack() {
		return ""
	}
	flags := "--size " + sizeFlag(s.Main.Area())
	if priority := wantedPriority(s, EnableRequest{}); priority >= 0 {
		flags += fmt.Sprintf(" --priority %d", priority)
	}
	if j.sysctl != nil && j.sysctl.now != j.sysctl.was {
		flags += fmt.Sprintf(" --swappiness %d", j.sysctl.was)
	}
	if !s.comesBack() {
		flags += " --no-persist"
	}
	return command("enable", j.File, flags)
}

package swap

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"vmguard/pkg/change"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
)

const fstabFile = "/etc/fstab"

// means tells whether a first field of fstab stands for the swapfile: its path, a link
// to it, or the UUID in its header.
func (s State) means(spec string) bool {
	switch {
	case spec == s.Main.Path, s.Etc.Targets[spec] == s.Main.Path:
		return true
	case s.Main.Formatted():
		return strings.EqualFold(spec, "UUID="+s.Main.Header.UUIDString())
	}
	return false
}

// planPersist sees to it that fstab names the file once, in a form that works at boot.
func (j *Job) planPersist(s State, r EnableRequest, priority int) error {
	wrong, line := s.fstabFaults(r, priority)
	j.Persistent = r.Persist || s.ownUnit() != "" || line != 0 && wrong == ""
	if !r.Persist {
		return nil
	}
	if unit := s.ownUnit(); unit != "" {
		j.after = append(j.after, fact{"persist", "the unit " + unit + " activates it at boot"})
		return nil
	}
	entry := Entry{Path: j.File, Priority: priority}
	switch {
	case line != 0 && wrong == "":
		j.after = append(j.after, fact{"persist", fmt.Sprintf("%s line %d names it", fstabFile, line)})
		j.reload = s.Systemd && !s.Generated
		return nil
	case s.Etc.Problem != "":
		hint := "with --no-persist the swap is on until the next reboot; the line is: " + entry.Line()
		if s.Etc.Hint != "" {
			hint = s.Etc.Hint + "; or " + hint
		}
		return refuse(hint, "cannot make the swap permanent: %s", s.Etc.Problem)
	case s.Etc.Volatile != "":
		return refuse("with --no-persist the swap is on until the next reboot; for every boot, let the start-up configuration (cloud-init, Ignition) run: "+
			command("enable", j.File, "--no-persist --size "+sizeFlag(j.Size)),
			"cannot make the swap permanent: %s", s.Etc.Volatile)
	case s.Masked != "":
		return refuse("sudo systemctl unmask "+human.ShellWord(unitName(j.File)), "cannot make the swap permanent: %s masks its unit, so systemd never activates it", s.Masked)
	}
	text := "one line added"
	switch {
	case s.Etc.Fstab == nil:
		text = "made, with one line"
	case wrong != "":
		text = wrong
	}
	e := change.Edit{Path: fstabFile, Was: s.Etc.Fstab, Now: ReplaceEntries(s.Etc.Fstab, s.means, entry)}
	if s.Etc.Fstab != nil {
		e.Backup = change.BackupOf(fstabFile)
		text += ", backup " + e.Backup
	}
	j.edit = &edit{e, fstabFile + ", " + text}
	j.reload = s.Systemd
	if j.Undo == "" {
		j.Undo = command("disable", j.File, "")
	}
	return nil
}

// ownUnit is the unit that activates the file at boot and does not come from fstab; empty
// for none.
func (s State) ownUnit() string {
	i := slices.IndexFunc(s.Facts.Units.Value, func(u host.SwapUnit) bool {
		return u.Enabled && !u.FromFstab && (u.What == s.Main.Path || u.Target == s.Main.Path)
	})
	if i < 0 {
		return ""
	}
	return s.Facts.Units.Value[i].Name
}

// fstabFaults finds the first line that means the file, and says what is wrong with how
// fstab names it; empty where nothing is.
func (s State) fstabFaults(r EnableRequest, priority int) (wrong string, line int) {
	var found []FstabLine
	for _, l := range ParseFstab(s.Etc.Fstab) {
		if s.means(l.Spec) {
			found = append(found, l)
		}
	}
	if len(found) == 0 {
		return "", 0
	}
	first := found[0]
	switch {
	case strings.Contains(first.Spec, "=") && !strings.HasPrefix(first.Spec, "/"):
		wrong = "line %d named it by " + first.Spec + ", which finds no file at boot: now by its path"
	case first.NoAuto:
		wrong = "line %d said noauto: taken off"
	case r.PriorityNamed && first.Priority != priority:
		wrong = "line %d had another priority: changed"
	case len(found) > 1:
		wrong = "line %d named it a second time: that line is gone"
		return fmt.Sprintf(wrong, found[1].Number), first.Number
	default:
		return "", first.Number
	}
	return fmt.Sprintf(wrong, first.Number), first.Number
}

// planSwappiness sets vm.swappiness now and at boot.
func (j *Job) planSwappiness(s State, r EnableRequest) error {
	if r.Swappiness < 0 {
		return nil
	}
	w := s.Swappiness
	if !w.Running.Known() {
		return refuse("leave --swappiness out", "cannot read vm.swappiness: %s", w.Running.Why())
	}
	was, ours := swappinessWas(w.File)
	if !ours {
		was = w.Running.Value
	}
	want := int64(r.Swappiness)
	text := swappinessText(r.Swappiness, was)
	if !r.Persist {
		text = w.File
	}
	if want == w.Running.Value && bytes.Equal(text, w.File) {
		j.after = append(j.after, fact{"swappiness", fmt.Sprintf("vm.swappiness is %d", want)})
		return nil
	}
	switch {
	case r.Persist && s.Etc.Volatile != "":
		return refuse("leave --swappiness out, or use --no-persist", "cannot make vm.swappiness permanent: %s", s.Etc.Volatile)
	case r.Persist && !w.Dir:
		return refuse("leave --swappiness out, or use --no-persist", "cannot make vm.swappiness permanent: there is no directory %s", path.Dir(SwappinessFile))
	}
	e := change.Edit{Path: SwappinessFile, Was: w.File, Now: text}
	if w.File != nil && !ours && r.Persist {
		e.Backup = change.BackupOf(SwappinessFile)
	}
	said := fmt.Sprintf("vm.swappiness %d instead of %d, now", want, w.Running.Value)
	if r.Persist {
		said += " and at boot (" + SwappinessFile + ")"
	}
	j.sysctl = &sysctlEdit{edit{e, said}, want, w.Running.Value}
	if j.Undo == "" {
		j.Undo = command("disable", j.File, "")
	}
	return nil
}

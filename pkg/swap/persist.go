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
// to it, or the UUID in its header or in that of a file beside it, which had the name or is to have it.
func (s State) means(spec string) bool {
	if spec == s.Main.Path || s.Etc.Targets[spec] == s.Main.Path {
		return true
	}
	return slices.ContainsFunc([]File{s.Main, s.Fresh, s.Old}, func(f File) bool {
		return f.Formatted() && strings.EqualFold(spec, "UUID="+f.Header.UUIDString())
	})
}

// planPersist sees to it that fstab names the file once, in a form that works at boot.
func (j *Job) planPersist(s State, r EnableRequest, priority int) error {
	j.Persistent = r.Persist || s.comesBack()
	if !r.Persist {
		return nil
	}
	if unit := s.ownUnit(); unit != "" {
		j.after = append(j.after, fact{"persist", "the unit " + unit + " activates it at boot"})
		return nil
	}
	entry := Entry{Path: j.File, Priority: priority}
	wrong, line := s.fstabFaults(r, priority)
	switch {
	case s.Etc.Volatile != "":
		return refuse("with --no-persist the swap is on until the next reboot; for every boot, let the start-up configuration (cloud-init, Ignition) run: "+
			command("enable", j.File, "--no-persist --size "+sizeFlag(j.Size)),
			"cannot make the swap permanent: %s", s.Etc.Volatile)
	case s.Masked != "":
		return refuse("run: sudo systemctl unmask "+human.ShellWord(unitName(j.File))+" (then this command again); or, until the next reboot only, use --no-persist",
			"cannot make the swap permanent: %s masks its unit, so systemd never activates it", s.Masked)
	case line.Number != 0 && wrong == "":
		j.after = append(j.after, fact{"persist", fmt.Sprintf("%s line %d names it", fstabFile, line.Number)})
		// The unit of a line with another name for the file has another name as well.
		j.reload = s.Systemd && !s.Generated && line.Spec == j.File
		return nil
	case s.Etc.Problem != "":
		hint := "with --no-persist the swap is on until the next reboot; the line is: " + entry.Line()
		if s.Etc.Hint != "" {
			hint = s.Etc.Hint + "; or " + hint
		}
		return refuse(hint, "cannot make the swap permanent: %s", s.Etc.Problem)
	}
	if wrong != "" {
		entry.Options = line.Options
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
	j.edit = &edit{e, "persist", fstabFile + ", " + text}
	j.reload = s.Systemd
	return nil
}

// checkPersist errs where fstab shall name a file that others could replace by their own.
func (j *Job) checkPersist(s State) error {
	if j.edit != nil && s.DirProblem != "" {
		return dirRefusal(s)
	}
	return nil
}

// sweepLeftovers takes away what a killed run left beside the text files that it was changing.
func (j *Job) sweepLeftovers(s State) {
	for _, path := range s.Leftovers {
		j.last = append(j.last, op{kind: opSweep, path: path})
	}
}

// comesBack tells that the swapfile, as things are, is active again after a reboot.
func (s State) comesBack() bool {
	named := func(l FstabLine) bool { return s.means(l.Spec) && path.IsAbs(l.Spec) && !l.NoAuto }
	return s.ownUnit() != "" || s.Masked == "" && s.Etc.Volatile == "" && slices.ContainsFunc(ParseFstab(s.Etc.Fstab), named)
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
func (s State) fstabFaults(r EnableRequest, priority int) (wrong string, first FstabLine) {
	var found []FstabLine
	for _, l := range ParseFstab(s.Etc.Fstab) {
		if s.means(l.Spec) {
			found = append(found, l)
		}
	}
	if len(found) == 0 {
		return "", FstabLine{}
	}
	first = found[0]
	switch {
	case strings.Contains(first.Spec, "=") && !strings.HasPrefix(first.Spec, "/"):
		wrong = "line %d named it by " + first.Spec + ", which finds no file at boot: now by its path"
	case first.NoAuto:
		wrong = "line %d said noauto: taken off"
	case r.PriorityNamed && first.Priority != priority:
		wrong = "line %d had another priority: changed"
	case len(found) > 1:
		wrong = "line %d named it a second time: that line is gone"
		return fmt.Sprintf(wrong, found[1].Number), first
	default:
		return "", first
	}
	return fmt.Sprintf(wrong, first.Number), first
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
	if want == w.Running.Value {
		said = fmt.Sprintf("vm.swappiness stays %d, now", want)
	}
	if r.Persist {
		said += " and at boot (" + SwappinessFile + ")"
	}
	if e.Backup != "" {
		said += ", backup " + e.Backup
	}
	j.sysctl = &sysctlEdit{edit{e, "swappiness", said}, want, w.Running.Value}
	return nil
}

package swap

import (
	"errors"
	"fmt"
	"slices"

	"vmguard/pkg/change"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
)

// EnableRequest is what the user wants of a swapfile.
type EnableRequest struct {
	// Size in bytes; 0 for that of the file that is there, else a rule's.
	Size uint64
	// FileNamed tells that the user named the file.
	FileNamed bool
	// Priority is 0 to 32767; -1 for the kernel's choice. PriorityNamed tells that the user named it.
	Priority      int
	PriorityNamed bool
	// Swappiness is 0 to 200; -1 to leave it as it is.
	Swappiness int
	// Persist asks for the line in fstab.
	Persist bool
	Method  change.Method
}

// Check errs where the request cannot be met on any host.
func (r EnableRequest) Check() error {
	const lowest, highest = -1, 32767 // swapon(2)
	switch {
	case r.PriorityNamed && (r.Priority < lowest || r.Priority > highest):
		return refuseUsage(fmt.Sprintf("accepted: %d to %d; %d leaves it to the kernel", lowest, highest, lowest), "--priority: %d is not accepted", r.Priority)
	case r.Swappiness < -1 || r.Swappiness > maxSwappiness:
		return refuseUsage(fmt.Sprintf("accepted: 0 to %d; 10 to 60 is modest", maxSwappiness), "--swappiness: %d is not accepted", r.Swappiness)
	}
	return nil
}

// PlanEnable judges how things stand, and gives what is missing for an active swapfile. It errs with a *Refusal
// where it cannot be had; nothing has then been changed.
func PlanEnable(s State, r EnableRequest) (Job, error) {
	if err := r.Check(); err != nil {
		return Job{}, err
	}
	if err := checkHost(s); err != nil {
		return Job{}, err
	}
	if job, enough := otherSwap(s, r); enough {
		if err := job.planSwappiness(s, r); err != nil {
			return Job{}, err
		}
		job.noteSwappiness(s, r)
		job.Undo = job.undoEnable(s, r)
		return job, nil
	}
	if s.NoDir {
		return Job{}, dirRefusal(s)
	}
	if err := checkFiles(s, true); err != nil {
		return Job{}, err
	}
	size, why, err := wantedSize(s, r)
	if err != nil {
		return Job{}, err
	}
	job := Job{File: s.Main.Path, Size: size, method: r.Method, nocow: s.Disk.Value.FS == "btrfs", label: s.SELinux}
	if why != "" {
		job.Notes = append(job.Notes, "size: "+human.Bytes(size)+" ("+why+")")
	}
	priority := wantedPriority(s, r)
	if err := job.planFile(s, r, size, priority); err != nil {
		return Job{}, err
	}
	if err := job.planPersist(s, r, priority); err != nil {
		return Job{}, err
	}
	if err := job.planSwappiness(s, r); err != nil {
		return Job{}, err
	}
	if err := job.checkPersist(s); err != nil {
		return Job{}, err
	}
	job.sweepLeftovers(s)
	job.note(s, r)
	job.Undo = job.undoEnable(s, r)
	return job, nil
}

// otherSwap tells that a VM which was asked for swap, of no certain size or file, has some already.
func otherSwap(s State, r EnableRequest) (Job, bool) {
	if r.Size != 0 || r.FileNamed || r.PriorityNamed || s.Main.Exists || s.Fresh.Exists || s.Old.Exists {
		return Job{}, false
	}
	i := slices.IndexFunc(s.Facts.Swaps.Value, func(a host.SwapArea) bool { return !a.Zram() && !a.Deleted })
	if i < 0 {
		return Job{}, false
	}
	area := s.Facts.Swaps.Value[i]
	return Job{
		File: area.Path, Size: area.Size,
		already: []fact{{"activate", fmt.Sprintf("%s is active, %s", area.Path, human.Bytes(area.Size))}},
		Notes:   []string{"to add a swapfile beside it, say how large: " + command("enable", DefaultFile, "--size 2G")},
	}, true
}

// wantedSize gives the area's size, and, where a rule chose it, the rule.
func wantedSize(s State, r EnableRequest) (size uint64, why string, err error) {
	pageSize := s.Facts.System.Value.PageSize
	if r.Size != 0 {
		size, err = checkSize(r.Size, pageSize)
		return size, "", err
	}
	for _, f := range []File{s.Main, s.Fresh, s.Old} {
		if f.Formatted() {
			return f.Area(), "", nil
		}
	}
	if err := placeRefusal(s.Dir, s.Disk); err != nil {
		return 0, "", err
	}
	if !s.Facts.Memory.Known() {
		return 0, "", refuse("say how large with --size", "cannot tell how much RAM there is: %s", s.Facts.Memory.Why())
	}
	ram := s.Facts.Memory.Value.Total
	disk := s.Disk.Value
	disk.Free += s.Fresh.Size // half a file, which goes first
	size = DefaultSize(ram, disk)
	if size == 0 {
		return 0, "", checkSpace(disk, s.Dir, 512*mib, true)
	}
	return size, sizeReason(ram, size), nil
}

// wantedPriority is the one that was named, else what fstab says, else what the area has
// by somebody's choice; the kernel's own choices are negative.
func wantedPriority(s State, r EnableRequest) int {
	if r.PriorityNamed {
		return r.Priority
	}
	for _, line := range ParseFstab(s.Etc.Fstab) {
		if s.means(line.Spec) && line.Priority >= 0 {
			return line.Priority
		}
	}
	for _, f := range []File{s.Main, s.Fresh, s.Old} {
		if f.Active != nil {
			return max(f.Active.Priority, -1)
		}
	}
	return -1
}

func (j *Job) planFile(s State, r EnableRequest, size uint64, priority int) error {
	rearm := s.Main.Active != nil && r.PriorityNamed && max(s.Main.Active.Priority, -1) != priority
	p := newFilePlan(s, priority)
	p.enable(size, rearm)
	j.ops, j.last = p.ops, p.last
	if err := j.checkAllocation(s, size, r.Size != 0); err != nil {
		return err
	}
	if err := checkMemory(s, p.beside); err != nil {
		return err
	}
	if s.DirProblem != "" && slices.ContainsFunc(j.ops, func(o op) bool { return o.kind == opOn }) {
		return dirRefusal(s)
	}
	kept := s.Main.Area() == size
	if kept {
		j.already = append(j.already, fact{"allocate", fmt.Sprintf("%s is there, %s", j.File, human.Bytes(size))})
	}
	for _, f := range []File{s.Main, s.Fresh, s.Old} {
		if f.Formatted() && f.Mode&0o077 != 0 {
			j.ops = append([]op{{kind: opProtect, path: f.Path}}, j.ops...)
		}
	}
	if kept && s.Main.Active != nil && !rearm {
		j.already = append(j.already, fact{"activate", fmt.Sprintf("active, priority %d", s.Main.Active.Priority)})
	}
	return nil
}

// checkAllocation errs where a file has to be made and cannot be, and says what the disk has.
func (j *Job) checkAllocation(s State, size uint64, asked bool) error {
	if !slices.ContainsFunc(j.ops, func(o op) bool { return o.kind == opAllocate }) {
		return j.checkHoles(s)
	}
	if err := placeRefusal(s.Dir, s.Disk); err != nil {
		return err
	}
	if s.DirProblem != "" {
		return dirRefusal(s)
	}
	disk, left := s.Disk.Value, s.Disk.Value.Free
	for _, f := range []File{s.Main, s.Fresh, s.Old} {
		if slices.ContainsFunc(j.ops, func(o op) bool { return o.kind == opSweep && o.path == f.Path }) {
			disk.Free += f.Size // it goes first
		}
		left += f.Size // it goes in the end
	}
	if err := checkSpace(disk, s.Dir, size, asked); err != nil {
		if refusal, ok := errors.AsType[*Refusal](err); ok && s.Main.Exists {
			refusal.Hint += "; for a resize there must be room for both files, unless you remove the old one first: " + command("disable", j.File, "")
		}
		return err
	}
	j.space = fmt.Sprintf("%s free in %s (%s), %s left afterwards", human.Bytes(s.Disk.Value.Free), s.Dir, disk.FS, human.Bytes(left-size))
	return nil
}

func dirRefusal(s State) error {
	if s.NoDir {
		return refuse("make it first, or name a file elsewhere with --file", "%s", s.DirProblem)
	}
	return refuse("name a file in a directory that only root may write to, such as /swapfile", "%s", s.DirProblem)
}

// checkHoles errs where a swapfile that is there has holes, which the kernel does not accept, and the disk has no room
// for them to be filled.
func (j *Job) checkHoles(s State) error {
	missing := s.Main.Size - min(s.Main.Size, s.Main.Blocks)
	if missing < mib || s.Main.Active != nil || !s.Disk.Known() { // what the filesystem keeps to itself is no hole
		return nil
	}
	if err := checkSpace(s.Disk.Value, s.Dir, missing, false); err != nil {
		return err
	}
	j.space = fmt.Sprintf("%s has holes of %s, which are filled; %s free in %s", j.File, human.Bytes(missing), human.Bytes(s.Disk.Value.Free), s.Dir)
	return nil
}

// note says what the user should know beside the steps.
func (j *Job) note(s State, r EnableRequest) {
	if slices.ContainsFunc(s.Facts.Daemons.Value, func(d host.Daemon) bool { return d.Name == "kubelet" }) {
		j.Notes = append(j.Notes, "a kubelet runs here: unless it is told to accept swap (failSwapOn: false), it does not start again with swap on")
	}
	if j.nocow {
		j.Notes = append(j.Notes, "btrfs: while the swapfile is active, no snapshot can be made of the subvolume that it is in")
	}
	if !r.Persist && j.Persistent {
		by := fstabFile
		if unit := s.ownUnit(); unit != "" {
			by = "the unit " + unit
		}
		j.Notes = append(j.Notes, "--no-persist leaves "+by+" alone, which brings this swap back after a reboot")
	}
	if j.edit != nil && s.Etc.VolatileUnknown != "" {
		j.Notes = append(j.Notes, "whether /etc outlives a reboot on this system cannot be told: "+s.Etc.VolatileUnknown)
	}
	j.noteSwappiness(s, r)
}

func (j *Job) noteSwappiness(s State, r EnableRequest) {
	if r.Swappiness >= 0 && r.Persist && len(s.Swappiness.Overrides) > 0 {
		j.Notes = append(j.Notes, "vm.swappiness is also set by "+human.List(s.Swappiness.Overrides, 3)+", read later at boot: that value wins then")
	}
}

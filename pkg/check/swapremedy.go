package check

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
	"vmguard/pkg/swap"
)

// swapRemedy gives the command that brings swap to a VM without any, or says why there
// is none.
func swapRemedy(f *host.Facts) *finding.Remedy {
	if f.System.Known() && f.System.Value.Container != "" {
		return remedy("vmguard runs in a container, where swap cannot be set: run it on the VM itself", "")
	}
	if i := slices.IndexFunc(f.Fstab.Value, func(s host.FstabSwap) bool { return !s.NoAuto && s.Exists.Value }); i >= 0 {
		return remedy("/etc/fstab names a swap area that is not active: activate it", activateListed(f, f.Fstab.Value[i]))
	}
	size, instead := newSwapfile(f)
	if instead != "" {
		return remedy(instead, "")
	}
	return remedy("add a swapfile of "+human.Bytes(size), swap.EnableCommand(size))
}

// newSwapfile gives the size in bytes that a new /swapfile should have, or says what to do
// instead where none can be had.
func newSwapfile(f *host.Facts) (size uint64, instead string) {
	i := slices.IndexFunc(f.Disks, func(d host.Fact[host.Disk]) bool { return d.Known() && d.Value.Role == host.RoleRoot })
	switch {
	case i < 0:
		return 0, "add a swapfile; how much room / has is not known"
	case !f.Memory.Known():
		return 0, "add a swapfile; how much RAM there is is not known"
	}
	disk := f.Disks[i].Value
	why := swap.Unsuitable(disk.FS)
	switch {
	case forgetsEtc(f):
		return 0, "/ cannot be written, and /etc does not outlive a reboot: let the start-up configuration (cloud-init) " +
			"run at every boot: vmguard swap enable --no-persist --file /var/swapfile"
	case disk.ReadOnly:
		return 0, "/ cannot be written: put a swapfile on a disk that can, as with vmguard swap enable --file /var/swapfile; " +
			"where /etc does not outlive a reboot, with --no-persist and from the start-up configuration (cloud-init, Ignition)"
	case why != "":
		return 0, "/ " + why + ": put a swapfile on another disk, with vmguard swap enable --file, or add a swap partition"
	}
	size = swap.DefaultSize(f.Memory.Value.Total, disk)
	if size == 0 {
		return 0, fmt.Sprintf("free disk space first: / has only %s left, too little for a swapfile", human.Bytes(disk.Free))
	}
	return size, ""
}

// forgetsEtc tells a system whose /etc is made anew at every boot, and on which / cannot
// be written: Container-Optimized OS.
func forgetsEtc(f *host.Facts) bool {
	return strings.Contains(f.System.Value.OS, "Container-Optimized")
}

// enableFile is the command that sees to a swapfile which is there: root's alone, active,
// and named once in /etc/fstab, which is left alone where it is forgotten anyway. It is
// empty for a name that vmguard swap does not take.
func enableFile(f *host.Facts, file string) string {
	if swap.CheckPath(file) != nil {
		return ""
	}
	command := "sudo vmguard swap enable"
	if forgetsEtc(f) {
		command += " --no-persist"
	}
	if file != swap.DefaultFile {
		command += " --file " + human.ShellWord(file)
	}
	return command
}

// configureFile is the command that makes /etc/fstab name an active swapfile, and that
// once. It is empty for what is no file, and where no command can. A file of somebody
// else's is given to root first, since vmguard swap touches no other.
func configureFile(f *host.Facts, area host.SwapArea) string {
	command := enableFile(f, area.Path)
	if area.Type != "file" || command == "" || forgetsEtc(f) {
		return ""
	}
	if area.File.Known() && area.File.Value.UID != 0 {
		command = "sudo chown root:root " + human.ShellWord(area.Path) + " && " + command
	}
	return command
}

// listedFile gives the swapfile that a line of fstab names, free of links where it is
// there; it is false for what is a device, or a tag, which finds devices only.
func listedFile(line host.FstabSwap) (string, bool) {
	file := cmp.Or(line.Target, line.Spec)
	return file, path.IsAbs(file) && !strings.HasPrefix(file, "/dev/")
}

// activateListed is the command that activates what a line of fstab names.
func activateListed(f *host.Facts, line host.FstabSwap) string {
	if file, ok := listedFile(line); ok {
		return cmp.Or(enableFile(f, file), "sudo swapon -a")
	}
	return "sudo swapon -a"
}

// makeAgain says how to have a swapfile again that is gone; the rest ends the sentence.
// Only of /swapfile it is known which disk it lies on. For any other the command finds
// the size itself, by the same rule.
func makeAgain(f *host.Facts, file, rest string) *finding.Remedy {
	command := enableFile(f, file)
	switch {
	case command == "":
		return remedy("make the swap area"+rest, "")
	case file != swap.DefaultFile:
		return remedy("make it again"+rest, command)
	}
	size, instead := newSwapfile(f)
	if instead != "" {
		return remedy(instead+rest, "")
	}
	return remedy("make it again"+rest, swap.EnableCommand(size))
}

// protectFile says how to make a swapfile root's alone.
func protectFile(f *host.Facts, area host.SwapArea) *finding.Remedy {
	const text = "make it root's alone"
	command := enableFile(f, area.Path)
	switch {
	case f.Image:
		file := human.ShellWord(area.Path)
		return remedy("in the image: "+text, "chown 0:0 "+file+" && chmod 600 "+file)
	case command == "" || area.File.Value.UID != 0:
	case forgetsEtc(f):
		return remedy(text, command)
	default:
		return remedy(text+"; the command also sees to its line in /etc/fstab", command)
	}
	file := human.ShellWord(area.Path)
	return remedy(text, "sudo chown root:root "+file+" && sudo chmod 600 "+file)
}

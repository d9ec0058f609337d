package check

import (
	"fmt"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
)

var diskSpace = Check{
	ID: "disk-space", Area: finding.Storage, Worst: finding.Critical,
	Title: "There is disk space left",
	Why: "On a full disk containers cannot write their layers, logs or databases; the engine cannot start or restart any; " +
		"and no swapfile can be added.",
	Rule: "For / and the engine's data: critical below 512 MiB, or below 5 % and 5 GiB; a warning below 10 % and 20 GiB; " +
		"or below a policy's disk-space-least, disk-space-critical and disk-space. " +
		"Free is what an ordinary process may still use. Does not apply to what is mounted read-only.",
	Fix: "Find what fills it; unused images, stopped containers and unbounded logs are the usual causes.",
	Judge: func(f *host.Facts, p Policy) []finding.Finding {
		return eachDisk(f, p.Thresholds, judgeDiskSpace)
	},
}

var inodeSpace = Check{
	ID: "inode-space", Area: finding.Storage, Worst: finding.Critical,
	Title: "There are inodes left",
	Why: "A filesystem without free inodes refuses new files with \"no space left on device\" while df shows gigabytes free. " +
		"Image layers and mail stores hold very many small files.",
	Rule: "For / and the engine's data: critical below 5 % of inodes free, a warning below 10 %; or below a policy's inode-space-critical and inode-space. " +
		"Does not apply to filesystems that make inodes as they need them, nor to what is mounted read-only.",
	Fix: "Remove what holds many small files; unused images are the usual cause.",
	Judge: func(f *host.Facts, p Policy) []finding.Finding {
		return eachDisk(f, p.Thresholds, judgeInodes)
	},
}

// eachDisk judges every filesystem once, also where / and the engine's data are on the same one.
func eachDisk(f *host.Facts, t Thresholds, judge func(host.Disk, string, Thresholds) finding.Finding) []finding.Finding {
	if len(f.Disks) == 0 {
		return one(unknown("cannot tell how full the disks are: not collected"))
	}
	var out []finding.Finding
	var judged []host.Disk
	for _, fact := range f.Disks {
		switch disk := fact.Value; {
		case !fact.Known():
			out = append(out, unknown("cannot tell how full a disk is: "+fact.Why()))
		case disk.ReadOnly:
			out = append(out, skipped(disk.Path+" is mounted read-only: it is as full as it was made"))
		case disk.Size == 0:
			out = append(out, unknown(fmt.Sprintf("%s says that %s has no size at all", fact.Source, disk.Path)))
		case !sameFilesystem(judged, disk):
			judged = append(judged, disk)
			out = append(out, judge(disk, fact.Source, t))
		}
	}
	return out
}

func sameFilesystem(judged []host.Disk, d host.Disk) bool {
	for _, j := range judged {
		if j.Size == d.Size && j.Inodes == d.Inodes && j.InodesFree == d.InodesFree && j.FS == d.FS {
			return true
		}
	}
	return false
}

func judgeDiskSpace(d host.Disk, source string, t Thresholds) finding.Finding {
	text := fmt.Sprintf("%s free on %s (%s of %s)", human.Bytes(d.Free), d.Path, human.Percent(d.Free, d.Size), human.Bytes(d.Size))
	seen := wanted(source, human.Bytes(d.Free)+" free", t.DiskSpace.String())
	severity := finding.Warning
	switch {
	case d.Free < t.DiskSpaceLeastBytes || !t.DiskSpaceCritical.Left(d.Free, d.Size):
		severity = finding.Critical
	case t.DiskSpace.Left(d.Free, d.Size):
		return pass(text, seen)
	}
	return fail(severity, text+": on a full disk containers cannot write, and the engine cannot start any", diskRemedy(d), seen)
}

func judgeInodes(d host.Disk, source string, t Thresholds) finding.Finding {
	if d.Inodes == 0 {
		return skipped(fmt.Sprintf("%s on %s makes inodes as it needs them", d.FS, d.Path))
	}
	share := percentOf(d.InodesFree, d.Inodes)
	text := fmt.Sprintf("%.0f %% of the inodes of %s are free (%d of %d)", share, d.Path, d.InodesFree, d.Inodes)
	seen := wanted(source, fmt.Sprintf("%d inodes free", d.InodesFree), spellPercent(t.InodeSpacePercent))
	severity := finding.Warning
	switch {
	case share < t.InodeSpaceCriticalPercent:
		severity = finding.Critical
	case share >= t.InodeSpacePercent:
		return pass(text, seen)
	}
	fix := diskRemedy(d)
	if d.Role != host.RoleDocker {
		fix = remedy("see where the many files are", "sudo du --inodes -x -d 3 "+human.ShellWord(d.Path)+" | sort -n | tail -n 20")
	}
	return fail(severity, text+": without one no file can be made, however much space df shows", fix, seen)
}

// diskRemedy looks before it deletes: what fills a disk is for its owner to judge.
func diskRemedy(d host.Disk) *finding.Remedy {
	if d.Role == host.RoleDocker {
		return remedy("see what the engine keeps; docker image prune removes images that nothing uses", "docker system df")
	}
	return remedy("see what fills it", "sudo du -xh -d 3 "+human.ShellWord(d.Path)+" | sort -h | tail -n 20")
}

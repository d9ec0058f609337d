package swap

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"vmguard/pkg/host"
	"vmguard/pkg/human"
)

// DefaultFile is the swapfile that is meant where none is named.
const DefaultFile = "/swapfile"

// The names beside a swapfile. Both are in its own directory, so that renaming does not
// leave the filesystem, and always the same, so that the next run finds what a killed one left.
func besides(file, what string) string {
	dir, name := path.Split(file)
	return dir + "." + name + ".vmguard-" + what
}

// freshName is where a swapfile is made before it gets its name: so the name never stands
// for half a swapfile.
func freshName(file string) string { return besides(file, "new") }

// oldName is where a swapfile waits that another took the place of.
func oldName(file string) string { return besides(file, "old") }

// longestName bounds a swapfile's name, in bytes: names are made of it that are longer, and NAME_MAX is 255.
const longestName = 200

// CheckPath errs where a text cannot be the path of a swapfile, on any host.
func CheckPath(file string) error {
	const hint = "accepted: an absolute path such as /swapfile"
	owner := OwnedBy(file)
	switch {
	case file == "":
		return refuseUsage("is a shell variable empty?", "--file: no file is named")
	case !path.IsAbs(file):
		return refuseUsage(hint, "--file: %s is no absolute path", quoted(file))
	case !utf8.ValidString(file) || strings.ContainsFunc(file, unicode.IsControl):
		return refuseUsage(hint, "--file: %s has characters that fstab cannot hold", quoted(file))
	case path.Clean(file) == "/":
		return refuseUsage(hint, "--file: %s is a directory", quoted(file))
	case path.Clean(file) != file:
		return refuseUsage("write it as "+path.Clean(file), "--file: %s is not the plain path of a file", quoted(file))
	case len(path.Base(file)) > longestName:
		return refuseUsage(hint, "--file: the file's name is longer than %d bytes", longestName)
	case owner != file:
		return refuseUsage("name the swapfile itself: --file "+human.ShellWord(owner),
			"--file: %s is a name under which vmguard keeps what it makes of a swapfile, and removes it", quoted(file))
	}
	return nil
}

func quoted(s string) string { return fmt.Sprintf("%q", s) }

// Unsuitable says why a filesystem can hold no swapfile; empty where it can, or where
// only a try can tell.
func Unsuitable(fsType string) string {
	switch {
	case fsType == "overlay" || fsType == "aufs" || fsType == "unionfs":
		return "is " + fsType + ", as in a container or a live system: the kernel cannot swap to a file on it"
	case fsType == "tmpfs" || fsType == "ramfs" || fsType == "devtmpfs":
		return "is " + fsType + ", which is memory itself"
	case fsType == "zfs":
		return "is ZFS, on which a swapfile does not work"
	case fsType == "bcachefs":
		return "is bcachefs, on which a swapfile does not work"
	case slices.Contains([]string{"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "virtiofs", "ceph", "afs", "ncpfs", "glusterfs", "lustre", "gfs2", "ocfs2"}, fsType):
		return "is " + fsType + ", a shared or network filesystem: paging over it can stall the whole VM"
	case strings.HasPrefix(fsType, "fuse"):
		return "is " + fsType + ": a program serves it, and must not wait for its own memory"
	case slices.Contains([]string{"vfat", "msdos", "exfat", "ntfs", "ntfs3", "hfs", "hfsplus"}, fsType):
		return "is " + fsType + ", which cannot keep a file for root alone"
	case slices.Contains([]string{"squashfs", "erofs", "iso9660", "composefs", "cramfs", "romfs", "udf"}, fsType):
		return "is " + fsType + ", which cannot be written"
	case slices.Contains([]string{"proc", "sysfs", "cgroup", "cgroup2", "devpts", "securityfs", "debugfs", "tracefs", "bpf", "configfs", "efivarfs"}, fsType):
		return "is " + fsType + ", a view into the kernel"
	}
	return ""
}

// placeRefusal says why the directory of a swapfile will not do, by what is known of its disk.
func placeRefusal(dir string, disk host.Fact[host.Disk]) error {
	if !disk.Known() {
		return refuse("", "cannot tell what filesystem %s is on: %s", dir, disk.Why())
	}
	const elsewhere = "name a file on another disk with --file, such as one on ext4 or XFS"
	if why := Unsuitable(disk.Value.FS); why != "" {
		return refuse(elsewhere, "the filesystem of %s %s", dir, why)
	}
	if disk.Value.ReadOnly {
		return refuse("name a file on a disk that can be written with --file, such as /var/swapfile", "the filesystem of %s is mounted read-only", dir)
	}
	return nil
}

// OwnedBy gives the swapfile that a name belongs to which vmguard uses beside it, while it makes
// or resizes one; any other name is its own.
func OwnedBy(file string) string {
	dir, base := path.Split(file)
	for _, what := range []string{"new", "old"} {
		stem, ok := strings.CutSuffix(base, ".vmguard-"+what)
		name, dot := strings.CutPrefix(stem, ".")
		if ok && dot && name != "" && name != "." && name != ".." {
			return dir + name
		}
	}
	return file
}

package host

import (
	"path"
	"strings"

	"vmguard/pkg/rootfs"
)

// UnmountedPart is a directory of an image that is empty, and that the image's own fstab
// mounts: what belongs there is not to be seen.
type UnmountedPart struct {
	Dir  string
	Line int // of /etc/fstab, counted from 1
}

// Unmounted lists the parts of an image that were not mounted with it, of those that
// hold what is inspected: /usr, /var and directories of it. It is empty where fstab
// cannot be read.
func Unmounted(tree *rootfs.FS) []UnmountedPart {
	data, err := tree.ReadFile("/etc/fstab", smallFile)
	if err != nil {
		return nil
	}
	var parts []UnmountedPart
	for _, part := range fstabParts(data) {
		entries, err := tree.ReadDir(part.Dir)
		if absent(err) || err == nil && (len(entries) == 0 || len(entries) == 1 && entries[0].Name() == "lost+found") {
			parts = append(parts, part)
		}
	}
	return parts
}

// fstabParts finds the lines that mount a file system of a disk or of the network at /usr,
// /var or below /var/log and /var/lib, at every boot (fstab(5)).
func fstabParts(fstab []byte) []UnmountedPart {
	var parts []UnmountedPart
	n := 0
	for line := range strings.SplitSeq(string(fstab), "\n") {
		n++
		fields := strings.Fields(line)
		if len(fields) < 3 || strings.HasPrefix(fields[0], "#") || inRAM(fields[2]) {
			continue
		}
		if len(fields) > 3 && optional(fields[3]) {
			continue
		}
		switch dir := path.Clean(unescapeOctal(fields[1])); dir {
		case "/usr", "/var", "/var/log", "/var/lib":
			parts = append(parts, UnmountedPart{dir, n})
		}
	}
	return parts
}

// inRAM tells the types of file systems that are empty at each boot, or no file systems at all.
func inRAM(fsType string) bool {
	switch fsType {
	case "tmpfs", "ramfs", "swap", "none", overlayFS:
		return true
	default:
		return false
	}
}

// optional tells whether the mount may be missing, or shows what lies elsewhere in the tree.
func optional(options string) bool {
	for option := range strings.SplitSeq(options, ",") {
		switch option {
		case "noauto", "bind", "rbind":
			return true
		}
	}
	return false
}

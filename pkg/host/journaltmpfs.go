package host

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"vmguard/pkg/rootfs"
)

// Tmpfs is a file system in memory on the way to the journal's directory.
type Tmpfs struct {
	Dir string `json:"dir"` // it lies on
	// File and Line are what mounts it at boot; on a running host, the table of mounts.
	File string `json:"file"`
	Line int    `json:"line,omitempty"`
}

// readJournalTmpfs finds the tmpfs in which the journal would lie; nil for none. On a
// running host that is what is mounted; of an image, what fstab and .mount units name,
// whether they are enabled or not: systemd-journal-flush.service requires these mounts.
func readJournalTmpfs(tree *rootfs.FS) (*Tmpfs, error) {
	if _, err := tree.Stat(mountinfo); err != nil {
		return bootTmpfs(tree)
	}
	mounts, err := readMounts(tree)
	if err != nil {
		return nil, err
	}
	name := journalDir
	if resolved, err := tree.Resolve(name); err == nil {
		name = resolved
	}
	// log2ram copies to the disk what lies in its tmpfs.
	if m := mountOf(mounts, name); inMemory(m.fsType) && !isFile(tree, "/etc/log2ram.conf") {
		return &Tmpfs{Dir: m.point, File: mountinfo}, nil
	}
	return nil, nil
}

// bootTmpfs is readJournalTmpfs of what is set up for boot: the deepest mount counts.
func bootTmpfs(tree *rootfs.FS) (*Tmpfs, error) {
	for _, dir := range []string{journalDir, "/var/log", "/var"} {
		for _, from := range []string{"/etc/systemd/system/", "/etc/fstab", "/usr/local/lib/systemd/system/", "/usr/lib/systemd/system/", "/lib/systemd/system/"} {
			file, unit := from, strings.HasSuffix(from, "/")
			if unit {
				file += strings.ReplaceAll(dir[1:], "/", "-") + ".mount"
			}
			if unit && masked(tree, file) {
				break // mounts nothing, whatever comes after it
			}
			data, err := tree.ReadFile(file, smallFile)
			switch {
			case errors.Is(err, fs.ErrNotExist):
				continue
			case err != nil:
				return nil, errors.New(unread(file, err))
			}
			fsType, line := parseUnit(data)["Mount.Type"], 0
			if !unit {
				if fsType, line = fstabType(data, dir); line == 0 {
					continue
				}
			}
			if inMemory(fsType) {
				return &Tmpfs{dir, file, line}, nil
			}
			return nil, nil
		}
	}
	return nil, nil
}

func inMemory(fsType string) bool { return fsType == "tmpfs" || fsType == "ramfs" }

// fstabType gives the type of what fstab(5) mounts on a directory, and its line; 0 for none.
func fstabType(data []byte, dir string) (fsType string, line int) {
	for i, text := range strings.Split(string(data), "\n") {
		if fields := strings.Fields(text); len(fields) > 2 && fields[0][0] != '#' && path.Clean(unescapeOctal(fields[1])) == dir {
			return fields[2], i + 1
		}
	}
	return "", 0
}

package host

import (
	"errors"
	"slices"
	"strings"

	"vmguard/pkg/rootfs"
)

// mountTable bounds what is read of /proc/self/mountinfo: a host with 1,000
// containers has a line of up to 4 KiB for each, and some more.
const mountTable = 16 << 20

// mount is one line of /proc/self/mountinfo (proc_pid_mountinfo(5)).
type mount struct {
	root   string // of the mount within its filesystem
	point  string
	fsType string
	opts   []string // options of this mount
	super  []string // options of the filesystem; for cgroup v1, its controllers
}

const mountinfo = "/proc/self/mountinfo"

func readMounts(tree *rootfs.FS) ([]mount, error) {
	data, err := tree.ReadFile(mountinfo, mountTable)
	if err != nil {
		return nil, errors.New(unread(mountinfo, err))
	}
	mounts, err := parseMounts(data)
	if err != nil {
		return nil, errors.New(mountinfo + ": " + err.Error())
	}
	return mounts, nil
}

// parseMounts parses /proc/self/mountinfo. It errs where the text is empty or cut off;
// a single line that is none of a mount is passed over, so that an odd filesystem does
// not hide the others.
func parseMounts(data []byte) ([]mount, error) {
	lines, err := kernelLines(data)
	if err != nil {
		return nil, err
	}
	mounts := make([]mount, 0, len(lines))
	for _, line := range lines {
		if m, ok := parseMount(line); ok {
			mounts = append(mounts, m)
		}
	}
	if len(mounts) == 0 {
		return nil, errors.New("no mount in it")
	}
	return mounts, nil
}

// parseMount parses "36 35 98:0 /root /point opts optional... - type source superopts".
func parseMount(line string) (mount, bool) {
	const fixed = 6 // fields before the optional ones
	fields := strings.Split(line, " ")
	if len(fields) < fixed {
		return mount{}, false
	}
	end := slices.Index(fields[fixed:], "-")
	if end < 0 || len(fields) < fixed+end+4 {
		return mount{}, false
	}
	return mount{
		root:   unescapeOctal(fields[3]),
		point:  unescapeOctal(fields[4]),
		opts:   strings.Split(fields[5], ","),
		fsType: unescapeOctal(fields[fixed+end+1]),
		super:  strings.Split(fields[len(fields)-1], ","),
	}, true
}

// mountOf gives the mount that holds an absolute path that is free of links; the zero
// mount where the table does not say. Of mounts on the same point, the last counts.
func mountOf(mounts []mount, path string) mount {
	best, found := -1, mount{}
	for _, m := range mounts {
		if below(path, m.point) && len(m.point) >= best {
			best, found = len(m.point), m
		}
	}
	return found
}

// readOnly tells that nothing can be written through the mount: it, or its filesystem,
// is mounted so.
func (m mount) readOnly() bool {
	return slices.Contains(m.opts, "ro") || slices.Contains(m.super, "ro")
}

// below tells whether path is dir or lies in it.
func below(path, dir string) bool {
	rest, ok := strings.CutPrefix(path, strings.TrimSuffix(dir, "/"))
	return ok && (rest == "" || rest[0] == '/')
}

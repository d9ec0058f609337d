package host

import (
	"cmp"
	"errors"
	"io/fs"
	"path"
	"strings"

	"vmguard/pkg/rootfs"
)

// The links of /proc/self/ns on a host itself: the kernel's first namespaces have
// fixed numbers (PROC_PID_INIT_INO and PROC_CGROUP_INIT_INO, include/linux/proc_ns.h).
const (
	firstPIDNamespace    = "pid:[4026531836]"
	firstCgroupNamespace = "cgroup:[4026531835]"
)

// readSelfContainer names the kind of container that vmguard runs in, empty on a host.
//
// A marker such as /.dockerenv proves nothing alone: a virtual machine whose disk was
// exported from an image has it too. It only names the kind once the namespaces or
// the cgroup say that this is a container at all.
func readSelfContainer(tree *rootfs.FS) string {
	cgroups, _ := word(tree, "/proc/self/cgroup")
	id := containerIn(cgroups)
	pid, pidErr := tree.Readlink("/proc/self/ns/pid")
	cgroup, cgroupErr := tree.Readlink("/proc/self/ns/cgroup")
	first := pidErr == nil && pid == firstPIDNamespace &&
		(cgroup == firstCgroupNamespace || errors.Is(cgroupErr, fs.ErrNotExist))
	told := pidErr == nil || cgroupErr == nil
	if id == "" && (first || !told) {
		return ""
	}
	return cmp.Or(cgroupKind(cgroups), markerKind(tree), "container")
}

// markerKind gives the kind of container that files left by its engine name.
func markerKind(tree *rootfs.FS) string {
	if _, err := tree.Lstat("/run/.containerenv"); err == nil {
		return "podman"
	}
	if _, err := tree.Lstat("/.dockerenv"); err == nil {
		return "docker"
	}
	kind, err := word(tree, "/run/systemd/container")
	if err != nil || !printable(kind) {
		return ""
	}
	return kind
}

// cgroupKind gives the kind of container that the paths of /proc/PID/cgroup name.
func cgroupKind(cgroups string) string {
	for line := range strings.SplitSeq(cgroups, "\n") {
		for segment := range strings.SplitSeq(line, "/") {
			switch {
			case strings.HasPrefix(segment, "libpod-"):
				return "podman"
			case segment == "docker", strings.HasPrefix(segment, "docker-"):
				if containerIn(line) != "" {
					return "docker"
				}
			case strings.HasPrefix(segment, "lxc"):
				if containerIn(line) != "" {
					return "lxc"
				}
			}
		}
	}
	return ""
}

// containerIn gives the name of the container that /proc/PID/cgroup is of: the 64
// hexadecimal digits that Docker, containerd, CRI-O and Podman use, bare or within
// such as docker-ID.scope, or LXC's lxc.payload.NAME; empty where there is none.
func containerIn(cgroups string) string {
	for line := range strings.SplitSeq(cgroups, "\n") {
		for segment := range strings.SplitSeq(line, "/") {
			if id := idIn(segment); id != "" {
				return id
			}
			if name, ok := strings.CutPrefix(segment, "lxc.payload."); ok {
				return name
			}
		}
		if _, name, ok := strings.Cut(line, ":/lxc/"); ok {
			return path.Base(name)
		}
	}
	return ""
}

// idIn gives the run of exactly 64 lower-case hexadecimal digits in a segment of a cgroup's path.
func idIn(segment string) string {
	const length = 64
	run := 0
	for i := 0; i <= len(segment); i++ {
		if i < len(segment) && strings.IndexByte("0123456789abcdef", segment[i]) >= 0 {
			run++
			continue
		}
		if run == length {
			return segment[i-run : i]
		}
		run = 0
	}
	return ""
}

func printable(s string) bool {
	for _, r := range s {
		if r < '!' || r > '~' {
			return false
		}
	}
	return s != ""
}

package host

import (
	"path"
	"slices"
	"strings"

	"vmguard/pkg/rootfs"
)

// Cgroup is how the kernel's control groups are set up.
type Cgroup struct {
	// Version is "1", "2", or "hybrid" (v1 controllers beside a v2 tree).
	Version string `json:"version"`
	// MemoryV2 tells that the memory controller is the v2 one.
	MemoryV2 bool `json:"memoryV2"`
	// MemoryMount is where the memory controller is mounted; empty where it is not.
	MemoryMount string `json:"memoryMount,omitempty"`
	// MemoryRoot is the cgroup that is seen at MemoryMount: "/" on a host.
	MemoryRoot string `json:"memoryRoot,omitempty"`
	// SwapAccounting tells whether the kernel accounts swap for each cgroup.
	SwapAccounting Fact[bool] `json:"swapAccounting"`
}

// readCgroup tells from the mount table and the controllers' files how cgroups are set
// up (Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst).
func readCgroup(tree *rootfs.FS, mounts []mount) Fact[Cgroup] {
	cg, memory := cgroupOf(mounts, func(mountPoint string) bool {
		controllers, err := word(tree, path.Join(mountPoint, "cgroup.controllers"))
		return err == nil && slices.Contains(strings.Fields(controllers), "memory")
	})
	if cg.Version == "" {
		return Missing[Cgroup]("no cgroup filesystem is mounted")
	}
	cg.MemoryMount, cg.MemoryRoot = memory.point, memory.root
	switch {
	case cg.MemoryMount == "":
		cg.SwapAccounting = Missing[bool]("the memory controller is not mounted")
	case cg.MemoryV2:
		cg.SwapAccounting = swapAccountingV2(tree, cg.MemoryMount)
	default:
		name := path.Join(cg.MemoryMount, "memory.memsw.limit_in_bytes")
		cg.SwapAccounting = exists(tree, name)
	}
	return Known(cg, mountinfo)
}

// cgroupOf tells the version and the memory controller's mount. hasMemory tells
// whether the v2 tree at a mount point has the memory controller.
func cgroupOf(mounts []mount, hasMemory func(mountPoint string) bool) (Cgroup, mount) {
	var (
		cg     Cgroup
		memory mount
		v1, v2 bool
	)
	for _, m := range mounts {
		switch {
		case m.fsType == "cgroup2":
			if memory.point == "" && hasMemory(m.point) {
				cg.MemoryV2, memory = true, m
			}
			v2 = true
		case m.fsType == "cgroup" && hasController(m.super):
			if (memory.point == "" || cg.MemoryV2) && slices.Contains(m.super, "memory") {
				cg.MemoryV2, memory = false, m
			}
			v1 = true
		}
	}
	switch {
	case v1 && v2:
		cg.Version = "hybrid"
	case v1:
		cg.Version = "1"
	case v2:
		cg.Version = "2"
	}
	return cg, memory
}

// hasController tells whether a v1 hierarchy controls anything. One that has only a
// name, as systemd's, is there for grouping and does not make a host v1.
func hasController(super []string) bool {
	named := slices.ContainsFunc(super, func(o string) bool { return strings.HasPrefix(o, "name=") })
	if !named {
		return true
	}
	for _, o := range super {
		switch {
		case o == "rw", o == "ro", o == "xattr", o == "noprefix", o == "clone_children", o == "none",
			strings.HasPrefix(o, "name="), strings.HasPrefix(o, "release_agent="):
		default:
			return true
		}
	}
	return false
}

// swapAccountingV2 looks for memory.swap.max in the cgroups below the root, which has
// none itself; nor has a cgroup without the memory controller, which therefore tells nothing.
func swapAccountingV2(tree *rootfs.FS, mountPoint string) Fact[bool] {
	entries, err := tree.ReadDir(mountPoint)
	if err != nil {
		return Missing[bool](unread(mountPoint, err))
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		dir := path.Join(mountPoint, e.Name())
		if _, err := tree.Stat(path.Join(dir, "memory.max")); err != nil {
			continue
		}
		return exists(tree, path.Join(dir, "memory.swap.max"))
	}
	return Missing[bool]("no cgroup in " + mountPoint + " has the memory controller")
}

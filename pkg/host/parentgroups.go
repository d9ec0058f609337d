package host

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"vmguard/pkg/docker"
	"vmguard/pkg/rootfs"
)

// MemoryGroup is a memory cgroup above a container's: a systemd slice, a pod, a
// --cgroup-parent. Its limit holds for all that is below it together.
type MemoryGroup struct {
	// Path is the cgroup's, as the kernel's log spells it: "/system.slice".
	Path string `json:"path"`
	// Limit is in bytes; nil for none.
	Limit *uint64 `json:"limitBytes,omitempty"`
	// OOMs is how often the kernel had to kill because of this very limit ("oom" of
	// memory.events.local); nil on cgroup v1 and before kernel 5.2, which do not count it.
	OOMs *uint64 `json:"ooms,omitempty"`
}

// ParentGroups reads the memory cgroups above a container's, nearest first, without the
// root, as they are now. Of a stopped container, whose own cgroup is gone, they are those
// that it was configured with, or the engine's default. The facts must be of the host
// that the tree belongs to.
func ParentGroups(tree *rootfs.FS, f *Facts, c Container) Fact[[]MemoryGroup] {
	switch {
	case f.EngineHere.Known() && !f.EngineHere.Value:
		return Missing[[]MemoryGroup]("the engine runs on another machine, or in a container: " + f.EngineHere.Source)
	case !f.Cgroup.Known():
		return Missing[[]MemoryGroup](f.Cgroup.Why())
	case f.Cgroup.Value.MemoryMount == "":
		return Missing[[]MemoryGroup]("the memory controller is not mounted")
	}
	cg := f.Cgroup.Value
	nearest, err := nearestParent(tree, cg, f.Docker.Value.CgroupDriver, c)
	if err != nil {
		return Missing[[]MemoryGroup](err.Error())
	}
	groups := []MemoryGroup{}
	for dir := nearest; dir != cg.MemoryMount && strings.HasPrefix(dir, cg.MemoryMount); dir = path.Dir(dir) {
		g, err := readGroup(cgroupReader{tree: tree, dir: dir}, cg.MemoryV2)
		if err != nil {
			return Missing[[]MemoryGroup](err.Error())
		}
		g.Path = path.Join("/", cg.MemoryRoot, strings.TrimPrefix(dir, cg.MemoryMount))
		groups = append(groups, g)
	}
	return Known(groups, nearest)
}

// nearestParent gives the directory of the cgroup right above a container's.
func nearestParent(tree *rootfs.FS, cg Cgroup, driver string, c Container) (string, error) {
	if c.Running() && c.PID > 0 {
		cgroups, err := joiner{tree: tree}.ownCgroups(c)
		if err != nil {
			return "", err
		}
		dir, err := memoryDir(cg, cgroups, c.ID)
		return path.Dir(dir), err
	}
	if cg.MemoryRoot != "/" {
		return "", errors.New("only a part of the cgroups, " + cg.MemoryRoot + ", is mounted here")
	}
	dir := path.Join(cg.MemoryMount, configuredParent(driver, c.Container))
	switch _, err := tree.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		return "", errors.New(dir + " is not there any more, or the engine puts its containers elsewhere")
	case err != nil:
		return "", errors.New(unread(dir, err))
	}
	return dir, nil
}

// configuredParent gives the path of the cgroup that the engine puts a container into:
// the configured one, or the driver's default (dockerd(8), --cgroup-parent).
func configuredParent(driver string, c docker.Container) string {
	parent := c.CgroupParent
	if driver != "systemd" {
		if parent == "" {
			parent = "docker"
		}
		return path.Join("/", parent)
	}
	if parent == "" {
		parent = "system.slice"
	}
	return slicePath(path.Base(parent))
}

// slicePath gives the path of a systemd slice, whose name says which slices it lies in:
// a-b.slice is in a.slice (systemd.slice(5)).
func slicePath(name string) string {
	bare, ok := strings.CutSuffix(name, ".slice")
	if !ok || bare == "" || bare == "-" {
		return "/"
	}
	dir := "/"
	for i, r := range bare {
		if r == '-' && i > 0 {
			dir = path.Join(dir, bare[:i]+".slice")
		}
	}
	return path.Join(dir, name)
}

// readGroup reads the limit of a cgroup and how often that was at its end. A cgroup v2
// without the memory controller, and a v1 one that does not count what is below it
// (memory.use_hierarchy 0, possible before kernel 5.11), limit nothing.
func readGroup(r cgroupReader, v2 bool) (MemoryGroup, error) {
	var g MemoryGroup
	var err error
	if !v2 {
		if whole, err := r.optional("memory.use_hierarchy"); err != nil || whole != nil && *whole == 0 {
			return g, err
		}
		g.Limit, _, err = r.limit("memory.limit_in_bytes")
		return g, err
	}
	if g.Limit, _, err = r.limit("memory.max"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return g, err
	}
	events, err := r.keyed("memory.events.local", "oom")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return g, nil
	case err != nil:
		return g, err
	}
	if n, ok := events["oom"]; ok {
		g.OOMs = &n
	}
	return g, nil
}

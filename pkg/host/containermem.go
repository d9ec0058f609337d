package host

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"vmguard/pkg/rootfs"
)

// ContainerMemory is what a container's memory cgroup says, in bytes.
type ContainerMemory struct {
	Usage uint64 `json:"usageBytes"`
	// WorkingSet is Usage without the page cache that the kernel can drop at once (inactive_file).
	WorkingSet uint64 `json:"workingSetBytes"`
	// Unreclaimable is Usage without any page cache (active_file as well): what the kernel
	// cannot drop, and so what leads to an OOM kill at the limit.
	Unreclaimable uint64 `json:"unreclaimableBytes"`
	// Peak is the highest Usage since the container started; nil before kernel 5.19 on cgroup v2.
	Peak *uint64 `json:"peakBytes,omitempty"`
	// Limit is the effective limit of the container's own cgroup; nil where there is none.
	Limit *uint64 `json:"limitBytes,omitempty"`
	// SwapLimit is how much swap the container may use; nil where there is no limit.
	SwapLimit *uint64 `json:"swapLimitBytes,omitempty"`
	// SwapLimitKnown tells whether SwapLimit could be read.
	SwapLimitKnown bool    `json:"swapLimitKnown"`
	SwapUsage      *uint64 `json:"swapUsageBytes,omitempty"`
	// OOMKills is oom_kill of memory.events (v2) or memory.oom_control (v1); nil where the kernel does not count.
	OOMKills *uint64 `json:"oomKills,omitempty"`
	// LimitHits is "max" of memory.events (v2) or memory.failcnt (v1): how often the limit was run into.
	LimitHits *uint64 `json:"limitHits,omitempty"`
}

// readContainerMemory reads the memory cgroup that /proc/PID/cgroup places a container
// in. A process may have moved into a cgroup of its own making below the container's:
// the one that bears the container's ID is read.
func readContainerMemory(tree *rootfs.FS, cg Fact[Cgroup], cgroups, id string) Fact[ContainerMemory] {
	switch {
	case !cg.Known():
		return Missing[ContainerMemory](cg.Why())
	case cg.Value.MemoryMount == "":
		return Missing[ContainerMemory]("the memory controller is not mounted")
	}
	dir, err := memoryDir(cg.Value, cgroups, id)
	if err != nil {
		return Missing[ContainerMemory](err.Error())
	}
	r := cgroupReader{tree: tree, dir: dir}
	read := r.v1
	if cg.Value.MemoryV2 {
		read = r.v2
	}
	memory, err := read()
	if err != nil {
		return Missing[ContainerMemory](err.Error())
	}
	return Known(memory, dir)
}

// memoryDir gives the directory of a container's memory cgroup.
func memoryDir(cg Cgroup, cgroups, id string) (string, error) {
	name, ok := cgroupPath(cgroups, cg.MemoryV2)
	if !ok {
		return "", errors.New("its process is in no memory cgroup")
	}
	segments := strings.Split(name, "/")
	own := slices.IndexFunc(segments, func(s string) bool { return strings.Contains(s, id) })
	if own < 0 {
		return "", fmt.Errorf("its memory cgroup %q does not name it", name)
	}
	name = strings.Join(segments[:own+1], "/")
	// ".." stands for what lies outside of the reader's cgroup namespace.
	if slices.Contains(segments, "..") || !below(name, cg.MemoryRoot) {
		return "", fmt.Errorf("its memory cgroup %q lies outside of what is mounted here", name)
	}
	return path.Join(cg.MemoryMount, strings.TrimPrefix(name, strings.TrimSuffix(cg.MemoryRoot, "/"))), nil
}

// cgroupPath gives a process's memory cgroup from /proc/PID/cgroup, lines of
// "number:controllers:path" with number 0 and no controllers for v2 (cgroups(7)).
func cgroupPath(cgroups string, v2 bool) (string, bool) {
	for line := range strings.SplitSeq(cgroups, "\n") {
		fields := strings.SplitN(line, ":", 3)
		if len(fields) != 3 || !strings.HasPrefix(fields[2], "/") {
			continue
		}
		if v2 && fields[0] == "0" && fields[1] == "" {
			return fields[2], true
		}
		if !v2 && slices.Contains(strings.Split(fields[1], ","), "memory") {
			return fields[2], true
		}
	}
	return "", false
}

// cgroupReader reads the files of one memory cgroup.
type cgroupReader struct {
	tree *rootfs.FS
	dir  string
}

// v1 reads Documentation/admin-guide/cgroup-v1/memory.rst.
func (r cgroupReader) v1() (ContainerMemory, error) {
	var m ContainerMemory
	usage, err := r.needed("memory.usage_in_bytes")
	if err != nil {
		return m, err
	}
	stat, err := r.keyed("memory.stat", "total_inactive_file", "total_active_file", "total_swap")
	if err != nil {
		return m, err
	}
	m.setUsage(usage, stat["total_inactive_file"], stat["total_active_file"])
	if m.Limit, _, err = r.limit("memory.limit_in_bytes"); err != nil {
		return m, err
	}
	if m.Peak, err = r.optional("memory.max_usage_in_bytes"); err != nil {
		return m, err
	}
	if m.LimitHits, err = r.optional("memory.failcnt"); err != nil {
		return m, err
	}
	// memsw limits memory and swap together.
	both, known, err := r.limit("memory.memsw.limit_in_bytes")
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return m, err
	case known:
		m.SwapLimitKnown = true
		if both != nil && m.Limit != nil {
			m.SwapLimit = ptr(*both - min(*m.Limit, *both))
		}
	}
	if swap, ok := stat["total_swap"]; ok {
		m.SwapUsage = &swap
	}
	control, err := r.keyed("memory.oom_control", "oom_kill")
	if err == nil {
		if n, ok := control["oom_kill"]; ok {
			m.OOMKills = &n
		}
	}
	return m, nil
}

// v2 reads Documentation/admin-guide/cgroup-v2.rst.
func (r cgroupReader) v2() (ContainerMemory, error) {
	var m ContainerMemory
	usage, err := r.needed("memory.current")
	if err != nil {
		return m, err
	}
	stat, err := r.keyed("memory.stat", "inactive_file", "active_file")
	if err != nil {
		return m, err
	}
	m.setUsage(usage, stat["inactive_file"], stat["active_file"])
	if m.Limit, _, err = r.limit("memory.max"); err != nil {
		return m, err
	}
	if m.Peak, err = r.optional("memory.peak"); err != nil {
		return m, err
	}
	m.SwapLimit, m.SwapLimitKnown, err = r.limit("memory.swap.max")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return m, err
	}
	if m.SwapUsage, err = r.optional("memory.swap.current"); err != nil {
		return m, err
	}
	events, err := r.keyed("memory.events", "oom_kill", "max")
	if err != nil {
		return m, err
	}
	if n, ok := events["oom_kill"]; ok {
		m.OOMKills = &n
	}
	if n, ok := events["max"]; ok {
		m.LimitHits = &n
	}
	return m, nil
}

// setUsage sets Usage and what of it is no page cache. The two files are read one after
// the other, so the cache may seem larger than the whole.
func (m *ContainerMemory) setUsage(usage, inactiveFile, activeFile uint64) {
	m.Usage = usage
	m.WorkingSet = usage - min(inactiveFile, usage)
	m.Unreclaimable = m.WorkingSet - min(activeFile, m.WorkingSet)
}

func (r cgroupReader) needed(name string) (uint64, error) {
	file := path.Join(r.dir, name)
	n, err := number(r.tree, file)
	if err != nil {
		return 0, r.unread(file, err)
	}
	return n, nil
}

// optional reads a file that not every kernel has.
func (r cgroupReader) optional(name string) (*uint64, error) {
	n, err := r.needed(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil //nolint:nilnil // an absent file is no error and no number
	case err != nil:
		return nil, err
	}
	return &n, nil
}

// limit reads a limit, nil where there is none, and whether the file is there.
func (r cgroupReader) limit(name string) (*uint64, bool, error) {
	file := path.Join(r.dir, name)
	text, err := word(r.tree, file)
	if err != nil {
		return nil, false, r.unread(file, err)
	}
	limit, err := parseLimit(text)
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", file, err)
	}
	return limit, true, nil
}

func (r cgroupReader) keyed(name string, wanted ...string) (map[string]uint64, error) {
	file := path.Join(r.dir, name)
	data, err := r.tree.ReadFile(file, smallFile)
	if err != nil {
		return nil, r.unread(file, err)
	}
	found, err := keyed(data, wanted...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return found, nil
}

// unread keeps the cause, for an absent file may be no fault.
func (r cgroupReader) unread(file string, err error) error {
	if gone(err) {
		return &fs.PathError{Op: "read", Path: file, Err: fs.ErrNotExist}
	}
	return err
}

// parseLimit parses a cgroup's limit: v2 writes "max" for none, v1 a number close to
// 2^63, less what rounding to pages takes off it.
func parseLimit(text string) (*uint64, error) {
	const none = 1 << 62
	if text == "max" {
		return nil, nil //nolint:nilnil // no limit is no number
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return nil, badNumber(text)
	}
	if n >= none {
		return nil, nil //nolint:nilnil // no limit is no number
	}
	return &n, nil
}

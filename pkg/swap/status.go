package swap

import (
	"path"
	"slices"
	"strings"

	"vmguard/pkg/host"
)

// Kind is what a swap area lies on.
type Kind string

// The kinds of swap area. KindUnknown is that of a configured area whose name is no path and no tag.
const (
	KindFile      Kind = "file"
	KindPartition Kind = "partition" // any block device but zram
	KindZram      Kind = "zram"      // compressed memory
	KindUnknown   Kind = "unknown"
)

// Status is what is known of a host's swap.
type Status struct {
	// Areas are those in use in the order of /proc/swaps, then what is configured and not in use.
	Areas []AreaStatus `json:"areas"`
	// Total and Used add up what is in use, in bytes.
	Total uint64 `json:"totalBytes"`
	Used  uint64 `json:"usedBytes"`
	// Swappiness is the running value of vm.swappiness.
	Swappiness host.Fact[int64]        `json:"swappiness"`
	Memory     host.Fact[MemoryStatus] `json:"memory"`
}

// MemoryStatus is how much RAM there is, and how much of it can be had without swapping, in bytes
// (proc_meminfo(5)).
type MemoryStatus struct {
	Total     uint64 `json:"totalBytes"`
	Available uint64 `json:"availableBytes"`
}

// AreaStatus is what is known of one swap area.
type AreaStatus struct {
	// Path is as /proc/swaps shows it. Of what is not in use it is where the configuration's name leads
	// to, else that name itself, such as UUID=...
	Path string `json:"path"`
	// Spec is the name that the configuration has for an area that is not in use; empty for the others.
	Spec string `json:"spec,omitempty"`
	Kind Kind   `json:"kind"`
	// Active tells that the area is in use, and Deleted that its file was removed since.
	Active  bool `json:"active"`
	Deleted bool `json:"deleted,omitempty"`
	// Absent tells that nothing is there under the configured name.
	Absent bool `json:"absent,omitempty"`
	// Size is the area's in bytes, without its header; of a swapfile that is not in use the file's; nil
	// where that is not known.
	Size *uint64 `json:"sizeBytes,omitempty"`
	Used uint64  `json:"usedBytes"`
	// Priority is nil where the area is not in use.
	Priority    *int        `json:"priority,omitempty"`
	Persistence Persistence `json:"persistence"`
	// Aliases are other names of a device: UUID=, LABEL= and the like.
	Aliases []string `json:"aliases,omitempty"`

	// The rest is about swapfiles alone, and left empty for those that are absent.

	// Permissions are who may read the file.
	Permissions host.Fact[host.SwapFile] `json:"permissions,omitzero"`
	// Filesystem is the type of the one that the file is on.
	Filesystem host.Fact[string] `json:"filesystem,omitzero"`
	// Header is missing without root's rights, as the file is root's alone.
	Header host.Fact[HeaderStatus] `json:"header,omitzero"`
}

// HeaderStatus is what a swapfile's header says.
type HeaderStatus struct {
	// Size is that of the area in bytes, its header included.
	Size  uint64 `json:"sizeBytes"`
	Label string `json:"label,omitempty"`
	UUID  string `json:"uuid,omitempty"`
	// ByVmguard tells that vmguard made the area: the label says so.
	ByVmguard bool `json:"byVmguard"`
}

// FileLook is what was read of one swapfile.
type FileLook struct {
	// Absent tells that nothing has that name.
	Absent     bool
	Size       host.Fact[uint64] // of the file, in bytes
	File       host.Fact[host.SwapFile]
	Filesystem host.Fact[string]
	Header     host.Fact[HeaderStatus]
	// Masked is the link that masks the systemd unit which is made of an fstab line for the file; empty for none.
	Masked string
}

// Gap is what could not be found out about an area, and why.
type Gap struct{ What, Why string }

// What a Gap is about.
const (
	GapPersistence = "persistence"
	GapPermissions = "permissions"
	GapFilesystem  = "filesystem"
	GapHeader      = "header"
	GapSize        = "size"
)

// Gaps lists what could not be found out.
func (a AreaStatus) Gaps() []Gap {
	var gaps []Gap
	add := func(missing bool, what, why string) {
		if missing {
			gaps = append(gaps, Gap{what, why})
		}
	}
	file := a.Kind == KindFile && !a.Absent
	add(a.Persistence.State == PersistUnknown, GapPersistence, a.Persistence.Why)
	add(file && !a.Permissions.Known(), GapPermissions, a.Permissions.Why())
	add(file && !a.Filesystem.Known(), GapFilesystem, a.Filesystem.Why())
	add(file && !a.Header.Known(), GapHeader, a.Header.Why())
	add(a.Size == nil && !a.Absent, GapSize, a.noSize())
	return gaps
}

// noSize says why the size of what is not in use is not known.
func (a AreaStatus) noSize() string {
	switch a.Kind {
	case KindFile:
		return a.Permissions.Why() // both come from the same look
	case KindUnknown:
		return "the name is no path and no tag"
	default:
		return "a device that is not in use is not looked at"
	}
}

// NewStatus makes a status of a host's facts and of what was read of its swapfiles, by their paths.
// It needs Swaps; each other fact that is missing makes something unknown.
func NewStatus(facts *host.Facts, looks map[string]FileLook) Status {
	s := Status{Areas: []AreaStatus{}, Swappiness: facts.Sysctl("vm.swappiness"), Memory: host.Missing[MemoryStatus](facts.Memory.Why())}
	if m := facts.Memory; m.Known() {
		s.Memory = host.Known(MemoryStatus{m.Value.Total, m.Value.Available}, m.Source)
	}
	for _, area := range facts.Swaps.Value {
		s.Total += area.Size
		s.Used += area.Used
		s.Areas = append(s.Areas, activeArea(facts, area, looks))
	}
	for _, n := range inactive(facts) {
		s.Areas = append(s.Areas, inactiveArea(facts, n, looks))
	}
	return s
}

func activeArea(facts *host.Facts, area host.SwapArea, looks map[string]FileLook) AreaStatus {
	a := AreaStatus{
		Path: area.Path, Kind: Kind(area.Type), Active: true, Deleted: area.Deleted, Aliases: area.Aliases,
		Size: &area.Size, Used: area.Used, Priority: &area.Priority,
	}
	if area.Zram() {
		a.Kind = KindZram
	}
	look := looks[a.Path]
	a.setFile(facts, area.File, look)
	a.Persistence = persistence(facts, a, namingOf(facts, area), look.Masked)
	return a
}

func inactiveArea(facts *host.Facts, n naming, looks map[string]FileLook) AreaStatus {
	a := AreaStatus{Path: n.path, Spec: n.spec, Kind: kindOf(n.path)}
	look := looks[a.Path]
	a.Absent = n.absent() || look.Absent
	if look.Size.Known() && !a.Absent {
		a.Size = &look.Size.Value
	}
	a.setFile(facts, look.File, look)
	a.Persistence = persistence(facts, a, n, look.Masked)
	return a
}

// setFile fills in what is known of a swapfile.
func (a *AreaStatus) setFile(facts *host.Facts, file host.Fact[host.SwapFile], look FileLook) {
	if a.Kind != KindFile || a.Absent {
		return
	}
	why := ""
	switch {
	case inContainer(facts):
		why = "vmguard runs in a container, which does not show the VM's files"
	case a.Deleted:
		why = "the file was removed while in use"
	}
	if why != "" {
		a.Permissions, a.Filesystem, a.Header = host.Missing[host.SwapFile](why), host.Missing[string](why), host.Missing[HeaderStatus](why)
		return
	}
	a.Permissions, a.Filesystem, a.Header = file, look.Filesystem, look.Header
}

// kindOf tells what a configured name stands for. What is no device is taken for a file, also where it is not there.
func kindOf(name string) Kind {
	tag, _, tagged := strings.Cut(name, "=")
	switch {
	case host.SwapArea{Path: name}.Zram():
		return KindZram
	case strings.HasPrefix(name, "/dev/"):
		return KindPartition
	case path.IsAbs(name):
		return KindFile
	case tagged && slices.Contains([]string{"UUID", "LABEL", "PARTUUID", "PARTLABEL", "ID"}, tag):
		return KindPartition // mount(8)
	}
	return KindUnknown
}

// inContainer tells whether vmguard sees a container's files instead of the host's.
func inContainer(facts *host.Facts) bool { return facts.System.Value.Container != "" }

package host

import (
	"fmt"
	"strconv"
	"strings"

	"vmguard/pkg/rootfs"
)

// SwapArea is one active swap area, a line of /proc/swaps.
type SwapArea struct {
	Path     string `json:"path"` // unescaped, without the kernel's " (deleted)"
	Type     string `json:"type"` // "file" or "partition"
	Size     uint64 `json:"sizeBytes"`
	Used     uint64 `json:"usedBytes"`
	Priority int    `json:"priority"`
	Deleted  bool   `json:"deleted,omitempty"` // the file was removed while in use
	// Aliases are other names of the same device: /dev/disk/by-* and /dev/mapper links,
	// as UUID=, LABEL=, PARTUUID= or a path.
	Aliases []string `json:"aliases,omitempty"`
	// File is who may read a swapfile; only for type "file".
	File Fact[SwapFile] `json:"file,omitzero"`
}

// SwapFile is what the filesystem says of a swapfile.
type SwapFile struct {
	Mode uint32 `json:"mode"` // permission bits
	UID  uint32 `json:"uid"`
}

// Zram tells whether the area is a compressed RAM disk, which a service sets up, not fstab.
func (a SwapArea) Zram() bool {
	const zram = "/dev/zram"
	return len(a.Path) > len(zram) && a.Path[:len(zram)] == zram
}

// The types of a swap area, as /proc/swaps names them.
const (
	swapFile      = "file"
	swapPartition = "partition"
)

// readSwaps reads the active swap areas, the other names of those on devices, and who
// may read those in files.
func readSwaps(tree *rootfs.FS) Fact[[]SwapArea] {
	areas := parsed(tree, "/proc/swaps", parseSwaps)
	var links []deviceLink
	for i := range areas.Value {
		area := &areas.Value[i]
		if area.Type == swapFile {
			area.File = readSwapFile(tree, *area)
			continue
		}
		if links == nil {
			links = deviceLinks(tree)
		}
		for _, link := range links {
			if link.device == area.Path {
				area.Aliases = append(area.Aliases, link.name)
			}
		}
	}
	return areas
}

func readSwapFile(tree *rootfs.FS, area SwapArea) Fact[SwapFile] {
	if area.Deleted {
		return Missing[SwapFile]("the file was removed while in use")
	}
	info, err := tree.Lstat(area.Path)
	if err != nil {
		return Missing[SwapFile](unread(area.Path, err))
	}
	uid, ok := owner(info)
	if !ok {
		return Missing[SwapFile]("the owner of " + area.Path + " cannot be told")
	}
	return Known(SwapFile{Mode: uint32(info.Mode().Perm()), UID: uid}, area.Path)
}

// parseSwaps parses /proc/swaps (proc_swaps(5)); sizes there are in kB. It errs where
// the header is absent, and on a line that is cut off or has no five fields: an area
// that is left out would read as less swap than there is.
func parseSwaps(data []byte) ([]SwapArea, error) {
	lines, err := kernelLines(data)
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(lines[0], "Filename") {
		return nil, fmt.Errorf("line 1 is no header")
	}
	areas := make([]SwapArea, 0, len(lines)-1)
	for i, line := range lines[1:] {
		area, err := parseSwapLine(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+2, err)
		}
		areas = append(areas, area)
	}
	return areas, nil
}

func parseSwapLine(line string) (SwapArea, error) {
	// The path is free of blanks: the kernel escapes them.
	fields := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' })
	if len(fields) != 5 {
		return SwapArea{}, fmt.Errorf("%d fields instead of 5", len(fields))
	}
	area := SwapArea{Type: fields[1]}
	// A file whose real name ends in " (deleted)" cannot be told from a removed one.
	area.Path, area.Deleted = strings.CutSuffix(unescapeOctal(fields[0]), " (deleted)")
	if area.Type != swapFile && area.Type != swapPartition {
		return SwapArea{}, fmt.Errorf("unknown type %q", area.Type)
	}
	var err error
	if area.Size, err = kibibytes(fields[2]); err != nil {
		return SwapArea{}, fmt.Errorf("size: %w", err)
	}
	if area.Used, err = kibibytes(fields[3]); err != nil {
		return SwapArea{}, fmt.Errorf("used: %w", err)
	}
	if area.Priority, err = strconv.Atoi(fields[4]); err != nil {
		return SwapArea{}, fmt.Errorf("priority: %w", badNumber(fields[4]))
	}
	return area, nil
}

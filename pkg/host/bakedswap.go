package host

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"vmguard/pkg/rootfs"
)

// BakedSwap is a swapfile that lies in the file tree, in use or not.
type BakedSwap struct {
	// Path is free of links.
	Path string `json:"path"`
	Size uint64 `json:"sizeBytes"`
	// Allocated is how much of it takes up space (st_blocks of stat(2)). Where it is less than Size
	// the file has holes, or the file system compresses.
	Allocated uint64 `json:"allocatedBytes"`
	Mode      uint32 `json:"mode"` // permission bits
	// UID is the owner's, as the tree's own system will know it: in a tree whose root directory belongs
	// to somebody else, as that of a user namespace seen from outside, that user counts as 0.
	UID uint32 `json:"uid"`
	// Header is the header of the swap area; nil where there is none.
	Header *SwapHeader `json:"header,omitempty"`
	// NamedBy is what activates it at boot: "/etc/fstab:3", or the path of a systemd unit.
	NamedBy []string `json:"namedBy,omitempty"`
}

const (
	// leastSwap is the least that mkswap(8) makes an area of: 10 pages. What is smaller is no swapfile.
	leastSwap = 10 * leastPage
	// mostNames bounds how many names of a directory are looked at, and mostSwapfiles what is found.
	mostNames     = 1000
	mostSwapfiles = 64
)

// usualSwapfiles are the names that installers, manuals and other tools give swapfiles.
func usualSwapfiles() []string {
	return []string{"/swapfile", "/swap.img", "/swap", "/var/swap", "/var/swapfile", "/var/swap.img", "/swap/swapfile", "/mnt/swapfile"}
}

// bakedSwapReading is for images: of a running host the areas in use are known.
func bakedSwapReading(s Source, sh shared) reading {
	return fact(fileLimit, func(f *Facts) *Fact[[]BakedSwap] { return &f.SwapFiles },
		func(context.Context) Fact[[]BakedSwap] {
			units, err := sh.units()
			return readBakedSwap(s.FS, readFstab(s.FS, s.Live), readSwapUnits(s.FS, s.Live, units.now, err))
		})
}

// readBakedSwap looks for swapfiles: those that fstab and units name, those at the usual
// places, and regular files right below /, /var and /swap that bear a swap signature.
func readBakedSwap(tree *rootfs.FS, fstab Fact[[]FstabSwap], units Fact[[]SwapUnit]) Fact[[]BakedSwap] {
	for _, why := range []string{fstab.Why(), units.Why()} {
		if why != "" {
			return Missing[[]BakedSwap](why)
		}
	}
	named := namedSwapfiles(fstab, units)
	found := map[string]BakedSwap{}
	look := func(name string, must bool) string {
		target, file, err := lookAtSwapfile(tree, name, must || len(named[name]) > 0)
		if err != nil {
			return unread(name, err)
		}
		if file != nil {
			file.NamedBy = slices.Concat(found[target].NamedBy, named[name])
			slices.Sort(file.NamedBy)
			file.NamedBy = slices.Compact(file.NamedBy)
			found[target] = *file
		}
		return ""
	}
	for _, name := range slices.Sorted(maps.Keys(named)) {
		if why := look(name, true); why != "" {
			return Missing[[]BakedSwap](why)
		}
	}
	for _, name := range usualSwapfiles() {
		if why := look(name, true); why != "" {
			return Missing[[]BakedSwap](why)
		}
	}
	for _, dir := range []string{"/", "/swap", "/var"} {
		names, why := regularFiles(tree, dir)
		if why != "" {
			return Missing[[]BakedSwap](why)
		}
		for _, name := range names {
			if why := look(name, isHalfMade(name)); why != "" {
				return Missing[[]BakedSwap](why)
			}
		}
	}
	if len(found) > mostSwapfiles {
		return Missing[[]BakedSwap](fmt.Sprintf("there are more than %d swapfiles", mostSwapfiles))
	}
	list := make([]BakedSwap, 0, len(found))
	for _, name := range slices.Sorted(maps.Keys(found)) {
		list = append(list, found[name])
	}
	return Known(list, "/etc/fstab, systemd's units and the usual places")
}

// namedSwapfiles gives what names each file. What names a device finds no file in the tree.
func namedSwapfiles(fstab Fact[[]FstabSwap], units Fact[[]SwapUnit]) map[string][]string {
	named := map[string][]string{}
	add := func(file, by string) {
		if path.IsAbs(file) && !strings.HasPrefix(file, "/dev/") {
			named[file] = append(named[file], by)
		}
	}
	for _, line := range fstab.Value {
		add(line.Spec, "/etc/fstab:"+strconv.Itoa(line.Line))
	}
	for _, unit := range units.Value {
		if !unit.FromFstab {
			add(unit.What, unit.Path)
		}
	}
	return named
}

// regularFiles lists the regular files of a directory, or says why it cannot. A directory
// that is not there has none; links are passed over.
func regularFiles(tree *rootfs.FS, dir string) (names []string, why string) {
	entries, why := listDir(tree, dir)
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, path.Join(dir, e.Name()))
		}
	}
	return names, why
}

// listDir lists a directory, or says why it cannot. One that is not there is empty.
func listDir(tree *rootfs.FS, dir string) (entries []fs.DirEntry, why string) {
	entries, err := tree.ReadDir(dir)
	switch {
	case absent(err):
		return nil, ""
	case err != nil:
		return nil, unread(dir, err)
	case len(entries) > mostNames:
		return nil, fmt.Sprintf("%s holds more than %d names, and was not looked through", dir, mostNames)
	}
	return entries, ""
}

// isHalfMade tells the names under which vmguard keeps a swapfile while it makes or
// resizes one: .swapfile.vmguard-new and -old.
func isHalfMade(name string) bool {
	base := path.Base(name)
	return strings.HasPrefix(base, ".") && (strings.HasSuffix(base, ".vmguard-new") || strings.HasSuffix(base, ".vmguard-old"))
}

// lookAtSwapfile describes a swapfile; nil for what is none. A file that is called one (must)
// counts without a header as well: it takes up its space, and no kernel takes it.
func lookAtSwapfile(tree *rootfs.FS, name string, must bool) (string, *BakedSwap, error) {
	target, err := tree.Resolve(name)
	if absent(err) {
		return "", nil, nil
	}
	if err != nil {
		return "", nil, err
	}
	info, err := tree.Lstat(target)
	if err != nil || !info.Mode().IsRegular() || info.Size() < leastSwap {
		return "", nil, err
	}
	head, err := tree.ReadHead(target, mostPage)
	if err != nil {
		return "", nil, err
	}
	header := parseSwapHeader(head)
	if header == nil && !must {
		return "", nil, nil
	}
	file := &BakedSwap{Path: target, Size: uint64(info.Size()), Allocated: allocated(info), Mode: uint32(info.Mode().Perm()), Header: header}
	file.UID = ownerInTree(tree, info)
	return target, file, nil
}

// ownerInTree gives a file's owner, counted from that of the tree's root directory.
func ownerInTree(tree *rootfs.FS, info fs.FileInfo) uint32 {
	uid, _ := owner(info)
	top, err := tree.Stat("/")
	if err != nil {
		return uid
	}
	if base, ok := owner(top); ok && uid >= base {
		return uid - base
	}
	return uid
}

package host

import (
	"errors"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"syscall"

	"vmguard/pkg/rootfs"
)

// deviceLink is another name of a block device, made by udev.
type deviceLink struct {
	name   string // as fstab may spell it: UUID=..., or a path
	device string // the path that it leads to
}

// deviceDir is a directory of udev's links, and how fstab(5) spells a link in it;
// empty where only as a path.
type deviceDir struct{ dir, tag string }

func deviceDirs() []deviceDir {
	return []deviceDir{
		{"/dev/disk/by-uuid", "UUID="},
		{"/dev/disk/by-label", "LABEL="},
		{"/dev/disk/by-partuuid", "PARTUUID="},
		{"/dev/disk/by-partlabel", "PARTLABEL="},
		{"/dev/disk/by-id", ""},
		{"/dev/mapper", ""},
	}
}

// deviceLinks lists what other names block devices have. Directories that are not
// there hold no names.
func deviceLinks(tree *rootfs.FS) []deviceLink {
	links := []deviceLink{}
	for _, d := range deviceDirs() {
		entries, err := tree.ReadDir(d.dir)
		if err != nil {
			continue
		}
		for _, e := range entries {
			if e.Type()&fs.ModeSymlink == 0 {
				continue
			}
			link := path.Join(d.dir, e.Name())
			target, err := tree.Readlink(link)
			if err != nil {
				continue
			}
			if !path.IsAbs(target) {
				target = path.Join(d.dir, target)
			}
			name := link
			if d.tag != "" {
				name = d.tag + unescapeUdev(e.Name())
			}
			links = append(links, deviceLink{name: name, device: path.Clean(target)})
		}
	}
	return links
}

// resolveSpec finds what the first field of an fstab line, or a unit's What=, stands
// for: the path that /proc/swaps shows for it, and whether it is there. Live tells
// that the tree is the running host's own; devices of other trees cannot be looked up.
func resolveSpec(tree *rootfs.FS, spec string, live bool) (string, Fact[bool]) {
	if path.IsAbs(spec) {
		return resolvePath(tree, spec, live)
	}
	for _, d := range deviceDirs() {
		value, ok := strings.CutPrefix(spec, d.tag)
		if d.tag == "" || !ok {
			continue
		}
		if _, err := tree.Stat(d.dir); err != nil {
			return "", Missing[bool](unread(d.dir, err))
		}
		// udev writes UUIDs in lower case, people as they like.
		for _, name := range []string{value, strings.ToLower(value)} {
			if name == "" || name == "." || name == ".." {
				continue // no name of a link
			}
			if target, exists := resolvePath(tree, path.Join(d.dir, escapeUdev(name)), true); exists.Value {
				return target, exists
			}
		}
		return "", Known(false, d.dir)
	}
	return "", Missing[bool](strconv.Quote(spec) + " is no path and no tag that can be looked up")
}

func resolvePath(tree *rootfs.FS, name string, live bool) (string, Fact[bool]) {
	target, err := tree.Resolve(name)
	switch {
	case err == nil:
		return target, Known(true, name)
	case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR):
		return "", Missing[bool](unread(name, err))
	case !live && strings.HasPrefix(name, "/dev/"):
		return "", Missing[bool]("devices can only be looked up on the running host")
	}
	return "", Known(false, name)
}

// unescapeUdev undoes the \x20 that udev writes in the names of its links.
func unescapeUdev(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if strings.HasPrefix(s[i:], `\x`) && i+4 <= len(s) {
			if n, err := strconv.ParseUint(s[i+2:i+4], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// escapeUdev writes a label as udev names its link: letters, digits and #+-.:=@_ stay,
// and so does what is beyond ASCII (src/shared/device-nodes.c of systemd).
func escapeUdev(s string) string {
	const plain = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#+-.:=@_"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= 0x80 || strings.IndexByte(plain, c) >= 0 {
			b.WriteByte(c)
		} else {
			b.WriteString(`\x`)
			const hex = "0123456789abcdef"
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}

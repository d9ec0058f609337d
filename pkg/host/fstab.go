package host

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"vmguard/pkg/rootfs"
)

// FstabSwap is one swap line of /etc/fstab (fstab(5)). Other lines are not kept:
// they may hold credentials.
type FstabSwap struct {
	Line int    `json:"line"` // counted from 1
	Spec string `json:"spec"` // first field, unescaped: a path, UUID=, LABEL=, PARTUUID=
	// NoAuto tells that the line is not activated at boot.
	NoAuto bool `json:"noauto,omitempty"`
	NoFail bool `json:"nofail,omitempty"`
	// Exists tells whether the file or device that Spec names is there.
	Exists Fact[bool] `json:"exists"`
	// Target is the path that Spec leads to once tags and links are followed, as
	// /proc/swaps shows it; empty where that cannot be told.
	Target string `json:"target,omitempty"`
	// MaskedBy is the file that masks the unit that systemd makes of the line, so that it is
	// not activated at boot; empty for none, and without systemd.
	MaskedBy string `json:"maskedBy,omitempty"`
}

// mostSwaps bounds how many lines of /etc/fstab, and how many units, name swap. The kernel
// takes 29 areas at once (MAX_SWAPFILES).
const mostSwaps = 200

// readFstab reads the swap lines of /etc/fstab. A host without that file has none.
func readFstab(tree *rootfs.FS, live bool) Fact[[]FstabSwap] {
	const name = "/etc/fstab"
	data, err := tree.ReadFile(name, smallFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Known([]FstabSwap{}, name+" (absent)")
	case err != nil:
		return Missing[[]FstabSwap](unread(name, err))
	}
	lines := parseFstab(data)
	if len(lines) > mostSwaps {
		return Missing[[]FstabSwap](fmt.Sprintf("%s names swap more than %d times", name, mostSwaps))
	}
	systemd := hasSystemd(tree, "systemd")
	for i := range lines {
		lines[i].Target, lines[i].Exists = resolveSpec(tree, lines[i].Spec, live)
		if systemd {
			lines[i].MaskedBy = maskedUnit(tree, SwapUnitName(devicePath(lines[i].Spec)))
		}
	}
	return Known(lines, name)
}

// devicePath gives the path that a spec means: of a tag, udev's link (fstab_node_to_udev_node
// of systemd's shared/fstab-util.c).
func devicePath(spec string) string {
	for _, d := range deviceDirs() {
		if value, ok := strings.CutPrefix(spec, d.tag); ok && d.tag != "" {
			return path.Join(d.dir, escapeUdev(value))
		}
	}
	return path.Clean(spec)
}

// parseFstab finds the lines of type swap. What is no entry at all, such as a line
// with too few fields, is passed over, as mount(8) and swapon(8) do. It stops where there
// are more than mostSwaps.
func parseFstab(data []byte) []FstabSwap {
	list := []FstabSwap{}
	n := 0
	for line := range strings.SplitSeq(string(data), "\n") {
		if n++; len(list) > mostSwaps {
			break
		}
		fields := strings.FieldsFunc(strings.TrimRight(line, "\r"), func(r rune) bool { return r == ' ' || r == '\t' })
		if len(fields) < 3 || strings.HasPrefix(fields[0], "#") || fields[2] != "swap" {
			continue
		}
		entry := FstabSwap{Line: n, Spec: unquoteTag(unescapeOctal(fields[0]))}
		if len(fields) > 3 {
			for option := range strings.SplitSeq(fields[3], ",") {
				switch option {
				case "noauto":
					entry.NoAuto = true
				case "nofail":
					entry.NoFail = true
				}
			}
		}
		list = append(list, entry)
	}
	return list
}

// unquoteTag takes the quotes off the value of LABEL="swap".
func unquoteTag(spec string) string {
	tag, value, ok := strings.Cut(spec, "=")
	if !ok || strings.HasPrefix(spec, "/") || len(value) < 2 {
		return spec
	}
	if q := value[0]; (q == '"' || q == '\'') && value[len(value)-1] == q {
		return tag + "=" + value[1:len(value)-1]
	}
	return spec
}

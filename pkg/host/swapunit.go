package host

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"vmguard/pkg/rootfs"
)

// SwapUnit is one systemd .swap unit (systemd.swap(5)). Masked units are left out:
// they activate nothing, and hide units of the same name.
type SwapUnit struct {
	Name string `json:"name"`
	Path string `json:"path"` // of the unit file
	What string `json:"what"` // the device or file that it activates
	// Target is the path that What leads to once tags and links are followed, as
	// /proc/swaps shows it; empty where that cannot be told.
	Target string `json:"target,omitempty"`
	// FromFstab tells that a generator made the unit of an fstab line, so that it says nothing of its own.
	FromFstab bool `json:"fromFstab,omitempty"`
	// Enabled tells that some target pulls the unit in at boot.
	Enabled bool `json:"enabled"`
}

// unitDirs lists systemd's directories of system units, the one that wins first
// (systemd.unit(5)).
func unitDirs() []string {
	return []string{
		"/run/systemd/generator.early",
		"/etc/systemd/system",
		"/run/systemd/system",
		"/run/systemd/generator",
		"/usr/local/lib/systemd/system",
		"/usr/lib/systemd/system",
		"/lib/systemd/system",
		"/run/systemd/generator.late",
	}
}

// NoUnitDirs tells whether systemd's unit directories are known not to be there.
func (f *Facts) NoUnitDirs() bool { return f.Units.Source == noUnitDirs }

// readSwapUnits reads the swap units that were listed. A host without systemd has none.
func readSwapUnits(tree *rootfs.FS, live bool, files unitListing, err error) Fact[[]SwapUnit] {
	if err != nil {
		return Missing[[]SwapUnit](err.Error())
	}
	units := []SwapUnit{}
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(files.paths)), func(name string) bool { return path.Ext(name) != ".swap" })
	if len(names) > mostSwaps {
		return Missing[[]SwapUnit](fmt.Sprintf("systemd's unit directories hold more than %d .swap units", mostSwaps))
	}
	left := allowance(unitFilesMost)
	for _, name := range names {
		file := files.paths[name]
		if resolved, err := tree.Readlink(file); err == nil && path.Clean(resolved) == "/dev/null" {
			continue
		}
		data, err := left.read(tree, file, unitFileMost)
		if err != nil {
			return Missing[[]SwapUnit](unread(file, err))
		}
		if len(data) == 0 {
			continue // an empty unit file masks as well
		}
		unit := SwapUnit{Name: name, Path: file, Enabled: files.pulled[name] != ""}
		settings := parseUnit(data)
		unit.What = strings.Clone(strings.ReplaceAll(settings["Swap.What"], "%%", "%")) // not all of the file
		unit.FromFstab = settings["Unit.SourcePath"] == "/etc/fstab"
		unit.Target, _ = resolveSpec(tree, unit.What, live)
		units = append(units, unit)
	}
	return Known(units, files.source())
}

// parseUnit gives the settings of a unit file as "Section.Name"; of a name that stands
// there more than once, the last (systemd.syntax(7)).
func parseUnit(data []byte) map[string]string {
	settings := make(map[string]string)
	for _, s := range unitSettings(data) {
		settings[s.section+"."+s.name] = s.value
	}
	return settings
}

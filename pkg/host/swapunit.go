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

// unitFiles is what systemd's unit directories hold, as far as swap goes.
type unitFiles struct {
	paths   map[string]string // swap unit's name to the file that counts
	enabled map[string]bool   // names of units that some target pulls in
	dirs    int               // how many of the directories exist
}

// readUnitFiles lists systemd's unit directories. It errs where one of them exists
// and cannot be read, since a file in it may override any other.
func readUnitFiles(tree *rootfs.FS) (unitFiles, error) {
	all, err := listUnits(tree, unitDirs())
	if err != nil {
		return unitFiles{}, err
	}
	found := unitFiles{paths: map[string]string{}, enabled: map[string]bool{}, dirs: all.dirs}
	for name, file := range all.paths {
		if path.Ext(name) == ".swap" {
			found.paths[name] = file
		}
	}
	for name := range all.pulled {
		found.enabled[name] = true
	}
	return found, nil
}

// readSwapUnits reads the swap units that were listed. A host without systemd has none.
func readSwapUnits(tree *rootfs.FS, live bool, files unitFiles, err error) Fact[[]SwapUnit] {
	if err != nil {
		return Missing[[]SwapUnit](err.Error())
	}
	units := []SwapUnit{}
	if files.dirs == 0 {
		return Known(units, "systemd's unit directories (absent)")
	}
	if len(files.paths) > mostSwaps {
		return Missing[[]SwapUnit](fmt.Sprintf("systemd's unit directories hold more than %d .swap units", mostSwaps))
	}
	left := allowance(unitFilesMost)
	for _, name := range slices.Sorted(maps.Keys(files.paths)) {
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
		unit := SwapUnit{Name: name, Path: file, Enabled: files.enabled[name]}
		settings := parseUnit(data)
		unit.What = strings.Clone(strings.ReplaceAll(settings["Swap.What"], "%%", "%")) // not all of the file
		unit.FromFstab = settings["Unit.SourcePath"] == "/etc/fstab"
		unit.Target, _ = resolveSpec(tree, unit.What, live)
		units = append(units, unit)
	}
	return Known(units, "systemd's unit directories")
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

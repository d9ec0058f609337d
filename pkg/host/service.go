package host

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"vmguard/pkg/rootfs"
)

// Service is one systemd unit that matters to containers, installed or not.
type Service struct {
	Name string `json:"name"` // docker.service
	// Path is the unit file's, or on a system without systemd the start script's; empty
	// where the service is not installed.
	Path string `json:"path,omitempty"`
	// Enabled tells that something pulls the unit in at boot, By what: the link's path,
	// or the file of the enabled unit that wants it.
	Enabled bool   `json:"enabled,omitempty"`
	By      string `json:"by,omitempty"`
	Masked  bool   `json:"masked,omitempty"`
	// FirstBoot tells that the image has never booted, and that systemd will enable the
	// unit or not as its presets say (systemd.preset(5), machine-id(5)).
	FirstBoot bool `json:"firstBoot,omitempty"`
}

// serviceNames lists the units that are looked for.
func serviceNames() []string {
	return []string{
		"docker.service", "docker.socket", "snap.docker.dockerd.service",
		"earlyoom.service", "nohang.service", "nohang-desktop.service", "systemd-oomd.service",
		"rsyslog.service", "syslog-ng.service", "systemd-journald.service",
	}
}

// bootUnitDirs lists the directories of units that are there at the next boot: all but
// the one in /run that systemctl --runtime writes to. What generators made counts, since
// they make it again.
func bootUnitDirs() []string {
	return slices.DeleteFunc(unitDirs(), func(dir string) bool { return dir == "/run/systemd/system" })
}

func serviceReadings(s Source) []reading {
	return []reading{
		fact(fileLimit, func(f *Facts) *Fact[[]Service] { return &f.Services },
			func(context.Context) Fact[[]Service] { return readServices(s.FS, s.Live) }),
		fact(fileLimit, func(f *Facts) *Fact[Journald] { return &f.Journald },
			func(context.Context) Fact[Journald] { return readJournald(s.FS) }),
	}
}

// readServices tells of each service whether it is installed, and what starts it at boot.
func readServices(tree *rootfs.FS, live bool) Fact[[]Service] {
	units, err := listUnits(tree, bootUnitDirs())
	if err != nil {
		return Missing[[]Service](err.Error())
	}
	fresh := !live && neverBooted(tree)
	aliases := units.aliases(tree)
	var wanted map[string]string // read only where it is needed
	list := []Service{}
	for _, name := range serviceNames() {
		s := Service{Name: name, Path: units.paths[name]}
		switch script := "/etc/init.d/" + strings.TrimSuffix(name, ".service"); {
		case s.Path == "" || !hasSystemd(tree, "systemd") && isFile(tree, script):
			if isFile(tree, script) {
				s.Path, s.By = script, startLink(tree, path.Base(script))
			}
		case masked(tree, s.Path):
			s.Masked = true
		case units.pulled[name] != "":
			s.By = units.pulled[name]
		case aliases[name] != "":
			s.By = aliases[name]
		default:
			if wanted == nil {
				if wanted, err = units.wanted(tree); err != nil {
					return Missing[[]Service](err.Error())
				}
			}
			s.By = wanted[name]
			s.FirstBoot = s.By == "" && fresh
		}
		s.Enabled = s.By != ""
		list = append(list, s)
	}
	if units.dirs == 0 {
		return Known(list, "systemd's unit directories (absent)")
	}
	return Known(list, "systemd's unit directories")
}

// aliases gives the links that pull units in under another name: "syslog.service" is a
// link to rsyslog.service among the unit files (Alias= in systemd.unit(5)).
func (u unitListing) aliases(tree *rootfs.FS) map[string]string {
	links := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(u.pulled)) {
		if u.paths[name] == "" {
			continue
		}
		if target, err := tree.Readlink(u.paths[name]); err == nil && links[path.Base(target)] == "" {
			links[path.Base(target)] = u.pulled[name]
		}
	}
	return links
}

// wanted gives the units that those which are pulled in name in their own files, and the
// file that does: an enabled unit that requires docker.service starts it as well. It errs
// where there is more to follow than is read.
func (u unitListing) wanted(tree *rootfs.FS) (map[string]string, error) {
	by := map[string]string{}
	seen := map[string]bool{}
	todo := slices.Sorted(maps.Keys(u.pulled))
	left := allowance(unitFilesMost)
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		if seen[name] || u.paths[name] == "" {
			continue
		}
		seen[name] = true
		files, err := u.files(tree, name)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			data, err := left.read(tree, file, unitFileMost)
			if exceeds(err) {
				return nil, errors.New(unread(file, err))
			}
			if err != nil {
				continue // a dangling link wants nothing
			}
			for _, other := range wantedUnits(data) {
				if u.paths[other] != "" && by[other] == "" {
					by[other] = file
					todo = append(todo, other)
				}
			}
		}
	}
	return by, nil
}

// files lists a unit's own file and its drop-ins, in the order in which they apply.
func (u unitListing) files(tree *rootfs.FS, name string) ([]string, error) {
	var dirs []string
	for _, dir := range bootUnitDirs() {
		dirs = append(dirs, path.Join(dir, name+".d"))
	}
	list, err := fragments(tree, dirs)
	return append([]string{u.paths[name]}, list...), err
}

// wantedUnits gives the units that a unit file wants to have started with its own.
func wantedUnits(data []byte) []string {
	var list []string
	for _, s := range unitSettings(data) {
		if s.section == "Unit" && slices.Contains([]string{"Wants", "Requires", "BindsTo", "Upholds"}, s.name) {
			list = append(list, strings.Fields(s.value)...)
		}
	}
	return list
}

// neverBooted tells whether systemd will take the next boot for the first: there is no
// machine-id, or "uninitialized" in its place. An empty file, as images have it, is not that (machine-id(5)).
func neverBooted(tree *rootfs.FS) bool {
	id, err := word(tree, "/etc/machine-id")
	return errors.Is(err, fs.ErrNotExist) || id == "uninitialized"
}

// startLink gives what starts a script of /etc/init.d at boot: a link in one of the
// runlevels of System V's init, or in one of OpenRC's; empty for none.
func startLink(tree *rootfs.FS, script string) string {
	for _, level := range []string{"2", "3", "4", "5"} {
		entries, err := tree.ReadDir("/etc/rc" + level + ".d")
		if err != nil {
			continue
		}
		for _, e := range entries {
			rest, start := strings.CutPrefix(e.Name(), "S")
			if start && strings.TrimLeft(rest, "0123456789") == script {
				return "/etc/rc" + level + ".d/" + e.Name()
			}
		}
	}
	for _, level := range []string{"default", "boot"} {
		link := "/etc/runlevels/" + level + "/" + script
		if _, err := tree.Lstat(link); err == nil {
			return link
		}
	}
	return ""
}

// isFile tells whether a name leads to a regular file.
func isFile(tree *rootfs.FS, name string) bool {
	info, err := tree.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

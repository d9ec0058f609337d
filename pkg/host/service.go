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
	// Preset is set of docker.service in an image that has never booted: what becomes of it then.
	Preset *Preset `json:"preset,omitempty"`
	// NeedsSocket tells of docker.service that systemd does not start it without
	// docker.socket (Requires=), so that it must not be masked.
	NeedsSocket bool `json:"needsSocket,omitempty"`
	// NeedsMasked names what else docker.service requires and is masked, sorted: systemd
	// does not start the one without the other.
	NeedsMasked []string `json:"needsMasked,omitempty"`
	// SecondStart is set of docker.service where it has more than one ExecStart=, of which
	// systemd allows one (systemd.service(5)): the file of the last one, and its line.
	SecondStart     string `json:"secondStart,omitempty"`
	SecondStartLine int    `json:"secondStartLine,omitempty"`
	// ByUser is set of docker.service where it is not enabled: the link by which a
	// lingering user's own systemd starts a unit of that name, as of a rootless Docker.
	ByUser string `json:"byUser,omitempty"`
}

// serviceNames lists the units that are looked for.
func serviceNames() []string {
	return []string{
		"docker.service", "docker.socket", "snap.docker.dockerd.service",
		"earlyoom.service", "nohang.service", "nohang-desktop.service", "systemd-oomd.service",
		"rsyslog.service", "syslog-ng.service", "systemd-journald.service",
		"kubelet.service", "snap.kubelet.daemon.service",
	}
}

func serviceReadings(s Source, sh shared) []reading {
	return []reading{
		fact(fileLimit, func(f *Facts) *Fact[[]Service] { return &f.Services },
			func(context.Context) Fact[[]Service] { return readServices(s.FS, s.Live, sh.units) }),
		fact(fileLimit, func(f *Facts) *Fact[Journald] { return &f.Journald },
			func(context.Context) Fact[Journald] { return readJournald(s.FS) }),
	}
}

// readServices tells of each service whether it is installed, and what starts it at boot.
func readServices(tree *rootfs.FS, live bool, list func() (*hostUnits, error)) Fact[[]Service] {
	all, err := list()
	if err != nil {
		return Missing[[]Service](err.Error())
	}
	units := all.boot
	fresh, err := neverBooted(tree, live)
	if err != nil {
		return Missing[[]Service](err.Error())
	}
	aliases := units.aliases(tree)
	var wanted map[string]string // read only where it is needed
	services := []Service{}
	for _, name := range serviceNames() {
		s := Service{Name: name, Path: units.paths[name]}
		switch script := "/etc/init.d/" + strings.TrimSuffix(name, ".service"); {
		case s.Path == "" || !startsUnits(tree, live) && isFile(tree, script):
			if isFile(tree, script) {
				s.Path = script
				s.By, err = startLink(tree, path.Base(script))
			}
		case masked(tree, s.Path):
			s.Masked = true
		case units.pulled[name] != "":
			s.By = units.pulled[name]
		case aliases[name] != "":
			s.By = aliases[name]
		default:
			if wanted == nil {
				wanted, err = units.wanted(tree)
			}
			s.By = wanted[name]
			s.FirstBoot = s.By == "" && fresh
		}
		if err != nil {
			return Missing[[]Service](err.Error())
		}
		s.Enabled = s.By != ""
		if name == dockerService {
			if err := s.readDocker(tree, units, fresh); err != nil {
				return Missing[[]Service](err.Error())
			}
		}
		services = append(services, s)
	}
	return Known(services, units.source())
}

// startsUnits tells whether systemd starts what is started at boot.
func startsUnits(tree *rootfs.FS, live bool) bool {
	return hasSystemd(tree, "systemd") && (!live || booted(tree))
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
// where one of them cannot be read, or there is more to follow than is read.
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
			if err := left.spend(len(file.data)); err != nil {
				return nil, errors.New(unread(file.path, err))
			}
			for _, other := range wantedUnits(file.data) {
				if u.paths[other] != "" && by[other] == "" {
					by[other] = file.path
					todo = append(todo, other)
				}
			}
		}
	}
	return by, nil
}

// files reads a unit's own file and its drop-ins, in the order in which they apply. A file
// that masks, or a link that leads nowhere, holds nothing.
func (u unitListing) files(tree *rootfs.FS, name string) ([]dropIn, error) {
	data, err := readDropIn(tree, u.paths[name])
	if err != nil {
		return nil, err
	}
	more, err := dropIns(tree, u.dropIn[name], ".conf")
	return append([]dropIn{{u.paths[name], data}}, more...), err
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
func neverBooted(tree *rootfs.FS, live bool) (bool, error) {
	if live {
		return false, nil
	}
	const name = "/etc/machine-id"
	id, err := word(tree, name)
	none := errors.Is(err, fs.ErrNotExist)
	if err != nil && !none {
		return false, errors.New(unread(name, err))
	}
	return none || id == "uninitialized", nil
}

// startLink gives what starts a script of /etc/init.d at boot: a link in one of the
// runlevels of System V's init, or in one of OpenRC's; empty for none.
func startLink(tree *rootfs.FS, script string) (string, error) {
	for _, dir := range []string{"/etc/rc2.d/", "/etc/rc3.d/", "/etc/rc4.d/", "/etc/rc5.d/", "/etc/runlevels/default/", "/etc/runlevels/boot/"} {
		entries, err := tree.ReadDir(dir)
		if err != nil && !absent(err) {
			return "", errors.New(unread(dir, err))
		}
		for _, e := range entries {
			name := e.Name()
			if rest, ok := strings.CutPrefix(name, "S"); ok && strings.HasPrefix(dir, "/etc/rc") {
				name = strings.TrimLeft(rest, "0123456789")
			}
			if name == script {
				return dir + e.Name(), nil
			}
		}
	}
	return "", nil
}

// isFile tells whether a name leads to a regular file.
func isFile(tree *rootfs.FS, name string) bool {
	info, err := tree.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

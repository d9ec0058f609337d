package host

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"vmguard/pkg/rootfs"
)

// readDocker adds to docker.service what it takes beside being enabled, and who else may
// start Docker where it is not; fresh is an image that has never booted.
func (s *Service) readDocker(tree *rootfs.FS, units unitListing, fresh bool) error {
	if s.Path != "" && s.Path == units.paths[s.Name] {
		files, err := units.files(tree, s.Name)
		if err != nil {
			return err
		}
		static := true
		for _, file := range files {
			static = static && !installs(file.data)
		}
		if !s.Masked {
			s.readNeeds(tree, units, files)
			s.SecondStart, s.SecondStartLine = secondStart(files)
		}
		if fresh && !s.Masked {
			if s.Preset, err = readPreset(tree, s.Name); err != nil {
				return err
			}
			if static {
				s.Preset = &Preset{Verb: "static"}
			}
		}
	}
	if !s.Enabled {
		s.ByUser = lingering(tree, s.Name)
	}
	return nil
}

// readNeeds tells what the unit fails of where it cannot be started (Requires= and BindsTo=
// in systemd.unit(5)): docker.socket, or another that is masked.
func (s *Service) readNeeds(tree *rootfs.FS, units unitListing, files []dropIn) {
	for _, file := range files {
		for _, u := range unitSettings(file.data) {
			if u.section != "Unit" || u.name != "Requires" && u.name != "BindsTo" {
				continue
			}
			for _, name := range strings.Fields(u.value) {
				switch {
				case name == "docker.socket":
					s.NeedsSocket = true
				case masked(tree, cmp.Or(units.paths[name], path.Join("/etc/systemd/system", path.Base(name)))):
					s.NeedsMasked = append(s.NeedsMasked, clipped(name))
				}
			}
		}
	}
	slices.Sort(s.NeedsMasked)
	s.NeedsMasked = slices.Compact(s.NeedsMasked)
}

// secondStart gives the last ExecStart= of a service that has more than one: an empty one
// takes back what stands before it, and a service of Type=oneshot may have many.
func secondStart(files []dropIn) (file string, line int) {
	starts, kind := 0, ""
	for _, f := range files {
		for _, u := range unitSettings(f.data) {
			switch {
			case u.section != "Service":
			case u.name == "Type":
				kind = u.value
			case u.name == "ExecStart" && u.value == "":
				starts, file, line = 0, "", 0
			case u.name == "ExecStart":
				if starts++; starts > 1 {
					file, line = f.path, u.line
				}
			}
		}
	}
	if kind == "oneshot" {
		return "", 0
	}
	return file, line
}

// lingering gives the link by which a user's own systemd starts a unit at boot: that of a
// user who lingers (loginctl(1), enable-linger). Empty where there is none. A link that
// must not be looked at counts: it may be there.
func lingering(tree *rootfs.FS, unit string) string {
	users, err := tree.ReadDir("/var/lib/systemd/linger")
	if err != nil {
		return ""
	}
	passwd, _ := tree.ReadFile("/etc/passwd", smallFile) // without it, the usual home
	for _, user := range users[:min(len(users), mostNames)] {
		home := path.Join("/home", user.Name())
		for _, line := range strings.Split(string(passwd), "\n") {
			if f := strings.Split(line, ":"); len(f) > 5 && f[0] == user.Name() && path.IsAbs(f[5]) {
				home = f[5]
			}
		}
		link := path.Join(home, ".config/systemd/user/default.target.wants", unit)
		if _, err := tree.Lstat(link); !absent(err) {
			return link
		}
	}
	return ""
}

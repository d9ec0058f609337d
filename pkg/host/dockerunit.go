package host

import (
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
			s.NeedsSocket = s.NeedsSocket || needs(file.data, "docker.socket")
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

// needs tells whether a unit file has its unit fail where another cannot be started.
func needs(data []byte, other string) bool {
	for _, u := range unitSettings(data) {
		if u.section == "Unit" && (u.name == "Requires" || u.name == "BindsTo") && slices.Contains(strings.Fields(u.value), other) {
			return true
		}
	}
	return false
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

package host

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"vmguard/pkg/rootfs"
)

// readZramConf tells whether a zram swap device is set up at boot: by zram-generator
// (zram-generator.conf(5)), by Debian's zram-tools or by Ubuntu's zram-config.
func readZramConf(tree *rootfs.FS, files unitListing, err error) Fact[bool] {
	if err != nil {
		return Missing[bool](err.Error())
	}
	for _, service := range []string{"zramswap.service", "zram-config.service"} {
		if files.pulled[service] != "" {
			return Known(true, service)
		}
	}
	for _, dir := range []string{"/run/systemd/generator", "/run/systemd/generator.early", "/run/systemd/generator.late"} {
		entries, err := tree.ReadDir(dir)
		if err != nil {
			continue // systemd makes these only when a generator has something to say
		}
		for _, e := range entries {
			if strings.Contains(e.Name(), "zram") {
				return Known(true, path.Join(dir, e.Name()))
			}
		}
	}
	return zramGenerator(tree)
}

// zramGenerator tells whether zram-generator is installed and configured to make a device.
func zramGenerator(tree *rootfs.FS) Fact[bool] {
	installed := false
	for _, dir := range []string{"/etc", "/usr/local/lib", "/usr/lib", "/lib"} {
		_, err := tree.Stat(dir + "/systemd/system-generators/zram-generator")
		installed = installed || err == nil
	}
	if !installed {
		return Known(false, "systemd's unit and generator directories")
	}
	dirs := []string{"/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd"}
	const name = "zram-generator.conf"
	for _, dir := range dirs { // the first main file hides the others
		file := path.Join(dir, name)
		if target, err := tree.Readlink(file); err == nil && path.Clean(target) == "/dev/null" {
			break // masks those below
		}
		switch data, err := tree.ReadFile(file, smallFile); {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return Missing[bool](unread(file, err))
		case namesZram(data):
			return Known(true, file)
		}
		break
	}
	for _, dir := range dirs { // fragments add to it
		entries, err := tree.ReadDir(path.Join(dir, name+".d"))
		if err != nil {
			continue
		}
		for _, e := range entries {
			file := path.Join(dir, name+".d", e.Name())
			if data, err := tree.ReadFile(file, smallFile); err == nil && path.Ext(file) == ".conf" && namesZram(data) {
				return Known(true, file)
			}
		}
	}
	return Known(false, name)
}

// namesZram tells whether a zram-generator configuration has a section of a device, [zram0].
func namesZram(data []byte) bool {
	for line := range strings.SplitSeq(string(data), "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[zram") && strings.HasSuffix(line, "]") {
			return true
		}
	}
	return false
}

package host

import (
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
		if files.pulled[service] != "" && maskedUnit(tree, service) == "" {
			return Known(true, service)
		}
	}
	for _, dir := range []string{"/run/systemd/generator", "/run/systemd/generator.early", "/run/systemd/generator.late"} {
		entries, err := tree.ReadDir(dir)
		if err != nil {
			continue // systemd makes these only when a generator has something to say
		}
		for _, e := range entries { // a device with a file system has other units
			if name := e.Name(); strings.Contains(name, "zram") && path.Ext(name) == ".swap" && maskedUnit(tree, name) == "" {
				return Known(true, path.Join(dir, name))
			}
		}
	}
	return zramGenerator(tree)
}

// zramGenerator tells whether zram-generator is installed and configured to make a swap device.
func zramGenerator(tree *rootfs.FS) Fact[bool] {
	installed := false
	for _, dir := range []string{"/etc", "/usr/local/lib", "/usr/lib", "/lib"} {
		_, err := tree.Stat(dir + "/systemd/system-generators/zram-generator")
		installed = installed || err == nil
	}
	if !installed {
		return Known(false, "systemd's unit and generator directories")
	}
	var devices []zramDevice
	if p, ok := bootParam(readCmdline(tree).Value, "systemd.zram"); ok {
		if switchedOff(p.Value) {
			return Known(false, p.File)
		}
		devices = parseZram(nil, []byte("[zram0]"), p.File)
	}
	files, err := zramFiles(tree)
	if err != nil {
		return Missing[bool](err.Error())
	}
	for _, file := range files {
		devices = parseZram(devices, file.data, file.path)
	}
	none := Known(false, "zram-generator.conf")
	for _, d := range devices {
		switch {
		case d.mounted || d.otherType || d.empty || maskedUnit(tree, "systemd-zram-setup@"+d.name+".service", "systemd-zram-setup@.service", "dev-"+d.name+".swap") != "":
		case d.limited:
			none = Missing[bool](d.file + " sets up zram where the VM's memory is below its host-memory-limit")
		default:
			return Known(true, d.file)
		}
	}
	return none
}

// zramFiles reads zram-generator's configuration in the order in which it applies: the
// first of the main files that exists, then the fragments.
func zramFiles(tree *rootfs.FS) ([]dropIn, error) {
	const name = "/zram-generator.conf"
	var main string
	var dirs []string
	for _, dir := range []string{"/run/systemd", "/etc/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd"} {
		dirs = append(dirs, dir+name+".d")
		if _, err := tree.Lstat(dir + name); err == nil && main == "" {
			main = dir + name
		}
	}
	more, err := dropIns(tree, dirs, ".conf")
	if err != nil || main == "" {
		return more, err
	}
	data, err := readDropIn(tree, main)
	return append([]dropIn{{main, data}}, more...), err
}

// zramDevice is what the configuration says of one device.
type zramDevice struct {
	name, file string // zram0, and the last file that names it
	mounted    bool   // it has a file system
	otherType  bool
	empty      bool // its size is 0
	limited    bool // it is there only where there is not too much memory
}

// parseZram adds what a file says of devices, in sections such as [zram0], to what those
// before it say.
func parseZram(list []zramDevice, data []byte, file string) []zramDevice {
	at := -1
	for _, line := range strings.Split(string(data), "\n") {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "["); ok {
			name = strings.TrimSuffix(name, "]")
			at = -1
			if number, ok := strings.CutPrefix(name, "zram"); !ok || number == "" || strings.Trim(number, "0123456789") != "" {
				continue
			}
			for i := range list {
				if list[i].name == name {
					at = i
				}
			}
			if at < 0 {
				at, list = len(list), append(list, zramDevice{name: name})
			}
			list[at].file = file
		}
		if key, value, ok := strings.Cut(line, "="); ok && at >= 0 {
			list[at].set(strings.TrimSpace(key), strings.TrimSpace(value))
		}
	}
	return list
}

func (d *zramDevice) set(key, value string) {
	switch key {
	case "mount-point":
		d.mounted = value != ""
	case "fs-type":
		d.otherType = value != "swap"
	case "zram-size", "zram-fraction", "max-zram-size":
		d.empty = value == "0"
	case "host-memory-limit", "memory-limit": // its older name
		d.limited = value != "none"
	}
}

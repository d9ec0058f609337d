package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"vmguard/pkg/rootfs"
)

// SysctlConf is what sysctl.d(5) sets at boot, merged as systemd-sysctl(8) does; without
// systemd, as sysctl --system of procps does, with /etc/sysctl.conf last (sysctl(8)).
type SysctlConf struct {
	// Systemd tells that systemd-sysctl does it.
	Systemd bool `json:"systemd,omitempty"`
	// Settings are the ones that are in force after boot, in the order in which they are applied.
	Settings []SysctlSetting `json:"settings"`
	// Excluded are names that no pattern among the settings applies to.
	Excluded []string `json:"excluded,omitempty"`
	// Unread are the settings of an /etc/sysctl.conf that nothing reads at boot: systemd
	// does so through a link in sysctl.d alone, which Debian has had up to 12.
	Unread []SysctlSetting `json:"unread,omitempty"`
	// FreeName is a file in /etc/sysctl.d that does not exist, where such a link could be;
	// empty without Unread.
	FreeName string `json:"freeName,omitempty"`
	// UdevModules are the kernel modules at whose loading a udev rule applies sysctl.d
	// again. It is only looked for where a setting needs a module.
	UdevModules []string `json:"udevModules,omitempty"`
}

// SysctlSetting is the assignment of a sysctl that wins.
type SysctlSetting struct {
	Name  string `json:"name"` // dotted: vm.swappiness; a dot within a part is a slash: net.ipv4.conf.eth0/1.forwarding
	Value string `json:"value"`
	File  string `json:"file"`
	Line  int    `json:"line"`
	// Running is the value that the kernel had when the snapshot was taken, without the
	// white space around it; not collected of an image, nor for a pattern.
	Running Fact[string] `json:"running,omitzero"`
}

// Pattern tells that the setting is for all names that match a glob(7) pattern.
func (s SysctlSetting) Pattern() bool { return isPattern(s.Name) }

func isPattern(name string) bool { return strings.ContainsAny(name, "*?[") }

// Why the running value of a setting is missing, beside what stands in the way of reading it.
const (
	NoSuchSysctl    = "the running kernel has no such setting"
	WriteOnlySysctl = "the kernel does not show its value"
)

const (
	sysctlConf = "/etc/sysctl.conf"
	// The most settings that are kept, and of how many the running value is read.
	maxSysctlSettings = 4096
	maxSysctlRunning  = 512
	// sysctlValueLimit bounds a running value, in bytes.
	sysctlValueLimit = 64 << 10
)

// Setting gives what is set at boot for a name: its own setting, or else the last
// pattern that matches it and does not except it.
func (c SysctlConf) Setting(name string) (SysctlSetting, bool) {
	var found SysctlSetting
	for _, s := range c.Settings {
		switch {
		case s.Name == name:
			return s, true
		case s.Pattern() && matchSysctl(s.Name, name):
			found = s
		}
	}
	for _, e := range c.Excluded {
		if e == name {
			return SysctlSetting{}, false
		}
	}
	return found, found.Name != ""
}

// matchSysctl matches the parts of a name as glob(7) does those of a path.
func matchSysctl(pattern, name string) bool {
	ok, err := path.Match(strings.ReplaceAll(swapSeparators(pattern), "[!", "[^"), swapSeparators(name))
	return err == nil && ok
}

// BootSysctl gives what is set at boot for a name: by sysctl.d, or before that by a kernel
// parameter sysctl.NAME, which the kernel applies before it starts init and whatever
// sysctl.d says comes after (Documentation/admin-guide/kernel-parameters.txt).
func (f *Facts) BootSysctl(name string) (SysctlSetting, bool) {
	if s, ok := f.SysctlConf.Value.Setting(name); ok {
		return s, true
	}
	p, ok := bootParam(f.Cmdline.Value, "sysctl."+name)
	return SysctlSetting{Name: name, Value: p.Value, File: p.File, Line: p.Line}, ok
}

func sysctlConfReadings(s Source) []reading {
	return []reading{fact(fileLimit, func(f *Facts) *Fact[SysctlConf] { return &f.SysctlConf },
		func(context.Context) Fact[SysctlConf] { return readSysctlConf(s.FS) })}
}

func readSysctlConf(tree *rootfs.FS) Fact[SysctlConf] {
	files, err := dropIns(tree, configDirs("sysctl.d"), ".conf")
	if err != nil {
		return Missing[SysctlConf](err.Error())
	}
	conf := SysctlConf{Systemd: hasSystemd(tree, "systemd-sysctl")}
	if file := maskedUnit(tree, "systemd-sysctl.service"); conf.Systemd && file != "" {
		return Missing[SysctlConf](file + " keeps systemd-sysctl from applying sysctl.d at boot")
	}
	var unread mergedSysctls
	own, err := readDropIn(tree, sysctlConf)
	if err != nil {
		return Missing[SysctlConf](err.Error())
	}
	switch {
	case !conf.Systemd:
		files = append(files, dropIn{sysctlConf, own})
	case !readsFile(tree, files, sysctlConf):
		unread = mergeSysctls([]dropIn{{sysctlConf, own}})
		conf.Unread = unread.settings()
		if len(conf.Unread) > 0 {
			conf.FreeName = freeName(tree)
		}
	}
	merged := mergeSysctls(files)
	if merged.lines+unread.lines > maxSysctlLines || len(merged.list)+len(conf.Unread) > maxSysctlSettings {
		return Missing[SysctlConf](fmt.Sprintf("sysctl.d holds more than %d settings", maxSysctlSettings))
	}
	conf.Settings, conf.Excluded = merged.settings(), merged.excluded()
	readRunning(tree, conf.Settings)
	readRunning(tree, conf.Unread)
	hideSecrets(conf.Settings)
	hideSecrets(conf.Unread)
	if needsModule(conf.Settings) {
		conf.UdevModules, err = readUdevModules(tree)
		if err != nil {
			return Missing[SysctlConf](err.Error())
		}
	}
	return Known(conf, "sysctl.d")
}

// hideSecrets takes out the values of the sysctls that are secrets (Documentation/networking/ip-sysctl.rst):
// of them only whether the running value is the configured one is kept.
func hideSecrets(settings []SysctlSetting) {
	for i := range settings {
		s := &settings[i]
		if !strings.HasSuffix(s.Name, "stable_secret") && !strings.HasSuffix(s.Name, "tcp_fastopen_key") {
			continue
		}
		if same := s.Value == s.Running.Value; s.Running.Known() {
			s.Running.Value = "(a secret)"
			if !same {
				s.Running.Value = "(another secret)"
			}
		}
		s.Value = "(a secret)"
	}
}

// freeName gives the usual name of the link to /etc/sysctl.conf, or where something else has
// it one that comes after that.
func freeName(tree *rootfs.FS) string {
	const dir = "/etc/sysctl.d/"
	name := "99-sysctl.conf"
	for len(name) < 100 {
		if _, err := tree.Lstat(dir + name); err != nil {
			break
		}
		name = "z" + name
	}
	return dir + name
}

// hasSystemd tells whether systemd's program of that name is installed.
func hasSystemd(tree *rootfs.FS, program string) bool {
	for _, dir := range []string{"/usr/lib/systemd/", "/lib/systemd/"} {
		if _, err := tree.Stat(dir + program); err == nil {
			return true
		}
	}
	return false
}

// readsFile tells whether one of the files leads to a file elsewhere.
func readsFile(tree *rootfs.FS, files []dropIn, name string) bool {
	want, err := tree.Resolve(name)
	if err != nil {
		return false
	}
	for _, f := range files {
		if got, err := tree.Resolve(f.path); err == nil && got == want {
			return true
		}
	}
	return false
}

// readRunning reads the running values of the settings. A tree without /proc/sys, as an
// image is, has none.
func readRunning(tree *rootfs.FS, settings []SysctlSetting) {
	if _, err := tree.Stat("/proc/sys"); err != nil {
		return
	}
	left := maxSysctlRunning
	for i, s := range settings {
		switch {
		case s.Pattern():
		case left == 0:
			settings[i].Running = Missing[string]("there are too many to be read")
		default:
			settings[i].Running = runningSysctl(tree, s.Name)
			left--
		}
	}
}

func runningSysctl(tree *rootfs.FS, name string) Fact[string] {
	file := "/proc/sys/" + swapSeparators(name)
	fi, err := tree.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Missing[string](NoSuchSysctl)
	case err != nil:
		return Missing[string](unread(file, err))
	case fi.Mode().IsRegular() && fi.Mode().Perm()&0o444 == 0:
		return Missing[string](WriteOnlySysctl)
	}
	data, err := tree.ReadFile(file, sysctlValueLimit)
	if err != nil {
		return Missing[string](unread(file, err))
	}
	return Known(strings.TrimSpace(string(data)), file)
}

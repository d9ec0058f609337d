package host

import (
	"strings"

	"vmguard/pkg/rootfs"
)

// readSwapOff tells whether something keeps swap that is set up from being activated when
// an image boots; the source says what. Of an image that does not show the kernel's
// parameters, nobody is taken to have set these.
func readSwapOff(tree *rootfs.FS) Fact[bool] {
	params := readCmdline(tree).Value
	why := ""
	systemd := hasSystemd(tree, "systemd")
	if p, ok := bootParam(params, "systemd.swap"); systemd && ok && switchedOff(p.Value) { // systemd-fstab-generator(8)
		why = p.File + " gives the kernel systemd.swap=" + p.Value
	}
	if p, ok := bootParam(params, "noswap"); !systemd && ok { // which systemd does not know
		why = p.File + " gives the kernel noswap"
	}
	if file := maskedUnit(tree, "swap.target"); systemd && file != "" {
		why = file + " masks it"
	}
	if !systemd && exists(tree, "/etc/runlevels").Value && isFile(tree, "/etc/init.d/swap") {
		link, err := startLink(tree, "swap")
		switch {
		case err != nil:
			return Missing[bool](err.Error())
		case link == "":
			why = "no runlevel of OpenRC has the service swap (rc-update add swap boot)"
		}
	}
	if why == "" {
		return Known(false, "systemd's units and the kernel's parameters")
	}
	return Known(true, why)
}

// bootParam gives the last parameter of a name that the kernel boots with as things stand.
func bootParam(params []KernelParam, name string) (found KernelParam, ok bool) {
	for _, p := range params {
		if p.Name == name && !p.Next {
			found, ok = p, true
		}
	}
	return found, ok
}

// switchedOff tells whether a value means no (parse_boolean of systemd's basic/parse-util.c).
func switchedOff(value string) bool {
	switch strings.ToLower(value) {
	case "0", "no", "n", "false", "f", "off":
		return true
	}
	return false
}

// maskedUnit gives the file that takes one of the units out, as systemctl mask does; empty for none.
func maskedUnit(tree *rootfs.FS, units ...string) string {
	for _, unit := range units {
		for _, dir := range unitDirs() {
			file := dir + "/" + unit
			if _, err := tree.Lstat(file); err != nil {
				continue
			}
			if masked(tree, file) {
				return file
			}
			break // hides those of the directories that follow
		}
	}
	return ""
}

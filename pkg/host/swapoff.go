package host

import (
	"slices"
	"strings"

	"vmguard/pkg/rootfs"
)

// readSwapOff says what keeps swap that is set up from being activated when an image
// boots; empty where nothing does. The source is where that stands. Of an image that does
// not show the kernel's parameters, nobody is taken to have set these.
func readSwapOff(tree *rootfs.FS, params []KernelParam) Fact[string] {
	none := Known("", "systemd's units and the kernel's parameters")
	if hasSystemd(tree, "systemd") {
		if file := maskedUnit(tree, "swap.target"); file != "" {
			return Known("swap.target is masked", file)
		}
		// Of both generators, systemd-fstab-generator(8) and systemd-gpt-auto-generator(8).
		if p, ok := bootParam(params, "systemd.swap"); ok && switchedOff(p.Value) {
			return Known("the kernel's parameter systemd.swap="+p.Value+" has systemd leave fstab's swap alone", p.File)
		}
		return none
	}
	if p, ok := bootParam(params, "noswap"); ok { // which systemd does not know
		return Known("the kernel's parameter noswap has start-up scripts leave swap alone", p.File)
	}
	if levels := exists(tree, "/etc/runlevels"); levels.Value && isFile(tree, "/etc/init.d/swap") && startLink(tree, "swap") == "" {
		return Known("OpenRC activates swap by its service swap, which is in no runlevel (rc-update add swap boot)", levels.Source)
	}
	return none
}

// bootParam gives the last parameter of a name that the kernel boots with as things stand.
func bootParam(params []KernelParam, name string) (KernelParam, bool) {
	for _, p := range slices.Backward(params) {
		if p.Name == name && !p.Next {
			return p, true
		}
	}
	return KernelParam{}, false
}

// switchedOff tells whether a value means no (parse_boolean of systemd's basic/parse-util.c).
func switchedOff(value string) bool {
	switch strings.ToLower(value) {
	case "0", "no", "n", "false", "f", "off":
		return true
	}
	return false
}

// maskedUnit gives the file that takes a unit out, as systemctl mask does; empty for none.
func maskedUnit(tree *rootfs.FS, units ...string) string {
	for _, unit := range units {
		if file := "/etc/systemd/system/" + unit; masked(tree, file) {
			return file
		}
	}
	return ""
}

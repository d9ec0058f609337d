package check

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
	"vmguard/pkg/swap"
)

var cloudInitSwap = Check{
	ID: "cloud-init-swap", Area: finding.Memory, Worst: finding.Warning, Modes: Live | Image,
	Title: "cloud-init makes no second swap",
	Why: "cloud-init can make a swapfile at a VM's first boot. Next to a swapfile of the image it takes its space a second time; " +
		"and where cloud-init is switched off, or does not understand the size, the VM has no swap although its configuration has.",
	Rule: "A warning where cloud-init's section swap makes a swapfile while /etc/fstab or a .swap unit names another one (info where only zram is set up besides), and " +
		"where the section cannot work: cloud-init is disabled (by its file, by the kernel's parameters, or with a masked unit), its module mounts is not listed, its size is none that it understands, or the disk's filesystem takes no swapfile. " +
		"The files of cloud.cfg.d and seeded user-data are merged as cloud-init does; a VM's own user-data is not seen. Does not apply without cloud-init.",
	Fix:   "Keep one of the two: take a swapfile that lies in an image out of it, or set the section's size to 0 in a file of /etc/cloud/cloud.cfg.d.",
	Judge: func(f *host.Facts, _ Policy) []finding.Finding { return one(judgeCloudInitSwap(f)) },
}

func judgeCloudInitSwap(f *host.Facts) finding.Finding {
	if !f.CloudInit.Known() {
		return unknown("cannot tell what cloud-init does about swap: " + f.CloudInit.Why())
	}
	c := f.CloudInit.Value
	switch {
	case !c.Installed:
		return skipped("cloud-init is not installed")
	case c.Swap == nil:
		return pass("cloud-init makes no swapfile", evidence(f.CloudInit.Source, "no section swap"))
	case !c.Swap.Makes():
		return judgeUnmadeSwap(c)
	case !f.Fstab.Known():
		return unknown("cloud-init makes "+c.Swap.Filename+", and whether there is other swap cannot be told: "+f.Fstab.Why(), cloudSwapSeen(c.Swap, ""))
	case !f.Units.Known():
		return unknown("cloud-init makes "+c.Swap.Filename+", and whether there is other swap cannot be told: "+f.Units.Why(), cloudSwapSeen(c.Swap, ""))
	}
	return judgeMadeSwap(f, c)
}

// judgeUnmadeSwap judges a section of which nothing comes: on purpose, or by a size that is not understood.
func judgeUnmadeSwap(c host.CloudInit) finding.Finding {
	if c.Swap.Filename == "" || strings.Trim(c.Swap.Size, "0. BKMGT") == "" {
		return pass("cloud-init makes no swapfile", cloudSwapSeen(c.Swap, ""))
	}
	return fail(finding.Warning, fmt.Sprintf("cloud-init makes no swapfile of its section swap: the size %s is none that all versions of it understand, or less than a MiB", c.Swap.Size),
		remedy("write the size as auto, as a number of bytes, or with a capital K, M or G, such as 2G", ""), cloudSwapSeen(c.Swap, "auto, a number of bytes, or such as 2G"))
}

// judgeMadeSwap judges a section that makes a swapfile where it works.
func judgeMadeSwap(f *host.Facts, c host.CloudInit) finding.Finding {
	file := c.Swap.Filename
	var others []finding.Evidence
	var baked []host.BakedSwap // those of them that are swapfiles of the image
	for _, s := range setUp(f) {
		if s.spec == file || s.target == file { // the line of fstab that cloud-init writes itself, on a host
			return pass("cloud-init and "+s.seen.Source+" mean the same swapfile: "+file, cloudSwapSeen(c.Swap, ""), s.seen)
		}
		if !missingSwap(f, s) {
			others = append(others, s.seen)
			baked = append(baked, s.baked(f)...)
		}
	}
	seen := []finding.Evidence{cloudSwapSeen(c.Swap, "")}
	const useless = "cloud-init is to make %s, and will not: %s"
	switch why := unsuitableRoot(f, file); {
	case c.DisabledBy != "":
		return fail(finding.Warning, fmt.Sprintf(useless, file, c.DisabledBy+" switches it off"),
			remedy("take the section swap out, or remove "+c.DisabledBy, ""), append(seen, evidence(c.DisabledBy, "switches cloud-init off"))...)
	case !c.MountsModule:
		return fail(finding.Warning, fmt.Sprintf(useless, file, "its module mounts is not among its cloud_init_modules"),
			remedy("add mounts to the cloud_init_modules of /etc/cloud/cloud.cfg, or take the section swap out", ""), seen...)
	case why != "":
		return fail(finding.Warning, fmt.Sprintf(useless, file, path.Dir(file)+" "+why), noCloudSwap(f, c, "have cloud-init make none"), seen...)
	case len(others) > 0:
		var names []string
		for _, o := range others {
			names = append(names, fmt.Sprintf("%s (%s)", o.Got, o.Source))
		}
		fix := noCloudSwap(f, c, "keep one of them; to have cloud-init make none")
		if len(baked) == len(others) { // swap-baked-in has them taken out: without cloud-init's, none would be left
			fix = keepCloudSwap(f, baked)
		}
		return fail(finding.Warning, fmt.Sprintf("cloud-init makes %s at a VM's first boot, next to swap that is set up already: %s", file, human.List(names, 3)),
			fix, append(seen, others...)...)
	case f.ZramConf.Known() && f.ZramConf.Value:
		return fail(finding.Info, fmt.Sprintf("cloud-init makes %s at a VM's first boot, next to compressed memory (zram)", file),
			noCloudSwap(f, c, "leave it, if both are wanted; to have cloud-init make none"), append(seen, evidence(f.ZramConf.Source, "sets up zram"))...)
	}
	return pass("cloud-init makes "+file+", and nothing else makes swap", seen...)
}

// missingSwap tells that what is set up is known to be missing, of which another check tells.
func missingSwap(f *host.Facts, s setUpSwap) bool {
	if f.Image {
		how, _ := s.stands(f)
		return how == gone || how == broken
	}
	for _, line := range f.Fstab.Value {
		if s.fstab && line.Spec == s.spec {
			return line.Exists.Known() && !line.Exists.Value
		}
	}
	return false
}

// unsuitableRoot says why a running host's root disk takes no swapfile, where the file would lie right below /.
func unsuitableRoot(f *host.Facts, file string) string {
	for _, d := range f.Disks {
		if d.Known() && d.Value.Role == host.RoleRoot && path.Dir(file) == "/" {
			return swap.Unsuitable(d.Value.FS)
		}
	}
	return ""
}

// baked gives the swapfile of the image that this is; nothing for another swap.
func (s setUpSwap) baked(f *host.Facts) []host.BakedSwap {
	for _, b := range f.SwapFiles.Value {
		if f.Image && (b.Path == s.target || b.Path == s.spec) {
			return []host.BakedSwap{b}
		}
	}
	return nil
}

// keepCloudSwap says to take the image's own swapfiles out, as swap-baked-in does.
func keepCloudSwap(f *host.Facts, baked []host.BakedSwap) *finding.Remedy {
	var names, commands []string
	for _, b := range baked {
		if command := removeBaked(f, b).Command; !slices.Contains(commands, command) {
			names, commands = append(names, b.Path), append(commands, command)
		}
	}
	return fixInImage("keep cloud-init's, and take "+human.List(names, 3)+" out, as swap-baked-in says", strings.Join(commands, " && "))
}

// noCloudSwap says how to have cloud-init make no swapfile, at the next first boot.
func noCloudSwap(f *host.Facts, c host.CloudInit, text string) *finding.Remedy {
	if !overrides(c) {
		return remedy(fmt.Sprintf("%s: set size to 0 at %s:%d", text, c.Swap.File, c.Swap.Line), "")
	}
	if f.Image {
		return remedy(text+", in the image", cloudSwapCommand(c, `  size: 0\n`))
	}
	return remedy(text, fmt.Sprintf(`printf '#cloud-config\nswap:\n  size: 0\n' | sudo tee %s`, human.ShellWord(path.Join(c.ConfDir, cloudSwapFile))))
}

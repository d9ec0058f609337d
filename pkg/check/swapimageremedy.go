package check

import (
	"fmt"
	"path"
	"strings"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
	"vmguard/pkg/swap"
)

// Commands for an image are written for a shell that runs inside it as root: nothing runs
// there, and / is the image.

// cloudSwapFile is the file of cloud-init's configuration that these commands write. What
// comes after it by name wins over it.
const cloudSwapFile = "99-vmguard-swap.cfg"

// makeAtBoot says how to have swap made when a VM first boots. It is made there, and not in
// the image, so that it does not swell the image and is not shared by its VMs.
func makeAtBoot(f *host.Facts, prefix string) *finding.Remedy {
	if !f.CloudInit.Known() {
		return remedy(prefix+"have swap made at the first boot", "")
	}
	c := f.CloudInit.Value
	switch {
	case cloudInitMounts(c) && !overrides(c):
		return remedy(fmt.Sprintf("%shave cloud-init make it at the first boot: give its section swap a size, as in %s:%d", prefix, c.Swap.File, c.Swap.Line), "")
	case cloudInitMounts(c):
		return remedy(prefix+"have cloud-init make a swapfile of 2 GiB at the first boot", cloudSwapCommand(c, `  filename: /swapfile\n  size: 2G\n`))
	case f.NoUnitDirs():
		return remedy(prefix+"have a start-up script run vmguard swap enable; there is no systemd here to write a unit for", "")
	}
	text := prefix + "have a unit of systemd make a swapfile at the first boot, and activate it at each"
	if c.VMGuard == "" {
		text += ": a swapfile of 2 GiB, not on btrfs (put vmguard into the image first, and the unit runs it instead)"
	}
	return remedy(text, unitCommand(c))
}

// overrides tells whether our file of configuration has the last word on swap.
func overrides(c host.CloudInit) bool {
	return c.Swap == nil || path.Dir(c.Swap.File) != c.ConfDir && !strings.HasPrefix(c.Swap.File, "/var/lib/cloud/") ||
		path.Dir(c.Swap.File) == c.ConfDir && path.Base(c.Swap.File) <= cloudSwapFile
}

// cloudSwapCommand writes a section swap. It is not a runcmd: that of an instance's user-data takes the
// place of the image's, where mappings such as this one are merged.
func cloudSwapCommand(c host.CloudInit, settings string) string {
	file := human.ShellWord(path.Join(c.ConfDir, cloudSwapFile))
	return fmt.Sprintf(`mkdir -p %s && printf '#cloud-config\nswap:\n%s' > %s`, human.ShellWord(c.ConfDir), settings, file)
}

// unitCommand writes a unit and enables it. Where vmguard does not lie in the image, the unit
// does with util-linux; dd, since a preallocated file is refused by older kernels on XFS.
func unitCommand(c host.CloudInit) string {
	start := `/bin/sh -c "umask 077; test -e /swapfile || { dd if=/dev/zero of=/swapfile.new bs=1M count=2048 && mkswap /swapfile.new && mv /swapfile.new /swapfile; } ` +
		`|| { rm -f /swapfile.new; exit 1; }; grep -qw /swapfile /proc/swaps || swapon /swapfile"`
	if c.VMGuard != "" {
		start = c.VMGuard + " swap enable"
	}
	unit := []string{"[Unit]", "Description=Swapfile, made at the first boot", "Before=docker.service", "[Service]", "Type=oneshot", "RemainAfterExit=yes",
		"ExecStart=" + start, "[Install]", "WantedBy=multi-user.target"}
	for i, line := range unit {
		unit[i] = human.ShellWord(line)
	}
	const dir = "/etc/systemd/system"
	return fmt.Sprintf(`mkdir -p %[1]s/multi-user.target.wants && printf '%%s\n' %[2]s > %[1]s/vmguard-swap.service && ln -sf ../vmguard-swap.service %[1]s/multi-user.target.wants/vmguard-swap.service`,
		dir, strings.Join(unit, " "))
}

// dropLines is the command that takes lines of type swap out of /etc/fstab by their first
// field, and by their numbers as well where that is asked: a line that moved stays.
func dropLines(lines []host.FstabSwap, numbered bool) string {
	words := []string{"sed", "-i"}
	seen := map[string]bool{}
	for _, line := range lines {
		if seen[line.Spec] && !numbered {
			continue
		}
		seen[line.Spec] = true
		spec, _, _ := strings.Cut(swap.Entry{Path: line.Spec}.Line(), " ")
		var pattern strings.Builder
		for _, r := range spec {
			if strings.ContainsRune(`.*[]^$\#`, r) {
				pattern.WriteByte('\\')
			}
			pattern.WriteRune(r)
		}
		const blanks, field = `[[:blank:]]\{1,\}`, `[^[:blank:]]\{1,\}`
		drop := `\#^[[:blank:]]*` + pattern.String() + blanks + field + blanks + `swap#d`
		if numbered {
			drop = fmt.Sprintf("%d{%s;}", line.Line, drop)
		}
		words = append(words, "-e", human.ShellWord(drop))
	}
	return strings.Join(append(words, "/etc/fstab"), " ")
}

// forget is the command that makes fstab and units not name a swap any more; empty where none does.
func forget(f *host.Facts, means func(spec, target string) bool) string {
	var commands []string
	var lines []host.FstabSwap
	for _, line := range f.Fstab.Value {
		if means(line.Spec, line.Target) {
			lines = append(lines, line)
		}
	}
	if len(lines) > 0 {
		commands = append(commands, dropLines(lines, false))
	}
	for _, unit := range f.Units.Value {
		if !unit.FromFstab && means(unit.What, unit.Target) { // masked, wherever it lies
			commands = append(commands, "ln -sf /dev/null "+human.ShellWord("/etc/systemd/system/"+unit.Name))
		}
	}
	return strings.Join(commands, " && ")
}

// takeOutInImage says how to set up a swap no more that will not work, and removes the file
// that is no swapfile where asked to.
func takeOutInImage(f *host.Facts, s setUpSwap, file bool) *finding.Remedy {
	command := forget(f, func(spec, target string) bool { return spec == s.spec || s.target != "" && target == s.target })
	text := "in the image: take the entry out, or have the file made at the first boot"
	if i := bakedIndex(f, s.target); file && i >= 0 {
		return removeBaked(f, f.SwapFiles.Value[i])
	}
	return remedy(text, command)
}

func bakedIndex(f *host.Facts, file string) int {
	for i, b := range f.SwapFiles.Value {
		if b.Path == file {
			return i
		}
	}
	return -1
}

// removeBaked says how to take a swapfile out of the image, and to have swap all the same.
func removeBaked(f *host.Facts, b host.BakedSwap) *finding.Remedy {
	commands := []string{"rm -f " + human.ShellWord(b.Path)}
	if command := forget(f, func(spec, target string) bool { return spec == b.Path || target == b.Path }); command != "" {
		commands = append(commands, command)
	}
	if len(madeAtBoot(f).makers) > 0 {
		return remedy("in the image: remove it; swap is made at boot otherwise", strings.Join(commands, " && "))
	}
	boot := makeAtBoot(f, "in the image: remove it, and ")
	if boot.Command != "" {
		commands = append(commands, boot.Command)
	}
	return remedy(boot.Text, strings.Join(commands, " && "))
}

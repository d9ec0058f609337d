package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
	"vmguard/pkg/swap"
)

var swapPersistent = Check{
	ID: "swap-persistent", Area: finding.Memory, Worst: finding.Warning, Modes: Live | Image,
	Title: "Active swap and configured swap agree",
	Why: "Swap that is active but not configured is gone after the next reboot, and nobody notices until memory runs out. " +
		"Swap that is configured but not active protects nothing now.",
	Rule: "A warning for each active area that neither /etc/fstab nor an enabled systemd unit names, and for each configured one that is not active; " +
		"info for an area that is listed twice. Unknown for compressed memory (zram) that no known service sets up, and where the configuration cannot be read. " +
		"Does not apply where a kubelet runs and no swap is active. " +
		"In an image: a warning for each file that fstab or an enabled unit names, and that is neither there as a swapfile nor made at the first boot; unknown of devices, which only the VM has, and where swap-enabled finds that swap may not be activated.",
	Fix: "For a swapfile, vmguard swap enable does what is missing: it adds the line to /etc/fstab, with the option nofail, so that a missing swapfile does not fail all other swap at boot; " +
		"it activates the file, makes it again, or takes out the second line. For a partition, add the line or activate it.",
	Judge: judgeSwapPersistent,
}

func judgeSwapPersistent(f *host.Facts, _ Policy) []finding.Finding {
	if f.Image {
		return judgeImagePersistent(f)
	}
	if !f.Swaps.Known() {
		return one(unknown("cannot tell which swap is active: " + f.Swaps.Why()))
	}
	if f.System.Value.Container != "" {
		return one(unknown("vmguard runs in a container, whose /etc/fstab is not the VM's"))
	}
	if !f.Fstab.Known() {
		return one(unknown("cannot tell which swap is configured: " + f.Fstab.Why()))
	}
	if len(f.Swaps.Value) == 0 && hasDaemon(f, "kubelet") {
		return one(skipped(kubeletHere))
	}
	var out []finding.Finding
	for _, area := range f.Swaps.Value {
		out = append(out, judgePersistence(f, area)...)
	}
	for _, line := range f.Fstab.Value {
		if !line.NoAuto && !slices.ContainsFunc(f.Swaps.Value, func(a host.SwapArea) bool { return names(a, line.Spec, line.Target) }) {
			out = append(out, inactiveSwap(f, line))
		}
	}
	for _, unit := range f.Units.Value {
		if unit.Enabled && !unit.FromFstab && !slices.ContainsFunc(f.Swaps.Value, func(a host.SwapArea) bool { return names(a, unit.What, unit.Target) }) {
			out = append(out, fail(finding.Warning, unit.What+" is configured as swap ("+unit.Name+") but not active: it protects nothing now",
				remedy("activate it", startUnit(f, unit)), evidence(unit.Path, "What="+unit.What)))
		}
	}
	if len(out) == 0 {
		if len(f.Swaps.Value) == 0 {
			return one(skipped("no swap is active or configured"))
		}
		return one(pass("all active swap comes back after a reboot", evidence(f.Fstab.Source, swapPaths(f.Swaps.Value))))
	}
	return out
}

func judgePersistence(f *host.Facts, area host.SwapArea) []finding.Finding {
	if owner := swap.OwnedBy(area.Path); owner != area.Path && !area.Deleted {
		return one(fail(finding.Warning, fmt.Sprintf("a resize of %s was interrupted, or is at work: its swap is on %s", owner, area.Path),
			remedy("finish it, if vmguard is not at work", swap.CommandFor(owner)), evidence(f.Swaps.Source, area.Path)))
	}
	var lines []string
	for _, line := range f.Fstab.Value {
		if area.Deleted && !line.Exists.Value {
			continue // the line finds nothing any more
		}
		if !line.NoAuto && names(area, line.Spec, line.Target) {
			lines = append(lines, fmt.Sprintf("line %d: %s", line.Line, line.Spec))
		}
	}
	switch {
	case len(lines) > 1:
		return one(fail(finding.Info, fmt.Sprintf("%s is listed %d times: the second try to activate it fails at every boot", area.Path, len(lines)),
			remedy("keep one of the lines", configureFile(f, area)), evidence(f.Fstab.Source, strings.Join(lines, ", "))))
	case len(lines) == 1 || slices.ContainsFunc(f.Units.Value, func(u host.SwapUnit) bool {
		return u.Enabled && !u.FromFstab && names(area, u.What, u.Target)
	}):
		return nil
	case area.Zram():
		return zramPersistence(f, area)
	case !f.Units.Known():
		return one(unknown(fmt.Sprintf("%s is not in /etc/fstab, and whether a systemd unit activates it cannot be told: %s", area.Path, f.Units.Why())))
	case area.Deleted:
		return one(fail(finding.Warning, area.Path+" was deleted while in use: its space stays taken, and it is gone after the next reboot",
			makeAgain(f, area.Path, "; the space of the deleted one comes back with the next reboot"), evidence(f.Swaps.Source, area.Path+" (deleted)")))
	}
	return one(fail(finding.Warning, area.Path+" is active but not configured, as far as vmguard knows (fstab, .swap units, zram): after the next reboot this VM may have that much less swap",
		configure(f, area), wanted(f.Fstab.Source, "no line for "+area.Path, "one line")))
}

// configure says how to have an active area back after a reboot.
func configure(f *host.Facts, area host.SwapArea) *finding.Remedy {
	const text = "add it to /etc/fstab, unless a boot script sets it up"
	if forgetsEtc(f) {
		return remedy("nothing, if the start-up configuration (cloud-init) activates it at every boot; /etc does not outlive a reboot here", "")
	}
	if command := configureFile(f, area); command != "" {
		return remedy(text, command)
	}
	line := swap.Entry{Path: stableName(area), Priority: -1}.Line()
	return remedy(text, `printf '\n%s\n' `+human.ShellWord(line)+" | sudo tee -a /etc/fstab")
}

// stableName is how fstab should name an area: a device by its UUID, since the kernel's own
// names change from boot to boot.
func stableName(area host.SwapArea) string {
	for _, kind := range []string{"UUID=", "/dev/mapper/"} {
		for _, alias := range area.Aliases {
			if strings.HasPrefix(alias, kind) {
				return alias
			}
		}
	}
	return area.Path
}

func zramPersistence(f *host.Facts, area host.SwapArea) []finding.Finding {
	if f.ZramConf.Known() && f.ZramConf.Value {
		return nil
	}
	return one(unknown(fmt.Sprintf("%s is compressed memory (zram), and which service sets it up at boot cannot be told", area.Path)))
}

func inactiveSwap(f *host.Facts, line host.FstabSwap) finding.Finding {
	source := fmt.Sprintf("/etc/fstab line %d", line.Line)
	if line.Exists.Known() && !line.Exists.Value {
		fix := remedy("make the swap area, or take the line out of /etc/fstab", "")
		if file, ok := listedFile(line); ok {
			fix = makeAgain(f, file, ", or take the line out of /etc/fstab; if it belongs on another disk, mount that first")
		}
		return fail(finding.Warning, fmt.Sprintf("/etc/fstab wants swap on %s, which does not exist: this swap is missing", line.Spec),
			fix, evidence(source, line.Spec))
	}
	return fail(finding.Warning, line.Spec+" is configured as swap but not active: it protects nothing now",
		remedy("activate what /etc/fstab lists", activateListed(f, line)), evidence(source, line.Spec))
}

// names tells whether a first field of fstab, or a unit's What, means an area; target is
// the path that it leads to, where that is known.
func names(a host.SwapArea, spec, target string) bool {
	return spec == a.Path || target == a.Path || slices.Contains(a.Aliases, spec)
}

// startUnit is the command that activates a unit's swap.
func startUnit(f *host.Facts, unit host.SwapUnit) string {
	if !f.System.Value.Systemd {
		return "sudo swapon " + human.ShellWord(cmp.Or(unit.Target, unit.What))
	}
	return "sudo systemctl start " + human.ShellWord(unit.Name)
}

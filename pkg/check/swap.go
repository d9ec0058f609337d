package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
)

const (
	mib = 1 << 20
	gib = 1 << 30
)

// kubeletHere is why a node of Kubernetes is not told to add swap.
const kubeletHere = "a kubelet runs here, and Kubernetes expects swap to be off unless it is told otherwise"

var swapEnabled = Check{
	ID: "swap-enabled", Area: finding.Memory, Worst: finding.Critical,
	Title: "The VM has swap",
	Why: "Without swap the kernel has nowhere to put memory that nobody uses. When RAM runs out it kills a process instead, " +
		"most often the largest one, which is a container. Swap turns a burst into a slow moment.",
	Rule: "Fails when /proc/swaps lists no area. With containers running: critical below 4 GiB of RAM, a warning below 16 GiB, else info. " +
		"Without containers: a warning below 1 GiB, else info. An installed engine whose containers are not known counts as having some. Does not apply where a kubelet runs, which expects swap to be off unless told otherwise.",
	Fix:   "Add a swapfile. 2 GiB up to 4 GiB of RAM and 4 GiB above is enough to ride out a burst; swap is resilience, not memory.",
	Judge: func(f *host.Facts) []finding.Finding { return one(judgeSwapEnabled(f)) },
}

func judgeSwapEnabled(f *host.Facts) finding.Finding {
	if !f.Swaps.Known() {
		return unknown("cannot tell whether there is swap: " + f.Swaps.Why())
	}
	if total := swapTotal(f.Swaps.Value); total > 0 {
		return pass(human.Bytes(total)+" of swap is active", evidence(f.Swaps.Source, swapPaths(f.Swaps.Value)))
	}
	if hasDaemon(f, "kubelet") {
		return skipped(kubeletHere)
	}
	if !f.Memory.Known() {
		return unknown("there is no swap, and how much that matters cannot be told: " + f.Memory.Why())
	}
	ram := f.Memory.Value.Total
	load := containerLoad(f)
	return fail(swapSeverity(ram, load != ""),
		fmt.Sprintf("no swap on a VM with %s of RAM%s: when memory runs out the kernel kills instead of paging", human.Bytes(ram), load),
		swapRemedy(f), wanted(f.Swaps.Source, "no swap area", "at least one"))
}

// containerLoad says which containers depend on the VM's memory; empty for none. An
// engine that does not answer, perhaps for want of memory, counts as one that has some.
func containerLoad(f *host.Facts) string {
	running := len(runningContainers(f))
	switch {
	case running > 0:
		return " and " + human.Count(running, "running container")
	case !f.Containers.Known() && f.DockerInstalled.Known() && f.DockerInstalled.Value:
		return " and Docker, whose containers are not known"
	default:
		return ""
	}
}

func swapSeverity(ram uint64, containers bool) finding.Severity {
	switch {
	case containers && ram < 4*gib:
		return finding.Critical
	case containers && ram < 16*gib, ram < gib:
		return finding.Warning
	default:
		return finding.Info
	}
}

// swapRemedy gives the command that makes, activates and persists a swapfile, or
// says why there is none for this filesystem.
func swapRemedy(f *host.Facts) *finding.Remedy {
	if f.System.Known() && f.System.Value.Container != "" {
		return remedy("vmguard runs in a container, where swap cannot be set: run it on the VM itself", "")
	}
	if slices.ContainsFunc(f.Fstab.Value, func(s host.FstabSwap) bool { return !s.NoAuto && s.Exists.Value }) {
		return remedy("/etc/fstab names a swap area that is not active: activate it", "sudo swapon -a")
	}
	i := slices.IndexFunc(f.Disks, func(d host.Fact[host.Disk]) bool { return d.Known() && d.Value.Role == host.RoleRoot })
	if i < 0 {
		return remedy("add a swapfile; how much room / has is not known", "")
	}
	disk := f.Disks[i].Value
	size := swapSize(f.Memory.Value.Total, disk)
	allocate := fmt.Sprintf("fallocate -l %dM /swapfile", size/mib)
	switch {
	case disk.ReadOnly || strings.Contains(f.System.Value.OS, "Container-Optimized"):
		return remedy("this system's files do not outlive a reboot: add a swapfile from its start-up configuration (cloud-init, Ignition)", "")
	case size == 0:
		return remedy(fmt.Sprintf("free disk space first: / has only %s left, too little for a swapfile", human.Bytes(disk.Free)), "")
	case disk.FS == "ext4" || disk.FS == "xfs" && !oldKernel(f.System.Value.Kernel):
	case disk.FS == "btrfs":
		return remedy("/ is btrfs: a swapfile there needs a subvolume of its own and no copy-on-write (btrfs filesystem mkswapfile)", "")
	case disk.FS == "ext2" || disk.FS == "ext3" || disk.FS == "xfs":
		allocate = fmt.Sprintf("dd if=/dev/zero of=/swapfile bs=1M count=%d", size/mib) // holes are refused, and fallocate leaves some
	default:
		return remedy(fmt.Sprintf("/ is %s, which may hold no swapfile: add a swap partition or a disk", cmp.Or(disk.FS, "of an unknown kind")), "")
	}
	return remedy(fmt.Sprintf("add a swapfile of %s", human.Bytes(size)),
		`sudo sh -c 'umask 077; if test -e /swapfile; then echo "/swapfile exists already" >&2; exit 1; fi; { `+allocate+
			` && mkswap /swapfile && swapon /swapfile; } || { rm -f /swapfile; exit 1; }; printf "\n/swapfile none swap sw,nofail 0 0\n" >> /etc/fstab'`)
}

// oldKernel tells a kernel before 4.18, on which a swapfile that XFS preallocated is
// refused (iomap_swapfile_activate came with 4.18). What cannot be read counts as old.
func oldKernel(release string) bool {
	var major, minor int
	if n, err := fmt.Sscanf(release, "%d.%d", &major, &minor); n != 2 || err != nil {
		return true
	}
	return major < 4 || major == 4 && minor < 18
}

// swapSize is 2 GiB up to 4 GiB of RAM and 4 GiB above, less where the disk would
// be left with under 1 GiB or 10 %, and 0 where not even 512 MiB fit.
func swapSize(ram uint64, disk host.Disk) uint64 {
	size := uint64(2 * gib)
	if ram > 4*gib {
		size = 4 * gib
	}
	keep := max(gib, disk.Size/10)
	for disk.Free < keep+size {
		if size /= 2; size < 512*mib {
			return 0
		}
	}
	return size
}

var swapPersistent = Check{
	ID: "swap-persistent", Area: finding.Memory, Worst: finding.Warning,
	Title: "Active swap and configured swap agree",
	Why: "Swap that is active but not configured is gone after the next reboot, and nobody notices until memory runs out. " +
		"Swap that is configured but not active protects nothing now.",
	Rule: "A warning for each active area that neither /etc/fstab nor an enabled systemd unit names, and for each configured one that is not active; " +
		"info for an area that is listed twice. Unknown for compressed memory (zram) that no known service sets up, and where the configuration cannot be read. " +
		"Does not apply where a kubelet runs and no swap is active.",
	Fix:   "Add the missing line to /etc/fstab with the option nofail, so that a missing swapfile does not stop the boot, or activate what is listed.",
	Judge: judgeSwapPersistent,
}

func judgeSwapPersistent(f *host.Facts) []finding.Finding {
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
			out = append(out, inactiveSwap(line))
		}
	}
	for _, unit := range f.Units.Value {
		if unit.Enabled && !unit.FromFstab && !slices.ContainsFunc(f.Swaps.Value, func(a host.SwapArea) bool { return names(a, unit.What, unit.Target) }) {
			out = append(out, fail(finding.Warning, unit.What+" is configured as swap ("+unit.Name+") but not active: it protects nothing now",
				remedy("activate it", "sudo systemctl start "+human.ShellWord(unit.Name)), evidence(unit.Path, "What="+unit.What)))
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
	var lines []string
	for _, line := range f.Fstab.Value {
		if !line.NoAuto && names(area, line.Spec, line.Target) {
			lines = append(lines, fmt.Sprintf("line %d: %s", line.Line, line.Spec))
		}
	}
	switch {
	case len(lines) > 1:
		return one(fail(finding.Info, fmt.Sprintf("%s is listed %d times: the second try to activate it fails at every boot", area.Path, len(lines)),
			remedy("keep one of the lines", ""), evidence(f.Fstab.Source, strings.Join(lines, ", "))))
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
			remedy("switch it off when memory allows, and make a new swapfile", ""), evidence(f.Swaps.Source, area.Path+" (deleted)")))
	}
	return one(fail(finding.Warning, area.Path+" is active but not configured, as far as vmguard knows (fstab, .swap units, zram): after the next reboot this VM may have that much less swap",
		remedy("add it to /etc/fstab, unless a boot script sets it up", fmt.Sprintf(`printf '\n%%s none swap sw,nofail 0 0\n' %s | sudo tee -a /etc/fstab`, human.ShellWord(fstabEscape(stableName(area))))),
		wanted(f.Fstab.Source, "no line for "+area.Path, "one line")))
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

func inactiveSwap(line host.FstabSwap) finding.Finding {
	source := fmt.Sprintf("/etc/fstab line %d", line.Line)
	if line.Exists.Known() && !line.Exists.Value {
		return fail(finding.Warning, fmt.Sprintf("/etc/fstab wants swap on %s, which does not exist: this swap is missing since boot", line.Spec),
			remedy("make the swap area, or take the line out of /etc/fstab", ""), evidence(source, line.Spec))
	}
	return fail(finding.Warning, line.Spec+" is configured as swap but not active: it protects nothing now",
		remedy("activate what /etc/fstab lists", "sudo swapon -a"), evidence(source, line.Spec))
}

// names tells whether a first field of fstab, or a unit's What, means an area; target is
// the path that it leads to, where that is known.
func names(a host.SwapArea, spec, target string) bool {
	return spec == a.Path || target == a.Path || slices.Contains(a.Aliases, spec)
}

var swapPermissions = Check{
	ID: "swap-permissions", Area: finding.Memory, Worst: finding.Critical,
	Title: "Swapfiles are root's alone",
	Why:   "A swapfile holds the memory of every process: keys, passwords, mail. Whoever can read it reads them.",
	Rule: "Critical where a swapfile belongs to somebody other than root, or others may read or write it; a warning where its group may. " +
		"Does not apply to partitions.",
	Fix:   "chown it to root and chmod it to 600.",
	Judge: judgeSwapPermissions,
}

func judgeSwapPermissions(f *host.Facts) []finding.Finding {
	if !f.Swaps.Known() {
		return one(unknown("cannot tell which swap is active: " + f.Swaps.Why()))
	}
	var out []finding.Finding
	for _, area := range f.Swaps.Value {
		if area.Type == "file" && !area.Deleted {
			out = append(out, judgeSwapFile(area))
		}
	}
	if len(out) == 0 {
		return one(skipped("no swapfile is active"))
	}
	return out
}

func judgeSwapFile(area host.SwapArea) finding.Finding {
	if !area.File.Known() {
		return unknown(fmt.Sprintf("cannot tell who may read %s: %s", area.Path, area.File.Why()))
	}
	file := area.File.Value
	seen := wanted(area.File.Source, fmt.Sprintf("mode %04o, uid %d", file.Mode, file.UID), "mode 0600, uid 0")
	severity := finding.Warning
	switch {
	case file.UID != 0 || file.Mode&0o006 != 0:
		severity = finding.Critical
	case file.Mode&0o077 == 0:
		return pass(area.Path+" is root's alone", seen)
	}
	path := human.ShellWord(area.Path)
	return fail(severity, fmt.Sprintf("%s is not root's alone: it holds the memory of every process", area.Path),
		remedy("make it root's alone", "sudo chown root:root "+path+" && sudo chmod 600 "+path), seen)
}

var swapThrashing = Check{
	ID: "swap-thrashing", Area: finding.Memory, Worst: finding.Critical,
	Title: "The VM does not live from swap",
	Why: "When memory in use is larger than RAM, pages go out and come back all the time. Everything then waits for the disk, " +
		"healthchecks run into their timeouts, and connections die although no process does.",
	Rule: "With pages having come back from swap since boot: critical when all tasks together stalled on memory for 10 % or more of the last minute " +
		"(PSI full avg60), a warning when some did (some avg60). Unknown where the kernel keeps no pressure information and swap has been read back.",
	Fix:   "Add RAM, or limit or move the largest container. More swap does not help here.",
	Judge: func(f *host.Facts) []finding.Finding { return one(judgeThrashing(f)) },
}

func judgeThrashing(f *host.Facts) finding.Finding {
	if !f.VMStat.Known() {
		return unknown("cannot tell how much comes back from swap: " + f.VMStat.Why())
	}
	in := f.VMStat.Value.SwapIn
	counter := evidence(f.VMStat.Source, fmt.Sprintf("pswpin %d pages since boot%s", in, swapInRate(f)))
	if in == 0 {
		return pass("no page has come back from swap since boot", counter)
	}
	p := f.Pressure.Memory
	if !p.Known() {
		return unknown("pages have come back from swap since boot, but whether they do now cannot be told: "+p.Why(), counter)
	}
	seen := []finding.Evidence{counter, evidence(p.Source, spellPressure(p.Value))}
	fix := findMemoryUser()
	switch {
	case p.Value.Full != nil && p.Value.Full.Avg60 >= 10:
		return fail(finding.Critical, fmt.Sprintf("the VM is thrashing: for %.0f %% of the last minute nothing ran because all waited for memory", p.Value.Full.Avg60), fix, seen...)
	case p.Value.Some.Avg60 >= 10:
		return fail(finding.Warning, fmt.Sprintf("the VM pages heavily: for %.0f %% of the last minute some task waited for memory", p.Value.Some.Avg60), fix, seen...)
	}
	return pass("swap has been used, and little or nothing waits for memory now", seen...)
}

// swapInRate spells the average since boot, which is all that counters can tell without waiting.
func swapInRate(f *host.Facts) string {
	up := f.System.Value.Uptime.Seconds()
	if !f.System.Known() || up < 1 {
		return ""
	}
	return fmt.Sprintf(", %s/s on average", human.Bytes(uint64(float64(f.VMStat.Value.SwapIn)*float64(f.System.Value.PageSize)/up)))
}

var swappiness = Check{
	ID: "swappiness", Area: finding.Memory, Worst: finding.Warning,
	Title: "vm.swappiness lets swap do its work",
	Why: "vm.swappiness weighs paging out against dropping file cache. At 0 the kernel hardly touches swap until it is about to kill; " +
		"far above 60 it pages out memory that is soon needed again.",
	Rule: "With swap active: a warning at 0, info from 1 to 9 and above 60. Above 60 is right for compressed memory (zram). " +
		"Does not apply without swap.",
	Fix:   "Set it between 10 and 60 and keep it in a file under /etc/sysctl.d.",
	Judge: func(f *host.Facts) []finding.Finding { return one(judgeSwappiness(f)) },
}

func judgeSwappiness(f *host.Facts) finding.Finding {
	value := f.Sysctl("vm.swappiness")
	switch {
	case f.Swaps.Known() && len(f.Swaps.Value) == 0:
		return skipped("no swap is active")
	case !f.Swaps.Known():
		return unknown("cannot tell whether there is swap: " + f.Swaps.Why())
	case !value.Known():
		return unknown("cannot read vm.swappiness: " + value.Why())
	}
	seen := wanted(value.Source, fmt.Sprint(value.Value), "10 to 60")
	fix := setSysctl("set it to 30, now and at boot", "vm.swappiness", 30)
	switch zram := slices.ContainsFunc(f.Swaps.Value, host.SwapArea.Zram); {
	case value.Value <= 0:
		return fail(finding.Warning, "vm.swappiness is 0: the kernel hardly uses swap until it is about to kill", fix, seen)
	case value.Value < 10:
		return fail(finding.Info, fmt.Sprintf("vm.swappiness is %d: the kernel uses swap late", value.Value), fix, seen)
	case value.Value > 60 && !zram:
		return fail(finding.Info, fmt.Sprintf("vm.swappiness is %d: the kernel pages out memory that may soon be needed again", value.Value), fix, seen)
	}
	return pass(fmt.Sprintf("vm.swappiness is %d", value.Value), seen)
}

func swapTotal(areas []host.SwapArea) uint64 {
	var total uint64
	for _, a := range areas {
		total += a.Size
	}
	return total
}

func swapPaths(areas []host.SwapArea) string {
	var paths []string
	for _, a := range areas {
		paths = append(paths, fmt.Sprintf("%s (%s of %s used)", a.Path, human.Bytes(a.Used), human.Bytes(a.Size)))
	}
	return human.List(paths, 5)
}

// fstabEscape writes a path as fstab(5) wants it: blanks, tabs, newlines and backslashes in octal.
func fstabEscape(path string) string {
	return strings.NewReplacer(`\`, `\134`, " ", `\040`, "\t", `\011`, "\n", `\012`).Replace(path)
}

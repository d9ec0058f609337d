package check

import (
	"fmt"
	"slices"

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
	ID: "swap-enabled", Area: finding.Memory, Worst: finding.Critical, Modes: Live | Image,
	Title: "The VM has swap",
	Why: "Without swap the kernel has nowhere to put memory that nobody uses. When RAM runs out it kills a process instead, " +
		"most often the largest one, which is a container. Swap turns a burst into a slow moment.",
	Rule: "Fails when /proc/swaps lists no area. With containers running: critical below 4 GiB of RAM, a warning below 16 GiB, else info. " +
		"Without containers: a warning below 1 GiB, else info. An installed engine whose containers are not known counts as having some. Does not apply where a kubelet runs, which expects swap to be off unless told otherwise. " +
		"In an image, whose VM's RAM is not known: fails where nothing that it holds gives a VM swap at its first boot (fstab, .swap units, zram, cloud-init, start-up commands), " +
		"a warning with Docker, else info; unknown where only a device of the VM would, or where swap.target is masked, systemd.swap=0 is given to the kernel, or OpenRC does not start its service swap.",
	Fix: "Add a swapfile with vmguard swap enable. 2 GiB up to 4 GiB of RAM and 4 GiB above is enough to ride out a burst, " +
		"and less is proposed where the disk would be left with under 10 % or 1 GiB; swap is resilience, not memory. " +
		"In an image, have it made at the first boot: by cloud-init's section swap, or by a unit.",
	Judge: func(f *host.Facts, _ Policy) []finding.Finding { return one(judgeSwapEnabled(f)) },
}

func judgeSwapEnabled(f *host.Facts) finding.Finding {
	if f.Image {
		return judgeImageSwap(f)
	}
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
		if f.Containers.Missing == "" { // nobody asked, as for swap status
			return " and Docker"
		}
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

var swapPermissions = Check{
	ID: "swap-permissions", Area: finding.Memory, Worst: finding.Critical, Modes: Live | Image,
	Title: "Swapfiles are root's alone",
	Why:   "A swapfile holds the memory of every process: keys, passwords, mail. Whoever can read it reads them.",
	Rule: "Critical where a swapfile belongs to somebody other than root, or others may read or write it; a warning where its group may. " +
		"Does not apply to partitions. Unknown in a container, which does not show the VM's files. " +
		"In an image, of the swapfiles that lie in it.",
	Fix:   "vmguard swap enable sets the mode of root's own swapfile to 0600. One of somebody else's: chown it to root and chmod it to 600.",
	Judge: judgeSwapPermissions,
}

func judgeSwapPermissions(f *host.Facts, _ Policy) []finding.Finding {
	if f.Image {
		return judgeImagePermissions(f)
	}
	if !f.Swaps.Known() {
		return one(unknown("cannot tell which swap is active: " + f.Swaps.Why()))
	}
	var out []finding.Finding
	for _, area := range f.Swaps.Value {
		if area.Type == "file" && !area.Deleted {
			out = append(out, judgeSwapFile(f, area))
		}
	}
	if len(out) == 0 {
		return one(skipped("no swapfile is active"))
	}
	return out
}

func judgeSwapFile(f *host.Facts, area host.SwapArea) finding.Finding {
	if f.System.Value.Container != "" {
		return unknown(fmt.Sprintf("cannot tell who may read %s: vmguard runs in a container, which does not show the VM's files", area.Path))
	}
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
	return fail(severity, fmt.Sprintf("%s is not root's alone: it holds the memory of every process", area.Path), protectFile(f, area), seen)
}

var swapThrashing = Check{
	ID: "swap-thrashing", Area: finding.Memory, Worst: finding.Critical,
	Title: "The VM does not live from swap",
	Why: "When memory in use is larger than RAM, pages go out and come back all the time. Everything then waits for the disk, " +
		"healthchecks run into their timeouts, and connections die although no process does.",
	Rule: "With pages having come back from swap since boot: critical when all tasks together stalled on memory for 10 % or more of the last minute " +
		"(PSI full avg60), a warning when some did (some avg60). Unknown where the kernel keeps no pressure information and swap has been read back.",
	Fix:   "Add RAM, or limit or move the largest container. More swap does not help here.",
	Judge: func(f *host.Facts, _ Policy) []finding.Finding { return one(judgeThrashing(f)) },
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
	ID: "swappiness", Area: finding.Memory, Worst: finding.Warning, Modes: Live | Image,
	Title: "vm.swappiness lets swap do its work",
	Why: "vm.swappiness weighs paging out against dropping file cache. At 0 the kernel hardly touches swap until it is about to kill; " +
		"far above 60 it pages out memory that is soon needed again.",
	Rule: "With swap active: a warning at 0, info from 1 to 9 and above 60. Above 60 is right for compressed memory (zram). " +
		"Does not apply without swap. In an image: what sysctl.d sets, or else the kernel's default of 60, where swap is set up for boot.",
	Fix:   "Set it between 10 and 60 and keep it in a file under /etc/sysctl.d.",
	Judge: func(f *host.Facts, _ Policy) []finding.Finding { return one(judgeSwappiness(f)) },
}

func judgeSwappiness(f *host.Facts) finding.Finding {
	value := sysctlOf(f, "vm.swappiness", 60) // mm/vmscan.c
	known, some, zram := f.Swaps.Known(), len(f.Swaps.Value) > 0, slices.ContainsFunc(f.Swaps.Value, host.SwapArea.Zram)
	why, none := f.Swaps.Why(), "no swap is active"
	if f.Image {
		some, why = swapAtBoot(f)
		known, zram, none = why == "", f.ZramConf.Value, "no swap is set up for boot"
	}
	switch {
	case known && !some:
		return skipped(none)
	case !known:
		return unknown("cannot tell whether there is swap: " + why)
	case !value.Known():
		return unknown("cannot read vm.swappiness: " + value.Why())
	}
	seen := value.seen("10 to 60")
	fix := setSysctl(f, "set it to 30", "vm.swappiness", 30)
	switch {
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

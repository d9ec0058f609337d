package check

import (
	"cmp"
	"fmt"
	"slices"
	"sort"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
)

var memoryHeadroom = Check{
	ID: "memory-headroom", Area: finding.Memory, Worst: finding.Critical,
	Title: "There is memory left for a burst",
	Why: "MemAvailable is what the kernel can hand out without paging. When it is nearly gone, one burst (a deployment, a backup, " +
		"a large mail) starts the OOM killer.",
	Rule: "Critical below 5 % and 1 GiB of RAM available, a warning below 10 % and 4 GiB; or below a policy's memory-headroom-critical and memory-headroom. " +
		"Reserved huge pages do not count as RAM.",
	Fix:   "Limit or move the largest container, or add RAM; swap rides out short bursts.",
	Judge: func(f *host.Facts, p Policy) []finding.Finding { return one(judgeHeadroom(f, p.Thresholds)) },
}

func judgeHeadroom(f *host.Facts, t Thresholds) finding.Finding {
	if !f.Memory.Known() {
		return unknown("cannot tell how much memory is left: " + f.Memory.Why())
	}
	m := f.Memory.Value
	// Reserved huge pages serve their own users alone, full or empty.
	total := m.Total - min(m.Total, m.HugePages*m.HugePageSize)
	if total == 0 {
		return unknown(f.Memory.Source + " says that there is no memory at all")
	}
	text := fmt.Sprintf("%s of memory is available (%s of %s)", human.Percent(m.Available, total), human.Bytes(m.Available), human.Bytes(total))
	seen := []finding.Evidence{wanted(f.Memory.Source, "MemAvailable "+human.Bytes(m.Available), t.MemoryHeadroom.String())}
	severity := finding.Warning
	switch {
	case !t.MemoryHeadroomCritical.Left(m.Available, total):
		severity = finding.Critical
	case t.MemoryHeadroom.Left(m.Available, total):
		return pass(text, seen...)
	}
	if users := largestContainers(f, 3); users != "" {
		seen = append(seen, evidence("memory cgroups", users))
	}
	return fail(severity, text+": one burst starts the OOM killer",
		findMemoryUser(), seen...)
}

// findMemoryUser is the first step where memory is short; which container to limit is for its owner to say.
func findMemoryUser() *finding.Remedy {
	return remedy("see who uses the memory, then limit or move it, or add RAM", "docker stats --no-stream")
}

// largestContainers names the containers with the largest working sets.
func largestContainers(f *host.Facts, most int) string {
	cs := slices.DeleteFunc(runningContainers(f), func(c host.Container) bool { return !c.Memory.Known() })
	sort.SliceStable(cs, func(i, j int) bool { return cs[i].Memory.Value.WorkingSet > cs[j].Memory.Value.WorkingSet })
	var users []string
	for _, c := range cs {
		users = append(users, c.Name+" "+human.Bytes(c.Memory.Value.WorkingSet))
	}
	return human.List(users, most)
}

var memoryPressure = Check{
	ID: "memory-pressure", Area: finding.Memory, Worst: finding.Critical,
	Title: "Nothing waits for memory",
	Why: "Pressure stall information says for how long tasks stood still because memory had to be reclaimed first. " +
		"It rises before the OOM killer comes, and healthchecks and heartbeats time out meanwhile.",
	Rule: "Critical when all tasks stalled for 10 % or more of the last minute (full avg60), a warning when some did (some avg60). " +
		"A policy's memory-pressure is the share in place of 10 %. Unknown where the kernel keeps no pressure information.",
	Fix: "Limit or move the largest container, or add RAM.",
	Judge: func(f *host.Facts, p Policy) []finding.Finding {
		return one(judgePressure(f.Pressure.Memory, p.Thresholds.MemoryPressurePercent))
	},
}

func judgePressure(p host.Fact[host.Pressure], mostPercent float64) finding.Finding {
	if !p.Known() {
		return unknown("cannot tell whether tasks wait for memory: " + p.Why())
	}
	seen := wanted(p.Source, spellPressure(p.Value), "avg60 below "+spellPercent(mostPercent))
	fix := findMemoryUser()
	switch {
	case p.Value.Full != nil && p.Value.Full.Avg60 >= mostPercent:
		return fail(finding.Critical, fmt.Sprintf("for %.0f %% of the last minute nothing ran because all waited for memory", p.Value.Full.Avg60), fix, seen)
	case p.Value.Some.Avg60 >= mostPercent:
		return fail(finding.Warning, fmt.Sprintf("for %.0f %% of the last minute some task waited for memory", p.Value.Some.Avg60), fix, seen)
	}
	return pass("little or nothing waits for memory", seen)
}

func spellPressure(p host.Pressure) string {
	s := fmt.Sprintf("some avg60 %.2f %%", p.Some.Avg60)
	if p.Full != nil {
		s += fmt.Sprintf(", full avg60 %.2f %%", p.Full.Avg60)
	}
	return s
}

var memoryOvercommit = Check{
	ID: "memory-overcommit", Area: finding.Memory, Worst: finding.Critical, Modes: Live | Image,
	Title: "Allocations do not run into the commit limit",
	Why: "With vm.overcommit_memory=2 the kernel refuses allocations past CommitLimit even while RAM is free. Runtimes that reserve " +
		"much and use little (Node, Java, Go) then fail with \"cannot allocate memory\", and no OOM kill shows why.",
	Rule: "Only with vm.overcommit_memory=2: critical when 98 % or more of CommitLimit is committed, a warning from 90 %. " +
		"With 0 (the default) and 1 the limit is not enforced. In an image that sets it to 2: unknown, since only a running host shows how much is committed.",
	Fix:   "Set vm.overcommit_memory=0, or raise vm.overcommit_ratio, or add swap, which counts into the limit.",
	Judge: func(f *host.Facts, _ Policy) []finding.Finding { return one(judgeOvercommit(f)) },
}

func judgeOvercommit(f *host.Facts) finding.Finding {
	mode := sysctlOf(f, "vm.overcommit_memory", 0)
	if !mode.Known() {
		return unknown("cannot read vm.overcommit_memory: " + mode.Why())
	}
	set := mode.seen("")
	switch {
	case mode.Value != 2:
		return pass(fmt.Sprintf("vm.overcommit_memory is %d: the commit limit is not enforced", mode.Value), set)
	case f.Image:
		return unknown("vm.overcommit_memory is 2, and how near the commit limit is only the running host shows", set)
	}
	m := f.Memory.Value
	if !f.Memory.Known() || m.CommitLimit == 0 {
		return unknown("vm.overcommit_memory is 2, and how near the commit limit is cannot be told: " + cmp.Or(f.Memory.Why(), "no CommitLimit"))
	}
	text := fmt.Sprintf("%s of the commit limit is used (%s of %s, vm.overcommit_memory=2)",
		human.Percent(m.CommittedAS, m.CommitLimit), human.Bytes(m.CommittedAS), human.Bytes(m.CommitLimit))
	seen := []finding.Evidence{set, wanted(f.Memory.Source, "Committed_AS "+human.Bytes(m.CommittedAS), "below 90 % of CommitLimit")}
	severity := finding.Warning
	switch share := float64(m.CommittedAS) / float64(m.CommitLimit); {
	case share < 0.90:
		return pass(text, seen...)
	case share >= 0.98:
		severity = finding.Critical
	}
	return fail(severity, text+": past it, allocations fail although RAM may be free",
		setSysctl(f, "let the kernel overcommit, as is its default", "vm.overcommit_memory", 0), seen...)
}

var cgroupSwapAccounting = Check{
	ID: "cgroup-swap-accounting", Area: finding.Memory, Worst: finding.Warning, Modes: Live | Image,
	Title: "The kernel accounts swap per container",
	Why: "Without swap accounting, --memory-swap is not enforced: a container with a memory limit can fill the VM's whole swap, " +
		"and all others pay for it.",
	Rule: "When the kernel does not account swap for cgroups: a warning with swap active and a container limited, else info. " +
		"Unknown where neither a cgroup nor the engine shows it. In an image it goes by the newest kernel, how it was built and what it is given at boot: " +
		"from 6.1 on it always accounts, unless cgroup_disable=memory is given or it is built without memory cgroups or swap; from 5.8 on it can do so where it is built with both; a warning with Docker and swap set up, else info.",
	Fix: "Boot with swapaccount=1 (cgroup v1), or move to cgroup v2, where accounting is always on unless the kernel was built without it.",
	Judge: func(f *host.Facts, _ Policy) []finding.Finding {
		if f.Image {
			return one(imageSwapAccounting(f))
		}
		return one(judgeSwapAccounting(f))
	},
}

func judgeSwapAccounting(f *host.Facts) finding.Finding {
	accounted, why := f.Cgroup.Value.SwapAccounting, f.Cgroup.Why()
	if why == "" {
		why = accounted.Why()
	}
	seen := evidence(accounted.Source, fmt.Sprint(accounted.Value))
	if why != "" && f.Docker.Known() {
		// The engine looks at the same files, from the host's side.
		accounted, why = host.Known(f.Docker.Value.SwapLimit, "docker info"), ""
		seen = evidence("docker info", fmt.Sprintf("SwapLimit %t", accounted.Value))
	}
	switch {
	case why != "":
		return unknown("cannot tell whether swap is accounted per container: " + why)
	case accounted.Value:
		return pass("the kernel accounts swap per container", seen)
	}
	severity := finding.Info
	limited := slices.ContainsFunc(runningContainers(f), func(c host.Container) bool { return c.Limits.Memory > 0 })
	if limited && swapTotal(f.Swaps.Value) > 0 {
		severity = finding.Warning
	}
	return fail(severity, "the kernel does not account swap per container: --memory-swap is not enforced",
		remedy("add swapaccount=1 to the kernel's command line (GRUB_CMDLINE_LINUX in /etc/default/grub, then update-grub, or grub2-mkconfig), and reboot when it suits", ""), seen)
}

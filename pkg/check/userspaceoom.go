package check

import (
	"path"
	"strings"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

var userspaceOOM = Check{
	ID: "userspace-oom-killer", Area: finding.Memory, Worst: finding.Warning, Modes: Live | Image,
	Title: "At most one program kills when memory runs low",
	Why: "earlyoom, nohang and systemd-oomd kill before the kernel does, by rules of their own, and containers are among what they pick from. The kernel then has no OOM kill on record: " +
		"vmguard oom shows none, and Docker says 137 or 143 without OOMKilled. Two of them judge the same shortage by different rules, and kill twice for it.",
	Rule: "A warning where two or more of earlyoom, nohang and systemd-oomd are enabled, info where one is. systemd-oomd acts on units with ManagedOOMSwap= or ManagedOOMMemoryPressure= alone. " +
		"Unknown where the services cannot be read, or an installed one is left to the first boot.",
	Fix:   "Keep one, and have it spare dockerd, containerd and sshd; or leave it to the kernel, with limits on the containers.",
	Judge: func(f *host.Facts, _ Policy) []finding.Finding { return one(judgeUserspaceOOM(f)) },
}

func judgeUserspaceOOM(f *host.Facts) finding.Finding {
	switch {
	case f.System.Value.Container != "":
		return unknown("vmguard runs in a container, which does not show the VM's services")
	case !f.Services.Known():
		return unknown("cannot tell which services are enabled: " + f.Services.Why())
	}
	var names, later []string
	var seen []finding.Evidence
	for _, unit := range []string{"earlyoom.service", "nohang.service", "nohang-desktop.service", "systemd-oomd.service"} {
		switch s := bootService(f, unit); {
		case s.Enabled:
			names = append(names, strings.TrimSuffix(unit, ".service"))
			seen = append(seen, evidence(s.By, unit+" is enabled"))
		case s.FirstBoot && !s.Masked:
			later = append(later, unit)
		}
	}
	switch {
	case len(names) > 1:
		return fail(finding.Warning, strings.Join(names, " and ")+" are both enabled: each kills by its own rules when memory runs low, before the kernel does", keepOne(f, names), seen...)
	case len(later) > 0:
		return unknown("whether "+strings.Join(later, " and ")+" is enabled is left to the image's first boot (systemd.preset(5))", seen...)
	case len(names) == 1:
		return fail(finding.Info, oneKiller(names[0]), killerLog(f, names[0]), seen...)
	}
	return pass("the kernel alone kills when memory runs out", evidence(f.Services.Source, "neither earlyoom nor nohang nor systemd-oomd is enabled"))
}

func oneKiller(name string) string {
	if name == "systemd-oomd" {
		return "systemd-oomd kills in units with ManagedOOM settings before the kernel does: vmguard oom does not show these kills"
	}
	return name + " kills before the kernel does, containers too: vmguard oom does not show these kills"
}

// keepOne turns off all but the first, which somebody has installed on purpose:
// systemd-oomd, which distributions bring along, comes last.
func keepOne(f *host.Facts, names []string) *finding.Remedy {
	verb := "disable"
	for _, n := range names[1:] {
		// disable takes away no more than the unit's own links in /etc.
		unit := n + ".service"
		if by := bootService(f, unit).By; !strings.HasPrefix(by, "/etc/") || path.Base(by) != unit {
			verb = "mask"
		}
	}
	off := strings.Join(names[1:], " ")
	if f.Image {
		return remedy("in the image: keep one, "+names[0]+" for example", "systemctl "+verb+" "+off)
	}
	return remedy("keep one, "+names[0]+" for example", "sudo systemctl "+verb+" --now "+off)
}

func killerLog(f *host.Facts, name string) *finding.Remedy {
	const text = "nothing needs mending; when a container died of SIGKILL or SIGTERM and vmguard oom shows nothing, look into its log"
	if f.Image {
		return remedy(text, "")
	}
	return remedy(text, "sudo journalctl -u "+name+" -n 50 --no-pager")
}

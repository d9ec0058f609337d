package check

import (
	"path"
	"slices"
	"sort"
	"strconv"
	"strings"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

var userspaceOOM = Check{
	ID: "userspace-oom-killer", Area: finding.Memory, Worst: finding.Warning, Modes: Live | Image,
	Title: "At most one program kills when memory runs low",
	Why: "earlyoom, nohang and systemd-oomd kill before the kernel does, by rules of their own, and containers are among what they pick from. The kernel then has no OOM kill on record: " +
		"vmguard oom shows none, and Docker says 137 or 143 without OOMKilled. Two of them judge the same shortage by different rules, and kill twice for it.",
	Rule: "A warning where two or more of earlyoom, nohang and systemd-oomd run, or will from the next boot on; info for one. In an image those that are enabled count. " +
		"systemd-oomd acts on units with ManagedOOMSwap= or ManagedOOMMemoryPressure= alone. " +
		"Unknown where the services or processes cannot be read, or an installed one is left to the first boot.",
	Fix:   "Keep one, and have it spare dockerd, containerd and sshd; or leave it to the kernel, with limits on the containers.",
	Judge: func(f *host.Facts, _ Policy) []finding.Finding { return one(judgeUserspaceOOM(f)) },
}

func judgeUserspaceOOM(f *host.Facts) finding.Finding {
	switch {
	case f.System.Value.Container != "":
		return unknown("vmguard runs in a container, which does not show the VM's services")
	case !f.Services.Known():
		return unknown("cannot tell which services are enabled: " + f.Services.Why())
	case !f.Image && !f.Daemons.Known():
		return unknown("cannot tell whether earlyoom, nohang or systemd-oomd runs: " + f.Daemons.Why())
	}
	k := findKillers(f)
	all := slices.Concat(k.running, k.enabled)
	const each = ": each kills by its own rules when memory runs low, before the kernel does"
	switch {
	case len(all) > 1:
		return fail(finding.Warning, k.words(f)+each, keepOne(f, all), k.seen...)
	case len(k.later) > 0:
		return unknown("whether "+strings.Join(k.later, " and ")+" is enabled is left to the image's first boot (systemd.preset(5))", k.seen...)
	case len(all) == 1:
		then := ": "
		if !f.Image && len(k.running) == 0 {
			then += "from then on "
		}
		return fail(finding.Info, k.words(f)+then+oneKiller(all[0]), killerLog(f, all[0]), k.seen...)
	case f.Image:
		return pass("the kernel alone kills when memory runs out", evidence(f.Services.Source, "neither earlyoom nor nohang nor systemd-oomd is enabled"))
	}
	return pass("the kernel alone kills when memory runs out", evidence(f.Daemons.Source, "neither earlyoom nor nohang nor systemd-oomd runs"))
}

// killers are the programs that kill when memory runs low, by the names of their units.
type killers struct {
	running []string
	enabled []string // those that do not run; in an image nothing does
	later   []string // left to an image's first boot
	seen    []finding.Evidence
}

func killerUnits() []string {
	return []string{"earlyoom", "nohang", "nohang-desktop", "systemd-oomd"}
}

func findKillers(f *host.Facts) killers {
	var k killers
	for _, name := range killerUnits() {
		list, by, what := &k.running, runningKiller(f, name), " runs"
		if by == "" {
			s := bootService(f, name+".service")
			if s.FirstBoot && !s.Masked {
				k.later = append(k.later, s.Name)
			}
			list, by, what = &k.enabled, s.By, ".service is enabled"
		}
		if by != "" {
			*list = append(*list, name)
			k.seen = append(k.seen, evidence(by, name+what))
		}
	}
	return k
}

// runningKiller gives the file that shows a program to run; empty where it does not.
func runningKiller(f *host.Facts, name string) string {
	const desktop = "nohang-desktop"
	for _, d := range f.Daemons.Value {
		if d.Name == strings.TrimSuffix(name, "-desktop") && (d.Unit == desktop+".service") == (name == desktop) {
			return "/proc/" + strconv.Itoa(d.PID) + "/comm"
		}
	}
	return ""
}

// words says which run, and which will.
func (k killers) words(f *host.Facts) string {
	say := func(names []string, one, more string) string {
		if len(names) > 1 {
			one = more
		}
		return strings.Join(names, " and ") + one
	}
	running := say(k.running, " runs", " run")
	switch {
	case f.Image:
		return say(k.enabled, " is enabled", " are enabled")
	case len(k.enabled) == 0:
		return running
	case len(k.running) == 0:
		return say(k.enabled, " does not run, and starts at the next boot", " do not run, and start at the next boot")
	}
	return running + ", and " + say(k.enabled, " starts", " start") + " at the next boot"
}

func oneKiller(name string) string {
	if name == "systemd-oomd" {
		return "it kills in units with ManagedOOM settings before the kernel does, and vmguard oom does not show these kills"
	}
	return "it kills before the kernel does, containers too, and vmguard oom does not show these kills"
}

// keepOne turns off all but the first.
func keepOne(f *host.Facts, names []string) *finding.Remedy {
	sort.Strings(names) // systemd-oomd, which distributions bring along, comes last
	off := strings.Join(names[1:], " ")
	text := "keep one, " + names[0] + " for example"
	verb, byUnit := "disable", true
	for _, n := range names[1:] {
		// disable takes away no more than the unit's own links in /etc.
		s := bootService(f, n+".service")
		if !strings.HasPrefix(s.By, "/etc/") || path.Base(s.By) != s.Name {
			verb = "mask"
		}
		byUnit = byUnit && s.Path != ""
	}
	switch {
	case f.Image:
		return remedy("in the image: "+text, "systemctl "+verb+" "+off)
	case !f.System.Value.Systemd || !byUnit:
		return remedy(text+"; stop "+off+", and have it started no more", "")
	}
	return remedy(text, "sudo systemctl "+verb+" --now "+off)
}

func killerLog(f *host.Facts, name string) *finding.Remedy {
	const text = "nothing needs mending; when a container died of SIGKILL or SIGTERM and vmguard oom shows nothing, look into its log"
	if !f.System.Value.Systemd { // an image has no log
		return remedy(text, "")
	}
	return remedy(text, "sudo journalctl -u "+name+" -n 50 --no-pager")
}

package check

import (
	"fmt"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
)

var sysctlConfUnread = Check{
	ID: "sysctl-conf-unread", Area: finding.Boot, Worst: finding.Warning, Modes: Live | Image,
	Title: "/etc/sysctl.conf is read at boot, where it sets something",
	Why: "systemd does not read /etc/sysctl.conf. Debian has led it there by a link, /etc/sysctl.d/99-sysctl.conf, which Debian 13 no longer has: " +
		"what is written into /etc/sysctl.conf then works with sysctl -p, and is gone after the next reboot.",
	Rule: "With systemd, where no file in sysctl.d leads to /etc/sysctl.conf: a warning for settings in it that containers depend on, info for others. " +
		"One that sysctl.d sets to the same value does not count. Unknown in a container. Does not apply where it sets nothing.",
	Fix:   "Link it into /etc/sysctl.d, or move its lines into a file there.",
	Judge: func(f *host.Facts, _ Policy) []finding.Finding { return one(judgeSysctlUnread(f)) },
}

func judgeSysctlUnread(f *host.Facts) finding.Finding {
	switch {
	case f.System.Value.Container != "" && !f.Image:
		return unknown("vmguard runs in a container, whose /etc is not the VM's")
	case !f.SysctlConf.Known():
		return unknown("cannot tell which sysctls are configured: " + f.SysctlConf.Why())
	case !f.SysctlConf.Value.Systemd:
		return pass("without systemd /etc/sysctl.conf is read at boot", evidence(f.SysctlConf.Source, "no systemd-sysctl"))
	}
	var (
		names []string
		seen  []finding.Evidence
	)
	severity := finding.Info
	for _, s := range f.SysctlConf.Value.Unread {
		if set, ok := f.SysctlConf.Value.Setting(s.Name); ok && sameSysctl(s.Value, set.Value) {
			continue
		}
		if sysctlMatters(s.Name) {
			severity = finding.Warning
		}
		names = append(names, s.Name)
		seen = append(seen, inFile(s.File, s.Line, fmt.Sprintf("%s = %.200s", s.Name, s.Value), "in a file of /etc/sysctl.d"))
	}
	if len(names) == 0 {
		return pass("/etc/sysctl.conf sets nothing that is not applied at boot", evidence(f.SysctlConf.Source, human.Count(len(f.SysctlConf.Value.Settings), "setting")))
	}
	const text = "have it read"
	link := "ln -s ../sysctl.conf " + f.SysctlConf.Value.FreeName
	fix := remedy(text+", now and at boot", "sudo "+link+" && "+applySysctls(f))
	switch {
	case f.SysctlConf.Value.FreeName == "": // an older recording, or no name that is free
		fix = remedy(text+" by a link in /etc/sysctl.d", "")
	case f.Image:
		fix = fixInImage(text+" at boot", "mkdir -p /etc/sysctl.d && "+link)
	}
	return fail(severity, fmt.Sprintf("nothing reads /etc/sysctl.conf at boot, which sets %s", human.List(names, 3)), fix, seen[:min(len(seen), 50)]...)
}

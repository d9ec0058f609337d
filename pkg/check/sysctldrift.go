package check

import (
	"fmt"
	"slices"
	"strings"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
)

var sysctlDrift = Check{
	ID: "sysctl-drift", Area: finding.Boot, Worst: finding.Warning,
	Title: "Running sysctls are those that are configured",
	Why: "A limit that was raised in /etc/sysctl.d and does not hold, or one that was raised by hand and is gone after the next reboot, " +
		"is found out by the containers: connections that the kernel drops, watches that cannot be set, memory that it handles otherwise than was planned.",
	Rule: "A warning where the running value of a sysctl is not the one that sysctl.d sets, as systemd-sysctl merges it, and containers depend on it (vm.*, kernel.panic*, " +
		"forwarding, keepalive, connection tracking, inotify, file and process limits, listen queues); else info. Numbers are compared as numbers. " +
		"Left out are patterns, names that the running kernel does not have, and values that Docker, a kubelet or the kernel itself changes. " +
		"Unknown for values that cannot be read, and in a container. Does not apply where nothing is configured.",
	Fix: "Apply the configuration (systemctl restart systemd-sysctl; without systemd, sysctl --system), or correct or drop the line. " +
		"Where it does not take, the kernel refuses the value, or another program sets it afterwards (tuned, ufw, a provider's agent).",
	Judge: judgeDrift,
}

func judgeDrift(f *host.Facts, _ Policy) []finding.Finding {
	switch {
	case f.System.Value.Container != "":
		return one(unknown("vmguard runs in a container, whose /etc is not the VM's"))
	case !f.SysctlConf.Known():
		return one(unknown("cannot tell which sysctls are configured: " + f.SysctlConf.Why()))
	}
	d := compareSysctls(f)
	var out []finding.Finding
	for _, severity := range []finding.Severity{finding.Warning, finding.Info} {
		if list := d.drifted[severity]; len(list) > 0 {
			out = append(out, drifted(f, severity, list))
		}
	}
	if len(d.unread) > 0 {
		out = append(out, unknown(fmt.Sprintf("cannot compare %s: %s", human.List(d.unread, 4), d.why)))
	}
	switch {
	case len(out) > 0:
		return out
	case d.same == 0:
		return one(skipped("no sysctl is configured that the kernel shows"))
	}
	return one(pass(human.Count(d.same, "sysctl")+" as configured", evidence(f.SysctlConf.Source, human.Count(len(f.SysctlConf.Value.Settings), "setting"))))
}

// drift is what the comparison of configured and running sysctls gave.
type drift struct {
	same    int
	drifted map[finding.Severity][]host.SysctlSetting
	unread  []string // names
	why     string   // the first of them is not read
}

func compareSysctls(f *host.Facts) drift {
	d := drift{drifted: map[finding.Severity][]host.SysctlSetting{}}
	for i, s := range f.SysctlConf.Value.Settings {
		switch {
		case s.Pattern() || s.Running.Missing == host.NoSuchSysctl || s.Running.Missing == host.WriteOnlySysctl:
		case !s.Running.Known():
			if len(d.unread) == 0 {
				d.why = s.Running.Why()
			}
			d.unread = append(d.unread, s.Name)
		case sameSysctl(s.Value, s.Running.Value), overruled(f.SysctlConf.Value.Settings[i+1:], s), changedByOthers(f, s):
			d.same++
		case sysctlMatters(s.Name):
			d.drifted[finding.Warning] = append(d.drifted[finding.Warning], s)
		default:
			d.drifted[finding.Info] = append(d.drifted[finding.Info], s)
		}
	}
	return d
}

func drifted(f *host.Facts, severity finding.Severity, list []host.SysctlSetting) finding.Finding {
	const most = 50
	var (
		texts []string
		seen  []finding.Evidence
	)
	for _, s := range list {
		texts = append(texts, fmt.Sprintf("%s is %.60s, configured %.60s", s.Name, s.Running.Value, s.Value))
		if len(seen) < most {
			seen = append(seen, inFile(s.File, s.Line, fmt.Sprintf("%s = %.200s; running: %.200s", s.Name, s.Value, s.Running.Value), ""))
		}
	}
	return fail(severity, human.Count(len(list), "sysctl")+" not as configured: "+human.List(texts, 3),
		remedy("apply what is configured; or, where the running value is the wanted one, correct the line", applySysctls(f)), seen...)
}

// applySysctls is the command that applies what is configured, as the next boot does. systemd
// may be installed without being the init.
func applySysctls(f *host.Facts) string {
	if f.SysctlConf.Value.Systemd && f.System.Value.Systemd {
		return "sudo systemctl restart systemd-sysctl"
	}
	return "sudo sysctl --system"
}

// sysctlMatters tells whether containers depend on a sysctl.
func sysctlMatters(name string) bool {
	for _, prefix := range [...]string{
		"vm.", "kernel.panic", "kernel.pid_max", "kernel.threads-max", "kernel.keys.",
		"fs.inotify.", "fs.file-max", "fs.nr_open", "fs.aio-max-nr", "user.max_",
		"net.ipv4.ip_forward", "net.ipv4.tcp_keepalive_", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_max_syn_backlog",
		"net.netfilter.", "net.nf_conntrack_max", "net.bridge.", "net.core.somaxconn",
	} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// sameSysctl tells whether a written value gives the one that is read: white space does
// not count, numbers may be hexadecimal or octal, and of a list of numbers as many are set as are
// written. What follows the numbers behind a # is passed over by the kernel.
func sameSysctl(written, running string) bool {
	want, got := strings.Fields(written), strings.Fields(running)
	if slices.Equal(want, got) {
		return true
	}
	if i := slices.IndexFunc(want, func(s string) bool { return s[0] == '#' || s[0] == ';' }); i > 0 {
		want = want[:i]
	}
	if len(want) == 0 || len(want) > len(got) {
		return false
	}
	for i := range want {
		a, aIsNumber := kernelInt(want[i])
		b, bIsNumber := kernelInt(got[i])
		if !aIsNumber || !bIsNumber || a != b {
			return false
		}
	}
	return true
}

// overruled tells whether a later setting changes the same thing under another name.
func overruled(later []host.SysctlSetting, s host.SysctlSetting) bool {
	for _, pair := range [...][2]string{
		{"vm.dirty_bytes", "vm.dirty_ratio"},
		{"vm.dirty_background_bytes", "vm.dirty_background_ratio"},
		{"vm.overcommit_kbytes", "vm.overcommit_ratio"},
		{"net.nf_conntrack_max", "net.netfilter.nf_conntrack_max"},
	} {
		other := ""
		switch s.Name {
		case pair[0]:
			other = pair[1]
		case pair[1]:
			other = pair[0]
		}
		if other != "" && slices.ContainsFunc(later, func(l host.SysctlSetting) bool { return l.Name == other }) {
			return true
		}
	}
	return false
}

// changedByOthers tells whether a running value is the work of a program, or of the kernel, that
// is known to change it.
func changedByOthers(f *host.Facts, s host.SysctlSetting) bool {
	want, isNumber := kernelInt(s.Value)
	got, gotNumber := kernelInt(s.Running.Value)
	switch s.Name {
	case "vm.min_free_kbytes": // raised for huge pages (mm/khugepaged.c)
		return isNumber && gotNumber && got > want
	case "net.netfilter.nf_conntrack_buckets": // rounded up to whole pages of 8-byte entries
		return isNumber && gotNumber && got > want && got-want < 64<<10/8
	case "net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding", "net.ipv4.conf.default.forwarding",
		"net.ipv6.conf.all.forwarding", "net.ipv6.conf.default.forwarding",
		"net.bridge.bridge-nf-call-iptables", "net.bridge.bridge-nf-call-ip6tables":
		return got == 1 && (f.DockerInstalled.Value || hasDaemon(f, "kubelet"))
	case "vm.overcommit_memory", "vm.panic_on_oom", "kernel.panic", "kernel.panic_on_oops", "kernel.keys.root_maxkeys", "kernel.keys.root_maxbytes":
		return hasDaemon(f, "kubelet") // setupKernelTunables
	}
	return strings.HasPrefix(s.Name, "net.netfilter.") && hasDaemon(f, "kubelet") // kube-proxy's
}

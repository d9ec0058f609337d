package check

import (
	"fmt"
	"slices"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
)

var sysctlModule = Check{
	ID: "sysctl-module", Area: finding.Boot, Worst: finding.Warning, Modes: Live | Image,
	Title: "Sysctls of kernel modules are applied at boot",
	Why: "Connection tracking and bridge filtering are modules, and their sysctls exist only once these are loaded. At boot the sysctls are set early on; " +
		"Docker or a firewall loads the module later, and the setting is lost without a word: the table of connections has its default size again.",
	Rule: "A warning for each module whose sysctls are configured (nf_conntrack, br_netfilter, ip_vs, sctp, sunrpc) and that nothing loads before they are set: " +
		"neither modules-load.d nor modules_load= on the kernel's command line, nor a module from there that needs it, nor is it built into the newest kernel. " +
		"Unknown where a udev rule sets them when the module is loaded, where no kernel is installed to look at, and in a container. Does not apply where none is configured.",
	Fix:   "Name the module in a file under /etc/modules-load.d: systemd-sysctl waits for systemd-modules-load.",
	Judge: judgeSysctlModules,
}

func judgeSysctlModules(f *host.Facts, _ Policy) []finding.Finding {
	switch {
	case f.System.Value.Container != "" && !f.Image:
		return one(unknown("vmguard runs in a container, whose /etc is not the VM's"))
	case !f.SysctlConf.Known():
		return one(unknown("cannot tell which sysctls are configured: " + f.SysctlConf.Why()))
	}
	settings := map[string][]host.SysctlSetting{}
	var modules []string
	for _, s := range f.SysctlConf.Value.Settings {
		if m := host.SysctlModule(s.Name); m != "" {
			if settings[m] == nil {
				modules = append(modules, m)
			}
			settings[m] = append(settings[m], s)
		}
	}
	var out []finding.Finding
	for _, m := range modules {
		one := judgeSysctlModule(f, m, settings[m])
		one.Subject = m // so that a waiver can name it, and two reports can be compared
		out = append(out, one)
	}
	if len(out) == 0 {
		return one(skipped("no sysctl is configured that needs a kernel module"))
	}
	return out
}

func judgeSysctlModule(f *host.Facts, module string, settings []host.SysctlSetting) finding.Finding {
	var (
		names []string
		seen  []finding.Evidence
	)
	for _, s := range settings {
		names = append(names, s.Name)
		seen = append(seen, inFile(s.File, s.Line, fmt.Sprintf("%s = %.200s", s.Name, s.Value), ""))
	}
	list := human.List(names, 2)
	cannot := fmt.Sprintf("cannot tell whether %s is there when %s is set at boot: ", module, list)
	if !f.Modules.Known() {
		return unknown(cannot + f.Modules.Why())
	}
	if i := slices.IndexFunc(f.Modules.Value, func(m host.BootModule) bool { return m.Name == module }); i >= 0 {
		return pass(fmt.Sprintf("%s is there when %s is set at boot", module, list), evidence(f.Modules.Value[i].File, bootModuleText(f.Modules.Value[i])))
	}
	switch {
	case !f.Kernels.Known():
		return unknown(cannot + f.Kernels.Why())
	case len(f.Kernels.Value) == 0:
		it := unknown(cannot + "no kernel is installed here that would show whether it is built in")
		it.Remedy = loadModule(f, module) // which does no harm where it is
		return it
	case slices.Contains(f.SysctlConf.Value.UdevModules, module):
		return unknown(cannot + "a udev rule sets it when the module is loaded, and may run before the name exists")
	}
	return fail(finding.Warning, fmt.Sprintf("%s is lost at boot: nothing loads %s before sysctls are set", list, module), loadModule(f, module),
		append(seen, wanted("modules-load.d", "no "+module, module))...)
}

func bootModuleText(m host.BootModule) string {
	switch {
	case m.BuiltIn:
		return m.Name + " is built into the kernel"
	case m.For != "":
		return m.For + ", which needs " + m.Name
	}
	return m.Name
}

func loadModule(f *host.Facts, module string) *finding.Remedy {
	const text = "load the module early on at boot"
	file := "/etc/modules-load.d/" + module + ".conf"
	switch systemd := f.SysctlConf.Value.Systemd; {
	case f.Image && systemd:
		return fixInImage(text, fmt.Sprintf("mkdir -p /etc/modules-load.d && echo %s > %s", module, file))
	case f.Image:
		return fixInImage(text, fmt.Sprintf("echo %s >> /etc/modules", module))
	case systemd:
		return remedy(text, fmt.Sprintf("echo %s | sudo tee %s", module, file))
	}
	return remedy(text, fmt.Sprintf("echo %s | sudo tee -a /etc/modules", module))
}

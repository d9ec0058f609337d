package check

import (
	"testing"

	"vmguard/pkg/docker"
	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

// healthySysctls adds what a healthy VM has to the facts.
func healthySysctls(f *host.Facts) {
	f.SysctlConf = host.Known(host.SysctlConf{Systemd: true, Settings: []host.SysctlSetting{configured("vm.swappiness", "60", "60")}}, "sysctl.d")
	f.Modules = host.Known([]host.BootModule{}, "modules-load.d")
	f.Cmdline = host.Known([]host.KernelParam{}, "/proc/cmdline")
	f.Kernels = host.Known([]string{"5.10.0-30-amd64", "6.1.0-28-cloud-amd64"}, "/lib/modules")
	f.KernelConfig = host.Known(host.KernelConfig{Version: "6.1.0-28-cloud-amd64", Options: map[string]bool{"MEMCG": true, "SWAP": true}}, "/boot/config-6.1.0-28-cloud-amd64")
}

// configured is a setting, and the value that the kernel runs with.
func configured(name, value, running string) host.SysctlSetting {
	return host.SysctlSetting{Name: name, Value: value, File: "/etc/sysctl.d/50-local.conf", Line: 7, Running: host.Known(running, "/proc/sys")}
}

// sysctlImage changes the facts, and makes them those of an image.
func sysctlImage(change func(f *host.Facts)) func(*host.Facts, *host.Container) {
	return func(f *host.Facts, _ *host.Container) {
		f.Image = true
		f.Sysctls, f.Swaps, f.Cgroup, f.Docker = nil, host.Fact[[]host.SwapArea]{}, host.Fact[host.Cgroup]{}, host.Missing[docker.Engine]("an image")
		f.Cmdline.Source = "/boot/grub/grub.cfg"
		change(f)
	}
}

// settingsOf replaces what is configured.
func settingsOf(list ...host.SysctlSetting) func(*host.Facts) {
	return func(f *host.Facts) { f.SysctlConf.Value.Settings = list }
}

func liveSettings(list ...host.SysctlSetting) func(*host.Facts, *host.Container) {
	return func(f *host.Facts, _ *host.Container) { settingsOf(list...)(f) }
}

func bootSysctlRules() map[string][]ruleCase {
	absent := configured("kernel.sched_wakeup", "1", "")
	absent.Running = host.Missing[string](host.NoSuchSysctl)
	denied := configured("fs.protected_hardlinks", "1", "")
	denied.Running = host.Missing[string]("reading /proc/sys/fs/protected_hardlinks needs root")
	flush := configured("net.ipv4.route.flush", "1", "")
	flush.Running = host.Missing[string](host.WriteOnlySysctl)
	pattern := configured("net.ipv4.conf.*.rp_filter", "2", "")
	pattern.Running = host.Fact[string]{}
	noConf := func(f *host.Facts) { f.SysctlConf = host.Missing[host.SysctlConf]("permission denied") }
	inContainer := func(f *host.Facts, _ *host.Container) { f.System.Value.Container = "docker" }
	return map[string][]ruleCase{
		"sysctl-drift": {
			{"as configured", nil, []outcome{passes("1 sysctl as configured")}},
			{"one that matters", liveSettings(configured("vm.swappiness", "10", "60")), []outcome{fails(finding.Warning, "1 sysctl not as configured: vm.swappiness is 60, configured 10")}},
			{"both kinds", liveSettings(configured("kernel.sysrq", "0", "438"), configured("vm.swappiness", "10", "60")),
				[]outcome{fails(finding.Warning, "vm.swappiness is 60"), fails(finding.Info, "kernel.sysrq is 438")}},
			{"four", liveSettings(configured("vm.a", "1", "2"), configured("vm.b", "1", "2"), configured("vm.c", "1", "2"), configured("vm.d", "1", "2")),
				[]outcome{fails(finding.Warning, "4 sysctls not as configured: vm.a is 2, configured 1, vm.b is 2, configured 1, vm.c is 2, configured 1 and 1 more")}},
			{"Docker forwards", liveSettings(configured("net.ipv4.ip_forward", "0", "1")), []outcome{passes("1 sysctl")}},
			{"nobody forwards", func(f *host.Facts, _ *host.Container) {
				settingsOf(configured("net.ipv4.ip_forward", "1", "0"))(f)
			}, []outcome{fails(finding.Warning, "net.ipv4.ip_forward is 0, configured 1")}},
			{"forwarding without Docker", func(f *host.Facts, _ *host.Container) {
				settingsOf(configured("net.ipv4.ip_forward", "0", "1"))(f)
				f.DockerInstalled.Value = false
			}, []outcome{fails(finding.Warning, "net.ipv4.ip_forward is 1, configured 0")}},
			{"a kubelet's", func(f *host.Facts, _ *host.Container) {
				settingsOf(configured("kernel.panic", "0", "10"), configured("net.netfilter.nf_conntrack_max", "1", "2"))(f)
				f.Daemons.Value = append(f.Daemons.Value, host.Daemon{Name: "kubelet"})
			}, []outcome{passes("2 sysctls")}},
			{"not in this kernel, write-only, a pattern", liveSettings(absent, flush, pattern), []outcome{isSkipped("no sysctl is configured")}},
			{"one not readable", liveSettings(configured("vm.swappiness", "60", "60"), denied), []outcome{isUnknown("cannot compare fs.protected_hardlinks: reading /proc/sys/fs/protected_hardlinks needs root")}},
			{"the configuration not readable", func(f *host.Facts, _ *host.Container) { noConf(f) }, []outcome{isUnknown("permission denied")}},
			{"inside a container", inContainer, []outcome{isUnknown("not the VM's")}},
			{"an image", sysctlImage(settingsOf(configured("vm.swappiness", "10", "60"))), []outcome{isNotAssessable("only a running host")}},
		},
		"sysctl-module":          sysctlModuleCases(noConf, inContainer),
		"sysctl-conf-unread":     sysctlUnreadCases(noConf, inContainer),
		"swappiness":             imageSwappinessCases(noConf),
		"oom-panic":              imageOOMPanicCases(noConf),
		"memory-overcommit":      imageOvercommitCases(noConf),
		"cgroup-swap-accounting": imageAccountingCases(),
	}
}

func sysctlModuleCases(noConf func(*host.Facts), inContainer func(*host.Facts, *host.Container)) []ruleCase {
	tracked := settingsOf(configured("net.netfilter.nf_conntrack_max", "262144", "262144"))
	with := func(modules ...host.BootModule) func(*host.Facts, *host.Container) {
		return func(f *host.Facts, _ *host.Container) { tracked(f); f.Modules.Value = modules }
	}
	const lost = "net.netfilter.nf_conntrack_max is lost at boot: nothing loads nf_conntrack"
	return []ruleCase{
		{"none configured", nil, []outcome{isSkipped("needs a kernel module")}},
		{"not loaded", with(), []outcome{fails(finding.Warning, lost)}},
		{"not loaded, in an image", sysctlImage(tracked), []outcome{fails(finding.Warning, lost)}},
		{"named", with(host.BootModule{Name: "nf_conntrack", File: "/etc/modules-load.d/nf.conf"}), []outcome{passes("nf_conntrack is there")}},
		{"needed by one that is named", with(host.BootModule{Name: "nf_conntrack", File: "/etc/modules-load.d/x.conf", For: "nft_ct"}), []outcome{passes("nf_conntrack is there")}},
		{"built in", with(host.BootModule{Name: "nf_conntrack", File: "/lib/modules/6.1/modules.builtin", BuiltIn: true}), []outcome{passes("nf_conntrack is there")}},
		{"two modules", liveSettings(configured("net.nf_conntrack_max", "1", "1"), configured("net.bridge.bridge-nf-call-iptables", "1", "1")),
			[]outcome{fails(finding.Warning, "nothing loads nf_conntrack"), fails(finding.Warning, "nothing loads br_netfilter")}},
		{"a udev rule", func(f *host.Facts, _ *host.Container) {
			tracked(f)
			f.SysctlConf.Value.UdevModules = []string{"nf_conntrack"}
		}, []outcome{isUnknown("a udev rule")}},
		{"no kernel", sysctlImage(func(f *host.Facts) { tracked(f); f.Kernels.Value = nil }), []outcome{isUnknown("no kernel is installed")}},
		{"kernels not readable", func(f *host.Facts, _ *host.Container) {
			tracked(f)
			f.Kernels = host.Missing[[]string]("denied")
		}, []outcome{isUnknown("denied")}},
		{"modules not readable", func(f *host.Facts, _ *host.Container) {
			tracked(f)
			f.Modules = host.Missing[[]host.BootModule]("denied")
		}, []outcome{isUnknown("denied")}},
		{"nothing readable", func(f *host.Facts, _ *host.Container) { noConf(f) }, []outcome{isUnknown("permission denied")}},
		{"inside a container", inContainer, []outcome{isUnknown("not the VM's")}},
	}
}

func sysctlUnreadCases(noConf func(*host.Facts), inContainer func(*host.Facts, *host.Container)) []ruleCase {
	unread := func(name, value string) func(*host.Facts) {
		return func(f *host.Facts) {
			f.SysctlConf.Value.Unread = []host.SysctlSetting{{Name: name, Value: value, File: "/etc/sysctl.conf", Line: 3}}
		}
	}
	live := func(change func(*host.Facts)) func(*host.Facts, *host.Container) {
		return func(f *host.Facts, _ *host.Container) { change(f) }
	}
	return []ruleCase{
		{"nothing in it", nil, []outcome{passes("sets nothing")}},
		{"one that matters", live(unread("vm.max_map_count", "262144")), []outcome{fails(finding.Warning, "nothing reads /etc/sysctl.conf at boot, which sets vm.max_map_count")}},
		{"one that does not", live(unread("kernel.sysrq", "0")), []outcome{fails(finding.Info, "kernel.sysrq")}},
		{"said twice", live(unread("vm.swappiness", "60")), []outcome{passes("sets nothing")}},
		{"contradicted", live(unread("vm.swappiness", "10")), []outcome{fails(finding.Warning, "vm.swappiness")}},
		{"an image", sysctlImage(unread("vm.swappiness", "10")), []outcome{fails(finding.Warning, "vm.swappiness")}},
		{"without systemd", live(func(f *host.Facts) { f.SysctlConf.Value.Systemd = false }), []outcome{passes("without systemd")}},
		{"not readable", live(noConf), []outcome{isUnknown("permission denied")}},
		{"inside a container", inContainer, []outcome{isUnknown("not the VM's")}},
	}
}

func imageSwappinessCases(noConf func(*host.Facts)) []ruleCase {
	return []ruleCase{
		{"image: configured", sysctlImage(settingsOf(configured("vm.swappiness", "0x14", ""))), []outcome{passes("is 20")}},
		{"image: the default", sysctlImage(settingsOf()), []outcome{passes("is 60")}},
		{"image: 1", sysctlImage(settingsOf(configured("vm.swappiness", "1", ""))), []outcome{fails(finding.Info, "late")}},
		{"image: 0 by a kernel parameter", sysctlImage(func(f *host.Facts) {
			f.SysctlConf.Value.Settings = nil
			f.Cmdline.Value = []host.KernelParam{{Name: "sysctl.vm.swappiness", Value: "0", File: "/boot/grub/grub.cfg", Line: 9}}
		}), []outcome{fails(finding.Warning, "is 0")}},
		{"image: 180 with zram", sysctlImage(func(f *host.Facts) {
			settingsOf(configured("vm.swappiness", "180", ""))(f)
			f.Fstab.Value, f.ZramConf.Value = nil, true
		}), []outcome{passes("is 180")}},
		{"image: a comment behind it", sysctlImage(settingsOf(configured("vm.swappiness", "20 # comment", ""))), []outcome{passes("is 20")}},
		{"image: a comment at it", sysctlImage(settingsOf(configured("vm.swappiness", "20#comment", ""))), []outcome{isUnknown("no number")}},
		{"image: no number", sysctlImage(settingsOf(configured("vm.swappiness", "low", ""))), []outcome{isUnknown(`"low", which is no number`)}},
		{"image: no swap", sysctlImage(func(f *host.Facts) { f.Fstab.Value = nil }), []outcome{isSkipped("no swap is set up for boot")}},
		{"image: swap not known", sysctlImage(func(f *host.Facts) { f.Fstab = host.Missing[[]host.FstabSwap]("denied") }), []outcome{isUnknown("denied")}},
		{"image: nothing readable", sysctlImage(noConf), []outcome{isUnknown("permission denied")}},
	}
}

func imageOOMPanicCases(noConf func(*host.Facts)) []ruleCase {
	panics := configured("vm.panic_on_oom", "1", "")
	return []ruleCase{
		{"image: the defaults", sysctlImage(settingsOf()), []outcome{passes("kills the largest process")}},
		{"image: panics", sysctlImage(settingsOf(panics)), []outcome{fails(finding.Critical, "cannot be told")}},
		{"image: panics and reboots", sysctlImage(settingsOf(panics, configured("kernel.panic", "10", ""))), []outcome{fails(finding.Warning, "then reboots")}},
		{"image: panics and hangs", sysctlImage(settingsOf(panics, configured("kernel.panic", "0", ""))), []outcome{fails(finding.Critical, "hangs")}},
		{"image: reboots by a kernel parameter", sysctlImage(func(f *host.Facts) {
			settingsOf(panics)(f)
			f.Cmdline.Value = []host.KernelParam{{Name: "panic", Value: "-1", File: "/boot/grub/grub.cfg"}}
		}), []outcome{fails(finding.Warning, "then reboots")}},
		{"image: kills whoever asks", sysctlImage(settingsOf(configured("vm.oom_kill_allocating_task", "1", ""))), []outcome{fails(finding.Warning, "asked last")}},
		{"image: nothing readable", sysctlImage(noConf), []outcome{isUnknown("vm.panic_on_oom"), isUnknown("vm.oom_kill_allocating_task")}},
	}
}

func imageOvercommitCases(noConf func(*host.Facts)) []ruleCase {
	return []ruleCase{
		{"image: the default", sysctlImage(settingsOf()), []outcome{passes("is 0")}},
		{"image: 1", sysctlImage(settingsOf(configured("vm.overcommit_memory", "1", ""))), []outcome{passes("is 1")}},
		{"image: 2", sysctlImage(settingsOf(configured("vm.overcommit_memory", "2", ""))), []outcome{isUnknown("only the running host shows")}},
		{"image: nothing readable", sysctlImage(noConf), []outcome{isUnknown("permission denied")}},
	}
}

func imageAccountingCases() []ruleCase {
	type params = []host.KernelParam
	boots := func(version string, options map[string]bool, list ...host.KernelParam) func(*host.Facts, *host.Container) {
		return sysctlImage(func(f *host.Facts) {
			f.Kernels.Value, f.KernelConfig.Value.Options, f.Cmdline.Value = []string{version}, options, list
		})
	}
	off := host.KernelParam{Name: "swapaccount", Value: "0", File: "/boot/grub/grub.cfg", Line: 4}
	on := host.KernelParam{Name: "swapaccount", Value: "1", File: "/boot/grub/grub.cfg", Line: 4}
	onNext := host.KernelParam{Name: "swapaccount", Value: "1", File: "/etc/default/grub", Next: true}
	noMemory := host.KernelParam{Name: "cgroup_disable", Value: "memory", File: "/etc/default/grub"}
	noMemoryNext := noMemory
	noMemoryNext.Next = true
	asks := map[string]bool{"MEMCG": true, "MEMCG_SWAP": true, "MEMCG_SWAP_ENABLED": false}
	return []ruleCase{
		{"image: 6.1", sysctlImage(func(*host.Facts) {}), []outcome{passes("6.1.0-28-cloud-amd64 accounts swap")}},
		{"image: 6.1 with swapaccount=0", boots("6.1.0", nil, off), []outcome{passes("accounts swap")}},
		{"image: 6.1 without memory cgroups", boots("6.1.0", nil, noMemory), []outcome{fails(finding.Warning, "cgroup_disable=memory is among")}},
		{"image: once grub.cfg is made again", boots("6.1.0", nil, noMemoryNext), []outcome{fails(finding.Warning, "once the boot loader's configuration is made again")}},
		{"image: 6.1 built without them", boots("6.1.0", map[string]bool{"MEMCG": false}), []outcome{fails(finding.Warning, "built without memory cgroups")}},
		{"image: no swap", sysctlImage(func(f *host.Facts) { f.Fstab.Value, f.Cmdline.Value = nil, params{noMemory} }), []outcome{fails(finding.Info, "not enforced")}},
		{"image: 4.19 of Debian", boots("4.19.0-27-amd64", asks), []outcome{fails(finding.Warning, "only with swapaccount=1")}},
		{"image: 4.19 with swapaccount=1", boots("4.19.0-27-amd64", asks, on), []outcome{passes("accounts swap")}},
		{"image: 4.19 with it next time", boots("4.19.0-27-amd64", asks, onNext), []outcome{fails(finding.Warning, "only with swapaccount=1")}},
		{"image: 5.10", boots("5.10.0", map[string]bool{"MEMCG": true, "MEMCG_SWAP": true}), []outcome{passes("accounts swap")}},
		{"image: 5.10 with swapaccount=0", boots("5.10.0", map[string]bool{"MEMCG": true, "MEMCG_SWAP": true}, off), []outcome{fails(finding.Warning, "swapaccount=0")}},
		{"image: 5.10 built without it", boots("5.10.0", map[string]bool{"MEMCG": true, "MEMCG_SWAP": false}), []outcome{fails(finding.Warning, "built without it")}},
		{"image: 5.10, nobody knows how built", sysctlImage(func(f *host.Facts) {
			f.Kernels.Value, f.KernelConfig = []string{"5.10.0"}, host.Missing[host.KernelConfig]("/boot/config-5.10.0 does not exist")
		}), []outcome{isUnknown("/boot/config-5.10.0 does not exist")}},
		{"image: no kernel", sysctlImage(func(f *host.Facts) { f.Kernels.Value = nil }), []outcome{isUnknown("no kernel is installed")}},
		{"image: an odd version", boots("odd", nil), []outcome{isUnknown("is no kernel's version")}},
		{"image: parameters not known", sysctlImage(func(f *host.Facts) { f.Cmdline = host.Missing[[]host.KernelParam]("no boot loader") }), []outcome{isUnknown("no boot loader")}},
	}
}

// TestSameSysctl goes by what kernel/sysctl.c makes of a written value.
func TestSameSysctl(t *testing.T) {
	for _, c := range []struct {
		written, running string
		same             bool
	}{
		{"10", "10", true},
		{"10", "60", false},
		{"4096 87380  6291456", "4096\t87380\t6291456", true},
		{"0x10", "16", true},
		{"010", "8", true},
		{"3", "3 4 1 7", true},
		{"3 4 1 7", "3", false},
		{"10 # low", "10", true},
		{"# low", "10", false},
		{"", "10", false},
		{"", "", true},
		{"fq", "fq_codel", false},
		{"|/bin/core %p", "|/bin/core  %p", true},
		{"1_0", "10", false},
		{"0b1", "1", false},
		{"99999999999999999999", "1", false},
	} {
		if got := sameSysctl(c.written, c.running); got != c.same {
			t.Errorf("%q written, %q read: %t", c.written, c.running, got)
		}
	}
}

// TestChangedByOthers has values that differ from the configuration and are no drift.
func TestChangedByOthers(t *testing.T) {
	f := healthy()
	for _, s := range []host.SysctlSetting{
		configured("vm.min_free_kbytes", "65536", "67584"),
		configured("net.netfilter.nf_conntrack_buckets", "65000", "65024"),
	} {
		less := s
		less.Running.Value = "1"
		if !changedByOthers(f, s) || changedByOthers(f, less) {
			t.Errorf("%s: more %t, less %t", s.Name, changedByOthers(f, s), changedByOthers(f, less))
		}
	}
	bytes, ratio := configured("vm.dirty_bytes", "1", "0"), configured("vm.dirty_ratio", "5", "5")
	if !overruled([]host.SysctlSetting{ratio}, bytes) || overruled(nil, ratio) || overruled([]host.SysctlSetting{bytes}, configured("vm.x", "1", "2")) {
		t.Error("of two names for one thing the later setting wins")
	}
}

package check

import (
	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

func swapRules() map[string][]ruleCase {
	noSwap := func(f *host.Facts) { f.Swaps.Value, f.Fstab.Value = nil, nil }
	return map[string][]ruleCase{
		"swap-enabled": {
			{"swap", nil, []outcome{passes("2.0 GiB of swap")}},
			{"none, small RAM", func(f *host.Facts, _ *host.Container) { noSwap(f); f.Memory.Value.Total = 2 * gib },
				[]outcome{fails(finding.Critical, "no swap on a VM with 2.0 GiB of RAM and 1 running container")}},
			{"none, 8 GiB", func(f *host.Facts, _ *host.Container) { noSwap(f); f.Memory.Value.Total = 8 * gib }, []outcome{fails(finding.Warning, "no swap")}},
			{"none, 64 GiB", func(f *host.Facts, _ *host.Container) { noSwap(f); f.Memory.Value.Total = 64 * gib }, []outcome{fails(finding.Info, "no swap")}},
			{"none, no container", func(f *host.Facts, _ *host.Container) { noSwap(f); f.Containers.Value = nil }, []outcome{fails(finding.Info, "no swap")}},
			{"none, 512 MiB, no container", func(f *host.Facts, _ *host.Container) {
				noSwap(f)
				f.Containers.Value, f.Memory.Value.Total = nil, 512*mib
			}, []outcome{fails(finding.Warning, "no swap")}},
			{"none, the engine does not answer", func(f *host.Facts, _ *host.Container) {
				noSwap(f)
				f.Containers, f.Memory.Value.Total = host.Missing[[]host.Container]("timed out"), 2*gib
			}, []outcome{fails(finding.Critical, "and Docker, whose containers are not known")}},
			{"kubelet", func(f *host.Facts, _ *host.Container) {
				noSwap(f)
				f.Daemons.Value = append(f.Daemons.Value, host.Daemon{Name: "kubelet"})
			}, []outcome{isSkipped("kubelet")}},
			{"not readable", func(f *host.Facts, _ *host.Container) { f.Swaps = host.Missing[[]host.SwapArea]("no /proc") }, []outcome{isUnknown("no /proc")}},
			{"RAM not known", func(f *host.Facts, _ *host.Container) { noSwap(f); f.Memory = host.Missing[host.Memory]("truncated") }, []outcome{isUnknown("truncated")}},
		},
		"swap-persistent": {
			{"in fstab", nil, []outcome{passes("comes back")}},
			{"nothing at all", func(f *host.Facts, _ *host.Container) { noSwap(f) }, []outcome{isSkipped("no swap is active or configured")}},
			{"not in fstab", func(f *host.Facts, _ *host.Container) { f.Fstab.Value = nil }, []outcome{fails(finding.Warning, "/swapfile is active but not configured")}},
			{"a kubelet's node", func(f *host.Facts, _ *host.Container) {
				f.Swaps.Value = nil
				f.Daemons.Value = append(f.Daemons.Value, host.Daemon{Name: "kubelet"})
			}, []outcome{isSkipped("kubelet")}},
			{"inside a container", func(f *host.Facts, _ *host.Container) { f.System.Value.Container = "docker" }, []outcome{isUnknown("not the VM's")}},
			{"by a unit, not active", func(f *host.Facts, _ *host.Container) {
				f.Swaps.Value, f.Fstab.Value = nil, nil
				f.Units.Value = []host.SwapUnit{{Name: "dev-vdb.swap", What: "/dev/vdb", Enabled: true}}
			}, []outcome{fails(finding.Warning, "/dev/vdb is configured as swap (dev-vdb.swap) but not active")}},
			{"noauto", func(f *host.Facts, _ *host.Container) { f.Fstab.Value[0].NoAuto = true }, []outcome{fails(finding.Warning, "not configured")}},
			{"by a unit", func(f *host.Facts, _ *host.Container) {
				f.Fstab.Value = nil
				f.Units.Value = []host.SwapUnit{{Name: "swapfile.swap", What: "/swapfile", Enabled: true}}
			}, []outcome{passes("comes back")}},
			{"a unit that nothing pulls in", func(f *host.Facts, _ *host.Container) {
				f.Fstab.Value = nil
				f.Units.Value = []host.SwapUnit{{Name: "swapfile.swap", What: "/swapfile"}}
			}, []outcome{fails(finding.Warning, "not configured")}},
			{"a unit left of a removed fstab line", func(f *host.Facts, _ *host.Container) {
				f.Fstab.Value = nil
				f.Units.Value = []host.SwapUnit{{Name: "swapfile.swap", What: "/swapfile", Enabled: true, FromFstab: true}}
			}, []outcome{fails(finding.Warning, "not configured")}},
			{"by UUID", func(f *host.Facts, _ *host.Container) {
				f.Swaps.Value[0] = host.SwapArea{Path: "/dev/vdb", Type: "partition", Size: gib, Aliases: []string{"UUID=12-34"}}
				f.Fstab.Value[0].Spec = "UUID=12-34"
			}, []outcome{passes("comes back")}},
			{"listed twice", func(f *host.Facts, _ *host.Container) {
				f.Fstab.Value = append(f.Fstab.Value, host.FstabSwap{Line: 9, Spec: "/swapfile"})
			}, []outcome{fails(finding.Info, "listed 2 times")}},
			{"listed, not active", func(f *host.Facts, _ *host.Container) { f.Swaps.Value = nil }, []outcome{fails(finding.Warning, "configured as swap but not active")}},
			{"listed, file gone", func(f *host.Facts, _ *host.Container) {
				f.Swaps.Value = nil
				f.Fstab.Value[0].Exists = host.Known(false, "/swapfile")
			}, []outcome{fails(finding.Warning, "does not exist")}},
			{"deleted while in use", func(f *host.Facts, _ *host.Container) { f.Swaps.Value[0].Deleted, f.Fstab.Value = true, nil },
				[]outcome{fails(finding.Warning, "deleted while in use")}},
			{"in the middle of a resize", func(f *host.Facts, _ *host.Container) {
				f.Swaps.Value[0].Path = "/.swapfile.vmguard-old"
				f.Fstab.Value = nil
			}, []outcome{fails(finding.Warning, "a resize of /swapfile was interrupted, or is at work: its swap is on /.swapfile.vmguard-old")}},
			{"deleted while in use, and fstab still names it", func(f *host.Facts, _ *host.Container) {
				f.Swaps.Value[0].Deleted = true
				f.Fstab.Value = []host.FstabSwap{{Line: 2, Spec: f.Swaps.Value[0].Path, Exists: host.Known(false, "/")}}
			}, []outcome{fails(finding.Warning, "deleted while in use")}},
			{"zram by its generator", func(f *host.Facts, _ *host.Container) {
				f.Swaps.Value[0], f.Fstab.Value, f.ZramConf.Value = host.SwapArea{Path: "/dev/zram0", Type: "partition", Size: gib}, nil, true
			}, []outcome{passes("comes back")}},
			{"zram by nobody known", func(f *host.Facts, _ *host.Container) {
				f.Swaps.Value[0], f.Fstab.Value = host.SwapArea{Path: "/dev/zram0", Type: "partition", Size: gib}, nil
			}, []outcome{isUnknown("zram")}},
			{"units not readable", func(f *host.Facts, _ *host.Container) {
				f.Fstab.Value, f.Units = nil, host.Missing[[]host.SwapUnit]("permission denied")
			}, []outcome{isUnknown("permission denied")}},
			{"fstab not readable", func(f *host.Facts, _ *host.Container) { f.Fstab = host.Missing[[]host.FstabSwap]("permission denied") },
				[]outcome{isUnknown("permission denied")}},
		},
		"swap-permissions": {
			{"0600", nil, []outcome{passes("is root's alone")}},
			{"world-readable", func(f *host.Facts, _ *host.Container) { f.Swaps.Value[0].File.Value.Mode = 0o644 }, []outcome{fails(finding.Critical, "not root's alone")}},
			{"group-readable", func(f *host.Facts, _ *host.Container) { f.Swaps.Value[0].File.Value.Mode = 0o640 }, []outcome{fails(finding.Warning, "not root's alone")}},
			{"somebody else's", func(f *host.Facts, _ *host.Container) { f.Swaps.Value[0].File.Value.UID = 1000 }, []outcome{fails(finding.Critical, "not root's alone")}},
			{"partition", func(f *host.Facts, _ *host.Container) { f.Swaps.Value[0].Type = "partition" }, []outcome{isSkipped("no swapfile")}},
			{"inside a container", func(f *host.Facts, _ *host.Container) { f.System.Value.Container = "docker" }, []outcome{isUnknown("does not show the VM's files")}},
			{"not readable", func(f *host.Facts, _ *host.Container) {
				f.Swaps.Value[0].File = host.Missing[host.SwapFile]("permission denied")
			}, []outcome{isUnknown("permission denied")}},
		},
		"swap-thrashing": {
			{"never swapped in", nil, []outcome{passes("no page has come back")}},
			{"swap used, no stall", func(f *host.Facts, _ *host.Container) { f.VMStat.Value.SwapIn = 1e6 }, []outcome{passes("swap has been used")}},
			{"some stall", func(f *host.Facts, _ *host.Container) {
				f.VMStat.Value.SwapIn, f.Pressure.Memory.Value.Some.Avg60 = 1e6, 25
			}, []outcome{fails(finding.Warning, "25 % of the last minute")}},
			{"full stall", func(f *host.Facts, _ *host.Container) {
				f.VMStat.Value.SwapIn, f.Pressure.Memory.Value.Full.Avg60 = 1e6, 40
			}, []outcome{fails(finding.Critical, "thrashing")}},
			{"no pressure information", func(f *host.Facts, _ *host.Container) {
				f.VMStat.Value.SwapIn, f.Pressure.Memory = 1e6, host.Missing[host.Pressure]("psi=0")
			}, []outcome{isUnknown("psi=0")}},
			{"no pressure information, never swapped", func(f *host.Facts, _ *host.Container) { f.Pressure.Memory = host.Missing[host.Pressure]("psi=0") },
				[]outcome{passes("no page")}},
			{"no vmstat", func(f *host.Facts, _ *host.Container) { f.VMStat = host.Missing[host.VMStat]("empty") }, []outcome{isUnknown("empty")}},
		},
		"swappiness": {
			{"default", nil, []outcome{passes("60")}},
			{"0", func(f *host.Facts, _ *host.Container) { f.Sysctls["vm.swappiness"] = sysctl(0) }, []outcome{fails(finding.Warning, "is 0")}},
			{"1", func(f *host.Facts, _ *host.Container) { f.Sysctls["vm.swappiness"] = sysctl(1) }, []outcome{fails(finding.Info, "late")}},
			{"100", func(f *host.Facts, _ *host.Container) { f.Sysctls["vm.swappiness"] = sysctl(100) }, []outcome{fails(finding.Info, "soon be needed")}},
			{"180 with zram", func(f *host.Facts, _ *host.Container) {
				f.Sysctls["vm.swappiness"], f.Swaps.Value[0].Path = sysctl(180), "/dev/zram0"
			}, []outcome{passes("180")}},
			{"no swap", func(f *host.Facts, _ *host.Container) { noSwap(f) }, []outcome{isSkipped("no swap")}},
			{"not readable", func(f *host.Facts, _ *host.Container) { delete(f.Sysctls, "vm.swappiness") }, []outcome{isUnknown("not collected")}},
		},
	}
}

package check

import (
	"time"

	"vmguard/pkg/docker"
	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/oom"
)

func memoryRules() map[string][]ruleCase {
	return map[string][]ruleCase{
		"memory-headroom": {
			{"half free", nil, []outcome{passes("50 %")}},
			{"9 %", func(f *host.Facts, _ *host.Container) { f.Memory.Value.Available = 4 * gib * 9 / 100 }, []outcome{fails(finding.Warning, "9 %")}},
			{"4 %", func(f *host.Facts, _ *host.Container) { f.Memory.Value.Available = 4 * gib * 4 / 100 }, []outcome{fails(finding.Critical, "4 %")}},
			{"4 % of a large VM", func(f *host.Facts, _ *host.Container) {
				f.Memory.Value.Total, f.Memory.Value.Available = 64*gib, 64*gib*4/100
			}, []outcome{fails(finding.Warning, "4 %")}},
			{"reserved huge pages", func(f *host.Facts, _ *host.Container) {
				f.Memory.Value = host.Memory{Total: 64 * gib, Available: 3 * gib, HugePages: 29 * 1024, HugePageSize: 2 * mib}
			}, []outcome{passes("50 %")}},
			{"no RAM at all", func(f *host.Facts, _ *host.Container) { f.Memory.Value = host.Memory{} }, []outcome{isUnknown("no memory at all")}},
			{"missing", func(f *host.Facts, _ *host.Container) { f.Memory = host.Missing[host.Memory]("no MemAvailable") }, []outcome{isUnknown("no MemAvailable")}},
		},
		"memory-pressure": {
			{"none", nil, []outcome{passes("little or nothing waits")}},
			{"some", func(f *host.Facts, _ *host.Container) { f.Pressure.Memory.Value.Some.Avg60 = 12 }, []outcome{fails(finding.Warning, "12 %")}},
			{"full", func(f *host.Facts, _ *host.Container) { f.Pressure.Memory.Value.Full.Avg60 = 12 }, []outcome{fails(finding.Critical, "12 %")}},
			{"switched off", func(f *host.Facts, _ *host.Container) { f.Pressure.Memory = host.Missing[host.Pressure]("psi=0") }, []outcome{isUnknown("psi=0")}},
		},
		"memory-overcommit": {
			{"heuristic", nil, []outcome{passes("not enforced")}},
			{"strict with room", func(f *host.Facts, _ *host.Container) { f.Sysctls["vm.overcommit_memory"] = sysctl(2) }, []outcome{passes("25 %")}},
			{"strict, 92 %", func(f *host.Facts, _ *host.Container) {
				f.Sysctls["vm.overcommit_memory"], f.Memory.Value.CommittedAS = sysctl(2), 4*gib*92/100
			}, []outcome{fails(finding.Warning, "92 %")}},
			{"strict, full", func(f *host.Facts, _ *host.Container) {
				f.Sysctls["vm.overcommit_memory"], f.Memory.Value.CommittedAS = sysctl(2), 4*gib
			}, []outcome{fails(finding.Critical, "100 %")}},
			{"strict, no limit known", func(f *host.Facts, _ *host.Container) {
				f.Sysctls["vm.overcommit_memory"], f.Memory.Value.CommitLimit = sysctl(2), 0
			}, []outcome{isUnknown("no CommitLimit")}},
			{"not readable", func(f *host.Facts, _ *host.Container) { delete(f.Sysctls, "vm.overcommit_memory") }, []outcome{isUnknown("not collected")}},
		},
		"cgroup-swap-accounting": {
			{"accounted", nil, []outcome{passes("accounts swap")}},
			{"not accounted", func(f *host.Facts, _ *host.Container) { f.Cgroup.Value.SwapAccounting.Value = false },
				[]outcome{fails(finding.Warning, "not enforced")}},
			{"not accounted, no swap", func(f *host.Facts, _ *host.Container) {
				f.Cgroup.Value.SwapAccounting.Value, f.Swaps.Value = false, nil
			},
				[]outcome{fails(finding.Info, "not enforced")}},
			{"by the engine's word", func(f *host.Facts, _ *host.Container) {
				f.Cgroup.Value.SwapAccounting = host.Missing[bool]("no cgroup shows it")
				f.Docker.Value.SwapLimit = false
			}, []outcome{fails(finding.Warning, "not enforced")}},
			{"nobody knows", func(f *host.Facts, _ *host.Container) {
				f.Cgroup.Value.SwapAccounting, f.Docker = host.Missing[bool]("no cgroup shows it"), host.Missing[docker.Engine]("denied")
			}, []outcome{isUnknown("no cgroup shows it")}},
		},
	}
}

func oomRules() map[string][]ruleCase {
	log := func(kills ...oom.Kill) func(*host.Facts, *host.Container) {
		return func(f *host.Facts, _ *host.Container) {
			f.OOM.Value.Kills = kills
			f.VMStat.Value.OOMKill = ptr(uint64(len(kills)))
		}
	}
	parent := kill(webID, time.Hour)
	parent.LimitCgroup = "/system.slice"
	hostKill := oom.Kill{SinceBoot: uptime - time.Hour, PID: 9, Comm: "postgres", TaskCgroup: "/system.slice/postgres.service", Scope: oom.ScopeHost}
	service := kill(webID, time.Hour)
	service.TaskCgroup, service.LimitCgroup = "/system.slice/postgres.service", "/system.slice/postgres.service"
	nested := kill(goneID, time.Hour)
	nested.TaskCgroup = "/docker/" + webID + "/docker/" + goneID
	nested.LimitCgroup = "/docker/" + webID
	return map[string][]ruleCase{
		"oom-kills": {
			{"none", nil, []outcome{passes("no OOM kill since boot")}},
			{"a container's own limit", log(kill(webID, 20*time.Minute), kill(webID, 14*time.Minute)),
				[]outcome{fails(finding.Critical, "2 kills since boot, the last 14 min ago: node in container web (at its own memory limit of 512 MiB)")}},
			{"its limit was raised since", func(f *host.Facts, c *host.Container) {
				log(kill(webID, time.Minute))(f, c)
				c.Limits.Memory = 768 * mib
			}, []outcome{fails(finding.Info, "at its own memory limit of 512 MiB, since raised to 768 MiB")}},
			{"a container inside a container", log(nested), []outcome{fails(finding.Critical, "node in a container inside container web (at the memory limit of 512 MiB of /docker/3f2a")}},
			{"the engine could not be asked", func(f *host.Facts, c *host.Container) {
				log(kill(goneID, time.Minute))(f, c)
				f.Containers = host.Missing[[]host.Container]("timed out")
			}, []outcome{fails(finding.Critical, "its name is not known")}},
			{"slept since", func(f *host.Facts, c *host.Container) {
				log(kill(webID, time.Minute))(f, c)
				f.System.Value.Uptime += 72 * time.Hour
			}, []outcome{fails(finding.Critical, "60 s ago")}},
			{"three days ago", log(kill(webID, 72*time.Hour)), []outcome{fails(finding.Warning, "3 days ago")}},
			{"nine days ago", log(kill(webID, 9*24*time.Hour)), []outcome{fails(finding.Info, "9 days ago")}},
			{"a container that is gone", log(kill(goneID, time.Hour)), []outcome{fails(finding.Critical, "container dead00000000, which this engine has no longer, or never had")}},
			{"a slice above it", log(parent), []outcome{fails(finding.Critical, "at the memory limit of 512 MiB of /system.slice, above its own")}},
			{"the host", log(hostKill), []outcome{fails(finding.Critical, "process postgres (the VM had run out of memory)")}},
			{"a service's own limit", log(service), []outcome{fails(finding.Critical, "process node (at its own memory limit of 512 MiB)")}},
			{"its limit was taken away since", func(f *host.Facts, c *host.Container) {
				log(kill(webID, time.Minute))(f, c)
				c.Limits.Memory = 0
			}, []outcome{fails(finding.Info, "since taken away")}},
			{"counted and no longer logged", func(f *host.Facts, _ *host.Container) { f.VMStat.Value.OOMKill = ptr(uint64(3)) },
				[]outcome{fails(finding.Warning, "counts 3 OOM kills since boot, its log holds 0")}},
			{"log denied, counter 0", func(f *host.Facts, _ *host.Container) { f.OOM = host.Missing[oom.Log]("needs root") }, []outcome{passes("no OOM kill")}},
			{"log denied, counter 4", func(f *host.Facts, _ *host.Container) {
				f.OOM, f.VMStat.Value.OOMKill = host.Missing[oom.Log]("needs root"), ptr(uint64(4))
			}, []outcome{fails(finding.Warning, "4 OOM kills since boot; who was killed stands in its log: needs root")}},
			{"log denied, no counter", func(f *host.Facts, _ *host.Container) {
				f.OOM, f.VMStat.Value.OOMKill = host.Missing[oom.Log]("needs root"), nil
			}, []outcome{isUnknown("needs root")}},
			{"log cut, no counter", func(f *host.Facts, _ *host.Container) { f.OOM.Value.Truncated, f.VMStat.Value.OOMKill = true, nil },
				[]outcome{isUnknown("no longer reaches back to boot")}},
		},
		"oom-panic": {
			{"defaults", nil, []outcome{passes("kills the largest process")}},
			{"panics and hangs", func(f *host.Facts, _ *host.Container) { f.Sysctls["vm.panic_on_oom"] = sysctl(1) }, []outcome{fails(finding.Critical, "hangs")}},
			{"panics and reboots", func(f *host.Facts, _ *host.Container) {
				f.Sysctls["vm.panic_on_oom"], f.Sysctls["kernel.panic"] = sysctl(2), sysctl(10)
			}, []outcome{fails(finding.Warning, "reboots")}},
			{"kills whoever asks", func(f *host.Facts, _ *host.Container) { f.Sysctls["vm.oom_kill_allocating_task"] = sysctl(1) },
				[]outcome{fails(finding.Warning, "asked last")}},
			{"not readable", func(f *host.Facts, _ *host.Container) { f.Sysctls = nil },
				[]outcome{isUnknown("vm.panic_on_oom"), isUnknown("vm.oom_kill_allocating_task")}},
		},
		"oom-protection": {
			{"spared", nil, []outcome{passes("dockerd is spared"), passes("sshd is spared")}},
			{"dockerd by hand", func(f *host.Facts, _ *host.Container) { f.Daemons.Value[0].OOMScoreAdj = 0 },
				[]outcome{fails(finding.Warning, "dockerd may be killed"), passes("sshd")}},
			{"sshd", func(f *host.Facts, _ *host.Container) { f.Daemons.Value[1].OOMScoreAdj = 0 },
				[]outcome{fails(finding.Info, "sshd may be killed"), passes("dockerd")}},
			{"killers are not its affair", func(f *host.Facts, _ *host.Container) {
				f.Daemons.Value = []host.Daemon{{Name: "earlyoom"}, {Name: "nohang"}, {Name: "systemd-oomd"}}
			}, []outcome{isSkipped("neither")}},
			{"containerd of dockerd's", func(f *host.Facts, _ *host.Container) {
				f.Daemons.Value = []host.Daemon{{Name: "containerd", Parent: "dockerd"}}
			}, []outcome{isSkipped("neither")}},
			{"inside a container", func(f *host.Facts, _ *host.Container) { f.System.Value.Container = "docker" }, []outcome{isUnknown("in a container")}},
			{"none runs", func(f *host.Facts, _ *host.Container) { f.Daemons.Value = nil }, []outcome{isSkipped("neither")}},
			{"not readable", func(f *host.Facts, _ *host.Container) { f.Daemons = host.Missing[[]host.Daemon]("timed out") }, []outcome{isUnknown("timed out")}},
		},
	}
}

func storageRules() map[string][]ruleCase {
	space := func(size, free uint64) func(*host.Facts, *host.Container) {
		return func(f *host.Facts, _ *host.Container) { f.Disks[0].Value.Size, f.Disks[0].Value.Free = size, free }
	}
	inodes := func(all, free uint64) func(*host.Facts, *host.Container) {
		return func(f *host.Facts, _ *host.Container) {
			f.Disks[0].Value.Inodes, f.Disks[0].Value.InodesFree = all, free
		}
	}
	second := func(d host.Disk) func(*host.Facts, *host.Container) {
		return func(f *host.Facts, _ *host.Container) { f.Disks = append(f.Disks, host.Known(d, "statfs "+d.Path)) }
	}
	return map[string][]ruleCase{
		"disk-space": {
			{"room", nil, []outcome{passes("30 GiB free on /")}},
			{"8 %", space(40*gib, 3*gib), []outcome{fails(finding.Warning, "3.0 GiB free on / (8 % of 40 GiB)")}},
			{"8 % of 10 TiB", space(10240*gib, 820*gib), []outcome{passes("820 GiB")}},
			{"2 %", space(40*gib, gib), []outcome{fails(finding.Critical, "2 %")}},
			{"400 MiB of a small disk", space(2*gib, 400*mib), []outcome{fails(finding.Critical, "400 MiB")}},
			{"read-only root", func(f *host.Facts, _ *host.Container) { f.Disks[0].Value.ReadOnly, f.Disks[0].Value.Free = true, 0 }, []outcome{isSkipped("read-only")}},
			{"the same filesystem twice", second(host.Disk{Path: "/var/lib/docker", Role: host.RoleDocker, FS: "ext4", Size: 40 * gib, Free: 30 * gib, Inodes: 1000, InodesFree: 900}),
				[]outcome{passes("on /")}},
			{"the engine's data full", second(host.Disk{Path: "/data", Role: host.RoleDocker, FS: "xfs", Size: 50 * gib, Free: 100 * mib, Inodes: 10, InodesFree: 9}),
				[]outcome{fails(finding.Critical, "100 MiB free on /data"), passes("on /")}},
			{"no size", space(0, 0), []outcome{isUnknown("no size at all")}},
			{"hangs", func(f *host.Facts, _ *host.Container) { f.Disks[0] = host.Missing[host.Disk]("timed out after 2 s") }, []outcome{isUnknown("timed out")}},
		},
		"inode-space": {
			{"room", nil, []outcome{passes("90 %")}},
			{"8 %", inodes(1000, 80), []outcome{fails(finding.Warning, "8 %")}},
			{"none", inodes(1000, 0), []outcome{fails(finding.Critical, "0 %")}},
			{"btrfs", inodes(0, 0), []outcome{isSkipped("as it needs them")}},
			{"nothing collected", func(f *host.Facts, _ *host.Container) { f.Disks = nil }, []outcome{isUnknown("not collected")}},
		},
	}
}

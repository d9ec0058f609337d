package check

import (
	"time"

	"vmguard/pkg/docker"
	"vmguard/pkg/host"
	"vmguard/pkg/oom"
)

// now is when the facts of these tests were collected; the VM has been up for ten days.
var now = time.Date(2026, 11, 22, 15, 0, 0, 0, time.UTC)

const (
	uptime = 10 * 24 * time.Hour
	webID  = "3f2a000000000000000000000000000000000000000000000000000000000001"
	goneID = "dead000000000000000000000000000000000000000000000000000000000002"
)

// healthy is a VM on which nothing is wrong: 4 GiB of RAM, swap, and one well-kept container.
func healthy() *host.Facts {
	f := running()
	for _, add := range []func(*host.Facts){healthySysctls, healthySwapConf, healthyBoot, healthyProxies} {
		add(f)
	}
	return f
}

// running is what a running VM shows of itself.
func running() *host.Facts {
	return &host.Facts{
		CollectedAt: now,
		System: host.Known(host.System{Hostname: "mail-vm-1", OS: "Debian GNU/Linux 12 (bookworm)", Kernel: "6.1.0-28-cloud-amd64",
			Arch: "x86_64", Uptime: uptime, Awake: uptime, PageSize: 4096, Systemd: true, Root: true, Virtualisation: "kvm"}, "/proc"),
		Cloud:  host.Known(host.Cloud{Provider: host.Google, Name: "Google Compute Engine"}, "/sys/class/dmi/id"),
		Cgroup: host.Known(host.Cgroup{Version: "2", MemoryV2: true, MemoryMount: "/sys/fs/cgroup", SwapAccounting: host.Known(true, "memory.swap.max")}, "/proc/self/mountinfo"),
		Memory: host.Known(host.Memory{Total: 4 * gib, Available: 2 * gib, CommitLimit: 4 * gib, CommittedAS: 1 * gib}, "/proc/meminfo"),
		VMStat: host.Known(host.VMStat{OOMKill: new(uint64)}, "/proc/vmstat"),
		Pressure: host.Pressures{
			Memory: host.Known(host.Pressure{Full: &host.Stall{}}, "/proc/pressure/memory"),
			CPU:    host.Known(host.Pressure{}, "/proc/pressure/cpu"),
			IO:     host.Known(host.Pressure{}, "/proc/pressure/io"),
		},
		Sysctls: map[string]host.Fact[int64]{
			"vm.swappiness": sysctl(60), "vm.overcommit_memory": sysctl(0), "vm.panic_on_oom": sysctl(0),
			"vm.oom_kill_allocating_task": sysctl(0), "kernel.panic": sysctl(0),
		},
		Swaps: host.Known([]host.SwapArea{{Path: "/swapfile", Type: "file", Size: 2 * gib, Priority: -2,
			File: host.Known(host.SwapFile{Mode: 0o600}, "/swapfile")}}, "/proc/swaps"),
		Fstab:           host.Known([]host.FstabSwap{{Line: 3, Spec: "/swapfile", Exists: host.Known(true, "/swapfile")}}, "/etc/fstab"),
		Units:           host.Known([]host.SwapUnit{}, "/etc/systemd/system"),
		ZramConf:        host.Known(false, "/etc/systemd"),
		OOM:             host.Known(oom.Log{Records: 900}, "/dev/kmsg"),
		Disks:           []host.Fact[host.Disk]{host.Known(host.Disk{Path: "/", Role: host.RoleRoot, FS: "ext4", Size: 40 * gib, Free: 30 * gib, Inodes: 1000, InodesFree: 900}, "statfs /")},
		Conntrack:       host.Known(host.Conntrack{Count: 100, Max: 65536, Dropped: new(uint64)}, "/proc/sys/net/netfilter"),
		Daemons:         host.Known([]host.Daemon{{Name: "dockerd", PID: 700, OOMScoreAdj: -500}, {Name: "sshd", PID: 600, OOMScoreAdj: -1000}}, "/proc"),
		DockerInstalled: host.Known(true, "/var/run/docker.sock"),
		EngineHere:      host.Known(true, "docker info"),
		Docker: host.Known(docker.Engine{Endpoint: "unix:///var/run/docker.sock", Version: "27.3.1", APIVersion: "1.47", APINegotiated: "1.47",
			CgroupVersion: "2", LogDriver: "json-file", RootDir: "/var/lib/docker", LiveRestore: true, MemoryLimit: true, SwapLimit: true}, "docker info"),
		DaemonConfig: host.Known(host.DaemonConfig{File: "/etc/docker/daemon.json", Present: true, LogMaxSize: "10m"}, "/etc/docker/daemon.json"),
		Containers:   host.Known([]host.Container{web()}, "docker inspect"),
	}
}

// web is a container that has all it should have, and has been up for a day.
func web() host.Container {
	return host.Container{
		Container: docker.Container{
			ID: webID, Name: "web", Image: "web:1", State: "running", PID: 4242,
			CreatedAt: now.Add(-48 * time.Hour), StartedAt: now.Add(-25 * time.Hour),
			Restart:    docker.Policy{Name: "unless-stopped"},
			Health:     &docker.Health{Status: "healthy"},
			Limits:     docker.Limits{Memory: 512 * mib, MemorySwap: 512 * mib},
			Logging:    docker.Logs{Driver: "json-file", MaxSize: "10m"},
			Program:    "server",
			StopSignal: "SIGTERM", StopTimeout: 10 * time.Second, NetworkMode: "bridge",
		},
		Memory: host.Known(host.ContainerMemory{Usage: 200 * mib, WorkingSet: 150 * mib, Unreclaimable: 150 * mib, Limit: ptr(uint64(512 * mib)), SwapLimit: new(uint64),
			SwapLimitKnown: true, OOMKills: new(uint64)}, "/sys/fs/cgroup/system.slice/docker-3f2a.scope"),
		Process:   host.Known(host.Process{Comm: "server", Exe: "server", SigCgt: sigterm, NamespacePID: 1}, "/proc/4242/status"),
		Keepalive: host.Known(host.Keepalive{Time: 120 * time.Second, Interval: 30 * time.Second, Probes: 3}, "netns of 4242"),
	}
}

const sigterm = 1 << 14 // SIGTERM is signal 15

// bare is a small VM without Docker on which nothing is wrong.
func bare() *host.Facts {
	f := healthy()
	f.Memory.Value.Total, f.Memory.Value.Available = 1*gib, 600*mib
	f.DockerInstalled = host.Known(false, "/var/run/docker.sock")
	f.Docker = host.Missing[docker.Engine]("no such socket")
	f.Containers = host.Missing[[]host.Container]("no such socket")
	f.DaemonConfig = host.Missing[host.DaemonConfig]("no Docker")
	f.Daemons.Value = f.Daemons.Value[1:]
	f.Cloud = host.Missing[host.Cloud]("no DMI data")
	return f
}

func sysctl(n int64) host.Fact[int64] { return host.Known(n, "/proc/sys") }

func ptr[T any](v T) *T { return &v }

// kill is an OOM kill of a container's process some time ago.
func kill(id string, ago time.Duration) oom.Kill {
	cgroup := "/system.slice/docker-" + id + ".scope"
	return oom.Kill{SinceBoot: uptime - ago, PID: 8123, Comm: "node", TaskCgroup: cgroup, LimitCgroup: cgroup,
		Scope: oom.ScopeCgroup, Limit: ptr(uint64(512 * mib)), AnonRSS: ptr(uint64(500 * mib))}
}

func die(ago time.Duration, code int) docker.Event {
	return docker.Event{Time: now.Add(-ago), Action: "die", ExitCode: &code}
}

func signal(ago time.Duration, number int) docker.Event {
	return docker.Event{Time: now.Add(-ago), Action: "kill", Signal: number}
}

package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"testing/synctest"
	"time"

	"vmguard/pkg/docker"
	"vmguard/pkg/oom"
	"vmguard/pkg/rootfs"
)

// fakeEngine answers as it is told.
type fakeEngine struct {
	info       func(context.Context) (docker.Engine, error)
	containers func(context.Context) ([]docker.Container, error)
}

func (e fakeEngine) Info(ctx context.Context) (docker.Engine, error) { return e.info(ctx) }

func (e fakeEngine) Containers(ctx context.Context) ([]docker.Container, error) {
	return e.containers(ctx)
}

func engineThatWorks() fakeEngine {
	return fakeEngine{
		info: func(context.Context) (docker.Engine, error) {
			return docker.Engine{Endpoint: "unix:///var/run/docker.sock", Name: "vm", Version: "20.10.24", RootDir: "/var/lib/docker"}, nil
		},
		containers: func(context.Context) ([]docker.Container, error) {
			return []docker.Container{running(7), {ID: "e1", Name: "old", State: "exited"}}, nil
		},
	}
}

// recorded is a host with all that Collect reads.
func recorded(t testing.TB) *rootfs.FS {
	sysctls := files{}
	for _, name := range sysctlNames() {
		sysctls["proc/sys/"+sysctlPath(name)] = "1\n"
	}
	return tree(t, v1Files(), runningFiles(), sysctls, hostProc(1, 0, "systemd", "0"), hostProc(410, 1, "dockerd", "-500"), files{
		"proc/meminfo": meminfo, "proc/vmstat": "pswpin 1\npswpout 2\noom_kill 3\n",
		"proc/pressure/memory": psiIO, "proc/pressure/cpu": psiIO, "proc/pressure/io": psiIO,
		"proc/swaps": swapsHeader + "/swapfile file 4 0 -2\n", "swapfile": "", "etc/fstab": "/swapfile none swap sw 0 0\n",
		"proc/self/mountinfo": hybridMounts, "sys/fs/cgroup/memory/memory.memsw.limit_in_bytes": "9223372036854771712\n",
		"proc/self/cgroup": "0::/\n", "proc/self/ns/pid": "-> " + firstPIDNamespace, "proc/self/ns/cgroup": "-> " + firstCgroupNamespace,
		"proc/sys/kernel/osrelease": "6.18.44\n", "proc/sys/kernel/hostname": "vm\n", "proc/uptime": "1401.40 1667.92\n",
		"proc/sys/net/netfilter/nf_conntrack_count": "4\n",
		"proc/7/comm": "node\n", "proc/410/cmdline": "/usr/bin/dockerd\x00--live-restore\x00",
		"sys/class/dmi/id/sys_vendor": "Hetzner\n", "etc/systemd/system/": "", "var/lib/docker/": "",
	})
}

func sysctlPath(name string) string {
	path := []byte(name)
	for i, c := range path {
		if c == '.' {
			path[i] = '/'
		}
	}
	return string(path)
}

func recordedSource(t testing.TB) Source {
	return Source{
		FS:        recorded(t),
		KernelLog: func(context.Context) (oom.Log, error) { return oom.Log{Records: 5}, nil },
		DiskUsage: func(context.Context, string) (Disk, error) { return Disk{Size: 100, Free: 40}, nil },
		Keepalive: func(context.Context, int) (Keepalive, error) { return keepaliveOf(123), nil },
		Docker:    engineThatWorks(),
		Awake:     func() time.Duration { return 1300 * time.Second },
		Now:       func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600)) },
	}
}

// unknowns lists every fact that is missing, and why.
func unknowns(f *Facts) map[string]string {
	list := map[string]string{}
	note := func(name string, known bool, why string) {
		if !known {
			list[name] = why
		}
	}
	note("system", f.System.Known(), f.System.Why())
	note("cloud", f.Cloud.Known(), f.Cloud.Why())
	note("cgroup", f.Cgroup.Known(), f.Cgroup.Why())
	note("memory", f.Memory.Known(), f.Memory.Why())
	note("vmstat", f.VMStat.Known(), f.VMStat.Why())
	note("pressure memory", f.Pressure.Memory.Known(), f.Pressure.Memory.Why())
	note("pressure cpu", f.Pressure.CPU.Known(), f.Pressure.CPU.Why())
	note("pressure io", f.Pressure.IO.Known(), f.Pressure.IO.Why())
	for _, name := range sysctlNames() {
		note(name, f.Sysctl(name).Known(), f.Sysctl(name).Why())
	}
	note("swaps", f.Swaps.Known(), f.Swaps.Why())
	note("fstab", f.Fstab.Known(), f.Fstab.Why())
	note("units", f.Units.Known(), f.Units.Why())
	note("zram", f.ZramConf.Known(), f.ZramConf.Why())
	note("oom", f.OOM.Known(), f.OOM.Why())
	for _, d := range f.Disks {
		note("disk "+d.Value.Role, d.Known(), d.Why())
	}
	note("conntrack", f.Conntrack.Known(), f.Conntrack.Why())
	note("daemons", f.Daemons.Known(), f.Daemons.Why())
	note("docker installed", f.DockerInstalled.Known(), f.DockerInstalled.Why())
	note("docker", f.Docker.Known(), f.Docker.Why())
	note("engine here", f.EngineHere.Known(), f.EngineHere.Why())
	note("docker config", f.DaemonConfig.Known(), f.DaemonConfig.Why())
	note("containers", f.Containers.Known(), f.Containers.Why())
	return list
}

func TestCollect(t *testing.T) {
	f := Collect(t.Context(), recordedSource(t))
	equal(t, unknowns(f), map[string]string{})
	equal(t, f.CollectedAt, time.Date(2026, 1, 2, 2, 4, 5, 0, time.UTC))
	equal(t, f.Memory.Value, memoryOfMeminfo())
	equal(t, f.Swaps.Value[0].File.Known(), true)
	equal(t, f.Fstab.Value[0].Target, "/swapfile")
	equal(t, f.Cloud.Value.Provider, Hetzner)
	equal(t, f.System.Value.Container, "")
	equal(t, f.DaemonConfig.Value.LiveRestore, ptr(true))
	equal(t, f.Daemons.Value, []Daemon{{Name: "dockerd", PID: 410, Unit: "dockerd.service", Parent: "systemd", OOMScoreAdj: -500}})
	equal(t, f.EngineHere, Known(true, "docker info and /proc"))
	equal(t, f.System.Value.Awake, 1300*time.Second)
	equal(t, f.DockerFailure, docker.Reason(""))
	missing(t, f.SwapFiles, "not collected") // an image's
	missing(t, f.KernelConfig, "not collected")
	equal(t, len(f.Disks), 2)
	equal(t, f.Disks[0].Value, Disk{Path: "/", Role: RoleRoot, FS: "ext4", Size: 100, Free: 40})
	equal(t, f.Disks[1].Value, Disk{Path: "/var/lib/docker", Role: RoleDocker, FS: "ext4", Size: 100, Free: 40})
	equal(t, f.Containers.Value[0].Memory.Value.Usage, uint64(50000000))
	equal(t, f.Containers.Value[0].Keepalive.Value, keepaliveOf(123))
	missing(t, f.Containers.Value[1].Memory, "not running")
}

func TestCollectOfNothing(t *testing.T) {
	f := Collect(t.Context(), Source{FS: tree(t)})
	known := map[string]bool{"fstab": true, "units": true, "zram": true, "docker installed": true, "docker config": true}
	list := unknowns(f)
	for name, why := range list {
		if known[name] || why == "" || why == "not collected" {
			t.Errorf("%s: %q", name, why)
		}
	}
	equal(t, len(list), 8+len(sysctlNames())+2+1+5) // all the rest
	equal(t, f.DockerInstalled.Value, false)
	equal(t, f.Docker.Why(), "no Docker engine was asked")
	equal(t, f.DockerFailure, docker.Reason(""))
	equal(t, f.Containers.Why(), "no Docker engine was asked")
}

// TestCollectWithAHangingDisk has a statfs that never comes back, as on a dead network
// filesystem.
func TestCollectWithAHangingDisk(t *testing.T) {
	s := recordedSource(t)
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s.DiskUsage = func(_ context.Context, path string) (Disk, error) {
			<-release
			return Disk{Size: 1}, nil
		}
		started := time.Now()
		f := Collect(t.Context(), s)
		equal(t, time.Since(started), 2*time.Second)
		equal(t, unknowns(f), map[string]string{"disk root": "timed out after 2 s", "disk docker": "timed out after 2 s"})
		equal(t, f.Disks[1].Value.Path, "/var/lib/docker")
		close(release)
	})
}

// TestCollectWithADeafEngine has a socket that accepts and never answers.
func TestCollectWithADeafEngine(t *testing.T) {
	s := recordedSource(t)
	synctest.Test(t, func(t *testing.T) {
		s.Docker = fakeEngine{
			info: func(ctx context.Context) (docker.Engine, error) {
				<-ctx.Done()
				return docker.Engine{}, fmt.Errorf("info: %w", ctx.Err())
			},
			containers: func(ctx context.Context) ([]docker.Container, error) {
				<-ctx.Done()
				return nil, fmt.Errorf("list: %w", ctx.Err())
			},
		}
		started := time.Now()
		f := Collect(t.Context(), s)
		equal(t, time.Since(started), 5*time.Second)
		equal(t, unknowns(f), map[string]string{"docker": "timed out after 5 s", "engine here": "timed out after 5 s", "containers": "timed out after 5 s"})
		equal(t, f.DockerFailure, docker.Timeout)
		equal(t, len(f.Disks), 1)
	})
}

// TestCollectKeepsWhatContainersItHas has one container that hangs until the caller's
// deadline: the engine's account of it, and all of the others, are kept.
func TestCollectKeepsWhatContainersItHas(t *testing.T) {
	s := recordedSource(t)
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		s.Keepalive = func(context.Context, int) (Keepalive, error) { <-release; return Keepalive{}, nil }
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		f := Collect(ctx, s)
		equal(t, unknowns(f), map[string]string{})
		equal(t, len(f.Containers.Value), 2)
		equal(t, f.Containers.Value[0].Name, "web")
		missing(t, f.Containers.Value[0].Process, "timed out after 0.8 s")
		missing(t, f.Containers.Value[1].Process, "not running")
	})
}

// TestCollectInterrupted has an engine that does not even mind its context.
func TestCollectInterrupted(t *testing.T) {
	s := recordedSource(t)
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s.Docker = fakeEngine{
			info:       func(context.Context) (docker.Engine, error) { <-release; return docker.Engine{}, nil },
			containers: func(context.Context) ([]docker.Container, error) { <-release; return nil, nil },
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer time.AfterFunc(time.Second, cancel).Stop()
		started := time.Now()
		f := Collect(ctx, s)
		equal(t, time.Since(started), time.Second)
		equal(t, f.Docker.Why(), "interrupted")
		equal(t, f.Containers.Why(), "interrupted")
		equal(t, f.EngineHere.Why(), "interrupted")
		equal(t, f.DaemonConfig.Known(), true)
		equal(t, f.DockerFailure, docker.Interrupted)
		equal(t, f.Memory.Known(), true)
		close(release)
	})
}

func TestCollectWithoutAnEngine(t *testing.T) {
	denied := &docker.Error{Reason: docker.Denied, Op: "info", Host: "unix:///x", Err: fs.ErrPermission}
	fails := fakeEngine{
		info:       func(context.Context) (docker.Engine, error) { return docker.Engine{}, denied },
		containers: func(context.Context) ([]docker.Container, error) { return nil, denied },
	}
	odd := fakeEngine{
		info:       func(context.Context) (docker.Engine, error) { return docker.Engine{}, errors.New("odd") },
		containers: func(context.Context) ([]docker.Container, error) { return nil, errors.New("odd") },
	}
	for name, c := range map[string]struct {
		docker  Engine
		none    error
		why     string
		failure docker.Reason
	}{
		"not named":       {why: "no Docker engine was asked"},
		"cannot be named": {none: errors.New("unknown context"), why: "unknown context"},
		"denied":          {docker: fails, why: denied.Error(), failure: docker.Denied},
		"another error":   {docker: odd, why: "odd", failure: docker.EngineError},
	} {
		t.Run(name, func(t *testing.T) {
			s := recordedSource(t)
			s.Docker, s.NoDocker = c.docker, c.none
			f := Collect(t.Context(), s)
			equal(t, unknowns(f), map[string]string{"docker": c.why, "engine here": c.why, "containers": c.why})
			equal(t, f.DockerFailure, c.failure)
			equal(t, len(f.Disks), 1)
		})
	}
}

func TestReadOOM(t *testing.T) {
	failing := func(err error, restrict string) Fact[oom.Log] {
		return readOOM(t.Context(), Source{
			FS:        tree(t, files{"proc/sys/kernel/dmesg_restrict": restrict}),
			KernelLog: func(context.Context) (oom.Log, error) { return oom.Log{}, err },
		})
	}
	denied := &fs.PathError{Op: "open", Path: kmsg, Err: fs.ErrPermission}
	equal(t, failing(denied, "1\n").Why(), "reading the kernel log needs root (kernel.dmesg_restrict=1)")
	equal(t, failing(denied, "0\n").Why(), "reading the kernel log needs root")
	equal(t, failing(&fs.PathError{Op: "open", Path: kmsg, Err: fs.ErrNotExist}, "0\n").Why(), "/dev/kmsg does not exist")
	equal(t, failing(errors.New("odd"), "0\n").Why(), "odd")
	equal(t, failing(nil, "0\n"), Known(oom.Log{}, kmsg))
	missing(t, readOOM(t.Context(), Source{FS: tree(t)}), "only be read on the running host")
}

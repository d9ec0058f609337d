package host

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"vmguard/pkg/docker"
	"vmguard/pkg/oom"
)

// swapSource is a host with everything, of which nothing may be asked that is not about swap.
func swapSource(t *testing.T) Source {
	s := recordedSource(t)
	s.KernelLog = func(context.Context) (oom.Log, error) {
		t.Error("the kernel's log was read")
		return oom.Log{}, nil
	}
	s.Keepalive = func(context.Context, int) (Keepalive, error) {
		t.Error("a network namespace was entered")
		return Keepalive{}, nil
	}
	s.Docker = fakeEngine{
		info: func(context.Context) (docker.Engine, error) {
			t.Error("the engine was asked")
			return docker.Engine{}, nil
		},
		containers: func(context.Context) ([]docker.Container, error) {
			t.Error("the containers were asked for")
			return nil, nil
		},
	}
	return s
}

// notAboutSwap are the facts that CollectSwap leaves alone, and what else is missing.
func notAboutSwap(besides map[string]string) map[string]string {
	list := map[string]string{}
	for _, name := range []string{
		"cloud", "cgroup", "vmstat", "pressure memory", "pressure cpu", "pressure io", "oom", "conntrack",
		"docker", "engine here", "docker config", "containers",
	} {
		list[name] = "not collected"
	}
	for name, why := range besides {
		list[name] = why
	}
	return list
}

func TestCollectSwap(t *testing.T) {
	t.Parallel()
	f := CollectSwap(t.Context(), swapSource(t))
	equal(t, unknowns(f), notAboutSwap(nil))
	all := Collect(t.Context(), recordedSource(t))
	// What both read, both find.
	equal(t, f.CollectedAt, all.CollectedAt)
	equal(t, f.System, all.System)
	equal(t, f.Memory, all.Memory)
	equal(t, f.Sysctls, all.Sysctls)
	equal(t, f.Swaps, all.Swaps)
	equal(t, f.Fstab, all.Fstab)
	equal(t, f.Units, all.Units)
	equal(t, f.ZramConf, all.ZramConf)
	equal(t, f.Daemons, all.Daemons)
	equal(t, f.Disks, all.Disks[:1])
}

func TestCollectSwapOfNothing(t *testing.T) {
	t.Parallel()
	before := time.Now()
	f := CollectSwap(t.Context(), Source{FS: tree(t)})
	besides := map[string]string{
		"system":    "/proc/sys/kernel/osrelease does not exist",
		"memory":    "/proc/meminfo does not exist",
		"swaps":     "/proc/swaps does not exist",
		"daemons":   f.Daemons.Why(),
		"disk root": "space can only be asked of the running host",
	}
	for _, name := range sysctlNames() {
		besides[name] = f.Sysctl(name).Why()
		if besides[name] == "not collected" {
			t.Errorf("%s was not looked at", name)
		}
	}
	equal(t, unknowns(f), notAboutSwap(besides))
	if f.CollectedAt.Before(before) || f.Daemons.Why() == "not collected" {
		t.Errorf("collected at %v, daemons: %s", f.CollectedAt, f.Daemons.Why())
	}
}

// TestCollectSwapWithAHangingDisk has a statfs that never comes back.
func TestCollectSwapWithAHangingDisk(t *testing.T) {
	t.Parallel()
	s := swapSource(t)
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s.DiskUsage = func(context.Context, string) (Disk, error) {
			<-release
			return Disk{Size: 1}, nil
		}
		started := time.Now()
		f := CollectSwap(t.Context(), s)
		equal(t, time.Since(started), 2*time.Second)
		equal(t, unknowns(f), notAboutSwap(map[string]string{"disk root": "timed out after 2 s"}))
		equal(t, f.Disks[0].Value, Disk{Path: "/", Role: RoleRoot})
		close(release)
	})
}

func TestDiskAt(t *testing.T) {
	t.Parallel()
	asked := ""
	s := Source{
		FS: tree(t, files{"data/swap/": "", "link": "-> data/swap", "proc/self/mountinfo": hybridMounts + "50 27 0:9 / /data ro - xfs /dev/vdb rw\n"}),
		DiskUsage: func(_ context.Context, path string) (Disk, error) {
			asked = path
			return Disk{FS: "ext2/ext3", Size: 100, Free: 40, Inodes: 10, InodesFree: 5}, nil
		},
	}
	ctx := t.Context()
	equal(t, DiskAt(ctx, s, "/"), Known(Disk{Path: "/", FS: "ext4", Size: 100, Free: 40, Inodes: 10, InodesFree: 5}, "statfs /"))
	equal(t, DiskAt(ctx, s, "/link"), Known(Disk{Path: "/link", FS: "xfs", ReadOnly: true, Size: 100, Free: 40, Inodes: 10, InodesFree: 5}, "statfs /link"))
	equal(t, asked, "/data/swap")
	equal(t, DiskAt(ctx, s, "/data/none"), Fact[Disk]{Value: Disk{Path: "/data/none"}, Missing: "/data/none does not exist"})

	s.FS = tree(t)
	equal(t, DiskAt(ctx, s, "/").Value.FS, "ext2/ext3") // by statfs(2) alone
	s.DiskUsage = func(context.Context, string) (Disk, error) { return Disk{}, errors.New("input/output error") }
	missing(t, DiskAt(ctx, s, "/"), "statfs /: input/output error")
	s.DiskUsage = nil
	missing(t, DiskAt(ctx, s, "/"), "only be asked of the running host")
}

func TestDiskAtGivesUpWhatHangs(t *testing.T) {
	t.Parallel()
	s := Source{FS: tree(t, files{"data/": ""})}
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s.DiskUsage = func(context.Context, string) (Disk, error) {
			<-release
			return Disk{Size: 1}, nil
		}
		started := time.Now()
		equal(t, DiskAt(t.Context(), s, "/data"), Fact[Disk]{Value: Disk{Path: "/data"}, Missing: "timed out after 2 s"})
		equal(t, time.Since(started), 2*time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		equal(t, DiskAt(ctx, s, "/data"), Fact[Disk]{Value: Disk{Path: "/data"}, Missing: "interrupted"})
		close(release)
	})
}

func TestVolatileEtc(t *testing.T) {
	t.Parallel()
	const (
		onDisk = "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard\n28 27 0:9 / /run rw - tmpfs tmpfs rw\n"
		over   = "60 27 0:50 / /etc rw,relatime - overlay overlay rw,lowerdir=/etc,upperdir="
		cannot = "where the overlay on /etc keeps its changes cannot be told: "
	)
	for name, c := range map[string]struct {
		mounts  string // empty: there is no table
		os      string
		files   files
		want    string
		missing string
	}{
		"on a disk":                {mounts: onDisk, os: "ID=debian\n"},
		"a tmpfs":                  {mounts: onDisk + "60 27 0:50 / /etc rw - tmpfs tmpfs rw\n", want: "/etc is on tmpfs"},
		"a ramfs":                  {mounts: onDisk + "60 27 0:50 / /etc rw - ramfs none rw\n", want: "/etc is on ramfs"},
		"all in memory":            {mounts: "27 1 0:2 / / rw - rootfs rootfs rw\n", want: "/etc is on rootfs"},
		"a disk over the rootfs":   {mounts: "1 1 0:2 / / rw - rootfs rootfs rw\n" + onDisk},
		"a tmpfs below it only":    {mounts: onDisk + "60 27 0:50 / /etc/secrets rw - tmpfs tmpfs rw\n"},
		"a link to a tmpfs":        {mounts: onDisk, files: files{"etc": "-> run/etc", "run/etc/": ""}, want: "/etc is on tmpfs"},
		"a link away from a tmpfs": {mounts: onDisk + "60 27 0:50 / /etc rw - tmpfs tmpfs rw\n", files: files{"etc": "-> /data/etc", "data/etc/": ""}},

		"an overlay in memory": {
			mounts: onDisk + over + "/run/upper,workdir=/run/work\n", files: files{"run/upper/": ""},
			want: "/etc is an overlay that keeps its changes on tmpfs (/run/upper)",
		},
		"the whole root is one": {
			mounts: "27 1 0:30 / / rw - overlay overlayroot rw,lowerdir=/media/ro,upperdir=/media/rw/overlay\n28 27 0:9 / /media/rw rw - tmpfs tmpfs rw\n",
			files:  files{"media/rw/overlay/": ""}, want: "/etc is an overlay that keeps its changes on tmpfs (/media/rw/overlay)",
		},
		"an overlay with an odd name": {
			mounts: onDisk + over + `/run/a\040b\054c\134d` + "\n", files: files{`run/a b,c\d/`: ""},
			want: `/etc is an overlay that keeps its changes on tmpfs (/run/a b,c\d)`,
		},
		"an overlay on a disk":          {mounts: onDisk + over + "/data/upper,workdir=/run\n", files: files{"data/upper/": ""}},
		"an overlay by a link to disk":  {mounts: onDisk + over + "/run/upper\n", files: files{"run/upper": "-> ../data", "data/": ""}},
		"an overlay to be read only":    {mounts: onDisk + "60 27 0:50 / /etc ro - overlay overlay ro,lowerdir=/run/x:/etc\n"},
		"an overlay that went away":     {mounts: onDisk + over + "/run/upper\n", missing: cannot + "upperdir=/run/upper: /run/upper does not exist"},
		"an overlay from where one was": {mounts: onDisk + over + "upper\n", files: files{"upper/": ""}, missing: cannot + "upperdir=upper is no absolute path"},
		"an overlay over its own upper": {mounts: onDisk + over + "/etc\n", missing: cannot + "upperdir=/etc leads to an overlay itself"},
		"an overlay with half a table": {
			mounts: over + "/run/upper\n", files: files{"run/upper/": ""},
			missing: cannot + "upperdir=/run/upper: /proc/self/mountinfo names no mount that holds /run/upper",
		},

		"Container-Optimized OS":                 {mounts: onDisk, os: "NAME=\"Container-Optimized OS\"\nID=cos\n", want: "Container-Optimized OS makes /etc anew at every boot"},
		"Container-Optimized OS without a table": {os: "ID=\"cos\"\n", want: "Container-Optimized OS makes /etc anew at every boot"},
		"one that is like it":                    {mounts: onDisk, os: "ID=cosy\nID_LIKE=cos\nVARIANT_ID=cos\n"},

		"no table":           {os: "ID=debian\n", missing: "/proc/self/mountinfo does not exist"},
		"a table cut off":    {mounts: strings.TrimSuffix(onDisk, "\n"), missing: "/proc/self/mountinfo: the last line is cut off"},
		"a table without it": {mounts: "28 27 0:9 / /run rw - tmpfs tmpfs rw\n", missing: "/proc/self/mountinfo names no mount that holds /etc"},
		"no /etc":            {mounts: onDisk, files: files{"etc": "-> nowhere"}, missing: "/etc does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := files{}
			if c.mounts != "" {
				host["proc/self/mountinfo"] = c.mounts
			}
			if c.os != "" {
				host["usr/lib/os-release"] = c.os
			}
			if c.files["etc"] == "" {
				host["etc/"] = ""
			}
			got := VolatileEtc(Source{FS: tree(t, host, c.files)})
			equal(t, got.Value, c.want)
			equal(t, got.Why(), c.missing)
		})
	}
}

func TestReadOSID(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files      files
		id, source string
	}{
		"quoted":        {files{"etc/os-release": "NAME=x\nID=\"sles\"\nVERSION_ID=15\n"}, "sles", "/etc/os-release"},
		"/etc's counts": {files{"etc/os-release": "ID=a\n", "usr/lib/os-release": "ID=b\n"}, "a", "/etc/os-release"},
		"/usr's":        {files{"usr/lib/os-release": "#ID=c\nID=b\n"}, "b", "/usr/lib/os-release"},
		"no ID":         {files{"etc/os-release": "NAME=x\n"}, "", "/etc/os-release"},
		"none":          {files{}, "", ""},
	} {
		id, source := readOSID(tree(t, c.files))
		if id != c.id || source != c.source {
			t.Errorf("%s: %q of %q", name, id, source)
		}
	}
}

// FuzzVolatileEtc holds that, whatever an overlay's upper directory is called, the
// answer is found through the kernel's escapes: it is on tmpfs, and not on the disk.
func FuzzVolatileEtc(f *testing.F) {
	f.Add("upper")
	f.Add(`a b,c=d\040`)
	f.Add("ü\n\t")
	f.Fuzz(func(t *testing.T, name string) {
		if name == "" || name == "." || name == ".." || len(name) > 200 || strings.ContainsAny(name, "/\x00") {
			return
		}
		escaped := strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`, ",", `\054`).Replace(name)
		for dir, want := range map[string]string{
			"/run/":  "/etc is an overlay that keeps its changes on tmpfs (/run/" + name + ")",
			"/data/": "",
		} {
			table := "27 1 254:0 / / rw - ext4 /dev/vda rw\n28 27 0:9 / /run rw - tmpfs tmpfs rw\n" +
				"60 27 0:50 / /etc rw - overlay overlay rw,lowerdir=/etc,upperdir=" + dir + escaped + ",workdir=/run/work\n"
			host := tree(t, files{"etc/": "", "proc/self/mountinfo": table, dir[1:] + name + "/": ""})
			equal(t, VolatileEtc(Source{FS: host}), Known(want, mountinfo))
		}
	})
}

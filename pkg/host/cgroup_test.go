package host

import "testing"

const (
	v2Mount    = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n"
	namedMount = "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,release_agent=/usr/lib/systemd/systemd-cgroups-agent,name=systemd\n"
	v1Memory   = "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
)

func TestReadCgroup(t *testing.T) {
	const memsw = "sys/fs/cgroup/memory/memory.memsw.limit_in_bytes"
	v2 := files{
		"sys/fs/cgroup/cgroup.controllers":           "cpuset cpu io memory hugetlb pids\n",
		"sys/fs/cgroup/init.scope/memory.pressure":   "",
		"sys/fs/cgroup/system.slice/memory.max":      "max\n",
		"sys/fs/cgroup/system.slice/memory.swap.max": "max\n",
	}
	for name, c := range map[string]struct {
		mounts string
		host   files
		want   Cgroup
	}{
		"hybrid": {
			mounts: hybridMounts, host: files{memsw: "9223372036854771712\n", "sys/fs/cgroup/unified/cgroup.controllers": "\n"},
			want: Cgroup{Version: "hybrid", MemoryMount: "/sys/fs/cgroup/memory", MemoryRoot: "/", SwapAccounting: Known(true, "/"+memsw)},
		},
		"v1, swap not accounted": {
			mounts: v1Memory + namedMount,
			want:   Cgroup{Version: "1", MemoryMount: "/sys/fs/cgroup/memory", MemoryRoot: "/", SwapAccounting: Known(false, "/"+memsw)},
		},
		"v2": {
			mounts: v2Mount, host: v2,
			want: Cgroup{Version: "2", MemoryV2: true, MemoryMount: "/sys/fs/cgroup", MemoryRoot: "/", SwapAccounting: Known(true, "/sys/fs/cgroup/system.slice/memory.swap.max")},
		},
		"v2 beside a hierarchy with only a name": {
			mounts: namedMount + v2Mount, host: v2,
			want: Cgroup{Version: "2", MemoryV2: true, MemoryMount: "/sys/fs/cgroup", MemoryRoot: "/", SwapAccounting: Known(true, "/sys/fs/cgroup/system.slice/memory.swap.max")},
		},
		"v2, swap not accounted": {
			mounts: v2Mount, host: files{"sys/fs/cgroup/cgroup.controllers": "memory\n", "sys/fs/cgroup/docker/memory.max": "max\n"},
			want: Cgroup{Version: "2", MemoryV2: true, MemoryMount: "/sys/fs/cgroup", MemoryRoot: "/", SwapAccounting: Known(false, "/sys/fs/cgroup/docker/memory.swap.max")},
		},
		"v2, nothing to tell by": {
			mounts: v2Mount, host: files{"sys/fs/cgroup/cgroup.controllers": "memory\n"},
			want: Cgroup{Version: "2", MemoryV2: true, MemoryMount: "/sys/fs/cgroup", MemoryRoot: "/", SwapAccounting: Missing[bool]("no cgroup in /sys/fs/cgroup has the memory controller")},
		},
		"v2 without memory": {
			mounts: v2Mount, host: files{"sys/fs/cgroup/cgroup.controllers": "cpu pids\n"},
			want: Cgroup{Version: "2", SwapAccounting: Missing[bool]("the memory controller is not mounted")},
		},
		"in a container": {
			mounts: "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
			want:   Cgroup{Version: "1", MemoryMount: "/sys/fs/cgroup/memory", MemoryRoot: "/docker/abc", SwapAccounting: Known(false, "/"+memsw)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			mounts, err := parseMounts([]byte(c.mounts))
			if err != nil {
				t.Fatal(err)
			}
			equal(t, readCgroup(tree(t, c.host), mounts), Known(c.want, mountinfo))
		})
	}
	missing(t, readCgroup(tree(t), []mount{{point: "/", fsType: "ext4"}}), "no cgroup filesystem")
}

package host

import (
	"strconv"
	"strings"
	"testing"
)

const v1Dir = "sys/fs/cgroup/memory/docker/" + containerID + "/"

// v1Memory is of an engine on cgroup v1, with a limit of 64 MiB and as much swap.
func v1Files() files {
	return files{
		v1Dir + "memory.usage_in_bytes":       "50000000\n",
		v1Dir + "memory.limit_in_bytes":       "67108864\n",
		v1Dir + "memory.max_usage_in_bytes":   "60000000\n",
		v1Dir + "memory.memsw.limit_in_bytes": "134217728\n",
		v1Dir + "memory.failcnt":              "3\n",
		v1Dir + "memory.stat":                 "cache 0\ninactive_file 7\nhierarchical_memory_limit 67108864\nactive_file 9\ntotal_swap 4096\ntotal_inactive_file 10000000\ntotal_active_file 25000000\n",
		v1Dir + "memory.oom_control":          "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
	}
}

func v2Files() files {
	const dir = "sys/fs/cgroup/system.slice/docker-" + containerID + ".scope/"
	return files{
		dir + "memory.current":      "50000000\n",
		dir + "memory.max":          "67108864\n",
		dir + "memory.peak":         "60000000\n",
		dir + "memory.swap.max":     "0\n",
		dir + "memory.swap.current": "0\n",
		dir + "memory.stat":         "anon 1\ninactive_file 10000000\nactive_file 25000000\n",
		dir + "memory.events":       "low 0\nhigh 0\nmax 9\noom 1\noom_kill 2\noom_group_kill 0\n",
	}
}

const (
	v1Cgroups = "9:name=systemd:/docker/" + containerID + "\n4:memory:/docker/" + containerID + "\n0::/docker/" + containerID
	v2Cgroups = "0::/system.slice/docker-" + containerID + ".scope"
)

var (
	onV1 = Known(Cgroup{Version: "1", MemoryMount: "/sys/fs/cgroup/memory", MemoryRoot: "/"}, mountinfo)
	onV2 = Known(Cgroup{Version: "2", MemoryV2: true, MemoryMount: "/sys/fs/cgroup", MemoryRoot: "/"}, mountinfo)
)

func TestReadContainerMemoryV1(t *testing.T) {
	read := func(change files) Fact[ContainerMemory] {
		host := v1Files()
		for name, content := range change {
			if content == "" {
				delete(host, v1Dir+name)
			} else {
				host[v1Dir+name] = content
			}
		}
		return readContainerMemory(tree(t, host), onV1, v1Cgroups, containerID)
	}
	whole := ContainerMemory{
		Usage: 50000000, WorkingSet: 40000000, Unreclaimable: 15000000, Peak: ptr(uint64(60000000)), Limit: ptr(uint64(67108864)),
		SwapLimit: ptr(uint64(67108864)), SwapLimitKnown: true, SwapUsage: ptr(uint64(4096)),
		OOMKills: ptr(uint64(2)), LimitHits: ptr(uint64(3)),
	}
	equal(t, read(nil), Known(whole, "/"+strings.TrimSuffix(v1Dir, "/")))

	const none = "9223372036854771712\n"
	free := read(files{"memory.limit_in_bytes": none, "memory.memsw.limit_in_bytes": none}).Value
	if free.Limit != nil || free.SwapLimit != nil || !free.SwapLimitKnown {
		t.Errorf("without limits: %+v", free)
	}
	if onlyMemory := read(files{"memory.memsw.limit_in_bytes": none}).Value; onlyMemory.SwapLimit != nil || !onlyMemory.SwapLimitKnown {
		t.Errorf("swap unlimited: %+v", onlyMemory)
	}
	if same := read(files{"memory.memsw.limit_in_bytes": "67108864\n"}).Value; same.SwapLimit == nil || *same.SwapLimit != 0 {
		t.Errorf("no swap allowed: %+v", same)
	}
	unaccounted := read(files{"memory.memsw.limit_in_bytes": "", "memory.stat": "total_inactive_file 60000000\n", "memory.oom_control": "under_oom 0\n"}).Value
	if unaccounted.SwapLimitKnown || unaccounted.SwapUsage != nil || unaccounted.OOMKills != nil || unaccounted.WorkingSet != 0 {
		t.Errorf("an older kernel: %+v", unaccounted)
	}
	missing(t, read(files{"memory.usage_in_bytes": ""}), "memory.usage_in_bytes")
	missing(t, read(files{"memory.usage_in_bytes": "lots\n"}), "no number")
	missing(t, read(files{"memory.stat": "total_inactive_file 1"}), "cut off")
	missing(t, read(files{"memory.limit_in_bytes": "-1\n"}), "memory.limit_in_bytes")
	missing(t, read(files{"memory.failcnt": "x\n"}), "memory.failcnt")
	missing(t, read(files{"memory.memsw.limit_in_bytes": "x\n"}), "memory.memsw.limit_in_bytes")
}

func TestReadContainerMemoryV2(t *testing.T) {
	const dir = "sys/fs/cgroup/system.slice/docker-" + containerID + ".scope/"
	whole := ContainerMemory{
		Usage: 50000000, WorkingSet: 40000000, Unreclaimable: 15000000, Peak: ptr(uint64(60000000)), Limit: ptr(uint64(67108864)),
		SwapLimit: ptr(uint64(0)), SwapLimitKnown: true, SwapUsage: ptr(uint64(0)), OOMKills: ptr(uint64(2)), LimitHits: ptr(uint64(9)),
	}
	host := v2Files()
	equal(t, readContainerMemory(tree(t, host), onV2, v2Cgroups, containerID), Known(whole, "/"+strings.TrimSuffix(dir, "/")))
	// Its own init moved itself one level down: the container's cgroup is still the one with its ID.
	equal(t, readContainerMemory(tree(t, host), onV2, v2Cgroups+"/init.scope", containerID).Value, whole)

	host[dir+"memory.max"], host[dir+"memory.swap.max"] = "max\n", "max\n"
	delete(host, dir+"memory.peak")
	free := readContainerMemory(tree(t, host), onV2, v2Cgroups, containerID).Value
	if free.Limit != nil || free.SwapLimit != nil || !free.SwapLimitKnown || free.Peak != nil {
		t.Errorf("kernel 5.18 without limits: %+v", free)
	}
	delete(host, dir+"memory.swap.max")
	delete(host, dir+"memory.swap.current")
	if m := readContainerMemory(tree(t, host), onV2, v2Cgroups, containerID).Value; m.SwapLimitKnown || m.SwapUsage != nil {
		t.Errorf("without swap accounting: %+v", m)
	}
	host[dir+"memory.events"] = ""
	missing(t, readContainerMemory(tree(t, host), onV2, v2Cgroups, containerID), "memory.events: empty")
}

func TestSetUsage(t *testing.T) {
	for _, c := range []struct{ usage, inactive, active, workingSet, unreclaimable uint64 }{
		{100, 0, 0, 100, 100},
		{100, 10, 20, 90, 70},
		{100, 100, 0, 0, 0},
		{100, 101, 20, 0, 0},
		{100, 60, 60, 40, 0},
		{100, 10, 1<<64 - 1, 90, 0},
		{0, 1, 1, 0, 0},
	} {
		var m ContainerMemory
		m.setUsage(c.usage, c.inactive, c.active)
		equal(t, m, ContainerMemory{Usage: c.usage, WorkingSet: c.workingSet, Unreclaimable: c.unreclaimable})
	}
}

func TestMemoryDir(t *testing.T) {
	inside := Cgroup{MemoryMount: "/sys/fs/cgroup/memory", MemoryRoot: "/docker/x"}
	for name, c := range map[string]struct {
		cgroup  Cgroup
		cgroups string
		want    string
		err     string
	}{
		"v1":                 {cgroup: onV1.Value, cgroups: v1Cgroups, want: "/" + strings.TrimSuffix(v1Dir, "/")},
		"joined controllers": {cgroup: onV1.Value, cgroups: "4:cpu,memory:/docker/" + containerID, want: "/" + strings.TrimSuffix(v1Dir, "/")},
		"mounted from below": {cgroup: inside, cgroups: "4:memory:/docker/x/docker/" + containerID, want: "/" + strings.TrimSuffix(v1Dir, "/")},
		"outside":            {cgroup: inside, cgroups: "4:memory:/docker/" + containerID, err: "outside"},
		"another namespace":  {cgroup: onV2.Value, cgroups: "0::/../" + containerID, err: "outside"},
		"no memory":          {cgroup: onV1.Value, cgroups: "4:cpu:/docker/" + containerID, err: "in no memory cgroup"},
		"only v1":            {cgroup: onV2.Value, cgroups: "4:memory:/docker/" + containerID, err: "in no memory cgroup"},
		"another's":          {cgroup: onV1.Value, cgroups: "4:memory:/docker/other", err: "does not name it"},
		"garbage":            {cgroup: onV1.Value, cgroups: "memory\n4:memory:relative", err: "in no memory cgroup"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := memoryDir(c.cgroup, c.cgroups, containerID)
			if !refused(t, err, c.err) {
				equal(t, got, c.want)
			}
		})
	}
	missing(t, readContainerMemory(tree(t), Missing[Cgroup]("no table"), v1Cgroups, containerID), "no table")
	missing(t, readContainerMemory(tree(t), Known(Cgroup{}, mountinfo), v1Cgroups, containerID), "not mounted")
}

// FuzzMemoryDir holds that no path of a cgroup leads out of where cgroups are mounted.
func FuzzMemoryDir(f *testing.F) {
	f.Add("/docker/x", "/")
	f.Add("/../../etc/x", "/docker")
	f.Fuzz(func(t *testing.T, cgroup, root string) {
		dir, err := memoryDir(Cgroup{MemoryMount: "/sys/fs/cgroup", MemoryRoot: root}, "4:memory:"+cgroup, "x")
		if err == nil && !below(dir, "/sys/fs/cgroup") {
			t.Fatalf("%q", dir)
		}
	})
}

// FuzzParseLimit holds that a limit is either the number that stands there, or none.
func FuzzParseLimit(f *testing.F) {
	f.Add("max")
	f.Add("9223372036854771712")
	f.Add("67108864")
	f.Fuzz(func(t *testing.T, text string) {
		limit, err := parseLimit(text)
		if err != nil {
			return
		}
		if limit == nil {
			if n, err := strconv.ParseUint(text, 10, 64); text != "max" && (err != nil || n < 1<<62) {
				t.Fatalf("%q is no limit", text)
			}
			return
		}
		if again, err := parseLimit(strconv.FormatUint(*limit, 10)); err != nil || *again != *limit {
			t.Fatalf("%q: %d", text, *limit)
		}
	})
}

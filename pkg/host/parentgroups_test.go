package host

import (
	"strings"
	"testing"

	"vmguard/pkg/docker"
)

// factsOn are those of a host with such cgroups and an engine with that driver.
func factsOn(cg Fact[Cgroup], driver string) *Facts {
	return &Facts{
		Cgroup: cg, Docker: Known(docker.Engine{CgroupDriver: driver}, "docker info"), EngineHere: Known(true, "docker info and /proc"),
	}
}

// stopped is a container that has ended, with a configured parent or none.
func stopped(parent string) Container {
	return Container{Container: docker.Container{ID: containerID, Name: "web", State: "exited", CgroupParent: parent}}
}

const (
	v1Root = "sys/fs/cgroup/memory/"
	v2Root = "sys/fs/cgroup/"
	v1None = "9223372036854771712\n"
)

func TestParentGroupsV1(t *testing.T) {
	t.Parallel()
	host := files{
		v1Root + "memory.limit_in_bytes":        v1None,
		v1Root + "docker/memory.limit_in_bytes": v1None,
		v1Root + "docker/memory.use_hierarchy":  "1\n",
		v1Root + "shop/memory.limit_in_bytes":   "134217728\n",
		v1Root + "shop/a/memory.limit_in_bytes": "67108864\n",
		v1Root + "old/memory.limit_in_bytes":    "67108864\n",
		v1Root + "old/memory.use_hierarchy":     "0\n",
		"proc/7/cgroup":                         strings.ReplaceAll(v1Cgroups, "/docker/", "/shop/a/") + "\n",
	}
	fs, facts := tree(t, host), factsOn(onV1, "cgroupfs")
	for name, tt := range map[string]struct {
		container Container
		want      Fact[[]MemoryGroup]
	}{
		"stopped, the default":  {stopped(""), Known([]MemoryGroup{{Path: "/docker"}}, "/sys/fs/cgroup/memory/docker")},
		"stopped, configured":   {stopped("shop"), Known([]MemoryGroup{{Path: "/shop", Limit: ptr(uint64(128 << 20))}}, "/sys/fs/cgroup/memory/shop")},
		"stopped, in the root":  {stopped("/"), Known([]MemoryGroup{}, "/sys/fs/cgroup/memory")},
		"stopped, out of it":    {stopped("../../shop"), Known([]MemoryGroup{{Path: "/shop", Limit: ptr(uint64(128 << 20))}}, "/sys/fs/cgroup/memory/shop")},
		"counts itself alone":   {stopped("/old"), Known([]MemoryGroup{{Path: "/old"}}, "/sys/fs/cgroup/memory/old")},
		"running, in two":       {Container{Container: running(7)}, Known([]MemoryGroup{{Path: "/shop/a", Limit: ptr(uint64(64 << 20))}, {Path: "/shop", Limit: ptr(uint64(128 << 20))}}, "/sys/fs/cgroup/memory/shop/a")},
		"a parent that is gone": {stopped("/gone"), Missing[[]MemoryGroup]("/sys/fs/cgroup/memory/gone is not there any more, or the engine puts its containers elsewhere")},
		"a process of another":  {Container{Container: running(8)}, Missing[[]MemoryGroup]("process 8 is not on this host (the engine runs elsewhere, or the container has just ended)")},
	} {
		t.Run(name, func(t *testing.T) { equal(t, ParentGroups(fs, facts, tt.container), tt.want) })
	}
}

func TestParentGroupsV2(t *testing.T) {
	t.Parallel()
	host := files{
		v2Root + "system.slice/memory.max":                       "max\n",
		v2Root + "system.slice/memory.events.local":              "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0\n",
		v2Root + "shop.slice/memory.max":                         "134217728\n",
		v2Root + "shop.slice/shop-web.slice/memory.max":          "67108864\n",
		v2Root + "shop.slice/shop-web.slice/memory.events.local": "oom 3\n",
		v2Root + "bare.slice/cgroup.procs":                       "",
		"proc/7/cgroup":                                          v2Cgroups + "\n",
	}
	fs, facts := tree(t, host), factsOn(onV2, "systemd")
	for name, tt := range map[string]struct {
		container Container
		want      Fact[[]MemoryGroup]
	}{
		"stopped, the default": {stopped(""), Known([]MemoryGroup{{Path: "/system.slice", OOMs: ptr(uint64(0))}}, "/sys/fs/cgroup/system.slice")},
		"running":              {Container{Container: running(7)}, Known([]MemoryGroup{{Path: "/system.slice", OOMs: ptr(uint64(0))}}, "/sys/fs/cgroup/system.slice")},
		"a slice in another": {stopped("shop-web.slice"), Known([]MemoryGroup{
			{Path: "/shop.slice/shop-web.slice", Limit: ptr(uint64(64 << 20)), OOMs: ptr(uint64(3))},
			{Path: "/shop.slice", Limit: ptr(uint64(128 << 20))},
		}, "/sys/fs/cgroup/shop.slice/shop-web.slice")},
		"without the controller": {stopped("bare.slice"), Known([]MemoryGroup{{Path: "/bare.slice"}}, "/sys/fs/cgroup/bare.slice")},
	} {
		t.Run(name, func(t *testing.T) { equal(t, ParentGroups(fs, facts, tt.container), tt.want) })
	}
}

func TestParentGroupsMissing(t *testing.T) {
	t.Parallel()
	part := onV1
	part.Value.MemoryRoot = "/docker/" + containerID
	elsewhere := factsOn(onV1, "cgroupfs")
	elsewhere.EngineHere = Known(false, "no dockerd runs on this host")
	for why, tt := range map[string]struct {
		host  files
		facts *Facts
	}{
		"no dockerd runs on this host":         {nil, elsewhere},
		"no cgroup filesystem is mounted":      {nil, factsOn(Missing[Cgroup]("no cgroup filesystem is mounted"), "cgroupfs")},
		"the memory controller is not mounted": {nil, factsOn(Known(Cgroup{Version: "1"}, mountinfo), "cgroupfs")},
		"only a part of the cgroups":           {nil, factsOn(part, "cgroupfs")},
		"docker is not there any more":         {nil, factsOn(onV1, "")},
		"is no number that can stand here":     {files{v1Root + "docker/memory.limit_in_bytes": "much\n"}, factsOn(onV1, "cgroupfs")},
		"memory.limit_in_bytes":                {files{v1Root + "docker/": ""}, factsOn(onV1, "cgroupfs")},
		"memory.events.local":                  {files{v2Root + "system.slice/memory.max": "max\n", v2Root + "system.slice/memory.events.local": "oom 3"}, factsOn(onV2, "systemd")},
	} {
		t.Run(why, func(t *testing.T) { missing(t, ParentGroups(tree(t, tt.host), tt.facts, stopped("")), why) })
	}
}

// FuzzConfiguredParent: whatever a container is configured with, the cgroup is looked for
// below the mount point, by a path without dots.
func FuzzConfiguredParent(f *testing.F) {
	for _, s := range []string{"", "/docker", "../..", "a-b-c.slice", "-.slice", ".slice", "--.slice", "a--b.slice", "x/../../y.slice", "/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, parent string) {
		for _, driver := range []string{"cgroupfs", "systemd"} {
			got := configuredParent(driver, docker.Container{CgroupParent: parent})
			if !strings.HasPrefix(got, "/") || strings.Contains(got+"/", "/../") || strings.Contains(got, "//") {
				t.Errorf("%s: %q gives %q", driver, parent, got)
			}
		}
	})
}

func TestSlicePath(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"system.slice": "/system.slice", "shop-web.slice": "/shop.slice/shop-web.slice", "a-b-c.slice": "/a.slice/a-b.slice/a-b-c.slice",
		"-.slice": "/", "shop": "/", ".slice": "/",
	} {
		equal(t, slicePath(name), want)
	}
}

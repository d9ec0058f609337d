package host

import (
	"strings"
	"testing"
)

const containerID = "f815f11550fe3045e9cc37995d3fb867b72472a5ffed456ad29d842d029efe7d"

func TestReadSelfContainer(t *testing.T) {
	first := files{"proc/self/ns/pid": "-> " + firstPIDNamespace, "proc/self/ns/cgroup": "-> " + firstCgroupNamespace}
	own := files{"proc/self/ns/pid": "-> pid:[4026532201]", "proc/self/ns/cgroup": "-> cgroup:[4026532202]"}
	marked := files{".dockerenv": ""}
	cgroup := func(text string) files { return files{"proc/self/cgroup": text} }
	for name, c := range map[string]struct {
		host []files
		want string
	}{
		"a host": {host: []files{first, cgroup("0::/user.slice/user-0.slice/session-1.scope\n")}},
		// Its disk was exported from a Docker image, with the marker, and it is no
		// container: its cgroup has 32 digits, not a container's 64.
		"a virtual machine made of an image": {host: []files{first, marked,
			cgroup("9:name=systemd:/\n4:memory:/agent/69b196f4827704e6a9c3bb26b250f61c\n0::/\n")}},
		"before cgroup namespaces":             {host: []files{{"proc/self/ns/pid": "-> " + firstPIDNamespace}, marked, cgroup("4:memory:/\n")}},
		"Docker":                               {host: []files{own, marked, cgroup("0::/\n")}, want: "docker"},
		"Podman":                               {host: []files{own, {"run/.containerenv": ""}, cgroup("0::/\n")}, want: "podman"},
		"the host's PIDs":                      {host: []files{{"proc/self/ns/pid": "-> " + firstPIDNamespace, "proc/self/ns/cgroup": "-> cgroup:[4026532202]"}, marked}, want: "docker"},
		"all of the host's namespaces":         {host: []files{first, cgroup("0::/system.slice/docker-" + containerID + ".scope\n")}, want: "docker"},
		"Docker, cgroup v1":                    {host: []files{own, cgroup("4:memory:/docker/" + containerID + "\n")}, want: "docker"},
		"Podman's cgroup":                      {host: []files{own, marked, cgroup("0::/machine.slice/libpod-" + containerID + ".scope\n")}, want: "podman"},
		"LXC":                                  {host: []files{own, cgroup("0::/lxc.payload.web/init.scope\n")}, want: "lxc"},
		"nspawn":                               {host: []files{own, {"run/systemd/container": "systemd-nspawn\n"}}, want: "systemd-nspawn"},
		"an odd marker":                        {host: []files{own, {"run/systemd/container": "\x1b[31m\n"}}, want: "container"},
		"a pod":                                {host: []files{own, cgroup("0::/kubepods/pod1/" + containerID + "\n")}, want: "container"},
		"no marker":                            {host: []files{own}, want: "container"},
		"nothing to tell by":                   {host: []files{marked}},
		"nothing but the cgroup":               {host: []files{cgroup("4:memory:/docker/" + containerID + "\n")}, want: "docker"},
		"a directory that is called docker":    {host: []files{first, cgroup("0::/docker/build\n")}},
		"dockerd's own service":                {host: []files{first, cgroup("0::/system.slice/docker.service\n")}},
		"beneath a slice that is called lxcfs": {host: []files{first, cgroup("0::/system.slice/lxcfs.service\n")}},
	} {
		t.Run(name, func(t *testing.T) { equal(t, readSelfContainer(tree(t, c.host...)), c.want) })
	}
}

func TestContainerIn(t *testing.T) {
	for cgroups, want := range map[string]string{
		"4:memory:/docker/" + containerID:                             containerID,
		"0::/system.slice/docker-" + containerID + ".scope":           containerID,
		"0::/kubepods.slice/cri-containerd-" + containerID + ".scope": containerID,
		"0::/docker/" + containerID + "/init.scope":                   containerID,
		"1:cpu:/\n4:memory:/x/" + containerID + "\n":                  containerID,
		"4:memory:/lxc/web":                                           "web",
		"0::/docker/" + containerID[1:]:                               "",
		"0::/docker/" + containerID + "0":                             "",
		"0::/docker/" + strings.ToUpper(containerID):                  "",
		"0::/": "",
		"":     "",
	} {
		equal(t, containerIn(cgroups), want)
	}
}

// FuzzContainerIn holds that an ID is found between any other parts, and nothing that is too short.
func FuzzContainerIn(f *testing.F) {
	f.Add("system.slice/docker-", ".scope")
	f.Fuzz(func(t *testing.T, before, after string) {
		if strings.Trim(before+after, "-./_") != "" && containerIn("0::/"+before+"x/x"+after) != "" {
			return // there is one already
		}
		hex := "0123456789abcdef"
		if strings.HasSuffix(before, "\n") || strings.ContainsAny(before+after, hex) || strings.Contains(before, "lxc") {
			return
		}
		if got := containerIn("0::/" + before + containerID + after); got != containerID {
			t.Fatalf("%q", got)
		}
		if got := idIn(before + containerID[2:] + after); got != "" {
			t.Fatalf("62 digits gave %q", got)
		}
	})
}

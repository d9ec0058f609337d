package oom

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOwnerOf(t *testing.T) {
	a, b := strings.Repeat("0123456789abcdef", 4), strings.Repeat("fe", 32)
	const uid = "be1e663f-f7a1-4b90-bdfd-bb30afdf7c37"
	under := strings.ReplaceAll(uid, "-", "_")
	static := strings.Repeat("ab", 16)
	tests := []struct {
		cgroup string
		want   Owner
	}{
		{"/docker/" + a, Owner{Kind: KindDocker, ContainerID: a}},
		{"/docker/" + a + " (deleted)", Owner{Kind: KindDocker, ContainerID: a}},
		{"/system.slice/docker-" + a + ".scope", Owner{Kind: KindDocker, ContainerID: a}},
		{"/system.slice:docker:" + a, Owner{Kind: KindDocker, ContainerID: a}},
		{"/webshop/" + a, Owner{Kind: KindContainer, ContainerID: a}},
		{"/shop.slice/docker-" + a + ".scope", Owner{Kind: KindDocker, ContainerID: a}},
		{"/machine.slice/libpod-" + a + ".scope/container", Owner{Kind: KindPodman, ContainerID: a}},
		{"/libpod_parent/" + a, Owner{Kind: KindPodman, ContainerID: a}},
		{"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + a + ".scope", Owner{Kind: KindPodman, ContainerID: a}},
		{"/system.slice/nerdctl-" + a + ".scope", Owner{Kind: KindContainerd, ContainerID: a}},
		{"/kubepods.slice/kubepods-pod" + under + ".slice/crio-" + a + ".scope", Owner{Kind: KindCRIO, ContainerID: a, PodUID: uid}},
		{
			"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + under + ".slice/cri-containerd-" + a + ".scope",
			Owner{Kind: KindContainerd, ContainerID: a, PodUID: uid},
		},
		{"/kubepods/besteffort/pod" + uid + "/" + a, Owner{Kind: KindContainer, ContainerID: a, PodUID: uid}},
		{"/kubepods/besteffort/pod" + uid, Owner{Kind: KindPod, PodUID: uid}},
		{"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" + static + ".slice", Owner{Kind: KindPod, PodUID: static}},
		{"/kubepods.slice/kubepods-burstable.slice", Owner{Kind: KindSlice, Unit: "kubepods-burstable.slice"}},
		{"/docker/" + a + "/kubepods/pod" + uid + "/" + b, Owner{Kind: KindContainer, ContainerID: b, PodUID: uid}},
		{"/lxc/web", Owner{Kind: KindLXC, LXC: "web"}},
		{"/lxc.payload.web/system.slice/cron.service", Owner{Kind: KindLXC, LXC: "web", Unit: "cron.service"}},
		{"/lxc.payload/web", Owner{Kind: KindLXC, LXC: "web"}},
		{"/lxc/101/ns/docker/" + a, Owner{Kind: KindDocker, ContainerID: a, LXC: "101"}},
		{"/lxc.monitor.web", Owner{}},
		{"/docker/" + a + "/system.slice/nginx.service", Owner{Kind: KindDocker, ContainerID: a, Unit: "nginx.service"}},
		{"/system.slice/cron.service", Owner{Kind: KindService, Unit: "cron.service"}},
		{"/system.slice/system-getty.slice/getty@tty1.service", Owner{Kind: KindService, Unit: "getty@tty1.service"}},
		{"/user.slice/user-1000.slice/session-3.scope", Owner{Kind: KindSession, Unit: "session-3.scope"}},
		{"/user.slice/user-1000.slice/user@1000.service/app.slice/app-firefox.scope", Owner{Kind: KindSession, Unit: "app-firefox.scope"}},
		{"/user.slice", Owner{Kind: KindSlice, Unit: "user.slice"}},
		{"/machine.slice/libpod-conmon-" + a + ".scope", Owner{Kind: KindService, Unit: "libpod-conmon-" + a + ".scope"}},
		{"/", Owner{}},
		{"", Owner{}},
		{"/docker", Owner{}},
		{"/.service", Owner{}},
		{"/podx", Owner{}},
		{"/lxc/", Owner{}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, OwnerOf(tt.cgroup)); diff != "" {
			t.Errorf("%q: %s", tt.cgroup, diff)
		}
	}
}

// FuzzOwnerOf holds that an owner's container is the innermost of ContainerIDs, and that
// what is named stands in the path.
func FuzzOwnerOf(f *testing.F) {
	f.Add("/docker/" + strings.Repeat("ab", 32) + "/lxc/x/y.service")
	f.Add("/kubepods/pod" + strings.Repeat("0f", 16))
	f.Fuzz(func(t *testing.T, cgroup string) {
		o := OwnerOf(cgroup)
		if id, _ := ContainerID(cgroup); id != o.ContainerID {
			t.Fatalf("container %q, want %q", o.ContainerID, id)
		}
		for _, name := range []string{o.Unit, o.LXC, strings.ReplaceAll(o.PodUID, "-", "_")} {
			if !strings.Contains(strings.ReplaceAll(cgroup, "-", "_"), strings.ReplaceAll(name, "-", "_")) {
				t.Fatalf("%q is not in %q", name, cgroup)
			}
		}
		if named := o.ContainerID + o.PodUID + o.LXC + o.Unit; (named == "") != (o.Kind == KindUnknown) {
			t.Fatalf("%q: %+v", cgroup, o)
		}
	})
}

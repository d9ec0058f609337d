package oom

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestContainerID(t *testing.T) {
	a, b := strings.Repeat("0123456789abcdef", 4), strings.Repeat("fe", 32)
	tests := []struct {
		cgroup string
		want   []string
	}{
		{"/docker/" + a, []string{a}},
		{"/system.slice/docker-" + a + ".scope", []string{a}},
		{"/shop.slice/docker-" + a + ".scope", []string{a}},
		{"/webshop/" + a, []string{a}},
		{"/machine.slice/libpod-" + a + ".scope", []string{a}},
		{"/machine.slice/libpod-" + a + ".scope/container", []string{a}},
		{"/libpod_parent/libpod-" + a, []string{a}},
		{"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + a + ".scope", []string{a}},
		{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod94eb36cd.slice/cri-containerd-" + a + ".scope", []string{a}},
		{"/kubepods/besteffort/podbe1e663f-f7a1-4b90-bdfd-bb30afdf7c37/" + a, []string{a}},
		{"/kubepods.slice/kubepods-pod1.slice/crio-" + a + ".scope", []string{a}},
		{"/system.slice/nerdctl-" + a + ".scope", []string{a}},
		{"/system.slice:docker:" + a, []string{a}},
		{"/kubepods-besteffort-pod1.slice:cri-containerd:" + a, []string{a}},
		{"/docker/" + a + "/system.slice/nginx.service", []string{a}},
		{"/docker/" + a + "/docker/" + b, []string{a, b}},
		{"/docker/" + a + "/kubelet.slice/cri-containerd-" + b + ".scope/x", []string{a, b}},
		{"/docker/" + a + " (deleted)", []string{a}},
		{"", nil},
		{"/", nil},
		{"/system.slice/cron.service", nil},
		{"/docker", nil},
		{"/docker/" + a[1:], nil},
		{"/docker/" + a + "0", nil},
		{"/docker/" + strings.ToUpper(a), nil},
		{"/docker/g" + a[1:], nil},
		{"/machine.slice/libpod-conmon-" + a + ".scope", nil},
		{"/machine.slice/crio-conmon-" + a + ".scope", nil},
		{"/system.slice/build-" + a + ".scope", nil},
		{"/system.slice/docker-" + a + ".mount", nil},
		{"/system.slice/docker-" + a[1:] + ".scope", nil},
		{"/docker:" + a, nil},
	}
	for _, tt := range tests {
		got := ContainerIDs(tt.cgroup)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("ContainerIDs(%q): %s", tt.cgroup, diff)
		}
		id, ok := ContainerID(tt.cgroup)
		if ok != (len(tt.want) > 0) || (ok && id != tt.want[len(tt.want)-1]) {
			t.Errorf("ContainerID(%q) = %q, %v", tt.cgroup, id, ok)
		}
	}
}

// FuzzContainerID holds that every ID is in the path, and that a path of two parts
// gives the IDs of both.
func FuzzContainerID(f *testing.F) {
	id := strings.Repeat("ab", 32)
	f.Add("/docker/"+id, "/system.slice/docker-"+id+".scope")
	f.Add("/x:docker:"+id+" (deleted)", "/crio-conmon-"+id+".scope")
	f.Fuzz(func(t *testing.T, a, b string) {
		ids := ContainerIDs(a)
		for _, id := range ids {
			if !isID(id) || !strings.Contains(a, id) {
				t.Fatalf("%q gives %q", a, id)
			}
		}
		// The ending counts at the end only.
		if strings.HasSuffix(a, " (deleted)") {
			return
		}
		if both := ContainerIDs(a + "/" + b); !slices.Equal(both, append(ids, ContainerIDs(b)...)) {
			t.Fatalf("%q and %q give %q", a, b, both)
		}
	})
}

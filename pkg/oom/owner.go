package oom

import "strings"

// Kind is what runs in a cgroup.
type Kind string

// The kinds of owners.
const (
	KindUnknown    Kind = ""           // the path says nothing
	KindDocker     Kind = "docker"     // a container of Docker
	KindPodman     Kind = "podman"     // a container of Podman
	KindContainerd Kind = "containerd" // a container of containerd or nerdctl
	KindCRIO       Kind = "crio"       // a container of CRI-O
	KindContainer  Kind = "container"  // a container; the path does not name its engine
	KindPod        Kind = "pod"        // a Kubernetes pod, no certain container of it
	KindLXC        Kind = "lxc"        // a container of LXC, LXD, Incus or Proxmox VE
	KindService    Kind = "service"    // a systemd service, or another unit of it
	KindSession    Kind = "session"    // a user's login session, or what the user's systemd runs
	KindSlice      Kind = "slice"      // a systemd slice: all that is in it
)

// Owner is who owns a cgroup, as far as its path says. All that are around it are
// named; Kind is that of the innermost container, and where there is none of the pod,
// of the LXC container, and then of the unit.
type Owner struct {
	Kind        Kind   `json:"kind,omitempty"`
	ContainerID string `json:"containerId,omitempty"` // 64 hex digits
	PodUID      string `json:"podUid,omitempty"`      // with dashes, as Kubernetes writes it
	// Unit is the innermost systemd unit: of the container's own systemd where it lies
	// inside one. The scope that an engine makes for a container is none.
	Unit string `json:"unit,omitempty"`
	LXC  string `json:"lxc,omitempty"` // the container's name
}

// OwnerOf tells from a cgroup's path what runs there:
//
//	/docker/ID                                              Docker, cgroupfs driver
//	/system.slice/docker-ID.scope                           Docker, systemd driver
//	/webshop/ID                                             a container below a parent of one's own (--cgroup-parent)
//	/machine.slice/libpod-ID.scope                          Podman
//	/system.slice/nerdctl-ID.scope                          containerd
//	/kubepods/burstable/podUID/ID                           Kubernetes, cgroupfs driver
//	/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-podUID.slice/cri-containerd-ID.scope
//	/lxc/NAME, /lxc.payload.NAME, /lxc.payload/NAME         LXC
//	/system.slice/cron.service                              a service
//	/user.slice/user-1000.slice/session-3.scope             a login session
//
// The path of a container that docker compose started is like any other's, unless the
// project names a parent. What a process calls its own cgroup cannot be told from what
// an engine called it.
func OwnerOf(cgroup string) Owner {
	var o Owner
	cgroup = strings.TrimSuffix(cgroup, " (deleted)")
	names := strings.Split(cgroup, "/")
	for i, name := range names {
		before := ""
		if i > 0 {
			before = names[i-1]
		}
		switch {
		case o.setContainer(name, before):
			o.Unit = "" // the slices around it are the engine's
		case o.setPod(name):
			o.Unit = ""
		case o.setLXC(name, before):
			o.Unit = ""
		case isUnit(name):
			o.Unit = name
		}
	}
	if o.Kind == KindUnknown {
		o.Kind = o.kindByUnit(cgroup)
	}
	return o
}

// setContainer takes a name that holds a container's ID.
func (o *Owner) setContainer(name, before string) bool {
	id, ok := idOf(name)
	if !ok {
		return false
	}
	o.ContainerID = id
	engine, _, found := cutLast(strings.TrimSuffix(name, ".scope"), "-")
	if !found {
		engine, _, _ = cutLast(name, ":")
		if _, last, ok := cutLast(engine, ":"); ok {
			engine = last
		}
	}
	if engine == "" {
		engine = before
	}
	switch engine {
	case "docker":
		o.Kind = KindDocker
	case "libpod", "libpod_parent":
		o.Kind = KindPodman
	case "cri-containerd", "nerdctl":
		o.Kind = KindContainerd
	case "crio":
		o.Kind = KindCRIO
	default:
		o.Kind = KindContainer
	}
	return true
}

// setPod takes "pod94eb36cd-..." and "kubepods-burstable-pod94eb36cd_....slice".
func (o *Owner) setPod(name string) bool {
	uid, ok := strings.CutPrefix(name, "pod")
	if slice, is := strings.CutSuffix(name, ".slice"); is && strings.HasPrefix(slice, "kubepods-") {
		_, uid, ok = cutLast(slice, "-pod")
		uid = strings.ReplaceAll(uid, "_", "-")
	}
	if !ok || !isPodUID(uid) {
		return false
	}
	o.PodUID, o.Kind = uid, KindPod
	return true
}

// isPodUID tells a UUID, and the 32 hex digits that a static pod has.
func isPodUID(s string) bool {
	dashes := strings.Count(s, "-")
	return (dashes == 4 && len(s) == 36 || dashes == 0 && len(s) == 32) && strings.Trim(s, "0123456789abcdef-") == ""
}

// setLXC takes "lxc/NAME", "lxc.payload.NAME" and "lxc.payload/NAME".
func (o *Owner) setLXC(name, before string) bool {
	lxc, ok := strings.CutPrefix(name, "lxc.payload.")
	if before == "lxc" || before == "lxc.payload" {
		lxc, ok = name, true
	}
	if !ok || lxc == "" {
		return false
	}
	o.LXC, o.Kind = lxc, KindLXC
	return true
}

func isUnit(name string) bool {
	for _, end := range [...]string{".service", ".slice", ".scope", ".socket", ".mount", ".swap"} {
		if unit, ok := strings.CutSuffix(name, end); ok && unit != "" {
			return true
		}
	}
	return false
}

// kindByUnit tells the kind where no container is around.
func (o *Owner) kindByUnit(cgroup string) Kind {
	switch {
	case o.Unit == "":
		return KindUnknown
	case strings.HasSuffix(o.Unit, ".slice"):
		return KindSlice
	case strings.HasPrefix(cgroup, "/user.slice/"):
		return KindSession
	}
	return KindService
}

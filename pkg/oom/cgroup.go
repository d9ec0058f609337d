package oom

import (
	"slices"
	"strings"
)

// idLength is the length of a container's ID: 256 bits in lower-case hex, as Docker,
// Podman, containerd and CRI-O make them.
const idLength = 64

// engines are what engines put before the ID in a cgroup's name. Names such
// as libpod-conmon-ID.scope are of a container's monitor, which is not in the container.
var engines = [...]string{"docker", "libpod", "cri-containerd", "crio", "nerdctl"}

// ContainerID gives the ID of the container that a cgroup belongs to, from the
// cgroup's path alone, as in a kernel log's task_memcg or in /proc/PID/cgroup:
//
//	/docker/ID                                  Docker, cgroupfs driver; any parent may stand for /docker
//	/system.slice/docker-ID.scope               Docker, systemd driver; likewise libpod- (Podman),
//	                                            cri-containerd-, crio- and nerdctl-
//	/system.slice:docker:ID                     a systemd name given to the cgroupfs driver
//	/docker/ID/system.slice/nginx.service       a cgroup made inside the container
//
// Where containers are nested the last one counts: it is the one that the process
// runs in. The engine outside knows only the first one: see ContainerIDs.
func ContainerID(cgroup string) (id string, ok bool) {
	ids := ContainerIDs(cgroup)
	if len(ids) == 0 {
		return "", false
	}
	return ids[len(ids)-1], true
}

// ContainerIDs gives the IDs of all containers around a cgroup, from the outermost to
// the innermost. With an engine inside a container (/docker/OUTER/docker/INNER) the
// engine that is asked knows one of them only, and which one depends on where it runs.
func ContainerIDs(cgroup string) []string {
	var ids []string
	// A removed cgroup shows with this ending in /proc/PID/cgroup.
	cgroup = strings.TrimSuffix(cgroup, " (deleted)")
	for name := range strings.SplitSeq(cgroup, "/") {
		if id, ok := idOf(name); ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// idOf gives the ID in one cgroup's name.
func idOf(name string) (id string, ok bool) {
	if isID(name) {
		return name, true
	}
	engine, id, ok := cutLast(strings.TrimSuffix(name, ".scope"), "-")
	if !ok || !isID(id) {
		var slice string
		slice, id, _ = cutLast(name, ":")
		_, engine, _ = cutLast(slice, ":")
	}
	if !isID(id) || !slices.Contains(engines[:], engine) {
		return "", false
	}
	return id, true
}

func isID(s string) bool {
	if len(s) != idLength {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

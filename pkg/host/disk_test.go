package host

import (
	"context"
	"errors"
	"testing"

	"vmguard/pkg/docker"
)

func TestReadDisk(t *testing.T) {
	asked := ""
	usage := func(_ context.Context, path string) (Disk, error) {
		asked = path
		switch path {
		case "/gone":
			return Disk{}, errors.New("input/output error")
		case "/proc":
			return Disk{FS: "proc"}, nil
		}
		return Disk{FS: "ext2/ext3", Size: 100, Free: 40, Inodes: 10, InodesFree: 5}, nil
	}
	s := Source{FS: tree(t, files{"var/lib/docker": "-> /data/docker", "data/docker/": "", "gone/": "", "proc/": ""}), DiskUsage: usage}
	mounts := []mount{{point: "/", fsType: "ext4"}, {point: "/data", fsType: "xfs"}}
	equal(t, readDisk(t.Context(), s, mounts, "/", RoleRoot),
		Known(Disk{Path: "/", Role: RoleRoot, FS: "ext4", Size: 100, Free: 40, Inodes: 10, InodesFree: 5}, "statfs /"))
	equal(t, readDisk(t.Context(), s, mounts, "/var/lib/docker", RoleDocker),
		Known(Disk{Path: "/var/lib/docker", Role: RoleDocker, FS: "xfs", Size: 100, Free: 40, Inodes: 10, InodesFree: 5}, "statfs /var/lib/docker"))
	equal(t, asked, "/data/docker")
	equal(t, readDisk(t.Context(), s, nil, "/", RoleRoot).Value.FS, "ext2/ext3")
	readOnly := func(m ...mount) bool {
		return readDisk(t.Context(), s, m, "/var/lib/docker", RoleDocker).Value.ReadOnly
	}
	equal(t, readOnly(mounts...), false)
	equal(t, readOnly(mount{point: "/", fsType: "ext4", opts: []string{"ro"}}), true)
	equal(t, readOnly(mount{point: "/", fsType: "ext4", opts: []string{"ro"}}, mount{point: "/data", fsType: "ext4", opts: []string{"rw"}}), false)
	equal(t, readOnly(mount{point: "/", fsType: "overlay", opts: []string{"rw"}, super: []string{"ro"}}), true)
	for _, kind := range []string{"erofs", "squashfs", "composefs", "iso9660"} {
		equal(t, readOnly(mount{point: "/", fsType: kind, opts: []string{"rw"}}), true)
	}
	broken := readDisk(t.Context(), s, nil, "/gone", RoleDocker)
	missing(t, broken, "statfs /gone: input/output error")
	equal(t, broken.Value, Disk{Path: "/gone", Role: RoleDocker})
	missing(t, readDisk(t.Context(), s, nil, "/proc", RoleRoot), "does not tell its size")
	missing(t, readDisk(t.Context(), s, nil, "/nowhere", RoleRoot), "/nowhere does not exist")
	s.DiskUsage = func(context.Context, string) (Disk, error) { return Disk{FS: "squashfs", Size: 100}, nil }
	equal(t, readDisk(t.Context(), s, nil, "/", RoleRoot).Value.ReadOnly, true) // by statfs(2) alone
	s.DiskUsage = nil
	missing(t, readDisk(t.Context(), s, nil, "/", RoleRoot), "only be asked of the running host")
}

func TestDockerDir(t *testing.T) {
	host := tree(t, files{"var/lib/docker/": "", "file": ""})
	for name, c := range map[string]struct {
		engine docker.Engine
		want   bool
	}{
		"local":           {docker.Engine{Endpoint: "unix:///var/run/docker.sock", RootDir: "/var/lib/docker"}, true},
		"remote":          {docker.Engine{Endpoint: "tcp://10.0.0.1:2376", RootDir: "/var/lib/docker"}, false},
		"not there":       {docker.Engine{Endpoint: "unix:///x", RootDir: "/elsewhere"}, false},
		"no directory":    {docker.Engine{Endpoint: "unix:///x", RootDir: "/file"}, false},
		"nothing is told": {docker.Engine{Endpoint: "unix:///x"}, false},
	} {
		if _, got := dockerDir(host, c.engine); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

package host

import (
	"context"
	"fmt"
	"strings"

	"vmguard/pkg/docker"
	"vmguard/pkg/rootfs"
)

// Disk is the space of the filesystem that holds a path (statfs(2)).
type Disk struct {
	Path string `json:"path"`
	Role string `json:"role"` // "root" for /, "docker" for the engine's data; empty for any other path
	FS   string `json:"fs,omitempty"`
	// ReadOnly tells that it is mounted read-only, or is of a kind that cannot be written.
	ReadOnly bool   `json:"readOnly,omitempty"`
	Size     uint64 `json:"sizeBytes"`
	// Free is what an unprivileged process may still use.
	Free uint64 `json:"freeBytes"`
	// Inodes is 0 on filesystems that make inodes as they need them (btrfs).
	Inodes     uint64 `json:"inodes"`
	InodesFree uint64 `json:"inodesFree"`
}

// The roles of a disk.
const (
	RoleRoot   = "root"
	RoleDocker = "docker"
)

// missingDisk is a disk whose space could not be had. It keeps its path and role, so
// that a reader can tell which one it is.
func missingDisk(path, role, why string) Fact[Disk] {
	return Fact[Disk]{Value: Disk{Path: path, Role: role}, Missing: why}
}

// readDisk asks for the space at a path. The type of the filesystem comes from the
// mount table where that has it: statfs(2) cannot tell ext2, ext3 and ext4 apart.
func readDisk(ctx context.Context, s Source, mounts []mount, path, role string) Fact[Disk] {
	if s.DiskUsage == nil {
		return missingDisk(path, role, "space can only be asked of the running host")
	}
	resolved, err := s.FS.Resolve(path)
	if err != nil {
		return missingDisk(path, role, unread(path, err))
	}
	d, err := s.DiskUsage(ctx, resolved)
	switch {
	case err != nil:
		return missingDisk(path, role, fmt.Sprintf("statfs %s: %v", path, err))
	case d.Size == 0:
		return missingDisk(path, role, "the filesystem of "+path+" does not tell its size")
	}
	d.Path, d.Role = path, role
	m := mountOf(mounts, resolved)
	if m.fsType != "" {
		d.FS = m.fsType
	}
	d.ReadOnly = m.readOnly() || neverWritable(d.FS)
	return Known(d, "statfs "+path)
}

// neverWritable tells whether a type of filesystem is made once and cannot be written
// again, whatever its mount options say.
func neverWritable(fsType string) bool {
	switch fsType {
	case "composefs", "erofs", "iso9660", "squashfs":
		return true
	default:
		return false
	}
}

// dockerDir gives the directory of the engine's data where it lies on this host:
// the engine is asked through a socket, and the directory is there.
func dockerDir(tree *rootfs.FS, engine docker.Engine) (string, bool) {
	if engine.RootDir == "" || !strings.HasPrefix(engine.Endpoint, "unix://") {
		return "", false
	}
	info, err := tree.Stat(engine.RootDir)
	return engine.RootDir, err == nil && info.IsDir()
}

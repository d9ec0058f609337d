package host

import (
	"context"
	"os"
	"time"

	"github.com/shirou/gopsutil/v3/disk"
	"golang.org/x/sys/unix"

	"vmguard/pkg/oom"
	"vmguard/pkg/rootfs"
)

// LiveSource gives the sources of the running host. The Docker engine is the caller's
// to add: until then, none is asked. Close the source after use.
func LiveSource() (Source, error) {
	tree, err := rootfs.Open("/")
	if err != nil {
		return Source{}, err
	}
	return Source{
		FS:   tree,
		Live: true,
		Root: os.Geteuid() == 0,
		KernelLog: func(ctx context.Context) (oom.Log, error) {
			return oom.ReadKmsg(ctx, kmsg)
		},
		DiskUsage: diskUsage,
		Keepalive: NamespaceKeepalive,
		Awake:     timeAwake,
		Now:       time.Now,
	}, nil
}

// timeAwake asks for CLOCK_MONOTONIC, which stands still in suspend (clock_gettime(2)).
func timeAwake() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

// diskUsage asks the kernel (statfs(2)) for the space at a path. It may hang for as
// long as a network filesystem does, whatever the context says.
func diskUsage(ctx context.Context, path string) (Disk, error) {
	u, err := disk.UsageWithContext(ctx, path)
	if err != nil {
		return Disk{}, err
	}
	return Disk{
		Path:       path,
		FS:         u.Fstype,
		Size:       u.Total,
		Free:       u.Free,
		Inodes:     u.InodesTotal,
		InodesFree: u.InodesFree,
	}, nil
}

package host

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"vmguard/pkg/rootfs"
)

// CollectSwap takes the part of a snapshot that swap is about: the swap areas in use,
// those set up for boot, memory, the system, sysctls, daemons, whether an engine is installed, and the root disk. They
// are read as Collect reads them, within 2 s. All other facts stay not collected; the
// engine and the kernel's log are not asked.
func CollectSwap(ctx context.Context, s Source) *Facts {
	now := s.Now
	if now == nil {
		now = time.Now
	}
	facts := &Facts{CollectedAt: now().UTC()}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	sh := newShared(s)
	gather(ctx, facts, append(swapReadings(s, sh),
		memoryReading(s), systemReading(s, sh), daemonsReading(sh), installedReading(s, sh), rootDiskReading(s, sh), sysctlReading(s)))
	return facts
}

// DiskAt gives the space of the filesystem that holds a path, which must exist
// (statfs(2)), and its type by the mount table, else as far as statfs can tell it. The
// role stays empty. A filesystem that does not answer is given up after 2 s, and the
// disk is then missing, as it is where the host is not the running one.
func DiskAt(ctx context.Context, s Source, path string) Fact[Disk] {
	facts := &Facts{}
	gather(ctx, facts, []reading{
		diskReading(fileLimit, 0, Disk{Path: path}, func(ctx context.Context) Fact[Disk] {
			mounts, _ := readMounts(s.FS) // only the type's name is lost
			return readDisk(ctx, s, mounts, path, "")
		}),
	})
	return facts.Disks[0]
}

// VolatileEtc tells why /etc does not outlive a reboot, in words such as "/etc is on
// tmpfs"; it is empty where nothing speaks against it. It goes by os-release(5) and the
// mount table (proc_pid_mountinfo(5)), and is missing where these do not tell, as with
// an overlay whose upper directory is out of sight.
func VolatileEtc(s Source) Fact[string] {
	// cos: https://cloud.google.com/container-optimized-os/docs/concepts/disks-and-filesystem
	if id, source := readOSID(s.FS); id == "cos" {
		return Known("Container-Optimized OS makes /etc anew at every boot", source)
	}
	mounts, err := readMounts(s.FS)
	if err != nil {
		return Missing[string](err.Error())
	}
	const etc = "/etc"
	m, err := mountAt(s.FS, mounts, etc)
	switch {
	case err != nil:
		return Missing[string](err.Error())
	case m.inMemory():
		return Known(etc+" is on "+m.fsType, mountinfo)
	case m.fsType != overlayFS:
		return Known("", mountinfo)
	}
	upper, ok := m.upperDir()
	if !ok {
		return Known("", mountinfo) // nothing can be written to it, and so nothing gets lost
	}
	below, err := upperMount(s.FS, mounts, upper)
	switch {
	case err != nil:
		return Missing[string](fmt.Sprintf("where the overlay on %s keeps its changes cannot be told: %v", etc, err))
	case below.inMemory():
		return Known(fmt.Sprintf("%s is an overlay that keeps its changes on %s (%s)", etc, below.fsType, upper), mountinfo)
	}
	return Known("", mountinfo)
}

// overlayFS is the type of an overlay (Documentation/filesystems/overlayfs.rst).
const overlayFS = "overlay"

// inMemory tells whether what is written to the mount is lost when the machine stops.
// A rootfs is a tmpfs or ramfs, too: the root of a system that never left its initramfs
// (Documentation/filesystems/ramfs-rootfs-initramfs.rst).
func (m mount) inMemory() bool {
	switch m.fsType {
	case "ramfs", "rootfs", "tmpfs":
		return true
	default:
		return false
	}
}

// upperDir gives the directory that an overlay keeps its changes in, as whoever mounted
// it wrote it, also with a backslash before a comma; there is none where the overlay
// cannot be written to.
func (m mount) upperDir() (string, bool) {
	for _, option := range m.super {
		if dir, ok := strings.CutPrefix(option, "upperdir="); ok {
			return unescapeOctal(dir), true
		}
	}
	return "", false
}

// upperMount gives the mount that holds the upper directory of an overlay. It errs where
// that cannot be known: the name was good in the mount namespace and at the time of the
// mounting, and the directory may since have been moved, hidden or left behind in an initramfs.
func upperMount(tree *rootfs.FS, mounts []mount, dir string) (mount, error) {
	if !path.IsAbs(dir) {
		return mount{}, fmt.Errorf("upperdir=%s is no absolute path", dir)
	}
	m, err := mountAt(tree, mounts, dir)
	switch {
	case err != nil:
		return mount{}, fmt.Errorf("upperdir=%s: %w", dir, err)
	case m.fsType == overlayFS:
		// Most likely the overlay was mounted over its own upper directory.
		return mount{}, fmt.Errorf("upperdir=%s leads to an overlay itself", dir)
	}
	return m, nil
}

// mountAt gives the mount that holds what a name leads to.
func mountAt(tree *rootfs.FS, mounts []mount, name string) (mount, error) {
	resolved, err := tree.Resolve(name)
	if err != nil {
		return mount{}, errors.New(unread(name, err))
	}
	m := mountOf(mounts, resolved)
	if m.fsType == "" {
		return mount{}, fmt.Errorf("%s names no mount that holds %s", mountinfo, resolved)
	}
	return m, nil
}

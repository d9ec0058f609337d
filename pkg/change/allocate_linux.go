package change

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// Allocation is a new file without holes that root alone may read.
type Allocation struct {
	Path   string
	Size   uint64 // bytes, a multiple of the page size
	Method Method
	// NoCopyOnWrite asks btrfs to write the file in place, without compression and checksums,
	// as a swapfile needs it. It must be said of an empty file (btrfs(5)).
	NoCopyOnWrite bool
	// Label is the file's SELinux label; empty where SELinux is off.
	Label string
}

// Create makes the file, and gives the method that was used. It is 0600 from birth and
// root's. Where anything fails, the context's end among it, the file is removed again.
// It errs where the path exists.
func (a Allocation) Create(ctx context.Context, progress Progress) (Method, error) {
	file, err := os.OpenFile(a.Path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return "", err
	}
	used, err := a.fill(ctx, file, progress)
	err = errors.Join(err, file.Close())
	if err != nil {
		if left := removeStale(a.Path); left != nil {
			err = fmt.Errorf("%w; %w (%w)", err, left, ErrLeft)
		}
		return "", err
	}
	return used, nil
}

func (a Allocation) fill(ctx context.Context, file *os.File, progress Progress) (Method, error) {
	if err := a.prepare(file); err != nil {
		return "", err
	}
	if a.Method != Write {
		err := fallocate(ctx, file, a.Size)
		switch {
		case err == nil:
			return Fallocate, nil
		case a.Method == Fallocate, !cannotFallocate(err):
			return "", fmt.Errorf("fallocate %s: %w", a.Path, err)
		}
	}
	return Write, writeZeroes(ctx, a.Path, 0, a.Size, progress)
}

// prepare sets what must be set while the file is empty.
func (a Allocation) prepare(file *os.File) error {
	fd := int(file.Fd())
	// A mask of the process may take bits away, and a default ACL of the directory add some.
	if err := unix.Fchmod(fd, 0o600); err != nil {
		return &fs.PathError{Op: "chmod", Path: a.Path, Err: err}
	}
	if a.NoCopyOnWrite {
		if err := forbidCopyOnWrite(fd); err != nil {
			return fmt.Errorf("forbid copy-on-write of %s: %w", a.Path, err)
		}
	}
	if a.Label != "" {
		// Policies without that type refuse it, and a filesystem may hold no labels:
		// swapon says so if it matters.
		err := unix.Fsetxattr(fd, "security.selinux", []byte(a.Label+"\x00"), 0)
		if err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOTSUP) {
			return fmt.Errorf("label %s as %s: %w", a.Path, a.Label, err)
		}
	}
	return nil
}

// forbidCopyOnWrite sets the attribute C, and takes away c and m, which contradict it and
// are inherited from the directory (ioctl_iflags(2)).
func forbidCopyOnWrite(fd int) error {
	// FS_COMPR_FL, FS_NOCOMP_FL, FS_NOCOW_FL (include/uapi/linux/fs.h)
	const compress, noCompress, noCopyOnWrite = 0x4, 0x400, 0x800000
	flags, err := unix.IoctlGetInt(fd, unix.FS_IOC_GETFLAGS)
	if err != nil {
		return err
	}
	// In two calls, for btrfs refuses C as long as the file has one of the others (fs/btrfs/ioctl.c).
	flags &^= compress | noCompress
	if err := unix.IoctlSetPointerInt(fd, unix.FS_IOC_SETFLAGS, flags); err != nil {
		return err
	}
	return unix.IoctlSetPointerInt(fd, unix.FS_IOC_SETFLAGS, flags|noCopyOnWrite)
}

// cannotFallocate tells that a filesystem has no preallocation. Any other failure, such
// as a full disk, would befall the writing as well.
func cannotFallocate(err error) bool {
	return errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EINVAL)
}

func fallocate(ctx context.Context, file *os.File, size uint64) error {
	for {
		err := unix.Fallocate(int(file.Fd()), 0, 0, int64(size))
		if !errors.Is(err, unix.EINTR) || ctx.Err() != nil {
			return err
		}
	}
}

// Overwrite writes zeroes over a file that is there, from an offset on, a multiple of the page size: afterwards
// that part of it has neither holes nor preallocated blocks that were never written.
func Overwrite(ctx context.Context, path string, from, size uint64, progress Progress) error {
	if err := checkRegular("overwrite", path); err != nil {
		return err
	}
	return writeZeroes(ctx, path, from, size, progress)
}

const (
	// writeBlock is what one write(2) takes: large enough that the calls do not count.
	writeBlock = 4 << 20
	// syncEvery bounds what of a file lies in the page cache, where the disk cannot be
	// written to directly: more would push out what other programs use.
	syncEvery = 32 << 20
)

// writeZeroes fills a file from an offset on and waits until it is on the disk. It goes
// past the page cache where the filesystem lets it.
func writeZeroes(ctx context.Context, path string, from, size uint64, progress Progress) error {
	// Memory of the kernel's that was never written to: it is zero, and takes no room.
	zeroes, err := unix.Mmap(-1, 0, writeBlock, unix.PROT_READ, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return os.NewSyscallError("mmap", err)
	}
	defer unix.Munmap(zeroes) //nolint:errcheck // the process ends soon, and its memory with it
	const flags = os.O_WRONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK
	file, err := os.OpenFile(path, flags|unix.O_DIRECT, 0)
	direct := err == nil
	if errors.Is(err, unix.EINVAL) {
		file, err = os.OpenFile(path, flags, 0)
	}
	if err != nil {
		return err
	}
	if err := regular(file); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), file.Close())
	}
	err = zeroAll(ctx, file, zeroes, from, size, direct, progress)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

func zeroAll(ctx context.Context, file *os.File, zeroes []byte, from, size uint64, direct bool, progress Progress) error {
	fd := int(file.Fd())
	for done := from; done < size; {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("write %s: %w", file.Name(), err)
		}
		n, err := unix.Pwrite(fd, zeroes[:min(writeBlock, size-done)], int64(done))
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case direct && errors.Is(err, unix.EINVAL): // it was opened so, but cannot be written so
			if direct, err = false, setBuffered(fd); err == nil {
				continue
			}
			fallthrough
		case err != nil:
			return &fs.PathError{Op: "write", Path: file.Name(), Err: err}
		case n <= 0:
			return &fs.PathError{Op: "write", Path: file.Name(), Err: unix.EIO}
		}
		before := done
		done += uint64(n)
		if !direct && before/syncEvery != done/syncEvery {
			if err := forget(fd); err != nil {
				return &fs.PathError{Op: "sync", Path: file.Name(), Err: err}
			}
		}
		progress(done, size)
	}
	return nil
}

// setBuffered takes O_DIRECT off an open file.
func setBuffered(fd int) error {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		return err
	}
	_, err = unix.FcntlInt(uintptr(fd), unix.F_SETFL, flags&^unix.O_DIRECT)
	return err
}

// forget writes out what the page cache holds of a file, and lets go of it.
func forget(fd int) error {
	if err := unix.Fdatasync(fd); err != nil {
		return err
	}
	return unix.Fadvise(fd, 0, 0, unix.FADV_DONTNEED)
}

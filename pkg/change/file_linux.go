package change

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// Remove removes a file, and makes that durable. It errs on what is no regular file, a
// link among them, and where there is none. The kernel refuses to remove an active swapfile (EPERM).
func Remove(path string) error {
	if err := checkRegular("remove", path); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	return syncDir(path)
}

// Rename gives a regular file a name that is free, and makes that durable. The kernel refuses to rename
// an active swapfile (EPERM).
func Rename(from, to string) error {
	if err := checkRegular("rename", from); err != nil {
		return err
	}
	err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		err = renameIfFree(from, to) // a filesystem that cannot refuse to replace
	}
	if err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	if err := syncDir(to); err != nil {
		return errors.Join(err, unix.Rename(to, from)) // who sees an error takes the old name for granted
	}
	return nil
}

func renameIfFree(from, to string) error {
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			err = unix.EEXIST
		}
		return err
	}
	return unix.Rename(from, to)
}

// Chmod sets the permission bits of a regular file, and gives those that it had.
func Chmod(path string, mode fs.FileMode) (was fs.FileMode, err error) {
	file, err := openRegular(path, os.O_RDONLY)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	if err := file.Chmod(mode); err != nil {
		return 0, err
	}
	return info.Mode().Perm(), file.Sync()
}

// WriteAt writes data into a regular file that is there, and waits until the whole file is on the disk.
func WriteAt(path string, data []byte, offset int64) error {
	file, err := openRegular(path, os.O_WRONLY)
	if err != nil {
		return err
	}
	_, err = file.WriteAt(data, offset)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

func openRegular(path string, flag int) (*os.File, error) {
	// Not blocking, for the opening of a FIFO would wait for its other end.
	file, err := os.OpenFile(path, flag|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if err := regular(file); err != nil {
		_ = file.Close()
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return file, nil
}

func checkRegular(op, path string) error {
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return &fs.PathError{Op: op, Path: path, Err: errIrregular}
	}
	return nil
}

// SetSysctl writes a running kernel parameter; path is its file below /proc/sys (proc(5)).
func SetSysctl(path, value string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString(value + "\n")
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("set %s: %w", path, err)
	}
	return nil
}

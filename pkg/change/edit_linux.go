package change

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// ErrChanged says that a file is no longer what the edit was made for.
var ErrChanged = errors.New("the file has changed meanwhile")

// maxEdit bounds the files that are edited.
const maxEdit = 1 << 20

// temporary gives the name under which a file is made that then takes the place of another. It is always the same, so
// that what a killed run left is found by the next one.
func temporary(path string) string { return path + ".vmguard-new" }

// Step makes a step of the edit.
func (e Edit) Step(name, text string) Step {
	kept := false
	return Step{
		Name: name, Text: text, Diff: Diff(e.Path, e.Was, e.Now),
		Apply: func(context.Context, Progress) (string, error) {
			var err error
			if kept, err = e.keep(); err != nil {
				return "", err
			}
			if err := e.replace(e.Was, e.Now); err != nil {
				return "", errors.Join(err, e.drop(kept))
			}
			return "", nil
		},
		Undo: func(context.Context) error {
			if err := e.replace(e.Now, e.Was); err != nil {
				return err
			}
			return e.drop(kept)
		},
	}
}

// keep makes the backup, in place of an older one, and tells whether it did.
func (e Edit) keep() (bool, error) {
	if e.Backup == "" || e.Was == nil {
		return false, nil
	}
	if err := install(e.Backup, e.Was, e.Path); err != nil {
		return false, fmt.Errorf("back up %s: %w", e.Path, err)
	}
	return true, nil
}

func (e Edit) drop(kept bool) error {
	if !kept {
		return nil
	}
	return Remove(e.Backup)
}

// replace brings the file from one content to another.
func (e Edit) replace(from, to []byte) error {
	there, err := readSmall(e.Path)
	switch {
	case err != nil:
		return fmt.Errorf("edit %s: %w", e.Path, err)
	case !bytes.Equal(there, from) || (there == nil) != (from == nil):
		return fmt.Errorf("edit %s: %w", e.Path, ErrChanged)
	case to == nil:
		err = Remove(e.Path)
	default:
		err = install(e.Path, to, e.Path)
	}
	if err != nil {
		return fmt.Errorf("edit %s: %w", e.Path, err)
	}
	return nil
}

// readSmall reads a regular file that is no link; nil without an error where there is none.
func readSmall(path string) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // nil is the content of a file that is not there
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if err := regular(file); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(file, maxEdit+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > maxEdit:
		return nil, errors.New("too large to be edited")
	case data == nil:
		data = []byte{}
	}
	return data, nil
}

// errIrregular says that a name is none of a regular file.
var errIrregular = errors.New("not a regular file")

func regular(file *os.File) error {
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errIrregular
	}
	return err
}

// install puts a file of that content in place of path, with owner, mode and extended
// attributes (ACLs, SELinux label) of the file at like, where there is one; else root's
// and readable by all. All of it is on the disk when it returns.
func install(path string, content []byte, like string) error {
	tmp := temporary(path)
	if err := removeStale(tmp); err != nil {
		return err
	}
	file, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	err = fillLike(file, content, like)
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		return errors.Join(err, removeStale(tmp))
	}
	return syncDir(path)
}

func fillLike(file *os.File, content []byte, like string) error {
	if _, err := file.Write(content); err != nil {
		return err
	}
	if err := resemble(file, like); err != nil {
		return err
	}
	return file.Sync()
}

// resemble gives a file the owner, mode and extended attributes of another.
func resemble(file *os.File, like string) error {
	fd := int(file.Fd())
	var st unix.Stat_t
	switch err := unix.Lstat(like, &st); {
	case errors.Is(err, unix.ENOENT):
		return os.NewSyscallError("fchmod", unix.Fchmod(fd, 0o644))
	case err != nil:
		return os.NewSyscallError("lstat", err)
	}
	if err := unix.Fchown(fd, int(st.Uid), int(st.Gid)); err != nil {
		return os.NewSyscallError("fchown", err)
	}
	// After the owner, since a change of owner takes away bits of the mode.
	if err := unix.Fchmod(fd, st.Mode&0o7777); err != nil {
		return os.NewSyscallError("fchmod", err)
	}
	return copyAttributes(fd, like)
}

// copyAttributes copies the extended attributes (xattr(7)). A filesystem that has none
// has none to copy.
func copyAttributes(fd int, like string) error {
	list := make([]byte, 64<<10)
	n, err := unix.Llistxattr(like, list)
	if errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.ENOSYS) {
		return nil
	}
	if err != nil {
		return os.NewSyscallError("listxattr", err)
	}
	value := make([]byte, 64<<10)
	for name := range bytes.SplitSeq(list[:n], []byte{0}) {
		if len(name) == 0 {
			continue
		}
		size, err := unix.Lgetxattr(like, string(name), value)
		if err != nil {
			return os.NewSyscallError("getxattr", err)
		}
		if err := unix.Fsetxattr(fd, string(name), value[:size], 0); err != nil {
			return os.NewSyscallError("setxattr", err)
		}
	}
	return nil
}

// removeStale removes what a killed run left under a temporary name.
func removeStale(tmp string) error {
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// syncDir makes a directory's entries durable (fsync(2)): that of the file at path.
func syncDir(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

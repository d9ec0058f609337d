package change

import (
	"bytes"
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// looks are what a file has beside its content, and keeps when that is replaced.
type looks struct {
	uid, gid int
	mode     uint32
	// attributes are the extended ones (xattr(7)), ACLs and the SELinux label among them.
	attributes map[string][]byte
}

// looksOf reads the looks of a file; nil where there is none.
func looksOf(path string) (*looks, error) {
	var st unix.Stat_t
	switch err := unix.Lstat(path, &st); {
	case errors.Is(err, unix.ENOENT):
		return nil, nil //nolint:nilnil // nil are the looks of a file that is not there
	case err != nil:
		return nil, os.NewSyscallError("lstat", err)
	}
	attributes, err := attributesOf(path)
	if err != nil {
		return nil, err
	}
	return &looks{int(st.Uid), int(st.Gid), st.Mode & 0o7777, attributes}, nil
}

// attributesOf reads the extended attributes. A filesystem that has none has none to keep.
func attributesOf(path string) (map[string][]byte, error) {
	const most = 64 << 10 // XATTR_LIST_MAX, XATTR_SIZE_MAX (include/uapi/linux/limits.h)
	list, value := make([]byte, most), make([]byte, most)
	n, err := unix.Llistxattr(path, list)
	switch {
	case errors.Is(err, unix.ENOTSUP), errors.Is(err, unix.ENOSYS):
		return nil, nil
	case err != nil:
		return nil, os.NewSyscallError("listxattr", err)
	}
	attributes := map[string][]byte{}
	for name := range bytes.SplitSeq(list[:n], []byte{0}) {
		if len(name) == 0 {
			continue
		}
		size, err := unix.Lgetxattr(path, string(name), value)
		if err != nil {
			return nil, os.NewSyscallError("getxattr", err)
		}
		attributes[string(name)] = bytes.Clone(value[:size])
	}
	return attributes, nil
}

// give gives a new file these looks.
func (l *looks) give(file *os.File) error {
	fd := int(file.Fd())
	if l == nil {
		return os.NewSyscallError("fchmod", unix.Fchmod(fd, 0o644))
	}
	if err := unix.Fchown(fd, l.uid, l.gid); err != nil {
		return os.NewSyscallError("fchown", err)
	}
	const acl = "system.posix_acl_access"
	if l.attributes[acl] == nil { // the directory's default ACL may have given it one
		err := unix.Fremovexattr(fd, acl)
		if err != nil && !errors.Is(err, unix.ENODATA) && !errors.Is(err, unix.ENOTSUP) {
			return os.NewSyscallError("removexattr", err)
		}
	}
	// After the owner, since a change of owner takes away bits of the mode.
	if err := unix.Fchmod(fd, l.mode); err != nil {
		return os.NewSyscallError("fchmod", err)
	}
	for name, value := range l.attributes {
		if err := unix.Fsetxattr(fd, name, value, 0); err != nil {
			return os.NewSyscallError("setxattr", err)
		}
	}
	return nil
}

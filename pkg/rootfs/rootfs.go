// Package rootfs is the only door to a host's files.
//
// A tree is either the live host ("/") or a directory that holds a mounted image or
// a recorded tree. In a directory every symbolic link, absolute or relative, means
// what it would mean on the host that owns the tree: an absolute target starts again
// at the directory, and ".." never climbs above it. Nothing outside is ever opened.
// (os.DirFS follows absolute links out of the image, and os.Root refuses them.)
//
// Devices, FIFOs and sockets are refused without being opened: opening one can block
// for ever or do something (a watchdog starts, a tape rewinds).
package rootfs

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
)

// FS is a host's file tree. Its methods may be called concurrently.
//
// Names are paths as the host knows them, such as "/etc/fstab"; a missing leading
// slash is added, so that no name depends on the working directory. Errors name the
// same path and keep their cause: errors.Is finds fs.ErrNotExist, fs.ErrPermission,
// ErrNotRegular, ErrTooLarge and ErrTooMany in them.
type FS struct {
	dir   string
	root  *os.Root // nil for the live host
	image bool     // the kernel's own file systems are hidden
	ctx   context.Context
}

// ErrNotRegular says that a name is a device, FIFO, socket or directory, which are never opened for reading.
var ErrNotRegular = errors.New("not a regular file")

// ErrTooLarge says that a file is larger than the reader allows.
var ErrTooLarge = errors.New("file too large")

// ErrTooMany says that a directory holds more names than the reader allows.
var ErrTooMany = errors.New("too many names in the directory")

// maxNames is how many names ReadDir takes. No directory of configuration comes near.
const maxNames = 10_000

// Open gives the tree below dir; "/" is the live host. It errs where dir is not a
// directory that can be opened. Close the tree after use.
func Open(dir string) (*FS, error) {
	if dir == "" {
		return nil, &fs.PathError{Op: "open", Path: dir, Err: fs.ErrNotExist}
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if abs == "/" {
		return &FS{dir: abs}, nil
	}
	return openTree(abs, dir)
}

// openTree opens a directory as a tree; name is what errors call it.
func openTree(abs, name string) (*FS, error) {
	// os.OpenRoot opens before it looks, and would wait for a FIFO's writer.
	switch fi, err := os.Stat(abs); {
	case err != nil:
		return nil, err
	case !fi.IsDir():
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.ENOTDIR}
	}
	root, err := os.OpenRoot(abs)
	if err != nil {
		return nil, err
	}
	return &FS{dir: abs, root: root}, nil
}

// OpenImage gives the tree below dir as an image: a host that does not run. Even "/" is
// only a tree then. /proc, /sys, /dev and /run do not exist in it: where something is
// mounted there, as in a chroot, it belongs to the machine that builds the image.
func OpenImage(dir string) (*FS, error) {
	if dir == "" {
		return nil, &fs.PathError{Op: "open", Path: dir, Err: fs.ErrNotExist}
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	f, err := openTree(abs, dir)
	if err != nil {
		return nil, err
	}
	f.image = true
	return f, nil
}

// Within gives the same tree, whose files and directories are read only until ctx ends: what
// reads a long list of them then soon comes to its end. Only the tree itself is to be closed.
func (f *FS) Within(ctx context.Context) *FS {
	bound := *f
	bound.ctx = ctx
	return &bound
}

// Dir gives the directory that holds the tree, "/" for the live host.
func (f *FS) Dir() string { return f.dir }

// Close releases the tree. On the live host there is nothing to release.
func (f *FS) Close() error {
	if f.root == nil {
		return nil
	}
	return f.root.Close()
}

// ReadFile reads a regular file, following links. A file with more than limit bytes
// gives ErrTooLarge and no data, so that a part is never taken for the whole; the
// size that the file system reports is not believed (0 in /proc, 4096 in /sys).
// A name that is not a regular file gives ErrNotRegular.
func (f *FS) ReadFile(name string, limit int64) ([]byte, error) {
	data, err := f.readFile(name, limit)
	if err != nil {
		return nil, pathError("read", name, err)
	}
	return data, nil
}

func (f *FS) readFile(name string, limit int64) ([]byte, error) {
	if err := f.ended(); err != nil {
		return nil, err
	}
	if f.root == nil {
		p, err := livePath(name)
		if err != nil {
			return nil, err
		}
		return readLive(p, limit)
	}
	return f.readBy(name, func(read func([]byte) (int, error)) ([]byte, error) { return readAll(read, limit) })
}

// readBy opens a regular file and has it read.
func (f *FS) readBy(name string, take func(read func([]byte) (int, error)) ([]byte, error)) ([]byte, error) {
	file, err := f.openRegular(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	read, err := reader(file)
	if err != nil {
		return nil, err
	}
	return take(read)
}

// ReadDir lists a directory, following links to it, sorted by name. An entry's Info
// does not follow links. A name that is not a directory gives ENOTDIR, and one with more
// than 10,000 names gives ErrTooMany and none of them, so that a part is never taken for the whole.
func (f *FS) ReadDir(name string) ([]fs.DirEntry, error) { return f.ReadDirMost(name, maxNames) }

// ReadDirMost is ReadDir with another bound, for a directory such as /proc.
func (f *FS) ReadDirMost(name string, most int) ([]fs.DirEntry, error) {
	const op = "readdir"
	dir, err := f.openDir(name)
	if err != nil {
		return nil, pathError(op, name, err)
	}
	defer dir.Close()
	list, err := readNames(dir, most)
	if err != nil {
		return nil, pathError(op, name, err)
	}
	if f.root != nil {
		// The entries of the standard library go by the path of the directory when
		// asked for Info, and that path may be swapped for a link out of the tree.
		for i, e := range list {
			list[i] = entry{DirEntry: e, fs: f, path: hostPath(name) + "/" + e.Name()}
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Name() < list[j].Name() })
	return list, nil
}

// readNames takes what a directory holds, up to a number of names.
func readNames(dir *os.File, most int) ([]fs.DirEntry, error) {
	var list []fs.DirEntry
	for {
		more, err := dir.ReadDir(most + 1 - len(list))
		list = append(list, more...)
		switch {
		case len(list) > most:
			return nil, ErrTooMany
		case errors.Is(err, io.EOF):
			return list, nil
		case err != nil:
			return nil, err
		}
	}
}

// Lstat describes name itself; of a link, the link. Links in the directories before it are followed.
func (f *FS) Lstat(name string) (fs.FileInfo, error) { return f.stat("lstat", name, false) }

// Stat describes what name leads to, following links.
func (f *FS) Stat(name string) (fs.FileInfo, error) { return f.stat("stat", name, true) }

// Readlink gives a link's target as it is written, not re-rooted. A name that is no
// link gives EINVAL, as readlink(2) does.
func (f *FS) Readlink(name string) (string, error) {
	target, err := f.target(name)
	if err != nil {
		return "", pathError("readlink", name, err)
	}
	return target, nil
}

// Resolve gives the path, as the host knows it, that name leads to once every link
// is followed; nothing in it is a link. Like realpath(3) it errs where a part does
// not exist, and with ELOOP after 40 links.
func (f *FS) Resolve(name string) (string, error) {
	p, err := f.walk(name, true)
	if err != nil {
		return "", pathError("resolve", name, err)
	}
	return "/" + p, nil
}

func (f *FS) target(name string) (string, error) {
	if f.root == nil {
		p, err := livePath(name)
		if err != nil {
			return "", err
		}
		return os.Readlink(p)
	}
	p, err := f.walk(name, false)
	if err != nil {
		return "", err
	}
	return f.readlink(p)
}

func (f *FS) stat(op, name string, follow bool) (fs.FileInfo, error) {
	fi, err := f.info(name, follow)
	if err != nil {
		return nil, pathError(op, name, err)
	}
	return fi, nil
}

// info leaves the naming of the path in errors to its callers.
func (f *FS) info(name string, follow bool) (fs.FileInfo, error) {
	if f.root == nil {
		p, err := livePath(name)
		switch {
		case err != nil:
			return nil, err
		case follow:
			return os.Stat(p)
		}
		return os.Lstat(p)
	}
	p, err := f.walk(name, follow)
	if err != nil {
		return nil, err
	}
	fi, err := f.lstat(p)
	if err != nil {
		return nil, err
	}
	return namedInfo{FileInfo: fi, name: filepath.Base(hostPath(name))}, nil
}

// namedInfo is a file's description under the name that was asked for, as os.Stat gives
// it, and not under the name that a link led to.
type namedInfo struct {
	fs.FileInfo
	name string
}

// Name gives the last part of the path that was asked for.
func (i namedInfo) Name() string { return i.name }

// entry is a directory entry that asks the tree for its Info.
type entry struct {
	fs.DirEntry
	fs   *FS
	path string
}

// Info describes the entry, not following it where it is a link.
func (e entry) Info() (fs.FileInfo, error) { return e.fs.Lstat(e.path) }

// hostPath gives name as the host would write it in full.
func hostPath(name string) string {
	if strings.HasPrefix(name, "/") {
		return name
	}
	return "/" + name
}

// livePath is hostPath for the system calls of the live host, which must not take
// the empty name for the root.
func livePath(name string) (string, error) {
	if name == "" {
		return "", syscall.ENOENT
	}
	return hostPath(name), nil
}

// pathError names the path as the host knows it, and drops the path that the
// standard library saw (below the tree's directory) with everything around the cause.
func pathError(op, name string, err error) error {
	if inner, ok := errors.AsType[*fs.PathError](err); ok {
		err = inner.Err
	}
	if name != "" {
		name = hostPath(name)
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

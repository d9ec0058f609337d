package oom

import (
	"io/fs"
	"os"
	"strings"
	"syscall"

	"vmguard/pkg/rootfs"
)

// logTree opens files of a host's tree for reading piece by piece, with the care of rootfs,
// which reads files whole: a log may be larger than memory.
type logTree struct {
	files *rootfs.FS
	root  *os.Root // nil for the live host
}

// openTree gives the tree below dir; "/" is the live host. Close it after use.
func openTree(dir string) (*logTree, error) {
	files, err := rootfs.Open(dir)
	if err != nil {
		return nil, err
	}
	tree := &logTree{files: files}
	if !live(dir) {
		if tree.root, err = os.OpenRoot(dir); err != nil {
			_ = files.Close() // the reason is err
			return nil, err
		}
	}
	return tree, nil
}

func live(dir string) bool { return strings.Trim(dir, "/") == "" && dir != "" }

// close releases the tree.
func (t *logTree) close() {
	_ = t.files.Close() // only read from
	if t.root != nil {
		_ = t.root.Close() // only read from
	}
}

// open opens a regular file. It looks before it opens, so that a device or FIFO is not
// opened at all, and again afterwards, since the name may have changed hands. In a tree
// that is not the live host, name is walked free of links first, and os.Root refuses
// one that was put there since.
func (t *logTree) open(name string) (*os.File, fs.FileInfo, error) {
	const flags = os.O_RDONLY | syscall.O_NONBLOCK | syscall.O_NOCTTY
	fi, err := t.files.Stat(name)
	if err != nil {
		return nil, nil, err
	}
	if !fi.Mode().IsRegular() {
		return nil, nil, &fs.PathError{Op: "open", Path: name, Err: rootfs.ErrNotRegular}
	}
	var file *os.File
	if t.root == nil {
		file, err = os.OpenFile(name, flags, 0)
	} else {
		var path string
		if path, err = t.files.Resolve(name); err == nil {
			file, err = t.root.OpenFile(strings.TrimPrefix(path, "/"), flags, 0)
		}
	}
	if err != nil {
		return nil, nil, err
	}
	fi, err = file.Stat()
	if err == nil && !fi.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: name, Err: rootfs.ErrNotRegular}
	}
	if err != nil {
		_ = file.Close() // the reason is err
		return nil, nil, err
	}
	return file, fi, nil
}

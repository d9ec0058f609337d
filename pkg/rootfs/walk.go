package rootfs

import (
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// maxLinks is how many links one path may go through before it counts as a loop:
// the kernel's own number (MAXSYMLINKS, include/linux/namei.h).
const maxLinks = 40

// maxWork bounds the parts that one path may expand to through links, so that links
// which multiply parts cannot keep the walk busy: 40 links of PATH_MAX bytes.
const maxWork = maxLinks * 4096

// walk gives the path below the tree's root, without a leading slash and free of
// links, that name leads to; "" is the root itself. The last part is followed where
// it is a link and follow is true. Every part must exist. The rules are those of
// path_resolution(7) in a process that is chrooted into the tree.
func (f *FS) walk(name string, follow bool) (string, error) {
	if name == "" {
		return "", syscall.ENOENT
	}
	w := walk{todo: split(name)}
	w.work = len(w.todo)
	for len(w.todo) > 0 {
		part := w.todo[0]
		w.todo = w.todo[1:]
		if part == "." {
			continue
		}
		if part == ".." {
			w.done = w.done[:max(0, len(w.done)-1)] // at the root, ".." is the root
			continue
		}
		if err := f.step(&w, part, follow); err != nil {
			return "", err
		}
	}
	return strings.Join(w.done, "/"), nil
}

// walk is how far a path has been walked.
type walk struct {
	done  []string // the parts so far, none a link, and all but the last directories
	todo  []string // the parts that follow
	links int      // how many links were followed
	work  int      // how many parts there were, those of links included
}

// step walks into part, or takes the way of the link that it is.
func (f *FS) step(w *walk, part string, follow bool) error {
	next := join(w.done, part)
	if f.image && len(w.done) == 0 && kernels(part) {
		return fs.ErrNotExist
	}
	fi, err := f.lstat(next)
	if err != nil {
		return err
	}
	last := len(w.todo) == 0
	if fi.Mode()&fs.ModeSymlink != 0 && (follow || !last) {
		target, err := f.readlink(next)
		if err != nil {
			return err
		}
		return w.redirect(target)
	}
	if !last && !fi.IsDir() {
		return syscall.ENOTDIR
	}
	w.done = append(w.done, part)
	return nil
}

// kernels tells the directories of the root that only a running kernel fills.
func kernels(part string) bool {
	switch part {
	case "dev", "proc", "run", "sys":
		return true
	default:
		return false
	}
}

// redirect puts a link's target in the place of the link.
func (w *walk) redirect(target string) error {
	if target == "" {
		return syscall.ENOENT
	}
	if strings.HasPrefix(target, "/") {
		w.done = w.done[:0]
	}
	parts := split(target)
	w.links++
	w.work += len(parts)
	if w.links > maxLinks || w.work > maxWork {
		return syscall.ELOOP
	}
	w.todo = append(parts, w.todo...)
	return nil
}

// split gives the parts of a path. A slash at the end becomes a last part ".", since
// it asks for a directory and makes a link before it be followed.
func split(name string) []string {
	var parts []string
	for part := range strings.SplitSeq(name, "/") {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if strings.HasSuffix(name, "/") {
		parts = append(parts, ".")
	}
	return parts
}

func join(done []string, part string) string {
	if len(done) == 0 {
		return part
	}
	return strings.Join(done, "/") + "/" + part
}

// lstat describes a path that walk has freed of links.
func (f *FS) lstat(p string) (fs.FileInfo, error) {
	if f.root == nil {
		return os.Lstat("/" + p)
	}
	return f.root.Lstat(below(p))
}

func (f *FS) readlink(p string) (string, error) {
	if f.root == nil {
		return os.Readlink("/" + p)
	}
	return f.root.Readlink(below(p))
}

// below is a path from walk as os.Root takes it.
func below(p string) string {
	if p == "" {
		return "."
	}
	return p
}

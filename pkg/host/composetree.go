package host

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"vmguard/pkg/compose"
	"vmguard/pkg/rootfs"
)

// namedIn is a tree, where in it a name of the user's lies, and what may be read for its sake:
// root reads all, and what a compose file or a link leads to is the choice of whoever wrote it.
type namedIn struct {
	tree *rootfs.FS
	// prefix is a directory above the name as the user would spell it, and at the same directory in the tree.
	prefix, at string
	// named is the name in the tree. It is read wherever it leads.
	named string
	// dir is the directory of what was named, as the user spelled it.
	dir string
	// within are the paths in the tree, without links, at or below which files are read.
	within []string
	// left is how much may still be read.
	left *allowance
}

// How much is read of one compose file or Dockerfile, and of all that one named path leads to, in bytes.
const (
	maxComposeFile  = 128 << 10
	maxComposeFiles = 1 << 20
)

// treeWith finds the tree that holds a file or directory that the user named: the host's or
// image's own where it lies in that, however it is spelled, so that nothing leads out of an
// image, and else this machine's. done gives the tree back.
func treeWith(tree *rootfs.FS, name string) (p namedIn, done func(), err error) {
	abs, err := filepath.Abs(name)
	if err != nil {
		return namedIn{}, nil, err
	}
	root, err := os.Stat(tree.Dir())
	if err != nil {
		return namedIn{}, nil, err
	}
	left := allowance(maxComposeFiles)
	dirs := []string{abs}
	for dirs[0] != "/" {
		dirs = append([]string{filepath.Dir(dirs[0])}, dirs...)
	}
	for _, dir := range dirs {
		info, err := os.Stat(dir)
		if err != nil || !info.IsDir() {
			break
		}
		in, below := underRoot(withoutLinks(tree.Dir()), withoutLinks(dir))
		if os.SameFile(info, root) {
			in, below = "/", true
		}
		if below {
			return namedIn{tree: tree, prefix: dir, at: in, left: &left}, func() {}, nil
		}
	}
	machine, err := rootfs.Open("/")
	if err != nil {
		return namedIn{}, nil, err
	}
	return namedIn{tree: machine, prefix: "/", at: "/", left: &left}, func() { _ = machine.Close() }, nil // there is nothing to release
}

// withoutLinks gives a directory's path without links; the path itself where it cannot.
func withoutLinks(dir string) string {
	resolved, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return dir
	}
	return resolved
}

// allow lets be read what lies in a directory, and what the user named besides.
func (p *namedIn) allow(dir string, named []string) {
	p.dir = dir
	for _, name := range append([]string{dir}, named...) {
		in, err := p.inside(name)
		if err == nil {
			in, err = p.tree.Resolve(in)
		}
		if err == nil {
			p.within = append(p.within, in)
		}
	}
}

var errOutside = errors.New("lies outside")

// inside gives the path in the tree of a name as the user would spell it.
func (p namedIn) inside(name string) (string, error) {
	abs, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	in, ok := underRoot(p.prefix, abs)
	switch {
	case ok:
		return path.Join(p.at, in), nil
	case abs == p.prefix:
		return p.at, nil
	}
	return "", errOutside
}

// read reads a file that the user spelled so.
func (p namedIn) read(name string) (compose.Source, error) {
	in, err := p.inside(name)
	var data []byte
	if err == nil {
		data, err = p.data(in)
	}
	if errors.Is(err, errOutside) {
		dir := p.dir
		if dir == "." {
			dir = "the current directory"
		}
		return compose.Source{}, errors.New(name + " lies outside " + dir + ", and was not read: name it with --compose")
	}
	if err != nil {
		if inner, ok := errors.AsType[*fs.PathError](err); ok { // it names the path inside the tree, which the user never spelled
			err = &fs.PathError{Op: "read", Path: name, Err: inner.Err}
		}
		return compose.Source{}, errors.New(unread(name, err))
	}
	return compose.Source{Name: name, Data: data}, nil
}

// data reads a file of the tree, where that is allowed.
func (p namedIn) data(in string) ([]byte, error) {
	if in == p.named {
		return p.left.read(p.tree, in, maxComposeFile)
	}
	in, err := p.tree.Resolve(in)
	if err != nil {
		return nil, err
	}
	for _, dir := range p.within {
		rest, below := underRoot(dir, in)
		switch {
		case in == dir, below && p.tree.Dir() != "/":
			return p.left.read(p.tree, in, maxComposeFile)
		case below:
			return p.readBelow(dir, rest)
		}
	}
	return nil, errOutside
}

// readBelow reads a file below a directory of a machine that runs, where what was resolved may
// be a link by now: none leads out of the directory.
func (p namedIn) readBelow(dir, name string) ([]byte, error) {
	tree, err := rootfs.Open(dir)
	if err != nil {
		return nil, err
	}
	defer tree.Close() //nolint:errcheck // nothing was written
	return p.left.read(tree, name, maxComposeFile)
}

func (p namedIn) exists(name string) bool {
	in, err := p.inside(name)
	if err != nil {
		return false
	}
	_, err = p.tree.Stat(in)
	return err == nil
}

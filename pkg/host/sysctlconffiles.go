package host

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sort"
	"strings"

	"vmguard/pkg/rootfs"
)

// dropIn is one file of a directory such as sysctl.d, with what it holds.
type dropIn struct {
	path string
	data []byte
}

// The most that is read of one family of such directories.
const (
	maxDropIns     = 1000
	maxDropInBytes = 4 << 20
	dropInMost     = 512 << 10 // of one file, in bytes: the udev rules of libmtp alone take 160 KiB
)

// configDirs lists the directories of that name that systemd looks into, the one whose
// files hide those of the same name in the others first (CONF_PATHS, sysctl.d(5)).
func configDirs(name string) []string {
	return []string{"/etc/" + name, "/run/" + name, "/usr/local/lib/" + name, "/usr/lib/" + name, "/lib/" + name}
}

// dropIns reads the files that end in suffix, in the order of their names, whatever
// directory they lie in; of files with one name, that of the first directory counts,
// also where it is empty, a link to /dev/null or one that leads nowhere. It errs where
// something cannot be read, since that may override all the rest.
func dropIns(tree *rootfs.FS, dirs []string, suffix string) ([]dropIn, error) {
	paths := map[string]string{}
	for _, dir := range dirs {
		entries, err := tree.ReadDir(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, errors.New(unread(dir, err))
		}
		for _, e := range entries {
			name := e.Name()
			if strings.HasSuffix(name, suffix) && !strings.HasPrefix(name, ".") && paths[name] == "" {
				paths[name] = path.Join(dir, name)
			}
		}
	}
	if len(paths) > maxDropIns {
		return nil, fmt.Errorf("%s holds more than %d files", dirs[0], maxDropIns)
	}
	names := make([]string, 0, len(paths))
	for name := range paths {
		names = append(names, name)
	}
	sort.Strings(names)
	var (
		list  []dropIn
		total int
	)
	for _, name := range names {
		data, err := readDropIn(tree, paths[name])
		if err != nil {
			return nil, err
		}
		if total += len(data); total > maxDropInBytes {
			return nil, fmt.Errorf("%s holds more than is read of it (%d MiB)", dirs[0], maxDropInBytes>>20)
		}
		if len(data) > 0 {
			list = append(list, dropIn{paths[name], data})
		}
	}
	return list, nil
}

// readDropIn gives nothing of a file that masks, is a directory, or a link that leads nowhere.
func readDropIn(tree *rootfs.FS, file string) ([]byte, error) {
	if target, err := tree.Readlink(file); err == nil {
		if !path.IsAbs(target) {
			target = path.Join(path.Dir(file), target)
		}
		if path.Clean(target) == "/dev/null" { // which an image need not have
			return nil, nil
		}
	}
	data, err := tree.ReadFile(file, dropInMost)
	switch {
	case err == nil:
		return data, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case errors.Is(err, rootfs.ErrNotRegular):
		if fi, err := tree.Stat(file); err == nil && fi.IsDir() {
			return nil, nil
		}
	}
	return nil, errors.New(unread(file, err))
}

package host

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"vmguard/pkg/rootfs"
)

// unitListing is what systemd's unit directories hold.
type unitListing struct {
	paths map[string]string // a unit's name to the file that counts
	// pulled names the units that another one pulls in, and the link that says so: one
	// in a .wants, .requires or .upholds directory (systemd.unit(5)).
	pulled map[string]string
	dirs   int // how many of the directories exist
}

// mostUnits bounds how many names systemd's unit directories hold, and how many those of
// links below them.
const mostUnits = 5000

var errManyUnits = errors.New("systemd's unit directories hold too many names, and were not looked through")

// listUnits lists unit directories, the one that wins first. It errs where one of them
// exists and cannot be read, since a file in it may override any other.
func listUnits(tree *rootfs.FS, dirs []string) (unitListing, error) {
	found := unitListing{paths: map[string]string{}, pulled: map[string]string{}}
	names := 0
	links := map[string]bool{} // those seen, by directory's and unit's name
	for _, dir := range dirs {
		entries, err := tree.ReadDir(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return unitListing{}, err
		}
		found.dirs++
		if names += len(entries); names > mostUnits {
			return unitListing{}, errManyUnits
		}
		for _, e := range entries {
			name := e.Name()
			switch path.Ext(name) {
			case ".service", ".socket", ".swap":
				if found.paths[name] == "" {
					found.paths[name] = path.Join(dir, name)
				}
			case ".wants", ".requires", ".upholds":
				if err := found.readLinks(tree, dir, name, links); err != nil {
					return unitListing{}, err
				}
			}
		}
	}
	return found, nil
}

// readLinks takes the units that a directory of links pulls in. A file or a dangling
// link of that name pulls nothing in. A link to /dev/null takes the same one in a
// directory of less weight out.
func (u *unitListing) readLinks(tree *rootfs.FS, dir, name string, seen map[string]bool) error {
	entries, err := tree.ReadDir(path.Join(dir, name))
	if errors.Is(err, rootfs.ErrTooMany) || len(seen)+len(entries) > mostUnits {
		return errManyUnits
	}
	for _, e := range entries {
		link := path.Join(dir, name, e.Name())
		if key := name + "/" + e.Name(); !seen[key] {
			seen[key] = true
			if !linksToNull(tree, link) && u.pulled[e.Name()] == "" {
				u.pulled[e.Name()] = link
			}
		}
	}
	return nil
}

// linksToNull tells whether a name is a link to /dev/null.
func linksToNull(tree *rootfs.FS, link string) bool {
	to, err := tree.Readlink(link)
	if err != nil {
		return false
	}
	if !path.IsAbs(to) {
		to = path.Join(path.Dir(link), to)
	}
	return path.Clean(to) == "/dev/null"
}

// masked tells whether a unit file takes its unit out: it is a link to /dev/null, or empty.
func masked(tree *rootfs.FS, file string) bool {
	if linksToNull(tree, file) {
		return true
	}
	info, err := tree.Stat(file)
	return err == nil && info.Mode().IsRegular() && info.Size() == 0
}

// fragments lists the .conf files of several directories of one purpose, in the order in
// which systemd applies them: by name, and of one name the file in the first directory
// (systemd.unit(5), journald.conf(5)). One that is a link to /dev/null is left out, and
// hides the others of its name.
func fragments(tree *rootfs.FS, dirs []string) ([]string, error) {
	files := map[string]string{}
	var names []string
	for _, dir := range dirs {
		entries, err := tree.ReadDir(dir)
		if exceeds(err) {
			return nil, errors.New(unread(dir, err))
		}
		if err != nil {
			continue // most of the directories do not exist
		}
		for _, e := range entries {
			if name := e.Name(); path.Ext(name) == ".conf" && files[name] == "" {
				files[name] = path.Join(dir, name)
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	var list []string
	for _, name := range names {
		if !linksToNull(tree, files[name]) {
			list = append(list, files[name])
		}
	}
	return list, nil
}

// unitSetting is one assignment in a unit file, or in another file of its syntax.
type unitSetting struct {
	section, name, value string
	line                 int // its first, counted from 1
}

// unitSettings gives all assignments of a unit file in their order (systemd.syntax(7)).
func unitSettings(data []byte) []unitSetting {
	var list []unitSetting
	section, pending, first, number := "", "", 0, 0
	for line := range strings.SplitSeq(string(data), "\n") {
		number++
		line = strings.TrimSpace(line)
		if line == "" && pending == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") {
			continue
		}
		if pending == "" {
			first = number
		}
		line = pending + line
		pending = ""
		if head, ok := strings.CutSuffix(line, `\`); ok {
			pending = head + " "
			continue
		}
		if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") {
			section = line[1 : len(line)-1]
			continue
		}
		if name, value, ok := strings.Cut(line, "="); ok {
			list = append(list, unitSetting{section, strings.TrimSpace(name), strings.TrimSpace(value), first})
		}
	}
	return list
}

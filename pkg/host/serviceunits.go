package host

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"vmguard/pkg/rootfs"
)

// unitDir is what one of systemd's unit directories holds.
type unitDir struct {
	dir   string
	names []string // of its entries
	pulls []unitPull
}

// unitPull is a link in a .wants, .requires or .upholds directory (systemd.unit(5)).
type unitPull struct {
	link string // its path, which ends in the unit's name
	null bool   // it leads to /dev/null
}

// hostUnits is what systemd's unit directories hold.
type hostUnits struct {
	now  unitListing // on the host as it runs
	boot unitListing // at its next boot
}

// unitListing is what the unit directories come to.
type unitListing struct {
	paths map[string]string // a unit's name to the file that counts
	// pulled names the units that another one pulls in, and the link that says so. A link
	// to /dev/null takes the same one in a directory of less weight out.
	pulled map[string]string
	dropIn map[string][]string // a unit's name to the directories of its drop-ins
	dirs   int                 // how many of the directories exist
}

// noUnitDirs is the source of what is known of units where there are none of these directories.
const noUnitDirs = "systemd's unit directories (absent)"

// source says where facts about units were read.
func (u unitListing) source() string {
	if u.dirs == 0 {
		return noUnitDirs
	}
	return "systemd's unit directories"
}

// mostUnits bounds how many names systemd's unit directories hold, those of links below them among that.
const mostUnits = 5000

var errManyUnits = errors.New("systemd's unit directories hold too many names, and were not looked through")

// listUnits reads systemd's unit directories. It errs where one of them exists and cannot be
// read, since a file in it may override any other, and where they hold more than mostUnits names.
func listUnits(tree *rootfs.FS) (*hostUnits, error) {
	var list, boot []unitDir
	left := mostUnits
	seen := map[string]bool{} // /lib is a link to /usr/lib on most systems
	for _, name := range unitDirs() {
		at, err := tree.Resolve(name)
		if errors.Is(err, fs.ErrNotExist) || seen[at] {
			continue
		}
		if err != nil {
			return &hostUnits{}, errors.New(unread(name, err))
		}
		dir := unitDir{dir: name}
		if err := dir.read(tree, &left); err != nil {
			return &hostUnits{}, err
		}
		seen[at] = true
		list = append(list, dir)
		// What systemctl --runtime writes is gone at the next boot. What generators made counts,
		// since they make it again.
		if name != "/run/systemd/system" {
			boot = append(boot, dir)
		}
	}
	return &hostUnits{mergeUnits(list), mergeUnits(boot)}, nil
}

// read lists the directory. A file or a dangling link by the name of a directory of links
// pulls nothing in.
func (d *unitDir) read(tree *rootfs.FS, left *int) error {
	entries, err := tree.ReadDirMost(d.dir, *left)
	if err != nil {
		return unitsUnread(d.dir, err)
	}
	*left -= len(entries)
	for _, e := range entries {
		d.names = append(d.names, e.Name())
		switch path.Ext(e.Name()) {
		case ".wants", ".requires", ".upholds":
		default:
			continue
		}
		dir := path.Join(d.dir, e.Name())
		links, err := tree.ReadDirMost(dir, *left)
		if err != nil && !absent(err) {
			return unitsUnread(dir, err)
		}
		*left -= len(links)
		for _, l := range links {
			link := path.Join(dir, l.Name())
			d.pulls = append(d.pulls, unitPull{link, linksToNull(tree, link)})
		}
	}
	return nil
}

func unitsUnread(dir string, err error) error {
	if errors.Is(err, rootfs.ErrTooMany) {
		return errManyUnits
	}
	return errors.New(unread(dir, err))
}

// mergeUnits takes of each name what the first directory has.
func mergeUnits(list []unitDir) unitListing {
	found := unitListing{paths: map[string]string{}, pulled: map[string]string{}, dropIn: map[string][]string{}, dirs: len(list)}
	seen := map[string]bool{}
	for _, d := range list {
		for _, name := range d.names {
			switch path.Ext(name) {
			case ".service", ".socket", ".swap":
				if found.paths[name] == "" {
					found.paths[name] = path.Join(d.dir, name)
				}
			case ".d":
				unit := strings.TrimSuffix(name, ".d")
				found.dropIn[unit] = append(found.dropIn[unit], path.Join(d.dir, name))
			}
		}
		for _, p := range d.pulls {
			within, unit := strings.TrimPrefix(p.link, d.dir), path.Base(p.link)
			if !seen[within] && !p.null && found.pulled[unit] == "" {
				found.pulled[unit] = p.link
			}
			seen[within] = true
		}
	}
	return found
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

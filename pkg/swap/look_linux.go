package swap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"vmguard/pkg/change"
	"vmguard/pkg/host"
)

// maxFstab bounds what is read of fstab and files like it.
const maxFstab = 1 << 20

// Look reads how things stand for the swapfile at an absolute path, and changes nothing.
// It errs where the path's directory cannot be found, or what must be known of the host cannot be read.
func Look(ctx context.Context, source host.Source, file string) (State, error) {
	dir, err := source.FS.Resolve(path.Dir(file))
	s := State{Facts: host.CollectSwap(ctx, source)}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		dir = path.Dir(file)
		s.NoDir, s.DirProblem = true, fmt.Sprintf("the directory of %s: no such file or directory", quoted(file))
	case err != nil:
		return State{}, refuse("name a file elsewhere with --file", "the directory of %s: %v", quoted(file), cause(err))
	default:
		s.Disk, s.DirProblem = host.DiskAt(ctx, source, dir), dirProblem(dir)
	}
	s.Dir, file = dir, path.Join(dir, path.Base(file))
	if !s.Facts.Swaps.Known() {
		return State{}, refuse("", "cannot tell which swap is active: %s", s.Facts.Swaps.Why())
	}
	s.Main, s.Fresh, s.Old = s.lookAt(file), s.lookAt(freshName(file)), s.lookAt(oldName(file))
	if s.Etc, err = lookEtc(source); err != nil {
		return State{}, err
	}
	if s.Swappiness, err = lookSwappiness(s.Facts); err != nil {
		return State{}, err
	}
	s.Siblings = slices.DeleteFunc(ownFiles(s.Facts), func(f string) bool { return f == file || s.Etc.Targets[f] == file })
	s.Leftovers = change.Leftovers(fstabFile, SwappinessFile)
	s.lookSystemd(file)
	if _, err := os.Stat("/sys/fs/selinux/enforce"); err == nil {
		s.SELinux = "system_u:object_r:swapfile_t:s0"
	}
	return s, nil
}

// cause drops the operation and the path of an error that is told with its own.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// dirProblem says who but root could put another file in place of one in a directory:
// whoever may write to it, or to a directory above it that has no sticky bit.
func dirProblem(dir string) string {
	for at := dir; ; at = path.Dir(at) {
		var st unix.Stat_t
		if err := unix.Lstat(at, &st); err != nil {
			return fmt.Sprintf("%s cannot be looked at: %v", at, err)
		}
		others := st.Mode&0o022 != 0 // an ACL shows as the group's bits
		switch {
		case st.Mode&unix.S_IFMT != unix.S_IFDIR:
			return at + " is no directory"
		case st.Uid != 0:
			return fmt.Sprintf("%s belongs to user %d, who could put another file in the swapfile's place", at, st.Uid)
		case others && (at == dir || st.Mode&unix.S_ISVTX == 0):
			return fmt.Sprintf("others than root may write to %s, and could put another file in the swapfile's place", at)
		}
		if at == "/" {
			return ""
		}
	}
}

// lookAt finds what is under a name, without following a link.
func (s State) lookAt(file string) File {
	f := File{Path: file}
	var st unix.Stat_t
	switch err := unix.Lstat(file, &st); {
	case errors.Is(err, unix.ENOENT):
		return f
	case err != nil:
		f.Exists, f.Problem = true, "cannot be looked at: "+err.Error()
		return f
	}
	f.Exists, f.Size, f.Mode = true, uint64(st.Size), st.Mode&0o7777
	f.Blocks = uint64(st.Blocks) * 512 // the unit of st_blocks (stat(2))
	if f.Problem = fileProblem(&st); f.Problem != "" {
		return f
	}
	f.findActive(s.Facts.Swaps.Value, &st)
	f.readHeader()
	if f.Active == nil && f.Formatted() {
		f.findUnseen(s.Facts.Swaps.Value)
	}
	return f
}

func fileProblem(st *unix.Stat_t) string {
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
	case unix.S_IFLNK:
		return "is a symbolic link"
	case unix.S_IFDIR:
		return "is a directory"
	case unix.S_IFBLK, unix.S_IFCHR:
		return "is a device"
	default:
		return "is a FIFO or a socket"
	}
	switch {
	case st.Uid != 0:
		return fmt.Sprintf("belongs to user %d", st.Uid)
	case st.Nlink > 1:
		return "has other names (hard links)"
	}
	return ""
}

// findActive finds the file among the active areas: by its name, or under another that leads to the same file.
func (f *File) findActive(areas []host.SwapArea, st *unix.Stat_t) {
	for i, area := range areas {
		if area.Deleted || area.Type != "file" {
			continue
		}
		if area.Path == f.Path {
			f.Active, f.ActiveAs = &areas[i], ""
			return
		}
		var other unix.Stat_t
		if err := unix.Stat(area.Path, &other); err == nil && other.Dev == st.Dev && other.Ino == st.Ino {
			f.Active, f.ActiveAs = &areas[i], area.Path
		}
	}
}

// findUnseen finds an active area that is the file, or may be, though its name leads nowhere.
func (f *File) findUnseen(areas []host.SwapArea) {
	for _, area := range areas {
		var st unix.Stat_t
		// /proc/swaps counts an area without its header.
		if area.Type == "file" && !area.Deleted && area.Size+f.Header.PageSize == f.Header.Size() &&
			errors.Is(unix.Lstat(area.Path, &st), unix.ENOENT) {
			if active, err := change.IsSwap(f.Path); active || err != nil {
				f.MayBe = area.Path
			}
		}
	}
}

func (f *File) readHeader() {
	data, err := readRegular(f.Path, maxPageSize)
	if err != nil {
		f.Unread = cause(err).Error()
		return
	}
	f.Header, f.HeaderErr = ParseHeader(data)
}

// readRegular reads the start of a regular file that is no link.
func readRegular(name string, most int64) ([]byte, error) {
	file, err := os.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("not a regular file")}
	}
	return io.ReadAll(io.LimitReader(file, most))
}

// lookEtc reads fstab and finds out whether it can be replaced.
func lookEtc(source host.Source) (Etc, error) {
	etc := Etc{Targets: map[string]string{}}
	volatile := host.VolatileEtc(source)
	etc.Volatile, etc.VolatileUnknown = volatile.Value, volatile.Why()
	var err error
	if etc.Problem, etc.Hint, err = fstabProblem(); err != nil {
		return etc, err
	}
	// One that cannot be replaced says all the same whether it names the swapfile. It may be a link.
	switch etc.Fstab, err = readThroughLinks(fstabFile); {
	case errors.Is(err, fs.ErrNotExist):
		etc.Fstab = nil
	case err != nil && etc.Problem != "":
		return etc, nil
	case err != nil:
		return etc, fmt.Errorf("look at fstab: %w", err)
	}
	before, err := change.ReadText(change.BackupOf(fstabFile))
	if err != nil {
		return etc, fmt.Errorf("look at the copy of fstab: %w", err)
	}
	etc.Backup = before != nil
	for _, line := range ParseFstab(etc.Fstab) {
		if !path.IsAbs(line.Spec) {
			continue
		}
		target, err := source.FS.Resolve(line.Spec)
		if errors.Is(err, fs.ErrNotExist) { // a file that is gone is known by its directory
			target, err = source.FS.Resolve(path.Dir(line.Spec))
			target = path.Join(target, path.Base(line.Spec))
		}
		if err == nil {
			etc.Targets[line.Spec] = target
		}
	}
	return etc, nil
}

// fstabProblem says why fstab cannot be replaced by another file of that name.
func fstabProblem() (problem, hint string, err error) {
	var st unix.Statx_t
	switch err := unix.Statx(unix.AT_FDCWD, fstabFile, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_BASIC_STATS, &st); {
	case errors.Is(err, unix.ENOENT):
	case err != nil:
		return "", "", fmt.Errorf("look at fstab: %w", &fs.PathError{Op: "statx", Path: fstabFile, Err: err})
	default:
		if problem, hint := unreplaceable(&st); problem != "" {
			return problem, hint, nil
		}
	}
	var disk unix.Statfs_t
	if err := unix.Statfs("/etc", &disk); err == nil && disk.Flags&unix.ST_RDONLY != 0 {
		return "/etc is mounted read-only", "", nil
	}
	return "", "", nil
}

func unreplaceable(st *unix.Statx_t) (problem, hint string) {
	const other = "what made it so has to change the line"
	attributes := st.Attributes & st.Attributes_mask
	switch {
	case st.Mode&unix.S_IFMT == unix.S_IFLNK:
		target, _ := os.Readlink(fstabFile)
		return fmt.Sprintf("%s is a symbolic link to %s: another tool owns it", fstabFile, quoted(target)), other
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return fstabFile + " is not a regular file", ""
	case attributes&unix.STATX_ATTR_MOUNT_ROOT != 0:
		return fstabFile + " is a mount of its own (a bind mount)", other
	case attributes&(unix.STATX_ATTR_IMMUTABLE|unix.STATX_ATTR_APPEND) != 0:
		return fstabFile + " is protected against changes (lsattr shows i or a)", "take that off with: sudo chattr -ia " + fstabFile
	}
	return "", ""
}

// lookSystemd finds out what systemd knows of the file.
func (s *State) lookSystemd(file string) {
	if info, err := os.Lstat("/run/systemd/system"); err != nil || !info.IsDir() {
		return
	}
	s.Systemd = true
	unit := unitName(file)
	if _, err := os.Lstat("/run/systemd/generator/" + unit); err == nil {
		s.Generated = true
	}
	for _, dir := range []string{"/etc/systemd/system", "/run/systemd/system"} {
		name := path.Join(dir, unit)
		if target, err := os.Readlink(name); err == nil && path.Clean(target) == "/dev/null" {
			s.Masked = name
			return
		}
	}
}

// lookSwappiness reads the running value and what sets it at boot.
func lookSwappiness(facts *host.Facts) (Swappiness, error) {
	w := Swappiness{Running: facts.Sysctl("vm.swappiness")}
	var err error
	if w.File, err = change.ReadText(SwappinessFile); err != nil {
		return w, fmt.Errorf("look at swappiness: %w", err)
	}
	if w.Before, err = change.ReadText(change.BackupOf(SwappinessFile)); err != nil {
		return w, fmt.Errorf("look at swappiness: %w", err)
	}
	if info, err := os.Stat(path.Dir(SwappinessFile)); err == nil && info.IsDir() {
		w.Dir = true
	}
	for _, dir := range []string{"/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d"} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // not every system has all of them
		}
		for _, e := range entries {
			name := path.Join(dir, e.Name())
			if e.Name() <= path.Base(SwappinessFile) || path.Ext(name) != ".conf" {
				continue
			}
			if data, err := readThroughLinks(name); err == nil && setsSwappiness(data) {
				w.Overrides = append(w.Overrides, name)
			}
		}
	}
	w.Overrides = slices.Compact(w.Overrides)
	return w, nil
}

// readThroughLinks reads a regular file, following links, as those do that read fstab and sysctl.d.
func readThroughLinks(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxFstab {
		return nil, errors.Join(err, syscall.EINVAL)
	}
	return os.ReadFile(name)
}

// OwnFiles finds the swapfiles that vmguard made, by the label in their headers: among those
// that are active, those that fstab names, and DefaultFile. Names that a killed run left
// beside a swapfile count as that file.
func OwnFiles(ctx context.Context, source host.Source) ([]string, error) {
	facts := host.CollectSwap(ctx, source)
	if !facts.Swaps.Known() {
		return nil, refuse("", "cannot tell which swap is active: %s", facts.Swaps.Why())
	}
	return ownFiles(facts), nil
}

func ownFiles(facts *host.Facts) []string {
	names := []string{DefaultFile}
	for _, area := range facts.Swaps.Value {
		if area.Type == "file" && !area.Deleted {
			names = append(names, area.Path)
		}
	}
	for _, line := range facts.Fstab.Value {
		if path.IsAbs(line.Spec) {
			names = append(names, line.Spec)
		}
	}
	var own []string
	for _, name := range names {
		file := OwnedBy(name)
		for _, at := range []string{file, freshName(file), oldName(file)} {
			data, err := readRegular(at, maxPageSize)
			if err != nil {
				continue // what is not there, and what is no file, is not vmguard's
			}
			if h, err := ParseHeader(data); err == nil && h.Label == Label && !slices.Contains(own, file) {
				own = append(own, file)
			}
		}
	}
	return own
}

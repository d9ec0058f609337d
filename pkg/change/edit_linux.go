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

// Leftovers finds the temporary files that a killed run left beside files that it was
// replacing, or beside their copies.
func Leftovers(paths ...string) []string {
	var found []string
	for _, path := range paths {
		for _, tmp := range []string{temporary(path), temporary(BackupOf(path))} {
			if checkRegular("look at", tmp) == nil {
				found = append(found, tmp)
			}
		}
	}
	return found
}

// Step makes a step of the edit.
func (e Edit) Step(name, text string) Step {
	var was before
	return Step{
		Name: name, Text: text, Diff: Diff(e.Path, e.Was, e.Now),
		Apply: func(context.Context, Progress) (string, error) {
			var err error
			if was, err = e.look(); err != nil {
				return "", err
			}
			err = e.keep(was.looks)
			if err == nil {
				err = e.replace(e.Was, e.Now, was.looks)
			}
			if err != nil {
				return "", errors.Join(err, e.restore(was))
			}
			return "", nil
		},
		Undo: func(context.Context) error {
			if err := e.replace(e.Now, e.Was, was.looks); err != nil {
				return err
			}
			return e.dropBackup(was)
		},
	}
}

// before is what an edit needs to know for its undoing, beside the file's content.
type before struct {
	looks  *looks
	backup []byte // what an earlier edit kept; nil for none
	kept   *looks // of that
}

// look errs where the file is not what the edit was made for.
func (e Edit) look() (before, error) {
	if err := e.check(e.Was); err != nil {
		return before{}, err
	}
	var b before
	var err error
	if b.looks, err = looksOf(e.Path); err != nil {
		return before{}, fmt.Errorf("edit %s: %w", e.Path, err)
	}
	if !e.backs() {
		return b, nil
	}
	if b.backup, err = ReadText(e.Backup); err == nil {
		b.kept, err = looksOf(e.Backup)
	}
	if err != nil {
		return before{}, fmt.Errorf("back up %s as %s: %w", e.Path, e.Backup, err)
	}
	return b, nil
}

func (e Edit) backs() bool { return e.Backup != "" && e.Was != nil }

// keep makes the backup, in place of an older one.
func (e Edit) keep(like *looks) error {
	if !e.backs() {
		return nil
	}
	if err := install(e.Backup, e.Was, like); err != nil {
		return fmt.Errorf("back up %s: %w", e.Path, err)
	}
	return nil
}

// dropBackup takes the backup away, and puts an older one back in its place.
func (e Edit) dropBackup(was before) error {
	switch {
	case !e.backs():
		return nil
	case was.backup != nil:
		return install(e.Backup, was.backup, was.kept)
	}
	err := Remove(e.Backup)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it was never made
	}
	return err
}

// restore takes back what an edit that failed has done so far. Where it cannot, the backup stays.
func (e Edit) restore(was before) error {
	// A new file that cannot be made durable is there all the same.
	there, err := ReadText(e.Path)
	if err == nil && !same(there, e.Was) && same(there, e.Now) {
		err = e.replace(e.Now, e.Was, was.looks)
	}
	if err != nil {
		return fmt.Errorf("put back what was there: %w (%w)", err, ErrLeft)
	}
	return e.dropBackup(was)
}

// check errs where the file is not of that content.
func (e Edit) check(content []byte) error {
	there, err := ReadText(e.Path)
	if err == nil && !same(there, content) {
		err = ErrChanged
	}
	if err != nil {
		return fmt.Errorf("edit %s: %w", e.Path, err)
	}
	return nil
}

// same tells an empty file from one that is not there.
func same(a, b []byte) bool { return bytes.Equal(a, b) && (a == nil) == (b == nil) }

// replace brings the file from one content to another.
func (e Edit) replace(from, to []byte, like *looks) error {
	if err := e.check(from); err != nil {
		return err
	}
	var err error
	if to == nil {
		err = Remove(e.Path)
	} else {
		err = install(e.Path, to, like)
	}
	if err != nil {
		return fmt.Errorf("edit %s: %w", e.Path, err)
	}
	return nil
}

// ReadText reads a file as an Edit takes it: a regular one of up to 1 MiB, and no link; nil without an
// error where there is none.
func ReadText(path string) ([]byte, error) {
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

// install puts a file of that content and those looks in place of path; nil looks are
// root's and readable by all. All of it is on the disk when it returns.
func install(path string, content []byte, like *looks) error {
	tmp := temporary(path)
	if err := removeStale(tmp); err != nil {
		return err
	}
	file, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil {
		err = like.give(file)
	}
	if err == nil {
		err = file.Sync()
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		return errors.Join(err, removeStale(tmp))
	}
	return syncDir(path)
}

// removeStale removes what a killed run left under a temporary name.
func removeStale(tmp string) error {
	// Not os.Remove, which would take an empty directory as well.
	if err := unix.Unlink(tmp); err != nil && !errors.Is(err, unix.ENOENT) {
		return &fs.PathError{Op: "unlink", Path: tmp, Err: err}
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

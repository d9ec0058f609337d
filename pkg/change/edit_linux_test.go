package change_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"vmguard/pkg/change"
)

// filesIn gives what a folder holds: the content of each file, and of all else what it is.
func filesIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, e := range entries {
		switch {
		case e.Type().IsRegular():
			files[e.Name()] = contentOf(t, filepath.Join(dir, e.Name()))
		case e.Name() != "lost+found":
			files[e.Name()] = "a " + e.Type().String()
		}
	}
	return files
}

// holds checks that a folder has these files and no others.
func holds(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	if diff := cmp.Diff(want, filesIn(t, dir)); diff != "" {
		t.Errorf("the folder (-want +got):\n%s", diff)
	}
}

// put makes files.
func put(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func apply(step change.Step) error {
	_, err := step.Apply(context.Background(), func(uint64, uint64) {})
	return err
}

// bytesOf gives nil for the word none: no file.
func bytesOf(text string) []byte {
	if text == "none" {
		return nil
	}
	return []byte(text)
}

func TestEdit(t *testing.T) {
	t.Parallel()
	type files = map[string]string
	for name, test := range map[string]struct {
		was, now, backup string
		before           files
		after            files
		undone           files // where it is not as before
	}{
		"changed":               {was: "old", now: "new", before: files{"f": "old"}, after: files{"f": "new"}},
		"with a backup":         {was: "old", now: "new", backup: "b", before: files{"f": "old"}, after: files{"f": "new", "b": "old"}},
		"with another backup":   {was: "old", now: "new", backup: "b", before: files{"f": "old", "b": "older"}, after: files{"f": "new", "b": "old"}},
		"made":                  {was: "none", now: "new", before: files{}, after: files{"f": "new"}},
		"made, nothing to keep": {was: "none", now: "new", backup: "b", before: files{"b": "older"}, after: files{"f": "new", "b": "older"}},
		"made empty":            {was: "none", now: "", before: files{}, after: files{"f": ""}},
		"filled":                {was: "", now: "new", backup: "b", before: files{"f": ""}, after: files{"f": "new", "b": ""}},
		"removed":               {was: "old", now: "none", before: files{"f": "old"}, after: files{}},
		"removed, with backup":  {was: "old", now: "none", backup: "b", before: files{"f": "old"}, after: files{"b": "old"}},
		"none there, none made": {was: "none", now: "new", before: files{"g": "other"}, after: files{"g": "other", "f": "new"}},
		"as large as may be":    {was: strings.Repeat("a", 1<<20), now: "new", before: files{"f": strings.Repeat("a", 1<<20)}, after: files{"f": "new"}},
		"left by a killed run": {
			was: "old", now: "new", backup: "b",
			before: files{"f": "old", "f.vmguard-new": "half", "b.vmguard-new": "half"},
			after:  files{"f": "new", "b": "old"}, undone: files{"f": "old"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			put(t, dir, test.before)
			e := change.Edit{Path: filepath.Join(dir, "f"), Was: bytesOf(test.was), Now: bytesOf(test.now)}
			if test.backup != "" {
				e.Backup = filepath.Join(dir, test.backup)
			}
			step := e.Step("persist", "the text")
			if step.Name != "persist" || step.Text != "the text" || step.Diff != change.Diff(e.Path, e.Was, e.Now) {
				t.Errorf("the step is %q, %q, with the diff %q", step.Name, step.Text, step.Diff)
			}
			holds(t, dir, test.before)
			if err := apply(step); err != nil {
				t.Fatal(err)
			}
			holds(t, dir, test.after)
			if err := step.Undo(t.Context()); err != nil {
				t.Fatal(err)
			}
			if test.undone == nil {
				test.undone = test.before
			}
			holds(t, dir, test.undone)
		})
	}
}

func TestBackupOf(t *testing.T) {
	t.Parallel()
	if got, want := change.BackupOf("/etc/fstab"), "/etc/fstab.vmguard-before"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestEditOfAnotherFile: what is there is not what the edit was made for, and stays.
func TestEditOfAnotherFile(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ was, now, there string }{
		"changed":             {"old", "new", "changed"},
		"already as wanted":   {"old", "new", "new"},
		"gone":                {"old", "new", "none"},
		"there":               {"none", "new", "old"},
		"there, and empty":    {"none", "new", ""},
		"gone, and was empty": {"", "new", "none"},
		"to be removed":       {"old", "none", "changed"},
	} {
		dir := t.TempDir()
		before := map[string]string{"b": "older"}
		if test.there != "none" {
			before["f"] = test.there
		}
		put(t, dir, before)
		path := filepath.Join(dir, "f")
		step := change.Edit{Path: path, Was: bytesOf(test.was), Now: bytesOf(test.now), Backup: filepath.Join(dir, "b")}.Step("", "")
		if err := apply(step); !errors.Is(err, change.ErrChanged) || !strings.Contains(text(err), "edit "+path) {
			t.Errorf("%s: error %v", name, err)
		}
		holds(t, dir, before)
	}
}

func TestEditIsNotUndoneOnceTheFileHasChanged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, map[string]string{"f": "old"})
	step := change.Edit{Path: filepath.Join(dir, "f"), Was: []byte("old"), Now: []byte("new"), Backup: filepath.Join(dir, "b")}.Step("", "")
	if err := apply(step); err != nil {
		t.Fatal(err)
	}
	put(t, dir, map[string]string{"f": "another's"})
	if err := step.Undo(t.Context()); !errors.Is(err, change.ErrChanged) {
		t.Errorf("error %v", err)
	}
	holds(t, dir, map[string]string{"f": "another's", "b": "old"})
}

func TestEditRefusesWhatIsNoFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	put(t, dir, map[string]string{"file": "old", "large": strings.Repeat("a", 1<<20+1)})
	if err := errors.Join(
		os.Symlink("file", at("link")), os.Symlink("nowhere", at("loose")), os.Mkdir(at("folder"), 0o700), unix.Mkfifo(at("fifo"), 0o600),
	); err != nil {
		t.Fatal(err)
	}
	before := filesIn(t, dir)
	for name, want := range map[string]string{
		"link": "too many levels of symbolic links", "loose": "too many levels of symbolic links",
		"folder": "not a regular file", "fifo": "not a regular file", "large": "too large to be edited", "file/below": "not a directory",
	} {
		for _, e := range []change.Edit{
			{Path: at(name), Was: []byte("old"), Now: []byte("new"), Backup: at("backup")},
			{Path: at(name), Now: []byte("new")},
			{Path: at("file"), Was: []byte("old"), Now: []byte("new"), Backup: at(name)},
		} {
			if err := apply(e.Step("", "")); !strings.Contains(text(err), want) {
				t.Errorf("%s for %s, backup %s: error %v, want %q", name, e.Path, e.Backup, err, want)
			}
			holds(t, dir, before)
		}
	}
}

// TestEditSweepsLinksAndNotFolders: what stands under the temporary name may be anything but a folder.
func TestEditSweepsLinksAndNotFolders(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, map[string]string{"f": "old", "target": "kept"})
	path := filepath.Join(dir, "f")
	if err := os.Symlink("target", path+".vmguard-new"); err != nil {
		t.Fatal(err)
	}
	if err := apply(change.Edit{Path: path, Was: []byte("old"), Now: []byte("new")}.Step("", "")); err != nil {
		t.Error(err)
	}
	holds(t, dir, map[string]string{"f": "new", "target": "kept"})
	if err := os.Mkdir(path+".vmguard-new", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := apply(change.Edit{Path: path, Was: []byte("new"), Now: []byte("newer")}.Step("", "")); !errors.Is(err, unix.EISDIR) {
		t.Errorf("error %v", err)
	}
	holds(t, dir, map[string]string{"f": "new", "target": "kept", "f.vmguard-new": "a d---------"})
}

// TestEditIsWholeAtEveryInstant reads the file all the time while it changes.
func TestEditIsWholeAtEveryInstant(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	was, now := bytes.Repeat([]byte("old\n"), 5000), bytes.Repeat([]byte("and new\n"), 9000)
	put(t, dir, map[string]string{"f": string(was)})
	stop := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if got, err := os.ReadFile(path); err != nil || (!bytes.Equal(got, was) && !bytes.Equal(got, now)) {
				t.Errorf("%d bytes that are neither content, %v", len(got), err)
				return
			}
		}
	})
	step := change.Edit{Path: path, Was: was, Now: now, Backup: filepath.Join(dir, "b")}.Step("", "")
	for range 20 {
		if err := errors.Join(apply(step), step.Undo(t.Context())); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	reader.Wait()
	holds(t, dir, map[string]string{"f": string(was)})
}

// features are all that a file has beside its content.
type features struct {
	Mode       uint32
	UID, GID   uint32
	Attributes map[string]string
}

func featuresOf(t *testing.T, path string) features {
	t.Helper()
	var st unix.Stat_t
	list, value := make([]byte, 4096), make([]byte, 4096)
	n, err := unix.Llistxattr(path, list)
	if err := errors.Join(err, unix.Lstat(path, &st)); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	f := features{st.Mode & 0o7777, st.Uid, st.Gid, map[string]string{}}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(list[:n]), "\x00"), "\x00") {
		if name == "" {
			continue
		}
		n, err := unix.Lgetxattr(path, name, value)
		if err != nil {
			t.Fatalf("%s of %s: %v", name, path, err)
		}
		f.Attributes[name] = string(value[:n])
	}
	return f
}

// acl spells an access control list as the extended attributes hold it (include/uapi/linux/posix_acl_xattr.h):
// the owner, one more user, the group, the mask, and the others, each with read and write.
func acl() []byte {
	const version, owner, user, group, mask, others, noID = 2, 0x01, 0x02, 0x04, 0x10, 0x20, 0xffffffff
	list := binary.LittleEndian.AppendUint32(nil, version)
	for _, entry := range []struct {
		tag uint16
		id  uint32
	}{{owner, noID}, {user, 4242}, {group, noID}, {mask, noID}, {others, noID}} {
		list = binary.LittleEndian.AppendUint16(list, entry.tag)
		list = binary.LittleEndian.AppendUint16(list, 6)
		list = binary.LittleEndian.AppendUint32(list, entry.id)
	}
	return list
}

// TestEditKeepsTheLooks: owner, mode and extended attributes, also in the backup, and when a removal is undone. Where SELinux is
// off, its label is an attribute like any other.
func TestEditKeepsTheLooks(t *testing.T) {
	t.Parallel()
	dir := mounted(t, "ext4", 8<<20)
	if _, err := os.Stat("/sys/fs/selinux/enforce"); err == nil {
		t.Skipf("needs a kernel without SELinux: it does not take the labels of this test")
	}
	for name, attributes := range map[string]map[string][]byte{
		"none": {},
		"some": {
			"user.empty": {}, "user.long": bytes.Repeat([]byte("x"), 300), "trusted.a": []byte("b"), "security.selinux": []byte("u:r:etc_t\x00"),
		},
		"an ACL":       {"system.posix_acl_access": acl()},
		"a default":    {"default ACL of the folder": acl()},
		"both of them": {"default ACL of the folder": acl(), "system.posix_acl_access": acl()},
	} {
		sub := filepath.Join(dir, name)
		if err := os.Mkdir(sub, 0o700); err != nil {
			t.Fatal(err)
		}
		put(t, sub, map[string]string{"f": "old", "b": "older"})
		path, backup := filepath.Join(sub, "f"), filepath.Join(sub, "b")
		err := errors.Join(unix.Chown(path, 1234, 2345), unix.Chmod(path, 0o4751), unix.Chown(backup, 77, 88), unix.Chmod(backup, 0o404))
		for key, value := range attributes {
			if key == "default ACL of the folder" {
				err = errors.Join(err, unix.Setxattr(sub, "system.posix_acl_default", value, 0))
				continue
			}
			err = errors.Join(err, unix.Setxattr(path, key, value, 0))
		}
		if err != nil {
			t.Fatal(err)
		}
		want, wantBackup := featuresOf(t, path), featuresOf(t, backup)
		compare := func(when, path string, want features) {
			t.Helper()
			if diff := cmp.Diff(want, featuresOf(t, path)); diff != "" {
				t.Errorf("%s: %s: %s (-want +got):\n%s", name, when, filepath.Base(path), diff)
			}
		}
		for _, now := range []string{"new", "none"} {
			step := change.Edit{Path: path, Was: []byte("old"), Now: bytesOf(now), Backup: backup}.Step("", "")
			if err := apply(step); err != nil {
				t.Fatal(err)
			}
			if now != "none" {
				compare("changed", path, want)
			}
			compare("changed", backup, want)
			if err := step.Undo(t.Context()); err != nil {
				t.Fatal(err)
			}
			compare("undone", path, want)
			compare("undone", backup, wantBackup)
		}
		holds(t, sub, map[string]string{"f": "old", "b": "older"})
	}
}

// TestEditMakesAFileForAll: a new file is root's, and everybody may read it, whatever the mask.
func TestEditMakesAFileForAll(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	onOwnThread(t, func() error { return setMask(0o777) }, func() {
		if err := apply(change.Edit{Path: path, Now: []byte("new")}.Step("", "")); err != nil {
			t.Error(err)
		}
	})
	if got, want := featuresOf(t, path), (features{0o644, uint32(os.Geteuid()), uint32(os.Getegid()), map[string]string{}}); !cmp.Equal(got, want) {
		t.Errorf("it has %+v, want %+v", got, want)
	}
}

// TestEditIsPrivateFromBirth: what nobody may read but root, nobody reads while it is made.
func TestEditIsPrivateFromBirth(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	notChmod := []refusal{{call: unix.SYS_FCHMOD, errno: 0}}
	onOwnThread(t, func() error { return errors.Join(setMask(0), refuse(notChmod)) }, func() {
		if err := apply(change.Edit{Path: path, Now: []byte("new")}.Step("", "")); err != nil {
			t.Error(err)
		}
	})
	if got, want := featuresOf(t, path).Mode, uint32(0o600); got != want {
		t.Errorf("born with mode %o, want %o", got, want)
	}
}

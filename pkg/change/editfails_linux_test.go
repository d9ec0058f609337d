package change_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"vmguard/pkg/change"
)

// TestEditThatFails: whatever refuses, the old content stands, and nothing stands beside it.
func TestEditThatFails(t *testing.T) {
	t.Parallel()
	needsMounts(t)
	bind := func(path string) error {
		source := path + ".source"
		return errors.Join(os.WriteFile(source, []byte("old"), 0o600), unix.Mount(source, path, "", unix.MS_BIND, ""))
	}
	unbind := func(path string) error {
		return errors.Join(unix.Unmount(path, unix.MNT_DETACH), os.Remove(path+".source"))
	}
	thaw := func(path string) error { return setImmutable(path, false) }
	freeze := func(path string) error { return setImmutable(path, true) }
	for name, test := range map[string]struct {
		prepare, end func(path string) error
		want         syscall.Errno
	}{
		"the file is immutable":   {freeze, thaw, unix.EPERM},
		"the folder is immutable": {func(path string) error { return freeze(filepath.Dir(path)) }, func(path string) error { return thaw(filepath.Dir(path)) }, unix.EPERM},
		"the file is a mount":     {bind, unbind, unix.EBUSY},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := mounted(t, "ext4", 8<<20)
			path := filepath.Join(dir, "f")
			put(t, dir, map[string]string{"f": "old"})
			for _, now := range []string{"new", "none"} {
				if err := test.prepare(path); err != nil {
					t.Fatal(err)
				}
				for _, backup := range []string{"", filepath.Join(dir, "b")} {
					err := apply(change.Edit{Path: path, Was: []byte("old"), Now: bytesOf(now), Backup: backup}.Step("", ""))
					if !errors.Is(err, test.want) {
						t.Errorf("error %v, want %v", err, test.want)
					}
				}
				if err := test.end(path); err != nil {
					t.Fatal(err)
				}
				holds(t, dir, map[string]string{"f": "old"})
			}
		})
	}
}

func TestEditOnAFullDisk(t *testing.T) {
	t.Parallel()
	dir := mounted(t, "tmpfs", 256<<10)
	put(t, dir, map[string]string{"f": "old"})
	step := change.Edit{Path: filepath.Join(dir, "f"), Was: []byte("old"), Now: bytes.Repeat([]byte("new\n"), 128<<10), Backup: filepath.Join(dir, "b")}.Step("", "")
	if err := apply(step); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("error %v", err)
	}
	holds(t, dir, map[string]string{"f": "old"})
}

// TestEditThatTheKernelRefuses goes through the calls that an edit makes, each with a failure.
func TestEditThatTheKernelRefuses(t *testing.T) {
	t.Parallel()
	type files = map[string]string
	openFolder := refusal{unix.SYS_OPENAT, unix.O_CLOEXEC, unix.EMFILE} // as a folder is opened for fsync, and nothing else
	for name, refuse := range map[string]refusal{
		"read":        {call: unix.SYS_READ, errno: unix.EIO},
		"owner":       {call: unix.SYS_FCHOWN, errno: unix.EPERM},
		"mode":        {call: unix.SYS_FCHMOD, errno: unix.EPERM},
		"attributes":  {call: unix.SYS_LLISTXATTR, errno: unix.EIO},
		"fsync":       {call: unix.SYS_FSYNC, errno: unix.EIO},
		"rename":      {call: unix.SYS_RENAMEAT, errno: unix.EROFS},
		"open folder": openFolder,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "f")
			put(t, dir, files{"f": "old"})
			for _, backup := range []string{"", filepath.Join(dir, "b")} {
				refusing(t, []refusal{refuse}, func() {
					err := apply(change.Edit{Path: path, Was: []byte("old"), Now: []byte("new"), Backup: backup}.Step("", ""))
					if !errors.Is(err, refuse.errno) {
						t.Errorf("error %v, want %v", err, refuse.errno)
					}
				})
				holds(t, dir, files{"f": "old"})
			}
		})
	}
	// The file is gone, and comes back.
	dir := t.TempDir()
	put(t, dir, files{"f": "old"})
	refusing(t, []refusal{openFolder}, func() {
		if err := apply(change.Edit{Path: filepath.Join(dir, "f"), Was: []byte("old")}.Step("", "")); !errors.Is(err, unix.EMFILE) {
			t.Errorf("error %v", err)
		}
	})
	holds(t, dir, files{"f": "old"})
}

// TestEditThatCannotBePutBack: a removal that cannot be made durable, on a disk that takes nothing any more. The error must say so.
func TestEditThatCannotBePutBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, map[string]string{"f": "old"})
	path := filepath.Join(dir, "f")
	refusing(t, []refusal{{call: unix.SYS_FSYNC, errno: unix.EIO}}, func() {
		err := apply(change.Edit{Path: path, Was: []byte("old")}.Step("", ""))
		if !errors.Is(err, unix.EIO) || !strings.Contains(text(err), "put back what was there: edit "+path) {
			t.Errorf("error %v", err)
		}
	})
	holds(t, dir, map[string]string{})
}

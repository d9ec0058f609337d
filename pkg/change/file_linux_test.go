package change_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"vmguard/pkg/change"
)

// zoo makes a folder with one thing of each kind.
func zoo(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	put(t, dir, map[string]string{"file": "0123456789"})
	if err := errors.Join(
		os.Symlink("file", at("link")), os.Symlink("nowhere", at("loose")), os.Mkdir(at("folder"), 0o700),
		unix.Mkfifo(at("fifo"), 0o600), os.Link(at("file"), at("second name")),
	); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestOnlyRegularFiles: nothing that changes a file touches what is none, and opens none that would make it wait.
func TestOnlyRegularFiles(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(path string) error{
		"remove":    change.Remove,
		"rename":    func(path string) error { return change.Rename(path, path+" renamed") },
		"chmod":     func(path string) error { _, err := change.Chmod(path, 0o777); return err },
		"write":     func(path string) error { return change.WriteAt(path, []byte("written"), 0) },
		"overwrite": func(path string) error { return change.Overwrite(t.Context(), path, 0, 4, func(uint64, uint64) {}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := zoo(t)
			before := filesIn(t, dir)
			mode := featuresOf(t, filepath.Join(dir, "file"))
			for _, kind := range []string{"link", "loose", "folder", "fifo", "nothing", "file/below"} {
				err := do(filepath.Join(dir, kind))
				if err == nil || !strings.Contains(err.Error(), filepath.Join(dir, kind)) {
					t.Errorf("%s: error %v, want one that names it", kind, err)
				}
				if missing := kind == "nothing"; errors.Is(err, fs.ErrNotExist) != missing {
					t.Errorf("%s: error %v", kind, err)
				}
			}
			if diff := cmp.Diff(before, filesIn(t, dir)); diff != "" {
				t.Errorf("the folder (-was +is):\n%s", diff)
			}
			if diff := cmp.Diff(mode, featuresOf(t, filepath.Join(dir, "file"))); diff != "" {
				t.Errorf("the file that the link leads to (-was +is):\n%s", diff)
			}
			if err := do(filepath.Join(dir, "file")); err != nil {
				t.Errorf("a regular file: %v", err)
			}
		})
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, map[string]string{"f": "old", "g": "other"})
	if err := change.Remove(filepath.Join(dir, "f")); err != nil {
		t.Error(err)
	}
	holds(t, dir, map[string]string{"g": "other"})
}

// TestRename: a name that is taken stays with who has it, also where the filesystem cannot see to that.
func TestRename(t *testing.T) {
	t.Parallel()
	for name, refusals := range map[string][]refusal{
		"":                         nil,
		"on an old filesystem":     {{call: unix.SYS_RENAMEAT2, errno: unix.EINVAL}},
		"on a kernel without that": {{call: unix.SYS_RENAMEAT2, errno: unix.ENOSYS}},
	} {
		t.Run("renameat2 "+name, func(t *testing.T) {
			t.Parallel()
			dir := zoo(t)
			before := filesIn(t, dir)
			from := filepath.Join(dir, "file")
			refusing(t, refusals, func() {
				for _, taken := range []string{"second name", "link", "loose", "folder", "fifo", "file"} {
					err := change.Rename(from, filepath.Join(dir, taken))
					if failure, ok := errors.AsType[*os.LinkError](err); !errors.Is(err, fs.ErrExist) || !ok || failure.Old != from {
						t.Errorf("onto the %s: error %v", taken, err)
					}
				}
				if err := change.Rename(from, filepath.Join(dir, "no", "folder")); !errors.Is(err, unix.ENOENT) {
					t.Errorf("into nowhere: error %v", err)
				}
			})
			holds(t, dir, before)
			refusing(t, refusals, func() {
				if err := change.Rename(from, filepath.Join(dir, "free")); err != nil {
					t.Error(err)
				}
			})
			before["free"] = before["file"]
			delete(before, "file")
			holds(t, dir, before)
		})
	}
}

// TestRenameThatIsNotDurable: who is told of an error finds the file where it was.
func TestRenameThatIsNotDurable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, map[string]string{"f": "content"})
	refusing(t, []refusal{{call: unix.SYS_FSYNC, errno: unix.EIO}}, func() {
		if err := change.Rename(filepath.Join(dir, "f"), filepath.Join(dir, "g")); !errors.Is(err, unix.EIO) {
			t.Errorf("error %v", err)
		}
	})
	holds(t, dir, map[string]string{"f": "content"})
}

func TestRenameAcrossFilesystems(t *testing.T) {
	t.Parallel()
	here, there := t.TempDir(), mounted(t, "tmpfs", 64<<10)
	put(t, here, map[string]string{"f": "content"})
	if err := change.Rename(filepath.Join(here, "f"), filepath.Join(there, "f")); !errors.Is(err, unix.EXDEV) {
		t.Errorf("error %v", err)
	}
	holds(t, here, map[string]string{"f": "content"})
	holds(t, there, map[string]string{})
}

func TestChmod(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	was := fs.FileMode(0o600)
	for _, mode := range []fs.FileMode{0o644, 0o600, 0o640, 0o600} {
		got, err := change.Chmod(path, mode)
		if err != nil || got != was {
			t.Errorf("to %v: was %v, %v; want %v", mode, got, err, was)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode() != mode {
			t.Errorf("to %v: is %v, %v", mode, info.Mode(), err)
		}
		was = mode
	}
}

// TestChmodOfAnImmutableFile: the kernel's answer is kept for who asks.
func TestChmodOfAnImmutableFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(mounted(t, "ext4", 8<<20), "f")
	if err := errors.Join(os.WriteFile(path, []byte("kept"), 0o640), setImmutable(path, true)); err != nil {
		t.Fatal(err)
	}
	_, err := change.Chmod(path, 0o600)
	for what, err := range map[string]error{"chmod": err, "remove": change.Remove(path), "rename": change.Rename(path, path+"2"), "write": change.WriteAt(path, []byte("x"), 0)} {
		if !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s: error %v", what, err)
		}
	}
	if got := contentOf(t, path); got != "kept" || featuresOf(t, path).Mode != 0o640 {
		t.Errorf("it holds %q, mode %o", got, featuresOf(t, path).Mode)
	}
}

func TestWriteAt(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("0123456789"), 0o640); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		data   string
		offset int64
		want   string
	}{
		{"", 0, "0123456789"}, {"ab", 0, "ab23456789"}, {"cd", 4, "ab23cd6789"}, {"efg", 8, "ab23cd67efg"}, {"h", 12, "ab23cd67efg\x00h"},
	} {
		if err := change.WriteAt(path, []byte(test.data), test.offset); err != nil {
			t.Error(err)
		}
		if got := contentOf(t, path); got != test.want {
			t.Errorf("%q at %d: %q, want %q", test.data, test.offset, got, test.want)
		}
	}
	if err := change.WriteAt(path, []byte("x"), -1); err == nil {
		t.Error("an offset below 0 is accepted")
	}
	if got, want := featuresOf(t, path).Mode, uint32(0o640); got != want {
		t.Errorf("mode %o, want %o", got, want)
	}
}

func TestWriteAtThatFails(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, refuse := range map[string]refusal{
		"pwrite": {call: unix.SYS_PWRITE64, errno: unix.EFBIG},
		"fsync":  {call: unix.SYS_FSYNC, errno: unix.EIO},
	} {
		refusing(t, []refusal{refuse}, func() {
			if err := change.WriteAt(path, []byte("0123456789"), 0); !errors.Is(err, refuse.errno) {
				t.Errorf("%s: error %v", name, err)
			}
		})
	}
	if got := contentOf(t, path); got != "0123456789" {
		t.Errorf("it holds %q", got)
	}
}

// inOwnNames runs a function on a thread with a host name and a network of its own: the parameters of the
// kernel that belong to these may be set.
func inOwnNames(t *testing.T, do func()) {
	t.Helper()
	needsMounts(t)
	onOwnThread(t, func() error { return unix.Unshare(unix.CLONE_NEWUTS | unix.CLONE_NEWNET) }, do)
}

// TestSetSysctl sets real parameters of the kernel.
func TestSetSysctl(t *testing.T) {
	t.Parallel()
	const hostname, forward = "/proc/sys/kernel/hostname", "/proc/sys/net/ipv4/ip_forward"
	inOwnNames(t, func() {
		if err := change.SetSysctl(hostname, "vmguard-test"); err != nil {
			t.Error(err)
		}
		if got := contentOf(t, hostname); got != "vmguard-test\n" {
			t.Errorf("the host's name is %q", got)
		}
		for _, value := range []string{"1", "0"} {
			if err := change.SetSysctl(forward, value); err != nil {
				t.Error(err)
			}
			if got := contentOf(t, forward); got != value+"\n" {
				t.Errorf("%s is %q, want %s", forward, got, value)
			}
		}
		for path, want := range map[string]error{
			forward: unix.EINVAL, "/proc/sys/kernel/nothing": fs.ErrNotExist, "/proc/sys/kernel/ostype": fs.ErrPermission, "/proc/sys/kernel": syscall.EISDIR,
		} {
			if err := change.SetSysctl(path, "no number"); !errors.Is(err, want) || !strings.Contains(text(err), path) {
				t.Errorf("%s: error %v, want %v", path, err, want)
			}
		}
	})
	if got := contentOf(t, hostname); got == "vmguard-test\n" {
		t.Error("the name of the host itself was set")
	}
}

// flagsOf are the attributes that chattr(1) sets.
func flagsOf(path string) (int, error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	return unix.IoctlGetInt(int(file.Fd()), unix.FS_IOC_GETFLAGS)
}

// setFlags sets those of a mask.
func setFlags(path string, mask, flags int) error {
	was, err := flagsOf(path)
	if err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return unix.IoctlSetPointerInt(int(file.Fd()), unix.FS_IOC_SETFLAGS, was&^mask|flags)
}

// setImmutable sets or takes away what chattr(1) calls i.
func setImmutable(path string, on bool) error {
	const immutable = 0x10 // FS_IMMUTABLE_FL (include/uapi/linux/fs.h)
	if on {
		return setFlags(path, immutable, immutable)
	}
	return setFlags(path, immutable, 0)
}

package rootfs

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unsafe"
)

// TestProc reads files whose reported size is 0.
func TestProc(t *testing.T) {
	f := open(t, "/")
	fi, err := f.Stat("/proc/self/status")
	must(t, err)
	got, err := f.ReadFile("/proc/self/status", 1<<16)
	must(t, err)
	if fi.Size() != 0 || !bytes.Contains(got, []byte("\nSigCgt:")) {
		t.Errorf("/proc/self/status: size %d, read %q", fi.Size(), got)
	}
	if _, err := f.ReadFile("/proc/self/status", 20); !errors.Is(err, ErrTooLarge) {
		t.Errorf("limit 20: %v, want ErrTooLarge", err)
	}
	// A tree on the same files, with the links of /proc meaning the tree's own paths.
	tree := open(t, "/proc")
	if _, err := tree.ReadFile("/self/status", 1<<16); err != nil {
		t.Error(err)
	}
	if got, err := tree.Resolve("/self/root"); err != nil || got != "/" {
		t.Errorf("Resolve(/self/root) = %q, %v; the kernel's magic link must not be followed", got, err)
	}
	if _, err := tree.ReadFile("/self/root/etc/passwd", 1<<16); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a magic link led out of the tree: %v", err)
	}
}

// TestReadDoesNotWait reads as /proc/kmsg and trace_pipe are read, which look regular
// and wait for the kernel's next message; a pipe that nobody writes to stands in,
// since reading those would take their messages away from others.
func TestReadDoesNotWait(t *testing.T) {
	r, w, err := os.Pipe()
	must(t, err)
	defer r.Close()
	defer w.Close()
	read, err := reader(r)
	must(t, err)
	if _, err := within(t, func() ([]byte, error) { return readAll(read, 10) }); !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("reading an empty pipe: %v, want EAGAIN", err)
	}
}

// TestSwappedUnderneath swaps a folder for a link out of the tree, again and again,
// while it is read.
func TestSwappedUnderneath(t *testing.T) {
	f, root := tree(t, map[string]string{"dir/secret": "inside"})
	outside := filepath.Join(filepath.Dir(root), "outside")
	must(t, os.Symlink(outside, filepath.Join(root, "link")))
	at := func(name string) *byte {
		p, err := syscall.BytePtrFromString(filepath.Join(root, name))
		must(t, err)
		return p
	}
	dir, link := at("dir"), at("link")
	stop := make(chan struct{})
	var swaps sync.WaitGroup
	swaps.Go(func() {
		const exchange, cwd = 2, ^uintptr(99) // RENAME_EXCHANGE, AT_FDCWD (-100)
		for {
			select {
			case <-stop:
				return
			default:
				_, _, _ = syscall.Syscall6(sysRenameat2, cwd, uintptr(unsafe.Pointer(dir)),
					cwd, uintptr(unsafe.Pointer(link)), exchange, 0)
			}
		}
	})
	var inside, refused int
	for range 5000 {
		switch got, err := f.ReadFile("/dir/secret", 100); {
		case err != nil:
			refused++
		case string(got) == "inside":
			inside++
		default:
			t.Errorf("read %q from outside", got)
		}
	}
	close(stop)
	swaps.Wait()
	if inside == 0 || refused == 0 {
		t.Errorf("nothing was swapped: %d reads from inside, %d refused", inside, refused)
	}
}

// TestDeviceIsNotOpened makes a device that the kernel has no driver for: opening it
// gives ENXIO, so ErrNotRegular shows that it was not opened.
func TestDeviceIsNotOpened(t *testing.T) {
	f, root := tree(t, nil)
	const unused = 234 << 8 // a major number of the range for dynamic use
	p := filepath.Join(root, "dev")
	if err := syscall.Mknod(p, syscall.S_IFCHR|0o600, unused); err != nil {
		t.Skipf("needs the right to make devices: %v", err)
	}
	if file, err := os.Open(p); err == nil {
		_ = file.Close()
		t.Skip("the device number is in use here")
	}
	if _, err := f.ReadFile("/dev", 10); !errors.Is(err, ErrNotRegular) {
		t.Errorf("tree: %v, want ErrNotRegular", err)
	}
	if _, err := open(t, "/").ReadFile(p, 10); !errors.Is(err, ErrNotRegular) {
		t.Errorf("live: %v, want ErrNotRegular", err)
	}
}

// TestPermissionIsKept reads as an ordinary user, also where the test is run by root.
func TestPermissionIsKept(t *testing.T) {
	f, root := tree(t, map[string]string{"shut": "x", "shutdir/file": "x"})
	must(t, os.Chmod(filepath.Join(root, "shut"), 0))
	must(t, os.Chmod(filepath.Join(root, "shutdir"), 0))
	t.Cleanup(func() { must(t, os.Chmod(filepath.Join(root, "shutdir"), 0o700)) }) // else it cannot be removed
	asUser(t, func() {
		for name, call := range map[string]func(string) error{
			"ReadFile": func(s string) error { _, err := f.ReadFile(s, 4); return err },
			"ReadDir":  func(s string) error { _, err := f.ReadDir(s + "dir"); return err },
			"Stat":     func(s string) error { _, err := f.Stat(s + "dir/file"); return err },
		} {
			if err := call("/shut"); !errors.Is(err, os.ErrPermission) {
				t.Errorf("%s: %v, want os.ErrPermission", name, err)
			}
		}
	})
}

// FuzzTree puts a link with any target at three places of a tree and follows any
// path. The kernel's openat2(2) with RESOLVE_IN_ROOT is the judge: the same error, or
// the same file; and whatever is read comes from inside.
func FuzzTree(f *testing.F) {
	for _, s := range [][2]string{
		{"/link", "../../outside/secret"}, {"/link/secret", "/outside"}, {"/dir/link/..", "/"},
		{"/dir/link/../file", "sub/.."}, {"link", "link"}, {"/dir/sub/link/", "dir/file"},
		{"/link/../../outside", "dir/sub"}, {"/link", "/link2/x"}, {"/./link/.", "/dir/./"},
		{"/link2/secret", "/dir/link/../../.."}, {"/dir/file/..", "a"}, {"link/link/link", "/dir"},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, path, target string) {
		if len(path) > 1000 || len(target) > 1000 || target == "" || path == "" || strings.ContainsRune(path+target, 0) {
			t.Skip("no path or link can be so")
		}
		tree, root := tree(t, map[string]string{
			"file": "in", "dir/file": "in", "dir/sub/file": "in", "link2": "-> dir/link",
		})
		for _, at := range []string{"link", "dir/link", "dir/sub/link"} {
			must(t, os.Symlink(target, filepath.Join(root, at)))
		}
		data, err := tree.ReadFile(path, 100)
		if err == nil && string(data) != "in" {
			t.Fatalf("ReadFile(%q) with link -> %q read %q from outside", path, target, data)
		}
		got, err := tree.Resolve(path)
		var stat syscall.Stat_t
		kernelErr := statInRoot(root, path, &stat)
		if errors.Is(kernelErr, syscall.ENOSYS) {
			t.Skip("this kernel has no openat2")
		}
		if (err == nil) != (kernelErr == nil) || (err != nil && !errors.Is(err, kernelErr)) {
			t.Fatalf("Resolve(%q) with link -> %q = %q, %v; the kernel says %v", path, target, got, err, kernelErr)
		}
		if err != nil {
			return
		}
		fi, err := os.Lstat(root + got)
		must(t, err)
		if st, ok := fi.Sys().(*syscall.Stat_t); !ok || st.Ino != stat.Ino {
			t.Fatalf("Resolve(%q) with link -> %q = %q, which is another file than the kernel's", path, target, got)
		}
	})
}

// statInRoot describes path as the kernel resolves it with root as its "/".
func statInRoot(root, path string, stat *syscall.Stat_t) error {
	const (
		sysOpenat2    = 437 // the same on every architecture
		oPath         = 0o10000000
		resolveMagic  = 0x02
		resolveInRoot = 0x10
		sizeOfOpenHow = 24
	)
	dir, err := syscall.Open(root, syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(dir)
	p, err := syscall.BytePtrFromString(path)
	if err != nil {
		return err
	}
	how := [3]uint64{oPath | syscall.O_CLOEXEC, 0, resolveMagic | resolveInRoot}
	fd, _, errno := syscall.Syscall6(sysOpenat2, uintptr(dir), uintptr(unsafe.Pointer(p)),
		uintptr(unsafe.Pointer(&how)), sizeOfOpenHow, 0, 0)
	if errno != 0 {
		return errno
	}
	defer syscall.Close(int(fd))
	return syscall.Fstat(int(fd), stat)
}

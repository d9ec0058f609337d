package change_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"vmguard/pkg/change"
)

// resident counts the bytes of a file that lie in the page cache (mincore(2)).
func resident(t *testing.T, path string) uint64 {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	size, _ := blocksOf(t, path)
	data, err := unix.Mmap(int(file.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(data) //nolint:errcheck // it was mapped above
	page := uint64(os.Getpagesize())
	pages := make([]byte, (size+page-1)/page)
	_, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&data[0])), uintptr(size), uintptr(unsafe.Pointer(&pages[0])))
	if errno != 0 {
		t.Fatalf("mincore: %v", errno)
	}
	var n uint64
	for _, p := range pages {
		n += uint64(p&1) * page
	}
	return n
}

// buffered refuses to open files so that their writing goes past the page cache, as some filesystems do (open(2)).
func buffered() []refusal {
	const flags = unix.O_WRONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_DIRECT | unix.O_CLOEXEC
	return []refusal{{call: unix.SYS_OPENAT, flags: flags, errno: unix.EINVAL}}
}

// TestWritingSparesThePageCache: what is written does not push out what other programs have in memory.
func TestWritingSparesThePageCache(t *testing.T) {
	t.Parallel()
	dir := mounted(t, "ext4", 128*mib)
	for name, test := range map[string]struct {
		refusals []refusal
		size     uint64
		most     uint64 // in the page cache
	}{
		"direct":        {nil, 40 * mib, 0},
		"a part sector": {nil, 36*mib + 100, 2 * mib}, // of the last bytes, and what the kernel reads around them
		"buffered":      {buffered(), 40 * mib, 16 * mib},
		"buffered, end": {buffered(), 64 * mib, 8 * mib},
	} {
		path := filepath.Join(dir, name)
		var told told
		refusing(t, test.refusals, func() {
			used, err := change.Allocation{Path: path, Size: test.size, Method: change.Write}.Create(t.Context(), told.progress)
			if err != nil || used != change.Write {
				t.Errorf("%s: %q, %v", name, used, err)
			}
		})
		told.check(t, test.size)
		if got := resident(t, path); got > test.most {
			t.Errorf("%s: %d bytes are in the page cache, want %d at most", name, got, test.most)
		}
		if end, zero := written(t, path); end != test.size || !zero {
			t.Errorf("%s: a hole at %d, zero %v; want %d", name, end, zero, test.size)
		}
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}
}

func TestBufferedWritingThatFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	refusing(t, append(buffered(), refusal{call: unix.SYS_FDATASYNC, errno: unix.EIO}), func() {
		_, err := change.Allocation{Path: filepath.Join(dir, "f"), Size: 36 * mib, Method: change.Write}.Create(t.Context(), unheard)
		if !errors.Is(err, unix.EIO) {
			t.Errorf("error %v", err)
		}
	})
	holds(t, dir, map[string]string{})
}

// TestOverwrite fills holes and reserved blocks, and leaves nothing of what stood there.
func TestOverwrite(t *testing.T) {
	t.Parallel()
	dir := mounted(t, "ext4", 32*mib)
	const size = 5 * mib
	for name, prepare := range map[string]func(path string) error{
		"a hole": func(path string) error {
			return errors.Join(os.WriteFile(path, []byte("start"), 0o640), os.Truncate(path, size))
		},
		"reserved": func(path string) error {
			_, err := change.Allocation{Path: path, Size: size, Method: change.Fallocate}.Create(t.Context(), unheard)
			return errors.Join(err, os.Chmod(path, 0o640))
		},
		"full":  func(path string) error { return os.WriteFile(path, bytes.Repeat([]byte("full"), size/4), 0o640) },
		"short": func(path string) error { return os.WriteFile(path, []byte("short"), 0o640) },
	} {
		path := filepath.Join(dir, name)
		if err := prepare(path); err != nil {
			t.Fatal(err)
		}
		var told told
		if err := change.Overwrite(t.Context(), path, 0, size, told.progress); err != nil {
			t.Fatal(err)
		}
		told.check(t, size)
		length, allocated := blocksOf(t, path)
		end, zero := written(t, path)
		if length != size || allocated < size || end != size || !zero {
			t.Errorf("%s: %d bytes, %d of them allocated, a hole at %d, zero %v", name, length, allocated, end, zero)
		}
		if got, want := featuresOf(t, path).Mode, uint32(0o640); got != want {
			t.Errorf("%s: mode %o, want %o", name, got, want)
		}
	}
}

func TestOverwriteInterrupted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	content := bytes.Repeat([]byte("full"), 3*mib)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := change.Overwrite(ctx, path, 0, uint64(len(content)), func(uint64, uint64) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if i := bytes.IndexByte(data, 'f'); i != 4*mib || !bytes.Equal(data[i:], content[i:]) {
		t.Errorf("the old content begins at %d, want one write of zeroes before it", i)
	}
}

// TestNoCopyOnWrite: on btrfs the attribute is set, and those that contradict it are taken off. Elsewhere there is none.
func TestNoCopyOnWrite(t *testing.T) {
	t.Parallel()
	// FS_COMPR_FL, FS_NOCOMP_FL, FS_NOCOW_FL (include/uapi/linux/fs.h)
	const compress, noCompress, noCopyOnWrite = 0x4, 0x400, 0x800000
	const all = compress | noCompress | noCopyOnWrite
	dir := mounted(t, "btrfs", 256*mib)
	for _, inherited := range []int{0, compress, noCompress, noCopyOnWrite} {
		if err := setFlags(dir, all, inherited); err != nil {
			t.Fatal(err)
		}
		for _, method := range []change.Method{change.Fallocate, change.Write} {
			for _, asked := range []bool{false, true} {
				path := filepath.Join(dir, string(method))
				_, err := change.Allocation{Path: path, Size: mib, Method: method, NoCopyOnWrite: asked}.Create(t.Context(), unheard)
				if err != nil {
					t.Fatal(err)
				}
				want := inherited
				if asked {
					want = noCopyOnWrite
				}
				if got, err := flagsOf(path); err != nil || got&all != want {
					t.Errorf("%s in a folder with %#x: attributes %#x, %v, want %#x", method, inherited, got, err, want)
				}
				if err := change.Remove(path); err != nil {
					t.Error(err)
				}
			}
		}
		if err := setFlags(dir, all, 0); err != nil {
			t.Fatal(err)
		}
	}
	other := mounted(t, "ext4", 8*mib)
	if _, err := (change.Allocation{Path: filepath.Join(other, "f"), Size: mib, NoCopyOnWrite: true}).Create(t.Context(), unheard); !errors.Is(err, unix.EOPNOTSUPP) {
		t.Errorf("on ext4: error %v", err)
	}
	holds(t, other, map[string]string{})
}

// TestLabel: with SELinux off, its label is an attribute like any other. Where a filesystem has none, the file is made without.
func TestLabel(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/sys/fs/selinux/enforce"); err == nil {
		t.Skipf("needs a kernel without SELinux: this test cannot know what labels its policy has")
	}
	const label, attribute = "system_u:object_r:swapfile_t:s0", "security.selinux"
	for kind, want := range map[string]string{"ext4": label + "\x00", "ramfs": ""} {
		path := filepath.Join(mounted(t, kind, 8*mib), "f")
		if _, err := (change.Allocation{Path: path, Size: mib, Label: label}).Create(t.Context(), unheard); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		value := make([]byte, 100)
		n, err := unix.Lgetxattr(path, attribute, value)
		if got := string(value[:max(n, 0)]); got != want || (err != nil) != (want == "") {
			t.Errorf("%s: label %q, %v, want %q", kind, got, err, want)
		}
	}
}

// TestCreateOfNothing: the size is the caller's to choose, and none is no reason to fail.
func TestCreateOfNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	if _, err := (change.Allocation{Path: path, Method: change.Write}).Create(t.Context(), unheard); err != nil {
		t.Error(err)
	}
	if info, err := os.Lstat(path); err != nil || info.Size() != 0 || info.Mode() != fs.FileMode(0o600) {
		t.Errorf("made: %v, %v", info, err)
	}
}

// What stands before the offset stays: the header of a swapfile is there at every instant.
func TestOverwriteFromAnOffset(t *testing.T) {
	t.Parallel()
	page := os.Getpagesize()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, bytes.Repeat([]byte{7}, 3*page), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := change.Overwrite(t.Context(), path, uint64(page), uint64(3*page), func(uint64, uint64) {}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := append(bytes.Repeat([]byte{7}, page), make([]byte, 2*page)...); !bytes.Equal(got, want) {
		t.Error("the first page went, or the others did not")
	}
}

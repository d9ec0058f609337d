package change_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"vmguard/pkg/change"
)

const mib = 1 << 20

// told keeps what a Progress was told.
type told struct {
	done  []uint64
	total []uint64
}

func (p *told) progress(done, total uint64) {
	p.done, p.total = append(p.done, done), append(p.total, total)
}

// check holds what was told against the size: it grows, and ends there.
func (p *told) check(t *testing.T, size uint64) {
	t.Helper()
	if !slices.IsSorted(p.done) || len(slices.Compact(slices.Clone(p.done))) != len(p.done) || len(p.done) == 0 || p.done[len(p.done)-1] != size {
		t.Errorf("the progress is %d, want it to grow up to %d", p.done, size)
	}
	if slices.ContainsFunc(p.total, func(n uint64) bool { return n != size }) {
		t.Errorf("the totals are %d, want %d", p.total, size)
	}
}

// unheard is a Progress for those that do not care.
func unheard(uint64, uint64) {}

// blocksOf are the bytes that a file has on its disk.
func blocksOf(t *testing.T, path string) (size, allocated uint64) {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		t.Fatal(err)
	}
	return uint64(st.Size), uint64(st.Blocks) * 512
}

// written tells how far a file goes without holes, and whether it is zero so far. Some filesystems count blocks that
// are reserved and were never written as holes.
func written(t *testing.T, path string) (end uint64, zero bool) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	hole, err := unix.Seek(int(file.Fd()), 0, unix.SEEK_HOLE)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(file)
	if err != nil {
		t.Fatal(err)
	}
	return uint64(hole), bytes.Count(data, []byte{0}) == len(data)
}

// TestCreate makes files on real filesystems: those that preallocate, those that do not, and one that can only be
// written through the page cache.
func TestCreate(t *testing.T) {
	t.Parallel()
	const size = 5*mib + 64<<10 // a whole write and a part of one, in pages of any machine
	for name, test := range map[string]struct {
		image      int64
		fallocates bool
		inMemory   bool // it has no blocks to count
	}{
		"ext4":  {image: 32 * mib, fallocates: true},
		"ext3":  {image: 32 * mib},
		"ext2":  {image: 32 * mib},
		"xfs":   {image: 320 * mib, fallocates: true},
		"btrfs": {image: 256 * mib, fallocates: true},
		"tmpfs": {image: 32 * mib, fallocates: true, inMemory: true},
		"ramfs": {image: 32 * mib, inMemory: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := mounted(t, name, test.image)
			for _, method := range []change.Method{change.Auto, change.Fallocate, change.Write} {
				path := filepath.Join(dir, string(method))
				var told told
				used, err := change.Allocation{Path: path, Size: size, Method: method}.Create(t.Context(), told.progress)
				if method == change.Fallocate && !test.fallocates {
					if !errors.Is(err, unix.EOPNOTSUPP) || used != "" || !strings.Contains(text(err), "fallocate "+path) {
						t.Errorf("%s: %q, error %v", method, used, err)
					}
					if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
						t.Errorf("%s: the file stays: %v", method, err)
					}
					continue
				}
				want := change.Write
				if method != change.Write && test.fallocates {
					want = change.Fallocate
				}
				if err != nil || used != want {
					t.Fatalf("%s: used %q, %v; want %q", method, used, err, want)
				}
				if want == change.Write {
					told.check(t, size)
				} else if told.done != nil {
					t.Errorf("%s: progress %d of what takes no time", method, told.done)
				}
				length, allocated := blocksOf(t, path)
				if length != size || (allocated < size && !test.inMemory) {
					t.Errorf("%s: %d bytes, %d of them allocated, want %d", method, length, allocated, size)
				}
				if end, zero := written(t, path); !zero || (want == change.Write && end != size) {
					t.Errorf("%s: zero %v; the first hole is at %d, want %d", method, zero, end, size)
				}
				got := featuresOf(t, path)
				if diff := cmp.Diff(features{0o600, 0, 0, map[string]string{}}, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", method, diff)
				}
			}
		})
	}
}

// TestCreatePrivateFromBirth: no mask and no ACL of the folder lets anybody else read the file, not even before its mode is set.
func TestCreatePrivateFromBirth(t *testing.T) {
	t.Parallel()
	dir := mounted(t, "ext4", 16*mib)
	if err := unix.Setxattr(dir, "system.posix_acl_default", acl(), 0); err != nil {
		t.Fatal(err)
	}
	notChmod := []refusal{{call: unix.SYS_FCHMOD, errno: 0}}
	for name, test := range map[string]struct {
		mask     int
		refusals []refusal
		want     uint32
	}{
		"born with no mask":     {0, notChmod, 0o600},
		"no mask":               {0, nil, 0o600},
		"a mask that takes all": {0o777, nil, 0o600},
	} {
		for _, method := range []change.Method{change.Fallocate, change.Write} {
			path := filepath.Join(dir, name+" "+string(method))
			onOwnThread(t, func() error { return errors.Join(setMask(test.mask), refuse(test.refusals)) }, func() {
				if _, err := (change.Allocation{Path: path, Size: 64 << 10, Method: method}).Create(t.Context(), unheard); err != nil {
					t.Errorf("%s: %v", path, err)
				}
			})
			// The mode's middle is the mask of the ACL: with 0 there, the user whom it names may do nothing.
			if got := featuresOf(t, path).Mode; got != test.want {
				t.Errorf("%s: mode %o, want %o", path, got, test.want)
			}
		}
	}
}

// TestCreateTouchesNothing that is there.
func TestCreateTouchesNothing(t *testing.T) {
	t.Parallel()
	dir := zoo(t)
	before := filesIn(t, dir)
	for _, method := range []change.Method{change.Auto, change.Fallocate, change.Write} {
		for _, name := range []string{"file", "second name", "link", "loose", "folder", "fifo"} {
			used, err := change.Allocation{Path: filepath.Join(dir, name), Size: 64 << 10, Method: method}.Create(t.Context(), unheard)
			if !errors.Is(err, fs.ErrExist) || used != "" {
				t.Errorf("%s: %q, error %v", name, used, err)
			}
		}
		if _, err := (change.Allocation{Path: filepath.Join(dir, "no", "folder"), Size: 64 << 10, Method: method}).Create(t.Context(), unheard); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("in a folder that is not there: %v", err)
		}
	}
	holds(t, dir, before)
}

// freeIn are the bytes that a filesystem has left.
func freeIn(t *testing.T, dir string) uint64 {
	t.Helper()
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		t.Fatal(err)
	}
	return st.Bfree * uint64(st.Bsize)
}

// TestCreateOnAFullDisk: what does not fit leaves nothing, and is not tried in another way. It is not parallel: a program that
// another test starts would have the file open for an instant, and its blocks would not be free before that has passed.
func TestCreateOnAFullDisk(t *testing.T) {
	for _, kind := range []string{"ext4", "ext2", "tmpfs"} {
		t.Run(kind, func(t *testing.T) {
			dir := mounted(t, kind, 16*mib)
			before := freeIn(t, dir)
			for _, method := range []change.Method{change.Auto, change.Write} {
				var told told
				used, err := change.Allocation{Path: filepath.Join(dir, "f"), Size: 32 * mib, Method: method}.Create(t.Context(), told.progress)
				if !errors.Is(err, unix.ENOSPC) || used != "" {
					t.Errorf("%s: %q, error %v", method, used, err)
				}
				if writes := method == change.Write || kind == "ext2"; writes != (len(told.done) > 1) {
					t.Errorf("%s: the progress is %d; half-way through the writing: %v", method, told.done, writes)
				}
				holds(t, dir, map[string]string{})
				if got := freeIn(t, dir); got != before {
					t.Errorf("%s: %d bytes free, before %d", method, got, before)
				}
			}
		})
	}
}

// TestCreateInterrupted: the end of the context leaves no file.
func TestCreateInterrupted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, after := range []int{0, 1, 2} {
		ctx, cancel := context.WithCancel(t.Context())
		if after == 0 {
			cancel()
		}
		calls := 0
		_, err := change.Allocation{Path: filepath.Join(dir, "f"), Size: 16 * mib, Method: change.Write}.Create(ctx, func(done, _ uint64) {
			calls++
			if calls == after {
				if size, _ := blocksOf(t, filepath.Join(dir, "f")); size != done {
					t.Errorf("%d bytes are done, and the file has %d", done, size)
				}
				cancel()
			}
		})
		if !errors.Is(err, context.Canceled) || calls != after {
			t.Errorf("ended after %d writes: %d were made, error %v", after, calls, err)
		}
		holds(t, dir, map[string]string{})
		cancel()
	}
}

// TestCreateThatTheKernelRefuses goes through what may fail on the way.
func TestCreateThatTheKernelRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		method   change.Method
		label    string
		refusals []refusal
		want     error
		used     change.Method // where it goes on
	}{
		"mode":                    {change.Auto, "", []refusal{{call: unix.SYS_FCHMOD, errno: unix.EPERM}}, unix.EPERM, ""},
		"label":                   {change.Auto, "label", []refusal{{call: unix.SYS_FSETXATTR, errno: unix.EACCES}}, unix.EACCES, ""},
		"an unknown label":        {change.Write, "label", []refusal{{call: unix.SYS_FSETXATTR, errno: unix.EINVAL}}, nil, change.Write},
		"labels":                  {change.Write, "label", []refusal{{call: unix.SYS_FSETXATTR, errno: unix.ENOTSUP}}, nil, change.Write},
		"fallocate, disk full":    {change.Auto, "", []refusal{{call: unix.SYS_FALLOCATE, errno: unix.ENOSPC}}, unix.ENOSPC, ""},
		"fallocate, quota":        {change.Auto, "", []refusal{{call: unix.SYS_FALLOCATE, errno: unix.EDQUOT}}, unix.EDQUOT, ""},
		"fallocate, unknown":      {change.Auto, "", []refusal{{call: unix.SYS_FALLOCATE, errno: unix.ENOSYS}}, nil, change.Write},
		"fallocate, not here":     {change.Auto, "", []refusal{{call: unix.SYS_FALLOCATE, errno: unix.EOPNOTSUPP}}, nil, change.Write},
		"fallocate, not so":       {change.Auto, "", []refusal{{call: unix.SYS_FALLOCATE, errno: unix.EINVAL}}, nil, change.Write},
		"fallocate, asked for":    {change.Fallocate, "", []refusal{{call: unix.SYS_FALLOCATE, errno: unix.EINVAL}}, unix.EINVAL, ""},
		"write":                   {change.Write, "", []refusal{{call: unix.SYS_PWRITE64, errno: unix.EIO}}, unix.EIO, ""},
		"write, at all":           {change.Write, "", []refusal{{call: unix.SYS_PWRITE64, errno: unix.EINVAL}}, unix.EINVAL, ""},
		"write that does nothing": {change.Write, "", []refusal{{call: unix.SYS_PWRITE64, errno: 0}}, unix.EIO, ""},
		"direct, and back": {
			change.Write, "", []refusal{{call: unix.SYS_PWRITE64, errno: unix.EINVAL}, {call: unix.SYS_FCNTL, errno: unix.ENOLCK}}, unix.ENOLCK, "",
		},
		"fsync": {change.Write, "", []refusal{{call: unix.SYS_FSYNC, errno: unix.EIO}}, unix.EIO, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "f")
			refusing(t, test.refusals, func() {
				used, err := change.Allocation{Path: path, Size: 64 << 10, Method: test.method, Label: test.label}.Create(t.Context(), unheard)
				if !errors.Is(err, test.want) || used != test.used || (err != nil && !strings.Contains(err.Error(), path)) {
					t.Errorf("used %q, error %v; want %q, %v", used, err, test.used, test.want)
				}
			})
			if test.want != nil {
				holds(t, dir, map[string]string{})
			}
		})
	}
}

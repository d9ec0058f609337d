package swap

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/change"
)

const toolDeadline = 30 * time.Second

// tool finds a program that judges swap areas, or skips the test.
func tool(t *testing.T, name string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, dir := range []string{"/usr/sbin", "/sbin"} { // not on every user's path
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	t.Skipf("needs %s", name)
	return ""
}

// run gives what a program says, and whether it was content.
func run(ctx context.Context, path string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, toolDeadline)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	said, err := cmd.CombinedOutput()
	return string(said), err
}

// says runs a program that must be content.
func says(t *testing.T, path string, args ...string) string {
	t.Helper()
	said, err := run(t.Context(), path, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", path, strings.Join(args, " "), err, said)
	}
	return said
}

// newUUID gives a UUID that no other area on the host has: udev, blkid and fstab go by it.
func newUUID() [16]byte {
	var uuid [16]byte
	_, _ = rand.Read(uuid[:]) // never fails
	return uuid
}

// writeArea writes a whole area, every byte of it, so that the file has no holes.
func writeArea(t *testing.T, path string, firstPage []byte, size uint64) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	area := make([]byte, max(size, uint64(len(firstPage))))
	copy(area, firstPage)
	_, err = file.Write(area)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		t.Fatal(err)
	}
}

// sparseFile is an area that only has its header and its length.
func sparseFile(t *testing.T, h Header) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "swapfile")
	if err := errors.Join(os.WriteFile(path, h.Encode(), 0o600), os.Truncate(path, int64(h.Size()))); err != nil {
		t.Fatal(err)
	}
	return path
}

// headerIn parses the header of a file as a caller does: from its first 64 KiB.
func headerIn(t *testing.T, path string) Header {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	h, err := ParseHeader(data[:min(len(data), 64<<10)])
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestMkswapWritesTheSame(t *testing.T) {
	t.Parallel()
	mkswap := tool(t, "mkswap")
	uuid := newUUID()
	for _, test := range []struct{ pageSize, label string }{
		{"4096", Label}, {"8192", Label}, {"16384", ""}, {"32768", "0123456789abcde"}, {"65536", "two words"},
	} {
		t.Run(test.pageSize, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "swapfile")
			const size = 1<<20 + 5000 // no whole number of pages
			if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, size)); err != nil {
				t.Fatal(err)
			}
			args := []string{"-p", test.pageSize, "-U", Header{UUID: uuid}.UUIDString()}
			if test.label != "" {
				args = append(args, "-L", test.label)
			}
			says(t, mkswap, append(args, path)...)

			theirs := headerIn(t, path)
			ours, err := NewHeader(size, theirs.PageSize, uuid, test.label)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(ours, theirs); diff != "" {
				t.Errorf("header (-ours +theirs):\n%s", diff)
			}
			page, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if page = page[:theirs.PageSize]; !bytes.Equal(page, ours.Encode()) {
				t.Errorf("the page differs (-ours +theirs):\n%s", cmp.Diff(ours.Encode(), page))
			}
		})
	}
}

func TestToolsKnowTheHeader(t *testing.T) {
	t.Parallel()
	for _, pageSize := range []uint64{4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10} {
		h, err := NewHeader(4<<20, pageSize, newUUID(), Label)
		if err != nil {
			t.Fatal(err)
		}
		path := sparseFile(t, h)
		t.Run("blkid", func(t *testing.T) {
			said := says(t, tool(t, "blkid"), "-p", "-o", "export", path)
			for _, want := range []string{"TYPE=swap", "VERSION=1", "LABEL=vmguard", "UUID=" + h.UUIDString()} {
				if !slices.Contains(strings.Split(said, "\n"), want) {
					t.Errorf("pages of %d bytes: no %s in\n%s", pageSize, want, said)
				}
			}
		})
		t.Run("swaplabel", func(t *testing.T) {
			said := strings.Fields(says(t, tool(t, "swaplabel"), path))
			want := []string{"LABEL:", "vmguard", "UUID:", h.UUIDString()}
			if diff := cmp.Diff(want, said); diff != "" {
				t.Errorf("pages of %d bytes (-want +said):\n%s", pageSize, diff)
			}
		})
	}
}

func TestSwaplabelChangesTheHeader(t *testing.T) {
	t.Parallel()
	swaplabel := tool(t, "swaplabel")
	h, err := NewHeader(1<<20, 4096, newUUID(), "before")
	if err != nil {
		t.Fatal(err)
	}
	path := sparseFile(t, h)
	h.UUID, h.Label = newUUID(), "thereafter"
	says(t, swaplabel, "-L", h.Label, "-U", h.UUIDString(), path)
	if diff := cmp.Diff(h, headerIn(t, path)); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
}

func TestFileKnowsTheHeader(t *testing.T) {
	t.Parallel()
	file := tool(t, "file")
	h, err := NewHeader(1<<20, 4096, newUUID(), Label)
	if err != nil {
		t.Fatal(err)
	}
	said := says(t, file, "--brief", sparseFile(t, h))
	for _, want := range []string{"swap file", "version 1", "size 255 pages", "LABEL=vmguard", h.UUIDString()} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in %q", want, said)
		}
	}
}

func TestBlkidTellsHibernation(t *testing.T) {
	t.Parallel()
	blkid := tool(t, "blkid")
	h, err := NewHeader(1<<20, 4096, newUUID(), Label)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range signatures() {
		want := "TYPE=swsuspend"
		if s == signature || s == oldSignature {
			want = "TYPE=swap"
		}
		path := filepath.Join(t.TempDir(), "swapfile")
		data := put(h.Encode(), 4086, (s + "\x00")[:10])
		if err := errors.Join(os.WriteFile(path, data, 0o600), os.Truncate(path, 1<<20)); err != nil {
			t.Fatal(err)
		}
		if said := says(t, blkid, "-p", "-o", "export", path); !slices.Contains(strings.Split(said, "\n"), want) {
			t.Errorf("%s: no %s in\n%s", s, want, said)
		}
	}
}

// The tests that use swap are not parallel: then no other test runs beside them whose panic would
// end the process before an area is out of use again.

// swapDir makes a folder where a swapfile can be used, on /var/tmp's filesystem, or skips the test.
func swapDir(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skipf("needs root: swapon(2)")
	}
	const parent = "/var/tmp" // /tmp may be a tmpfs
	const ext4, xfs = 0xef53, 0x58465342
	var fs syscall.Statfs_t
	if err := syscall.Statfs(parent, &fs); err != nil {
		t.Skipf("needs %s: %v", parent, err)
	}
	if fs.Type != ext4 && fs.Type != xfs {
		t.Skipf("needs ext4 or xfs for a swapfile: %s is of type %#x (statfs(2))", parent, fs.Type)
	}
	dir, err := os.MkdirTemp(parent, "vmguard-swap-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("the folder stays: %v", err)
		}
	})
	return dir
}

// offAfterwards takes the area out of use when the test ends, whatever became of it.
func offAfterwards(t *testing.T, path string) {
	t.Helper()
	t.Cleanup(func() {
		// EINVAL: it is not in use.
		if errno := errnoOf(t, change.Swapoff(context.Background(), path)); errno != 0 && errno != syscall.EINVAL {
			t.Errorf("swapoff %s: %v", path, errno)
		}
	})
}

// errnoOf gives the kernel's answer; 0 for success.
func errnoOf(t *testing.T, err error) syscall.Errno {
	t.Helper()
	errno, ok := errors.AsType[syscall.Errno](err)
	if err != nil && !ok {
		t.Fatal(err)
	}
	return errno
}

func TestSwaponTakesTheHeader(t *testing.T) {
	swapon, swapoff := tool(t, "swapon"), tool(t, "swapoff")
	pageSize := uint64(os.Getpagesize())
	h, err := NewHeader(2<<20, pageSize, newUUID(), Label)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(swapDir(t), "swapfile")
	writeArea(t, path, h.Encode(), h.Size())
	offAfterwards(t, path)
	if said, err := run(t.Context(), swapon, path); err != nil {
		if strings.Contains(said, "Operation not permitted") {
			t.Skipf("needs CAP_SYS_ADMIN: %s", said)
		}
		t.Fatalf("swapon: %v\n%s", err, said)
	}

	// An area's size, as swapon says it, is without its header.
	var ours string
	shown := says(t, swapon, "--show=NAME,TYPE,SIZE,UUID,LABEL", "--bytes", "--noheadings", "--raw")
	for line := range strings.Lines(shown) {
		if strings.HasPrefix(line, path+" ") {
			ours = strings.TrimSpace(line)
		}
	}
	size := uint64(2<<20) - pageSize
	want := strings.Join([]string{path, "file", strconv.FormatUint(size, 10), h.UUIDString(), Label}, " ")
	if ours != want {
		t.Errorf("swapon --show:\n%s\nwant\n%s", shown, want)
	}

	says(t, swapoff, path)
	if shown := says(t, swapon, "--show=NAME", "--noheadings", "--raw"); strings.Contains(shown, path) {
		t.Errorf("still in use after swapoff:\n%s", shown)
	}
	// What was in use still has its header.
	if diff := cmp.Diff(h, headerIn(t, path)); diff != "" {
		t.Errorf("header after use (-before +after):\n%s", diff)
	}
}

// TestKernelJudgesTheHeader holds what the comments say of the kernel against the kernel.
func TestKernelJudgesTheHeader(t *testing.T) {
	dir := swapDir(t)
	pageSize := uint64(os.Getpagesize())
	other := pageSize * 2
	if other > 64<<10 {
		other = pageSize / 2
	}
	h, err := NewHeader(1<<20, pageSize, newUUID(), Label)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := NewHeader(1<<20, other, newUUID(), Label)
	if err != nil {
		t.Fatal(err)
	}
	page, end := h.Encode(), int(pageSize)-10
	swapped := bytes.Clone(page)
	for at := versionAt; at < uuidAt; at += 4 {
		slices.Reverse(swapped[at : at+4])
	}
	tests := map[string]struct {
		page []byte
		want syscall.Errno
	}{
		"ours":                 {page, 0},
		"longest label":        {put(page, labelAt, "0123456789abcdef"), 0},
		"the other byte order": {swapped, 0},
		"two pages":            {putInt(page, lastPageAt, 1), 0},
		"another page size":    {foreign.Encode(), syscall.EINVAL},
		"bad pages in a file":  {putInt(putInt(page, badPagesAt, 1), badListAt, 1), syscall.EINVAL},
		"a page too many":      {putInt(page, lastPageAt, h.LastPage+1), syscall.EINVAL},
		"no pages":             {putInt(page, lastPageAt, 0), syscall.EINVAL},
		"version 2":            {putInt(page, versionAt, 2), syscall.EINVAL},
		"version 0":            {put(page, end, oldSignature), syscall.EINVAL},
		"hibernation":          {put(page, end, "S1SUSPEND\x00"), syscall.EINVAL},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
			writeArea(t, path, test.page, 1<<20)
			offAfterwards(t, path)
			errno := errnoOf(t, change.Swapon(path, -1))
			if errno == syscall.EPERM {
				t.Skipf("needs CAP_SYS_ADMIN: %v", errno)
			}
			if errno != test.want {
				t.Errorf("swapon: %v, want %v", errno, test.want)
			}
		})
	}
}

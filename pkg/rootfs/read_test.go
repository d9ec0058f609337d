package rootfs

import (
	"bytes"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestLimit(t *testing.T) {
	f, root := tree(t, map[string]string{"ten": "0123456789", "none": ""})
	sparse, err := os.Create(filepath.Join(root, "sparse"))
	must(t, err)
	must(t, sparse.Truncate(1<<40))
	must(t, sparse.Close())
	long := bytes.Repeat([]byte("0123456789abcdef"), 10_000)
	must(t, os.WriteFile(filepath.Join(root, "long"), long, 0o600))
	for _, tt := range []struct {
		name    string
		limit   int64
		want    string
		wantErr error
	}{
		{"/ten", 1 << 20, "0123456789", nil},
		{"/ten", 1<<63 - 1, "0123456789", nil},
		{"/ten", 10, "0123456789", nil},
		{"/ten", 9, "", ErrTooLarge},
		{"/ten", 0, "", ErrTooLarge},
		{"/none", 0, "", nil},
		{"/ten", -1, "", syscall.EINVAL},
		{"/sparse", 1 << 16, "", ErrTooLarge},
		{"/long", 160_000, string(long), nil},
		{"/long", 159_999, "", ErrTooLarge},
	} {
		got, err := f.ReadFile(tt.name, tt.limit)
		if string(got) != tt.want || !errors.Is(err, tt.wantErr) {
			t.Errorf("ReadFile(%s, %d) = %d bytes, %v; want %d bytes, %v",
				tt.name, tt.limit, len(got), err, len(tt.want), tt.wantErr)
		}
	}
}

// TestSpecialFilesAreRefused holds for a tree and for the live host. That it ends
// shows that no FIFO was opened and waited for.
func TestSpecialFilesAreRefused(t *testing.T) {
	f, root := tree(t, map[string]string{"to-fifo": "-> /fifo"})
	must(t, syscall.Mkfifo(filepath.Join(root, "fifo"), 0o600))
	sock, err := net.Listen("unix", filepath.Join(root, "sock"))
	must(t, err)
	defer sock.Close()
	live := open(t, "/")
	for _, tt := range []struct {
		fs   *FS
		name string
	}{
		{f, "/fifo"}, {f, "/to-fifo"}, {f, "/sock"}, {f, "/"},
		{live, root + "/fifo"}, {live, root + "/sock"}, {live, root}, {live, "/dev/null"},
	} {
		if _, err := within(t, func() ([]byte, error) { return tt.fs.ReadFile(tt.name, 10) }); !errors.Is(err, ErrNotRegular) {
			t.Errorf("ReadFile(%s) error = %v, want ErrNotRegular", tt.name, err)
		}
		if strings.HasSuffix(tt.name, "/fifo") {
			if _, err := within(t, func() ([]fs.DirEntry, error) { return tt.fs.ReadDir(tt.name) }); !errors.Is(err, syscall.ENOTDIR) {
				t.Errorf("ReadDir(%s) error = %v, want ENOTDIR", tt.name, err)
			}
		}
	}
	if _, err := within(t, func() (*FS, error) { return Open(root + "/fifo") }); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("Open of a FIFO: %v, want ENOTDIR", err)
	}
}

// within fails the test where fn hangs, instead of hanging with it.
func within[T any](t *testing.T, fn func() (T, error)) (T, error) {
	t.Helper()
	type result struct {
		value T
		err   error
	}
	ch := make(chan result, 1)
	go func() {
		value, err := fn()
		ch <- result{value, err}
	}()
	select {
	case r := <-ch:
		return r.value, r.err
	case <-time.After(20 * time.Second):
		t.Fatal("hangs")
		panic("unreachable")
	}
}

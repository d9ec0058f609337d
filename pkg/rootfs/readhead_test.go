package rootfs

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestReadHead(t *testing.T) {
	f, root := tree(t, map[string]string{
		"ten": "0123456789", "none": "", "abs": "-> /ten", "out": "-> ../../../../../ten", "away": "-> /etc/passwd", "dir/x": "",
	})
	must(t, syscall.Mkfifo(filepath.Join(root, "fifo"), 0o600))
	long := bytes.Repeat([]byte("0123456789abcdef"), 10_000)
	must(t, os.WriteFile(filepath.Join(root, "long"), long, 0o600))
	sparse, err := os.Create(filepath.Join(root, "sparse"))
	must(t, err)
	must(t, sparse.Truncate(1<<40))
	must(t, sparse.Close())
	live := open(t, "/")
	for _, tt := range []struct {
		fs      *FS
		name    string
		n       int
		want    string
		wantErr error
	}{
		{f, "/ten", 4, "0123", nil},
		{f, "/ten", 10, "0123456789", nil},
		{f, "/ten", 1 << 40, "0123456789", nil},
		{f, "/ten", 0, "", nil},
		{f, "/ten", -1, "", syscall.EINVAL},
		{f, "/none", 10, "", nil},
		{f, "/long", 159_999, string(long[:159_999]), nil},
		{f, "/sparse", 3, "\x00\x00\x00", nil},
		{f, "/abs", 2, "01", nil},
		{f, "/out", 2, "01", nil},
		{f, "/away", 2, "", fs.ErrNotExist},
		{f, "/gone", 2, "", fs.ErrNotExist},
		{f, "/dir", 2, "", ErrNotRegular},
		{f, "/fifo", 2, "", ErrNotRegular},
		{live, root + "/ten", 4, "0123", nil},
		{live, root + "/fifo", 4, "", ErrNotRegular},
		{live, "/dev/null", 4, "", ErrNotRegular},
		{live, "", 4, "", fs.ErrNotExist},
	} {
		got, err := within(t, func() ([]byte, error) { return tt.fs.ReadHead(tt.name, tt.n) })
		if string(got) != tt.want || !errors.Is(err, tt.wantErr) {
			t.Errorf("ReadHead(%s, %d) = %d bytes, %v; want %d bytes, %v", tt.name, tt.n, len(got), err, len(tt.want), tt.wantErr)
		}
	}
}

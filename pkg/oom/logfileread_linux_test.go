package oom

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/rootfs"
)

// logLine is a line of a syslog file, of a time in UTC, from the kernel.
func logLine(at time.Time, message string) string {
	return at.UTC().Format("Jan _2 15:04:05") + " vm kernel: " + message + "\n"
}

// logTreeOf makes a host's tree with the given files below /var/log; each was last written at
// the time that it is given.
func logTreeOf(t *testing.T, files map[string]string, written map[string]time.Time) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, logDir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, ok := strings.CutPrefix(text, "-> "); ok {
			err = os.Symlink(target, path)
		} else {
			err = os.WriteFile(path, []byte(text), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		if at, ok := written[name]; ok {
			if err := os.Chtimes(path, at, at); err != nil {
				t.Fatal(err)
			}
		}
	}
	return root
}

// killTimes gives "PID time" of each kill.
func killTimes(log Log) []string {
	all := []string{}
	for _, k := range log.Kills {
		at := "-"
		if !k.At.IsZero() {
			at = k.At.UTC().Format("2006-01-02T15:04:05")
		}
		all = append(all, fmt.Sprint(k.PID, " ", at))
	}
	return all
}

// TestReadLogFiles reads files over a New Year: the stamps name no year, the files' times do.
func TestReadLogFiles(t *testing.T) {
	day := func(year int, month time.Month, day int) time.Time {
		return time.Date(year, month, day, 12, 0, 0, 0, time.UTC)
	}
	old, before, after := day(2025, 11, 2), day(2025, 12, 31), day(2026, 1, 1)
	forged := before.Format("Jan _2 15:04:05") + " vm evil[7]: kernel: " + killText(9) + "\n"
	cut := gzipped(t, strings.Repeat(logLine(after, killText(3)), 50))
	cut = cut[:len(cut)-6]
	root := logTreeOf(t, map[string]string{
		"kern.log":             logLine(before, killText(2)) + logLine(after, killText(3)),
		"kern.log.1":           logLine(old, killText(1)),
		"kern.log.2.gz":        gzipped(t, logLine(day(2024, 12, 31), killText(1))),
		"kern.log.3.xz":        "\xfd7zXZ\x00",
		"syslog":               logLine(before, "noise") + forged + logLine(before, killText(2)) + logLine(after, killText(3)) + logLine(after, killText(4)),
		"syslog.1":             gzipped(t, logLine(old, killText(1))), // its name says nothing
		"syslog.2.gz":          "\x1f\x8b\x08 no gzip",
		"messages":             "-> /var/log/elsewhere/messages",
		"messages-2026010":     "nothing",
		"elsewhere/messages":   logLine(after.Add(time.Hour), killText(5)),
		"messages-20260101.gz": cut,
		"auth.log":             logLine(after, killText(77)),
	}, map[string]time.Time{
		"kern.log": after.Add(time.Hour), "kern.log.1": old.Add(time.Hour), "kern.log.2.gz": day(2025, 1, 1),
		"syslog": after.Add(time.Hour), "syslog.1": old.Add(time.Hour), "elsewhere/messages": after.Add(2 * time.Hour),
		"messages-20260101.gz": after.Add(time.Hour),
	})
	if err := syscall.Mkfifo(filepath.Join(root, logDir, "messages.1"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := ReadLogFiles(t.Context(), root, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"1 2024-12-31T12:00:00", "1 2025-11-02T12:00:00", "2 2025-12-31T12:00:00",
		"3 2026-01-01T12:00:00", "4 2026-01-01T12:00:00", "5 2026-01-01T13:00:00",
	}
	if diff := cmp.Diff(want, killTimes(got.Log)); diff != "" {
		t.Error(diff)
	}
	var read, unread []string
	for _, f := range got.Read {
		read = append(read, fmt.Sprint(strings.TrimPrefix(f.Path, logDir+"/"), " ", f.Kills, " ", f.Damage))
	}
	for _, f := range got.Unread {
		unread = append(unread, strings.TrimPrefix(f.Path, logDir+"/"))
		if f.Why == "" {
			t.Errorf("%s: no reason", f.Path)
		}
	}
	wantRead := []string{
		"kern.log.2.gz 1 ", "kern.log.1 1 ", "kern.log 2 ",
		"messages-20260101.gz 1 unexpected EOF", "messages 1 ",
		"syslog.2.gz 0 unexpected EOF", "syslog.1 1 ", "syslog 3 ",
	}
	if diff := cmp.Diff(wantRead, read); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"kern.log.3.xz", "messages.1"}, unread); diff != "" {
		t.Error(diff)
	}
}

func TestReadLogFilesAbsent(t *testing.T) {
	bare := t.TempDir()
	if _, err := ReadLogFiles(t.Context(), bare, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no /var/log: %v", err)
	}
	if _, err := ReadLogFiles(t.Context(), filepath.Join(bare, "missing"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no tree: %v", err)
	}
	root := logTreeOf(t, map[string]string{"auth.log": "x"}, nil)
	if _, err := ReadLogFiles(t.Context(), root, nil); !errors.Is(err, ErrNoLogFiles) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no log: %v", err)
	}
	root = logTreeOf(t, map[string]string{"kern.log": "-> /../../../../../../etc/hostname", "syslog": "-> /dev/null"}, nil)
	files, err := ReadLogFiles(t.Context(), root, nil)
	if !errors.Is(err, fs.ErrNotExist) || len(files.Unread) != 2 || files.Log.Kills == nil {
		t.Errorf("links out of the tree: %+v, %v", files, err)
	}
	root = logTreeOf(t, map[string]string{"kern.log": logLine(time.Now(), killText(1))}, nil)
	if err := os.Chmod(filepath.Join(root, logDir, "kern.log"), 0); err != nil {
		t.Fatal(err)
	}
	asUser(t, func() { openShut(t, filepath.Join(root, logDir, "kern.log")) })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := ReadLogFiles(ctx, root, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
}

// openShut shows that a file without the right to read it says so.
func openShut(t *testing.T, path string) {
	t.Helper()
	tree, err := openTree("/")
	if err != nil {
		t.Error(err)
		return
	}
	defer tree.close()
	if _, _, err := tree.open(path); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("%s: %v", path, err)
	}
}

// TestLogTree holds what is opened, on the live host and in a tree.
func TestLogTree(t *testing.T) {
	root := logTreeOf(t, map[string]string{
		"file": "inside", "link": "-> /var/log/file", "out": "-> /../etc/hostname", "dir/x": "", "dead": "-> missing",
	}, nil)
	if err := syscall.Mkfifo(filepath.Join(root, logDir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		root, name string
		want       error
	}{
		{root, logDir + "/file", nil},
		{root, logDir + "/link", nil},
		{root, logDir + "/out", fs.ErrNotExist},
		{root, logDir + "/dead", fs.ErrNotExist},
		{root, logDir + "/fifo", rootfs.ErrNotRegular},
		{root, logDir + "/dir", rootfs.ErrNotRegular},
		{root, "", fs.ErrNotExist},
		{"/", root + logDir + "/file", nil},
		{"/", root + logDir + "/fifo", rootfs.ErrNotRegular},
		{"/", "/dev/zero", rootfs.ErrNotRegular},
		{"/", root + logDir + "/missing", fs.ErrNotExist},
	} {
		tree, err := openTree(tt.root)
		if err != nil {
			t.Fatal(err)
		}
		file, fi, err := tree.open(tt.name)
		if !errors.Is(err, tt.want) || err == nil && fi.Size() != int64(len("inside")) {
			t.Errorf("%s in %s: %v, want %v", tt.name, tt.root, err, tt.want)
		}
		if err == nil {
			_ = file.Close()
		}
		tree.close()
	}
}

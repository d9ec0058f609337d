package swap

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"vmguard/pkg/host"
)

func TestLookFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h, err := NewHeader(64<<10, 4<<10, testUUID(), Label)
	if err != nil {
		t.Fatal(err)
	}
	anonymous := h
	anonymous.Label, anonymous.UUID = "", [16]byte{}
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(
		os.WriteFile(at("ours"), h.Encode(), 0o600),
		os.WriteFile(at("theirs"), anonymous.Encode(), 0o640),
		os.WriteFile(at("text"), []byte("hello"), 0o600),
		os.Mkdir(at("folder"), 0o700),
		os.Symlink(at("ours"), at("link")),
	); err != nil {
		t.Fatal(err)
	}
	uid := uint32(os.Getuid())
	file := func(name string, mode uint32) host.Fact[host.SwapFile] {
		return host.Known(host.SwapFile{Mode: mode, UID: uid}, at(name))
	}
	size := func(name string, n uint64) host.Fact[uint64] { return host.Known(n, at(name)) }
	const odd = "not a regular file"
	ext4 := host.Known("ext4", "statfs")
	tests := map[string]FileLook{
		"ours": {Size: size("ours", 4<<10), File: file("ours", 0o600),
			Header: host.Known(HeaderStatus{Size: 64 << 10, Label: Label, UUID: testUUIDString, ByVmguard: true}, at("ours"))},
		"theirs": {Size: size("theirs", 4<<10), File: file("theirs", 0o640), Header: host.Known(HeaderStatus{Size: 64 << 10}, at("theirs"))},
		"text":   {Size: size("text", 5), File: file("text", 0o600), Header: host.Missing[HeaderStatus](ErrNoHeader.Error())},
		"folder": {Size: host.Missing[uint64](odd), File: host.Missing[host.SwapFile](odd), Header: host.Missing[HeaderStatus](odd)},
		"link": {Size: host.Missing[uint64](odd), File: host.Missing[host.SwapFile](odd),
			Header: host.Missing[HeaderStatus]("too many levels of symbolic links")},
		"none":         {Absent: true},
		"no/directory": {Absent: true},
		"text/none":    {Absent: true},
	}
	for name, want := range tests {
		if !want.Absent {
			want.Filesystem = ext4
		}
		if diff := cmp.Diff(want, lookFile(at(name), ext4, true)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// asNobody runs a function without root's right to read all files: the thread's user for files is another (setfsuid(2)).
func asNobody(t *testing.T, do func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		do()
		return
	}
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the function
		err := unix.Setfsuid(65534)
		if err == nil {
			do()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestLookFileDenied(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "vmguard-denied-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { // or nobody could not even look into it
		t.Fatal(err)
	}
	closed := filepath.Join(dir, "closed")
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "unreadable"), nil, 0), os.Mkdir(closed, 0)); err != nil {
		t.Fatal(err)
	}
	const why = "reading it needs root"
	look := func(name string, root bool) (got FileLook) {
		asNobody(t, func() { got = lookFile(name, host.Fact[string]{}, root) })
		return got
	}
	got := look(filepath.Join(dir, "unreadable"), false)
	if !got.File.Known() || !got.Size.Known() || got.Header.Why() != why {
		t.Errorf("unreadable: %+v", got)
	}
	got = look(filepath.Join(closed, "swapfile"), false)
	if got.Absent || got.File.Why() != why || got.Size.Why() != why || got.Header.Why() != why {
		t.Errorf("in a closed folder: %+v", got)
	}
	got = look(filepath.Join(closed, "swapfile"), true)
	if got.File.Why() != "permission denied" {
		t.Errorf("to root a hint at root says nothing: %+v", got)
	}
}

func TestLookStatus(t *testing.T) {
	t.Parallel()
	source, err := host.LiveSource()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = source.Close() })
	dir := t.TempDir()
	h, err := NewHeader(64<<10, 4<<10, testUUID(), "")
	if err != nil {
		t.Fatal(err)
	}
	file, gone := filepath.Join(dir, "swap"), filepath.Join(dir, "gone")
	if err := os.WriteFile(file, h.Encode(), 0o600); err != nil {
		t.Fatal(err)
	}
	facts := statusFacts()
	facts.Swaps.Value = []host.SwapArea{{Path: file, Type: "file", Size: 60 << 10, Deleted: true}}
	facts.Units.Value = []host.SwapUnit{{Name: "a.swap", What: gone, Enabled: true}}
	facts.Fstab.Value = []host.FstabSwap{{Line: 1, Spec: filepath.Join(dir, "link"), Target: dir + "/./swap", Exists: there(true)}}

	areas := LookStatus(t.Context(), source, facts).Areas
	if len(areas) != 3 {
		t.Fatalf("%+v", areas)
	}
	deleted, found, missing := areas[0], areas[1], areas[2]
	if deleted.Header.Known() || deleted.Filesystem.Known() {
		t.Errorf("another file of a deleted one's name was looked at: %+v", deleted)
	}
	if !found.Header.Known() || !found.Filesystem.Known() || found.Filesystem.Value == "" || found.Size == nil || *found.Size != 4<<10 {
		t.Errorf("%+v", found)
	}
	if !missing.Absent || missing.Persistence.State != PersistNo {
		t.Errorf("%+v", missing)
	}

	// What belongs to another system, or is not waited for, is not looked at, and so not known.
	other := source
	other.Live = false
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for name, areas := range map[string][]AreaStatus{
		"another host": LookStatus(t.Context(), other, facts).Areas,
		"interrupted":  LookStatus(over, source, facts).Areas,
	} {
		if a := areas[1]; a.Header.Known() || a.Filesystem.Known() || a.Size != nil || len(a.Gaps()) != 4 {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"vmguard/pkg/change"
	"vmguard/pkg/swap"
)

// activeSwapfile makes a swapfile of 16 MiB and uses it until the test ends, or skips the test. Nothing
// in /etc is changed.
func activeSwapfile(t *testing.T) (path string, header swap.Header) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skipf("needs root: swapon(2)")
	}
	const parent = "/var/tmp" // /tmp may be a tmpfs
	const ext4, xfs = 0xef53, 0x58465342
	var disk syscall.Statfs_t
	if err := syscall.Statfs(parent, &disk); err != nil || disk.Type != ext4 && disk.Type != xfs {
		t.Skipf("needs ext4 or XFS for a swapfile: %s is of type %#x (%v)", parent, disk.Type, err)
	}
	dir, err := os.MkdirTemp(parent, "vmguard-status-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("the folder stays: %v", err)
		}
	})
	var uuid [16]byte
	_, _ = rand.Read(uuid[:]) // never fails
	header, err = swap.NewHeader(16<<20, uint64(os.Getpagesize()), uuid, swap.Label)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, nastyName())
	area := make([]byte, header.Size()) // every byte is written, so that the file has no holes
	copy(area, header.Encode())
	if err := errors.Join(os.WriteFile(path, area, 0o600), syncFile(path)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// EINVAL: it is not in use.
		if err := change.Swapoff(context.Background(), path); err != nil && !errors.Is(err, syscall.EINVAL) {
			t.Errorf("swapoff: %v", err)
		}
	})
	if err := change.Swapon(path, 7); errors.Is(err, syscall.EPERM) {
		t.Skipf("needs CAP_SYS_ADMIN: %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	return path, header
}

// nastyName has a blank, which the kernel escapes, and what a terminal acts on.
func nastyName() string { return "swap file\x1b[31m" }

func syncFile(path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

// Not parallel: no other test then runs beside it whose panic would end the process before the area is
// out of use.
func TestSwapStatusOfRealSwapfile(t *testing.T) {
	path, header := activeSwapfile(t)
	raw := vmguard(t, "swap", "status", "-o", "json")
	accepts(t, schema(t, "swap-status"), raw)
	found := false
	for _, a := range readStatus(t, raw).Data.Areas {
		if a.Path != path {
			continue
		}
		found = true
		h := a.Header.Value
		switch {
		case a.Kind != "file" || !a.Active || a.SizeBytes != header.Size()-header.PageSize || a.Priority == nil || *a.Priority != 7:
			t.Errorf("got %+v", a)
		case a.Permissions.Value.Mode != 0o600 || a.Permissions.Value.UID != 0:
			t.Errorf("permissions %+v", a.Permissions)
		case a.Filesystem.Value != "ext4" && a.Filesystem.Value != "xfs":
			t.Errorf("filesystem %q", a.Filesystem.Value)
		case a.Persistence.State != "no" && a.Persistence.State != "unknown": // unknown in a container
			t.Errorf("persistence %+v", a.Persistence)
		case h.SizeBytes != header.Size() || h.Label != swap.Label || h.UUID != header.UUIDString() || !h.ByVmguard:
			t.Errorf("header %+v", h)
		}
	}
	if !found {
		t.Fatalf("%q is not in\n%s", path, raw)
	}

	text := string(vmguard(t, "swap", "status"))
	shown := strings.ReplaceAll(path, "\x1b", "?")
	for _, want := range []string{shown, "0600 root", "16 MiB", "made by vmguard: ", " swap-persistent "} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "\x1b") {
		t.Errorf("an escape in\n%q", text)
	}

	if err := change.Swapoff(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	for _, a := range readStatus(t, vmguard(t, "swap", "status", "-o", "json")).Data.Areas {
		if a.Path == path {
			t.Errorf("still there: %+v", a)
		}
	}
}

package journal

import (
	"os"
	"path/filepath"
	"testing"
)

func TestStorageOf(t *testing.T) {
	dir := t.TempDir()
	persistent, volatile := filepath.Join(dir, "var"), filepath.Join(dir, "run")
	add := func(path string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		file string
		want Storage
	}{
		{filepath.Join(dir, "other"), StorageUnknown},
		{filepath.Join(persistent, "id", "user-1000.journal"), StorageUnknown},
		{filepath.Join(volatile, "id", "system.journal"), StorageVolatile},
		{filepath.Join(persistent, "id", "system@1-2.journal"), StoragePersistent},
	} {
		add(step.file)
		if got := storageOf(persistent, volatile); got != step.want {
			t.Errorf("with %s: %s, want %s", step.file, got, step.want)
		}
	}
}

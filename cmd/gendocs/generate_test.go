package main

import (
	"os"
	"path/filepath"
	"testing"
)

const docs = "../../docs"

// TestDocsAreFresh fails when a command or a check changed and the pages did not.
func TestDocsAreFresh(t *testing.T) {
	files, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(docs, name))
		if err != nil || string(got) != string(want) {
			t.Errorf("docs/%s is stale (%v): go run ./cmd/gendocs", name, err)
		}
	}
	for _, dir := range []string{"cli", "man"} {
		entries, err := os.ReadDir(filepath.Join(docs, dir))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if _, ok := files[dir+"/"+e.Name()]; !ok {
				t.Errorf("docs/%s/%s belongs to no command: go run ./cmd/gendocs", dir, e.Name())
			}
		}
	}
}

func TestWriteTakesAwayOldPages(t *testing.T) {
	dir := t.TempDir()
	old := filepath.Join(dir, "man", "vmguard-gone.1")
	if err := os.MkdirAll(filepath.Dir(old), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(old, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := write(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", old, err)
	}
	for _, name := range []string{"checks.md", "timeouts.md", "cli/vmguard-doctor.md", "man/vmguard-doctor.1"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() < 500 {
			t.Errorf("%s was not written: %v", name, err)
		}
	}
}

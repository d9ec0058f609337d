// Gendocs writes the generated parts of the documentation: docs/cli and docs/man from
// the command tree, docs/checks.md from the list of checks, docs/timeouts.md from the table of timeouts. A test fails when they are stale.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	dir := "docs"
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	if err := write(dir); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// write puts the generated files below dir, and takes away those that are generated no more.
func write(dir string) error {
	files, err := generate()
	if err != nil {
		return err
	}
	for _, sub := range []string{"cli", "man"} {
		if err := os.RemoveAll(filepath.Join(dir, sub)); err != nil {
			return fmt.Errorf("remove old files: %w", err)
		}
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("make folder: %w", err)
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return fmt.Errorf("write page: %w", err)
		}
	}
	return nil
}

// Package journaltest writes systemd journals for tests, real ones.
package journaltest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Entry is one record: fields as systemd.journal-fields(7) names them, each "NAME=value"
// in one line. __REALTIME_TIMESTAMP, __MONOTONIC_TIMESTAMP (both in microseconds) and
// _BOOT_ID must be among them.
type Entry []string

// Write makes a journal file by the program that systemd has for entries from other
// machines, and skips the test where that or journalctl is not installed. The entries are
// handed over in the form of journalctl -o export, and must be in the order of time.
func Write(t *testing.T, path string, entries ...Entry) {
	t.Helper()
	const writer = "/usr/lib/systemd/systemd-journal-remote"
	for _, needed := range []string{writer, "/usr/bin/journalctl"} {
		if _, err := os.Stat(needed); err != nil {
			t.Skipf("needs systemd's journal (packages systemd and systemd-journal-remote): %v", err)
		}
	}
	var export bytes.Buffer
	for _, e := range entries {
		fmt.Fprintf(&export, "%s\n\n", strings.Join(e, "\n"))
	}
	cmd := exec.CommandContext(t.Context(), writer, "--output="+path, "-")
	cmd.Stdin = &export
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", writer, err, out)
	}
}

package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"vmguard/pkg/journal/journaltest"
)

// logged is a record of a journal, so many seconds after got.
func logged(second int, unit, transport, message string) journaltest.Entry {
	return journaltest.Entry{
		fmt.Sprintf("__REALTIME_TIMESTAMP=%d", got().Add(time.Duration(second)*time.Second).UnixMicro()),
		fmt.Sprintf("__MONOTONIC_TIMESTAMP=%d", 1+second*1e6),
		"_BOOT_ID=" + strings.Repeat("a", 32), "_HOSTNAME=vm", "PRIORITY=6",
		"_TRANSPORT=" + transport, "_SYSTEMD_UNIT=" + unit, "MESSAGE=" + message,
	}
}

// TestRealEngineLog reads a real journal with the real journalctl.
func TestRealEngineLog(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := t.TempDir()
	journaltest.Write(t, filepath.Join(dir, "system.journal"),
		logged(0, "docker.service", "stdout", "level=info msg=first container="+id),
		logged(10, "docker.service", "stdout", forced),
		logged(11, "docker.service", "stdout", strings.ReplaceAll(forced, id, strings.Repeat("b", 64))),
		logged(12, "docker.service", "journal", "level=info msg=forged container="+id), // log driver journald
		logged(13, "docker.service", "syslog", "level=info msg=forged container="+id),  // log driver syslog
		logged(14, "web.service", "stdout", "level=info msg=forged container="+id),
		logged(15, "containerd.service", "stdout", shim),
		logged(16, "docker.service", "stdout", debugging),
	)
	line := func(unit, text string, at time.Time) EngineLine { return EngineLine{at, unit, text} }
	stamped := time.Date(2026, 11, 25, 23, 4, 14, 283856606, time.UTC)
	first := line("docker.service", "first", got())
	later := []EngineLine{
		line("docker.service", "Container failed to exit within 2s of signal 15 - using the force", stamped),
		line("containerd.service", "cleaning up after shim disconnected", stamped.Truncate(time.Second).Add(1200*time.Millisecond)),
	}
	both := []string{"containerd.service", "docker.service"}
	for _, tt := range []struct {
		name, container string
		since           time.Time
		want            EngineLog
		wants           error
	}{
		{"all", id, time.Time{}, EngineLog{Lines: append([]EngineLine{first}, later...), Units: both}, nil},
		{"since a time", id, got().Add(5 * time.Second), EngineLog{Lines: later, Units: both}, nil},
		{"of which it says nothing", strings.Repeat("c", 64), time.Time{}, EngineLog{Units: both}, nil},
		{"since a time after all", id, got().Add(time.Hour), EngineLog{}, ErrSilent},
	} {
		log, err := Source{Directory: dir}.EngineLog(t.Context(), tt.container, tt.since)
		if !errors.Is(err, tt.wants) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.wants)
		}
		if diff := cmp.Diff(tt.want, log); diff != "" {
			t.Errorf("%s:\n%s", tt.name, diff)
		}
	}
}

// TestRealEngineLogBounded keeps the newest of many, in the order of time.
func TestRealEngineLogBounded(t *testing.T) {
	dir := t.TempDir()
	var entries []journaltest.Entry
	for i := range mostLines + 50 {
		entries = append(entries, logged(i, "docker.service", "stdout", fmt.Sprintf("level=info msg=%d container=%s", i, id)))
	}
	journaltest.Write(t, filepath.Join(dir, "system.journal"), entries...)
	log, err := Source{Directory: dir}.EngineLog(t.Context(), id, time.Time{})
	if err != nil || !log.More || len(log.Lines) != mostLines {
		t.Fatalf("%d lines, more %t, %v", len(log.Lines), log.More, err)
	}
	if first, last := log.Lines[0].Text, log.Lines[mostLines-1].Text; first != "50" || last != fmt.Sprint(mostLines+49) {
		t.Errorf("from %s to %s", first, last)
	}
}

// TestRealEngineLogAbsent tells a journal that is not there from one of other units alone.
func TestRealEngineLogAbsent(t *testing.T) {
	empty, others := t.TempDir(), t.TempDir()
	journaltest.Write(t, filepath.Join(others, "system.journal"), logged(0, "web.service", "stdout", forced))
	for dir, want := range map[string]error{empty: ErrAbsent, filepath.Join(empty, "missing"): ErrAbsent, others: ErrSilent} {
		log, err := Source{Directory: dir}.EngineLog(t.Context(), id, time.Time{})
		if !errors.Is(err, want) || !errors.Is(err, os.ErrNotExist) || len(log.Lines) != 0 {
			t.Errorf("%s: %+v, %v, want %v", dir, log, err, want)
		}
	}
}

// TestRealEngineLogDenied reads as a user who may read messages of their own only, or not
// even these: journalctl gives the first and exits with 0, which must not be told as silence.
func TestRealEngineLogDenied(t *testing.T) {
	const setpriv, nobody = "/usr/bin/setpriv", "65534"
	if _, err := os.Stat(setpriv); err != nil || os.Getuid() != 0 {
		t.Skipf("needs root and setpriv, to become another user: %v", err)
	}
	dir, err := os.MkdirTemp("/tmp", "vmguard-journal-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	system, own := filepath.Join(dir, "system.journal"), filepath.Join(dir, "user-"+nobody+".journal")
	journaltest.Write(t, system, logged(0, "docker.service", "stdout", forced))
	journaltest.Write(t, own, logged(1, "session.scope", "stdout", "hello"))
	source := Source{
		Directory: dir,
		Program:   program(t, "exec "+setpriv+" --reuid "+nobody+" --regid "+nobody+" --clear-groups /usr/bin/journalctl \"$@\"\n"),
	}
	for _, step := range []struct {
		name string
		mode os.FileMode // of the user's own messages
	}{{"only messages of their own", 0o644}, {"not even these", 0}} {
		for path, mode := range map[string]os.FileMode{dir: 0o755, system: 0o600, own: step.mode} {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
		}
		log, err := source.EngineLog(t.Context(), id, time.Time{})
		if !errors.Is(err, ErrDenied) || !errors.Is(err, os.ErrPermission) || len(log.Lines) != 0 {
			t.Errorf("%s: %+v, %v", step.name, log, err)
		}
	}
}

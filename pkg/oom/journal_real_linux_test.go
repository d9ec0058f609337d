package oom

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"vmguard/pkg/journal/journaltest"
)

// entry is one of a journal.
type entry struct {
	boot      string
	at        time.Time
	sinceBoot time.Duration
	transport string
	message   string
}

// begun is when the first boot of the journals that tests make began.
func begun() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) }

// killText is a kill line.
func killText(pid int) string {
	return fmt.Sprintf("Memory cgroup out of memory: Killed process %d (app) total-vm:8kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:36kB oom_score_adj:0", pid)
}

// makeJournal writes a real journal file.
func makeJournal(t *testing.T, path string, entries ...entry) {
	t.Helper()
	var all []journaltest.Entry
	for _, e := range entries {
		// journald gets it a little after the kernel has stamped it.
		const late = 500 * time.Microsecond
		one := journaltest.Entry{
			fmt.Sprintf("__REALTIME_TIMESTAMP=%d", e.at.Add(late).UnixMicro()),
			fmt.Sprintf("__MONOTONIC_TIMESTAMP=%d", (e.sinceBoot + late).Microseconds()),
			"_BOOT_ID=" + e.boot, "_HOSTNAME=vm", "_TRANSPORT=" + e.transport,
			// All but the kernel's transport can be had by anyone: logger -p kern.err -t kernel.
			"PRIORITY=3", "SYSLOG_FACILITY=0", "SYSLOG_IDENTIFIER=kernel",
		}
		if e.transport == "kernel" {
			one = append(one, fmt.Sprintf("_SOURCE_MONOTONIC_TIMESTAMP=%d", e.sinceBoot.Microseconds()))
		}
		all = append(all, append(one, "MESSAGE="+e.message))
	}
	journaltest.Write(t, path, all...)
}

// twoBoots are the entries of two boots, with kills 1 and 2 in the first, 3 in the second,
// and forged ones around them.
func twoBoots() []entry {
	at := func(d time.Duration) time.Time { return begun().Add(d) }
	return []entry{
		{bootA, at(time.Second), time.Second, "kernel", "Linux version 6.1"},
		{bootA, at(10 * time.Second), 10 * time.Second, "kernel", killText(1)},
		{bootA, at(11 * time.Second), 11 * time.Second, "syslog", killText(91)},
		{bootA, at(20 * time.Second), 20 * time.Second, "stdout", killText(92)},
		{bootA, at(30 * time.Second), 30 * time.Second, "kernel", killText(2)},
		{bootB, at(24 * time.Hour), time.Second, "kernel", "Linux version 6.1"},
		{bootB, at(24*time.Hour + time.Minute), time.Minute, "journal", killText(93)},
		{bootB, at(25 * time.Hour), time.Hour, "kernel", killText(3)},
	}
}

// TestRealJournal reads a real journal with the real journalctl.
func TestRealJournal(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := t.TempDir()
	makeJournal(t, filepath.Join(dir, "system.journal"), twoBoots()...)
	tests := []struct {
		name, boot string
		since      time.Time
		want       []string
		oldest     time.Duration // since the first boot began
		wants      error
	}{
		{"all boots", AllBoots, time.Time{}, []string{"1 a 10s", "2 a 30s", "3 b 25h0m0s"}, time.Second, nil},
		{"the newest", "0", time.Time{}, []string{"3 b 25h0m0s"}, 24 * time.Hour, nil},
		{"by default", "", time.Time{}, []string{"3 b 25h0m0s"}, 24 * time.Hour, nil},
		{"the one before", "-1", time.Time{}, []string{"1 a 10s", "2 a 30s"}, time.Second, nil},
		{"since a time", AllBoots, begun().Add(15 * time.Second), []string{"2 a 30s", "3 b 25h0m0s"}, time.Second, nil},
		{"since a time of one boot", "-1", begun().Add(15 * time.Second), []string{"2 a 30s"}, time.Second, nil},
		{"since it all", AllBoots, begun().Add(99 * time.Hour), []string{}, time.Second, nil},
		{"one that is not there", "-2", time.Time{}, []string{}, -1, ErrNoBoot},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			journal, err := ReadJournal(t.Context(), JournalOptions{Directory: dir, Boot: tt.boot, Since: tt.since})
			if !errors.Is(err, tt.wants) {
				t.Fatalf("%v, want %v", err, tt.wants)
			}
			got := []string{}
			for _, k := range journal.Log.Kills {
				got = append(got, fmt.Sprint(k.PID, " ", k.Boot[:1], " ", k.At.Sub(begun())))
				if k.Host != "vm" || k.SinceBoot == 0 {
					t.Errorf("not all is known of %+v", k)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if tt.oldest >= 0 && !journal.Oldest.Equal(begun().Add(tt.oldest)) {
				t.Errorf("reaches back to %v", journal.Oldest)
			}
			if len(journal.Boots) != 2 || len(journal.Notes) != 0 || journal.Storage != StorageUnknown {
				t.Errorf("%+v", journal)
			}
		})
	}
}

// TestRealJournalDamaged adds a file that was cut short: the others are read, and the note says so.
func TestRealJournalDamaged(t *testing.T) {
	dir := t.TempDir()
	whole := filepath.Join(dir, "system.journal")
	makeJournal(t, whole, twoBoots()...)
	data, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "system@0.journal"), data[:3000], 0o600); err != nil {
		t.Fatal(err)
	}
	journal, err := ReadJournal(t.Context(), JournalOptions{Directory: dir, Boot: AllBoots})
	if err != nil || len(journal.Log.Kills) != 3 {
		t.Errorf("%d kills, %v", len(journal.Log.Kills), err)
	}
	if len(journal.Notes) != 1 || !strings.Contains(journal.Notes[0], "system@0.journal is truncated") {
		t.Errorf("notes: %q", journal.Notes)
	}
}

func TestRealJournalAbsent(t *testing.T) {
	empty := t.TempDir()
	makeJournal(t, filepath.Join(t.TempDir(), "system.journal"), twoBoots()...) // skips where there is no systemd
	for _, dir := range []string{empty, filepath.Join(empty, "missing")} {
		journal, err := ReadJournal(t.Context(), JournalOptions{Directory: dir})
		if !errors.Is(err, ErrNoJournal) || !errors.Is(err, os.ErrNotExist) || journal.Log.Kills == nil {
			t.Errorf("%s: %v, %v", dir, journal, err)
		}
	}
}

const deniedVariable = "VMGUARD_TEST_READS_JOURNAL"

// playDenied reads a journal as the user that this program was started as.
func playDenied(dir string) {
	journal, err := ReadJournal(context.Background(), JournalOptions{Directory: dir, Boot: AllBoots})
	fmt.Printf("denied=%t kills=%d\n", errors.Is(err, ErrJournalDenied) && errors.Is(err, os.ErrPermission), len(journal.Log.Kills))
}

// TestRealJournalDenied reads as a user who may read messages of their own only:
// journalctl shows these and exits with 0, which must not be told as "no kills".
func TestRealJournalDenied(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to become another user")
	}
	const nobody = 65534
	dir, err := os.MkdirTemp("/tmp", "vmguard-journal-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	system, own := filepath.Join(dir, "system.journal"), filepath.Join(dir, "user-"+strconv.Itoa(nobody)+".journal")
	makeJournal(t, system, twoBoots()...)
	makeJournal(t, own, entry{bootB, begun().Add(26 * time.Hour), 2 * time.Hour, "stdout", "hello"})
	binary := filepath.Join(dir, "reader")
	self, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		os.WriteFile(binary, self, 0o600), os.Chmod(binary, 0o755), os.Chmod(dir, 0o755),
		os.Chmod(system, 0o600), os.Chmod(own, 0o644),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct{ name, want string }{
		{"only messages of their own", "denied=true kills=0\n"},
		{"not even these", "denied=true kills=0\n"},
	} {
		cmd := exec.CommandContext(t.Context(), binary)
		cmd.Dir = dir
		cmd.Env = []string{deniedVariable + "=" + dir}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.HasPrefix(string(out), step.want) {
			t.Errorf("%s: %v: %s", step.name, err, out)
		}
		if err := os.Chmod(own, 0); err != nil {
			t.Fatal(err)
		}
	}
}

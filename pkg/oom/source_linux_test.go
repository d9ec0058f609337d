package oom

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"vmguard/pkg/rootfs"
)

// mounted makes a host's tree with a real journal of two boots and a syslog file.
func mounted(t *testing.T) string {
	t.Helper()
	root := logTreeOf(t, map[string]string{
		// Kills 1 and 3 are in the journal too; 4 was after all that it holds, 5 before.
		"kern.log": logLine(begun().Add(-time.Hour), killText(5)) + logLine(begun().Add(10*time.Second), killText(1)) +
			logLine(begun().Add(25*time.Hour), killText(3)) + logLine(begun().Add(26*time.Hour), killText(4)),
	}, map[string]time.Time{"kern.log": begun().Add(30 * time.Hour)})
	dir := filepath.Join(root, "var", "log", "journal", strings.Repeat("4f", 16))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	makeJournal(t, filepath.Join(dir, "system.journal"), twoBoots()...)
	return root
}

func TestCollectMounted(t *testing.T) {
	defer goleak.VerifyNone(t)
	root := mounted(t)
	const k1, k2, k3 = "1 2026-11-20T12:00:10", "2 2026-11-20T12:00:30", "3 2026-11-21T13:00:00"
	const k4, k5 = "4 2026-11-21T14:00:00", "5 2026-11-20T11:00:00"
	tests := []struct {
		name, boot string
		since      time.Time
		want       []string
	}{
		{"all", AllBoots, time.Time{}, []string{k5, k1, k2, k3, k4}},
		{"all since a time", AllBoots, begun().Add(20 * time.Second), []string{k2, k3, k4}},
		{"the newest boot", "", time.Time{}, []string{k3, k4}},
		{"the one before", "-1", time.Time{}, []string{k1, k2}},
		{"one that is not there", "-2", time.Time{}, []string{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := Collect(t.Context(), SourceOptions{Root: root, Boot: tt.boot, Since: tt.since, Zone: time.UTC})
			if diff := cmp.Diff(tt.want, killTimes(got.Log)); diff != "" {
				t.Error(diff)
			}
			var sources []string
			for _, s := range got.Sources {
				sources = append(sources, fmt.Sprint(s.Name, " ", s.Err == nil, " ", s.Missing == ""))
			}
			journal := "journal true true"
			if tt.boot == "-2" {
				journal = "journal false false"
			}
			if diff := cmp.Diff([]string{"kmsg false false", journal, "files true true"}, sources); diff != "" {
				t.Error(diff)
			}
			if len(got.ThisBoot.Kills) != 0 || got.Clock != (BootClock{}) || len(got.Boots) != 2 {
				t.Errorf("of a mounted tree: %+v, %+v, %+v", got.ThisBoot, got.Clock, got.Boots)
			}
			if !got.Sources[2].Oldest.Equal(begun().Add(30*time.Hour)) || !errors.Is(got.Sources[0].Err, errMounted) {
				t.Errorf("sources: %+v", got.Sources)
			}
		})
	}
}

// TestCollectVouches: what a syslog file alone has is not vouched for.
func TestCollectVouches(t *testing.T) {
	got := Collect(t.Context(), SourceOptions{Root: mounted(t), Boot: AllBoots, Zone: time.UTC})
	vouched := map[int]bool{}
	for _, k := range got.Log.Kills {
		vouched[k.PID] = !k.Unvouched
	}
	if diff := cmp.Diff(map[int]bool{1: true, 2: true, 3: true, 4: false, 5: false}, vouched); diff != "" {
		t.Error(diff)
	}
}

// TestCollectWithoutBoots cannot tell the boots of a syslog file apart without a journal.
func TestCollectWithoutBoots(t *testing.T) {
	root := logTreeOf(t, map[string]string{"kern.log": logLine(begun(), killText(1))}, map[string]time.Time{"kern.log": begun()})
	got := Collect(t.Context(), SourceOptions{Root: root, Boot: "-1", Zone: time.UTC})
	if len(got.Log.Kills) != 0 || got.OtherBoot != 1 || !errors.Is(got.Sources[1].Err, ErrNoJournal) {
		t.Errorf("%+v", got)
	}
	got = Collect(t.Context(), SourceOptions{Root: root, Boot: AllBoots, Zone: time.UTC})
	if len(got.Log.Kills) != 1 || got.OtherBoot != 0 {
		t.Errorf("%+v", got)
	}
}

// TestCollectLive joins a recorded buffer with a journal of the running boot whose clock
// was an hour ahead: each kill is there once, and the journal's times count.
func TestCollectLive(t *testing.T) {
	defer goleak.VerifyNone(t)
	clock, err := ReadBootClock()
	if err != nil || !isBootID(clock.Boot) || clock.Start.After(time.Now()) {
		t.Fatalf("%+v, %v", clock, err)
	}
	dir := t.TempDir()
	kmsg := filepath.Join(dir, "kmsg")
	record := func(seq int, since time.Duration, pid int) string {
		return fmt.Sprintf("3,%d,%d,-;%s\n", seq, since.Microseconds(), strings.Replace(killText(pid), "(app)", "(vmguard-live)", 1))
	}
	text := record(0, time.Minute, 1) + record(1, 2*time.Minute, 2)
	if err := os.WriteFile(kmsg, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ahead := clock.Start.Add(time.Hour)
	live := func(boot string, at time.Time, since time.Duration, pid int) entry {
		return entry{boot, at.Add(since), since, "kernel", strings.Replace(killText(pid), "(app)", "(vmguard-live)", 1)}
	}
	makeJournal(t, filepath.Join(dir, "system.journal"),
		live(bootA, clock.Start.Add(-48*time.Hour), time.Minute, 7),
		live(clock.Boot, ahead, time.Minute, 1), live(clock.Boot, ahead, 3*time.Minute, 3))

	got := Collect(t.Context(), SourceOptions{Kmsg: kmsg, JournalDir: dir, Boot: AllBoots, Since: clock.Start.Add(90 * time.Second)})
	kills := func(log Log) []string {
		all := []string{}
		for _, k := range log.Kills {
			if k.Comm == "vmguard-live" {
				all = append(all, fmt.Sprint(k.PID, " ", k.At.Sub(clock.Start).Round(time.Second), " ", k.Boot == clock.Boot))
			}
		}
		return all
	}
	if diff := cmp.Diff([]string{"1 1h1m0s true", "2 2m0s true", "3 1h3m0s true"}, kills(got.Log)); diff != "" {
		t.Error(diff)
	}
	got = Collect(t.Context(), SourceOptions{Kmsg: kmsg, JournalDir: dir, Since: clock.Start.Add(30 * time.Minute)})
	if diff := cmp.Diff([]string{"1 1h1m0s true", "3 1h3m0s true"}, kills(got.Log)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"1 1h1m0s true", "2 2m0s true", "3 1h3m0s true"}, kills(got.ThisBoot)); diff != "" {
		t.Errorf("the whole boot: %s", diff)
	}
	got = Collect(t.Context(), SourceOptions{Kmsg: kmsg, JournalDir: dir, Boot: "-1"})
	if diff := cmp.Diff([]string{"7 -47h59m0s false"}, kills(got.Log)); diff != "" {
		t.Error(diff)
	}
	if !errors.Is(got.Sources[0].Err, errOtherBoot) {
		t.Errorf("the buffer of an earlier boot: %+v", got.Sources[0])
	}
}

// TestCollectReach says how far the kernel's real buffer reaches back.
func TestCollectReach(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to read the kernel's log")
	}
	before := time.Now()
	got := Collect(t.Context(), SourceOptions{Journalctl: "/nonexistent"})
	kmsg := got.Sources[0]
	if kmsg.Err != nil {
		t.Skipf("needs the kernel's log: %v", kmsg.Err)
	}
	if kmsg.Oldest.IsZero() || kmsg.Oldest.After(before) || kmsg.Oldest.Before(got.Clock.Start.Add(-time.Second)) {
		t.Errorf("it reaches back to %v, and the system booted at %v", kmsg.Oldest, got.Clock.Start)
	}
	if journal := got.Sources[1]; !errors.Is(journal.Err, ErrNoJournal) || journal.Missing == "" {
		t.Errorf("a missing program: %+v", journal)
	}
}

func TestCollectNothing(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	got := Collect(t.Context(), SourceOptions{Root: missing})
	for _, s := range got.Sources {
		if s.Err == nil || s.Missing == "" || s.Name != SourceKmsg && !errors.Is(s.Err, fs.ErrNotExist) {
			t.Errorf("a missing tree: %+v", s)
		}
	}
	if got.Log.Kills == nil || got.ThisBoot.Kills == nil || got.Log.Truncated {
		t.Errorf("%+v", got.Log)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got = Collect(ctx, SourceOptions{})
	for _, s := range got.Sources {
		if s.Err == nil {
			t.Errorf("with a context that has ended: %+v", s)
		}
	}
	if _, err := rootfs.Open(missing); err == nil {
		t.Error("the tree is there")
	}
}

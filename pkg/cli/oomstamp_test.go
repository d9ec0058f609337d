package cli

import (
	"bytes"
	"context"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vmguard/pkg/oom"
)

// What the stamps cannot mean, and what they do not tell, is said.
func TestStampNotes(t *testing.T) {
	now := time.Date(2026, 11, 25, 22, 0, 0, 0, time.UTC)
	kills := func(after ...time.Duration) []oom.Kill {
		var all []oom.Kill
		for _, d := range after {
			all = append(all, oom.Kill{At: now.Add(d)})
		}
		return all
	}
	for _, tt := range []struct {
		name    string
		file    string
		written time.Time
		log     oom.Log
		want    []string // a part of each note
	}{
		{"nothing", "-", time.Time{}, oom.Log{}, nil},
		{"in the past", "-", time.Time{}, oom.Log{Kills: kills(-time.Hour, -time.Minute)}, nil},
		{"a little ahead", "-", time.Time{}, oom.Log{Kills: kills(time.Minute)}, nil},
		{"8 h ahead", "-", time.Time{}, oom.Log{Kills: kills(8*time.Hour, -time.Hour)}, []string{"8 h ahead of now"}},
		{"8 h after the file", "x", now.Add(-48 * time.Hour), oom.Log{Kills: kills(-40 * time.Hour)}, []string{"8 h ahead of when the file was last written"}},
		{"before the file", "x", now.Add(-48 * time.Hour), oom.Log{Kills: kills(-50 * time.Hour)}, nil},
		{"of an unknown time", "-", time.Time{}, oom.Log{Kills: []oom.Kill{{}}}, nil},
		{"this host's, ahead", "", time.Time{}, oom.Log{Kills: kills(8 * time.Hour)}, []string{"8 h ahead of now"}},
		{"no year, standard input", "-", time.Time{}, oom.Log{Kills: kills(-time.Hour), Yearless: true}, []string{"taken from today's date"}},
		{"no year, a file", "x", now, oom.Log{Kills: kills(-time.Hour), Yearless: true}, []string{"file was last written"}},
		{"no year, this host's", "", time.Time{}, oom.Log{Kills: kills(-time.Hour), Yearless: true}, nil},
	} {
		o := oomOptions{file: tt.file, boot: oom.AllBoots}
		got := o.judge(oomRead{at: now, log: tt.log, written: tt.written}, nil, oomNames{}).Notes
		if len(got) != len(tt.want) || len(got) > 0 && !strings.Contains(got[0], tt.want[0]) {
			t.Errorf("%s: %q", tt.name, got)
		}
	}
}

// Kills that are not this kernel's are counted, and lines without prefix are taken with a word.
func TestOOMSaysWhatItDoesNotTrust(t *testing.T) {
	o := oomOptions{boot: oom.AllBoots}
	for _, n := range []int{0, 2} {
		notes := o.judge(oomRead{foreign: n}, nil, oomNames{}).Notes
		said := slices.ContainsFunc(notes, func(s string) bool { return strings.HasPrefix(s, "2 kills in syslog's files left out") })
		if said != (n == 2) {
			t.Errorf("%d: %q", n, notes)
		}
	}
	for _, unvouched := range []bool{true, false} {
		got := o.asides(oomRead{}, []oom.Kill{{Unvouched: unvouched}, {}}, oomNames{})
		if said := slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "of 1 kill a text log alone tells") }); said != unvouched {
			t.Errorf("unvouched %v: %q", unvouched, got)
		}
	}
	for _, bare := range []bool{true, false} {
		said := strings.Contains(strings.Join(o.asides(oomRead{log: oom.Log{Bare: bare}}, nil, oomNames{}), "; "), "taken for the kernel's alone")
		if said != bare {
			t.Errorf("bare %v: %v", bare, said)
		}
	}
}

// Ctrl-C while an engine hangs that should have named the container is an interruption.
func TestInterruptedNaming(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "engine")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if c, err := l.Accept(); err == nil {
			defer c.Close()
			cancel()
			_, _ = c.Read(make([]byte, 1<<16)) // the client hangs up
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	var out, errs bytes.Buffer
	app := App{
		Args:   []string{"oom", "--file", "-", "--container", "web", "--docker-host", "unix://" + socket},
		Stdin:  strings.NewReader("[    1.000000] Out of memory: Killed process 7 (app) total-vm:8kB, anon-rss:4kB, file-rss:0kB\n"),
		Stdout: &out, Stderr: &errs, Getenv: func(string) string { return "" },
	}
	if code := Main(ctx, app); code != exitInterrupted {
		t.Errorf("exit code %d: %s%s", code, out.String(), errs.String())
	}
}

package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
	"time"

	"vmguard/pkg/oom"
)

// A log that keeps coming is told as far as it came when the user ends it.
func TestInterruptedOOMTellsWhatItRead(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	from, to := io.Pipe()
	t.Cleanup(func() { _ = to.Close() })
	go func() {
		_, _ = io.WriteString(to, "[    1.000000] Out of memory: Killed process 7 (app) total-vm:8kB, anon-rss:4kB, file-rss:0kB\n[    2.000000] x\n")
		_, _ = io.WriteString(to, "[    3.000000] y\n") // written once what stands before it was read
		cancel()
	}()
	var out, errs bytes.Buffer
	code := Main(ctx, App{Args: []string{"oom", "--file", "-"}, Stdin: from, Stdout: &out, Stderr: &errs, Getenv: func(string) string { return "" }})
	if code != exitInterrupted || !strings.HasPrefix(out.String(), "1 OOM kill in standard input; there may be more\n") {
		t.Errorf("exit code %d: %s%s", code, out.String(), errs.String())
	}
}

// Where no log could be read, that is a failure that says what would help.
func TestOOMFailure(t *testing.T) {
	count := uint64(3)
	denied := []oom.Source{{Name: oom.SourceKmsg, Where: "/dev/kmsg", Err: fs.ErrPermission, Missing: "not yours"}}
	noBoot := spelled([]oom.Source{{Name: oom.SourceJournal, Where: "journalctl", Err: oom.ErrNoBoot, Missing: "x"}})
	for name, tt := range map[string]struct {
		read       oomRead
		boot       string
		want, hint string
	}{
		"denied":      {oomRead{sources: denied}, "0", "no kernel log could be read: /dev/kmsg: not yours", "run: sudo vmguard oom"},
		"root denied": {oomRead{sources: denied, root: true}, "0", "no kernel log could be read: /dev/kmsg: not yours", ""},
		"and kills are counted": {
			oomRead{sources: denied, counter: &oom.Reconciliation{Counted: &count}}, "all", "the kernel counts 3 OOM kills since boot", "run: sudo vmguard oom",
		},
		"no such boot": {oomRead{sources: noBoot}, "-7", "of boot -7 no kernel log could be read: journalctl: the journal has no such boot", "journalctl --list-boots"},
	} {
		if tt.read.looked(tt.boot) {
			t.Errorf("%s: looked", name)
		}
		var f *failure
		if err := tt.read.failure(tt.boot, "sudo vmguard oom"); !errors.As(err, &f) || f.code != exitFailed ||
			!strings.HasPrefix(f.Error(), tt.want) || !strings.HasPrefix(f.hint, tt.hint) || tt.hint == "" && f.hint != "" {
			t.Errorf("%s: %v, %+v", name, err, f)
		}
	}
}

func TestOOMLooked(t *testing.T) {
	missing := errors.New("x")
	kmsg, journal, files := oom.Source{Name: oom.SourceKmsg}, oom.Source{Name: oom.SourceJournal}, oom.Source{Name: oom.SourceFiles}
	noJournal, partly := journal, journal
	noJournal.Err, partly.Err, partly.Kills = missing, missing, 2
	for _, tt := range []struct {
		boot    string
		sources []oom.Source
		want    bool
	}{
		{"0", []oom.Source{kmsg, noJournal}, true},
		{"0", []oom.Source{noJournal}, false},
		{"0", []oom.Source{partly}, true},
		{"all", []oom.Source{files}, true},
		{"-1", []oom.Source{kmsg, noJournal, files}, false}, // when that boot was only the journal knows
		{"-1", []oom.Source{journal}, true},
	} {
		if got := (oomRead{sources: tt.sources}).looked(tt.boot); got != tt.want {
			t.Errorf("boot %s of %+v: %v", tt.boot, tt.sources, got)
		}
	}
}

package oom

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestRecordArgs(t *testing.T) {
	tests := []struct {
		options JournalOptions
		want    []string
	}{
		{JournalOptions{}, []string{"--output=json", "--all", "--boot=0", "_TRANSPORT=kernel"}},
		{JournalOptions{Boot: "-3"}, []string{"--output=json", "--all", "--boot=-3", "_TRANSPORT=kernel"}},
		{
			JournalOptions{Boot: AllBoots, Since: time.Unix(1764000000, 999)},
			[]string{"--output=json", "--all", "--since=@1764000000", "_TRANSPORT=kernel"},
		},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, tt.options.recordArgs()); diff != "" {
			t.Error(diff)
		}
	}
}

func TestValidBoot(t *testing.T) {
	for _, boot := range []string{"", "0", "-1", "-12", AllBoots} {
		if err := ValidBoot(boot); err != nil {
			t.Errorf("%q: %v", boot, err)
		}
	}
	for _, boot := range []string{"1", "+1", "-0", "--all", "-1 ", "ALL", bootA, "-", "-99999999999999999999"} {
		if err := ValidBoot(boot); !errors.Is(err, errBootForm) {
			t.Errorf("%q: %v", boot, err)
		}
		if _, err := ReadJournal(t.Context(), JournalOptions{Boot: boot, Program: "/nonexistent"}); !errors.Is(err, errBootForm) {
			t.Errorf("reading %q: %v", boot, err)
		}
	}
}

// program writes a program that stands for a journalctl which cannot be made to do this.
func program(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journalctl")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

const listsOne = `case "$*" in *--list-boots*) echo "0 ` + bootB + ` Tue 2026-11-24 10:00:00 UTC Wed 2026-11-25 09:00:00 UTC"; exit;; esac
`

// TestJournalctlEnds holds that a journalctl that hangs ends with the context: the test
// ends, and nothing of it is left.
func TestJournalctlEnds(t *testing.T) {
	defer goleak.VerifyNone(t)
	for name, before := range map[string]string{"listing": "", "reading": listsOne} {
		t.Run(name, func(t *testing.T) {
			running := filepath.Join(t.TempDir(), "running")
			path := program(t, before+"echo $$ >"+running+".new; mv "+running+".new "+running+"; exec sleep 1000\n")
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			enough := errors.New("enough")
			ended := make(chan error, 1)
			go func() {
				_, err := ReadJournal(ctx, JournalOptions{Program: path})
				ended <- err
			}()
			for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
				if _, err := os.Stat(running); err == nil {
					break
				}
				if time.Now().After(deadline) {
					t.Fatal("the program does not start")
				}
			}
			cancel(enough)
			if err := <-ended; !errors.Is(err, enough) {
				t.Errorf("%v, want the context's cause", err)
			}
		})
	}
}

func TestJournalctlFails(t *testing.T) {
	defer goleak.VerifyNone(t)
	tests := []struct {
		name, script string
		wants        error
		says         string
	}{
		{"says nothing", listsOne + "exit 3", nil, "exit status 3"},
		{"killed", listsOne + "kill -9 $$", nil, "signal: killed"},
		{"another reason", listsOne + "echo out of luck >&2; exit 1", nil, "out of luck"},
		{"lists nothing", "exit 0", ErrNoJournal, ""},
		{"denies at the end", listsOne + "echo No journal files were opened due to insufficient permissions. >&2; exit 1", ErrJournalDenied, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			journal, err := ReadJournal(t.Context(), JournalOptions{Program: program(t, tt.script)})
			if err == nil || tt.wants != nil && !errors.Is(err, tt.wants) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v, want %v %q", err, tt.wants, tt.says)
			}
			if journal.Log.Kills == nil || journal.Boots == nil {
				t.Errorf("nil lists: %+v", journal)
			}
		})
	}
	for _, path := range []string{"/nonexistent", t.TempDir()} {
		if _, err := ReadJournal(t.Context(), JournalOptions{Program: path}); !errors.Is(err, ErrNoJournal) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

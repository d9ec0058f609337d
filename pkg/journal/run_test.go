package journal

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// program writes a program that stands for a journalctl which cannot be made to do this.
func program(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journalctl")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestSurroundings holds that the program gets nothing of our environment and all of its
// arguments as they are, and that what it says is kept within bounds.
func TestSurroundings(t *testing.T) {
	defer goleak.VerifyNone(t)
	t.Setenv("SYSTEMD_LESS", "x")
	t.Setenv("PAGER", "/bin/false")
	path := program(t, `[ "$LC_ALL $TZ $PAGER$SYSTEMD_LESS$HOME" = "C UTC " ] || exit 9
pwd; for a in "$@"; do echo "[$a]"; done
echo a note >&2
i=0; while [ $i -lt 2000 ]; do echo "note $i" >&2; i=$((i+1)); done
`)
	text, notes, err := Source{Directory: "/x y", Program: path}.Text(t.Context(), "--lines=1", "$HOME; *")
	if err != nil {
		t.Fatal(err)
	}
	if want := "/\n[--no-pager]\n[--directory=/x y]\n[--lines=1]\n[$HOME; *]\n"; text != want {
		t.Errorf("got %q", text)
	}
	lines := strings.Split(notes, "\n")
	if len(notes) > maxNotice || !slices.Contains(lines, "a note") || !slices.Contains(lines, "note 5") {
		t.Errorf("%d bytes of notes: %.30q", len(notes), notes)
	}
	if text, _, err = (Source{Program: path}).Text(t.Context()); err != nil || text != "/\n[--no-pager]\n" {
		t.Errorf("got %q, %v", text, err)
	}
}

// TestTextIsBounded gives the beginning of a text that is too long, and waits for its end.
func TestTextIsBounded(t *testing.T) {
	defer goleak.VerifyNone(t)
	ended := filepath.Join(t.TempDir(), "ended")
	path := program(t, "head -c 3000000 /dev/zero; touch "+ended+"\n")
	text, _, err := Source{Program: path}.Text(t.Context())
	if err != nil || len(text) != maxText {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	if _, err := os.Stat(ended); err != nil {
		t.Error(err)
	}
}

// TestStreamEnds holds that a journalctl which would go on for ever ends with the context,
// and where the reading of it errs. With it nothing is left running.
func TestStreamEnds(t *testing.T) {
	defer goleak.VerifyNone(t)
	enough := errors.New("enough")
	source := Source{Program: program(t, "while :; do echo line; done\n")}
	for name, ends := range map[string]func(context.CancelCauseFunc) error{
		"by the context": func(cancel context.CancelCauseFunc) error { cancel(enough); return nil },
		"by the reader":  func(context.CancelCauseFunc) error { return enough },
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		_, err := source.Stream(ctx, nil, func(r io.Reader) error {
			if line, err := bufio.NewReader(r).ReadString('\n'); err != nil || line != "line\n" {
				t.Errorf("%s: got %q, %v", name, line, err)
			}
			return ends(cancel)
		})
		cancel(nil)
		if !errors.Is(err, enough) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// One that says nothing is ended as well.
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	source = Source{Program: program(t, "exec sleep 1000\n")}
	if _, _, err := source.Text(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("silent: %v", err)
	}
}

func TestStreamFails(t *testing.T) {
	defer goleak.VerifyNone(t)
	const denied = "echo No journal files were opened due to insufficient permissions. >&2; echo some; "
	for _, tt := range []struct {
		name, script string
		wants        error
		says, text   string
	}{
		{"says nothing", "exit 3", nil, "exit status 3", ""},
		{"killed", "kill -9 $$", nil, "signal: killed", ""},
		{"another reason", "echo some; echo out of luck >&2; exit 1", nil, "out of luck", "some\n"},
		{"denied", denied + "exit 1", ErrDenied, "", "some\n"},
		{"denied, and yet content", denied + "exit 0", ErrDenied, "", "some\n"},
	} {
		text, _, err := Source{Program: program(t, tt.script)}.Text(t.Context())
		if err == nil || tt.wants != nil && !errors.Is(err, tt.wants) || !strings.Contains(err.Error(), tt.says) || text != tt.text {
			t.Errorf("%s: %q, %v, want %v %q", tt.name, text, err, tt.wants, tt.says)
		}
	}
	for _, path := range []string{"/nonexistent", t.TempDir()} {
		if _, _, err := (Source{Program: path}).Text(t.Context()); !errors.Is(err, ErrAbsent) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

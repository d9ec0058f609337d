package oom

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestReadInput(t *testing.T) {
	defer goleak.VerifyNone(t)
	at := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	options := ScanOptions{Reference: at}
	text := logLine(at, killText(1)) + logLine(at, "noise") + logLine(at, killText(2))
	broken := errors.New("broken")
	tests := []struct {
		name          string
		input         io.Reader
		want          []string
		damage, wants error
	}{
		{"nothing", strings.NewReader(""), []string{}, nil, nil},
		{"plain", strings.NewReader(text), []string{"1 2026-11-25T12:00:00", "2 2026-11-25T12:00:00"}, nil, nil},
		{"piece by piece", iotest.OneByteReader(strings.NewReader(text)), []string{"1 2026-11-25T12:00:00", "2 2026-11-25T12:00:00"}, nil, nil},
		{"gzip", strings.NewReader(gzipped(t, text)), []string{"1 2026-11-25T12:00:00", "2 2026-11-25T12:00:00"}, nil, nil},
		{"gzip cut short", strings.NewReader(gzipped(t, text)[:20]), []string{}, io.ErrUnexpectedEOF, nil},
		{"of another form", strings.NewReader("BZh91AY"), []string{}, nil, ErrPacked},
		{"kmsg", strings.NewReader("3,1,7,-;" + killText(3) + "\n"), []string{"3 -"}, nil, nil},
		{"broken", io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)), []string{"1 2026-11-25T12:00:00", "2 2026-11-25T12:00:00"}, nil, broken},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			log, damage, err := ReadInput(t.Context(), tt.input, options)
			if !errors.Is(err, tt.wants) || !errors.Is(damage, tt.damage) {
				t.Errorf("%v, damage %v; want %v, damage %v", err, damage, tt.wants, tt.damage)
			}
			if diff := cmp.Diff(tt.want, killTimes(log)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestInputFIFO reads from a FIFO, as from the shell's <(...), and holds that neither its
// opening nor its reading outlasts the context.
func TestInputFIFO(t *testing.T) {
	defer goleak.VerifyNone(t)
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	written := make(chan error, 1)
	go func() { written <- os.WriteFile(fifo, []byte("3,1,7,-;"+killText(3)+"\n"), 0) }()
	file, err := OpenInput(t.Context(), fifo)
	if err != nil {
		t.Fatal(err)
	}
	log, _, err := ReadInput(t.Context(), file, ScanOptions{})
	if err != nil || len(log.Kills) != 1 {
		t.Errorf("%v, %v", log.Kills, err)
	}
	if err := errors.Join(<-written, file.Close()); err != nil {
		t.Error(err)
	}

	// Nobody writes: the opening waits.
	ctx, cancel := context.WithCancel(t.Context())
	opened := make(chan error, 1)
	go func() {
		_, err := OpenInput(ctx, fifo)
		opened <- err
	}()
	cancel()
	if err := <-opened; !errors.Is(err, context.Canceled) {
		t.Errorf("opening: %v", err)
	}

	// A writer writes nothing: the reading waits.
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	both, err := os.OpenFile(fifo, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer both.Close()
	if file, err = OpenInput(ctx, fifo); err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	ended := make(chan error, 1)
	go func() {
		_, _, err := ReadInput(ctx, file, ScanOptions{})
		ended <- err
	}()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("reading: %v", err)
	}
}

// TestInputLeftBehind reads from what no context can break off, such as a terminal.
func TestInputLeftBehind(t *testing.T) {
	reads, writes := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		_, _, err := ReadInput(ctx, reads, ScanOptions{})
		ended <- err
	}()
	if _, err := io.WriteString(writes, "noise\n"); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	_ = writes.Close()
	goleak.VerifyNone(t) // the reading that was left behind has ended with its source
}

func TestOpenInput(t *testing.T) {
	file, err := OpenInput(t.Context(), "/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	log, damage, err := ReadInput(t.Context(), file, ScanOptions{})
	if err != nil || damage != nil || log.Kills == nil || len(log.Kills) != 0 {
		t.Errorf("%+v, %v, %v", log, damage, err)
	}
	_ = file.Close()
	if _, err := OpenInput(t.Context(), "/nonexistent"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

package journal

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

const (
	// maxNotice bounds what is kept of journalctl's standard error, in bytes.
	maxNotice = 8 << 10
	// maxText bounds what Text gives, in bytes.
	maxText = 1 << 20
	// lingering is how long a journalctl that was told to end may keep its output open.
	lingering = 2 * time.Second
)

// Source is one systemd journal. Its zero value is the running host's own.
type Source struct {
	// Directory holds the journal files; empty means the running host's own journal.
	Directory string
	// Program is the absolute path of journalctl; empty means that it is looked for in
	// /usr/bin and /bin.
	Program string
}

// Stream runs journalctl with some arguments, lets read take its standard output, and
// gives what it wrote to standard error. It runs with a cleared environment, never
// through a shell, and is ended with the context, and as soon as read errs.
//
// It errs with the context's cause where that has ended, else with read's error, else
// with what journalctl failed of: ErrAbsent, ErrDenied or ErrNoBoot where it is one of these. With a form such as JSON journalctl is silent
// about files that it may not read, and shows none of them (parse_argv in journalctl.c
// sets arg_quiet): ask for Text first.
func (s Source) Stream(ctx context.Context, args []string, read func(io.Reader) error) (notes string, err error) {
	program, err := findJournalctl(s.Program)
	if err != nil {
		return "", err
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	cmd := exec.CommandContext(running, program, append(s.commonArgs(), args...)...)
	// Times in UTC and words in English; no pager, no colours, nothing of the caller's.
	cmd.Env = []string{"LC_ALL=C", "TZ=UTC"}
	cmd.Dir = "/"
	cmd.WaitDelay = lingering
	var stderr head
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return "", fmt.Errorf("run journalctl: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("run journalctl: %w", err)
	}
	readErr := read(stdout)
	// What was not read is not waited for.
	if readErr != nil {
		stop()
	}
	waitErr := cmd.Wait()
	notes = stderr.String()
	switch {
	case ctx.Err() != nil:
		return notes, context.Cause(ctx)
	case readErr != nil:
		return notes, readErr
	case waitErr != nil:
		return notes, failed(notes, waitErr)
	}
	return notes, nil
}

// Text runs journalctl for a short text, of which it gives the first MiB, and what
// journalctl wrote to standard error. Beyond what Stream errs with, it errs with
// ErrDenied or ErrAbsent where journalctl notes that it shows less than there is; the
// text comes with the error.
func (s Source) Text(ctx context.Context, args ...string) (text, notes string, err error) {
	var data []byte
	notes, err = s.Stream(ctx, args, func(r io.Reader) (err error) {
		if data, err = io.ReadAll(io.LimitReader(r, maxText)); err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, r) // else it would wait for a reader
		return err
	})
	if err == nil {
		err = noticed(notes)
	}
	return string(data), notes, err
}

func (s Source) commonArgs() []string {
	args := []string{"--no-pager"}
	if s.Directory != "" {
		args = append(args, "--directory="+s.Directory)
	}
	return args
}

// findJournalctl gives the program's path, never one that PATH leads to.
func findJournalctl(program string) (string, error) {
	candidates := []string{"/usr/bin/journalctl", "/bin/journalctl"}
	if program != "" {
		candidates = []string{program}
	}
	for _, path := range candidates {
		fi, err := os.Stat(path)
		if err == nil && fi.Mode().IsRegular() {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s: %w", candidates[0], ErrAbsent)
}

// head keeps the beginning of what is written to it.
type head struct{ text []byte }

// Write takes everything and keeps what there is room for.
func (h *head) Write(data []byte) (int, error) {
	h.text = append(h.text, data[:min(len(data), maxNotice-len(h.text))]...)
	return len(data), nil
}

func (h *head) String() string { return string(h.text) }

package oom

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

const (
	// maxNotice bounds what is kept of journalctl's standard error.
	maxNotice = 8 << 10
	// journalctlEnds is how long a journalctl that was told to end may keep its output open.
	journalctlEnds = 2 * time.Second
)

// runJournalctl runs journalctl, lets read take its standard output, and gives what it
// wrote to standard error. It is ended with the context, and as soon as read gives up.
// The program's failure is told before that of the reading, since it is its cause,
// except where the context ended both.
func runJournalctl(ctx context.Context, program string, args []string, read func(io.Reader) error) (notes string, err error) {
	running, stop := context.WithCancel(ctx)
	defer stop()
	cmd := exec.CommandContext(running, program, args...)
	// Times in UTC and words in English; no pager, no colours, nothing of the caller's.
	cmd.Env = []string{"LC_ALL=C", "TZ=UTC"}
	cmd.Dir = "/"
	cmd.WaitDelay = journalctlEnds
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
		return notes, journalctlFailed(notes, waitErr)
	}
	return notes, nil
}

// head keeps the beginning of what is written to it.
type head struct{ text []byte }

// Write takes everything and keeps what there is room for.
func (h *head) Write(data []byte) (int, error) {
	h.text = append(h.text, data[:min(len(data), maxNotice-len(h.text))]...)
	return len(data), nil
}

func (h *head) String() string { return string(h.text) }

// noticed gives the reason why journalctl showed less than there is, where its notices
// say so (journal_access_check_and_warn in src/shared/logs-show.c and
// src/journal/journalctl.c): it goes on and exits with 0 then.
func noticed(notes string) error {
	switch {
	case strings.Contains(notes, "not seeing messages from other users"),
		strings.Contains(notes, "cannot access messages"), // of older versions
		strings.Contains(notes, "insufficient permissions"):
		return ErrJournalDenied
	case strings.Contains(notes, "No journal files were found"):
		return ErrNoJournal
	}
	return nil
}

// journalctlFailed says why journalctl exited with an error; it has one exit code for all of them.
func journalctlFailed(notes string, err error) error {
	if reason := noticed(notes); reason != nil {
		return reason
	}
	last := lastLine(notes)
	switch {
	case strings.Contains(notes, "No such boot ID"), strings.Contains(notes, "Data from the specified boot"):
		return ErrNoBoot
	case strings.HasSuffix(last, ": Permission denied"):
		return ErrJournalDenied
	case strings.HasPrefix(last, "Failed to open ") && strings.HasSuffix(last, ": No such file or directory"):
		return ErrNoJournal
	case last == "":
		return fmt.Errorf("run journalctl: %w", err)
	}
	return fmt.Errorf("run journalctl: %w: %w", err, errors.New(last))
}

// lastLine gives the last line that says anything, cut to a length that fits a message.
func lastLine(text string) string {
	const most = 200
	text = strings.TrimSpace(text)
	line := text[strings.LastIndexByte(text, '\n')+1:]
	return strings.ToValidUTF8(line[:min(len(line), most)], "")
}

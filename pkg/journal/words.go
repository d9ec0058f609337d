package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// Why a journal gives nothing. errors.Is finds fs.ErrNotExist in the first and third,
// and fs.ErrPermission in the second.
var (
	// ErrAbsent says that there is no journalctl, no journal file, or no entry in any.
	ErrAbsent = fmt.Errorf("no systemd journal: %w", fs.ErrNotExist)
	// ErrDenied says that the user may read only messages of their own: the system's
	// are for root and the groups adm and systemd-journal (journalctl(1)).
	ErrDenied = fmt.Errorf("the journal's system messages are for root and the groups adm and systemd-journal: %w", fs.ErrPermission)
	// ErrNoBoot says that the journal holds nothing of the boot that was asked for.
	ErrNoBoot = fmt.Errorf("no such boot in the journal: %w", fs.ErrNotExist)
)

// noticed gives the reason why journalctl showed less than there is, where its notices
// say so (journal_access_check_and_warn in src/shared/logs-show.c and
// src/journal/journalctl.c): it goes on and exits with 0 then.
func noticed(notes string) error {
	switch {
	case strings.Contains(notes, "not seeing messages from other users"),
		strings.Contains(notes, "cannot access messages"), // of older versions
		strings.Contains(notes, "insufficient permissions"):
		return ErrDenied
	case strings.Contains(notes, "No journal files were found"):
		return ErrAbsent
	}
	return nil
}

// failed says why journalctl exited with an error; it has one exit code for all of them.
func failed(notes string, err error) error {
	if reason := noticed(notes); reason != nil {
		return reason
	}
	last := lastLine(notes)
	switch {
	case strings.Contains(notes, "No such boot ID"), strings.Contains(notes, "Data from the specified boot"):
		return ErrNoBoot
	case strings.HasSuffix(last, ": Permission denied"):
		return ErrDenied
	case strings.HasPrefix(last, "Failed to open ") && strings.HasSuffix(last, ": No such file or directory"):
		return ErrAbsent
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

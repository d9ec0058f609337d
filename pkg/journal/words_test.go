package journal

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
)

// TestWords holds what is made of journalctl's own words (systemd 252).
func TestWords(t *testing.T) {
	const hint = "Hint: You are currently not seeing messages from other users and the system.\n" +
		"      Users in groups 'adm', 'systemd-journal' can see all messages.\n      Pass -q to turn off this notice.\n"
	other := errors.New("exit status 1")
	tests := []struct {
		name, notes   string
		notice, wants error // of an exit code of 0, and of another
	}{
		{"nothing", "", nil, other},
		{"a hint", hint, ErrDenied, ErrDenied},
		{"nothing may be read", "No journal files were opened due to insufficient permissions.\n", ErrDenied, ErrDenied},
		{"a directory that is shut", "Failed to open /var/log/journal: Permission denied\n", nil, ErrDenied},
		{"no file", "No journal files were found.\n", ErrAbsent, ErrAbsent},
		{"no directory", "Failed to open /nonexistent: No such file or directory\n", nil, ErrAbsent},
		{"no boot", "Data from the specified boot (-1) is not available: No such boot ID in journal\n", nil, ErrNoBoot},
		{"a damaged file", "Journal file system.journal is truncated, ignoring file.\n", nil, other},
		{"something else", "journalctl: option '--since' requires an argument\n", nil, other},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := noticed(tt.notes); !errors.Is(err, tt.notice) {
				t.Errorf("exit 0: %v, want %v", err, tt.notice)
			}
			err := failed(tt.notes, other)
			if !errors.Is(err, tt.wants) {
				t.Errorf("exit 1: %v, want %v", err, tt.wants)
			}
			if last := lastLine(tt.notes); errors.Is(err, other) && !strings.Contains(err.Error(), last) {
				t.Errorf("%v does not say %q", err, last)
			}
		})
	}
	long := failed(strings.Repeat("ö", 5000), other).Error()
	if len(long) > 300 || strings.ContainsRune(long, '\ufffd') {
		t.Errorf("%d bytes of an error: %.20q", len(long), long)
	}
	for err, want := range map[error]error{ErrAbsent: fs.ErrNotExist, ErrNoBoot: fs.ErrNotExist, ErrDenied: fs.ErrPermission} {
		if !errors.Is(err, want) {
			t.Errorf("%v is not %v", err, want)
		}
	}
}

package oom

import (
	"sort"
	"strconv"
	"strings"
	"time"
)

// Boot is one run of the system that a journal holds entries of.
type Boot struct {
	// Index is 0 for the newest, -1 for the one before it, and so on.
	Index int `json:"index"`
	// ID is the boot's ID, 32 lower-case hex digits (/proc/sys/kernel/random/boot_id without its dashes).
	ID string `json:"id"`
	// First and Last are the wall-clock times of its oldest and newest entry that are
	// left, to the second; zero where they could not be read.
	First time.Time `json:"first,omitzero"`
	Last  time.Time `json:"last,omitzero"`
}

// ParseBoots reads what "journalctl --list-boots" writes with TZ=UTC and LC_ALL=C, a
// line for each boot. Since systemd 251 a heading stands above them and a space
// between the times; before, it was a dash:
//
//	-1 0123456789abcdef0123456789abcdef Mon 2026-11-23 10:00:00 UTC—Tue 2026-11-24 09:00:00 UTC
//
// Lines of another form are passed over. The boots come sorted by index, oldest first.
func ParseBoots(text string) []Boot {
	boots := []Boot{}
	for line := range strings.Lines(text) {
		if boot, ok := parseBoot(line); ok {
			boots = append(boots, boot)
		}
	}
	sort.SliceStable(boots, func(i, j int) bool { return boots[i].Index < boots[j].Index })
	return boots
}

func parseBoot(line string) (Boot, bool) {
	fields := strings.Fields(strings.ReplaceAll(line, "—", " "))
	if len(fields) < 2 {
		return Boot{}, false
	}
	index, err := strconv.Atoi(fields[0])
	if err != nil || index > 0 || !isBootID(fields[1]) {
		return Boot{}, false
	}
	boot := Boot{Index: index, ID: fields[1]}
	// Two times of four words each: weekday, date, time, zone.
	if times := fields[2:]; len(times) == 8 {
		boot.First, boot.Last = parseUTC(times[:4]), parseUTC(times[4:])
	}
	return boot, true
}

// parseUTC gives the zero time for what is none.
func parseUTC(words []string) time.Time {
	t, err := time.Parse("Mon 2006-01-02 15:04:05 UTC", strings.Join(words, " "))
	if err != nil {
		return time.Time{}
	}
	return t
}

func isBootID(s string) bool { return len(s) == 32 && strings.Trim(s, "0123456789abcdef") == "" }

// oldestOf gives how far back the chosen boots reach.
func oldestOf(boots []Boot, o JournalOptions) time.Time {
	want, err := o.bootIndex()
	if err != nil {
		return time.Time{}
	}
	var oldest time.Time
	for _, boot := range boots {
		chosen := want > 0 || boot.Index == want
		if chosen && !boot.First.IsZero() && (oldest.IsZero() || boot.First.Before(oldest)) {
			oldest = boot.First
		}
	}
	return oldest
}

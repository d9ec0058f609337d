package oom

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	bootA = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	bootB = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

func TestParseBoots(t *testing.T) {
	at := func(day, hour int) time.Time { return time.Date(2026, 11, day, hour, 0, 0, 0, time.UTC) }
	both := []Boot{
		{Index: -1, ID: bootA, First: at(23, 10), Last: at(24, 9)},
		{Index: 0, ID: bootB, First: at(24, 10), Last: at(25, 9)},
	}
	tests := []struct {
		name, text string
		want       []Boot
	}{
		{"nothing", "", []Boot{}},
		{
			"with a heading", // systemd 252
			"IDX BOOT ID                          FIRST ENTRY                 LAST ENTRY\n" +
				" -1 " + bootA + " Mon 2026-11-23 10:00:00 UTC Tue 2026-11-24 09:00:00 UTC\n" +
				"  0 " + bootB + " Tue 2026-11-24 10:00:00 UTC Wed 2026-11-25 09:00:00 UTC\n", both,
		},
		{
			"with a dash", // systemd 219 to 250
			"-1 " + bootA + " Mon 2026-11-23 10:00:00 UTC—Tue 2026-11-24 09:00:00 UTC\n" +
				" 0 " + bootB + " Tue 2026-11-24 10:00:00 UTC—Wed 2026-11-25 09:00:00 UTC", both,
		},
		{
			"newest first",
			" 0 " + bootB + " Tue 2026-11-24 10:00:00 UTC—Wed 2026-11-25 09:00:00 UTC\n" +
				"-1 " + bootA + " Mon 2026-11-23 10:00:00 UTC—Tue 2026-11-24 09:00:00 UTC\n", both,
		},
		{"without times", "0 " + bootB + "\n", []Boot{{ID: bootB}}},
		{"with another zone", "0 " + bootB + " Tue 2026-11-24 10:00:00 CET—Wed 2026-11-25 09:00:00 CET\n", []Boot{{ID: bootB}}},
		{"with one time", "0 " + bootB + " Tue 2026-11-24 10:00:00 UTC\n", []Boot{{ID: bootB}}},
		{"a later boot than the newest", "1 " + bootB + "\n", []Boot{}},
		{"a short ID", "0 " + bootB[1:] + "\n", []Boot{}},
		{"no ID", "0 " + strings.ToUpper(bootB) + "\n", []Boot{}},
		{"no index", "x " + bootB + "\n\n \n0\n", []Boot{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, ParseBoots(tt.text)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// FuzzParseBoots holds that every boot is in the text, sorted, and reads back from the
// line that journalctl would write for it.
func FuzzParseBoots(f *testing.F) {
	f.Add(" -1 " + bootA + " Mon 2026-11-23 10:00:00 UTC Tue 2026-11-24 09:00:00 UTC\n  0 " + bootB + "\n")
	f.Add("-1 " + bootA + " Mon 2026-11-23 10:00:00 UTC—Tue 2026-11-24 09:00:00 UTC")
	f.Fuzz(func(t *testing.T, text string) {
		const form = "Mon 2006-01-02 15:04:05 UTC"
		boots := ParseBoots(text)
		for i, boot := range boots {
			if !isBootID(boot.ID) || !strings.Contains(text, boot.ID) || boot.Index > 0 || i > 0 && boots[i-1].Index > boot.Index {
				t.Fatalf("%q gives %+v", text, boots)
			}
			again := []string{strconv.Itoa(boot.Index), boot.ID, boot.First.Format(form), boot.Last.Format(form)}
			if diff := cmp.Diff([]Boot{boot}, ParseBoots(strings.Join(again, " "))); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}

func TestOldestOf(t *testing.T) {
	first, second := time.Unix(1000, 0), time.Unix(2000, 0)
	boots := []Boot{{Index: -2, ID: bootA}, {Index: -1, ID: bootA, First: first}, {ID: bootB, First: second}}
	for boot, want := range map[string]time.Time{
		"": second, "0": second, "-1": first, "-2": {}, "-3": {}, AllBoots: first, "nonsense": {},
	} {
		if got := oldestOf(boots, JournalOptions{Boot: boot}); !got.Equal(want) {
			t.Errorf("boot %q: %v, want %v", boot, got, want)
		}
	}
}

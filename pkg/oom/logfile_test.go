package oom

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseLogName(t *testing.T) {
	tests := []struct {
		name string
		want logName
	}{
		{"kern.log", logName{family: "kern.log"}},
		{"kern.log.1", logName{family: "kern.log", turn: 1}},
		{"kern.log.12.gz", logName{family: "kern.log", turn: 12, packed: ".gz"}},
		{"kern.log.1.xz", logName{family: "kern.log", turn: 1, packed: ".xz"}},
		{"kern.log.gz", logName{family: "kern.log", packed: ".gz"}},
		{"messages-20261101", logName{family: "messages", date: "20261101"}},
		{"messages-20261101.gz", logName{family: "messages", date: "20261101", packed: ".gz"}},
		{"messages-20261101.zst", logName{family: "messages", date: "20261101", packed: ".zst"}},
		{"syslog-2026-11-01", logName{family: "syslog", date: "2026-11-01"}},
		{"syslog-20261101-1793520000.gz", logName{family: "syslog", date: "20261101-1793520000", packed: ".gz"}},
	}
	for _, tt := range tests {
		tt.want.name = tt.name
		if got, ok := parseLogName(tt.name); !ok || got != tt.want {
			t.Errorf("%s: %+v, %v", tt.name, got, ok)
		}
	}
	for _, name := range []string{
		"", "kern", "kern.log.", "kern.log.old", "kern.log.0", "kern.log.-1", "kern.log.99999999999", "kern.log.1.gz.tmp",
		"syslog-ng", "syslog.d", "messages-", "messages-2026", "messages--20261101", "mykern.log", "auth.log", "kern.log1",
	} {
		if got, ok := parseLogName(name); ok {
			t.Errorf("%q: %+v", name, got)
		}
	}
}

func TestLogNames(t *testing.T) {
	// Oldest first.
	want := []string{
		"kern.log.10.gz", "kern.log.9.gz", "kern.log.2.gz", "kern.log.1", "kern.log",
		"messages-20251231.gz", "messages-20260102.xz", "messages-20260103", "messages.2.gz", "messages.1", "messages",
		"syslog",
	}
	names := append(slices.Clone(want), "auth.log", "journal", "dmesg.0")
	for range 20 {
		rand.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		var got []string
		for _, log := range logNames(names) {
			got = append(got, log.name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	}
}

// FuzzParseLogName holds that the parts of a name make it up again.
func FuzzParseLogName(f *testing.F) {
	for _, name := range []string{"kern.log.2.gz", "messages-20261101.xz", "syslog", "kern.log.01", "x"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		log, ok := parseLogName(name)
		if !ok {
			return
		}
		middle, hasPrefix := strings.CutPrefix(name, log.family)
		middle, hasSuffix := strings.CutSuffix(middle, log.packed)
		switch {
		case !hasPrefix || !hasSuffix || log.name != name:
		case log.turn > 0 && log.date == "" && strings.HasPrefix(middle, ".") && strings.Trim(middle[1:], "0123456789") == "":
			return
		case log.date != "" && log.turn == 0 && middle == "-"+log.date:
			return
		case log.turn == 0 && log.date == "" && middle == "":
			return
		}
		t.Errorf("%q: %+v", name, log)
	})
}

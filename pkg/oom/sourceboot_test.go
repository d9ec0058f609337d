package oom

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSpanOf(t *testing.T) {
	hour := func(h int) time.Time { return time.Unix(int64(h)*3600, 0) }
	boots := []Boot{{Index: -2, ID: "x"}, {Index: -1, ID: bootA, First: hour(1)}, {Index: 0, ID: bootB, First: hour(5)}}
	clock := BootClock{Boot: "now", Start: hour(9)}
	tests := []struct {
		name, boot string
		boots      []Boot
		clock      BootClock
		want       span
		known      bool
	}{
		{"all", AllBoots, nil, BootClock{}, span{all: true}, true},
		{"the running one", "0", boots, clock, span{id: "now", from: hour(9)}, true},
		{"by default", "", nil, clock, span{id: "now", from: hour(9)}, true},
		{"the newest of a tree", "0", boots, BootClock{}, span{id: bootB, from: hour(5)}, true},
		{"the one before", "-1", boots, clock, span{id: bootA, from: hour(1), to: hour(5)}, true},
		{"of an unknown time", "-2", boots, clock, span{id: "x", to: hour(1)}, true},
		{"one that is not there", "-3", boots, clock, span{to: time.Time{}}, false},
		{"without a journal", "-1", nil, clock, span{}, false},
		{"nothing known", "0", nil, BootClock{}, span{}, false},
		{"nonsense", "1", boots, clock, span{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, known := spanOf(tt.boot, tt.boots, tt.clock)
			if known != tt.known || known && got != tt.want {
				t.Errorf("%+v, %v; want %+v, %v", got, known, tt.want, tt.known)
			}
		})
	}
}

func TestChoose(t *testing.T) {
	hour := func(h int) time.Time { return time.Unix(int64(h)*3600, 0) }
	log := Log{Records: 9, Kills: []Kill{
		{PID: 1, Boot: bootA, At: hour(1)},
		{PID: 2, Boot: bootB, At: hour(2)},
		{PID: 3, At: hour(3)},
		{PID: 4, At: hour(8)},
		{PID: 5},              // of no boot and no time
		{PID: 6, Boot: bootB}, // of no time
	}}
	tests := []struct {
		name    string
		span    span
		known   bool
		since   time.Time
		want    string
		unknown int
	}{
		{"all", span{all: true}, true, time.Time{}, "1 2 3 4 5 6", 0},
		{"all since", span{all: true}, true, hour(3), "3 4 5 6", 0},
		{"a boot and what comes after", span{id: bootB, from: hour(2)}, true, time.Time{}, "2 3 4 6", 1},
		{"a boot that ended", span{id: bootB, from: hour(2), to: hour(8)}, true, time.Time{}, "2 3 6", 1},
		{"a boot by its time", span{from: hour(2), to: hour(8)}, true, time.Time{}, "2 3", 2},
		{"a boot of an unknown time", span{id: bootA}, true, time.Time{}, "1", 3},
		{"a boot since", span{id: bootB, from: hour(2)}, true, hour(4), "4 6", 1},
		{"an unknown boot", span{}, false, time.Time{}, "", 6},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, unknown := choose(log, tt.span, tt.known, tt.since)
			text := ""
			for _, k := range got.Kills {
				text += fmt.Sprint(" ", k.PID)
			}
			if diff := cmp.Diff(tt.want, text[min(1, len(text)):]); diff != "" || unknown != tt.unknown || got.Records != 9 {
				t.Errorf("%s, %d unknown, %d records", diff, unknown, got.Records)
			}
		})
	}
}

// TestClockSteps holds the order and the times of kills over steps of the wall clock.
func TestClockSteps(t *testing.T) {
	at := func(minute int) time.Time { return time.Unix(int64(minute)*60, 0) }
	since := func(minute int) time.Duration { return time.Duration(minute) * time.Minute }
	// The clock was an hour ahead until the boot's 20th minute, and set back then. What
	// is worked out of the stamps goes by the clock as it is now.
	journal := []Kill{
		{PID: 1, Boot: bootB, SinceBoot: since(10), At: at(1070)},
		{PID: 2, Boot: bootB, SinceBoot: since(30), At: at(1030)},
		{PID: 9, Boot: bootA, SinceBoot: since(50), At: at(900)},
	}
	all := []Kill{
		{PID: 2, Boot: bootB, SinceBoot: since(30), At: at(1030)},
		{PID: 3, Boot: bootB, SinceBoot: since(40), At: at(1040)}, // not in the journal
		{PID: 1, Boot: bootB, SinceBoot: since(10) + time.Millisecond, At: at(1010)},
		{PID: 2, Boot: bootB, SinceBoot: since(35), At: at(1035)}, // another process with that ID
		{PID: 9, Boot: bootA, SinceBoot: since(50), At: at(900)},
		{PID: 4, At: at(1100)},
		{PID: 5, SinceBoot: since(2)}, // of an unknown time
		{PID: 6, SinceBoot: since(1)},
	}
	trust(all, journal)
	order(all)
	var got []string
	for _, k := range all {
		when := "-"
		if !k.At.IsZero() {
			when = fmt.Sprint(k.At.Unix() / 60)
		}
		got = append(got, fmt.Sprint(k.PID, " ", when))
	}
	want := []string{"6 -", "5 -", "9 900", "1 1070", "2 1030", "2 1035", "3 1040", "4 1100"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestBootClock(t *testing.T) {
	start := time.Unix(1000, 0)
	clock := BootClock{Boot: bootB, Start: start}
	log := Log{Records: 2, Kills: []Kill{{PID: 1, SinceBoot: time.Minute}, {PID: 2, Boot: bootA, At: time.Unix(5, 0)}}}
	want := Log{Records: 2, Kills: []Kill{
		{PID: 1, SinceBoot: time.Minute, Boot: bootB, At: start.Add(time.Minute)}, {PID: 2, Boot: bootA, At: time.Unix(5, 0)},
	}}
	if diff := cmp.Diff(want, clock.stamp(log)); diff != "" {
		t.Error(diff)
	}
	if log.Kills[0].Boot != "" {
		t.Error("the log that was given has changed")
	}
	if at := (BootClock{}).At(time.Minute); !at.IsZero() {
		t.Errorf("an unknown clock gives %v", at)
	}
}

// TestNotesAreBounded holds that a folder of very many files does not make a report of them.
func TestNotesAreBounded(t *testing.T) {
	var g gathered
	for i := range 1000 {
		g.note(fmt.Sprint(i))
	}
	if n := len(g.source.Notes); n == 0 || n > 100 {
		t.Errorf("%d notes", n)
	}
}

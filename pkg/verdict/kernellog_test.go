package verdict_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"vmguard/pkg/host"
	"vmguard/pkg/oom"
	"vmguard/pkg/verdict"
)

func TestFromCollected(t *testing.T) {
	t.Parallel()
	failed := func(name oom.SourceName) oom.Source {
		return oom.Source{Name: name, Where: "x", Missing: "is not there", Err: errors.New("is not there")}
	}
	kmsg := oom.Source{Name: oom.SourceKmsg, Where: "/dev/kmsg"}
	files := oom.Source{Name: oom.SourceFiles, Where: "/var/log", Oldest: at(-9_000_000)}
	journal := oom.Source{Name: oom.SourceJournal, Where: "/var/log/journal", Oldest: at(-9_000_000)}
	noted := journal
	noted.Notes = []string{"a file is damaged"}
	ring := kernel(kill(440, own))
	slept := oom.BootClock{Boot: "b", Start: at(-3600_000), Suspended: time.Hour}
	one := oom.Log{Kills: []oom.Kill{kill(440, own)}}
	lost := one
	lost.Lost = 1
	two := uint64(2)
	since := at(-3600_000)
	for _, test := range []struct {
		name     string
		c        oom.Collected
		ring     host.Fact[verdict.KernelLog]
		counted  *uint64
		source   string // empty for a log that is missing
		since    time.Time
		unlogged uint64
	}{
		{"the buffer alone", oom.Collected{Log: one, Sources: []oom.Source{kmsg, failed("journal"), failed("files")}}, ring, nil, "/dev/kmsg", since, 0},
		{"files as well", oom.Collected{Log: one, Sources: []oom.Source{kmsg, failed("journal"), files}}, ring, nil, "kernel log", since, 0},
		{"files, suspended", oom.Collected{Log: one, Clock: slept, Sources: []oom.Source{kmsg, failed("journal"), files}}, ring, nil, "/dev/kmsg", since, 0},
		{"journal as well", oom.Collected{Log: one, Sources: []oom.Source{kmsg, journal, files}}, ring, nil, "kernel log", journal.Oldest, 0},
		{"journal, suspended", oom.Collected{Log: one, Clock: slept, Sources: []oom.Source{kmsg, journal}}, ring, nil, "kernel log", journal.Oldest, 0},
		{"journal, damaged", oom.Collected{Log: one, Sources: []oom.Source{kmsg, noted}}, ring, nil, "kernel log", since, 0},
		{"journal, records lost", oom.Collected{Log: lost, Sources: []oom.Source{kmsg, journal}}, ring, nil, "kernel log", since, 0},
		{"journal, kills of an unknown boot", oom.Collected{Log: one, OtherBoot: 1, Sources: []oom.Source{kmsg, journal}}, ring, nil, "kernel log", since, 0},
		{"journal, more counted", oom.Collected{Log: one, ThisBoot: one, Sources: []oom.Source{kmsg, journal}}, ring, &two, "kernel log", since, 1},
		{"journal alone", oom.Collected{Log: one, Sources: []oom.Source{failed("kmsg"), journal}}, noKernel(), nil, "kernel log", journal.Oldest, 0},
		{"none", oom.Collected{Sources: []oom.Source{failed("kmsg"), failed("journal"), failed("files")}}, noKernel(), nil, "", time.Time{}, 0},
		{"nothing tried", oom.Collected{}, noKernel(), nil, "", time.Time{}, 0},
	} {
		got := verdict.FromCollected(test.c, test.ring, test.counted)
		if got.Source != test.source || !got.Value.Since.Equal(test.since) || got.Value.Unlogged != test.unlogged {
			t.Errorf("%s: %q, since %v, unlogged %d", test.name, got.Source, got.Value.Since, got.Value.Unlogged)
		}
		if test.source == "" && !strings.HasPrefix(got.Why(), "reading the kernel log needs root") {
			t.Errorf("%s: %q", test.name, got.Why())
		}
		if test.source != "" && len(got.Value.Kills) != 1 {
			t.Errorf("%s: %d kills", test.name, len(got.Value.Kills))
		}
	}
	none := oom.Collected{Sources: []oom.Source{failed("kmsg"), failed("journal")}}
	if why := verdict.FromCollected(none, noKernel(), nil).Why(); why != "reading the kernel log needs root (kmsg: is not there; journal: is not there)" {
		t.Errorf("it says %q", why)
	}
}

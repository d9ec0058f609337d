package verdict_test

import (
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/host"
	"vmguard/pkg/oom"
	"vmguard/pkg/verdict"
)

func TestFromLog(t *testing.T) {
	t.Parallel()
	boot := at(0)
	two := []oom.Kill{{SinceBoot: 5 * time.Second}, {SinceBoot: 9 * time.Second, At: at(12_000)}}
	counted := uint64(5)
	for _, test := range []struct {
		name     string
		log      oom.Log
		boot     time.Time
		counted  *uint64
		since    time.Time
		first    time.Time // At of the first kill
		unlogged uint64
	}{
		{"whole", oom.Log{Kills: two}, boot, nil, boot, at(5000), 0},
		{"no kill", oom.Log{}, boot, nil, boot, time.Time{}, 0},
		{"cut off", oom.Log{Kills: two, Truncated: true}, boot, nil, at(5000), at(5000), 0},
		{"cut off, no kill", oom.Log{Truncated: true}, boot, nil, time.Time{}, time.Time{}, 0},
		{"lost records", oom.Log{Kills: two, Lost: 1}, boot, nil, time.Time{}, at(5000), 0},
		{"malformed records", oom.Log{Kills: two, Malformed: 1}, boot, nil, time.Time{}, at(5000), 0},
		{"kills without a name", oom.Log{Kills: two, Unnamed: 1}, boot, nil, time.Time{}, at(5000), 0},
		{"more kills than listed", oom.Log{Kills: two, More: 1}, boot, nil, time.Time{}, at(5000), 0},
		{"more counted", oom.Log{Kills: two}, boot, &counted, time.Time{}, at(5000), 3},
		{"cut off, more counted", oom.Log{Kills: two, Truncated: true}, boot, &counted, at(5000), at(5000), 3},
		{"boot not known", oom.Log{Kills: two}, time.Time{}, nil, time.Time{}, time.Time{}, 0},
	} {
		got := verdict.FromLog(test.log, test.boot, test.counted)
		if !got.Since.Equal(test.since) || got.Unlogged != test.unlogged {
			t.Errorf("%s: since %v, unlogged %d", test.name, got.Since, got.Unlogged)
		}
		if len(got.Kills) > 0 && (!got.Kills[0].At.Equal(test.first) || !got.Kills[1].At.Equal(at(12_000))) {
			t.Errorf("%s: dated %v and %v", test.name, got.Kills[0].At, got.Kills[1].At)
		}
	}
	if two[0].At != (time.Time{}) {
		t.Error("the log that was given has been changed")
	}
}

// TestElsewhere takes nothing of this machine for an engine that runs on another.
func TestElsewhere(t *testing.T) {
	t.Parallel()
	f := &host.Facts{
		CollectedAt: at(600_000),
		System:      host.Known(host.System{Uptime: time.Hour}, "/proc"),
		Memory:      host.Known(host.Memory{Total: gib}, "/proc/meminfo"),
		OOM:         host.Known(oom.Log{Kills: []oom.Kill{{SinceBoot: time.Second}}}, "/dev/kmsg"),
		EngineHere:  host.Known(false, "docker info"),
	}
	in := verdict.FromFacts(f, dead(137, 500))
	if in.Kernel.Known() || in.Memory.Known() || in.Swaps.Known() || !in.BootedAt.IsZero() {
		t.Errorf("got %+v", in)
	}
	f.EngineHere.Value = true
	if in := verdict.FromFacts(f, dead(137, 500)); !in.Kernel.Known() || !in.BootedAt.Equal(at(600_000-3600_000)) {
		t.Errorf("got %+v", in)
	}
}

// TestRecordings judges the containers of recorded hosts.
func TestRecordings(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]map[string][]string{
		"bare.json": {},
		"sick.json": {"imap-sync": {"137 own-limit certain", "137 own-limit certain"}},
	} {
		file, err := os.Open("../../testdata/facts/" + name)
		if err != nil {
			t.Fatal(err)
		}
		facts, err := host.Read(file)
		file.Close()
		if err != nil {
			t.Fatal(err)
		}
		got := map[string][]string{}
		for _, c := range facts.Containers.Value {
			if deaths := spell(verdict.Judge(verdict.FromFacts(facts, c))); deaths != nil {
				got[c.Name] = deaths
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

package oom

import (
	"path/filepath"
	"testing"
)

func TestParseLimit(t *testing.T) {
	for message, want := range map[string]uint64{
		"memory: usage 32768kB, limit 32768kB, failcnt 0":            32 << 20,
		"memory: usage 32768kB, limit 9007199254740988kB, failcnt":   0, // cut off
		"memory: usage 32768kB, limit 9007199254740988kB, failcnt 0": 0, // none set
		"memory+swap: usage 1kB, limit 32768kB, failcnt 0":           0,
		"memory: usage 1kB, limit xkB, failcnt 0":                    0,
		"memory: usage 1kB": 0,
	} {
		got, ok := parseLimit(message)
		if ok != (want > 0) || ok && got != want {
			t.Errorf("%q: %d, %t; want %d", message, got, ok, want)
		}
	}
}

// TestRecordedLimits: each kill carries the limit that its own dump shows, and none
// where the kernel left the dump out.
func TestRecordedLimits(t *testing.T) {
	for file, want := range map[string][]uint64{
		"own-limit.txt":    {32 << 20},
		"parent-limit.txt": {32 << 20},
		"storm.txt":        {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0}, // 1: some limit
	} {
		log, err := ReadKmsg(t.Context(), filepath.Join("..", "..", "testdata", "kmsg", file))
		if err != nil {
			t.Fatal(err)
		}
		for i, k := range log.Kills {
			switch {
			case want[i] == 0 && k.Limit != nil, want[i] > 0 && k.Limit == nil:
				t.Errorf("%s: kill %d has limit %v", file, i, k.Limit)
			case want[i] > 1 && *k.Limit != want[i]:
				t.Errorf("%s: kill %d has limit %d, want %d", file, i, *k.Limit, want[i])
			}
		}
	}
}

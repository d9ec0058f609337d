package oom

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// TestRecordedLogs reads what a real kernel (6.18, cgroup v1) wrote while real
// containers were killed.
func TestRecordedLogs(t *testing.T) {
	const (
		own    = "4fdbf0a785f32598d90b33969e1505aa1380f5059bd1d9a942d9536e71281c66"
		child  = "257e7b039793a44bf6d4a83b054996555247a59d54c8158e19f498f466ad34d7"
		shop   = "3f7a719718725022ca135dba5a9fcc298190ec0504abb8c893558ffeda199663"
		leader = "8509bbead2d287d8855a314de5a560da10336d85dd6d2660ded4285d19b860d7"
		storm  = "8acf80ba2da121064bd2961dee08f2dea5c0b8ad792eccf1d86a12238e58f5aa"
		odd1   = "31c35ec7346191027e877615c8fb13eb9cec5008fcc1a9aced3d72a120f1f8ff"
		odd2   = "8e7840bd3bfeaa595707f90d1f3737a6c24dae21add55ffdec2a9e56acdd2a4e"
		odd3   = "15405638fb93ead99e9419499d790c6d83ab2558ddde29df784e25c75247823e"
	)
	in := func(id string) string { return " cgroup task=/docker/" + id + " limit=/docker/" + id }
	stormLine := func(pid, vm string, whole bool) string {
		if whole {
			return pid + " storm" + in(storm) + " vm=" + vm
		}
		return pid + " storm cgroup task= limit= vm=" + vm
	}
	tests := []struct {
		file    string
		records int
		kills   []string
	}{
		{"own-limit.txt", 92, []string{"31952 app" + in(own) + " vm=1227204"}},
		{"child-killed.txt", 93, []string{"4269 child" + in(child) + " vm=1227468"}},
		{"parent-limit.txt", 123, []string{"19473 app cgroup task=/webshop/" + shop + " limit=/webshop vm=1292812"}},
		// Its first thread had ended: the summary says 9789, the kill line 9859.
		{"dead-leader.txt", 93, []string{"9789 app" + in(leader) + " vm=1227204"}},
		{"odd-names.txt", 277, []string{
			"32233 a ,pid=7 (x) \n" + in(odd1) + " vm=1293060",
			"32449 \x1b[31m\\x,task=:" + in(odd2) + " vm=1292812",
			"32644 ) total-vm:9kB," + in(odd3) + " vm=1292804",
		}},
		// Fourteen kills; after ten the kernel leaves the summaries out.
		{"storm.txt", 822, []string{
			stormLine("5813", "1227212", true), stormLine("5836", "1227460", true),
			stormLine("5844", "1292820", true), stormLine("5850", "1227460", true),
			stormLine("5856", "1293068", true), stormLine("5861", "1227468", true),
			stormLine("5866", "1293076", true), stormLine("5872", "1227204", true),
			stormLine("5878", "1227196", true), stormLine("5884", "1293068", true),
			stormLine("5889", "1292820", false), stormLine("5895", "1227460", false),
			stormLine("5906", "1292812", false), stormLine("5921", "1293068", false),
		}},
		// Written to /dev/kmsg by root with the kernel's own priority, <0>.
		{"forged.txt", 0, []string{}},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			got, err := ReadKmsg(t.Context(), filepath.Join("..", "..", "testdata", "kmsg", tt.file))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.kills, short(got.Kills)); diff != "" {
				t.Error(diff)
			}
			got.Kills = nil
			if diff := cmp.Diff(Log{Records: tt.records, Truncated: true}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReadRecords(t *testing.T) {
	const line = "3,%,100,-;"
	record := func(seq string) string { return strings.Replace(line, "%", seq, 1) + kill + "\n" }
	long := "6,1,100,-;" + strings.Repeat("x", 100_000) + "\n"
	tests := []struct {
		name, text string
		want       Log
		kills      int
	}{
		{"nothing", "", Log{}, 0},
		{"from boot", record("0"), Log{Records: 1}, 1},
		{"without the last newline", strings.TrimSuffix(record("0"), "\n"), Log{Records: 1}, 1},
		{"dictionaries and empty lines", "6,0,1,-;a\n SUBSYSTEM=x\n DEVICE=y\n\n" + record("1"), Log{Records: 2}, 1},
		{"a gap", "6,0,1,-;a\n" + record("9"), Log{Records: 2, Lost: 1}, 1},
		{"two gaps", "6,0,1,-;a\n6,2,1,-;a\n" + record("9"), Log{Records: 3, Lost: 2}, 1},
		{"nonsense between", "6,0,1,-;a\nnonsense\n" + record("2"), Log{Records: 2, Malformed: 1}, 1},
		{"nonsense first", "nonsense\n" + record("1"), Log{Records: 1, Malformed: 1}, 1},
		{"a line too long", "6,0,1,-;a\n" + long + record("2"), Log{Records: 2, Malformed: 1}, 1},
		{"a line too long at the end", record("0") + strings.TrimSuffix(long, "\n"), Log{Records: 1, Malformed: 1}, 1},
		{"binary", "\x00\xff\x00\n\x00", Log{Malformed: 2}, 0},
		{"the text of dmesg", "[   12.500000] " + kill + "\n", Log{Malformed: 1}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(tt.text), iotest.HalfReader(strings.NewReader(tt.text))} {
				got, err := ReadRecords(t.Context(), r)
				if err != nil {
					t.Fatal(err)
				}
				if len(got.Kills) != tt.kills {
					t.Errorf("kills: %v", short(got.Kills))
				}
				got.Kills = nil
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

// endless gives one text again and again.
type endless struct {
	text string
	read int64
}

func (e *endless) Read(buf []byte) (int, error) {
	for i := range buf {
		buf[i] = e.text[(e.read+int64(i))%int64(len(e.text))]
	}
	e.read += int64(len(buf))
	return len(buf), nil
}

func TestReadRecordsEnds(t *testing.T) {
	for _, text := range []string{"x", "6,0,1,-;" + strings.Repeat("noise ", 500) + "\n"} {
		src := &endless{text: text}
		_, err := ReadRecords(t.Context(), src)
		if !errors.Is(err, ErrTooLarge) || src.read > maxFile+maxRecord {
			t.Errorf("%.10q: read %d bytes, %v", text, src.read, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	src := &endless{text: "6,0,1,-;noise\n"}
	if _, err := ReadRecords(ctx, src); !errors.Is(err, context.Canceled) || src.read > maxRecord {
		t.Errorf("cancelled: read %d bytes, %v", src.read, err)
	}
	broken := errors.New("broken")
	log, err := ReadRecords(t.Context(), io.MultiReader(strings.NewReader("3,0,1,-;"+kill+"\n"), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) || len(log.Kills) != 1 {
		t.Errorf("a broken source: %v, %v", log, err)
	}
}

func TestReadKmsgRefuses(t *testing.T) {
	dir := t.TempDir()
	log, err := ReadKmsg(t.Context(), filepath.Join(dir, "missing"))
	if !errors.Is(err, os.ErrNotExist) || log.Kills == nil {
		t.Errorf("a missing file: %v, %v", log, err)
	}
	for _, path := range []string{dir, "/dev/zero"} {
		if _, err := ReadKmsg(t.Context(), path); !errors.Is(err, errNotKmsg) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

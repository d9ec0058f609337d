package oom

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func scanText(t *testing.T, text string) Log {
	t.Helper()
	log, err := Scan(t.Context(), strings.NewReader(text), ScanOptions{Reference: newYear})
	if err != nil {
		t.Fatal(err)
	}
	return log
}

// dmesg writes messages as lines of dmesg, a millisecond apart.
func dmesg(messages ...string) string {
	var b strings.Builder
	for i, m := range messages {
		fmt.Fprintf(&b, "[  100.%03d000] %s\n", i, m)
	}
	return b.String()
}

const header = "x invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0"

func TestScan(t *testing.T) {
	noise := strings.Repeat("[   50.000000] noise\n", 3000)
	long := "[   50.000000] " + strings.Repeat("x", 1<<20) + "\n"
	wide := "[   50.000000] " + kill + strings.Repeat("x", 1<<20) + "\n"
	app := "Nov 25 22:00:00 web app: x\n"
	tests := []struct {
		name, text string
		kills      []string
		want       Log
	}{
		{"nothing", "", nil, Log{}},
		{"from boot", "[    0.000000] Linux version\n", nil, Log{Lines: 1}},
		{"from boot, as records", "6,0,0,-;Linux version\n", nil, Log{Lines: 1}},
		{"both lines", dmesg(sum, kill), []string{joined}, Log{Lines: 2, Records: 2, Truncated: true}},
		{"far into the noise", noise + dmesg(sum, kill) + noise, []string{joined}, Log{Lines: 6002, Records: 2, Truncated: true}},
		{"a kill line alone, far in", noise + dmesg(kill) + noise, []string{lone}, Log{Lines: 6001, Records: 1, Truncated: true}},
		{"without the last newline", noise + strings.TrimSuffix(dmesg(kill), "\n"), []string{lone}, Log{Lines: 3001, Records: 1, Truncated: true}},
		{"cut in the last line", noise + dmesg(sum)[:120], nil, Log{Lines: 3001, Records: 1, Truncated: true, Malformed: 1}},
		{"lines of Windows", strings.ReplaceAll(dmesg(sum, kill), "\n", "\r\n"), []string{joined}, Log{Lines: 2, Records: 2, Truncated: true}},
		{"a line of 1 MiB", noise + long + dmesg(kill), []string{lone}, Log{Lines: 3002, Records: 1, Truncated: true}},
		{"a line of 1 MiB at the end", dmesg(kill) + strings.TrimSuffix(long, "\n"), []string{lone}, Log{Lines: 2, Records: 1, Truncated: true}},
		{"a kill in a line of 1 MiB", noise + wide + dmesg(kill8), []string{other}, Log{Lines: 3002, Records: 1, Truncated: true, Malformed: 1}},
		{"binary noise", "\x00\xff\x1f\x8b" + strings.Repeat("\x00\xfe\n\r\x80", 9) + "\n" + noise + dmesg(kill), []string{lone}, Log{Lines: 3011, Records: 1, Truncated: true}},
		{"the same text twice", dmesg(sum, kill) + noise + dmesg(sum, kill), []string{joined}, Log{Lines: 3004, Records: 4, Truncated: true}},
		{"a kill line without a process ID", dmesg("Out of memory: Killed process x"), nil, Log{Lines: 1, Records: 1, Truncated: true, Malformed: 1}},
		{"half a summary, then others", dmesg(sum[:80], sum, kill), []string{joined}, Log{Lines: 3, Records: 3, Truncated: true, Malformed: 1}},
		{"a summary in two pieces", dmesg(sum[:strings.Index(sum, ",oom")], "other", sum[strings.Index(sum, ",oom"):], kill), []string{joined}, Log{Lines: 4, Records: 3, Truncated: true}},
		{"an object that was cut", `{"_TRANSPORT":"stdout","MESSAGE":"x"}` + "\n" + `{"_TRANSPORT":"kernel","MESSAGE":"` + kill + "\n", nil, Log{Lines: 2, Truncated: true, Malformed: 1}},
		{"a header whose kill is gone", dmesg(header), nil, Log{Lines: 1, Records: 1, Truncated: true, Unnamed: 1}},
		{"no process to kill", dmesg(header, "Out of memory and no killable processes..."), nil, Log{Lines: 2, Records: 2, Truncated: true, NoVictim: 1}},
		{"a panic", dmesg(header, "Kernel panic - not syncing: Out of memory: compulsory panic_on_oom is enabled"), nil, Log{Lines: 2, Records: 2, Truncated: true, Panics: 1}},
		{"without prefixes", header + "\n" + sum + "\n" + kill + "\n", []string{joined}, Log{Lines: 3, Records: 3, Truncated: true, Bare: true}},
		{"a firewall's lines without prefixes", "IN=eth0 OUT= level=3\n" + kill + "\n", []string{lone}, Log{Lines: 2, Records: 1, Truncated: true, Bare: true}},
		{"logfmt", "level=info msg=\"Out of memory: Killed\"\n" + kill + "\n", nil, Log{Lines: 2, Truncated: true, Strange: true}},
		{"logfmt, its time first", "ts=7 lvl=info x\n" + kill + "\n", nil, Log{Lines: 2, Truncated: true, Strange: true}},
		{"JSON", `{"level":"info"}` + "\n" + kill + "\n", nil, Log{Lines: 2, Truncated: true, Strange: true}},
		{"no log", "\x7fELF\x02\n\x00\x01\nusage: ls\n", nil, Log{Lines: 3, Truncated: true, Strange: true}},
		{"the kernel's name without a stamp", "kernel: " + kill + "\n", nil, Log{Lines: 1, Truncated: true, Strange: true}},
		{"a stamp without year", "Nov 25 22:00:00 web kernel: " + kill + "\n", []string{lone}, Log{Lines: 1, Records: 1, Truncated: true, Yearless: true}},
		{"without prefix, where others have one", app + kill + "\n", nil, Log{Lines: 2, Truncated: true}},
		{"without prefix, where a later one has one", strings.Repeat(kill+"\n", 15) + app, nil, Log{Lines: 16, Truncated: true}},
		{"a further line of another program's message", dmesg("x") + app + "     " + kill + "\n", nil, Log{Lines: 3, Truncated: true}},
		{"a further line of the kernel's", dmesg("x") + "     " + kill + "\n", nil, Log{Lines: 2, Truncated: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := scanText(t, tt.text)
			if diff := cmp.Diff(append([]string{}, tt.kills...), short(got.Kills)); diff != "" {
				t.Error(diff)
			}
			got.Kills = nil
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestScanEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	src := &endless{text: "noise\n"}
	if _, err := Scan(ctx, src, ScanOptions{}); !errors.Is(err, context.Canceled) || src.read > 0 {
		t.Errorf("cancelled: read %d bytes, %v", src.read, err)
	}
	broken := errors.New("broken")
	log, err := Scan(t.Context(), io.MultiReader(strings.NewReader(dmesg(sum, kill)), iotest.ErrReader(broken)), ScanOptions{})
	if !errors.Is(err, broken) || len(log.Kills) != 1 {
		t.Errorf("a broken source: %v, %v", log, err)
	}
}

// TestScanMemory: what is allocated does not grow with the noise.
func TestScanMemory(t *testing.T) {
	line := "Nov 25 22:00:00 web kernel: [  123.456789] docker0: port 1(vethc28eef7) entered blocking state\n"
	used := func(size int64) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := Scan(t.Context(), io.LimitReader(&endless{text: line}, size), ScanOptions{}); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	if small, large := used(1<<20), used(32<<20); large > small+64<<10 || large > 4<<20 {
		t.Errorf("1 MiB takes %d bytes, 32 MiB take %d", small, large)
	}
}

// TestScanStorm: kills without end are counted, and only so many are kept.
func TestScanStorm(t *testing.T) {
	const kills = maxKills + 7
	var text bytes.Buffer
	for n := range kills {
		fmt.Fprintf(&text, "[ %d.000000] Out of memory: Killed process %d (x) total-vm:8kB\n", n, n+1)
	}
	got := scanText(t, text.String())
	if len(got.Kills) != maxKills || got.More != 7 {
		t.Errorf("%d kills and %d more", len(got.Kills), got.More)
	}
}

// TestScanManyHosts: more machines than are told apart at a time lose nothing that was whole.
func TestScanManyHosts(t *testing.T) {
	var text strings.Builder
	for n := range 3 * maxStreams {
		fmt.Fprintf(&text, "Nov 25 22:00:00 web%d kernel: [  100.000000] %s\n", n, kill)
	}
	if got := scanText(t, text.String()+text.String()); len(got.Kills) != 3*maxStreams {
		t.Errorf("%d kills", len(got.Kills))
	}
	var s streams
	for n := range 3 * maxStreams {
		s.of(fmt.Sprint(n), "")
	}
	if len(s.list) > maxStreams {
		t.Errorf("%d streams are kept", len(s.list))
	}
}

// byPieces reads a text as Scan does, with small bounds and a buffer of some size.
func byPieces(t *testing.T, size int, r io.Reader) Log {
	t.Helper()
	s := newScanner(ScanOptions{Reference: newYear})
	s.maxLine, s.afterDump, s.afterKill, s.left = 400, 6, 3, 2
	if err := s.read(t.Context(), r, make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	return s.log()
}

// byLine is what Scan must give: the lines one by one, those without a needle passed
// over where none is left to be read.
func byLine(text string) Log {
	s := newScanner(ScanOptions{Reference: newYear})
	s.maxLine, s.afterDump, s.afterKill, s.left = 400, 6, 3, 2
	s.sniff([]byte(text))
	for one := range strings.Lines(text) {
		s.lines++
		one = strings.TrimSuffix(one, "\n")
		if s.left == 0 && !strings.Contains(one, needleKill) && !strings.Contains(one, needleOOM) && !strings.Contains(one, needleBytes) {
			s.skipped()
			continue
		}
		s.line([]byte(one))
	}
	s.begun = text != ""
	return s.log()
}

// FuzzScan holds that it does not matter how a text is cut into pieces.
func FuzzScan(f *testing.F) {
	noise := dmesg("a", "b", "c", "d", "e", "f", "g", "h", "i")
	f.Add(noise+dmesg(header, "memory: usage 1kB, limit 1kB, failcnt 1", sum, kill, group, kill8)+noise+dmesg(kill8), uint16(401))
	f.Add(noise+strings.Repeat("Kill", 200)+"\n"+noise+dmesg(sum, skip7)+"\x00\r\n\n", uint16(450))
	f.Add(noise+dmesg(sum[:80], sum[80:], kill)+noise+"12,1,1,-;"+kill+"\n      free:7\n"+dmesg(kill)[:70], uint16(500))
	f.Add(`{"_TRANSPORT":"kernel","SYSLOG_FACILITY":"0","MESSAGE":[75,105,108,108]}`+"\n"+noise, uint16(600))
	// What follows in the same line, at the border of two pieces.
	f.Add(strings.Repeat("x", 402)+dmesg(kill), uint16(1))
	f.Add(strings.Repeat("x", 402)+"Kill\n", uint16(1))
	f.Fuzz(func(t *testing.T, text string, extra uint16) {
		want := byLine(text)
		for _, r := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text)), iotest.DataErrReader(strings.NewReader(text))} {
			got := byPieces(t, 401+int(extra)%4096, r)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatal(diff)
			}
		}
		if got := scanText(t, text); got.Lines != want.Lines || len(got.Kills) > got.Records {
			t.Fatalf("%d lines, want %d; %d kills of %d records", got.Lines, want.Lines, len(got.Kills), got.Records)
		}
	})
}

func BenchmarkScanNoise(b *testing.B) {
	text := []byte(strings.Repeat("Nov 25 22:00:00 web kernel: [  123.456789] docker0: port 1(vethc28eef7) entered blocking state\n", 1<<16))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := Scan(b.Context(), bytes.NewReader(text), ScanOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkScanStorm(b *testing.B) {
	var text bytes.Buffer
	for n := range 10_000 {
		id := fmt.Sprintf("%064x", n)
		fmt.Fprintf(&text, "[%5d.000000] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=%s,mems_allowed=0,oom_memcg=/docker/%s,task_memcg=/docker/%s,task=app,pid=%d,uid=0\n", n, id, id, id, n+1)
		fmt.Fprintf(&text, "[%5d.000001] Memory cgroup out of memory: Killed process %d (app) total-vm:8kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:36kB oom_score_adj:0\n", n, n+1)
	}
	for b.Loop() {
		if log, err := Scan(b.Context(), bytes.NewReader(text.Bytes()), ScanOptions{}); err != nil || len(log.Kills) != 10_000 {
			b.Fatal(err, len(log.Kills))
		}
	}
}

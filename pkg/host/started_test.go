package host

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// statOf makes a /proc/PID/stat as kernel 6.18 writes it.
func statOf(pid int, comm string, ticks uint64) string {
	return fmt.Sprintf("%d (%s) S 1 %d %d 0 -1 4194560 10442 4862 171 2 98 41 6 5 20 0 11 0 %d 1962622976 20144 "+
		"18446744073709551615 1 1 0 0 0 0 0 0 2143420159 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n", pid, comm, pid, pid, ticks)
}

func TestParseStartTime(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want time.Duration
		err  string
	}{
		"dockerd":           {text: statOf(322, "dockerd", 813), want: 8130 * time.Millisecond},
		"the first process": {text: statOf(1, "systemd", 0)},
		"an odd name":       {text: statOf(7, "a) S 1 (b c", 5), want: 50 * time.Millisecond},
		"nameless":          {text: statOf(7, "", 5), want: 50 * time.Millisecond},
		"empty":             {text: "", err: "cut off"},
		"cut off":           {text: strings.TrimSuffix(statOf(7, "x", 5), " 0\n"), err: "cut off"},
		"too short":         {text: "7 (x) S 1 7 7 0 -1 4194560 10442 4862 171 2 98 41 6 5 20 0 11 0\n", err: "no start time"},
		"no name":           {text: strings.Repeat("1 ", 60) + "\n", err: "no start time"},
		"negative":          {text: strings.Replace(statOf(7, "x", 5), " 11 0 5 ", " 11 0 -5 ", 1), err: "no number"},
		"beyond all time":   {text: statOf(7, "x", 1<<63), err: "no number"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseStartTime([]byte(c.text))
			if !refused(t, err, c.err) {
				equal(t, got, c.want)
			}
		})
	}
}

func TestReadStart(t *testing.T) {
	host := func(stat string) files {
		return files{"proc/stat": stat, "proc/7/stat": statOf(7, "x", 250)}
	}
	got, err := readStart(tree(t, host("cpu 1\nbtime 1795442953\n")), 7)
	if err != nil || !got.Equal(time.Unix(1795442956, 5e8)) {
		t.Errorf("%v, %v", got, err)
	}
	for text, why := range map[string]string{
		"cpu 1\n":                     "no time of boot",
		"btime 99999999999999999\n":   "no time of boot",
		"btime soon\n":                "btime",
		"btime 1795442953":            "cut off",
		"btime 1\nbtime 1795442953\n": "twice",
	} {
		_, err := readStart(tree(t, host(text)), 7)
		if !refused(t, err, why) {
			t.Errorf("%q: accepted", text)
		}
	}
	if _, err := readStart(tree(t, host("btime 1795442953\n")), 8); !gone(err) {
		t.Errorf("a process that has ended: %v", err)
	}
}

// FuzzParseStartTime holds that no name of a process changes what time is read.
func FuzzParseStartTime(f *testing.F) {
	f.Add("dockerd", uint32(813))
	f.Add("x) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20", uint32(5))
	f.Fuzz(func(t *testing.T, comm string, ticks uint32) {
		got, err := parseStartTime([]byte(statOf(7, comm, uint64(ticks))))
		if err != nil || got != time.Duration(ticks)*10*time.Millisecond {
			t.Fatalf("%q: %v, %v", comm, got, err)
		}
	})
}

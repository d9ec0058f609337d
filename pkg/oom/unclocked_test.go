package oom

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// In a log without stamps two kills of one process ID and name are one only where their
// sizes say so, or where the second line follows at once on the first.
func TestKillsWithoutClock(t *testing.T) {
	bigger := strings.ReplaceAll(kill, ":8kB", ":9kB")
	const lone9, joined9 = "7 x cgroup task= limit= vm=9", "7 x cgroup task=/a/b limit=/a vm=9"
	for _, tt := range []struct {
		name  string
		lines []string
		want  []string
	}{
		{"other sizes", []string{kill, "usb 1-1: new device", bigger}, []string{lone, lone9}},
		{"other sizes, with their summaries", []string{sum, kill, header, sum, bigger}, []string{joined, joined9}},
		{"the same sizes", []string{kill, "usb 1-1: new device", kill}, []string{lone}},
		{"the next line", []string{bigger, kill}, []string{lone9}},
		{"killed with its group", []string{sum, kill, group, kill8, bigger}, []string{joined, other}},
		{"the summary follows its kill line", []string{kill, sum}, []string{joined}},
		{"a later summary without kill line", []string{kill, "usb 1-1: new device", sum}, []string{lone, "7 x cgroup task=/a/b limit=/a vm=-"}},
	} {
		got := scanText(t, strings.Join(tt.lines, "\n")+"\n")
		if diff := cmp.Diff(tt.want, short(got.Kills)); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
	stamped := scanText(t, dmesg(kill, "usb 1-1: new device", bigger))
	if diff := cmp.Diff([]string{lone}, short(stamped.Kills)); diff != "" {
		t.Errorf("with a clock: %s", diff)
	}
}

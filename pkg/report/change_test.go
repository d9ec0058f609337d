package report

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/change"
)

func stepped(name, did string, state change.State, took time.Duration, err error) change.Outcome {
	return change.Outcome{Step: change.Step{Name: name, Text: "planned"}, Did: did, State: state, Took: took, Err: err}
}

func TestStepText(t *testing.T) {
	t.Parallel()
	wide, ascii := Style{Wide: true, Width: 100}, Style{Width: 60}
	for _, test := range []struct {
		outcome change.Outcome
		style   Style
		want    string
	}{
		{stepped("space", "18 GiB free", change.Already, 0, nil), wide, "  ✓ space       18 GiB free\n"},
		{stepped("activate", "swapon /s", change.Done, 240*time.Microsecond, nil), wide, "  ✓ activate    swapon /s (0.2 ms)\n"},
		{stepped("activate", "swapon /s", change.Done, 47*time.Millisecond, nil), ascii, "  ok   activate    swapon /s (47 ms)\n"},
		{stepped("allocate", "/s", change.Done, 75*time.Second, nil), ascii, "  ok   allocate    /s (75 s)\n"},
		{stepped("activate", "swapon /s", change.Failed, time.Second, syscall.EINVAL), wide, "  ✗ activate    invalid argument\n"},
		{stepped("allocate", "/s", change.Undone, time.Second, nil), wide, "  ↩ allocate    undone: /s\n"},
		{stepped("allocate", "/s", change.NotUndone, time.Second, syscall.EPERM), ascii, "  FAIL allocate    not undone: /s: operation not permitted\n"},
		{stepped("remove", "/s", change.Planned, 0, nil), ascii, "  -    remove      /s\n"},
		{stepped("remove", "/a\x1b[2Jb\nc", change.Planned, 0, nil), wide, "  · remove      /a?[2Jb c\n"},
		{
			stepped("persist", "/etc/fstab, one line added, backup /etc/fstab.vmguard-before", change.Planned, 0, nil), ascii,
			"  -    persist     /etc/fstab, one line added, backup\n                   /etc/fstab.vmguard-before\n",
		},
	} {
		var out strings.Builder
		if err := StepText(&out, test.outcome, test.style); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, out.String()); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
}

// A dry run shows the exact change to a text file, but nothing in it reaches the terminal.
func TestPlanText(t *testing.T) {
	t.Parallel()
	step := change.Step{Name: "persist", Text: "/etc/fstab", Diff: "--- /etc/fstab\n+++ /etc/fstab\n@@ -1,0 +2 @@\n+/a\x1bb none swap sw,nofail 0 0\n"}
	var out strings.Builder
	c := Change{DryRun: true, Result: change.Plan{step}.DryRun()}
	if err := PlanText(&out, c, Style{Wide: true, Width: 100}); err != nil {
		t.Fatal(err)
	}
	want := "  · persist     /etc/fstab\n      --- /etc/fstab\n      +++ /etc/fstab\n      @@ -1,0 +2 @@\n      +/a?b none swap sw,nofail 0 0\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestNotesText(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := NotesText(&out, []string{"one note that is longer than a narrow terminal has columns", "two"}, Style{Width: 40}); err != nil {
		t.Fatal(err)
	}
	want := "note: one note that is longer than a\n      narrow terminal has columns\nnote: two\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

package report

import (
	"strings"
	"testing"

	verdicts "vmguard/pkg/verdict"
)

// TestWhyTextLoop says of a container that dies again and again that it does.
func TestWhyTextLoop(t *testing.T) {
	t.Parallel()
	loop := &verdicts.Loop{Deaths: 4, First: clockAt(15, 2, 5), Last: clockAt(15, 2, 11)}
	for name, test := range map[string]struct {
		change func(*Why)
		want   string // "" for no word of a loop
	}{
		"restarting": {func(r *Why) { r.Container.State = "restarting" }, "imap-sync died 4 times in 6 s, and is restarting; the engine has restarted it 17 times in all.\n"},
		"runs again": {func(r *Why) { r.Container.RestartCount, r.Running = 0, &verdicts.Running{Memory: "1 MiB"} }, "imap-sync died 4 times in 6 s, and runs again.\n"},
		"ended":      {func(r *Why) { r.Container.RestartCount = 3 }, "imap-sync died 4 times in 6 s, and does not run.\n"},
		"removed":    {func(r *Why) { r.Container.State, r.Container.RestartCount = "removed", 0 }, "imap-sync died 4 times in 6 s.\n"},
		"no loop":    {func(r *Why) { r.Loop = nil }, ""},
	} {
		r := died()
		r.Loop = loop
		test.change(&r)
		got := whyText(t, r, Style{Width: 120}, false)
		if !strings.Contains(got, test.want) || test.want == "" && strings.Contains(got, "times in") {
			t.Errorf("%s: want %q in\n%s", name, test.want, got)
		}
	}
}

// TestWhyTextNamesakes names the container that had the name before, and how to ask for it.
func TestWhyTextNamesakes(t *testing.T) {
	t.Parallel()
	one := Namesake{ID: someID, Died: clockAt(15, 16, 6)}
	for name, test := range map[string]struct {
		all  []Namesake
		want string
	}{
		"one":   {[]Namesake{one}, "an earlier container of this name (3f2a9c41d0e8) died 5 s ago:\n     vmguard why 3f2a9c41d0e8\n"},
		"three": {[]Namesake{one, one, one}, "died 5 s ago, and 2 before it:\n     vmguard why 3f2a9c41d0e8\n"},
		"none":  {nil, ""},
	} {
		r := died()
		r.Namesakes = test.all
		got := whyText(t, r, Style{Width: 120}, false)
		if !strings.Contains(got, test.want) || test.want == "" && strings.Contains(got, "of this name") {
			t.Errorf("%s: want %q in\n%s", name, test.want, got)
		}
	}
}

package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/docker"
	"vmguard/pkg/host"
	"vmguard/pkg/report"
)

func TestNamesakes(t *testing.T) {
	t.Parallel()
	second := func(n int) time.Time { return time.Date(2026, 11, 25, 12, 0, n, 0, time.UTC) }
	code := 137
	one := func(id, name string, died ...int) host.Container {
		c := docker.Container{ID: strings.Repeat(id, 64), Name: name, Image: "job:1", State: docker.StateRemoved, EventsKnown: true}
		c.Events = append(c.Events, docker.Event{Time: second(0), Action: "start"})
		for _, n := range died {
			c.Events = append(c.Events, docker.Event{Time: second(n), Action: "die", ExitCode: &code}, docker.Event{Time: second(n), Action: "stop"})
		}
		return host.Container{Container: c}
	}
	lives := one("a", "job")
	lives.State = "running"
	removed := []host.Container{one("1", "job", 5), one("2", "other", 6), one("3", "job", 4, 8), one("4", "job"), one("5", "", 7)}
	want := func(ids ...string) (out []report.Namesake) {
		for _, id := range ids {
			out = append(out, report.Namesake{ID: strings.Repeat(id, 64), Image: "job:1", Died: second(map[string]int{"1": 5, "3": 8}[id]), ExitCode: &code})
		}
		return out
	}
	for name, test := range map[string]struct {
		c    host.Container
		want []report.Namesake
	}{
		"one that lives":           {lives, want("3", "1")},
		"a removed one":            {removed[2], want("1")},
		"the first of them":        {removed[0], nil},
		"another's name":           {one("b", "web"), nil},
		"a name that is unknown":   {one("b", ""), nil},
		"no death of it on record": {removed[3], want("3", "1")},
	} {
		if diff := cmp.Diff(test.want, namesakes(removed, test.c)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	var many []host.Container
	for range 40 {
		many = append(many, one("1", "job", 5))
	}
	if got := namesakes(many, lives); len(got) != mostNamesakes {
		t.Errorf("%d are told of", len(got))
	}
}

// TestWhyTellsOfANamesake asks for a container by a name that a removed one had before.
func TestWhyTellsOfANamesake(t *testing.T) {
	onLinux(t)
	endpoint := recordedEngine(t, map[string]string{"/logs": ""})
	out := string(vmguard(t, "why", "--docker-host", endpoint, "vmguardtest-docker-obeys"))
	if !strings.Contains(out, "an earlier container of this name (66cbc60c58c2) died ") || !strings.Contains(out, "\n     vmguard why 66cbc60c58c2\n") {
		t.Errorf("no word of the one before it:\n%s", out)
	}
	if out := string(vmguard(t, "why", "--docker-host", endpoint, "da0a679d9544")); strings.Contains(out, "an earlier container") {
		t.Errorf("nothing is on record before it:\n%s", out)
	}
}

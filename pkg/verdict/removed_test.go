package verdict_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/docker"
	"vmguard/pkg/host"
	"vmguard/pkg/oom"
	"vmguard/pkg/verdict"
)

// removed is a container that the engine no longer has.
func removed(events ...docker.Event) host.Container {
	return host.Container{Container: docker.Container{
		ID: id, State: docker.StateRemoved, InspectError: "the container is removed", EventsKnown: true, Events: events,
	}}
}

func TestRemoved(t *testing.T) {
	t.Parallel()
	end := []docker.Event{ev(0, "start"), ev(460, "oom"), ev(503, "die", 137)}
	for _, test := range []struct {
		name  string
		input verdict.Input
		want  []string
	}{
		{"events and log", known(removed(end...), kernel(kill(440, own))), []string{"137 own-limit certain"}},
		{"events alone", known(removed(end...), noKernel()), []string{"137 unknown none"}},
		{"an exit of its own", known(removed(ev(0, "start"), ev(503, "die", 3)), kernel()), []string{"3 exited certain"}},
		{"the log alone", known(removed(), kernel(kill(440, own))), []string{"? own-limit likely"}},
		{"the log alone, the host", known(removed(), kernel(kill(440, ""))), []string{"? host-oom likely"}},
		{"the log alone, a group", known(removed(), kernel(kill(440, "/shop"))), []string{"? parent-limit likely"}},
		{"the log alone, two at once", known(removed(), kernel(kill(440, own), kill(4400, own))), []string{"? own-limit likely"}},
		{"the log alone, two ends", known(removed(), kernel(kill(44_000, own), kill(440, own))), []string{"? own-limit likely", "? own-limit likely"}},
		{"the log alone, no date", known(removed(), kernel(undated())), nil},
		{"another's kill", known(removed(), kernel(oom.Kill{TaskCgroup: "/docker/other", At: at(440)})), nil},
		{"nothing", known(removed(), noKernel()), nil},
	} {
		report := verdict.Judge(test.input)
		if diff := cmp.Diff(test.want, spell(report)); diff != "" {
			t.Errorf("%s:\n%s", test.name, diff)
		}
		for _, d := range report.Deaths {
			if len(d.Verdict.Evidence) == 0 || d.At.IsZero() || len(d.Timeline) == 0 {
				t.Errorf("%s: no evidence, date or timeline: %+v", test.name, d)
			}
			for _, r := range d.Verdict.Remedies {
				if r.Command == "docker logs --tail 50 "+id {
					t.Errorf("%s: a removed container has no log: %+v", test.name, r)
				}
			}
		}
	}
	if got := verdict.Judge(known(removed(), kernel(undated()))).Unmatched; len(got) != 1 || !got[0].At.IsZero() {
		t.Errorf("a kill without a date: %+v", got)
	}
}

func TestLinesOf(t *testing.T) {
	t.Parallel()
	got := verdict.LinesOf([]docker.LogLine{{At: at(1), Text: "a"}, {Text: "b", Stderr: true}})
	if diff := cmp.Diff([]verdict.Line{{At: at(1), Text: "a"}, {Text: "b"}}, got); diff != "" {
		t.Error(diff)
	}
}

func TestHealerAmong(t *testing.T) {
	t.Parallel()
	for image, want := range map[string]string{
		"willfarrell/autoheal:latest": "autoheal", "qmcgaw/deunhealth": "deunhealth", "registry.example.org:5000/tools/docker-autoheal:1": "autoheal",
		"nginx": "", "example.org/autoheal/nginx": "", "": "",
	} {
		healer := alive()
		healer.Image = image
		all := []host.Container{alive(), healer}
		if got := verdict.HealerAmong(all); got != want {
			t.Errorf("%s: %q, want %q", image, got, want)
		}
		healer.State = "exited"
		if got := verdict.HealerAmong(slices.Concat(all[:1], []host.Container{healer})); got != "" {
			t.Errorf("%s has ended, and is taken for %q", image, got)
		}
	}
}

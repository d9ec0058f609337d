package verdict_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/docker"
	"vmguard/pkg/verdict"
)

func TestLoop(t *testing.T) {
	t.Parallel()
	lives := func(apart, n int, more ...docker.Event) []docker.Event {
		var out []docker.Event
		for i := range n {
			out = append(out, ev(i*apart, "start"), ev(i*apart+100, "die", 1))
		}
		return append(out, more...)
	}
	stops := slices.Clone(lives(2000, 2))
	for i := range 3 {
		stops = append(stops, ev(10_000+i*2000, "start"), ev(10_100+i*2000, "kill", 15), ev(10_200+i*2000, "die", 0), ev(10_300+i*2000, "stop"))
	}
	again := lives(2000, 4, ev(9000, "start"))
	later := []docker.Event{ev(0, "start"), ev(100, "die", 1), ev(2000, "start"), ev(2100, "die", 1), ev(500_000, "start"), ev(500_100, "die", 1)}
	failed := dead(127, 0, lives(2000, 4)...)
	failed.Error, failed.FinishedAt, failed.StartedAt = "no such file", time.Time{}, time.Time{}
	forgotten := dead(1, 6100)
	forgotten.Events, forgotten.EventsKnown, forgotten.RestartCount = nil, false, 30
	for name, test := range map[string]struct {
		in   verdict.Input
		want *verdict.Loop
	}{
		"four in 6 s":              {known(dead(1, 6100, lives(2000, 4)...), kernel()), &verdict.Loop{Deaths: 4, First: at(100), Last: at(6100)}},
		"four, and it runs":        {known(alive(again...), kernel()), &verdict.Loop{Deaths: 4, First: at(100), Last: at(6100)}},
		"four, then a bad start":   {known(failed, kernel()), &verdict.Loop{Deaths: 4, First: at(100), Last: at(6100)}},
		"removed":                  {known(gone(lives(2000, 3)...), kernel()), &verdict.Loop{Deaths: 3, First: at(100), Last: at(4100)}},
		"a minute apart":           {known(gone(lives(61_000, 3)...), kernel()), &verdict.Loop{Deaths: 3, First: at(100), Last: at(122_100)}},
		"two":                      {known(gone(lives(2000, 2)...), kernel()), nil},
		"an hour apart":            {known(gone(lives(3_600_000, 4)...), kernel()), nil},
		"the last one much later":  {known(gone(later...), kernel()), nil},
		"stopped, again and again": {known(gone(stops...), kernel()), nil},
		"no events to tell it by":  {known(forgotten, kernel()), nil},
	} {
		if diff := cmp.Diff(test.want, verdict.Judge(test.in).Loop); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

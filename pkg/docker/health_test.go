package docker

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/google/go-cmp/cmp"
)

func TestProbes(t *testing.T) {
	t.Parallel()
	run := func(n int, output string) *container.HealthcheckResult {
		return &container.HealthcheckResult{End: second(n), ExitCode: n, Output: output}
	}
	long := strings.Repeat("é", probeOutputLimit)
	got := probes([]*container.HealthcheckResult{run(1, "bad\n"), nil, run(2, long)})
	want := []Probe{{End: second(1), ExitCode: 1, Output: "bad\n"}, {End: second(2), ExitCode: 2, Output: long[:probeOutputLimit]}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	var many []*container.HealthcheckResult
	for i := range 100 {
		many = append(many, run(i, ""))
	}
	if got := probes(many); len(got) != mostProbes || got[len(got)-1].ExitCode != 99 {
		t.Errorf("of 100 runs %d are kept, the last %+v", len(got), got[len(got)-1])
	}
	if got := probes(nil); got != nil {
		t.Errorf("of none: %v", got)
	}
}

// TestHealthLog asks a recorded engine.
func TestHealthLog(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	c := f.client()
	all, err := c.Containers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, least := range map[string]int{"sick": 1, "web": 1, "deaf": 0} {
		got, err := c.HealthLog(t.Context(), byName(all)[name].ID)
		if err != nil || len(got) < least || least == 0 && got != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		for i, p := range got {
			if p.End.IsZero() || i > 0 && p.End.Before(got[i-1].End) || time.Since(p.End) < 0 {
				t.Errorf("%s: run %d ended at %v", name, i, p.End)
			}
		}
	}
	f.answer["/containers/x/json"] = say(http.StatusNotFound, `{"message":"No such container: x"}`)
	var e *Error
	if got, err := c.HealthLog(t.Context(), "x"); !errors.As(err, &e) || e.Reason != EngineError || got != nil {
		t.Errorf("a container that is gone: %v, %v", got, err)
	}
}

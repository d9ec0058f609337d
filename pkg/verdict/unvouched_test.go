package verdict_test

import (
	"slices"
	"strings"
	"testing"

	"vmguard/pkg/oom"
	"vmguard/pkg/verdict"
)

// A kill that a text log alone has makes nothing certain, and that is said.
func TestUnvouchedKills(t *testing.T) {
	t.Parallel()
	c := limited(dead(137, 447, ownLimitEvents()...), 32)
	text := func(k oom.Kill) oom.Kill {
		k.Unvouched = true
		return k
	}
	said := func(v verdict.Verdict) bool {
		return slices.ContainsFunc(v.Against, func(s string) bool { return strings.Contains(s, "in a text log alone") })
	}
	for _, test := range []struct {
		name string
		kill oom.Kill
		kind verdict.Kind
		conf verdict.Confidence
		says bool
	}{
		{"the kernel's own log has it", kill(448, own), verdict.OwnLimit, verdict.Certain, false},
		{"a text alone has it", text(kill(448, own)), verdict.OwnLimit, verdict.Likely, true},
		{"a text alone has it, the whole VM", text(kill(448, "")), verdict.HostOOM, verdict.Likely, true},
	} {
		v := verdict.Judge(known(c, kernel(test.kill))).Deaths[0].Verdict
		if v.Kind != test.kind || v.Confidence != test.conf || said(v) != test.says {
			t.Errorf("%s: %s, %s: %q", test.name, v.Kind, v.Confidence, v.Against)
		}
		if v := verdict.JudgeKill(known(c, kernel()), test.kill); v.Confidence != test.conf || said(v) != test.says {
			t.Errorf("%s, left over: %s: %q", test.name, v.Confidence, v.Against)
		}
	}
	if v := verdict.Judge(known(c, noKernel())).Deaths[0].Verdict; v.Confidence == verdict.Certain || said(v) {
		t.Errorf("no log: %s: %q", v.Confidence, v.Against)
	}
}

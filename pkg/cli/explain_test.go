package cli

import (
	"strings"
	"testing"

	"vmguard/pkg/check"
)

// TestExplainCutsNothing holds that each check's own words are told to their end.
func TestExplainCutsNothing(t *testing.T) {
	for _, c := range check.All() {
		got := strings.Join(strings.Fields(string(vmguard(t, "doctor", "--explain", c.ID))), " ")
		for _, text := range []string{c.Title, c.Why, c.Rule, c.Fix} {
			if want := strings.Join(strings.Fields(text), " "); !strings.Contains(got, want) {
				t.Errorf("%s: %q is not told whole in %q", c.ID, want, got)
			}
		}
	}
}

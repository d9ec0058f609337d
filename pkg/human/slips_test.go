package human

import (
	"strings"
	"testing"
)

func TestSlips(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"web", "web", 0}, {"web", "", 3}, {"", "web", 3}, {"wbe", "web", 2}, {"web", "webs", 1}, {"kitten", "sitting", 3},
		{strings.Repeat("x", 64) + "a", strings.Repeat("x", 64) + "bcd", 0},
	} {
		if got := Slips(c.a, c.b); got != c.want {
			t.Errorf("Slips(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

// FuzzSlips holds that it is the same both ways, 0 for the same alone, and no more than the longer is long.
func FuzzSlips(f *testing.F) {
	f.Add("web", "wbe")
	f.Fuzz(func(t *testing.T, a, b string) {
		got := Slips(a, b)
		if got != Slips(b, a) || got > max(len(a), len(b)) || got < 0 {
			t.Fatalf("Slips(%q, %q) = %d", a, b, got)
		}
		if short := len(a) <= 64 && len(b) <= 64; short && (got == 0) != (a == b) {
			t.Fatalf("Slips(%q, %q) = %d", a, b, got)
		}
	})
}

package verdict_test

import (
	"os"
	"strings"
	"testing"

	"vmguard/pkg/verdict"
)

// TestDocs holds docs/why.md to one section for each kind, each with what proves it, what refutes it, and the fix.
func TestDocs(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/why.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := strings.Split(string(doc), "\n### ")[1:]
	kinds := verdict.Kinds()
	if len(sections) != len(kinds) {
		t.Fatalf("%d sections for %d kinds", len(sections), len(kinds))
	}
	for i, kind := range kinds {
		name, text, _ := strings.Cut(sections[i], "\n")
		if name != string(kind) {
			t.Errorf("section %q, want %q", name, kind)
		}
		if kind == verdict.Unknown {
			continue
		}
		if !strings.Contains(text, "**Proved by**") && !strings.Contains(text, "**Shown by**") {
			t.Errorf("%s: nothing proves it", kind)
		}
		for _, part := range []string{"**Refuted by**", "**Fix**"} {
			if !strings.Contains(text, part) {
				t.Errorf("%s: no %s", kind, part)
			}
		}
	}
}

package policy

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/check"
)

const docs = "../../docs/policy.md"

func readDocs(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestDocumentedPoliciesAreRead parses every example, by Parse and by the schema.
func TestDocumentedPoliciesAreRead(t *testing.T) {
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(readDocs(t), -1)
	if len(examples) == 0 {
		t.Fatal("no example")
	}
	for _, e := range examples {
		p := mustParse(t, e[1])
		if p.Profile == "" || len(p.Waivers) == 0 || len(p.Rules) == 0 {
			t.Errorf("the example shows little: %+v", p)
		}
		if err := policySchema(t).Validate(plainYAML(t, []byte(e[1]))); err != nil {
			t.Error(err)
		}
	}
}

// TestDocumentedDefaultsAreTheDefaults sets each threshold to its documented default, and wants nothing changed.
func TestDocumentedDefaultsAreTheDefaults(t *testing.T) {
	text := readDocs(t)
	got := check.Thresholds{}
	for _, key := range thresholds() {
		row := regexp.MustCompile("(?m)^\\| `" + key.key + "` \\| `?([^|`]+)`? \\|").FindStringSubmatch(text)
		if row == nil {
			t.Errorf("%s is not documented", key.key)
			continue
		}
		if value := strings.TrimSpace(row[1]); value != "not set" {
			if err := key.set(&got, value); err != nil {
				t.Errorf("%s: %v", key.key, err)
			}
		}
	}
	if diff := cmp.Diff(check.DefaultThresholds(), got); diff != "" {
		t.Error(diff)
	}
	for _, p := range Profiles() {
		if !strings.Contains(text, "| `"+p.Name+"` | "+p.Title+" |") {
			t.Errorf("the profile %s (%s) is not documented", p.Name, p.Title)
		}
	}
}

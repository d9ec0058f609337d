package policy

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"vmguard/pkg/check"
)

const schemaFile = "../../docs/schema/policy.schema.json"

func policySchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	s, err := c.Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// plainYAML reads YAML as an editor does that knows the schema alone; a date stays the text that it is.
func plainYAML(t *testing.T, text []byte) any {
	t.Helper()
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	dates(&root)
	var v any
	if len(root.Content) > 0 {
		if err := root.Decode(&v); err != nil {
			t.Fatal(err)
		}
	}
	return v
}

func dates(n *yaml.Node) {
	if n.Tag == "!!timestamp" {
		n.Tag = "!!str"
	}
	for _, c := range n.Content {
		dates(c)
	}
}

// TestSchemaTakesWhatParseTakes holds the two against each other; what only Parse can see (a date
// that is none, a percentage of 0) is not among these.
func TestSchemaTakesWhatParseTakes(t *testing.T) {
	schema := policySchema(t)
	good := []string{"", "profile: small-vm", "checks: {disk-space: off, inode-space: {required: true}}", "thresholds:\nwaivers:\nchecks:\n",
		"waivers: [{id: disk-space, reason: 2026, expires: 2027-01-31, subject: '*/x'}]",
		"thresholds: {memory-headroom: 10% or 4G, disk-space: 12.5 %, disk-space-critical: 2 GiB or 5%, stop-grace: 1m30s, container-restart-loop: 4, load-balancer-idle: .5h}"}
	for _, p := range Profiles() {
		text, err := ProfileText(p.Name)
		if err != nil {
			t.Fatal(err)
		}
		good = append(good, string(text))
	}
	for _, text := range good {
		mustParse(t, text)
		if err := schema.Validate(plainYAML(t, []byte(text))); err != nil {
			t.Errorf("%.200s\n%v", text, err)
		}
	}
	for _, text := range []string{"- a", "x: 1", "profile: none", "profile:", "checks: {disk-spac: off}", "checks: {disk-space: no}", "checks: {disk-space: false}", "checks: {disk-space: {}}",
		"checks: {disk-space: {severity: off}}", "checks: {disk-space: {required: yes}}", "checks: []", "waivers: {}", "waivers: [{id: disk-space}]", "waivers: [{reason: r}]",
		"waivers: [{id: x, reason: r}]", "waivers: [{id: disk-space, reason: ''}]", "waivers: [{id: disk-space, reason: r, expires: soon}]", "waivers: [{id: disk-space, reason: r, until: x}]",
		"thresholds: {memory-headroom: 10}", "thresholds: {memory-headroom: -5%}", "thresholds: {memory-headroom: 10% or 20%}", "thresholds: {stop-grace: 10}", "thresholds: {stop-grace: -1s}",
		"thresholds: {container-restart-loop: 0}", "thresholds: {memory: 10%}", "thresholds: {disk-space-least: 10%}"} {
		if _, err := Parse("p", []byte(text), now); err == nil {
			t.Errorf("Parse takes %s", text)
		}
		if err := schema.Validate(plainYAML(t, []byte(text))); err == nil {
			t.Errorf("the schema takes %s", text)
		}
	}
}

// TestSchemaNamesAllThereIs so that an editor completes every check, threshold and profile.
func TestSchemaNamesAllThereIs(t *testing.T) {
	data, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	var s struct {
		Properties struct {
			Profile    struct{ Enum []string }
			Thresholds struct{ Properties map[string]any }
		}
		Defs struct {
			ID struct{ Enum []string }
		} `yaml:"$defs"`
	}
	if err := yaml.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	var ids, profiles []string
	for _, c := range check.All() {
		ids = append(ids, c.ID)
	}
	for _, p := range Profiles() {
		profiles = append(profiles, p.Name)
	}
	for what, diff := range map[string]string{
		"checks": cmp.Diff(ids, s.Defs.ID.Enum), "profiles": cmp.Diff(profiles, s.Properties.Profile.Enum),
	} {
		if diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	for _, key := range thresholds() {
		if _, ok := s.Properties.Thresholds.Properties[key.key]; !ok {
			t.Errorf("the schema lacks the threshold %s", key.key)
		}
	}
	if len(s.Properties.Thresholds.Properties) != len(thresholds()) {
		t.Error("the schema knows a threshold that Parse does not")
	}
}

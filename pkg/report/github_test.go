package report

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/finding"
)

// command is a workflow command as the runner reads it.
type command struct {
	Kind       string
	Properties map[string]string
	Message    string
}

// readCommand reads a line by the runner's rules: a command begins with "::" behind blanks, its
// head ends at the next "::", properties part at commas, and escapes are undone with % last. False
// where the runner would take the line for plain output.
func readCommand(line string) (command, bool) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(line), "::")
	head, message, ended := strings.Cut(rest, "::")
	if !ok || !ended {
		return command{}, false
	}
	kind, properties, _ := strings.Cut(head, " ")
	c := command{Kind: kind, Properties: map[string]string{}, Message: undo(message, "%0D", "\r", "%0A", "\n", "%25", "%")}
	for _, p := range strings.Split(properties, ",") {
		if name, value, ok := strings.Cut(p, "="); ok {
			c.Properties[name] = undo(value, "%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",", "%25", "%")
		}
	}
	return c, true
}

// undo replaces one pair after the other, as the runner does.
func undo(s string, pairs ...string) string {
	for i := 0; i < len(pairs); i += 2 {
		s = strings.ReplaceAll(s, pairs[i], pairs[i+1])
	}
	return s
}

// readGitHub reads a report: commands, and one plain line at the end.
func readGitHub(t testing.TB, doc []byte) ([]command, string) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(string(doc), "\n"), "\n")
	var list []command
	for i, line := range lines {
		c, ok := readCommand(line)
		if ok != (i < len(lines)-1) || ok && c.Kind != "error" && c.Kind != "warning" && c.Kind != "notice" {
			t.Fatalf("line %d of %d: %q", i+1, len(lines), line)
		}
		if ok {
			list = append(list, c)
		}
	}
	last := lines[len(lines)-1]
	if !strings.HasPrefix(last, "vmguard doctor: ") || strings.Contains(last, "##[") {
		t.Fatalf("%q", last)
	}
	return list, last
}

func TestGitHubKinds(t *testing.T) {
	for _, c := range []struct {
		failOn finding.Severity
		want   string
	}{
		{finding.Critical, "error daemon-json-valid, warning compose-healthcheck: web, notice sysctl-module, notice cloud-init-swap, notice swap-baked-in"},
		{finding.Warning, "error daemon-json-valid, error compose-healthcheck: web, notice sysctl-module, notice cloud-init-swap, notice swap-baked-in"},
		{0, "warning daemon-json-valid, warning compose-healthcheck: web, notice sysctl-module, notice cloud-init-swap, notice swap-baked-in"},
	} {
		d := bakedImage()
		d.FailOn = c.failOn
		list, last := readGitHub(t, written(t, "github", d))
		var got []string
		for _, c := range list {
			got = append(got, c.Kind+" "+c.Properties["title"])
		}
		if diff := cmp.Diff(c.want, strings.Join(got, ", ")); diff != "" {
			t.Errorf("--fail-on %v: %s", c.failOn, diff)
		}
		if last != "vmguard doctor: 1 critical, 1 warning, 1 for information, 1 unknown, 1 waived, 1 fine, 1 not applicable, 1 not assessable in an image; judged by ci/policy.yaml" {
			t.Error(last)
		}
	}
}

// TestGitHubFiles: an annotation names a file of the repository, and never one of the image.
func TestGitHubFiles(t *testing.T) {
	list, _ := readGitHub(t, written(t, "github", bakedImage()))
	for _, c := range list {
		want := map[string]string{"title": c.Properties["title"]}
		if strings.HasPrefix(c.Properties["title"], "compose-") {
			want["file"], want["line"] = "deploy/compose.yml", "12"
		}
		if diff := cmp.Diff(want, c.Properties); diff != "" {
			t.Error(diff)
		}
	}
}

// TestGitHubTooMany: the worst come first, and the last line says that more is in the log.
func TestGitHubTooMany(t *testing.T) {
	list, last := readGitHub(t, written(t, "github", tenThousand()))
	rank := map[string]int{"error": 0, "warning": 1, "notice": 2}
	for i := 1; i < len(list); i++ {
		if rank[list[i].Kind] < rank[list[i-1].Kind] {
			t.Fatalf("%s after %s", list[i].Kind, list[i-1].Kind)
		}
	}
	if len(list) != 6250 || !strings.HasSuffix(last, "; of 1250 errors, 1250 warnings, 3750 notices GitHub shows 10 of each kind, and this log all; judged by ci/policy.yaml") {
		t.Error(len(list), last)
	}
}

func TestGitHubFoulTexts(t *testing.T) {
	list, last := readGitHub(t, written(t, "github", fouled()))
	if !strings.HasSuffix(last, "; judged by x ::error::injected ## [error]injected") {
		t.Error(last)
	}
	if len(list) != 3*len(foul) {
		t.Fatalf("%d commands", len(list))
	}
	for i, text := range foul {
		fails, unknown := list[i], list[len(foul)+i]
		seen := "\nseen: " + text.want + ": " + text.want + " (wanted: " + text.want + ")"
		if want := text.want + seen + "\nfix: " + text.want + ":\n" + ciCommand("echo "+text.in) + "\necho two"; fails.Message != want {
			t.Errorf("%q, want %q", fails.Message, want)
		}
		if want := "cannot tell: " + text.want + seen; unknown.Message != want {
			t.Errorf("%q, want %q", unknown.Message, want)
		}
		want := map[string]string{"file": text.want, "line": "3", "title": "check-1: " + text.want}
		if diff := cmp.Diff(want, fails.Properties); diff != "" {
			t.Error(diff)
		}
	}
}

package check

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

// says is a check that gives one finding, whatever the facts.
func says(f finding.Finding) Check {
	return Check{ID: "swap-enabled", Area: finding.Memory, Worst: finding.Critical, Modes: Live,
		Judge: func(*host.Facts, Policy) []finding.Finding { return one(f) }}
}

func TestPolicyChangesFindings(t *testing.T) {
	failing := fail(finding.Warning, "no swap", remedy("make some", "mkswap"), evidence("/proc/swaps", "empty"))
	failing.Subject = "web/1"
	waived := Waiver{ID: "swap-enabled", Subject: "web*", Reason: "old", Expires: date("2026-12-31")}
	for _, tc := range []struct {
		name     string
		finding  finding.Finding
		image    bool
		rule     Rule
		waivers  []Waiver
		status   finding.Status
		severity finding.Severity
		summary  string
		waiver   *finding.Waiver
	}{
		{"no policy", failing, false, Rule{}, nil, finding.Fail, finding.Warning, "no swap", nil},
		{"off", failing, false, Rule{Off: true, Required: true}, nil, finding.Skipped, finding.Critical, "the policy leaves it out", nil},
		{"raised", failing, false, Rule{Severity: finding.Critical}, nil, finding.Fail, finding.Critical, "no swap", nil},
		{"lowered", failing, false, Rule{Severity: finding.Info}, nil, finding.Fail, finding.Info, "no swap", nil},
		{"a pass is no failure", pass("swap"), false, Rule{Severity: finding.Info, Required: true}, nil, finding.Pass, finding.Critical, "swap", nil},
		{"what does not apply is decided", skipped("kubelet"), false, Rule{Required: true}, nil, finding.Skipped, finding.Critical, "kubelet", nil},
		{"unknown, not required", unknown("no /proc"), false, Rule{Severity: finding.Info}, nil, finding.Unknown, finding.Critical, "no /proc", nil},
		{"unknown, required", unknown("no /proc"), false, Rule{Required: true}, nil, finding.Fail, finding.Critical,
			"required by the policy, and could not be decided: no /proc", nil},
		{"unknown, required as a warning", unknown("no /proc"), false, Rule{Required: true, Severity: finding.Warning}, nil, finding.Fail, finding.Warning, "required", nil},
		{"an image, not required", failing, true, Rule{}, nil, finding.NotAssessable, finding.Critical, "not assessable in an image", nil},
		{"an image, required", failing, true, Rule{Required: true}, nil, finding.Fail, finding.Critical, "could not be decided: not assessable in an image", nil},
		{"waived", failing, false, Rule{}, []Waiver{waived}, finding.Waived, finding.Warning, "no swap", &finding.Waiver{Reason: "old", Expires: "2026-12-31"}},
		{"waived without an end", failing, false, Rule{}, []Waiver{{ID: "swap-enabled", Subject: "web/1", Reason: "for good"}}, finding.Waived, finding.Warning, "no swap",
			&finding.Waiver{Reason: "for good"}},
		{"raised, then waived", failing, false, Rule{Severity: finding.Critical}, []Waiver{waived}, finding.Waived, finding.Critical, "no swap",
			&finding.Waiver{Reason: "old", Expires: "2026-12-31"}},
		{"required, then waived", unknown("no /proc"), false, Rule{Required: true}, []Waiver{{ID: "swap-enabled", Subject: "host", Reason: "r"}}, finding.Waived, finding.Critical,
			"could not be decided", &finding.Waiver{Reason: "r"}},
		{"unknown is not waived", unknown("no /proc"), false, Rule{}, []Waiver{{ID: "swap-enabled", Subject: "*", Reason: "r"}}, finding.Unknown, finding.Critical, "no /proc", nil},
		{"another subject", failing, false, Rule{}, []Waiver{{ID: "swap-enabled", Subject: "Web*", Reason: "r"}}, finding.Fail, finding.Warning, "no swap", nil},
		{"another check", failing, false, Rule{}, []Waiver{{ID: "swap-persistent", Subject: "*", Reason: "r"}}, finding.Fail, finding.Warning, "no swap", nil},
		{"expired", failing, false, Rule{}, []Waiver{{ID: "swap-enabled", Subject: "*", Reason: "r", Expires: date("2026-10-31")}}, finding.Fail, finding.Warning, "no swap", nil},
		{"expired, and one that holds", failing, false, Rule{}, []Waiver{{ID: "swap-enabled", Subject: "*", Reason: "r", Expires: date("2026-10-31")}, waived}, finding.Waived, finding.Warning, "no swap",
			&finding.Waiver{Reason: "old", Expires: "2026-12-31"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := DefaultPolicy(checkedAt)
			p.Rules, p.Waivers = map[string]Rule{"swap-enabled": tc.rule}, tc.waivers
			report := Run([]Check{says(tc.finding)}, &host.Facts{Image: tc.image}, p)
			if len(report) != 1 {
				t.Fatalf("%+v", report)
			}
			got := report[0]
			if got.Status != tc.status || got.Severity != tc.severity || !strings.Contains(got.Summary, tc.summary) || !cmp.Equal(got.Waiver, tc.waiver) {
				t.Errorf("got %+v", got)
			}
			if got.Status == finding.Fail && (len(got.Evidence) == 0 || got.Remedy == nil) {
				t.Errorf("no evidence or no remedy: %+v", got)
			}
			if bad := report.Bad(finding.Info); bad != (tc.status == finding.Fail) {
				t.Errorf("bad is %t", bad)
			}
		})
	}
}

func TestRequirementSaysWhoRequires(t *testing.T) {
	for _, tc := range []struct {
		rule Rule
		want finding.Evidence
	}{
		{Rule{Required: true, File: "policy.yaml", Line: 3}, finding.Evidence{Source: "policy.yaml:3", Got: "required", File: "policy.yaml", Line: 3}},
		{Rule{Required: true, Profile: "small-vm", File: "policy.yaml", Line: 1}, finding.Evidence{Source: "policy.yaml:1", Got: "required by the profile small-vm", File: "policy.yaml", Line: 1}},
		{Rule{Required: true, Profile: "small-vm"}, finding.Evidence{Source: "policy", Got: "required by the profile small-vm"}},
	} {
		p := DefaultPolicy(checkedAt)
		p.Rules = map[string]Rule{"swap-enabled": tc.rule}
		read := evidence("/proc/swaps", "?")
		got := Run([]Check{says(unknown("cannot tell", read))}, &host.Facts{}, p)
		if diff := cmp.Diff([]finding.Evidence{read, tc.want}, got[0].Evidence); diff != "" {
			t.Error(diff)
		}
	}
}

// FuzzSubject holds the matcher against what a regular expression says.
func FuzzSubject(f *testing.F) {
	for _, s := range [][2]string{
		{"*", ""}, {"*", "web"}, {"", ""}, {"", "web"}, {"web", "web"}, {"web", "Web"}, {"web", "web1"}, {"web*", "web"}, {"*-db", "x-db"}, {"*-db", "-db-"},
		{"a*b*c", "abc"}, {"a*b*c", "aXbYbc"}, {"a*a", "a"}, {"*a*", "bab"}, {"**", "x"}, {"a**b", "ab"}, {"*/compose.yaml:*", "srv/app/compose.yaml:web"}, {"*ab*ab", "abab"}, {"*ab*ab", "ab"},
		{"*\n*", "a\nb"}, {"[a]?", "[a]?"}, {"*aab", "aaab"},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		var parts []string
		for _, part := range strings.Split(strings.ToValidUTF8(pattern, "?"), "*") {
			parts = append(parts, regexp.QuoteMeta(part))
		}
		oracle, err := regexp.Compile(`(?s)\A` + strings.Join(parts, ".*") + `\z`)
		if err != nil {
			t.Skip("too large for an expression") // a fuzzer's pattern, none of the seeds
		}
		pattern, text = strings.ToValidUTF8(pattern, "?"), strings.ToValidUTF8(text, "?")
		if got, want := matches(pattern, text), oracle.MatchString(text); got != want {
			t.Errorf("matches(%q, %q) = %t", pattern, text, got)
		}
	})
}

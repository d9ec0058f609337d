package check

import (
	"maps"
	"strings"
	"testing"
	"time"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

// outcome is what a case wants of one finding.
type outcome struct {
	status   finding.Status
	severity finding.Severity // only compared for Fail
	text     string           // must stand in the summary
	last     bool             // at its end
}

func fails(s finding.Severity, text string) outcome {
	return outcome{status: finding.Fail, severity: s, text: text}
}
func endsWith(s finding.Severity, text string) outcome {
	return outcome{finding.Fail, s, text, true}
}
func isNotAssessable(text string) outcome {
	return outcome{status: finding.NotAssessable, text: text}
}
func passes(text string) outcome    { return outcome{status: finding.Pass, text: text} }
func isUnknown(text string) outcome { return outcome{status: finding.Unknown, text: text} }
func isSkipped(text string) outcome { return outcome{status: finding.Skipped, text: text} }

// ruleCase changes the healthy VM and says what one check then finds.
type ruleCase struct {
	name   string
	change func(f *host.Facts, c *host.Container)
	want   []outcome
}

// checkedAt is when the cases are judged.
var checkedAt = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// policied are the policies of the cases that have one, by "id/name".
func policied() map[string]Policy {
	all := map[string]Policy{}
	for _, family := range []map[string]Policy{composePolicies(), waiverPolicies()} {
		maps.Copy(all, family)
	}
	return all
}

// cases holds all rule tests by check ID; the files of the families add theirs in rules().
func rules() map[string][]ruleCase {
	all := map[string][]ruleCase{}
	for _, family := range []map[string][]ruleCase{swapRules(), memoryRules(), oomRules(), storageRules(), engineRules(), containerRules(), deathRules(), oomDeathRules(), killedRules(), signalRules(), connectionRules(),
		bootSysctlRules(), imageSwapRules(), bootServiceRules(), composeRules(), waiverRules()} {
		for id, cases := range family {
			all[id] = append(all[id], cases...)
		}
	}
	return all
}

func TestRules(t *testing.T) {
	policies := policied()
	for id, cases := range rules() {
		c, err := Find(id)
		if err != nil {
			t.Fatal(err)
		}
		for _, tc := range cases {
			t.Run(id+"/"+tc.name, func(t *testing.T) {
				f := healthy()
				if tc.change != nil {
					tc.change(f, &f.Containers.Value[0])
				}
				policy, ok := policies[id+"/"+tc.name]
				if !ok {
					policy = DefaultPolicy(checkedAt)
				}
				got := Run([]Check{c}, f, policy)
				ok = len(got) == len(tc.want)
				for i := 0; ok && i < len(got); i++ {
					w := tc.want[i]
					ok = got[i].Status == w.status && strings.Contains(got[i].Summary, w.text) && (!w.last || strings.HasSuffix(got[i].Summary, w.text)) &&
						(w.status != finding.Fail || got[i].Severity == w.severity)
				}
				if !ok {
					t.Errorf("got %+v\nwant %+v", got, tc.want)
				}
			})
		}
	}
}

// TestRulesAreTestedThreeWays holds that every check was seen to fire, to stay silent and to say unknown.
func TestRulesAreTestedThreeWays(t *testing.T) {
	tested := rules()
	for _, c := range All() {
		seen := map[finding.Status]bool{}
		for _, tc := range tested[c.ID] {
			for _, w := range tc.want {
				seen[w.status] = true
			}
		}
		for _, s := range []finding.Status{finding.Fail, finding.Pass, finding.Unknown} {
			if !seen[s] && (c.ID != "waiver-expired" || s != finding.Unknown) { // a policy is known, or vmguard does not start
				t.Errorf("%s: no case wants %s", c.ID, s)
			}
		}
	}
}

func TestHealthyVMHasNoFinding(t *testing.T) {
	for name, f := range map[string]*host.Facts{"with Docker": healthy(), "without Docker": bare()} {
		f.SwapFiles, f.KernelConfig = host.Fact[[]host.BakedSwap]{}, host.Fact[host.KernelConfig]{} // read of images alone
		for _, got := range Run(All(), f, DefaultPolicy(checkedAt)) {
			if got.Status == finding.Fail || got.Status == finding.Unknown {
				t.Errorf("%s: %+v", name, got)
			}
		}
	}
}

func TestNothingKnownIsNeverAPass(t *testing.T) {
	for _, image := range []bool{false, true} {
		nothingKnown(t, image)
	}
}

// nothingKnown judges facts of which none was collected. What nobody asked for (compose files,
// waivers) and what is about images alone is skipped.
func nothingKnown(t *testing.T, image bool) {
	t.Helper()
	for _, got := range Run(All(), &host.Facts{Image: image}, DefaultPolicy(checkedAt)) {
		c, err := Find(got.ID)
		if err != nil {
			t.Fatal(err)
		}
		ok := got.Status == finding.Unknown || image && got.Status == finding.NotAssessable
		if notAsked := strings.HasPrefix(got.ID, "compose-") || got.ID == "waiver-expired"; notAsked || !c.judgeable(image) {
			ok = ok || got.Status == finding.Skipped
		}
		if !ok {
			t.Errorf("image %t: %s is %s: %s", image, got.ID, got.Status, got.Summary)
		}
		if got.Summary == "" || strings.HasSuffix(strings.TrimSpace(got.Summary), ":") {
			t.Errorf("%s gives no reason: %q", got.ID, got.Summary)
		}
	}
}

func TestChecksAreDocumented(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range All() {
		if seen[c.ID] {
			t.Errorf("%s is listed twice", c.ID)
		}
		seen[c.ID] = true
		for what, text := range map[string]string{"title": c.Title, "why": c.Why, "rule": c.Rule, "fix": c.Fix, "area": c.Area.String()} {
			if len(text) < 4 {
				t.Errorf("%s has no %s", c.ID, what)
			}
		}
		if c.Worst == 0 {
			t.Errorf("%s has no worst severity", c.ID)
		}
	}
}

func TestFailuresHaveEvidenceAndStayBelowWorst(t *testing.T) {
	for id, cases := range rules() {
		c, err := Find(id)
		if err != nil {
			t.Fatal(err)
		}
		for _, tc := range cases {
			f := healthy()
			if tc.change != nil {
				tc.change(f, &f.Containers.Value[0])
			}
			for _, got := range Run([]Check{c}, f, DefaultPolicy(checkedAt)) {
				if got.Status == finding.Fail && (len(got.Evidence) == 0 || got.Severity > c.Worst) {
					t.Errorf("%s/%s: no evidence, or worse than %s: %+v", id, tc.name, c.Worst, got)
				}
			}
		}
	}
}

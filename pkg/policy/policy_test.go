package policy

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/check"
	"vmguard/pkg/finding"
)

var now = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

const (
	mib = 1 << 20
	gib = 1 << 30
)

func mustParse(t *testing.T, text string) check.Policy {
	t.Helper()
	p, err := Parse("policy.yaml", []byte(text), now)
	if err != nil {
		t.Fatalf("%v\nin\n%s", err, text)
	}
	return p
}

func TestEmptyIsTheDefault(t *testing.T) {
	for _, text := range []string{"", "\n", "# nothing yet\n", "---\n", "{}", "\ufeff# with a byte order mark\r\n", "thresholds:\n#  memory-headroom: 20%\nchecks:\nwaivers:\n"} {
		got := mustParse(t, text)
		if diff := cmp.Diff(check.DefaultPolicy(now), got); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

func TestAllThatAPolicySays(t *testing.T) {
	got := mustParse(t, `
thresholds:
  memory-headroom: 15%
  memory-headroom-critical: 512M
  memory-pressure: 12.5 %
  disk-space: 4G or 20%
  disk-space-critical: 10% or 2GB
  disk-space-least: 1G
  inode-space: 20%
  inode-space-critical: 15%
  container-near-limit: 70%
  container-near-limit-critical: 80%
  conntrack-full: 50%
  conntrack-full-critical: 60%
  container-restart-loop: 5
  load-balancer-idle: 600s
  stop-grace: 1m30s
checks:
  swap-enabled: {severity: warning, required: true}
  swap-persistent: off
  "swap-thrashing": required
  swappiness: critical
  journal-persistent: {required: false}
waivers:
  - id: container-no-memory-limit
    subject: "batch-*"
    reason: nightly job
    expires: 2027-01-31
  - {id: inode-space, reason: 2026}
`)
	want := check.Policy{
		Now: now,
		Thresholds: check.Thresholds{
			MemoryHeadroom: check.Room{Percent: 15}, MemoryHeadroomCritical: check.Room{Bytes: 512 * mib},
			MemoryPressurePercent: 12.5,
			DiskSpace:             check.Room{Percent: 20, Bytes: 4 * gib}, DiskSpaceCritical: check.Room{Percent: 10, Bytes: 2e9}, DiskSpaceLeastBytes: gib,
			InodeSpacePercent: 20, InodeSpaceCriticalPercent: 15,
			NearLimitPercent: 70, NearLimitCriticalPercent: 80,
			ConntrackPercent: 50, ConntrackCriticalPercent: 60,
			RestartLoopCount: 5, LoadBalancerIdle: 10 * time.Minute, StopGrace: 90 * time.Second,
		},
		Rules: map[string]check.Rule{
			"swap-enabled":       {Severity: finding.Warning, Required: true, File: "policy.yaml", Line: 19},
			"swap-persistent":    {Off: true, File: "policy.yaml", Line: 20},
			"swap-thrashing":     {Required: true, File: "policy.yaml", Line: 21},
			"swappiness":         {Severity: finding.Critical, File: "policy.yaml", Line: 22},
			"journal-persistent": {File: "policy.yaml", Line: 23},
		},
		Waivers: []check.Waiver{
			{ID: "container-no-memory-limit", Subject: "batch-*", Reason: "nightly job", Expires: time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC), File: "policy.yaml", Line: 25},
			{ID: "inode-space", Subject: "*", Reason: "2026", File: "policy.yaml", Line: 29},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestAPolicyStandsOnItsProfile holds that what the file says wins over the profile, wherever that is named.
func TestAPolicyStandsOnItsProfile(t *testing.T) {
	base, err := FromProfile("small-vm", now)
	if err != nil {
		t.Fatal(err)
	}
	text := "thresholds: {memory-headroom: 20%}\nchecks:\n  swap-enabled: {severity: warning}\n  swap-persistent: on\n  disk-space: off\n"
	for _, text := range []string{text + "profile: small-vm\n", "profile: small-vm\n" + text} {
		got := mustParse(t, text)
		if got.Profile != "small-vm" || got.Thresholds.MemoryHeadroom != (check.Room{Percent: 20}) || got.Thresholds.MemoryHeadroomCritical != base.Thresholds.MemoryHeadroomCritical {
			t.Errorf("%+v", got)
		}
		if r := got.Rules["swap-enabled"]; r.Severity != finding.Warning || r.Required || r.Profile != "" {
			t.Errorf("an entry replaces the profile's: %+v", r)
		}
		if r, ok := got.Rules["swap-persistent"]; ok {
			t.Errorf("on is the check's own rule: %+v", r)
		}
		if !got.Rules["disk-space"].Off {
			t.Error("disk-space is on")
		}
		line := 1 + strings.Count(text[:strings.Index(text, "profile:")], "\n")
		want := check.Rule{Severity: finding.Critical, Profile: "small-vm", File: "policy.yaml", Line: line}
		if diff := cmp.Diff(want, got.Rules["docker-log-limits"]); diff != "" {
			t.Error(diff)
		}
	}
}

func TestWhatTextsAreTaken(t *testing.T) {
	got := mustParse(t, "waivers:\r\n- id: disk-space\r\n  reason: \"\\e[31mred\\a \\u202e\"\r\n  subject: |-\r\n    host\r\n- id: disk-space\r\n  reason: >\r\n    one\r\n    two\r\n")
	if w := got.Waivers[0]; w.Reason != "\x1b[31mred\a \u202e" || w.Subject != "host" || w.Line != 2 {
		t.Errorf("%+v", w)
	}
	if w := got.Waivers[1]; w.Reason != "one two\n" || w.Line != 6 {
		t.Errorf("%+v", w)
	}
	// JSON is YAML.
	got = mustParse(t, `{"profile": "ci-runner", "checks": {"swap-enabled": "on"}, "waivers": [{"id": "disk-space", "reason": "\u00fc", "expires": "2027-01-31"}]}`)
	if got.Waivers[0].Reason != "ü" || got.Waivers[0].Expires.IsZero() || got.Profile != "ci-runner" {
		t.Errorf("%+v", got)
	}
}

package check

import (
	"testing"
	"time"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

// The cases are judged on 2026-11-01, at noon in UTC.

func waiverRules() map[string][]ruleCase {
	inImage := func(f *host.Facts, _ *host.Container) { f.Image = true }
	return map[string][]ruleCase{
		"waiver-expired": {
			{"no waivers", nil, []outcome{isSkipped("waives nothing")}},
			{"one holds", nil, []outcome{passes("none of 1 waiver has expired")}},
			{"one without an end", nil, []outcome{passes("none of 1 waiver has expired")}},
			{"one expired", nil, []outcome{fails(finding.Warning, "the waiver expired on 2026-10-31, 1 day ago: what it waived counts again (a nightly job)")}},
			{"one expired, in an image", inImage, []outcome{fails(finding.Warning, "expired on 2026-10-31")}},
			{"its last day", nil, []outcome{fails(finding.Info, "the waiver ends today, on 2026-11-01")}},
			{"tomorrow", nil, []outcome{fails(finding.Info, "the waiver ends in 1 day, on 2026-11-02")}},
			{"in 14 days", nil, []outcome{fails(finding.Info, "the waiver ends in 14 days, on 2026-11-15")}},
			{"in 15 days", nil, []outcome{passes("none of 1 waiver")}},
			{"several", nil, []outcome{fails(finding.Warning, "2026-01-01"), fails(finding.Warning, "2026-10-31"), fails(finding.Info, "2026-11-02")}},
		},
	}
}

func waiverPolicies() map[string]Policy {
	with := func(ends ...string) Policy {
		p := DefaultPolicy(checkedAt)
		for i, end := range ends {
			w := Waiver{ID: "swap-enabled", Subject: "*", Reason: "a nightly job", File: "policy.yaml", Line: 4 + i}
			if end != "" {
				w.Expires = date(end)
			}
			p.Waivers = append(p.Waivers, w)
		}
		return p
	}
	return map[string]Policy{
		"waiver-expired/one holds":                with("2027-10-31"),
		"waiver-expired/one without an end":       with(""),
		"waiver-expired/one expired":              with("2026-10-31"),
		"waiver-expired/one expired, in an image": with("2026-10-31"),
		"waiver-expired/its last day":             with("2026-11-01"),
		"waiver-expired/tomorrow":                 with("2026-11-02"),
		"waiver-expired/in 14 days":               with("2026-11-15"),
		"waiver-expired/in 15 days":               with("2026-11-16"),
		"waiver-expired/several":                  with("2026-01-01", "2027-01-01", "2026-11-02", "2026-10-31", ""),
	}
}

func date(s string) time.Time {
	day, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return day
}

func TestWaiverFindingsPointAtTheirLine(t *testing.T) {
	p := DefaultPolicy(checkedAt)
	p.Waivers = []Waiver{{ID: "container-near-limit", Subject: "batch-*", Reason: "r", Expires: date("2026-10-01"), File: "ci/policy.yaml", Line: 7}}
	got := Run([]Check{waiverExpired}, &host.Facts{}, p)
	if len(got) != 1 || got[0].Subject != "container-near-limit batch-*" || got[0].Severity != finding.Warning || got[0].Remedy == nil {
		t.Fatalf("%+v", got)
	}
	want := finding.Evidence{Source: "ci/policy.yaml:7", Got: "expires: 2026-10-01", Want: "a day to come", File: "ci/policy.yaml", Line: 7}
	if len(got[0].Evidence) != 1 || got[0].Evidence[0] != want {
		t.Errorf("%+v, want %+v", got[0].Evidence, want)
	}
}

// TestExpiryIsADayInUTC holds that a waiver holds through its last day in UTC, wherever it is judged.
func TestExpiryIsADayInUTC(t *testing.T) {
	w := Waiver{Expires: date("2026-10-31")}
	for _, tc := range []struct {
		now     string
		expired bool
		left    int
	}{
		{"2026-10-30T23:59:59Z", false, 1},
		{"2026-10-31T00:00:00Z", false, 0},
		{"2026-10-31T23:59:59Z", false, 0},
		{"2026-11-01T00:00:00Z", true, -1},
		{"2026-11-01T01:00:00+02:00", false, 0}, // still the 31st in UTC
		{"2026-10-31T20:00:00-05:00", true, -1}, // already the 1st in UTC
	} {
		now, err := time.Parse(time.RFC3339, tc.now)
		if err != nil {
			t.Fatal(err)
		}
		if got, left := w.expired(now), w.daysLeft(now); got != tc.expired || left != tc.left {
			t.Errorf("%s: expired %t with %d days left, want %t with %d", tc.now, got, left, tc.expired, tc.left)
		}
	}
}

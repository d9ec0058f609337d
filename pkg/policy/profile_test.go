package policy

import (
	"bytes"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"vmguard/pkg/check"
)

// TestProfilesAreWhatTheyPrint holds that a printed profile, saved and used as a policy, means what
// the profile means.
func TestProfilesAreWhatTheyPrint(t *testing.T) {
	files, err := profileFiles.ReadDir("profiles")
	if err != nil || len(files) != len(Profiles()) {
		t.Errorf("%d files of %d profiles: %v", len(files), len(Profiles()), err)
	}
	for _, profile := range Profiles() {
		text, err := ProfileText(profile.Name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(text, []byte("# "+profile.Name+": "+profile.Title)) {
			t.Errorf("%s: its text does not start with its name and title:\n%.100s", profile.Name, text)
		}
		saved := mustParse(t, string(text))
		built, err := FromProfile(profile.Name, now)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(saved, built, cmpopts.IgnoreFields(check.Policy{}, "Profile"), cmpopts.IgnoreFields(check.Rule{}, "Profile", "File", "Line")); diff != "" {
			t.Errorf("%s: %s", profile.Name, diff)
		}
		named := mustParse(t, "profile: "+profile.Name)
		if diff := cmp.Diff(built, named, cmpopts.IgnoreFields(check.Rule{}, "File", "Line")); diff != "" {
			t.Errorf("%s: %s", profile.Name, diff)
		}
		if len(saved.Rules) == 0 || len(saved.Waivers) != 0 {
			t.Errorf("%s: %d rules, %d waivers", profile.Name, len(saved.Rules), len(saved.Waivers))
		}
	}
	if _, err := ProfileText("../profiles/small-vm"); err == nil {
		t.Error("a path is no profile")
	}
}

// TestProfilesRequireOnlyWhatAnImageShows so that each profile can be used on an image.
func TestProfilesRequireOnlyWhatAnImageShows(t *testing.T) {
	for _, profile := range Profiles() {
		policy, err := FromProfile(profile.Name, now)
		if err != nil {
			t.Fatal(err)
		}
		for id, rule := range policy.Rules {
			c, err := check.Find(id)
			if err != nil {
				t.Fatal(err)
			}
			if rule.Required && c.Modes&check.Image == 0 {
				t.Errorf("%s requires %s, which no image can show", profile.Name, id)
			}
		}
	}
}

// TestProfilesSayWhy holds that each setting, or the group that it is in, has a comment above it.
func TestProfilesSayWhy(t *testing.T) {
	setting := regexp.MustCompile(`(?m)^(checks|thresholds):\n  [^# ]`)
	for _, profile := range Profiles() {
		text, err := ProfileText(profile.Name)
		if err != nil {
			t.Fatal(err)
		}
		if at := setting.Find(text); at != nil {
			t.Errorf("%s: no reason stands above %s", profile.Name, at)
		}
	}
}

package policy

import (
	"embed"
	"fmt"
	"strings"
	"time"

	"vmguard/pkg/check"
)

// Profile is a built-in policy.
type Profile struct {
	Name string
	// Title is what it is for, in a few words.
	Title string
}

// Profiles lists the built-in profiles in the order in which they are documented.
func Profiles() []Profile {
	return []Profile{
		{"small-vm", "a VM with at most 2 GiB of RAM that runs containers"},
		{"golden-image", "an image that VMs are made from"},
		{"ci-runner", "a machine that lives for some jobs and is thrown away"},
	}
}

//go:embed profiles/*.yaml
var profileFiles embed.FS

// ProfileText gives a built-in profile as a policy file: saved and read by Parse, it means the
// same. It errs where no profile has the name.
func ProfileText(name string) ([]byte, error) {
	var names []string
	for _, p := range Profiles() {
		if p.Name == name {
			return profileFiles.ReadFile("profiles/" + name + ".yaml")
		}
		names = append(names, p.Name)
	}
	return nil, fmt.Errorf("no profile is called %s%s (profiles: %s)", quoted(name), suggest(name, names), strings.Join(names, ", "))
}

// FromProfile gives a built-in profile as a policy, to be judged at a time. It errs where no
// profile has the name.
func FromProfile(name string, now time.Time) (check.Policy, error) {
	text, err := ProfileText(name)
	if err != nil {
		return check.Policy{}, err
	}
	policy, err := Parse("profile "+name, text, now)
	if err != nil {
		return check.Policy{}, err
	}
	policy.Profile = name
	for id, rule := range policy.Rules {
		rule.Profile, rule.File, rule.Line = name, "", 0
		policy.Rules[id] = rule
	}
	return policy, nil
}

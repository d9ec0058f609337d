package policy

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"vmguard/pkg/check"
)

// TestWhatIsWrongIsSaidWithItsLine compares the whole text of what is said about a wrong policy.
func TestWhatIsWrongIsSaidWithItsLine(t *testing.T) {
	const rule = `accepted is off, on, required, info, warning, critical, or {severity: critical, required: true}`
	for _, tc := range []struct{ text, want string }{
		// Keys.
		{"treshold: {}", `p:1: a policy: no key is called "treshold"; did you mean "thresholds"? (keys: profile, thresholds, checks, waivers)`},
		{"x: 1", `p:1: a policy: no key is called "x" (keys: profile, thresholds, checks, waivers)`},
		{"checks: {}\n\nchecks: {}", `p:3: a policy: "checks" stands on line 1 already`},
		{"- a", `p:1: a policy: a list is not accepted: accepted is a mapping, such as {profile: ...}`},
		{"hello", `p:1: a policy: "hello" is not accepted: accepted is a mapping, such as {profile: ...}`},
		{"checks:\n  1: off", `p:2: checks: "1" is no key: a key is a name`},
		{"checks:\n  ? [a]\n  : off", `p:2: checks: a list is no key: a key is a name`},
		{"checks:\n  ~: off", `p:2: checks: "~" is no key: a key is a name`},
		{"<<: {checks: {}}", `p:1: a policy: "<<" is no key: a key is a name`},
		// Profiles.
		{"profile: smal-vm", `p:1: no profile is called "smal-vm"; did you mean "small-vm"? (profiles: small-vm, golden-image, ci-runner)`},
		{"profile:", `p:1: profile: nothing stands there: accepted is the name of a profile`},
		{"profile: [small-vm]", `p:1: profile: a list is not accepted: accepted is the name of a profile`},
		// Checks.
		{"checks:\n  swap-enable: off", `p:2: no check is called "swap-enable"; did you mean "swap-enabled"?`},
		{"checks:\n  zzz: off", `p:2: no check is called "zzz"`},
		{"checks:\n  disk-space: of", `p:2: disk-space: "of" is not accepted; did you mean "off"?: ` + rule},
		{"checks:\n  disk-space: false", `p:2: disk-space: "false" is not accepted: ` + rule},
		{"checks:\n  disk-space:", `p:2: disk-space: nothing stands there: ` + rule},
		{"checks:\n  disk-space: [off]", `p:2: disk-space: a list is not accepted: ` + rule},
		{"checks:\n  disk-space: {}", `p:2: disk-space: nothing is said: ` + rule},
		{"checks:\n  disk-space: {severity: off}", `p:2: severity: "off" is not accepted: accepted is info, warning or critical`},
		{"checks:\n  disk-space:\n    severity: Warning", `p:3: severity: "Warning" is not accepted; did you mean "warning"?: accepted is info, warning or critical`},
		{"checks:\n  disk-space: {required: yes}", `p:2: required: "yes" is not accepted: accepted is true or false`},
		{"checks:\n  disk-space: {requires: true}", `p:2: disk-space: no key is called "requires"; did you mean "required"? (keys: severity, required)`},
		{"checks: [disk-space]", `p:1: checks: a list is not accepted: accepted is a mapping, such as {KEY: ...}`},
		// Waivers.
		{"waivers:\n  - id: disk-space", `p:2: a waiver: it has no reason`},
		{"waivers:\n  - reason: r", `p:2: a waiver: it has no id`},
		{"waivers: {id: disk-space}", `p:1: waivers: a mapping is not accepted: accepted is a list of {id: ..., reason: ...}`},
		{"waivers: [disk-space]", `p:1: a waiver: "disk-space" is not accepted: accepted is a mapping, such as {id: ...}`},
		{"waivers:\n  - {id: disc-space, reason: r}", `p:2: no check is called "disc-space"; did you mean "disk-space"?`},
		{"waivers:\n  - {id: disk-space, reason: \"\"}", `p:2: reason: nothing stands there: accepted is why it is accepted`},
		{"waivers:\n  - {id: disk-space, reason: r, subject: }", `p:2: subject: nothing stands there: accepted is a name or a pattern such as "batch-*"`},
		{"waivers:\n  - {id: disk-space, reason: r, until: 2027-01-31}", `p:2: a waiver: no key is called "until" (keys: id, subject, reason, expires)`},
		{"waivers:\n  - {id: disk-space, reason: r, expires: 2027-02-29}", `p:2: expires: "2027-02-29" is no such day: accepted is the last day on which it holds, such as 2027-01-31`},
		{"waivers:\n  - {id: disk-space, reason: r, expires: 0001-01-01}", `p:2: expires: "0001-01-01" is no such day: accepted is the last day on which it holds, such as 2027-01-31`},
		{"waivers:\n  - {id: disk-space, reason: r, expires: 2027-01-31T00:00:00Z}", `p:2: expires: "2027-01-31T00:00:00Z" is no such day: accepted is the last day on which it holds, such as 2027-01-31`},
		{"waivers:\n  - {id: disk-space, reason: r, expires: never}", `p:2: expires: "never" is no such day: accepted is the last day on which it holds, such as 2027-01-31`},
	} {
		wants(t, tc.text, tc.want)
	}
}

func TestWrongThresholds(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{"memory-headrom: 10%", `thresholds: no key is called "memory-headrom"; did you mean "memory-headroom"? (keys: memory-headroom, memory-headroom-critical, memory-pressure, disk-space, disk-space-critical, ` +
			`disk-space-least, inode-space, inode-space-critical, container-near-limit, container-near-limit-critical, conntrack-full, conntrack-full-critical, container-restart-loop, load-balancer-idle, stop-grace)`},
		{"memory-headroom: 10", `memory-headroom: "10" has no unit: say the unit, such as 2048M`},
		{"memory-headroom: ten", `memory-headroom: "ten" is no size: accepted are numbers with K, M, G, T (powers of 1024) or KB, MB, GB, TB (powers of 1000)`},
		{"memory-headroom: 10% or 20%", `memory-headroom: "10% or 20%" is not accepted: accepted is a percentage, a size or both, such as 10%, 2G or 10% or 4G`},
		{"memory-headroom: 0%", `memory-headroom: "0%" asks for nothing: to leave a check out, turn it off under checks`},
		{"memory-headroom: 101%", `memory-headroom: "101%" is more than all`},
		{"memory-headroom: -5%", `memory-headroom: "-5%" is negative: accepted is a percentage such as 10%`},
		{"memory-headroom: -1G", `memory-headroom: "-1G" is negative: a size is positive`},
		{"memory-headroom: [10%]", `memory-headroom: a list is not accepted: accepted is a number with its unit`},
		{"memory-headroom:", `memory-headroom: nothing stands there: accepted is a number with its unit`},
		{"memory-pressure: NaN%", `memory-pressure: "NaN%" is not accepted: accepted is a percentage such as 10%`},
		{"memory-pressure: 1e1%", `memory-pressure: "1e1%" is not accepted: accepted is a percentage such as 10%`},
		{"memory-pressure: 1.2.3%", `memory-pressure: "1.2.3%" is not accepted: accepted is a percentage such as 10%`},
		{"memory-pressure: .1", `memory-pressure: ".1" is not accepted: accepted is a percentage such as 10%`},
		{"disk-space-least: 0K", `disk-space-least: "0K" asks for nothing: to leave a check out, turn it off under checks`},
		{"load-balancer-idle: 600", `load-balancer-idle: "600" is not accepted: accepted is a duration such as 90s, 10m or 1h30m`},
		{"load-balancer-idle: 10 min", `load-balancer-idle: "10 min" is not accepted: accepted is a duration such as 90s, 10m or 1h30m`},
		{"stop-grace: -3s", `stop-grace: "-3s" is negative: accepted is a duration such as 90s, 10m or 1h30m`},
		{"stop-grace: 0s", `stop-grace: 0 is not accepted: leave the key out, or accepted is a duration such as 90s, 10m or 1h30m`},
		{"stop-grace: 169h", `stop-grace: "169h" is longer than a week`},
		{"container-restart-loop: 0", `container-restart-loop: "0" is not accepted: accepted is a number from 1 to 1000`},
		{"container-restart-loop: 3.5", `container-restart-loop: "3.5" is not accepted: accepted is a number from 1 to 1000`},
		// A warning must come before what is critical.
		{"memory-headroom: 3%", `memory-headroom-critical is more than memory-headroom: it would be critical before it is a warning; set both`},
		{"memory-headroom-critical: 20%", `memory-headroom-critical is more than memory-headroom: it would be critical before it is a warning; set both`},
		{"disk-space: 1G", `disk-space-critical is more than disk-space: it would be critical before it is a warning; set both`},
		{"inode-space-critical: 11%", `inode-space-critical is more than inode-space: it would be critical before it is a warning; set both`},
		{"container-near-limit: 96%", `container-near-limit-critical is less than container-near-limit: it would be critical before it is a warning; set both`},
		{"container-near-limit: 100%", `container-near-limit-critical is less than container-near-limit: it would be critical before it is a warning; set both`},
		{"conntrack-full-critical: 50%", `conntrack-full-critical is less than conntrack-full: it would be critical before it is a warning; set both`},
	} {
		wants(t, "thresholds:\n  "+tc.text, "p:2: "+tc.want)
	}
}

// wants holds that a text is no policy, and what is said about it.
func wants(t *testing.T, text, want string) {
	t.Helper()
	got, err := Parse("p", []byte(text), now)
	var all Errors
	if !errors.As(err, &all) || err.Error() != want {
		t.Errorf("%.200q\n gives %v\n want  %s", text, err, want)
	}
	if len(got.Rules)+len(got.Waivers) != 0 || got.Thresholds != (check.Thresholds{}) {
		t.Errorf("%.200q: something is given beside the error", text)
	}
}

// TestAllThatIsWrongIsSaidAtOnce so that a policy is mended once.
func TestAllThatIsWrongIsSaidAtOnce(t *testing.T) {
	wants(t, "waivers:\n  - id: nope-nope-nope\n    expires: soon\nchecks:\n  disk-space: maybe\n  inode-space: {severity: bad, required: 1, x: y}\nthresholds:\n  stop-grace: 1\nprofil: x\n",
		strings.Join([]string{
			`p:2: no check is called "nope-nope-nope"`,
			`p:2: a waiver: it has no reason`,
			`p:3: expires: "soon" is no such day: accepted is the last day on which it holds, such as 2027-01-31`,
			`p:5: disk-space: "maybe" is not accepted: accepted is off, on, required, info, warning, critical, or {severity: critical, required: true}`,
			`p:6: inode-space: no key is called "x" (keys: severity, required)`,
			`p:6: severity: "bad" is not accepted: accepted is info, warning or critical`,
			`p:6: required: "1" is not accepted: accepted is true or false`,
			`p:8: stop-grace: "1" is not accepted: accepted is a duration such as 90s, 10m or 1h30m`,
			`p:9: a policy: no key is called "profil"; did you mean "profile"? (keys: profile, thresholds, checks, waivers)`,
		}, "\n"))
	many := "checks:\n" + strings.Repeat("  no-such-check: off\n", 1000)
	_, err := Parse("p", []byte(many), now)
	var all Errors
	if !errors.As(err, &all) || len(all) != 50 || !strings.Contains(all[49].Text, "more is wrong") {
		t.Errorf("%d errors: %.300v", len(all), err)
	}
	var first *Error
	if !errors.As(err, &first) || first.Line != 2 || first.File != "p" {
		t.Errorf("the first error is %+v", first)
	}
}

// TestBrokenYAML holds that the line is the one to look at, also where the parser names another or none.
func TestBrokenYAML(t *testing.T) {
	for _, tc := range []struct {
		text string
		line int
		want string
	}{
		{"checks: [", 1, "did not find expected node content"},
		{"\tchecks: {}", 1, "use blanks"},
		{"checks:\n\tswap-enabled: off", 2, "use blanks"},
		{"checks:\n  swap-enabled: off\n   disk-space: off", 3, "mapping values are not allowed"},
		{"checks:\n  swap-enabled: off\n disk-space: off\n", 3, "did not find expected key"},
		{"\n\nwaivers:\n  - id: x\n   reason: y\n", 5, "did not find expected '-' indicator"},
		{"waivers:\n  - id: 'x' y\n", 2, "did not find expected key"},
		{"checks: {}\nwaivers: \"unclosed\nx: 1\n", 2, "unexpected end of stream"},
		{"checks: {}\nwaivers: \"\\q\"\n", 2, "unknown escape"},
		{"waivers:\n- id: x\n  subject: *\n", 3, "needs quotes"},
		{"waivers:\n- id: x\n  subject: *-db\n", 3, "needs quotes"},
		{"checks: @x\n", 1, "cannot start any token"},
		{"waivers: &w []\nchecks: {}\n", 1, "an anchor (&w) is not accepted"},
		{"waivers: &w []\nchecks: *w\n", 1, "an anchor (&w) is not accepted"},
		{"checks: !!map {}\n", 1, "a tag (!!map) is not accepted"},
		{"checks: {}\nprofile: !env HOME\n", 2, "a tag (!env) is not accepted"},
		{"checks: {}\n---\nchecks: {}\n", 2, "a second document starts here"},
		{"checks: {}\n---\nb: [\n", 3, "did not find expected node content"},
		{"checks: {}\nx: a\xffb\n", 2, "a byte is not UTF-8"},
		{"\xff\xfec\x00", 1, "a byte is not UTF-8"},
		{"c\x00h\x00", 1, `a control character (U+0000) stands in it; in double quotes, write it as "\u0000"`},
		{"# \u009b31m\n", 1, `(U+009B)`},
		{"a: |\n  \x1b[31m\n", 2, `(U+001B)`},
		{strings.Repeat("#\n", MaxBytes/2) + "#", 1, "larger than 64 KiB"},
	} {
		_, err := Parse("dir/policy.yaml", []byte(tc.text), now)
		if err == nil {
			t.Errorf("%.60q is accepted", tc.text)
			continue
		}
		first, _, _ := strings.Cut(err.Error(), "\n")
		if !strings.HasPrefix(first, fmt.Sprintf("dir/policy.yaml:%d: ", tc.line)) || !strings.Contains(first, tc.want) {
			t.Errorf("%.60q: %s\nwant line %d: %s", tc.text, first, tc.line, tc.want)
		}
	}
}

// TestHostileText holds that what is huge or nested is refused, as text that asks for little work.
func TestHostileText(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'k'; c++ {
		bomb += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c,", c-1), 9), ","))
	}
	for name, text := range map[string]string{
		"aliases":          bomb,
		"nested lists":     strings.Repeat("[", MaxBytes),
		"closed lists":     strings.Repeat("[", 9000) + strings.Repeat("]", 9000),
		"nested mappings":  strings.Repeat("a: {", MaxBytes/4),
		"nested indents":   strings.Repeat("- ", MaxBytes/2),
		"a long list":      "waivers: [" + strings.Repeat("1,", MaxBytes/2-10) + "]",
		"many keys":        "checks: {" + strings.Repeat("a, ", MaxBytes/3-10) + "}",
		"a long key":       strings.Repeat("k", MaxBytes-3) + ": x",
		"a long check ID":  "checks: {" + strings.Repeat("k", MaxBytes-20) + ": off}",
		"a long profile":   "profile: " + strings.Repeat("k", MaxBytes-20),
		"a long threshold": "thresholds: {memory-headroom: " + strings.Repeat("9", MaxBytes-50) + "%}",
		"a long reason":    "waivers: [{id: disk-space, reason: " + strings.Repeat("r", 1001) + "}]",
		"a long subject":   "waivers: [{id: disk-space, reason: r, subject: " + strings.Repeat("s", 257) + "}]",
		"many waivers":     "waivers:\n" + strings.Repeat("- {id: disk-space, reason: r}\n", 1001),
	} {
		_, err := Parse("p", []byte(text), now)
		var all Errors
		if !errors.As(err, &all) || len(all) == 0 || len(err.Error()) > 60_000 {
			t.Errorf("%s: %.300v", name, err)
		}
	}
}

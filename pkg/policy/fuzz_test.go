package policy

import (
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"vmguard/pkg/check"
	"vmguard/pkg/finding"
)

// spell writes a policy as YAML: all of it, whatever profile it came from.
func spell(p check.Policy) string {
	var b strings.Builder
	t := p.Thresholds
	percent := func(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) + "%" }
	size := func(n uint64) string { return fmt.Sprintf("%d.%010dK", n/1024, n%1024*9765625) } // 1/1024 has ten decimals
	room := func(r check.Room) string {
		var parts []string
		if r.Percent > 0 {
			parts = append(parts, percent(r.Percent))
		}
		if r.Bytes > 0 {
			parts = append(parts, size(r.Bytes))
		}
		return strings.Join(parts, " or ")
	}
	b.WriteString("thresholds:\n")
	for _, kv := range [][2]string{
		{"memory-headroom", room(t.MemoryHeadroom)}, {"memory-headroom-critical", room(t.MemoryHeadroomCritical)}, {"memory-pressure", percent(t.MemoryPressurePercent)},
		{"disk-space", room(t.DiskSpace)}, {"disk-space-critical", room(t.DiskSpaceCritical)}, {"disk-space-least", size(t.DiskSpaceLeastBytes)},
		{"inode-space", percent(t.InodeSpacePercent)}, {"inode-space-critical", percent(t.InodeSpaceCriticalPercent)},
		{"container-near-limit", percent(t.NearLimitPercent)}, {"container-near-limit-critical", percent(t.NearLimitCriticalPercent)},
		{"conntrack-full", percent(t.ConntrackPercent)}, {"conntrack-full-critical", percent(t.ConntrackCriticalPercent)},
		{"container-restart-loop", strconv.Itoa(t.RestartLoopCount)}, {"load-balancer-idle", t.LoadBalancerIdle.String()}, {"stop-grace", t.StopGrace.String()},
	} {
		if kv[1] != "0s" {
			fmt.Fprintf(&b, "  %s: %s\n", kv[0], kv[1])
		}
	}
	var ids []string
	for id := range p.Rules {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	b.WriteString("checks:\n")
	for _, id := range ids {
		r := p.Rules[id]
		switch {
		case r.Off:
			fmt.Fprintf(&b, "  %s: off\n", id)
		case r.Severity != 0:
			fmt.Fprintf(&b, "  %s: {severity: %s, required: %t}\n", id, r.Severity, r.Required)
		default:
			fmt.Fprintf(&b, "  %s: {required: %t}\n", id, r.Required)
		}
	}
	b.WriteString("waivers:\n")
	for _, w := range p.Waivers {
		fmt.Fprintf(&b, "- {id: %s, subject: %q, reason: %q", w.ID, w.Subject, w.Reason)
		if !w.Expires.IsZero() {
			b.WriteString(", expires: " + w.Expires.Format(time.DateOnly))
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// FuzzParse holds that what is accepted means the same when it is written out and read again, and
// that what is not accepted is said with the file and a line that it has.
func FuzzParse(f *testing.F) {
	for _, p := range Profiles() {
		text, err := ProfileText(p.Name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, s := range []string{
		"", "{}", "profile: small-vm\nchecks: {swap-enabled: on}", "waivers: [{id: disk-space, reason: \"\\u0000\\x7f\\U0001F600\", subject: '*', expires: 2027-01-31}]",
		"thresholds: {memory-headroom: .5% or 1.0001KB, disk-space-least: 15.99999T, stop-grace: 1.5ns, load-balancer-idle: 168h}",
		"a: [\n", "a: *b", "a: &b c", "? a\n: b", "checks:\n\tx: y", "---\n---\n", "%YAML 1.1\n---\n", "a: |\n  b\n# c", "- # c\n -\n", "a:\n- b\n c\n", "\ufeff", "\xff",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := Parse("p.yaml", text, now)
		if err != nil {
			wellSaid(t, text, err)
			return
		}
		again, err := Parse("p.yaml", []byte(spell(got)), now)
		if err != nil {
			t.Fatalf("%v\nin\n%s", err, spell(got))
		}
		ignore := []cmp.Option{cmpopts.EquateEmpty(), cmpopts.IgnoreFields(check.Policy{}, "Profile"), cmpopts.IgnoreFields(check.Rule{}, "Profile", "File", "Line"), cmpopts.IgnoreFields(check.Waiver{}, "File", "Line")}
		if diff := cmp.Diff(got, again, ignore...); diff != "" {
			t.Fatal(diff)
		}
		lines := 1 + strings.Count(string(text), "\n")
		for id, r := range got.Rules {
			if r.File != "p.yaml" || r.Line < 1 || r.Line > lines || r.Severity < 0 || r.Severity > finding.Critical {
				t.Errorf("%s: %+v of %d lines", id, r, lines)
			}
		}
	})
}

// wellSaid holds that each error names the file and a line that the text has.
func wellSaid(t *testing.T, text []byte, err error) {
	t.Helper()
	var all Errors
	if !errors.As(err, &all) || len(all) == 0 {
		t.Fatalf("no Errors: %v", err)
	}
	// YAML knows more ends of lines than the newline: NEL, LS, PS, and a lone carriage return.
	lines := 1 + strings.Count(string(text), "\n")
	for _, end := range []string{"\r", "\u0085", "\u2028", "\u2029"} {
		lines += strings.Count(string(text), end)
	}
	for i, line := range strings.Split(err.Error(), "\n") {
		if want := fmt.Sprintf("p.yaml:%d: ", all[i].Line); !strings.HasPrefix(line, want) || len(line) == len(want) || all[i].Line < 1 || all[i].Line > lines {
			t.Errorf("%q, of %d lines in %q", line, lines, text)
		}
	}
}

// FuzzThreshold holds that each threshold is read to what its text says, by another way of reading, or refused.
func FuzzThreshold(f *testing.F) {
	for _, s := range []string{"10%", "0%", "100%", "100.0000000001%", "87.5 %", ".5%", "5.%", "%", "", "-1%", "1_000%", "0x10%", "99999999999999999999%", "10% or 4G", "4G or 10%", "10% or", "1h", "-1h", "3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := parsePercent(s); err == nil {
			n, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSuffix(s, "%"), " "), 64)
			if err != nil || n != p || p <= 0 || p > 100 || !strings.HasSuffix(s, "%") {
				t.Errorf("%q is %v %%", s, p)
			}
		}
		if r, err := parseRoom(s); err == nil && (r == check.Room{} || r.Percent < 0 || r.Percent > 100 || (r.Percent > 0) != strings.Contains(s, "%")) {
			t.Errorf("%q is %+v", s, r)
		}
		if d, err := parseDuration(s); err == nil && (d <= 0 || d > 7*24*time.Hour) {
			t.Errorf("%q is %v", s, d)
		}
		if n, err := parseCount(s); err == nil && (n < 1 || n > 1000) {
			t.Errorf("%q is %d", s, n)
		}
	})
}

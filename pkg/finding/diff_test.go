package finding

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fOf makes a finding of a check about a subject.
func fOf(status Status, severity Severity, subject, summary string) Finding {
	return Finding{ID: "c", Area: Memory, Status: status, Severity: severity, Subject: subject, Summary: summary}
}

func list(findings ...Finding) Report { return findings }

// other is what a report says of something else.
func other(id, subject string) Finding {
	return Finding{ID: id, Area: Boot, Status: Pass, Severity: Info, Subject: subject}
}

func TestDiffKinds(t *testing.T) {
	crit, warn := fOf(Fail, Critical, Host, "bad"), fOf(Fail, Warning, Host, "bad")
	pass, open, image := fOf(Pass, Critical, Host, "fine"), fOf(Unknown, Critical, Host, "denied"), fOf(NotAssessable, Critical, Host, "an image")
	skipped, waived := fOf(Skipped, Critical, Host, "no swap"), fOf(Waived, Critical, Host, "bad")
	inWeb := fOf(Fail, Critical, "web", "bad")
	for _, c := range []struct {
		name          string
		before, after Report
		want          []ChangeKind
	}{
		{"nothing", list(crit, pass), list(crit, pass), nil},
		{"only the evidence", list(crit), list(func() Finding { f := crit; f.Evidence = []Evidence{{Source: "x"}}; return f }()), nil},
		{"pass to fail", list(pass), list(crit), []ChangeKind{Appeared}},
		{"skipped to fail", list(skipped), list(crit), []ChangeKind{Appeared}},
		{"waived to fail", list(waived), list(crit), []ChangeKind{Appeared}},
		{"unknown to fail", list(open), list(crit), []ChangeKind{Found}},
		{"image to fail", list(image), list(crit), []ChangeKind{Found}},
		{"no check to fail", list(other("x", Host)), list(other("x", Host), crit), []ChangeKind{Found}},
		{"no container to fail", list(other("c", Host)), list(other("c", Host), inWeb), []ChangeKind{Appeared}},
		{"a container that could not be seen", list(open), list(inWeb, pass), []ChangeKind{Found, Decided}},
		{"worse", list(warn), list(crit), []ChangeKind{Worse}},
		{"better", list(crit), list(warn), []ChangeKind{Better}},
		{"mended", list(crit), list(pass), []ChangeKind{Mended}},
		{"a waiver no longer needed", list(waived), list(pass), []ChangeKind{Mended}},
		{"no longer applies", list(crit), list(skipped), []ChangeKind{Inapplicable}},
		{"waived, and no longer applies", list(waived), list(skipped), []ChangeKind{Inapplicable}},
		{"waived", list(crit), list(waived), []ChangeKind{Accepted}},
		{"new and waived", list(pass), list(waived), []ChangeKind{Accepted}},
		{"fail to unknown", list(crit), list(open), []ChangeKind{Unclear}},
		{"pass to unknown", list(pass), list(open), []ChangeKind{Unclear}},
		{"fail to image", list(crit), list(image), []ChangeKind{Unclear}},
		{"pass to image", list(pass), list(image), []ChangeKind{Other}},
		{"unknown to image", list(open), list(image), []ChangeKind{Other}},
		{"unknown to pass", list(open), list(pass), []ChangeKind{Decided}},
		{"unknown to skipped", list(open), list(skipped), []ChangeKind{Other}},
		{"pass to skipped", list(pass), list(skipped), []ChangeKind{Other}},
		{"a new check that passes", nil, list(pass), []ChangeKind{Other}},
		{"a new check that cannot tell", nil, list(open), []ChangeKind{Unclear}},
		{"numbers", list(fOf(Fail, Critical, Host, "9 %")), list(fOf(Fail, Critical, Host, "8 %")), []ChangeKind{Reworded}},
		{"the check is gone", list(crit, other("x", Host)), list(other("x", Host)), []ChangeKind{Gone}},
		{"the container is gone", list(inWeb, other("c", Host)), list(other("c", Host)), []ChangeKind{Gone}},
		{"nothing more to say of the container", list(inWeb, other("c", Host), other("x", "web")), list(other("c", Host), other("x", "web")), []ChangeKind{Mended}},
		{"the container can no longer be seen", list(inWeb), list(open), []ChangeKind{Unclear, Unclear}},
		{"one of two is mended", list(fOf(Fail, Critical, Host, "a"), fOf(Fail, Critical, Host, "b")), list(fOf(Fail, Critical, Host, "b")), []ChangeKind{Mended}},
		{"one more", list(fOf(Fail, Critical, Host, "b")), list(fOf(Fail, Critical, Host, "a"), fOf(Fail, Critical, Host, "b")), []ChangeKind{Appeared}},
	} {
		var got []ChangeKind
		for _, change := range Diff(c.before, c.after) {
			got = append(got, change.Kind)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

// TestDiffPairsWhatSaysTheSame: of several findings about one thing, those are counterparts that have most in common.
func TestDiffPairsWhatSaysTheSame(t *testing.T) {
	a := Report{fOf(Fail, Critical, Host, "/a is 3 MiB"), fOf(Fail, Warning, Host, "/b is open"), fOf(Fail, Info, Host, "/c is slow")}
	b := Report{fOf(Fail, Critical, Host, "/b is open"), fOf(Fail, Critical, Host, "/a is 4 MiB"), fOf(Fail, Info, Host, "/c is slow")}
	var got []string
	for _, c := range Diff(a, b) {
		got = append(got, fmt.Sprintf("%s: %s -> %s", c.Kind, c.Before.Summary, c.After.Summary))
	}
	if diff := cmp.Diff([]string{"worse: /b is open -> /b is open", "reworded: /a is 3 MiB -> /a is 4 MiB"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestDiffPairsNothingAtRandom has two findings of one check and subject of which one is mended: which of them cannot be told.
func TestDiffPairsNothingAtRandom(t *testing.T) {
	a, b := fOf(Fail, Warning, Host, "a is lost"), fOf(Fail, Warning, Host, "b is lost")
	fine, other := fOf(Pass, Warning, Host, "a is there"), fOf(Fail, Warning, Host, "c is lost")
	for _, change := range Diff(list(a, b), list(fine, other)) {
		if change.Before != nil && change.After != nil {
			t.Errorf("%q is taken for %q", change.Before.Summary, change.After.Summary)
		}
	}
}

func TestDiffOrder(t *testing.T) {
	name := func(id string, area Area, f Finding) Finding { f.ID, f.Area = id, area; return f }
	bad, warn, pass := fOf(Fail, Critical, Host, "bad"), fOf(Fail, Warning, Host, "bad"), fOf(Pass, Critical, Host, "fine")
	before := Report{name("mended", Memory, bad), name("warn", Memory, pass), name("late", Boot, pass), name("early", Docker, pass)}
	after := Report{name("mended", Memory, pass), name("warn", Memory, warn), name("late", Boot, bad), name("early", Docker, bad)}
	var got []string
	for _, c := range Diff(before, after) {
		got = append(got, c.Of().ID)
	}
	if diff := cmp.Diff([]string{"early", "late", "warn", "mended"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestWorse(t *testing.T) {
	pass, warn, crit := fOf(Pass, Critical, Host, ""), fOf(Fail, Warning, Host, ""), fOf(Fail, Critical, Host, "")
	open := fOf(Unknown, Critical, Host, "")
	for _, c := range []struct {
		before, after Finding
		failOn        Severity
		want          bool
	}{
		{pass, crit, Critical, true}, {pass, warn, Critical, false}, {pass, warn, Warning, true}, {warn, crit, Critical, true},
		{warn, crit, Info, true}, {crit, crit, Info, false}, {crit, warn, Info, false}, {crit, pass, Info, false}, {pass, open, Info, false}, {open, crit, Critical, true},
	} {
		if got := Diff(Report{c.before}, Report{c.after}).Worse(c.failOn); got != c.want {
			t.Errorf("%s %s to %s %s, --fail-on %s: %t", c.before.Status, c.before.Severity, c.after.Status, c.after.Severity, c.failOn, got)
		}
	}
}

func TestChangeKindNames(t *testing.T) {
	for _, k := range ChangeKinds() {
		raw, err := json.Marshal(k)
		var back ChangeKind
		if err != nil || json.Unmarshal(raw, &back) != nil || back != k {
			t.Errorf("%s came back as %s (%v)", k, back, err)
		}
	}
	if len(ChangeKinds()) != int(Other) {
		t.Error("a kind is missing in the list")
	}
}

// reportOf makes a report of bytes, three for each finding.
func reportOf(data []byte) Report {
	var r Report
	for ; len(data) >= 3; data = data[3:] {
		r = append(r, Finding{
			ID: string('a' + rune(data[0]%3)), Area: Area(1 + data[0]%7), Status: Status(1 + data[1]%6), Severity: Severity(1 + data[1]/6%3),
			Subject: []string{Host, "web", "<\xff"}[data[2]%3], Summary: fmt.Sprintf("says %d", data[2]%5),
		})
	}
	return r
}

// FuzzDiff: no finding is lost or told twice, a report is like itself, and a comparison turned round tells the reverse.
func FuzzDiff(f *testing.F) {
	f.Add([]byte("abcdefghi"), []byte("ihgfedcba"))
	f.Add([]byte{0, 0, 0, 0, 4, 0}, []byte{0, 4, 0})
	f.Fuzz(func(t *testing.T, x, y []byte) {
		a, b := reportOf(x), reportOf(y)
		if same := Diff(a, a); len(same) != 0 {
			t.Fatalf("unlike itself: %+v", same)
		}
		there, back := Diff(a, b), Diff(b, a)
		seen := map[*Finding]bool{}
		count := map[ChangeKind]int{}
		befores, afters := 0, 0
		for _, c := range there {
			count[c.Kind]++
			for _, side := range []*Finding{c.Before, c.After} {
				if side != nil && seen[side] {
					t.Fatalf("told twice: %+v", side)
				}
				seen[side] = true
			}
			if c.Before != nil {
				befores++
			}
			if c.After != nil {
				afters++
			}
			if (c.Kind <= Worse) != (c.After != nil && c.After.Status == Fail && c.Kind != Better && c.Kind != Reworded) {
				t.Fatalf("%+v", c)
			}
		}
		if len(a)-befores != len(b)-afters {
			t.Fatalf("%d of %d and %d of %d differ: what is alike does not add up", befores, len(a), afters, len(b))
		}
		for _, c := range back {
			count[c.Kind] += 1 << 16
		}
		if len(there) != len(back) || count[Worse]&0xffff != count[Better]>>16 || count[Better]&0xffff != count[Worse]>>16 {
			t.Fatalf("turned round: %d and %d changes, %v", len(there), len(back), count)
		}
		if there.Worse(Info) != (count[Appeared]&0xffff+count[Found]&0xffff+count[Worse]&0xffff > 0) {
			t.Fatal("Worse does not go by the kinds")
		}
	})
}

func BenchmarkDiff10000(b *testing.B) {
	var before, after Report
	for i := range 10_000 {
		before = append(before, fOf(Status(1+i%6), Warning, fmt.Sprint("web-", i%500), fmt.Sprintf("%d %%", i)))
		after = append(after, fOf(Status(1+i%5), Warning, fmt.Sprint("web-", i%400), fmt.Sprintf("%d %%", i+1)))
	}
	for b.Loop() {
		Diff(before, after)
	}
}

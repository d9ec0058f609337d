package check

import (
	"fmt"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
)

var waiverExpired = Check{
	ID: "waiver-expired", Area: finding.Policy, Worst: finding.Warning, Modes: Live | Image,
	Title: "No waiver of the policy has expired",
	Why: "A waiver accepts a fault for a while, so that somebody has time to mend it. Once it has expired the fault counts again, " +
		"and a build that passed yesterday fails: better read here why than search for it.",
	Rule: "A warning for each waiver whose last day is over, in UTC; info for one that ends within 14 days, so that no build fails by surprise. " +
		"Does not apply to a policy without waivers.",
	Fix: "Mend what was waived and take the waiver out of the policy; or renew it with a new date.",
	Judge: func(_ *host.Facts, p Policy) []finding.Finding {
		return judgeWaivers(p)
	},
}

// soonDays is how many days before its end a waiver is spoken of.
const soonDays = 14

func judgeWaivers(p Policy) []finding.Finding {
	if len(p.Waivers) == 0 {
		return one(skipped("the policy waives nothing"))
	}
	var out []finding.Finding
	for _, w := range p.Waivers {
		if f, ended := judgeWaiver(w, p); ended {
			f.Subject = w.ID
			if w.Subject != "*" {
				f.Subject += " " + w.Subject
			}
			out = append(out, f)
		}
	}
	if out == nil {
		return one(pass(fmt.Sprintf("none of %s has expired", human.Count(len(p.Waivers), "waiver"))))
	}
	return out
}

// judgeWaiver says that a waiver has ended or soon will; false for one that holds on.
func judgeWaiver(w Waiver, p Policy) (finding.Finding, bool) {
	if w.Expires.IsZero() {
		return finding.Finding{}, false
	}
	left := w.daysLeft(p.Now)
	seen := inFile(w.File, w.Line, "expires: "+w.lastDay(), "a day to come")
	switch {
	case w.expired(p.Now):
		return fail(finding.Warning, fmt.Sprintf("the waiver expired on %s, %s ago: what it waived counts again (%s)", w.lastDay(), human.Count(-left, "day"), w.Reason),
			remedy("mend what was waived and take the waiver out of the policy; or renew it with a new date", ""), seen), true
	case left > soonDays:
		return finding.Finding{}, false
	}
	ends := "ends today"
	if left > 0 {
		ends = "ends in " + human.Count(left, "day")
	}
	return fail(finding.Info, fmt.Sprintf("the waiver %s, on %s: what it waives then counts again (%s)", ends, w.lastDay(), w.Reason),
		remedy("mend what is waived, or give the waiver a later date", ""), seen), true
}

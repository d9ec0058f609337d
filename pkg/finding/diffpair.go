package finding

import "strings"

// pairs gives for each finding of after the index of its counterpart in before, or -1. Findings of one check about one
// subject are paired by what they have most in common: first those that say the same, then those that say the
// same but for numbers; then, where just one is left in either report, those. Several that are left may be about
// different things.
func pairs(before, after Report) []int {
	paired := make([]int, len(after))
	for i := range paired {
		paired[i] = -1
	}
	taken := make([]bool, len(before))
	for _, alike := range []func(*Finding) string{
		func(f *Finding) string { return outcome(f) + f.Summary },
		func(f *Finding) string { return outcome(f) + withoutNumbers(f.Summary) },
		func(f *Finding) string { return withoutNumbers(f.Summary) },
	} {
		pairBy(before, after, paired, taken, alike)
	}
	pairAlone(before, after, paired, taken)
	return paired
}

// pairAlone pairs what is left of a check and subject where that is one finding in either report.
func pairAlone(before, after Report, paired []int, taken []bool) {
	type left struct{ before, after, at int }
	all := map[thing]left{}
	for j := range before {
		if !taken[j] {
			of := thing{before[j].ID, before[j].Subject}
			l := all[of]
			l.before, l.at = l.before+1, j
			all[of] = l
		}
	}
	for i := range after {
		if paired[i] < 0 {
			of := thing{after[i].ID, after[i].Subject}
			l := all[of]
			l.after++
			all[of] = l
		}
	}
	for i := range after {
		if l := all[thing{after[i].ID, after[i].Subject}]; paired[i] < 0 && l.before == 1 && l.after == 1 {
			paired[i], taken[l.at] = l.at, true
		}
	}
}

// pairBy pairs the findings that are left and alike, in their order.
func pairBy(before, after Report, paired []int, taken []bool, alike func(*Finding) string) {
	type key struct {
		thing
		like string
	}
	keyOf := func(f *Finding) key { return key{thing{f.ID, f.Subject}, alike(f)} }
	free := map[key][]int{}
	for j := range before {
		if !taken[j] {
			k := keyOf(&before[j])
			free[k] = append(free[k], j)
		}
	}
	if len(free) == 0 {
		return
	}
	for i := range after {
		if paired[i] >= 0 {
			continue
		}
		k := keyOf(&after[i])
		if list := free[k]; len(list) > 0 {
			paired[i], free[k] = list[0], list[1:]
			taken[list[0]] = true
		}
	}
}

func outcome(f *Finding) string { return f.Status.String() + " " + f.Severity.String() + " " }

// withoutNumbers leaves the digits out of a text, so that what is left is what a number is about.
func withoutNumbers(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, s)
}

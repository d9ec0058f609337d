package check

import (
	"cmp"
	"fmt"
	"slices"
)

// All lists the checks in the order in which they run and are documented.
func All() []Check {
	return []Check{
		swapEnabled, swapPersistent, swapPermissions, swapThrashing, swappiness,
		memoryHeadroom, memoryPressure, memoryOvercommit,
		oomKills, oomPanic, oomProtection, cgroupSwapAccounting,
		diskSpace, inodeSpace,
		dockerReachable, dockerLiveRestore, dockerLogLimits, dockerWarnings, memoryLimitsTotal,
		containerOOMKilled, containerRestartLoop, containerKilled,
		containerUnhealthy, containerNoHealthcheck, containerNoRestartPolicy,
		containerNoMemoryLimit, containerNearLimit, containerSwapSurprise,
		containerIgnoresSIGTERM, containerShellPID1, containerLogsUnbounded,
		tcpKeepaliveLate, conntrackFull,
	}
}

// UnknownIDError says that no check has an ID, and which one comes nearest.
type UnknownIDError struct{ ID, Nearest string }

func (e *UnknownIDError) Error() string {
	return fmt.Sprintf("no check is called %q; the nearest is %q", e.ID, e.Nearest)
}

// Find gives the check with an ID; it errs with an *UnknownIDError where there is none.
func Find(id string) (Check, error) {
	all := All()
	if i := slices.IndexFunc(all, func(c Check) bool { return c.ID == id }); i >= 0 {
		return all[i], nil
	}
	nearest := slices.MinFunc(all, func(a, b Check) int {
		return cmp.Compare(distance(id, a.ID), distance(id, b.ID))
	})
	return Check{}, &UnknownIDError{ID: id, Nearest: nearest.ID}
}

// Select gives the checks named by only, or all where only is empty, without those
// named by skip. It errs with an *UnknownIDError where a name is no check.
func Select(only, skip []string) ([]Check, error) {
	for _, id := range slices.Concat(only, skip) {
		if _, err := Find(id); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(All(), func(c Check) bool {
		return slices.Contains(skip, c.ID) || len(only) > 0 && !slices.Contains(only, c.ID)
	}), nil
}

// distance is the Levenshtein distance: how many bytes to put in, take out or
// replace to make b of a. Only the first bytes of a long a count.
func distance(a, b string) int {
	a = a[:min(len(a), 64)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

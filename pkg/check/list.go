package check

import (
	"cmp"
	"fmt"
	"slices"

	"vmguard/pkg/human"
)

// All lists the checks in the order in which they run and are documented.
func All() []Check {
	return []Check{
		swapEnabled, swapPersistent, swapPermissions, swapThrashing, swappiness, swapBakedIn, cloudInitSwap,
		memoryHeadroom, memoryPressure, memoryOvercommit,
		oomKills, oomPanic, oomProtection, userspaceOOM, cgroupSwapAccounting,
		diskSpace, inodeSpace,
		dockerReachable, dockerEnabled, daemonJSONValid, dockerLiveRestore, dockerLogLimits, dockerWarnings, memoryLimitsTotal,
		containerOOMKilled, containerRestartLoop, containerKilled,
		containerUnhealthy, containerNoHealthcheck, containerNoRestartPolicy,
		containerNoMemoryLimit, containerNearLimit, containerSwapSurprise,
		containerIgnoresSIGTERM, containerShellPID1, containerLogsUnbounded,
		composeHealthcheck, composeRestart, composeMemoryLimit, composeStopGrace, composeInit,
		tcpKeepaliveLate, conntrackFull, proxyKeepalive,
		journalPersistent, sysctlDrift, sysctlModule, sysctlConfUnread,
		waiverExpired,
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
		return cmp.Compare(human.Slips(id, a.ID), human.Slips(id, b.ID))
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

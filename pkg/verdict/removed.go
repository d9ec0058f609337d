package verdict

import (
	"path"
	"slices"
	"sort"
	"strings"

	"vmguard/pkg/docker"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
	"vmguard/pkg/oom"
)

// endsByLog makes ends of the kills in a container that is removed and of which no event
// tells: the kernel's log alone is left. Kills that came together are one end. Whether
// PID 1 was among the killed, and whether the container ended then, is not known.
func (h *history) endsByLog(kills []oom.Kill) (undated []oom.Kill) {
	kills = slices.Clone(kills)
	sort.SliceStable(kills, func(i, j int) bool { return kills[i].At.Before(kills[j].At) })
	for _, k := range kills {
		last := h.last()
		switch {
		case k.At.IsZero():
			undated = append(undated, k)
		case last != nil && k.At.Sub(last.died) <= killAfter:
			last.kills, last.died = append(last.kills, k), k.At
		default:
			h.ends = append(h.ends, life{died: k.At, kills: []oom.Kill{k}, byLog: true})
		}
	}
	return undated
}

// removed tells that the engine no longer has the container.
func (c inquest) removed() bool { return c.in.Container.State == docker.StateRemoved }

// addSuccessorRemedies says what to give the next container of that kind.
func (c inquest) addSuccessorRemedies(v *Verdict, k oom.Kill) {
	if v.Kind != OwnLimit || k.Limit == nil {
		return
	}
	raised := (*k.Limit + *k.Limit/2 + limitStep - 1) / limitStep * limitStep
	v.remedy("give its successor more than the "+human.Bytes(*k.Limit)+" that it had, such as --memory "+mebibytes(raised)+"m", "")
}

// LinesOf takes over what a container printed.
func LinesOf(printed []docker.LogLine) []Line {
	out := make([]Line, 0, len(printed))
	for _, l := range printed {
		out = append(out, Line{At: l.At, Text: l.Text})
	}
	return out
}

// HealerAmong names what restarts unhealthy containers on an engine, by the images of the
// containers that run there; empty for none that is known. A healer may be told to leave
// a container alone, so it is one that may have ended a container, not one that has.
func HealerAmong(all []host.Container) string {
	for _, c := range all {
		if !c.Running() {
			continue
		}
		name, _, _ := strings.Cut(path.Base(c.Image), ":")
		for _, healer := range []string{"autoheal", "deunhealth"} {
			if strings.Contains(name, healer) {
				return healer
			}
		}
	}
	return ""
}

package verdict

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"vmguard/pkg/docker"
	"vmguard/pkg/human"
)

const (
	// mostShown bounds foreign text, in characters.
	mostShown = 300
	// lastWordsShown is how many of the last lines of a program's stand in the timeline of its end.
	lastWordsShown = 3
)

// clip makes foreign text ready to be shown: what looks like a secret is hidden, and then it
// is cut. Everything that a program, an engine or a log says goes through here.
func clip(s string) string {
	s = human.MaskSecrets(s)
	if r := []rune(s); len(r) > mostShown {
		return string(r[:mostShown]) + "..."
	}
	return s
}

// firstLine is the first line of what a healthcheck printed, after a colon; empty for none.
func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	if line == "" {
		return ""
	}
	return ": " + clip(line)
}

// failedChecks are the runs of the healthcheck that failed in this life. Those that say the
// same are one line, with the newest's time.
func (c inquest) failedChecks() []Moment {
	failed := slices.DeleteFunc(slices.Clone(c.in.Health.Value), func(p docker.Probe) bool { return !c.within(p.End) || p.ExitCode == 0 })
	sort.SliceStable(failed, func(i, j int) bool { return failed[i].End.Before(failed[j].End) })
	var out []Moment
	times := map[string]int{}
	for _, p := range failed {
		times[spellCheck(p)]++
	}
	for _, p := range slices.Backward(failed) {
		text := spellCheck(p)
		n := times[text]
		if n == 0 {
			continue // a newer one stands for it
		}
		times[text] = 0
		if n > 1 {
			text += fmt.Sprintf(" (%d times)", n)
		}
		out = append(out, Moment{At: p.End, Text: text, Source: inspectOf(c.in.Container)})
	}
	return out
}

func spellCheck(p docker.Probe) string {
	return fmt.Sprintf("healthcheck failed, exit code %d%s", p.ExitCode, firstLine(p.Output))
}

// lastWords are the last lines that the program printed before an end of its own: they
// most often say why. Lines without a date are left out, and those of the life before, which
// was over at that moment.
func (c inquest) lastWords(kind Kind, before time.Time) []Moment {
	if kind != Exited && kind != Crashed || c.life.failed != "" {
		return nil
	}
	var out []Moment
	for _, l := range slices.Backward(c.in.Output.Value) {
		text := strings.TrimSpace(l.Text)
		if text != "" && !l.At.IsZero() && l.At.After(before) && c.printedAtEnd(l) && len(out) < lastWordsShown {
			out = append(out, Moment{At: l.At, Text: "printed: " + clip(text), Source: c.in.Output.Source})
		}
	}
	slices.Reverse(out)
	return out
}

package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
	"vmguard/pkg/verdict"
)

const exitSIGKILL = 137 // 128 + 9, as the engine reports a process that SIGKILL ended

var containerKilled = Check{
	ID: "container-killed", Area: finding.Containers, Worst: finding.Warning,
	Title: "Nobody has killed the container",
	Why: "Exit code 137 is SIGKILL and nothing more: an OOM kill, docker kill, a docker stop whose grace time ran out, or kill -9. " +
		"Only together with the kernel's log and the engine's events can they be told apart.",
	Rule: "Judges the last end as vmguard why does (docs/why.md): a warning for stop-timeout, for killed-by-someone where the engine did not send the signal, for a SIGKILL at a failing " +
		"healthcheck, and where the kernel's log shows that a SIGKILL was no OOM kill but nobody is on record; info where somebody used docker kill, and for ends more than 7 days ago. " +
		"Unknown for a SIGKILL while the kernel's log, which would show an OOM kill, cannot be read, no longer reaches back, or contradicts Docker.",
	Fix: "Let the program catch its stop signal and end in time, or give it longer (--stop-timeout).",
	Judge: func(f *host.Facts, _ Policy) []finding.Finding {
		s := verdict.NewSnapshot(f)
		return eachContainer(f, func(c host.Container) finding.Finding { return judgeKilled(f, s.Input(c)) })
	},
}

func judgeKilled(f *host.Facts, in verdict.Input) finding.Finding {
	c := in.Container
	report := verdict.Judge(in)
	d, ok := lastEnd(report)
	if !ok || !killed(d) {
		return pass("no end by SIGKILL is on record", inspect(c, fmt.Sprintf("exit code %d", exitCode(c, d)), "not 137"))
	}
	v, severity := d.Verdict, finding.Warning
	age, dated := since(f, d.At)
	if dated && age > 7*24*time.Hour {
		severity = finding.Info
	}
	text := v.Summary
	if dated {
		text += " (" + human.Ago(age) + ")"
	}
	switch {
	case v.Kind.OOM():
		return pass("its SIGKILL came from the kernel's OOM killer: see container-oom-killed", v.Evidence...)
	case v.Kind == verdict.KilledBySomeone && len(killSignals(c, d.At)) > 0:
		severity = finding.Info
	case v.Kind == verdict.Unknown && v.Disagreement == "" && len(report.Unmatched) == 0 && in.Kernel.Known() && in.Kernel.Value.Excludes(d.At):
		text += ": " + strings.Join(v.Against, "; ")
	case v.Kind == verdict.Unknown:
		return unknown(text+": "+cmp.Or(v.Disagreement, strings.Join(v.Against, "; ")), v.Evidence...)
	}
	return fail(severity, text, seeWhy(c, v.Remedies), v.Evidence...)
}

// killed tells of an end by SIGKILL, or by another signal that somebody sent.
func killed(d verdict.Death) bool {
	return d.ExitCode != nil && *d.ExitCode == exitSIGKILL || d.Verdict.Kind == verdict.KilledBySomeone
}

// exitCode is that of a container's end, or what inspect says where that is not known.
func exitCode(c host.Container, d verdict.Death) int {
	if d.ExitCode != nil {
		return *d.ExitCode
	}
	return c.ExitCode
}

// lastEnd is a container's newest end. A start that failed has no date, and is none.
func lastEnd(r verdict.Report) (verdict.Death, bool) {
	i := slices.IndexFunc(r.Deaths, func(d verdict.Death) bool { return !d.At.IsZero() })
	if i < 0 {
		return verdict.Death{}, false
	}
	return r.Deaths[i], true
}

// seeWhy gives the best of a verdict's remedies, and points to the command that shows the
// end's timeline and all else that was read.
func seeWhy(c host.Container, remedies []finding.Remedy) *finding.Remedy {
	why := "vmguard why " + human.ShellWord(cmp.Or(c.Name, c.ID))
	switch {
	case len(remedies) == 0:
		return remedy("see how it came to this", "sudo "+why)
	case remedies[0].Command == "":
		return remedy(remedies[0].Text+"; see how it came to this", "sudo "+why)
	case strings.Contains(remedies[0].Command, why):
		return &remedies[0]
	}
	return remedy("see "+why+", and "+remedies[0].Text, remedies[0].Command)
}

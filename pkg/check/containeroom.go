package check

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
	"vmguard/pkg/oom"
	"vmguard/pkg/verdict"
)

var containerOOMKilled = Check{
	ID: "container-oom-killed", Area: finding.Containers, Worst: finding.Critical,
	Title: "The kernel has not killed in the container for want of memory",
	Why: "It is the kernel, not the Docker daemon, that kills at a memory limit. Docker's OOMKilled flag alone does not tell: it is " +
		"reset by a restart, may miss a child that was killed while PID 1 lived, and is set whatever process was killed. So the flag, the engine's events, the container's cgroup and the kernel's log " +
		"are read together, as vmguard why does; where the flag and the log contradict each other, the finding says so.",
	Rule: "Fails when any of the four tells of an OOM kill: critical when it was within 24 hours or has no date, a warning within 7 days, or without a date in a container that has been up for longer than 24 hours, else info; " +
		"info as well where the limit was raised or taken away since. " +
		"Unknown for a running container of which neither the cgroup nor the kernel log can be read, and where Docker notes an OOM kill that the kernel's log, which reaches back, does not show. " +
		"An event alone counts for nothing where the running container's own cgroup has counted no kill.",
	Fix: "See vmguard why. Raise the container's limit or cap its heap; where the host ran out, add swap or RAM.",
	Judge: func(f *host.Facts, _ Policy) []finding.Finding {
		s := verdict.NewSnapshot(f)
		return eachContainer(f, func(c host.Container) finding.Finding {
			return judgeOOMKilled(f, s.Input(c), s.Kills(c.ID))
		})
	},
}

// judgeOOMKilled judges by the newest OOM kill in a container; kills are those of the
// kernel's log, dated and oldest first.
func judgeOOMKilled(f *host.Facts, in verdict.Input, kills []oom.Kill) finding.Finding {
	c, report := in.Container, verdict.Judge(in)
	found, ok := newestOOM(in, report, kills)
	events := eventTimes(c, "oom")
	switch {
	case ok:
		return found.finding(f, c)
	case c.OOMKilled || len(events) > 0:
		return judgeDockerAlone(f, in, report, events)
	}
	cgroupSays := c.Memory.Known() && c.Memory.Value.OOMKills != nil
	if c.Running() && !cgroupSays && !f.OOM.Known() {
		return unknown("Docker reports no OOM kill, but it can miss one: the container's cgroup: "+cmp.Or(c.Memory.Why(), "no counter")+
			"; the kernel log: "+f.OOM.Why(), inspect(c, "OOMKilled false", ""))
	}
	return pass("no OOM kill in it is on record", inspect(c, "OOMKilled false", ""))
}

// oomFound is a verdict that tells of an OOM kill.
type oomFound struct {
	verdict.Verdict
	at time.Time // of the kill or the end; zero where not known
}

// newestOOM finds the newest OOM kill in a container: in the life that goes on, at an
// end, or one that belongs to no end that is on record or did not lead to it.
func newestOOM(in verdict.Input, r verdict.Report, kills []oom.Kill) (found oomFound, ok bool) {
	if i := slices.IndexFunc(r.Deaths, func(d verdict.Death) bool { return d.Verdict.Kind.OOM() }); i >= 0 {
		found, ok = oomFound{r.Deaths[i].Verdict, r.Deaths[i].At}, true
	}
	if r.Running != nil {
		for _, v := range r.Running.Verdicts { // oldest first
			if v.Kind == verdict.ChildKilled {
				found, ok = oomFound{v, runningAt(in.Container, v)}, true
			}
		}
	}
	if len(kills) == 0 {
		return found, ok
	}
	last := kills[len(kills)-1]
	end, ended := lastEnd(r)
	switch {
	case !ok:
	case r.Running == nil && ended && last.At.After(end.At): // nothing was left in it to kill: the clocks differ
		return found, ok
	case found.Kill != nil && !last.At.After(found.Kill.At):
		return found, ok
	case found.Kill == nil && (found.at.IsZero() || !last.At.After(found.at)):
		return found, ok
	}
	return oomFound{verdict.JudgeKill(in, last), last.At}, true
}

// runningAt is when the kill came that a verdict on a running container tells of; zero
// where neither the kernel's log nor an event of this life says.
func runningAt(c host.Container, v verdict.Verdict) time.Time {
	if v.Kill != nil {
		return v.Kill.At
	}
	events := eventTimes(c, "oom")
	if n := len(events); n > 0 && !events[n-1].Before(c.StartedAt) {
		return events[n-1]
	}
	return time.Time{}
}

// finding words a verdict. What befell the container besides is evidence; that witnesses
// contradict each other stands in the summary.
func (o oomFound) finding(f *host.Facts, c host.Container) finding.Finding {
	severity, when := severityOfKill(f, c, o.at)
	if o.Kill != nil && verdict.RaisedSince(c, *o.Kill) {
		severity = finding.Info
	}
	text := o.Summary + when
	seen := slices.DeleteFunc(slices.Clone(o.Evidence), func(e finding.Evidence) bool { return e.Got == flagged })
	seen = append(seen, dockerSays(c)...)
	for _, note := range o.Notes {
		if note == o.Disagreement {
			text += "; " + note
			continue
		}
		seen = append(seen, evidence("vmguard why", note))
	}
	return fail(severity, text, seeWhy(c, o.Remedies), seen...)
}

// severityOfKill says how much an OOM kill of that date still says about tonight, and in
// parentheses when it was and how often the container was restarted. A kill without a date
// in a container that is up for long is most likely not of today.
func severityOfKill(f *host.Facts, c host.Container, at time.Time) (severity finding.Severity, when string) {
	var parts []string
	severity = finding.Critical
	if age, dated := since(f, at); dated {
		severity = severityByAge(age)
		parts = append(parts, human.Ago(age))
	} else if up, ok := since(f, c.StartedAt); ok && c.Running() && up > 24*time.Hour {
		severity = finding.Warning
		parts = append(parts, "at some time since its start "+human.Ago(up))
	}
	if c.RestartCount > 0 {
		parts = append(parts, "restarted "+human.Count(c.RestartCount, "time"))
	}
	if len(parts) == 0 {
		return severity, ""
	}
	return severity, " (" + strings.Join(parts, "; ") + ")"
}

// judgeDockerAlone judges where Docker's flag or its events tell of an OOM kill, and none
// of the verdicts does: one that the container outlived before its end, or one that the
// kernel's log contradicts.
func judgeDockerAlone(f *host.Facts, in verdict.Input, r verdict.Report, events []time.Time) finding.Finding {
	c := in.Container
	if m := c.Memory; !c.OOMKilled && refuted(c, events) {
		return pass("no OOM kill in it: Docker notes one, and its own cgroup counts none, as where another container below the same limit was killed",
			append(dockerSays(c), evidence(m.Source, "oom_kill 0"))...)
	}
	seen, at := dockerSays(c), c.FinishedAt // the flag has no date: the end of its life is the best that is left
	if n := len(events); n > 0 {
		at = events[n-1]
	}
	severity, when := severityOfKill(f, c, at)
	if i := slices.IndexFunc(r.Deaths, func(d verdict.Death) bool { return d.Verdict.Disagreement != "" }); i >= 0 {
		v := r.Deaths[i].Verdict
		return unknown(v.Summary+when+"; "+v.Disagreement, append(seen, v.Evidence...)...)
	}
	if log := in.Kernel; log.Known() && wholeLife(c, log.Value) {
		return unknown("Docker notes an OOM kill in it"+when+", and the kernel's log, which reaches back over all of its life, shows none: the two disagree", append(seen,
			evidence(log.Source, "no OOM kill in it, back to "+log.Value.Since.UTC().Format(time.RFC3339)))...)
	}
	v := verdict.JudgeKill(in, oom.Kill{})
	return fail(severity, "a process of it was killed for want of memory, as Docker notes, and it outlived that"+when, seeWhy(c, v.Remedies), seen...)
}

// refuted tells that the events of a running container's OOM kills were not about it: all came in its present
// life, in which its cgroup has counted none. A limit that is hit in a parent notifies every container below it.
func refuted(c host.Container, events []time.Time) bool {
	counted := c.Memory.Known() && c.Memory.Value.OOMKills != nil
	return c.Running() && counted && *c.Memory.Value.OOMKills == 0 && len(events) > 0 && !events[0].Before(c.StartedAt)
}

// flagged is what inspect says of a container in which an OOM was noted.
const flagged = "OOMKilled true"

// dockerSays is how Docker's flag and its events tell of OOM kills in a container.
func dockerSays(c host.Container) []finding.Evidence {
	var out []finding.Evidence
	if c.OOMKilled {
		out = append(out, inspect(c, flagged, "false"))
	}
	if n := len(eventTimes(c, "oom")); n > 0 {
		out = append(out, evidence("docker events", human.Count(n, "oom event")))
	}
	return out
}

// wholeLife tells that a log reaches back over all of a container's last life and holds no
// kill that may have been in it.
func wholeLife(c host.Container, log verdict.KernelLog) bool {
	return !log.Since.IsZero() && !c.StartedAt.IsZero() && !log.Since.After(c.StartedAt) && len(log.Kills) == 0
}

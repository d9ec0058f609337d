package check

import (
	"cmp"
	"fmt"
	"sort"
	"time"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
	"vmguard/pkg/oom"
	"vmguard/pkg/verdict"
)

var oomKills = Check{
	ID: "oom-kills", Area: finding.Memory, Worst: finding.Critical,
	Title: "The kernel has killed nothing for want of memory",
	Why: "An OOM kill is SIGKILL: no log line, no clean-up, no logout. What was killed once is killed again under the same load. " +
		"Docker shows such a death as exit code 137, and not always as OOMKilled.",
	Rule: "For each victim and limit since boot: critical when the last kill was within 24 hours, a warning within 7 days, else info; info as well where the limit " +
		"was raised or taken away since. A warning when the kernel counts more kills (/proc/vmstat oom_kill) than its log still holds, or counts any while the log cannot be read. " +
		"Unknown when neither the log nor the counter can be read, or the log no longer reaches back and there is no counter.",
	Fix:   "See vmguard why for each container. Where its own limit was hit, raise the limit or cap the program's heap. Where the host ran out, add swap or RAM, or limit the largest container.",
	Judge: judgeOOMKills,
}

func judgeOOMKills(f *host.Facts, _ Policy) []finding.Finding {
	counter, counted := f.VMStat.Value.OOMKill, f.VMStat.Known() && f.VMStat.Value.OOMKill != nil
	if !f.OOM.Known() {
		return one(judgeCounterAlone(f))
	}
	log := f.OOM.Value
	var out []finding.Finding
	s := verdict.NewSnapshot(f)
	for _, group := range groupKills(f) {
		out = append(out, group.finding(f, s))
	}
	if r := oom.Reconcile(counter, log, ""); r.Missing != nil && *r.Missing > 0 {
		out = append(out, fail(finding.Warning,
			fmt.Sprintf("the kernel counts %s since boot, its log holds %d: the others were overwritten or never logged, so their victims are not known",
				human.Count(int(min(*counter, 1<<31)), "OOM kill"), len(log.Kills)),
			remedy("look in the journal, which keeps more than the kernel's buffer", "sudo vmguard oom"),
			evidence(f.VMStat.Source, fmt.Sprintf("oom_kill %d", *counter)), evidence(f.OOM.Source, human.Count(len(log.Kills), "kill"))))
	}
	switch {
	case len(out) > 0:
		return out
	case !counted && (log.Truncated || log.Lost > 0):
		return one(unknown("the kernel's log holds no OOM kill, but no longer reaches back to boot, and this kernel has no counter"))
	}
	return one(pass("no OOM kill since boot", evidence(f.OOM.Source, human.Count(log.Records, "kernel record")+", no kill")))
}

// judgeCounterAlone judges by /proc/vmstat where the kernel's log cannot be read.
func judgeCounterAlone(f *host.Facts) finding.Finding {
	if !f.VMStat.Known() || f.VMStat.Value.OOMKill == nil {
		return unknown("cannot tell whether the kernel has killed: " + f.OOM.Why())
	}
	n := *f.VMStat.Value.OOMKill
	seen := evidence(f.VMStat.Source, fmt.Sprintf("oom_kill %d", n))
	if n == 0 {
		return pass("no OOM kill since boot", seen)
	}
	return fail(finding.Warning,
		fmt.Sprintf("the kernel has made %s since boot; who was killed stands in its log: %s", human.Count(int(min(n, 1<<31)), "OOM kill"), f.OOM.Why()),
		readLog(f), seen)
}

// readLog says how the kernel's log can be read: in a container, root's rights do not help.
func readLog(f *host.Facts) *finding.Remedy {
	if f.System.Value.Root || f.System.Value.Container != "" {
		return remedy("run vmguard as root on the VM itself", "")
	}
	return remedy("read the log as root", "sudo vmguard doctor --only oom-kills")
}

// killGroup is the kills of one victim by one limit.
type killGroup struct {
	victim string // a container's name, or a process
	kills  []oom.Kill
	own    *host.Container // the outermost container around the victim that the engine has
	inner  host.Container  // the innermost, of which only the ID may be known; none for a process outside of all
}

// groupKills gathers the log's kills by victim and scope, the victim of the newest kill first.
func groupKills(f *host.Facts) []killGroup {
	var groups []killGroup
	index, containers := map[string]int{}, containersByID(f)
	for _, k := range f.OOM.Value.Kills {
		group := killGroupOf(f, k, containers)
		key := fmt.Sprintf("%s\x00%s\x00%s", group.victim, k.Scope, k.LimitCgroup)
		i, ok := index[key]
		if !ok {
			i = len(groups)
			index[key] = i
			groups = append(groups, group)
		}
		groups[i].kills = append(groups[i].kills, k)
	}
	sort.SliceStable(groups, func(i, j int) bool { return groups[i].last() > groups[j].last() })
	return groups
}

// last is when the last of the kills was, since boot.
func (g killGroup) last() time.Duration { return g.kills[len(g.kills)-1].SinceBoot }

func containersByID(f *host.Facts) map[string]*host.Container {
	all := make(map[string]*host.Container, len(f.Containers.Value))
	for i := range f.Containers.Value {
		all[f.Containers.Value[i].ID] = &f.Containers.Value[i]
	}
	return all
}

// killGroupOf names whom a kill hit. An engine inside a container has its own containers
// in its own cgroup: the engine that was asked may know one of them only.
func killGroupOf(f *host.Facts, k oom.Kill, containers map[string]*host.Container) killGroup {
	ids := oom.ContainerIDs(k.TaskCgroup)
	if len(ids) == 0 {
		return killGroup{victim: "process " + k.Comm}
	}
	inner := ids[len(ids)-1]
	for _, id := range ids {
		switch c := containers[id]; {
		case c == nil:
		case c.ID == inner:
			return killGroup{victim: fmt.Sprintf("%s in container %s", k.Comm, c.Name), own: c, inner: *c}
		default:
			g := killGroup{victim: fmt.Sprintf("%s in a container inside container %s", k.Comm, c.Name), own: c}
			g.inner.ID = inner
			return g
		}
	}
	g := killGroup{victim: fmt.Sprintf("%s in container %s, which this engine has no longer, or never had", k.Comm, inner[:12])}
	if !f.Containers.Known() {
		g.victim = fmt.Sprintf("%s in container %s (its name is not known: the engine could not be asked)", k.Comm, inner[:12])
	}
	g.inner.ID = inner
	return g
}

func (g killGroup) finding(f *host.Facts, s verdict.Snapshot) finding.Finding {
	last := g.kills[len(g.kills)-1]
	summary, severity := human.Count(len(g.kills), "kill")+" since boot", finding.Critical
	if f.System.Known() {
		age := sinceKill(f, last)
		severity = severityByAge(age)
		summary += ", the last " + human.Ago(age)
	}
	limit := verdict.SpellLimiter(g.inner, last)
	if g.own != nil && verdict.RaisedSince(*g.own, last) {
		severity = finding.Info
		limit += ", since " + spellRaised(*g.own)
	}
	line := fmt.Sprintf("[%.3f s since boot] pid %d (%s)", last.SinceBoot.Seconds(), last.PID, last.Comm)
	if last.AnonRSS != nil {
		line += ", " + human.Bytes(*last.AnonRSS) + " of its own memory"
	}
	if last.LimitCgroup != "" {
		line += ", limit of " + last.LimitCgroup
	}
	return fail(severity, fmt.Sprintf("%s: %s (%s)", summary, g.victim, limit), g.remedy(f, s, last), evidence(f.OOM.Source, line))
}

func spellRaised(c host.Container) string {
	if c.Limits.Memory == 0 {
		return "taken away"
	}
	return "raised to " + human.Bytes(c.Limits.Memory)
}

// remedy says what keeps a kill from coming again. A victim that is gone has no container
// whose limit a command could raise.
func (g killGroup) remedy(f *host.Facts, s verdict.Snapshot, k oom.Kill) *finding.Remedy {
	switch {
	case k.Scope != oom.ScopeHost && (k.Scope == oom.ScopeUnknown || k.LimitCgroup == ""):
		return remedy("look in the journal for the lines before it, which say whose limit was hit", "")
	case g.own != nil:
		return seeWhy(*g.own, verdict.JudgeKill(s.Input(*g.own), k).Remedies)
	case k.Scope == oom.ScopeHost:
		return remedy("add swap or RAM, and limit the largest container, so that it is killed alone", "")
	case !verdict.OwnLimitHit(g.inner.ID, k):
		return remedy("raise the limit of "+k.LimitCgroup+" (for a systemd slice: MemoryMax), or move something out of it", "")
	}
	const successor = "give what takes its place a higher limit, or cap its heap below it"
	if g.inner.ID == "" || !f.Containers.Known() {
		return remedy(successor, "")
	}
	gone := g.inner
	gone.ID = gone.ID[:12]
	return seeWhy(gone, []finding.Remedy{{Text: successor}})
}

// sinceKill gives how long ago a kill was. The kernel's stamps leave out the time in
// suspend; should the VM have slept since, the kill is older by that.
func sinceKill(f *host.Facts, k oom.Kill) time.Duration {
	return max(0, cmp.Or(f.System.Value.Awake, f.System.Value.Uptime)-k.SinceBoot)
}

// severityByAge is how much a death of that age still says about tonight.
func severityByAge(age time.Duration) finding.Severity {
	switch {
	case age <= 24*time.Hour:
		return finding.Critical
	case age <= 7*24*time.Hour:
		return finding.Warning
	default:
		return finding.Info
	}
}

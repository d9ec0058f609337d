package check

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
	"vmguard/pkg/oom"
)

var oomKills = Check{
	ID: "oom-kills", Area: finding.Memory, Worst: finding.Critical,
	Title: "The kernel has killed nothing for want of memory",
	Why: "An OOM kill is SIGKILL: no log line, no clean-up, no logout. What was killed once is killed again under the same load. " +
		"Docker shows such a death as exit code 137, and not always as OOMKilled.",
	Rule: "For each victim and limit since boot: critical when the last kill was within 24 hours, a warning within 7 days, else info; info as well where the limit " +
		"was raised since. A warning when the kernel counts more kills (/proc/vmstat oom_kill) than its log still holds, or counts any while the log cannot be read. " +
		"Unknown when neither the log nor the counter can be read, or the log no longer reaches back and there is no counter.",
	Fix:   "Where a container's own limit was hit, raise the limit or cap the program's heap. Where the host ran out, add swap or RAM, or limit the largest container.",
	Judge: judgeOOMKills,
}

func judgeOOMKills(f *host.Facts) []finding.Finding {
	counter, counted := f.VMStat.Value.OOMKill, f.VMStat.Known() && f.VMStat.Value.OOMKill != nil
	if !f.OOM.Known() {
		return one(judgeCounterAlone(f))
	}
	log := f.OOM.Value
	var out []finding.Finding
	for _, group := range groupKills(f) {
		out = append(out, group.finding(f))
	}
	if counted && *counter > uint64(len(log.Kills)) {
		out = append(out, fail(finding.Warning,
			fmt.Sprintf("the kernel counts %s since boot, its log holds %d: the others were overwritten or never logged, so their victims are not known",
				human.Count(int(min(*counter, 1<<31)), "OOM kill"), len(log.Kills)),
			remedy("look in the journal, which keeps more than the kernel's buffer (journalctl -k -b)", ""),
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
	own    *host.Container // the victim's container, where it still exists
}

// groupKills gathers the log's kills by victim and scope, the victim of the newest kill first.
func groupKills(f *host.Facts) []killGroup {
	var groups []killGroup
	index := map[string]int{}
	for _, k := range f.OOM.Value.Kills {
		victim, own := killVictim(f, k)
		key := fmt.Sprintf("%s\x00%s\x00%s", victim, k.Scope, k.LimitCgroup)
		i, ok := index[key]
		if !ok {
			i = len(groups)
			index[key] = i
			groups = append(groups, killGroup{victim: victim, own: own})
		}
		groups[i].kills = append(groups[i].kills, k)
	}
	slices.SortStableFunc(groups, func(a, b killGroup) int {
		return cmp.Compare(b.kills[len(b.kills)-1].SinceBoot, a.kills[len(a.kills)-1].SinceBoot)
	})
	return groups
}

// killVictim names whom a kill hit.
func killVictim(f *host.Facts, k oom.Kill) (string, *host.Container) {
	ids := oom.ContainerIDs(k.TaskCgroup)
	if len(ids) == 0 {
		return "process " + k.Comm, nil
	}
	if c := containerOf(f, ids); c != nil {
		if c.ID != ids[len(ids)-1] {
			return fmt.Sprintf("%s in a container inside container %s", k.Comm, c.Name), c
		}
		return fmt.Sprintf("%s in container %s", k.Comm, c.Name), c
	}
	id := ids[len(ids)-1][:12]
	if !f.Containers.Known() {
		return fmt.Sprintf("%s in container %s (its name is not known: the engine could not be asked)", k.Comm, id), nil
	}
	return fmt.Sprintf("%s in container %s, which this engine has no longer, or never had", k.Comm, id), nil
}

// containerOf gives the container that carries one of the IDs around a cgroup, the
// outermost first: an engine inside a container has its own containers in its own cgroup.
func containerOf(f *host.Facts, ids []string) *host.Container {
	for _, id := range ids {
		for i := range f.Containers.Value {
			if f.Containers.Value[i].ID == id {
				return &f.Containers.Value[i]
			}
		}
	}
	return nil
}

// killsByContainer gives the log's kills by the ID of the container that they hit.
func killsByContainer(f *host.Facts) map[string][]oom.Kill {
	kills := map[string][]oom.Kill{}
	for _, k := range f.OOM.Value.Kills {
		if c := containerOf(f, oom.ContainerIDs(k.TaskCgroup)); c != nil {
			kills[c.ID] = append(kills[c.ID], k)
		}
	}
	return kills
}

func (g killGroup) finding(f *host.Facts) finding.Finding {
	last := g.kills[len(g.kills)-1]
	summary, severity := human.Count(len(g.kills), "kill")+" since boot", finding.Critical
	if f.System.Known() {
		age := sinceKill(f, last)
		severity = severityByAge(age)
		summary += ", the last " + human.Ago(age)
	}
	if raisedSince(g, last) {
		severity = finding.Info
	}
	summary += fmt.Sprintf(": %s (%s)", g.victim, spellLimit(g, last))
	line := fmt.Sprintf("[%.3f s since boot] pid %d (%s)", last.SinceBoot.Seconds(), last.PID, last.Comm)
	if last.AnonRSS != nil {
		line += ", " + human.Bytes(*last.AnonRSS) + " of its own memory"
	}
	if last.LimitCgroup != "" {
		line += ", limit of " + last.LimitCgroup
	}
	return fail(severity, summary, killRemedy(f, g, last), evidence(f.OOM.Source, line))
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

func spellLimit(g killGroup, k oom.Kill) string {
	switch {
	case k.Scope == oom.ScopeHost:
		return "the VM ran out of memory"
	case k.Scope == oom.ScopeUnknown:
		return "whose limit was hit is not in the log"
	case k.LimitCgroup == "":
		return "a cgroup's limit"
	case !ownLimit(k):
		return "limit of " + k.LimitCgroup + ", above its own"
	case raisedSince(g, k):
		return fmt.Sprintf("own limit of %s, since raised to %s", human.Bytes(*k.Limit), human.Bytes(g.own.Limits.Memory))
	case k.Limit != nil:
		return "own limit of " + human.Bytes(*k.Limit)
	case g.own != nil && g.own.Limits.Memory > 0:
		return "own limit, now " + human.Bytes(g.own.Limits.Memory)
	default:
		return "own limit"
	}
}

// raisedSince tells that the container's limit is now higher than the one that killed.
func raisedSince(g killGroup, k oom.Kill) bool {
	return g.own != nil && ownLimit(k) && k.Limit != nil && g.own.Limits.Memory > *k.Limit
}

// ownLimit tells that the victim's container, or its cgroup itself, hit its own limit,
// not that of a slice above it. A cgroup that the container made inside itself counts as its own.
func ownLimit(k oom.Kill) bool {
	victim, _ := oom.ContainerID(k.TaskCgroup)
	limiter, limited := oom.ContainerID(k.LimitCgroup)
	return k.LimitCgroup == k.TaskCgroup || limited && victim == limiter
}

// killRemedy says what keeps the kill from coming again. A victim that is gone has no
// container whose limit a command could raise.
func killRemedy(f *host.Facts, g killGroup, k oom.Kill) *finding.Remedy {
	switch {
	case k.Scope == oom.ScopeHost:
		return remedy("add swap or RAM, and limit the largest container, so that it is killed alone", "")
	case k.Scope == oom.ScopeUnknown || k.LimitCgroup == "":
		return remedy("look in the journal for the lines before it, which say whose limit was hit", "")
	case !ownLimit(k):
		return remedy("raise the limit of "+k.LimitCgroup+" (for a systemd slice: MemoryMax), or move something out of it", "")
	case raisedSince(g, k):
		return remedy("nothing more, unless it is killed again: its limit was raised since", "")
	case g.own != nil && g.own.Limits.Memory > 0:
		return raiseLimit(f, *g.own)
	default:
		return remedy("give what takes its place a higher limit, or cap its heap below it", "")
	}
}

// raiseLimit gives the command that raises a container's limit by half, rounded up to
// 64 MiB, where the VM has that much. The swap share that it had is kept: docker update
// wants both where both are set.
func raiseLimit(f *host.Facts, c host.Container) *finding.Remedy {
	const text = "raise the limit by half, or cap the program's heap below it (for Node: --max-old-space-size)"
	limit := roundUp(c.Limits.Memory+c.Limits.Memory/2, 64*mib)
	if f.Memory.Known() && limit > f.Memory.Value.Total/10*9 {
		return remedy("cap the program's heap below its limit (for Node: --max-old-space-size); the VM has no room for a higher limit", "")
	}
	swap := "-1"
	if c.Limits.MemorySwap >= 0 {
		share := c.Limits.Memory // the engine's default: as much swap again
		if c.Limits.MemorySwap > 0 {
			share = uint64(c.Limits.MemorySwap) - min(c.Limits.Memory, uint64(c.Limits.MemorySwap))
		}
		swap = fmt.Sprintf("%dm", (limit+share)/mib)
	}
	return updateContainer(c, text, fmt.Sprintf("--memory %dm --memory-swap %s", limit/mib, swap))
}

func roundUp(n, step uint64) uint64 { return (n + step - 1) / step * step }

var oomPanic = Check{
	ID: "oom-panic", Area: finding.Memory, Worst: finding.Critical,
	Title: "Running out of memory kills one process, not the VM",
	Why: "With vm.panic_on_oom the kernel panics instead of killing one process: every container dies at once. " +
		"With vm.oom_kill_allocating_task it kills whoever asked last, which may be dockerd or sshd, instead of the largest.",
	Rule: "vm.panic_on_oom other than 0: critical where the VM then hangs (kernel.panic=0) or where that cannot be told, else a warning. " +
		"A warning for vm.oom_kill_allocating_task other than 0. Unknown where they cannot be read.",
	Fix:   "Set both to 0, the kernel's defaults.",
	Judge: judgeOOMPanic,
}

func judgeOOMPanic(f *host.Facts) []finding.Finding {
	panics, allocating := f.Sysctl("vm.panic_on_oom"), f.Sysctl("vm.oom_kill_allocating_task")
	var out []finding.Finding
	if panics.Known() && panics.Value != 0 {
		severity, after := finding.Critical, "and then hangs (kernel.panic=0)"
		switch reboot := f.Sysctl("kernel.panic"); {
		case !reboot.Known():
			after = "and whether it then reboots cannot be told"
		case reboot.Value != 0:
			severity, after = finding.Warning, "and then reboots"
		}
		out = append(out, fail(severity, "when memory runs out the whole VM panics "+after, sysctlRemedy("vm.panic_on_oom"),
			wanted(panics.Source, fmt.Sprint(panics.Value), "0")))
	}
	if allocating.Known() && allocating.Value != 0 {
		out = append(out, fail(finding.Warning, "when memory runs out the kernel kills whoever asked last, dockerd and sshd included, not the largest",
			sysctlRemedy("vm.oom_kill_allocating_task"), wanted(allocating.Source, fmt.Sprint(allocating.Value), "0")))
	}
	for _, name := range []string{"vm.panic_on_oom", "vm.oom_kill_allocating_task"} {
		if fact := f.Sysctl(name); !fact.Known() {
			out = append(out, unknown("cannot read "+name+": "+fact.Why()))
		}
	}
	if len(out) == 0 {
		return one(pass("when memory runs out the kernel kills the largest process",
			evidence(panics.Source, "0"), evidence(allocating.Source, "0")))
	}
	return out
}

func sysctlRemedy(name string) *finding.Remedy {
	return setSysctl("set it back to 0, now and at boot", name, 0)
}

var oomProtection = Check{
	ID: "oom-protection", Area: finding.Memory, Worst: finding.Warning,
	Title: "The OOM killer spares the engine and the way in",
	Why: "When the host runs out of memory the kernel picks by size and oom_score_adj. If dockerd or containerd is picked, all containers " +
		"lose their supervisor; if sshd is picked, nobody can log in to mend it.",
	Rule: "A warning for dockerd or containerd, info for sshd, with an oom_score_adj above -500. Does not apply to what does not run, nor to a containerd that dockerd started.",
	Fix: "Set OOMScoreAdjust in the service's unit. Docker's own packages do (-500); Debian 12's docker.io does not. " +
		"A daemon that was started by hand has what its starter had.",
	Judge: judgeOOMProtection,
}

func judgeOOMProtection(f *host.Facts) []finding.Finding {
	if !f.Daemons.Known() {
		return one(unknown("cannot tell which daemons run: " + f.Daemons.Why()))
	}
	if f.System.Value.Container != "" {
		return one(unknown("vmguard runs in a container, from where the VM's daemons cannot be seen"))
	}
	var out []finding.Finding
	for _, d := range f.Daemons.Value {
		// A containerd that dockerd started has no unit of its own, and goes with dockerd.
		if d.Name != "kubelet" && (d.Name != "containerd" || d.Parent != "dockerd") {
			out = append(out, judgeDaemon(d))
		}
	}
	if len(out) == 0 {
		return one(skipped("neither dockerd nor containerd nor sshd runs here"))
	}
	return out
}

func judgeDaemon(d host.Daemon) finding.Finding {
	score := fmt.Sprintf("/proc/%d/oom_score_adj", d.PID)
	seen := wanted(score, fmt.Sprint(d.OOMScoreAdj), "-500 or less")
	if d.OOMScoreAdj <= -500 {
		return pass(fmt.Sprintf("%s is spared (oom_score_adj %d)", d.Name, d.OOMScoreAdj), seen)
	}
	may := fmt.Sprintf("%s may be killed when memory runs out (oom_score_adj %d): ", d.Name, d.OOMScoreAdj)
	now := "echo -500 | sudo tee " + score
	switch {
	case d.Name == "sshd":
		// sshd sets its own score and gives it back to sessions: a drop-in would spare every login as well.
		return fail(finding.Info, may+"nobody can log in to mend it", remedy("spare it until its next start; by default sshd does so itself", now), seen)
	case d.Unit == "":
		return fail(finding.Warning, may+"all containers lose their supervisor", remedy("spare it until its next start; whatever starts it should do so every time", now), seen)
	}
	dir := human.ShellWord("/etc/systemd/system/" + d.Unit + ".d")
	return fail(finding.Warning, may+"all containers lose their supervisor", remedy("spare it, now and after its next start",
		fmt.Sprintf(`%s && sudo mkdir -p %s && printf '[Service]\nOOMScoreAdjust=-500\n' | sudo tee %s/oom.conf && sudo systemctl daemon-reload`, now, dir, dir)), seen)
}

func hasDaemon(f *host.Facts, name string) bool {
	for _, d := range f.Daemons.Value {
		if d.Name == name {
			return true
		}
	}
	return false
}

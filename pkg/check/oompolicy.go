package check

import (
	"fmt"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
)

var oomPanic = Check{
	ID: "oom-panic", Area: finding.Memory, Worst: finding.Critical, Modes: Live | Image,
	Title: "Running out of memory kills one process, not the VM",
	Why: "With vm.panic_on_oom the kernel panics instead of killing one process: every container dies at once. " +
		"With vm.oom_kill_allocating_task it kills whoever asked last, which may be dockerd or sshd, instead of the largest.",
	Rule: "vm.panic_on_oom other than 0: critical where the VM then hangs (kernel.panic=0) or where that cannot be told, else a warning. " +
		"A warning for vm.oom_kill_allocating_task other than 0. Unknown where they cannot be read. In an image: what sysctl.d and the kernel's parameters set.",
	Fix:   "Set both to 0, the kernel's defaults.",
	Judge: judgeOOMPanic,
}

func judgeOOMPanic(f *host.Facts, _ Policy) []finding.Finding {
	const panicName, allocatingName = "vm.panic_on_oom", "vm.oom_kill_allocating_task"
	panics, allocating := sysctlOf(f, panicName, 0), sysctlOf(f, allocatingName, 0)
	var out []finding.Finding
	if panics.Known() && panics.Value != 0 {
		severity, after := finding.Critical, "and then hangs (kernel.panic=0)"
		switch reboot := panicTimeout(f); {
		case !reboot.Known():
			after = "and whether it then reboots cannot be told"
		case reboot.Value != 0:
			severity, after = finding.Warning, "and then reboots"
		}
		out = append(out, fail(severity, "when memory runs out the whole VM panics "+after, sysctlRemedy(f, panicName), panics.seen("0")))
	}
	if allocating.Known() && allocating.Value != 0 {
		out = append(out, fail(finding.Warning, "when memory runs out the kernel kills whoever asked last, dockerd and sshd included, not the largest",
			sysctlRemedy(f, allocatingName), allocating.seen("0")))
	}
	for _, value := range []sysctlValue{panics, allocating} {
		if !value.Known() {
			out = append(out, unknown("cannot read "+value.name+": "+value.Why()))
		}
	}
	if len(out) == 0 {
		return one(pass("when memory runs out the kernel kills the largest process", panics.seen(""), allocating.seen("")))
	}
	return out
}

// panicTimeout gives after how many seconds the kernel reboots from a panic: 0 for never.
// In an image that sets neither the sysctl nor the parameter of the kernel, that is
// how the kernel was built (CONFIG_PANIC_TIMEOUT), and not known.
func panicTimeout(f *host.Facts) host.Fact[int64] {
	if _, set := f.BootSysctl("kernel.panic"); set || !f.Image {
		return sysctlOf(f, "kernel.panic", 0).Fact
	}
	for i := len(f.Cmdline.Value) - 1; i >= 0; i-- {
		if p := f.Cmdline.Value[i]; p.Name == "panic" && !p.Next {
			if n, ok := kernelInt(p.Value); ok {
				return host.Known(n, p.File)
			}
		}
	}
	return host.Missing[int64]("the image does not set it")
}

func sysctlRemedy(f *host.Facts, name string) *finding.Remedy {
	return setSysctl(f, "set it back to 0", name, 0)
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

func judgeOOMProtection(f *host.Facts, _ Policy) []finding.Finding {
	if !f.Daemons.Known() {
		return one(unknown("cannot tell which daemons run: " + f.Daemons.Why()))
	}
	if f.System.Value.Container != "" {
		return one(unknown("vmguard runs in a container, from where the VM's daemons cannot be seen"))
	}
	var out []finding.Finding
	for _, d := range f.Daemons.Value {
		// A containerd that dockerd started has no unit of its own, and goes with dockerd.
		if d.Name == "dockerd" || d.Name == "sshd" || d.Name == "containerd" && d.Parent != "dockerd" {
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

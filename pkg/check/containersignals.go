package check

import (
	"fmt"

	"vmguard/pkg/docker"
	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
)

var containerIgnoresSIGTERM = Check{
	ID: "container-ignores-sigterm", Area: finding.Containers, Worst: finding.Warning,
	Title: "The container acts on its stop signal",
	Why: "docker stop sends SIGTERM (or STOPSIGNAL), and SIGKILL after the grace time. The kernel gives PID 1 of a container no default action: a signal " +
		"that it does not catch does nothing. It is then killed without clean-up, and a mail or queue server keeps its ghost session until that times out.",
	Rule: "For each running container: a warning when the last docker stop on record ended in SIGKILL, when the stop signal is SIGKILL itself, or when PID 1 ignores it or " +
		"neither catches it nor waits for signals by itself (the masks in /proc/PID/status, and where its threads sleep). Unknown for Node, which sets the bit without " +
		"acting on it, where no stop is on record; for a program that waits for signals by itself; and where that or the program cannot be told.",
	Fix: "Catch SIGTERM: in Node process.on('SIGTERM', ...), in NestJS app.enableShutdownHooks(). Start the program in exec form, " +
		"not through a shell. --init makes an uncaught signal end the program at once, which is quicker but still no clean-up.",
	Judge: func(f *host.Facts, _ Policy) []finding.Finding { return eachRunning(f, judgeStopSignal) },
}

func judgeStopSignal(c host.Container) finding.Finding {
	signal := c.Stop()
	number, ok := docker.SignalNumber(signal)
	if !ok {
		return unknown(fmt.Sprintf("its stop signal %q is none that is known", signal))
	}
	if number == 9 {
		return fail(finding.Warning, "its stop signal is SIGKILL: every stop is a kill without clean-up",
			remedy("take STOPSIGNAL out of its Dockerfile", ""), inspect(c, "StopSignal "+signal, "SIGTERM"))
	}
	switch stop := docker.LastStop(c.Events, signal, c.StopTimeout); stop.Outcome {
	case docker.StopDeaf:
		return fail(finding.Warning, fmt.Sprintf("the last docker stop sent %s, waited %s, and killed it: it did not act on that signal in time", signal, human.Duration(stop.Waited)),
			stopRemedy(c), evidence("docker events", fmt.Sprintf("kill %s, %s later kill SIGKILL, die %d", signal, human.Duration(stop.Waited), stop.ExitCode)))
	case docker.StopObeyed:
		return pass(fmt.Sprintf("the last docker stop ended it with %s after %s", signal, human.Duration(stop.Waited)),
			evidence("docker events", fmt.Sprintf("kill %s, die %d without SIGKILL", signal, stop.ExitCode)))
	}
	if !c.Process.Known() {
		return unknown("cannot tell whether it acts on " + signal + ": " + c.Process.Why())
	}
	return judgeSignalMasks(c, signal, uint64(1)<<(number-1))
}

// judgeSignalMasks reads PID 1's masks as they were measured for the usual runtimes: a
// clear bit is failure only where no thread waits for signals by itself, which takes them
// out of the masks (docker-init and tini do), and a set one is not always success.
func judgeSignalMasks(c host.Container, signal string, bit uint64) finding.Finding {
	p := c.Process.Value
	seen := wanted(c.Process.Source, fmt.Sprintf("%s: SigCgt %016x, SigIgn %016x, SigBlk %016x", p.Comm, p.SigCgt, p.SigIgn, p.SigBlk),
		fmt.Sprintf("%s (bit %#x) in SigCgt", signal, bit))
	switch {
	case p.NamespacePID == 0:
		return unknown("cannot tell whether it is PID 1 of its namespace, and so what "+signal+" does", seen)
	case p.SigIgn&bit != 0:
		return fail(finding.Warning, p.Comm+" ignores "+signal+": docker stop waits out the grace time, then kills it", stopRemedy(c), seen)
	case p.NamespacePID != 1 && p.SigCgt&bit == 0:
		return pass(signal+" ends it by the kernel's default, as it is not PID 1 of its namespace", seen)
	case p.Runtime == host.RuntimeInit:
		return pass("its init ("+p.Comm+") hands "+signal+" on", seen)
	case p.SigBlk&bit != 0 || p.SigCgt&bit == 0 && p.Sigwait != nil && *p.Sigwait:
		return unknown(p.Comm+" does not catch "+signal+", but may wait for it (sigwait, signalfd); which signals it waits for cannot be told from outside", seen)
	case p.SigCgt&bit == 0 && p.Sigwait == nil && p.Runtime != host.RuntimeShell:
		return unknown(p.Comm+" does not catch "+signal+"; whether it waits for it (sigwait) can only be told as root", seen)
	case p.SigCgt&bit == 0:
		return fail(finding.Warning, p.Comm+" is PID 1 and does not catch "+signal+": docker stop waits out the grace time, then kills it", stopRemedy(c), seen)
	case p.Runtime == host.RuntimeNode:
		return unknown("cannot tell whether Node acts on "+signal+": the runtime hides it, and no stop is on record", seen)
	case p.Exe == "" && p.Runtime == "":
		return unknown("cannot tell whether it acts on "+signal+": which program PID 1 is can only be read as root", seen)
	}
	return pass(p.Comm+" catches "+signal, seen)
}

var containerShellPID1 = Check{
	ID: "container-shell-pid1", Area: finding.Containers, Worst: finding.Warning,
	Title: "No shell stands between the engine and the program",
	Why: "CMD as plain text, and many entrypoint scripts, make a shell PID 1. It neither acts on SIGTERM nor hands it on: " +
		"the program never hears that it should stop.",
	Rule: "A warning for each running container whose PID 1 is a shell that does not catch its stop signal. Does not apply to a shell that is itself the program. " +
		"Unknown where PID 1 cannot be read.",
	Fix:   "Write CMD and ENTRYPOINT as a JSON array, and end entrypoint scripts with exec \"$@\".",
	Judge: func(f *host.Facts, _ Policy) []finding.Finding { return eachRunning(f, judgeShell) },
}

func judgeShell(c host.Container) finding.Finding {
	p := c.Process.Value
	number, ok := docker.SignalNumber(c.Stop())
	switch {
	case !c.Process.Known():
		return unknown("cannot tell which program is PID 1: " + c.Process.Why())
	case p.Runtime == "" && p.Exe == "":
		return unknown("cannot tell whether " + p.Comm + " is a shell's script: which program PID 1 is can only be read as root")
	case p.Runtime != host.RuntimeShell || p.NamespacePID > 1:
		return pass("PID 1 is "+p.Comm, evidence(c.Process.Source, "Name "+p.Comm))
	case ok && p.SigCgt&(uint64(1)<<(number-1)) != 0:
		return pass("PID 1 is a shell that catches its stop signal", evidence(c.Process.Source, fmt.Sprintf("SigCgt %016x", p.SigCgt)))
	case !c.ShellForm && docker.IsShell(c.Program):
		return skipped("a shell is its program")
	}
	return fail(finding.Warning, "PID 1 is a shell ("+p.Comm+"), which hands no signal on: the program never hears docker stop",
		remedy("write CMD as a JSON array, or end the entrypoint script with exec \"$@\"", ""),
		wanted(c.Process.Source, "Name "+p.Comm, "the program itself"))
}

// stopRemedy is what mends a container that does not end on its stop signal.
func stopRemedy(c host.Container) *finding.Remedy {
	return remedy(fmt.Sprintf("catch %s in the program and end in time; --stop-timeout gives it longer", c.Stop()), "")
}

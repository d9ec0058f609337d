package verdict

import (
	"fmt"
	"slices"
	"time"

	"vmguard/pkg/human"
)

const (
	exitNotRun   = 126 // the shell's and the engine's code for what cannot be executed
	exitNotFound = 127 // and for what is not there
	exitLost     = 255 // what the engine writes for an end that it did not see
	mostSignal   = 64
)

// signalName names the signals by which programs end, as signal(7) numbers them for amd64 and arm64.
func signalName(n int) string {
	names := map[int]string{
		1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 9: "SIGKILL",
		10: "SIGUSR1", 11: "SIGSEGV", 12: "SIGUSR2", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM", 24: "SIGXCPU", 25: "SIGXFSZ", 28: "SIGWINCH", 31: "SIGSYS",
		37: "SIGRTMIN+3", // systemd's stop signal as PID 1
	}
	if name, ok := names[n]; ok {
		return name
	}
	return fmt.Sprintf("signal %d", n)
}

// faultGloss says of a signal that a fault raises what it means; empty for any other.
func faultGloss(n int) string {
	return map[int]string{
		3: "asked to dump", 4: "an instruction that the CPU does not know", 5: "a trap, as a runtime's own check raises it", 6: "abort: the program gave up by itself",
		7: "memory that is not there, as of a file cut short", 8: "a division by zero", 11: "an access to memory that is not its own",
		24: "over its limit of CPU time", 25: "over its limit of file size", 31: "a system call that seccomp forbids",
	}[n]
}

// signalled is the signal that an exit code stands for, 0 for none: 128 and its number.
// A program may also end with such a code of itself.
func (l life) signalled() int {
	if l.exit == nil || *l.exit <= 128 || *l.exit > 128+mostSignal {
		return 0
	}
	return *l.exit - 128
}

// sentByEngine gives the newest signal other than SIGKILL that the engine sent, where it
// can have led to this end; 0 for none. A stop signal counts for the grace time, or as
// long as it took where the engine notes that a stop was made; any other for some seconds:
// SIGHUP and SIGUSR1 make many programs reload, and end none of these.
func (c inquest) sentByEngine() int {
	number := c.stopSignal()
	for _, e := range slices.Backward(c.life.events) {
		took := c.life.died.Sub(e.Time)
		if e.Action != actionKill || e.Signal == 0 || e.Signal == sigkill || took < -lateEvent {
			continue
		}
		within := promptly
		if e.Signal == number {
			within = c.grace() + promptly
			if c.stopped() {
				within = time.Hour
			}
		}
		if took <= within {
			return e.Signal
		}
	}
	return 0
}

// promptly is how soon a program ends that ends on a signal, with what the engine takes to note it.
const promptly = 10 * time.Second

// grace is the container's grace time, at most an hour; 0 where the engine waits for ever.
func (c inquest) grace() time.Duration {
	return min(max(0, c.in.Container.StopTimeout), time.Hour)
}

// stopped tells that the engine notes a docker stop or restart of this life.
func (c inquest) stopped() bool { return c.life.has(actionStop, killAfter) }

// sentSignal judges an end after a signal of the engine's that was not SIGKILL: a stop
// that was obeyed, or a docker kill --signal.
func (c inquest) sentSignal() (Verdict, bool) {
	sent := c.sentByEngine()
	if sent == 0 {
		return Verdict{}, false
	}
	took := human.Duration(max(0, c.life.died.Sub(c.life.signal(sent, 1<<62))))
	name := signalName(sent)
	number := c.stopSignal()
	ends := sent == number || sent == 15 || sent == 2 || sent == 1
	var v Verdict
	switch {
	case !ends && c.life.signalled() == sent:
		v = Verdict{Kind: KilledBySomeone, Confidence: Certain, Summary: "ended by " + name + " that was sent with docker kill"}
	case faultGloss(c.life.signalled()) != "":
		return Verdict{}, false
	case ends:
		v = Verdict{Kind: Exited, Confidence: Certain, Summary: fmt.Sprintf("ended on %s, %s after the engine sent it, with %s", name, took, c.spellCode())}
	default:
		v = Verdict{Kind: Exited, Confidence: Likely, Summary: fmt.Sprintf("ended with %s, %s after somebody sent it %s with docker kill", c.spellCode(), took, name)}
	}
	v.evidence(sourceEvents, "kill with "+name)
	if ends && c.life.code(2) {
		v.note("exit code 2 right after SIGTERM is how a Go program ends that does not catch it: without clean-up")
	}
	v.against("no SIGKILL was needed, and none is on record")
	c.blameHealer(&v)
	return v, true
}

// fault judges an exit code that stands for a fault. By the code alone it is not certain.
func (c inquest) fault() (Verdict, bool) {
	n := c.life.signalled()
	gloss := faultGloss(n)
	if gloss == "" {
		return Verdict{}, false
	}
	v := Verdict{Kind: Crashed, Confidence: Likely, Summary: fmt.Sprintf("crashed with %s (%d): %s", signalName(n), 128+n, gloss)}
	if n == 11 {
		v.note("PID 1 of a container that aborts shows 139 as well: there SIGABRT does nothing by itself, and libc then ends the program by a fault")
	}
	v.against("the OOM killer ends with SIGKILL (137), a stop with 143 or a code of the program's own")
	if !c.in.Output.Known() {
		v.against("whether its runtime ran out of heap would stand in its log: " + c.in.Output.Why())
	}
	c.addLogs(&v)
	return v, true
}

// exited judges what is left: a program that ended with a code of its own.
func (c inquest) exited() (Verdict, bool) {
	if c.life.exit == nil {
		return Verdict{}, false
	}
	code := *c.life.exit
	switch {
	case code == exitLost && !c.bornInThisBoot():
		return c.unknown("ended with exit code 255: the program's own, or what the engine writes for an end that it did not see (a power cut, a crash of the engine)"), true
	case code < 0 || code > exitLost:
		return c.unknown(fmt.Sprintf("ended with %d, which is no exit code", code)), true
	}
	v := Verdict{Kind: Exited, Confidence: Certain, Summary: spellExit(code)}
	if !c.eventsReach() {
		v.Confidence = Likely
		v.against("whether it was asked to end, by docker stop or docker kill, is not on record: " + c.eventsSay())
	}
	switch n := c.life.signalled(); {
	case code == 0:
		v.against("what SIGKILL or a fault ends does not end with 0")
		if c.in.Container.Restart.Name == "on-failure" {
			v.note("its restart policy on-failure does not start it again after exit code 0")
		}
		return v, true
	case n > 0:
		v.Confidence = Likely
		v.Summary = fmt.Sprintf("ended on %s (%d), which the engine is not on record to have sent", signalName(n), code)
	case code == exitLost:
		v.Confidence = Likely
	default:
		v.against("the code is no signal's: nothing killed it")
	}
	if c.life.flag && len(c.life.earlier) == 0 && c.othersOOM() == "" {
		v.Confidence = atMostLikely(v.Confidence)
		v.note("Docker's OOMKilled says true: in this life a process of it was killed for want of memory, at a time that is not on record")
	}
	c.addLogs(&v)
	return v, true
}

// bornInThisBoot tells that the machine has not gone down since the life began.
func (c inquest) bornInThisBoot() bool {
	return !c.in.BootedAt.IsZero() && !c.life.started.IsZero() && !c.life.started.Before(c.in.BootedAt)
}

// spellExit says what an exit code means that is the program's own.
func spellExit(code int) string {
	switch code {
	case 0:
		return "ended with exit code 0, which says that all went well"
	case exitNotFound:
		return "ended with exit code 127: by a shell's custom, a command was not found"
	case exitNotRun:
		return "ended with exit code 126: by a shell's custom, a command could not be executed"
	}
	return fmt.Sprintf("ended with exit code %d, an error of its own", code)
}

package check

import (
	"fmt"
	"strings"
	"time"

	"vmguard/pkg/compose"
	"vmguard/pkg/docker"
	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
)

// defaultGrace is what docker compose gives a container that says nothing.
const defaultGrace = 10 * time.Second

var composeStopGrace = Check{
	ID: "compose-stop-grace", Area: finding.Containers, Worst: finding.Warning, Modes: Live | Image,
	Title: "Services get time to stop",
	Why: "docker compose stop sends the stop signal, and SIGKILL once stop_grace_period is over. What is killed neither logs out nor writes its data: " +
		"a mail or queue server keeps its ghost session until that times out.",
	Rule: "For each service of the files named with --compose: a warning where stop_grace_period, or the 10 s that hold without one, is below the policy's stop-grace (10 s by default), " +
		"or where the stop signal is SIGKILL, in the compose file or its Dockerfile. Unknown where a variable with a value neither in .env nor by default, or a file that was not read, decides. " +
		"Does not apply to services that are meant to end.",
	Fix: "Write stop_grace_period below the service, as long as its slowest clean end takes.",
	Judge: func(f *host.Facts, policy Policy) []finding.Finding {
		return eachService(f, func(_ host.ComposeFile, s host.ComposeService) finding.Finding {
			return judgeServiceStop(s, policy.Thresholds.StopGrace)
		}, judgeImageStop)
	},
}

func judgeServiceStop(s host.ComposeService, least time.Duration) finding.Finding {
	signal := s.StopSignal
	if !signal.Set() && s.Built != nil && s.Built.Known() {
		signal = s.Built.Value.StopSignal
	}
	switch {
	case s.Job:
		return skipped("it is meant to end")
	case kills(signal):
		return killedAtOnce(signal)
	case signal.Variable != "":
		return unknown(fmt.Sprintf("its stop signal depends on the variable %s (%s:%d)", signal.Variable, signal.File, signal.Line))
	}
	if why := open(s, s.StopGrace, "stop_grace_period"); why != "" {
		return unknown("cannot tell how long it gets to stop: " + why)
	}
	grace, seen := defaultGrace, lacks(s, "stop_grace_period", "at least "+human.Duration(least))
	if s.StopGrace.Set() {
		seen = stands(s.StopGrace, "stop_grace_period", "at least "+human.Duration(least))
		var err error
		if grace, err = s.StopGrace.Duration(); err != nil {
			return unknown("cannot tell how long it gets to stop: "+err.Error(), seen)
		}
	}
	text := fmt.Sprintf("it gets %s between its stop signal and SIGKILL", human.Duration(grace))
	if grace >= least {
		return pass(text, seen)
	}
	fix := addTo(s, "give it longer", "stop_grace_period: "+seconds(least))
	if s.StopGrace.Set() {
		fix = remedy(fmt.Sprintf("give it longer: in line %d of %s write stop_grace_period: %s", s.StopGrace.Line, s.StopGrace.File, seconds(least)), "")
	}
	return fail(finding.Warning, text+", and should get "+human.Duration(least), fix, seen)
}

// seconds spells a duration as compose files and Caddyfiles do, rounded up.
func seconds(d time.Duration) string {
	return fmt.Sprintf("%ds", int64((d+time.Second-1)/time.Second))
}

func kills(signal compose.Setting) bool {
	number, ok := docker.SignalNumber(signal.Text)
	return signal.Set() && signal.Variable == "" && ok && number == 9
}

func killedAtOnce(signal compose.Setting) finding.Finding {
	return fail(finding.Warning, "its stop signal is SIGKILL: every stop is a kill without clean-up",
		remedy(fmt.Sprintf("take the line out: SIGTERM is the default (%s:%d)", signal.File, signal.Line), ""),
		stands(signal, "stop signal", "SIGTERM"))
}

func judgeImageStop(file host.ComposeFile) finding.Finding {
	signal := file.Dockerfile.StopSignal
	switch {
	case kills(signal):
		return killedAtOnce(signal)
	case signal.Variable != "":
		return unknown("its stop signal depends on a variable: " + signal.Variable)
	}
	return skipped("a Dockerfile does not say how long a container gets to stop")
}

var composeInit = Check{
	ID: "compose-init", Area: finding.Containers, Worst: finding.Warning, Modes: Live | Image,
	Title: "PID 1 of a service passes signals on",
	Why: "CMD as plain text in a Dockerfile, and sh -c in a compose file, make a shell PID 1. It neither acts on SIGTERM nor hands it on: the program never hears that it should " +
		"stop, and is killed when the grace time is over. The text of a compose file's command is no such case: compose starts no shell for it.",
	Rule: "For each service of the files named with --compose, and each Dockerfile: a warning where a shell with a script stands between the engine and the program, without exec; info where an init does as " +
		"well (init: true, tini), which ends the shell at once, and the program with it, unheard. What the shell does was measured: Debian's sh (dash) stays, bash and Alpine's replace " +
		"themselves by a single last command. Unknown where the image alone decides, for a script in a file, one that sets traps, and where a variable decides.",
	Fix: "Write CMD and ENTRYPOINT as JSON arrays, and commands in compose files without sh -c; or put exec before the script's last command.",
	Judge: func(f *host.Facts, _ Policy) []finding.Finding {
		return eachService(f, judgeServiceInit, func(file host.ComposeFile) finding.Finding {
			return judgeStart(file.Start, false, file.Dockerfile.Base, file.Dockerfile.File, file.Dockerfile.Line)
		})
	},
}

func judgeServiceInit(_ host.ComposeFile, s host.ComposeService) finding.Finding {
	if s.Init.Variable != "" {
		return unknown("whether it has an init depends on the variable " + s.Init.Variable + ", whose value is not known")
	}
	init, err := s.Init.Bool()
	if err != nil && s.Init.Set() {
		return unknown("cannot tell whether it has an init: "+err.Error(), stands(s.Init, "init", "true"))
	}
	base := s.Image.Text
	switch {
	case s.Start.Kind == compose.NotSaid && init:
		return pass("it has an init, which hands signals on", stands(s.Init, "init", ""))
	case s.Start.Kind == compose.NotSaid && s.Unseen != "":
		return unknown("cannot tell what it starts: " + s.Unseen)
	case s.Built != nil && !s.Built.Known() && s.Start.Kind == compose.NotSaid:
		return unknown("cannot tell what it starts: " + s.Built.Why())
	case s.Built != nil:
		base = s.Built.Value.Base
	}
	return judgeStart(s.Start, init, base, s.File, s.Line)
}

// judgeStart judges what stands first in a container; base is the image that the shell is of.
func judgeStart(start compose.Start, init bool, base, file string, line int) finding.Finding {
	if start.Line > 0 {
		file, line = start.File, start.Line
	}
	seen := inFile(file, line, spellStart(start), "the program itself")
	switch start.Kind {
	case compose.NotSaid:
		if start.Init {
			return pass("an init stands first and hands signals on", seen)
		}
		return unknown("which program is PID 1, the image alone decides", seen)
	case compose.Undecided:
		return unknown("what it starts depends on the variable "+start.Variable+", whose value is not known", seen)
	case compose.Program:
		return pass("no shell stands between the engine and its program", seen)
	case compose.ShellItself:
		return skipped("a shell is its program")
	case compose.ShellFile:
		return unknown("it starts a script: whether that ends with exec cannot be told from here", seen)
	case compose.ShellTraps:
		return unknown("its script sets traps, and may hand signals on by itself", seen)
	}
	if found, ok := replacedShell(start, base, seen); ok {
		return found
	}
	fix := remedy(fmt.Sprintf(`at %s:%d start the program without a shell, as ["node", "server.js"], or put exec before the last command`, file, line), "")
	if init || start.Init {
		return fail(finding.Info, "a shell stands between its init and its program: a stop ends the shell, and kills the program with it before it hears SIGTERM", fix, seen)
	}
	text := "a shell is PID 1 and hands no signal on: the program never hears docker stop"
	if start.Kind != compose.ShellStays && start.Shell == "sh" {
		text = "a shell is PID 1 (Debian's stays, others may not) and hands no signal on: the program never hears docker stop"
	}
	return fail(finding.Warning, text, fix, seen)
}

// replacedShell judges the shells that put a last simple command in their own place.
func replacedShell(start compose.Start, base string, seen finding.Evidence) (finding.Finding, bool) {
	alpine := start.Shell == "sh" && strings.Contains(base, "alpine")
	if start.Kind == compose.ShellStays || !alpine && start.Shell != "bash" && start.Shell != "ash" {
		return finding.Finding{}, false
	}
	if start.Kind == compose.ShellSequence {
		return unknown("it starts a shell, and on that shell's version depends whether its last command takes the shell's place", seen), true
	}
	return pass("its shell puts the one command in its own place", seen), true
}

func spellStart(start compose.Start) string {
	switch {
	case start.Kind == compose.NotSaid:
		return "no command"
	case start.Shell != "" && start.Kind == compose.Program:
		return start.Shell + " -c with exec"
	case start.Shell != "" && start.Kind != compose.ShellItself:
		return "a script for " + start.Shell
	case start.Shell != "":
		return start.Shell
	case start.Kind == compose.ShellFile:
		return "a script"
	}
	return "a program"
}

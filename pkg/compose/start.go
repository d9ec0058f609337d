package compose

import (
	"path"
	"strings"
)

// Kind is what stands between the engine and a container's program.
type Kind string

// The kinds. What a shell does with a script was measured with dash 0.5.12, bash 5.2 and
// busybox 1.35: dash stays until its last command ends; the other two replace themselves by
// the last command where nothing is left to do for them.
const (
	// NotSaid is what the image alone decides.
	NotSaid Kind = ""
	// Program is a program that is started without a shell, or by a shell's exec.
	Program Kind = "program"
	// ShellSimple is a shell with one simple command.
	ShellSimple Kind = "shell-simple"
	// ShellSequence is a shell with commands one after the other, or one with a redirection.
	ShellSequence Kind = "shell-sequence"
	// ShellStays is a shell that must stay: a pipe, a loop, a command in the background.
	ShellStays Kind = "shell-stays"
	// ShellTraps is a shell whose script sets traps, and may hand signals on by itself.
	ShellTraps Kind = "shell-traps"
	// ShellFile is a shell's script in a file, which may end with exec or not.
	ShellFile Kind = "shell-file"
	// ShellItself is a shell that is the program.
	ShellItself Kind = "shell-itself"
	// Undecided is what depends on a variable.
	Undecided Kind = "undecided"
)

// Start is how a container's first process begins.
type Start struct {
	Kind Kind `json:"kind,omitempty"`
	// Shell is the shell's name where there is one; sh may be any of them.
	Shell string `json:"shell,omitempty"`
	// Init tells that an init such as tini stands first and hands signals to the next.
	Init bool `json:"init,omitempty"`
	// Variable is the variable that an Undecided start depends on.
	Variable string `json:"variable,omitempty"`
	// File and Line are where the deciding words stand.
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
}

// argv is an entrypoint or a command as it was given.
type argv struct {
	words      []string
	given      bool // also where it is empty, which takes back the image's
	variable   string
	dockerfile bool // where the shell form means /bin/sh -c
	file       string
	line       int
}

// argvOf reads entrypoint or command. Compose splits a text into words as a shell would,
// and starts no shell for it (Compose Specification, 05-services.md).
func (r *reader) argvOf(v value) argv {
	a := argv{given: v.set(), file: v.file, line: v.line}
	switch {
	case v.list != nil:
		a.words, a.variable = r.texts(v.list)
	case v.scalar && v.variable != "":
		a.words, a.variable = []string{unresolved}, v.variable
	case v.scalar:
		a.words = split(v.text)
	}
	return a
}

// StartOf tells how a service's container begins: its entrypoint and command, and where it
// has none those of the image that it builds; nil where that was not seen. An entrypoint of
// its own takes back the image's command.
func StartOf(s Service, image *Image) Start {
	entrypoint, command := s.entrypoint, s.command
	if image != nil && !entrypoint.given {
		entrypoint = image.entrypoint
		if !command.given {
			command = image.command
		}
	}
	return join(entrypoint, command)
}

// join judges entrypoint and command together. Where only the command is known, the image's
// entrypoint is taken to be none, or one that ends with exec "$@", as those of the official
// images do.
func join(entrypoint, command argv) Start {
	at := command
	if len(entrypoint.words) > 0 {
		at = entrypoint
	}
	words := append(append([]string{}, entrypoint.words...), command.words...)
	start := judge(words)
	if start.Kind == Undecided {
		start.Variable = entrypoint.variable
		if start.Variable == "" {
			start.Variable = command.variable
		}
	}
	if start.Kind != NotSaid {
		start.File, start.Line = at.file, at.line
	}
	return start
}

// judge tells what a command line starts.
func judge(words []string) Start {
	var start Start
	for len(words) > 0 && isInit(words[0]) {
		start.Init = true
		words = afterOptions(words[1:])
	}
	switch {
	case len(words) == 0 && start.Init:
		start.Kind = NotSaid
		return start
	case len(words) == 0:
		return start
	case strings.Contains(words[0], unresolved):
		start.Kind = Undecided
		return start
	}
	name := path.Base(words[0])
	if name == "busybox" && len(words) > 1 && isShell(words[1]) {
		words = words[1:]
	}
	switch {
	case isShell(words[0]):
		start.Shell = path.Base(words[0])
		if name == "busybox" {
			start.Shell = "ash"
		}
		start.Kind = shellKind(words[1:])
	case strings.HasSuffix(name, ".sh"):
		start.Kind = ShellFile
	default:
		start.Kind = Program
	}
	return start
}

// shellKind tells what a shell's arguments make it do.
func shellKind(args []string) Kind {
	for i, a := range args {
		switch {
		case strings.Contains(a, unresolved):
			return Undecided
		case a == "-" || a == "--" || a == "-s" || a == "-l" || a == "-i" || strings.HasPrefix(a, "--"):
		case strings.HasPrefix(a, "-o") || strings.HasPrefix(a, "+o"):
			return ShellFile // with an argument of its own: not worth following
		case strings.HasPrefix(a, "-") && strings.Contains(a, "c"):
			if i+1 == len(args) {
				return ShellItself
			}
			if strings.Contains(args[i+1], unresolved) {
				return Undecided
			}
			return script(args[i+1])
		case strings.HasPrefix(a, "-"):
		default:
			return ShellFile
		}
	}
	return ShellItself
}

func isShell(word string) bool {
	switch path.Base(word) {
	case "sh", "dash", "bash", "ash", "ksh", "mksh", "zsh":
		return true
	}
	return false
}

func isInit(word string) bool {
	switch path.Base(word) {
	case "tini", "tini-static", "dumb-init", "docker-init", "catatonit":
		return true
	}
	return false
}

// afterOptions gives what follows an init's own options.
func afterOptions(words []string) []string {
	for len(words) > 0 && strings.HasPrefix(words[0], "-") {
		if words[0] == "--" {
			return words[1:]
		}
		takes := words[0] == "-p" || words[0] == "-e" || words[0] == "-r" || words[0] == "--rewrite"
		words = words[1:]
		if takes && len(words) > 0 {
			words = words[1:]
		}
	}
	return words
}

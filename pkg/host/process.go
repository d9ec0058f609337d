package host

import (
	"path"
	"slices"
	"strings"

	"vmguard/pkg/docker"
	"vmguard/pkg/rootfs"
)

// Process is PID 1 of a container (proc_pid_status(5)).
type Process struct {
	Comm string `json:"comm"`
	// Exe is the base name of the executable; empty where it may not be read (needs root).
	Exe string `json:"exe,omitempty"`
	// SigCgt, SigIgn and SigBlk are the signal masks: bit n-1 stands for signal n.
	SigCgt uint64 `json:"sigCgt"`
	SigIgn uint64 `json:"sigIgn"`
	SigBlk uint64 `json:"sigBlk"`
	// NamespacePID is its PID in its own PID namespace: only 1 has init's immunity to
	// unhandled signals. 0 before Linux 4.1, which does not say.
	NamespacePID int `json:"namespacePid"`
	OOMScoreAdj  int `json:"oomScoreAdj"`
	// Sigwait tells that a thread waits for signals by itself, which the masks do not
	// show; only looked at, and only kept, where they do not have the stop signal, nil where it cannot be told.
	Sigwait *bool `json:"sigwait,omitempty"`
	// Runtime is RuntimeNode or another of the constants, or empty where it cannot be told.
	Runtime string `json:"runtime,omitempty"`
}

// readProcess reads PID 1 of a container; the container says which program and stop signal are configured.
func readProcess(tree *rootfs.FS, pid int, c docker.Container) Fact[Process] {
	name := procFile(pid, "status")
	st := parsed(tree, name, parseStatus)
	if !st.Known() {
		return Missing[Process](st.Why())
	}
	adj, err := readOOMScoreAdj(tree, pid)
	if err != nil {
		return Missing[Process](unread(procFile(pid, "oom_score_adj"), err))
	}
	p := Process{
		Comm:        st.Value.name,
		SigCgt:      st.Value.sigCgt,
		SigIgn:      st.Value.sigIgn,
		SigBlk:      st.Value.sigBlk,
		OOMScoreAdj: adj,
	}
	if n := len(st.Value.nspid); n > 0 {
		p.NamespacePID = st.Value.nspid[n-1]
	}
	if exe, err := tree.Readlink(procFile(pid, "exe")); err == nil {
		p.Exe = path.Base(strings.TrimSuffix(exe, " (deleted)"))
	}
	argv0 := ""
	if p.Exe == "" || p.Exe == "busybox" { // elsewhere the executable decides
		argv0 = readArgv0(tree, pid)
	}
	p.Runtime = runtimeOf(p.Exe, p.Comm, argv0, c.Program)
	signal, ok := docker.SignalNumber(c.Stop())
	if ok && (p.SigCgt|p.SigBlk|p.SigIgn)&(1<<(signal-1)) == 0 {
		p.Sigwait = readSigwait(tree, pid)
	}
	return Known(p, name)
}

// readArgv0 gives the base name of what a process was started as: of a script that is its
// interpreter. Empty where it cannot be read. A process may write over it.
func readArgv0(tree *rootfs.FS, pid int) string {
	cmdline, err := tree.ReadFile(procFile(pid, "cmdline"), smallFile)
	if err != nil {
		return ""
	}
	argv0, _, _ := strings.Cut(string(cmdline), "\x00")
	if argv0 == "" {
		return ""
	}
	return strings.TrimPrefix(path.Base(argv0), "-") // a login shell's has a dash
}

// The kinds of program that runtimeOf tells apart.
const (
	RuntimeNode   = "node"
	RuntimePython = "python"
	RuntimeJava   = "java"
	RuntimeShell  = "shell"
	// RuntimeInit is an init made for containers, which hands every signal on to its child.
	// A full init system does not: systemd takes SIGTERM to mean that it should start anew.
	RuntimeInit = "init"
)

// runtimeOf tells what kind of program a process is: by its executable, which it
// cannot rename, and only where that is not known by its names. Go programs bear no
// common name and stay untold.
func runtimeOf(exe, comm, argv0, program string) string {
	switch {
	case exe != "" && exe != "busybox":
		return kindOf(exe)
	case kindOf(comm) != "":
		return kindOf(comm)
	case kindOf(argv0) == RuntimeShell:
		return RuntimeShell // a script: the kernel names the process after the file
	case exe == "" && (comm == "MainThread" || strings.HasPrefix(comm, "npm ")) && startsNode(program):
		// Newer Node names its main thread "MainThread" and npm renames itself; other
		// programs may do both, so that these names count only beside another sign.
		return RuntimeNode
	}
	return ""
}

// startsNode tells whether a configured program is Node, or one that runs it.
func startsNode(program string) bool {
	return slices.Contains([]string{"node", "nodejs", "npm", "npx", "yarn", "yarnpkg", "pnpm"}, program)
}

// kindOf gives the kind of program that goes by a name.
func kindOf(name string) string {
	switch name {
	case "node", "nodejs":
		return RuntimeNode
	case "java":
		return RuntimeJava
	case "sh", "bash", "dash", "ash", "zsh", "ksh":
		return RuntimeShell
	case "docker-init", "tini", "tini-static", "dumb-init", "catatonit":
		return RuntimeInit
	}
	if version, ok := strings.CutPrefix(name, "python"); ok && strings.Trim(version, "0123456789.") == "" {
		return RuntimePython
	}
	return ""
}

package host

import (
	"strings"

	"vmguard/pkg/rootfs"
)

// mostThreads bounds how many threads of a process are looked at.
const mostThreads = 256

// readSigwait tells whether a thread of a process waits for signals by itself
// (sigwaitinfo(2) and its like), as docker-init, tini and dumb-init do. While it waits
// the kernel takes those signals out of its SigBlk (do_sigtimedwait in kernel/signal.c),
// and SigCgt never had them: the masks then look like those of a program that does nothing
// about them. Nil where the kernel does not say where a thread sleeps, to others than root for one.
func readSigwait(tree *rootfs.FS, pid int) *bool {
	tasks := procFile(pid, "task")
	threads, err := tree.ReadDir(tasks)
	if err != nil || len(threads) == 0 || len(threads) > mostThreads {
		return nil
	}
	answer, known := false, true
	for _, t := range threads {
		sleeps, err := word(tree, tasks+"/"+t.Name()+"/wchan")
		switch {
		case err != nil:
			known = false
		case strings.HasPrefix(sleeps, "do_sigtimedwait"): // compilers add .isra.0 and the like
			answer = true
		case sleeps == "0" || sleeps == "":
			// The thread runs, or the kernel will not say.
			call, err := word(tree, tasks+"/"+t.Name()+"/syscall")
			known = known && err == nil && call == "running"
		}
	}
	if !known && !answer {
		return nil
	}
	return &answer
}

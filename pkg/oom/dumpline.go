package oom

import (
	"strconv"
	"strings"
)

// The lines before a kill line that say how it came about, from mm/oom_kill.c and, for
// the cgroups, from mm/memcontrol.c.
const (
	headerMid   = " invoked oom-killer: "
	taskInStart = "Task in "
	taskInMid   = " killed as a result of limit of "
	groupStart  = "Tasks in "
	groupEnd    = " are going to be killed due to memory.oom.group set"
	reapedStart = "oom_reaper: reaped process "
)

// maxGFP is more than any kernel's list of allocation flags, in bytes.
const maxGFP = 256

// parseHeader reads the line that says whose allocation set off the killer:
//
//	node invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0
//	node invoked oom-killer: gfp_mask=0x201da, order=0, oom_adj=0, oom_score_adj=0
//	node invoked oom-killer: gfp_mask=0x14000c0(GFP_KERNEL), nodemask=(null), order=0, oom_score_adj=0
//
// The first is of 4.6 and later, the second of 2.6.36 to 3.2, and the third of 4.9 to 5.0.
// oom_adj is another scale, and is not read.
func parseHeader(message string) (Invoker, bool) {
	comm, rest, ok := cutLast(message, headerMid)
	if !ok || len(comm) > maxComm || !strings.HasPrefix(rest, "gfp_mask=") {
		return Invoker{}, false
	}
	i := Invoker{Comm: strings.Clone(comm)}
	for field := range strings.SplitSeq(rest, ", ") {
		key, value, _ := strings.Cut(field, "=")
		switch key {
		case "gfp_mask":
			i.GFP = strings.Clone(value[:min(len(value), maxGFP)])
		case "order":
			i.Order = parseSmall(value)
		case "oom_score_adj":
			i.OOMScoreAdj = parseSmall(value)
		}
	}
	return i, true
}

// parseCaller reads from the first line of the stack dump which process it is of:
//
//	CPU: 0 UID: 0 PID: 31952 Comm: app Not tainted 6.18.44 #1
//	CPU: 1 PID: 31952 Comm: app Not tainted 4.19.0
//	Pid: 31952, comm: app Not tainted 2.6.32-754.el6.x86_64 #1
func parseCaller(message, comm string) (pid int, ok bool) {
	if !strings.HasPrefix(message, "CPU: ") && !strings.HasPrefix(message, "Pid: ") {
		return 0, false
	}
	for _, form := range [...]struct{ key, then string }{{" PID: ", " Comm: "}, {"Pid: ", ", comm: "}} {
		_, rest, found := strings.Cut(message, form.key)
		digits, name, named := strings.Cut(rest, form.then)
		if found && named && strings.HasPrefix(name, comm+" ") {
			pid = parsePID(digits)
			return pid, pid > 0
		}
	}
	return 0, false
}

// parseTaskIn reads the victim's cgroup and the one whose limit was hit, as kernels up
// to 4.20 write them:
//
//	Task in /docker/ID killed as a result of limit of /docker/ID
//
// A name may hold the words between: the limit's cgroup is the victim's or one above it.
// Of the first 2.6.32 the first cgroup is the invoker's.
func parseTaskIn(message string) (task, limit string, ok bool) {
	rest, ok := strings.CutPrefix(message, taskInStart)
	if !ok || !strings.HasPrefix(rest, "/") {
		return "", "", false
	}
	first := strings.Index(rest, taskInMid)
	if first < 0 {
		return "", "", false
	}
	for at := first; ; {
		task, limit = rest[:at], rest[at+len(taskInMid):]
		if below(task, limit) {
			return task, limit, true
		}
		next := strings.Index(rest[at+1:], taskInMid)
		if next < 0 {
			return rest[:first], rest[first+len(taskInMid):], strings.HasPrefix(rest[first+len(taskInMid):], "/")
		}
		at += 1 + next
	}
}

// below tells whether a cgroup is another or lies below it.
func below(task, limit string) bool {
	return task == limit || strings.HasPrefix(limit, "/") && strings.HasPrefix(task, strings.TrimSuffix(limit, "/")+"/")
}

// parseChosen reads, after its reason, the line that kernels before 5.1 write of the
// process that they chose. They may have killed a child of it instead:
//
//	Kill process 42 (node) score 854 or sacrifice child
//	kill process 42 (node) score 854 or a child
func parseChosen(rest string) (pid int, ok bool) {
	for _, start := range [...]string{"Kill process ", "kill process "} {
		if text, found := strings.CutPrefix(rest, start); found {
			pid, _, ok = cutPID(text)
			return pid, ok
		}
	}
	return 0, false
}

// parseGroup reads the cgroup all of whose processes are killed:
//
//	Tasks in /a are going to be killed due to memory.oom.group set
func parseGroup(message string) (cgroup string, ok bool) {
	rest, ok := strings.CutPrefix(message, groupStart)
	if !ok || !strings.HasPrefix(rest, "/") {
		return "", false
	}
	return strings.CutSuffix(rest, groupEnd)
}

// parseReaped reads whose memory was taken before it had ended:
//
//	oom_reaper: reaped process 42 (node), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB
func parseReaped(message string) (pid int, comm string, ok bool) {
	rest, ok := strings.CutPrefix(message, reapedStart)
	if !ok {
		return 0, "", false
	}
	pid, rest, ok = cutPID(rest)
	comm, _, found := cutLast(rest, "), now ")
	return pid, comm, ok && found
}

// noVictim tells whether a line says that there was nothing to kill. In front of it,
// where the machine stops for it, stands "Kernel panic - not syncing: ".
func noVictim(message string) bool {
	_, rest := cutReason(message)
	return strings.HasPrefix(rest, "Out of memory and no killable processes") ||
		strings.HasPrefix(message, "Memory cgroup out of memory and no killable processes")
}

// panics tells whether a line says that the machine stops for want of memory.
func panics(message string) bool {
	rest, ok := strings.CutPrefix(message, "Kernel panic - not syncing: ")
	return ok && (strings.HasPrefix(rest, "Out of memory") || strings.HasPrefix(rest, "out of memory") ||
		strings.HasPrefix(rest, "System is deadlocked on memory"))
}

// parseSmall reads a number from -1000 to 1000, which are the ends of oom_score_adj;
// nil for what is none.
func parseSmall(text string) *int {
	n, err := strconv.ParseInt(text, 10, 16)
	if err != nil || n < -1000 || n > 1000 {
		return nil
	}
	return new(int(n))
}

package oom

import (
	"math"
	"strconv"
	"strings"
)

// The kernel's words, from mm/oom_kill.c. They are looked for at the start of a
// message only: further in, a message may quote what a user wrote.
const (
	summaryStart = "oom-kill:constraint="
	killStart    = "Killed process "
	skipStart    = "OOM victim "
)

// reasons are what stands before ": Killed process", ": OOM victim" and, before 5.1,
// ": Kill process". Those kernels write their kill line without any. The two of "No
// available memory" are of the host too: of those of its nodes that a task may use.
var reasons = [...]struct {
	text  string
	scope Scope
}{
	{"Memory cgroup out of memory: ", ScopeCgroup},
	{"Out of memory: ", ScopeHost},
	{"Out of memory (oom_kill_allocating_task): ", ScopeHost},
	{"Out of Memory: ", ScopeHost}, // before 2.6.24
	{"No available memory in cpuset: ", ScopeHost},
	{"No available memory (MPOL_BIND): ", ScopeHost},
	{"", ScopeUnknown},
}

// cutReason splits a message of the OOM killer into whose memory ran out and what was done.
func cutReason(message string) (Scope, string) {
	for _, reason := range reasons {
		if rest, ok := strings.CutPrefix(message, reason.text); ok {
			return reason.scope, rest
		}
	}
	return ScopeUnknown, message
}

// parseKill reads a kill line after its reason:
//
//	Killed process 42 (node) total-vm:8kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:36kB oom_score_adj:0
//	Killed process 42, UID 48, (httpd) total-vm:8kB, anon-rss:4kB, file-rss:0kB
//	Killed process 42 (httpd), UID 48, total-vm:8kB, anon-rss:4kB, file-rss:0kB
//	Killed process 42 (httpd) vsz:8kB, anon-rss:4kB, file-rss:0kB
//
// shmem-rss came with 4.5, and what follows it with 5.4. The second form is of Red
// Hat's 2.6.32, the third of its 3.10, the fourth of 2.6.32. A number that is not there
// stays nil.
func parseKill(rest string) (Kill, bool) {
	rest, ok := strings.CutPrefix(rest, killStart)
	if !ok {
		return Kill{}, false
	}
	k, rest, ok := cutVictim(rest)
	if !ok {
		return Kill{}, false
	}
	// A process can name itself ") total-vm:1kB", so the last one is the kernel's.
	at := max(strings.LastIndex(rest, " total-vm:"), strings.LastIndex(rest, " vsz:"))
	if at < 0 { // cut off: still a kill
		name := rest
		if end := strings.LastIndexByte(name, ')'); end >= 0 {
			name = name[:end]
		}
		k.Comm = cutComm(name)
		return k, true
	}
	name, ok := strings.CutSuffix(rest[:at], ")")
	if before, uid, found := cutLast(name, "), UID "); found && !ok {
		name, k.UID = before, parseUID(strings.TrimSuffix(uid, ","))
	}
	k.Comm = cutComm(name)
	for field := range strings.FieldsSeq(rest[at:]) {
		k.set(strings.TrimSuffix(field, ","))
	}
	return k, true
}

// cutVictim takes "42 (" or "42, UID 48, (" from the start of a kill line.
func cutVictim(text string) (k Kill, rest string, ok bool) {
	id, rest, ok := strings.Cut(text, " (")
	if digits, uid, found := strings.Cut(id, ", UID "); found {
		k.UID = parseUID(strings.TrimSuffix(uid, ","))
		id = digits
	}
	k.PID = parsePID(id)
	return k, rest, ok && k.PID > 0
}

// set takes over one "key:value" of a kill line.
func (k *Kill) set(field string) {
	key, value, _ := strings.Cut(field, ":")
	switch key {
	case "total-vm", "vsz":
		k.TotalVM = parseKB(value)
	case "anon-rss":
		k.AnonRSS = parseKB(value)
	case "file-rss":
		k.FileRSS = parseKB(value)
	case "shmem-rss":
		k.ShmemRSS = parseKB(value)
	case "UID":
		k.UID = parseUID(value)
	case "oom_score_adj":
		if n, err := strconv.ParseInt(value, 10, 16); err == nil {
			k.OOMScoreAdj = new(int(n))
		}
	}
}

// parseSkip gives the process of a line that says that it was chosen and then not
// killed, since it was exiting by itself:
//
//	OOM victim 42 (node) is already exiting. Skip killing the task
func parseSkip(rest string) (pid int, ok bool) {
	rest, ok = strings.CutPrefix(rest, skipStart)
	if !ok {
		return 0, false
	}
	pid, _, ok = cutPID(rest)
	return pid, ok
}

// parseSummary reads the summary line, which is of 5.0 and later:
//
//	oom-kill:constraint=C,nodemask=M[,cpuset=X,mems_allowed=Y]{,oom_memcg=P|,global_oom},task_memcg=P,task=COMM,pid=N,uid=U
//
// It gives false for one that is not whole. The constraint is not read: kernels
// write CONSTRAINT_NONE beside an oom_memcg.
func parseSummary(message string) (Kill, bool) {
	rest, uidText, ok := cutLast(message, ",uid=")
	if !ok {
		return Kill{}, false
	}
	rest, pidText, ok := cutLast(rest, ",pid=")
	if !ok {
		return Kill{}, false
	}
	pid, uid := parsePID(pidText), parseUID(uidText)
	if pid == 0 || uid == nil {
		return Kill{}, false
	}
	rest, comm, ok := cutTask(rest)
	if !ok {
		return Kill{}, false
	}
	k := Kill{PID: pid, UID: uid, Comm: cutComm(comm), Scope: ScopeUnknown}
	k.setCgroups(rest)
	return k, true
}

// cutTask splits off ",task=COMM". A process may have ",task=" in its name, and its
// cgroup too: the leftmost that leaves a possible name is the kernel's, else the last.
func cutTask(text string) (before, comm string, ok bool) {
	const key = ",task="
	// What stands to the left of this leaves too much for a name.
	from := max(0, len(text)-maxComm-len(key))
	if at := strings.Index(text[from:], key); at >= 0 {
		return text[:from+at], text[from+at+len(key):], true
	}
	return cutLast(text, key)
}

// setCgroups reads whose limit was hit and the victim's cgroup. Names of cgroups may
// hold any of the keys, and a container may be free to name its own. But the cpuset
// that comes before is a name without a slash, so the first key with a path is the
// kernel's; and the limit's cgroup is the victim's or one above it.
func (k *Kill) setCgroups(text string) {
	const global, limit, task = ",global_oom,task_memcg=/", ",oom_memcg=/", ",task_memcg=/"
	atGlobal, atLimit := strings.Index(text, global), strings.Index(text, limit)
	switch {
	case atGlobal >= 0 && (atLimit < 0 || atGlobal < atLimit):
		k.Scope = ScopeHost
		k.TaskCgroup = text[atGlobal+len(global)-1:]
	case atLimit >= 0:
		k.Scope = ScopeCgroup
		paths := text[atLimit+len(limit)-1:]
		k.LimitCgroup, k.TaskCgroup = splitPaths(paths, task)
	default:
		// Without memory cgroups in the kernel neither key is there.
	}
}

// splitPaths splits "LIMIT,task_memcg=/TASK" where LIMIT is TASK or above it, or at
// the first key where it is so nowhere.
func splitPaths(paths, key string) (limit, task string) {
	first := strings.Index(paths, key)
	if first < 0 {
		return paths, ""
	}
	for at := first; at >= 0; {
		limit, task = paths[:at], paths[at+len(key)-1:]
		if task == limit || strings.HasPrefix(task, strings.TrimSuffix(limit, "/")+"/") {
			return limit, task
		}
		next := strings.Index(paths[at+1:], key)
		if next < 0 {
			break
		}
		at += 1 + next
	}
	return paths[:first], paths[first+len(key)-1:]
}

// maxComm is TASK_COMM_LEN (16, include/linux/sched.h) without the final NUL.
const maxComm = 15

func cutComm(name string) string { return name[:min(len(name), maxComm)] }

// cutPID takes "42 (" from the start.
func cutPID(text string) (pid int, rest string, ok bool) {
	digits, rest, ok := strings.Cut(text, " (")
	pid = parsePID(digits)
	return pid, rest, ok && pid > 0
}

func cutLast(s, sep string) (before, after string, ok bool) {
	at := strings.LastIndex(s, sep)
	if at < 0 {
		return "", "", false
	}
	return s[:at], s[at+len(sep):], true
}

// parsePID gives 0 for what is no process ID.
func parsePID(text string) int {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0
	}
	return int(n)
}

// parseUID reads a user ID: the kill line writes it unsigned, the summary signed
// (%d), so that 4294967294 is -2 there.
func parseUID(text string) *int {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < math.MinInt32 || n > math.MaxUint32 {
		return nil
	}
	return new(int(uint32(n)))
}

// parseKB reads a size such as "36kB", in the kernel's kB of 1024 bytes, and gives bytes.
func parseKB(text string) *uint64 {
	digits, ok := strings.CutSuffix(text, "kB")
	if !ok {
		return nil
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || n > math.MaxUint64/1024 {
		return nil
	}
	return new(n * 1024)
}

package oom

import (
	"slices"
	"strconv"
	"strings"
)

// The dump's table of tasks (dump_tasks in mm/oom_kill.c) has one line of titles, which
// differ from kernel to kernel, and one line for each task:
//
//	[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name
//	[  19473]     0 19473   323203     8148     8032      116         0   151552        0             0 app

// maxRows bounds what is kept of a table: one row is 56 bytes.
const maxRows = 1 << 15

// row is one task; sizes are in pages.
type row struct {
	pid, tgid, uid int
	vm, rss, swap  uint64
	adj            int
}

// table gathers a table of tasks. The zero value has no titles yet.
type table struct {
	columns []string // the titles between pid and name
	rows    []row
	top     []named // the largest, the largest first
	count   int
}

type named struct {
	row
	comm string
}

func (r row) size() uint64 { return r.rss + r.swap }

// parseTitles gives the titles between "[ pid ]" and "name".
func parseTitles(message string) (columns []string, ok bool) {
	rest, ok := strings.CutPrefix(message, "[")
	if !ok {
		return nil, false
	}
	pid, rest, ok := strings.Cut(rest, "]")
	if !ok || strings.Trim(pid, " ") != "pid" {
		return nil, false
	}
	columns = strings.Fields(rest)
	last := len(columns) - 1
	if last < 1 || last > 16 || columns[last] != "name" || !slices.Contains(columns, "rss") {
		return nil, false
	}
	return columns[:last], true
}

// parseRow reads a task's line by the table's titles.
func parseRow(message string, columns []string) (named, bool) {
	rest, ok := strings.CutPrefix(message, "[")
	if !ok || len(columns) == 0 {
		return named{}, false
	}
	pid, rest, ok := strings.Cut(rest, "]")
	if !ok {
		return named{}, false
	}
	r := row{pid: parsePID(strings.TrimLeft(pid, " "))}
	if r.pid == 0 {
		return named{}, false
	}
	for _, title := range columns {
		var word string
		word, rest, _ = strings.Cut(strings.TrimLeft(rest, " "), " ")
		if !r.set(title, word) {
			return named{}, false
		}
	}
	return named{r, strings.Clone(cutComm(rest))}, true
}

// set takes over the number of one column. It gives false for what is no number.
func (r *row) set(title, word string) bool {
	n, err := strconv.ParseInt(word, 10, 52)
	if err != nil || n < 0 && !strings.HasPrefix(title, "oom_") && title != "uid" {
		return false
	}
	switch title {
	case "uid":
		uid := parseUID(word)
		if uid == nil {
			return false
		}
		r.uid = *uid
	case "tgid":
		r.tgid = int(n)
	case "total_vm":
		r.vm = uint64(n)
	case "rss":
		r.rss = uint64(n)
	case "swapents":
		r.swap = uint64(n)
	case "oom_score_adj":
		r.adj = int(n)
		return n >= -1000 && n <= 1000
	}
	return true
}

// add takes one message where it belongs to a table.
func (t *table) add(message string) bool {
	if columns, ok := parseTitles(message); ok {
		*t = table{columns: columns}
		return true
	}
	n, ok := parseRow(message, t.columns)
	if !ok {
		return false
	}
	t.count++
	if len(t.rows) < maxRows {
		t.rows = append(t.rows, n.row)
	}
	at := len(t.top) // of equals the earlier stays first
	for at > 0 && t.top[at-1].size() < n.size() {
		at--
	}
	t.top = slices.Insert(t.top, at, n)
	t.top = t.top[:min(len(t.top), maxTasks)]
	return true
}

func (t *table) has(title string) bool { return slices.Contains(t.columns, title) }

// find gives the line of a process. Of one whose first thread has ended the table
// names another thread.
func (t *table) find(pid int) (row, bool) {
	for _, r := range t.rows {
		if r.pid == pid || r.tgid == pid {
			return r, true
		}
	}
	return row{}, false
}

// tasks gives the largest, in bytes.
func (t *table) tasks(page uint64) []Task {
	var list []Task
	for _, n := range t.top {
		task := Task{PID: n.pid, Comm: n.comm, UID: n.uid, RSS: n.rss * page}
		if t.has("swapents") {
			task.Swap = new(n.swap * page)
		}
		if t.has("oom_score_adj") {
			task.OOMScoreAdj = new(n.adj)
		}
		list = append(list, task)
	}
	return list
}

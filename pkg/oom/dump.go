package oom

import (
	"strings"
	"time"
)

// dump is what the kernel writes of one run of the OOM killer before it names the
// victim. It gathers until a kill takes it.
type dump struct {
	at       time.Duration
	invoker  *Invoker
	headers  int // runs whose header was seen and whose victim was not
	mixed    bool
	task     string // the victim's cgroup and the limit's, before 5.0
	limit    string
	picture  Picture
	pages    struct{ ram, free *uint64 }
	page     uint64 // the size of a page, 0 while unknown
	table    table
	pictured bool // there is more than a header
}

// add takes one message where it belongs to a dump. Kernels write several lines of
// Mem-Info as one message.
func (d *dump) add(message string) bool {
	if d.table.add(message) {
		d.pictured = true
		return true
	}
	if task, limit, ok := parseTaskIn(message); ok {
		d.task, d.limit = task, limit
		return true
	}
	if d.invoker != nil && d.invoker.PID == 0 {
		if pid, ok := parseCaller(message, d.invoker.Comm); ok {
			d.invoker.PID = pid
			return true
		}
	}
	if d.addMeters(message) {
		d.pictured = true
		return true
	}
	found := false
	for line := range strings.Lines(message) {
		found = d.addHost(strings.Trim(line, " \n")) || found
	}
	d.pictured = d.pictured || found
	return found
}

// addMeters takes a line of a cgroup's dump.
func (d *dump) addMeters(message string) bool {
	p := &d.picture
	if m, ok := parseMeter(message, "memory"); ok {
		p.Usage, p.Limit, p.Failcnt = &m.usage, m.limit, m.failcnt
		return true
	}
	if m, ok := parseMeter(message, "memory+swap"); ok {
		p.MemorySwapUsage, p.MemorySwapLimit = &m.usage, m.limit
		return true
	}
	if m, ok := parseMeter(message, "swap"); ok {
		p.SwapUsage, p.SwapLimit = &m.usage, m.limit
		return true
	}
	return false
}

// addHost takes a line of the host's dump (show_mem and show_free_areas).
func (d *dump) addHost(line string) bool {
	switch {
	case strings.HasPrefix(line, "free:"):
		d.pages.free = parseCount(line, "free:", "")
	case strings.HasSuffix(line, " pages RAM"):
		d.pages.ram = parseCount(line, "", " pages RAM")
	case strings.HasPrefix(line, "Free swap"):
		d.picture.FreeSwap = parseSwap(line)
	case strings.HasPrefix(line, "Total swap"):
		d.picture.TotalSwap = parseSwap(line)
	case strings.HasPrefix(line, "Mem-Info:"):
	default:
		size, ok := parsePageSize(line)
		if !ok {
			return false
		}
		d.page = size
	}
	return true
}

// parseSwap reads "Free swap  = 7029052kB", in bytes.
func parseSwap(line string) *uint64 {
	_, size, ok := strings.Cut(line, "= ")
	if !ok {
		return nil
	}
	return parseKB(size)
}

// fits tells whether the dump can be that of a kill: a table that does not hold the
// victim is another's.
func (d *dump) fits(k *Kill) bool {
	if d.table.count == 0 || d.table.count > len(d.table.rows) {
		return true
	}
	_, ok := d.table.find(k.PID)
	return ok
}

// give fills in what the dump knows of a kill.
func (d *dump) give(k *Kill) {
	if d.invoker != nil {
		k.Invoker = d.invoker
	}
	if k.Scope == ScopeUnknown && d.limit != "" {
		k.Scope = ScopeCgroup
	}
	if k.Scope == ScopeCgroup {
		if d.picture.Limit != nil {
			k.Limit = d.picture.Limit
		}
		if k.LimitCgroup == "" {
			k.LimitCgroup = d.limit
		}
	}
	if !d.pictured {
		return
	}
	page := d.pageSize(k)
	if r, ok := d.table.find(k.PID); ok {
		k.fill(r, &d.table, page)
	}
	p := d.picture
	p.PageSize = page
	p.RAM, p.FreeRAM = pages(d.pages.ram, page), pages(d.pages.free, page)
	p.Tasks, p.TaskCount = d.table.tasks(page), d.table.count
	k.Picture = &p
}

// pageSize gives the size of a page. The kill line and the table both have the size of
// the victim's address space, in kB and in pages.
func (d *dump) pageSize(k *Kill) uint64 {
	if d.page > 0 {
		return d.page
	}
	if r, ok := d.table.find(k.PID); ok && r.vm > 0 && k.TotalVM != nil && *k.TotalVM%r.vm == 0 && isPageSize(*k.TotalVM/r.vm) {
		return *k.TotalVM / r.vm
	}
	return defaultPage
}

// fill takes from the victim's own line what the others leave open.
func (k *Kill) fill(r row, t *table, page uint64) {
	if t.has("swapents") {
		k.Swap = new(r.swap * page)
	}
	if k.UID == nil && t.has("uid") {
		k.UID = new(r.uid)
	}
	if k.OOMScoreAdj == nil && t.has("oom_score_adj") {
		k.OOMScoreAdj = new(r.adj)
	}
}

func pages(n *uint64, page uint64) *uint64 {
	if n == nil {
		return nil
	}
	return new(*n * page)
}

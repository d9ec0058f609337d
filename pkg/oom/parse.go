package oom

import (
	"strings"
	"time"
)

// Parser gathers the OOM kills from a kernel log, record by record. The zero value
// is ready. Only records of the kernel (facility 0) count: user space can write all
// others, and could make up a kill.
//
// A kill shows in two lines, the summary and the kill line. The kernel rate-limits
// the summary, so a storm of kills leaves lone kill lines; a summary stands alone
// where the log ends or lost its kill line. Either line is a kill, and both together
// are one.
type Parser struct {
	log     Log
	started bool
	recent  map[int]seen // by PID
	limit   *limit       // of a dump that waits for its summary
	pending *summary     // waits for its kill line
	broken  *broken      // a summary line that waits for its rest
}

// seen is where a kill line's process was entered.
type seen struct {
	index int    // in log.Kills
	comm  string // of the kill line
	at    time.Duration
}

type summary struct {
	kill Kill
	seq  uint64
}

type limit struct {
	bytes uint64
	at    time.Duration
}

type broken struct {
	text string
	at   time.Duration
}

const (
	// joinWindow is how far apart a summary and its kill line may be. The kernel
	// writes them in one go, but a slow console holds it up.
	joinWindow = 10 * time.Second
	// againWindow is how far apart two kill lines of one process may be. With
	// memory.oom.group the victim is logged once for itself and once with its group.
	againWindow = 2 * time.Second
	// maxSummary bounds what is gathered of a broken summary line: two paths of
	// PATH_MAX and the rest.
	maxSummary = 2*4096 + 1024
)

// Add takes the log's next record.
func (p *Parser) Add(r Record) {
	if !p.started {
		p.started = true
		// Records that could not be read may have been the first ones.
		p.log.Truncated = r.Seq > uint64(p.log.Malformed)
	}
	if r.Facility != 0 {
		return
	}
	p.log.Records++
	if p.broken != nil && p.mend(r) {
		return
	}
	if strings.HasPrefix(r.Message, summaryStart) {
		p.addSummary(r, r.Message)
		return
	}
	if bytes, ok := parseLimit(r.Message); ok {
		p.limit = &limit{bytes, r.SinceBoot}
		return
	}
	scope, rest := cutReason(r.Message)
	if k, ok := parseKill(rest); ok {
		k.Scope, k.SinceBoot = scope, r.SinceBoot
		p.addKill(k, r.Seq)
	} else if pid, ok := parseSkip(rest); ok {
		p.skip(pid, r.Seq)
	}
}

// AddMalformed counts a record that could not be parsed.
func (p *Parser) AddMalformed() { p.log.Malformed++ }

// AddLost counts a place where records had been overwritten before they could be read.
func (p *Parser) AddLost() { p.log.Lost++ }

// Log gives what is known so far; more records may follow. Kills are in the log's order.
func (p *Parser) Log() Log {
	log := p.log
	log.Kills = make([]Kill, 0, len(p.log.Kills)+1)
	log.Kills = append(log.Kills, p.log.Kills...)
	if p.pending != nil {
		log.Kills = append(log.Kills, p.pending.kill)
	}
	return log
}

// mend adds to a broken summary line where r is its next piece. The kernel writes the
// line in pieces, and another CPU's message, or its own length, can part them.
func (p *Parser) mend(r Record) bool {
	// A path or name follows its key, and all else begins with the comma before a key.
	piece := strings.HasPrefix(r.Message, ",") || r.Fragment && strings.HasSuffix(p.broken.text, "=")
	if !piece || !within(p.broken.at, r.SinceBoot, joinWindow) {
		return false
	}
	text := p.broken.text + r.Message
	p.broken = nil
	if len(text) <= maxSummary {
		p.addSummary(r, text)
	}
	return true
}

func (p *Parser) addSummary(r Record, text string) {
	p.broken = nil
	k, ok := parseSummary(text)
	if !ok {
		p.broken = &broken{text: text, at: r.SinceBoot}
		return
	}
	k.SinceBoot = r.SinceBoot
	// The dump before the summary shows the cgroup whose limit was hit.
	if p.limit != nil && k.Scope == ScopeCgroup && within(p.limit.at, k.SinceBoot, joinWindow) {
		k.Limit = &p.limit.bytes
	}
	p.limit = nil
	p.flush()
	if old := p.again(k); old != nil { // its kill line came first
		if old.TaskCgroup == "" {
			old.join(k)
		}
		return
	}
	p.pending = &summary{kill: k, seq: r.Seq}
}

func (p *Parser) addKill(k Kill, seq uint64) {
	p.broken = nil // its kill line speaks for it
	entry := seen{comm: k.Comm, at: k.SinceBoot}
	pid := k.PID
	if s := p.pending; s != nil && s.belongs(k, seq) {
		p.pending = nil
		if s.kill.PID != k.PID {
			k.PID, k.Comm = s.kill.PID, s.kill.Comm
		}
		k.join(s.kill)
	} else {
		p.flush()
		if old := p.again(k); old != nil {
			if old.TotalVM == nil { // known from its summary only
				k.join(*old)
				*old = k
			}
			return
		}
	}
	entry.index = p.enter(k)
	p.recent[pid] = entry
}

// belongs tells whether a kill line is that of the summary. The process ID says so;
// but of a process whose first thread has ended, the kill line names another thread,
// and there it counts that the line follows at once: the kernel lets no second OOM
// kill in between.
func (s *summary) belongs(k Kill, seq uint64) bool {
	return within(s.kill.SinceBoot, k.SinceBoot, joinWindow) && (s.kill.PID == k.PID || s.seq+1 == seq)
}

// join takes over what only the summary knows.
func (k *Kill) join(s Kill) {
	k.TaskCgroup, k.LimitCgroup = s.TaskCgroup, s.LimitCgroup
	if s.Scope != ScopeUnknown {
		k.Scope = s.Scope
	}
	if k.UID == nil {
		k.UID = s.UID
	}
	if k.Limit == nil {
		k.Limit = s.Limit
	}
}

// skip drops a summary whose process was not killed after all.
func (p *Parser) skip(pid int, seq uint64) {
	p.broken = nil
	if s := p.pending; s != nil && (s.kill.PID == pid || s.seq+1 == seq) {
		p.pending = nil
	}
}

// flush enters a summary whose kill line does not come any more.
func (p *Parser) flush() {
	if p.pending != nil {
		p.enter(p.pending.kill)
		p.pending = nil
	}
}

func (p *Parser) enter(k Kill) (index int) {
	if p.recent == nil {
		p.recent = make(map[int]seen)
	}
	index = len(p.log.Kills)
	p.log.Kills = append(p.log.Kills, k)
	p.recent[k.PID] = seen{index: index, comm: k.Comm, at: k.SinceBoot}
	return index
}

// again gives the entry of the same process a moment ago, or nil.
func (p *Parser) again(k Kill) *Kill {
	old, ok := p.recent[k.PID]
	if !ok || old.comm != k.Comm || !within(old.at, k.SinceBoot, againWindow) {
		return nil
	}
	return &p.log.Kills[old.index]
}

// within holds in both directions: the clocks of two CPUs may differ a little.
func within(a, b, window time.Duration) bool { return (a - b).Abs() <= window }

package oom

import (
	"strings"
	"time"
)

// Parser gathers the OOM kills from a kernel log, record by record. The zero value
// is ready. Only records of the kernel (facility 0) count: user space can write all
// others, and could make up a kill.
//
// A kill shows in two lines, the summary and the kill line, after a header and a dump.
// The kernel rate-limits all but the kill line, so a storm of kills leaves lone kill
// lines; a summary stands alone where the log ends or lost its kill line. Either line
// is a kill, and both together are one. A header alone names no victim, and is counted
// in Unnamed.
type Parser struct {
	log      Log
	started  bool
	recent   map[int]seen // by PID
	last     int          // the place in log.Kills, from 1, of the kill that a group line may follow
	dump     *dump        // waits for its kill
	spare    *dump        // for lines that may begin a dump without header
	pending  *summary     // waits for its kill line
	broken   *broken      // a summary line that waits for its rest
	chosen   chosen       // of kernels before 5.1
	group    groupKill    // whose processes are being killed
	pictures int
	unclear  int // lines that are of a kill and could not be parsed
}

// seen is where a kill line's process was entered.
type seen struct {
	index int    // in log.Kills
	comm  string // of the kill line
	seq   uint64
	at    time.Duration
}

type summary struct {
	kill Kill
	dump *dump
	seq  uint64
	at   time.Duration
}

type broken struct {
	text string
	at   time.Duration
}

type chosen struct {
	pid   int
	scope Scope
	at    time.Duration
}

type groupKill struct {
	cgroup string
	scope  Scope
	at     time.Duration
}

const (
	// joinWindow is how far apart a summary and its kill line may be. The kernel
	// writes them in one go, but a slow console holds it up.
	joinWindow = 10 * time.Second
	// againWindow is how far apart two kill lines of one process may be. With
	// memory.oom.group the victim is logged once for itself and once with its group.
	againWindow = 2 * time.Second
	// groupWindow is how far apart two kills of one group may be.
	groupWindow = time.Second
	// mixWindow is how soon after a dump another's header means that their lines are mixed.
	mixWindow = time.Second
	// maxSummary bounds what is gathered of a broken summary line: two paths of
	// PATH_MAX and the rest.
	maxSummary = 2*4096 + 1024
	// maxKills and maxPictures bound what is kept of a log that has too many.
	maxKills    = 1 << 16
	maxPictures = 1 << 10
)

// Add takes the log's next record.
func (p *Parser) Add(r Record) { p.add(r) }

// add tells whether the record belongs to a kill.
func (p *Parser) add(r Record) bool {
	if !p.started {
		p.started = true
		// Records that could not be read may have been the first ones.
		p.log.Truncated = r.Seq > uint64(p.log.Malformed)
	}
	if r.Facility != 0 {
		return false
	}
	p.log.Records++
	if p.broken != nil && p.mend(r) {
		return true
	}
	if strings.HasPrefix(r.Message, summaryStart) {
		p.addSummary(r, r.Message)
		return true
	}
	return p.addWords(r) || p.addDump(r) || p.addReason(r)
}

// addWords takes the lines that stand alone.
func (p *Parser) addWords(r Record) bool {
	at := r.clock()
	if invoker, ok := parseHeader(r.Message); ok {
		p.open(invoker, at)
	} else if cgroup, ok := parseGroup(r.Message); ok {
		p.addGroup(cgroup, at)
	} else if pid, comm, ok := parseReaped(r.Message); ok {
		p.reaped(pid, comm)
	} else {
		return p.addEnd(r.Message, at)
	}
	return true
}

// addEnd takes the lines of a run of the killer that killed nothing.
func (p *Parser) addEnd(message string, at time.Duration) bool {
	switch {
	case panics(message):
		p.log.Panics++
	case noVictim(message):
		p.log.NoVictim++
	default:
		return false
	}
	p.settle(at)
	return true
}

// addReason takes the lines that may begin with whose memory ran out.
func (p *Parser) addReason(r Record) bool {
	scope, rest := cutReason(r.Message)
	if k, ok := parseKill(rest); ok {
		k.Scope = scope
		p.addKill(k, r)
	} else if pid, ok := parseSkip(rest); ok {
		p.skip(pid, r)
	} else if pid, ok := parseChosen(rest); ok {
		p.chosen = chosen{pid, scope, r.clock()}
	} else if strings.HasPrefix(rest, killStart) {
		p.unclear++
	} else {
		return false
	}
	return true
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
		k := p.pending.kill
		if p.pending.dump != nil {
			p.pending.dump.give(&k)
		}
		log.Kills = append(log.Kills, k)
	}
	if p.dump != nil {
		log.Unnamed += p.dump.headers
	}
	return log
}

// unread is how many lines of kills could not be parsed.
func (p *Parser) unread() int {
	if p.broken != nil {
		return p.unclear + 1
	}
	return p.unclear
}

// mend adds to a broken summary line where r is its next piece. The kernel writes the
// line in pieces, and another CPU's message, or its own length, can part them.
func (p *Parser) mend(r Record) bool {
	// A path or name follows its key, and all else begins with the comma before a key.
	piece := strings.HasPrefix(r.Message, ",") || r.Fragment && strings.HasSuffix(p.broken.text, "=")
	if !piece || !within(p.broken.at, r.clock(), joinWindow) {
		return false
	}
	text := p.broken.text + r.Message
	if len(text) > maxSummary {
		p.dropBroken()
		return true
	}
	p.broken = nil
	p.addSummary(r, text)
	return true
}

func (p *Parser) dropBroken() {
	p.unclear = p.unread()
	p.broken = nil
}

func (p *Parser) addSummary(r Record, text string) {
	p.dropBroken()
	k, ok := parseSummary(text)
	if !ok {
		p.broken = &broken{text: text, at: r.clock()}
		return
	}
	k.from(r)
	p.flush()
	p.group = groupKill{}
	d := p.take(&k, r.clock())
	if old := p.again(k, r); old != nil { // its kill line came first
		if old.TaskCgroup == "" {
			old.join(k)
			if d != nil {
				d.give(old)
			}
		}
		return
	}
	p.pending = &summary{kill: k, dump: d, seq: r.Seq, at: r.clock()}
}

func (p *Parser) addKill(k Kill, r Record) {
	p.dropBroken() // its kill line speaks for it
	k.from(r)
	at, pid := r.clock(), k.PID
	entry := seen{comm: k.Comm, seq: r.Seq, at: at}
	var d *dump
	if s := p.pending; s != nil && s.belongs(k, r) {
		p.pending = nil
		if s.kill.PID != k.PID {
			k.PID, k.Comm = s.kill.PID, s.kill.Comm
		}
		k.join(s.kill)
		d = s.dump
	} else {
		p.flush()
		if old := p.again(k, r); old != nil {
			if old.TotalVM == nil { // known from its summary only
				k.join(*old)
				*old = k
			}
			return
		}
		d = p.lone(&k, at)
	}
	if index, ok := p.enter(k, d); ok {
		entry.index = index
		p.recent[pid] = entry
	}
}

// lone finds what belongs to a kill line without summary.
func (p *Parser) lone(k *Kill, at time.Duration) *dump {
	if p.group.cgroup != "" && within(p.group.at, at, groupWindow) {
		k.Group = p.group.cgroup
		p.group.at = at
		if k.Scope == ScopeUnknown {
			k.Scope = p.group.scope
		}
		return nil
	}
	p.group = groupKill{}
	c := p.chosen
	p.chosen = chosen{}
	if c.pid > 0 && !within(c.at, at, joinWindow) {
		c = chosen{}
	}
	if k.Scope == ScopeUnknown && c.pid > 0 {
		k.Scope = c.scope
	}
	d := p.take(k, at)
	// A child that was killed instead is in the limit's cgroup or below, no one says where.
	if d != nil && (c.pid == 0 || c.pid == k.PID || d.task == d.limit) {
		k.TaskCgroup = d.task
	}
	return d
}

// belongs tells whether a kill line is that of the summary. The process ID says so;
// but of a process whose first thread has ended, the kill line names another thread,
// and there it counts that the line follows at once: the kernel lets no second OOM
// kill in between.
func (s *summary) belongs(k Kill, r Record) bool {
	return within(s.at, r.clock(), joinWindow) && (s.kill.PID == k.PID || s.seq+1 == r.Seq)
}

// from takes over a record's time and place.
func (k *Kill) from(r Record) {
	k.SinceBoot, k.At, k.Boot, k.Host = r.SinceBoot, r.At, r.Boot, r.Host
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
	if k.Group == "" {
		k.Group = s.Group
	}
	k.Reaped = k.Reaped || s.Reaped
	if k.Picture == nil && k.Invoker == nil {
		k.Limit, k.Swap, k.Invoker, k.Picture = s.Limit, s.Swap, s.Invoker, s.Picture
	}
	if k.OOMScoreAdj == nil {
		k.OOMScoreAdj = s.OOMScoreAdj
	}
}

// skip drops a summary whose process was not killed after all.
func (p *Parser) skip(pid int, r Record) {
	p.dropBroken()
	p.last = 0
	if s := p.pending; s != nil && (s.kill.PID == pid || s.seq+1 == r.Seq) {
		p.pending = nil
	} else {
		p.settle(r.clock())
	}
}

// flush enters a summary whose kill line does not come any more.
func (p *Parser) flush() {
	if s := p.pending; s != nil {
		p.pending = nil
		if index, ok := p.enter(s.kill, s.dump); ok {
			p.recent[s.kill.PID] = seen{index: index, comm: s.kill.Comm, seq: s.seq, at: s.at}
		}
	}
}

// enter adds a kill to the log. It gives false where there are too many.
func (p *Parser) enter(k Kill, d *dump) (index int, ok bool) {
	if len(p.log.Kills) >= maxKills {
		p.log.More++
		return 0, false
	}
	if d != nil {
		d.give(&k)
	}
	k.detach()
	if k.Picture != nil {
		if p.pictures++; p.pictures > maxPictures {
			k.Picture = nil
		}
	}
	if p.recent == nil {
		p.recent = make(map[int]seen)
	}
	index = len(p.log.Kills)
	p.log.Kills = append(p.log.Kills, k)
	p.last = index + 1
	return index, true
}

// detach copies the texts out of their lines, which need not be kept for them.
func (k *Kill) detach() {
	for _, s := range [...]*string{&k.Comm, &k.TaskCgroup, &k.LimitCgroup, &k.Group, &k.Boot, &k.Host} {
		*s = strings.Clone(*s)
	}
}

// again gives the entry of the same process a moment ago, or nil.
func (p *Parser) again(k Kill, r Record) *Kill {
	old, ok := p.recent[k.PID]
	if !ok || old.comm != k.Comm || !within(old.at, r.clock(), againWindow) {
		return nil
	}
	kill := &p.log.Kills[old.index]
	if r.clock() == 0 && old.seq+1 != r.Seq && p.group.cgroup == "" && !sameSizes(*kill, k) {
		return nil // without a clock, any time may lie between
	}
	return kill
}

func sameSizes(a, b Kill) bool {
	return a.TotalVM != nil && b.TotalVM != nil && !unequal(a.TotalVM, b.TotalVM) && !unequal(a.AnonRSS, b.AnonRSS)
}

// within holds in both directions: the clocks of two CPUs may differ a little.
func within(a, b, window time.Duration) bool { return (a - b).Abs() <= window }

package oom

import (
	"strings"
	"time"
)

// open begins the dump of a run of the killer.
func (p *Parser) open(invoker Invoker, at time.Duration) {
	d := &dump{at: at, invoker: &invoker, headers: 1}
	if old := p.dump; old != nil && old.headers > 0 {
		if within(old.at, at, mixWindow) {
			// Kernels before 4.2 let cgroups run out at the same time. Whose line is
			// whose cannot be told then.
			d.mixed = true
			d.headers += old.headers
		} else {
			p.log.Unnamed += old.headers
		}
	}
	p.dump = d
	p.group, p.last = groupKill{}, 0
}

// addDump takes a line of a dump. One without header begins with a line that only the
// killer writes: Mem-Info has other causes too.
func (p *Parser) addDump(r Record) bool {
	at := r.clock()
	if d := p.dump; d != nil && within(d.at, at, joinWindow) {
		if !d.add(r.Message) {
			return false
		}
		d.at = at
		return true
	}
	if p.spare == nil {
		p.spare = &dump{}
	}
	if !p.spare.begin(r.Message) {
		return false
	}
	if p.dump != nil {
		p.log.Unnamed += p.dump.headers
	}
	p.dump, p.spare = p.spare, nil
	p.dump.at = at
	return true
}

// addRest takes a further line of the message before. Mem-Info alone is written so.
func (p *Parser) addRest(text string) {
	if p.dump != nil && p.dump.addHost(strings.Trim(text, " ")) {
		p.dump.pictured = true
	}
}

// begin takes the first line of a dump whose header is missing.
func (d *dump) begin(message string) bool {
	if columns, ok := parseTitles(message); ok {
		d.table.columns = columns
		return true
	}
	if task, limit, ok := parseTaskIn(message); ok {
		d.task, d.limit = task, limit
		return true
	}
	d.pictured = d.addMeters(message)
	return d.pictured
}

// take gives the dump of a kill, or nil.
func (p *Parser) take(k *Kill, at time.Duration) *dump {
	d := p.dump
	if d == nil || !d.mixed && within(d.at, at, joinWindow) && !d.fits(k) {
		return nil
	}
	return p.settle(at)
}

// settle ends one run of the killer, and gives its dump; nil where it is missing, too
// old or mixed with another's.
func (p *Parser) settle(at time.Duration) *dump {
	d := p.dump
	if d == nil {
		return nil
	}
	if !within(d.at, at, joinWindow) {
		p.log.Unnamed += d.headers
		p.dump = nil
		return nil
	}
	if d.headers > 0 {
		d.headers--
	}
	if d.headers == 0 {
		p.dump = nil
	}
	if d.mixed {
		return nil
	}
	return d
}

// addGroup begins the kills of a group: the one that led to it, and those that follow.
func (p *Parser) addGroup(cgroup string, at time.Duration) {
	p.group = groupKill{cgroup: cgroup, scope: ScopeUnknown, at: at}
	var k *Kill
	switch {
	case p.pending != nil:
		k = &p.pending.kill
	case p.last > 0 && within(p.recent[p.log.Kills[p.last-1].PID].at, at, joinWindow):
		k = &p.log.Kills[p.last-1]
	default:
		return
	}
	k.Group, p.group.scope = cgroup, k.Scope
}

// reaped marks the kill of a process whose memory was taken.
func (p *Parser) reaped(pid int, comm string) {
	if s := p.pending; s != nil && s.kill.PID == pid && s.kill.Comm == comm {
		s.kill.Reaped = true
		return
	}
	if old, ok := p.recent[pid]; ok && old.comm == comm {
		p.log.Kills[old.index].Reaped = true
	}
}

package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"vmguard/pkg/human"
	"vmguard/pkg/oom"
	"vmguard/pkg/report"
)

// bootSlack is how long after its boot a system's log may begin and still hold all of it:
// journald stamps the kernel's first records when it starts.
const bootSlack = time.Minute

// judge makes the result of what was read: names, groups, and what is not known. wanted
// are the kills that were asked for, in order of time.
func (o *oomOptions) judge(r oomRead, wanted []oom.Kill, names oomNames) report.OOM {
	result := report.OOM{
		At: r.at, Sources: r.sources, Counter: r.counter, Total: len(wanted), Kills: []report.OOMKill{},
		Asked: report.OOMAsked{File: o.file, Boot: o.boot, Since: o.sinceTime(r.at), Container: o.container},
	}
	if o.file != "" {
		result.Asked.Boot = ""
	}
	for _, k := range slices.Backward(wanted) {
		result.Kills = append(result.Kills, names.kill(k))
	}
	result.Groups = groupKills(result.Kills)
	result.Unknown = o.gaps(r)
	result.Complete = len(result.Unknown) == 0
	result.Unknown = append(result.Unknown, o.asides(r, wanted, names)...)
	result.Notes = slices.Concat(notesOf(r.log), o.stampNotes(r))
	if r.foreign > 0 {
		result.Notes = append(result.Notes, foreignKills(r.foreign))
	}
	return result
}

// groupKills gathers kills, which come newest first, by victim and limit.
func groupKills(kills []report.OOMKill) []report.OOMGroup {
	type key struct {
		owner  string
		kind   report.OOMLimitKind
		cgroup string
	}
	groups := []report.OOMGroup{}
	index := map[key]int{}
	for _, k := range kills {
		id := key{ownerKey(k), k.Limiter.Kind, k.Limiter.Cgroup}
		i, ok := index[id]
		if !ok {
			i = len(groups)
			index[id] = i
			groups = append(groups, report.OOMGroup{Victim: k.Victim, Limiter: k.Limiter, Last: k.Kill.At})
		}
		groups[i] = join(groups[i], k)
	}
	return groups
}

// ownerKey tells victims apart: by container, pod, LXC container, unit; else by cgroup and name.
func ownerKey(k report.OOMKill) string {
	v := k.Victim
	if v.Kind == oom.KindUnknown || v.Kind == oom.KindSlice {
		return k.Kill.Host + "\x00" + k.Kill.TaskCgroup + "\x00" + k.Kill.Comm
	}
	return k.Kill.Host + "\x00" + v.ContainerID + "\x00" + v.PodUID + "\x00" + v.LXC + "\x00" + v.Unit
}

// join adds an older kill to its group.
func join(g report.OOMGroup, k report.OOMKill) report.OOMGroup {
	g.Kills++
	if !slices.Contains(g.Comms, k.Kill.Comm) {
		g.Comms = append(g.Comms, k.Kill.Comm)
	}
	g.First = k.Kill.At
	g.Memory = larger(g.Memory, k.Memory)
	g.Need.MoreThan = larger(g.Need.MoreThan, k.Need.MoreThan)
	g.Need.EnoughThen = larger(g.Need.EnoughThen, k.Need.EnoughThen)
	g.Need.MoreForHost = larger(g.Need.MoreForHost, k.Need.MoreForHost)
	if g.Limiter.Limit == nil {
		g.Limiter.Limit = k.Limiter.Limit
	}
	return g
}

// gaps says why there may be kills that are not listed; nothing where all was looked at.
func (o *oomOptions) gaps(r oomRead) []string {
	unknown := lostOf(r.log)
	if o.file != "" {
		if r.damage != nil {
			unknown = append(unknown, "the end of the log could not be read: "+r.damage.Error())
		}
		if r.log.Lines == 0 {
			unknown = append(unknown, "the log is empty")
		}
		if r.log.Strange {
			unknown = append(unknown, "no line of it looks like a kernel's log: none that was looked into begins as dmesg, journalctl or syslog write it")
		}
		return unknown
	}
	if reach := o.reach(r); reach != "" {
		unknown = append(unknown, reach)
	}
	unknown = append(unknown, o.unread(r)...)
	if r.counter != nil && r.counter.Missing != nil && *r.counter.Missing > 0 {
		unknown = append(unknown, fmt.Sprintf("%s counted than logged since boot: their lines were overwritten, or are in no log that could be read",
			moreKills(*r.counter.Missing)))
	}
	if r.otherBoot > 0 {
		unknown = append(unknown, human.Count(r.otherBoot, "kill")+" left out: the log does not tell of which boot; --boot all lists them")
	}
	return unknown
}

func moreKills(n uint64) string {
	if n == 1 {
		return "1 more kill is"
	}
	return fmt.Sprintf("%d more kills are", n)
}

// lostOf says what a log itself lacks.
func lostOf(log oom.Log) []string {
	var out []string
	if log.Lost > 0 {
		out = append(out, fmt.Sprintf("records of the log were lost in %d places", log.Lost))
	}
	if log.Unnamed > 0 {
		out = append(out, fmt.Sprintf("the killer ran %d times without a line that names its victim", log.Unnamed))
	}
	if log.Malformed > 0 {
		out = append(out, fmt.Sprintf("%d records of the log cannot be understood", log.Malformed))
	}
	if log.More > 0 {
		out = append(out, fmt.Sprintf("%d further kills are not listed: they are too many", log.More))
	}
	return out
}

// reach says from when on the logs that were read tell of kills, where that is not as
// far back as was asked for.
func (o *oomOptions) reach(r oomRead) string {
	from := o.sinceTime(r.at)
	if o.boot != oom.AllBoots && o.boot != thisBoot {
		return "" // the journal has the boot, or there would be no result
	}
	counted := r.countedNone()
	if o.boot == thisBoot || from.IsZero() {
		if counted && o.boot == thisBoot {
			return "" // the kernel itself says that there was none
		}
		from = latest(from, r.clock.Start)
	}
	oldest, read := oldestOf(r.sources)
	switch {
	case !read && counted:
		return "of the time before this boot nothing is known: no log could be read"
	case !read:
		return "no log could be read"
	case oldest.IsZero():
		return "how far back the logs reach is not known"
	case from.IsZero():
		return "when the system booted is not known"
	case oldest.After(from.Add(bootSlack)) && !(counted && !from.Before(r.clock.Start)):
		return "of the time before " + oldest.In(r.at.Location()).Format(time.DateTime) + " nothing is known: the logs that could be read begin then"
	}
	return ""
}

// unread names the sources of which earlier boots may have kills that were not seen. What a
// host does not have is none; of the running boot the others tell, and the count.
func (o *oomOptions) unread(r oomRead) []string {
	since := o.sinceTime(r.at)
	if o.boot == thisBoot || !since.IsZero() && !r.clock.Start.IsZero() && since.After(r.clock.Start) {
		return nil
	}
	var out []string
	for _, s := range r.sources {
		switch {
		case s.Name == oom.SourceKmsg || errors.Is(s.Err, fs.ErrNotExist):
		case s.Err != nil:
			out = append(out, "kills of earlier boots may stand in "+s.Where+", which could not be read: "+s.Missing)
		case len(s.Notes) > 0:
			out = append(out, "not all in "+s.Where+" could be read; what, is told below")
		}
	}
	return out
}

// oldestOf gives how far back the sources reach that were read to the end.
func oldestOf(sources []oom.Source) (oldest time.Time, read bool) {
	for _, s := range sources {
		if s.Err != nil {
			continue
		}
		read = true
		if !s.Oldest.IsZero() && (oldest.IsZero() || s.Oldest.Before(oldest)) {
			oldest = s.Oldest
		}
	}
	return oldest, read
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// asides says what is not known of the kills that are listed.
func (o *oomOptions) asides(r oomRead, kills []oom.Kill, names oomNames) []string {
	var out []string
	if why := names.nameless(); why != "" {
		out = append(out, why)
	}
	if r.log.Bare {
		out = append(out, "its lines have no prefix: they are taken for the kernel's alone, and any program may have written them")
	}
	undated, unvouched := 0, 0
	for _, k := range kills {
		if k.At.IsZero() {
			undated++
		}
		if k.Unvouched {
			unvouched++
		}
	}
	if unvouched > 0 {
		out = append(out, "of "+human.Count(unvouched, "kill")+" a text log alone tells, or tells the limit: local users may write to it")
	}
	if undated > 0 && o.since > 0 {
		out = append(out, human.Count(undated, "kill")+" of an unknown time: whether that is within --since cannot be told")
	}
	if o.container != "" {
		homeless := 0
		for _, k := range r.log.Kills {
			if k.TaskCgroup == "" {
				homeless++
			}
		}
		if homeless > 0 {
			out = append(out, human.Count(homeless, "kill")+" without a cgroup in the log: whether in this container cannot be told")
		}
	}
	return out
}

// notesOf says what else a log tells of memory that ran out.
func notesOf(log oom.Log) []string {
	notes := []string{}
	if log.NoVictim > 0 {
		notes = append(notes, fmt.Sprintf("the killer found no process that it may kill, %d times", log.NoVictim))
	}
	if log.Panics > 0 {
		notes = append(notes, fmt.Sprintf("the kernel stopped the machine for want of memory, %d times", log.Panics))
	}
	return notes
}

package verdict

import (
	"strings"
	"time"

	"vmguard/pkg/host"
	"vmguard/pkg/oom"
)

// sourceLogs is the source of what several of the host's kernel logs say together.
const sourceLogs = "kernel log"

// mostSuspended is how long a suspend may have been that leaves times worked out of the
// kernel's own clock good enough to be laid to an end.
const mostSuspended = time.Second

// FromCollected joins all of a host's kernel logs with its ring buffer alone, as FromLog
// gives it or why that is missing. counted is /proc/vmstat's oom_kill, nil where unknown.
// The buffer alone stands where no other log could be read, and where the system was
// suspended and there is no journal, which dates a kill as it happens.
func FromCollected(c oom.Collected, ring host.Fact[KernelLog], counted *uint64) host.Fact[KernelLog] {
	journal, read, why := beyondRing(c.Sources)
	dated := journal.Name != "" || c.Clock.Suspended <= mostSuspended
	switch {
	case ring.Known() && (!read || !dated):
		return ring
	case !read && len(c.Log.Kills) == 0:
		return host.Missing[KernelLog](ring.Why() + moreReasons(why))
	}
	out := KernelLog{Kills: c.Log.Kills, Since: ring.Value.Since, Unlogged: ring.Value.Unlogged}
	if r := oom.Reconcile(counted, c.ThisBoot, c.Clock.Boot); r.Missing != nil {
		out.Unlogged = *r.Missing
	}
	gaps := c.Log.Lost + c.Log.Malformed + c.Log.Unnamed + c.Log.More + c.OtherBoot + len(journal.Notes)
	if gaps == 0 && out.Unlogged == 0 && !journal.Oldest.IsZero() && (out.Since.IsZero() || journal.Oldest.Before(out.Since)) {
		out.Since = journal.Oldest
	}
	return host.Known(out, sourceLogs)
}

// beyondRing tells whether any log but the ring buffer was read, the journal if that was,
// and why the others were not.
func beyondRing(all []oom.Source) (journal oom.Source, read bool, why []string) {
	for _, s := range all {
		switch {
		case s.Err != nil || s.Missing != "":
			why = append(why, string(s.Name)+": "+s.Missing)
		case s.Name == oom.SourceJournal:
			journal, read = s, true
		case s.Name != oom.SourceKmsg:
			read = true
		}
	}
	return journal, read, why
}

// moreReasons puts why other logs are missing behind why the first is.
func moreReasons(why []string) string {
	if len(why) == 0 {
		return ""
	}
	return " (" + strings.Join(why, "; ") + ")"
}

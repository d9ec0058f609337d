package report

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"vmguard/pkg/human"
	"vmguard/pkg/oom"
)

// shortID is as many digits of a container's ID as docker ps shows.
const shortID = 12

// oomWords spells kills for a person. Times are seen from at, and spelled in its time zone.
type oomWords struct {
	style Style
	at    time.Time
}

// owner says whose a cgroup is: "container web", "service cron.service"; empty where nothing is known.
func (w oomWords) owner(o OOMOwner) string {
	text := w.container(o)
	if o.PodUID != "" {
		text = join(text, "of pod "+w.style.name(o.PodUID))
		if o.ContainerID == "" {
			text = "pod " + w.style.name(o.PodUID)
		}
	}
	if o.LXC != "" {
		text = join(text, "in LXC container "+w.style.name(o.LXC))
		if o.ContainerID == "" && o.PodUID == "" {
			text = strings.TrimPrefix(text, "in ")
		}
	}
	if o.Unit == "" {
		return text
	}
	unit := w.unit(o)
	if text == "" {
		return unit
	}
	return unit + " in " + text
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + " " + b
}

// container names the container: by its name, or the beginning of its ID.
func (w oomWords) container(o OOMOwner) string {
	if o.ContainerID == "" {
		return ""
	}
	text := "container "
	switch o.Kind {
	case oom.KindPodman:
		text = "Podman container "
	case oom.KindCRIO:
		text = "CRI-O container "
	}
	text += w.style.name(cmp.Or(o.Name, o.ContainerID[:min(shortID, len(o.ContainerID))]))
	switch {
	case o.ComposeService != "":
		text += fmt.Sprintf(" (compose: %s/%s)", w.style.name(o.ComposeProject), w.style.name(o.ComposeService))
	case o.Removed:
		text += " (removed)"
	}
	if o.Around != "" {
		text += " inside container " + w.style.name(shorten(o.Around))
	}
	return text
}

func (w oomWords) unit(o OOMOwner) string {
	name := w.style.name(o.Unit)
	switch {
	case strings.HasSuffix(o.Unit, ".service"):
		return "service " + name
	case strings.HasSuffix(o.Unit, ".slice"):
		return "slice " + name
	}
	return "unit " + name
}

// victim says who was killed.
func (w oomWords) victim(k OOMKill) string {
	text := fmt.Sprintf("%s, pid %d", w.style.name(k.Kill.Comm), k.Kill.PID)
	if owner := w.owner(k.Victim); owner != "" {
		return text + ", in " + owner
	}
	if k.Kill.TaskCgroup != "" {
		return text + ", in cgroup " + w.style.clean(k.Kill.TaskCgroup)
	}
	return text
}

// limiter says whose limit was hit.
func (w oomWords) limiter(l OOMLimiter) string {
	size := ""
	if l.Limit != nil {
		size = " of " + human.Bytes(*l.Limit)
	}
	switch l.Kind {
	case OOMHost:
		return "the machine ran out of memory"
	case OOMOwn:
		return "its own limit" + size
	case OOMUnknown:
		return "whose limit was hit is not in the log"
	}
	whose := ""
	if l.Owner != nil {
		whose = w.owner(*l.Owner)
	}
	if whose == "" && l.Cgroup != "" {
		whose = "cgroup " + w.style.clean(shorten(l.Cgroup))
	}
	text := "the limit" + size
	switch {
	case whose != "":
		text += " of " + whose
	case l.Kind == OOMCgroup:
		text = "a cgroup's limit" + size
	}
	switch l.Kind {
	case OOMParent:
		text += ", above its own"
	case OOMInside:
		text += ", inside its container"
	}
	return text
}

// need says what would have been enough; empty where that is not known.
func (w oomWords) need(n OOMNeed) string {
	switch {
	case n.MoreForHost != nil:
		return fmt.Sprintf("%s more of RAM or swap would have been enough at that moment", human.Bytes(*n.MoreForHost))
	case n.MoreThan != nil && n.EnoughThen != nil && human.Bytes(*n.MoreThan) == human.Bytes(*n.EnoughThen):
		return fmt.Sprintf("a little more than %s would have been enough at that moment", human.Bytes(*n.MoreThan))
	case n.MoreThan != nil && n.EnoughThen != nil:
		return fmt.Sprintf("more than %s was needed; %s would have been enough at that moment", human.Bytes(*n.MoreThan), human.Bytes(*n.EnoughThen))
	case n.MoreThan != nil:
		return fmt.Sprintf("more than %s was needed", human.Bytes(*n.MoreThan))
	}
	return ""
}

// when spells a kill's time: how long ago, and the clock's.
func (w oomWords) when(k oom.Kill) string {
	switch {
	case !k.At.IsZero():
		return human.Ago(w.at.Sub(k.At)) + ", " + w.clock(k.At)
	case k.SinceBoot > 0:
		return fmt.Sprintf("%.3f s after a boot whose time is not known", k.SinceBoot.Seconds())
	}
	return "at a time that is not known"
}

func (w oomWords) clock(t time.Time) string { return t.In(w.at.Location()).Format(time.DateTime) }

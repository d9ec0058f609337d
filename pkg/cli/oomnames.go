package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"vmguard/pkg/docker"
	"vmguard/pkg/host"
	"vmguard/pkg/oom"
	"vmguard/pkg/report"
)

// namesLimit is how long the engine may take to name containers.
const namesLimit = 2 * time.Second

// oomNames is what the engine calls the containers.
type oomNames struct {
	listed  []host.Container // those that the engine has
	removed []host.Container // those that its events alone still name, the newest first
	started []host.Container // those that its events name, and that may be there or not
	// asked tells that the engine was asked, and why what it could not tell.
	asked  bool
	why    string
	denied bool // for want of a right
}

// namesFor asks the engine for names, where a kill has a container, or one is named. An
// engine that does not answer is no failure: the containers have IDs.
func (o *oomOptions) namesFor(ctx context.Context, app *App, kills []oom.Kill) oomNames {
	inside := func(k oom.Kill) bool {
		return len(oom.ContainerIDs(k.TaskCgroup))+len(oom.ContainerIDs(k.LimitCgroup)) > 0
	}
	if ctx.Err() != nil || o.container == "" && !slices.ContainsFunc(kills, inside) {
		return oomNames{}
	}
	client, err := o.dial(app)
	if err != nil {
		return oomNames{asked: true, why: err.Error()}
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, namesLimit)
	defer cancel()
	return askNames(ctx, client)
}

func (o *oomOptions) dial(app *App) (*docker.Client, error) {
	endpoint, err := docker.FindEndpoint(o.dockerHost, app.Getenv)
	if err != nil {
		return nil, err
	}
	return docker.Dial(endpoint)
}

// askNames asks the engine for its containers, and for those that its events still name.
func askNames(ctx context.Context, client *docker.Client) oomNames {
	n := oomNames{asked: true}
	listed, err := client.Containers(ctx)
	if err != nil {
		n.why = err.Error()
		if e, ok := errors.AsType[*docker.Error](err); ok {
			n.denied = e.Reason == docker.Denied
		}
		return n
	}
	for _, c := range listed {
		n.listed = append(n.listed, host.Container{Container: c})
	}
	removed, err := client.Removed(ctx, listed)
	if err != nil {
		n.why = err.Error() // names of removed containers alone are missing
	}
	for _, c := range removed {
		n.removed = append(n.removed, host.Container{Container: c})
	}
	return n
}

// byID gives a container that the engine knows by its whole ID.
func (n oomNames) byID(id string) (c host.Container, removed, ok bool) {
	is := func(c host.Container) bool { return c.ID == id }
	if i := slices.IndexFunc(n.listed, is); i >= 0 {
		return n.listed[i], false, true
	}
	if i := slices.IndexFunc(n.started, is); i >= 0 {
		return n.started[i], false, true
	}
	if i := slices.IndexFunc(n.removed, is); i >= 0 {
		return n.removed[i], true, true
	}
	return host.Container{}, false, false
}

// owner tells who owns a cgroup.
func (n oomNames) owner(cgroup string) report.OOMOwner {
	o := report.OOMOwner{Owner: oom.OwnerOf(cgroup)}
	ids := oom.ContainerIDs(cgroup)
	for i, id := range ids {
		c, removed, ok := n.byID(id)
		switch {
		case !ok:
		case i == len(ids)-1:
			o.Name, o.Removed = c.Name, removed
			o.ComposeProject, o.ComposeService = c.ComposeProject, c.ComposeService
		default:
			o.Around = c.Name
		}
	}
	if len(ids) > 1 && o.Around == "" {
		o.Around = ids[len(ids)-2]
	}
	return o
}

// kill tells whom a kill hit, by whose limit, and what would have been enough.
func (n oomNames) kill(k oom.Kill) report.OOMKill {
	one := report.OOMKill{Kill: k, Victim: n.owner(k.TaskCgroup), Limiter: limiterOf(k)}
	if l := &one.Limiter; l.Cgroup != "" && l.Kind != report.OOMOwn {
		owner := n.owner(l.Cgroup)
		l.Owner = &owner
	}
	one.Memory, one.Need = memoryAtDeath(k), needOf(k, one.Limiter)
	return one
}

// pick gives the kills that --container asks for: all, where it was not given.
func (o *oomOptions) pick(kills []oom.Kill, names oomNames) ([]oom.Kill, error) {
	if o.container == "" {
		return kills, nil
	}
	if of := killsOfOther(kills, o.container); len(of) > 0 {
		return of, nil
	}
	id, err := o.find(kills, names)
	if err != nil {
		return nil, err
	}
	var out []oom.Kill
	for _, k := range kills {
		if slices.Contains(oom.ContainerIDs(k.TaskCgroup), id) {
			out = append(out, k)
		}
	}
	return out, nil
}

// killsOfOther gives the kills in an LXC container or a pod of that name, which no engine knows.
func killsOfOther(kills []oom.Kill, name string) []oom.Kill {
	var out []oom.Kill
	for _, k := range kills {
		owner := oom.OwnerOf(k.TaskCgroup)
		if owner.LXC != "" && owner.LXC == name || owner.PodUID != "" && owner.PodUID == name {
			out = append(out, k)
		}
	}
	return out
}

// find gives the ID of the container that was named: among those that the engine has, then
// among the removed, then among those that the log alone knows.
func (o *oomOptions) find(kills []oom.Kill, names oomNames) (string, error) {
	there := findContainer(names.listed, o.container)
	if len(there.matches) > 0 {
		c, err := there.one("")
		return c.ID, err
	}
	if gone := findRemoved(slices.Concat(names.removed, onlyLogged(kills, names)), o.container); len(gone.matches) > 0 {
		c, err := gone.one("")
		return c.ID, err
	}
	if names.why != "" {
		return "", failed(fmt.Errorf("find container %s: %s", o.container, names.why), "name it by its ID, which the kernel's log has")
	}
	_, err := there.one("docker ps -a lists them; a removed one is known by its ID alone")
	return "", err
}

// onlyLogged gives the containers that the log alone knows.
func onlyLogged(kills []oom.Kill, names oomNames) []host.Container {
	var out []host.Container
	known := map[string]bool{}
	for _, k := range kills {
		for _, id := range oom.ContainerIDs(k.TaskCgroup) {
			if _, _, ok := names.byID(id); !ok && !known[id] {
				known[id] = true
				out = append(out, host.Container{Container: docker.Container{ID: id}})
			}
		}
	}
	return out
}

// nameless gives a sentence on why containers have no names; empty where they have.
func (n oomNames) nameless() string {
	if n.why == "" {
		return ""
	}
	if len(n.listed) > 0 {
		return "removed containers are told by their IDs alone: " + n.why
	}
	return "containers are told by their IDs alone: " + strings.TrimSpace(n.why)
}

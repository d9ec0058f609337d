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
	"vmguard/pkg/journal"
	"vmguard/pkg/oom"
	"vmguard/pkg/report"
	"vmguard/pkg/verdict"
)

const (
	// whyAsking is how long the engine may take to answer one question beyond the facts.
	whyAsking = 3 * time.Second
	// whyLogs is how long the reading of the host's kernel logs may take: a journal of several
	// gigabytes takes seconds, and what is not read in time is missing.
	whyLogs = 6 * time.Second
	// whyLines is how many lines of a container's log are read: the last words of a
	// runtime stand before a stack that may be long.
	whyLines = 300
	// whyWindow is how long before an end its log is read, where the newest lines are of a later life.
	whyWindow = time.Minute
	// whyLate is how much later than an end the engine may stamp the last lines before it.
	whyLate = 250 * time.Millisecond
)

// seen is all that was read of one container.
type seen struct {
	verdict.Input
	logs []oom.Source // the kernel logs that were tried
	root bool         // what needs root's rights was not missing for want of them
	// namesakes are removed containers that had the name before.
	namesakes []report.Namesake
}

// look asks the host and its engine all that a verdict on the container needs. What could
// not be read is missing in its place; it errs where the container cannot be found.
func (o whyOptions) look(ctx context.Context, app *App) (seen, error) {
	source, client, err := open(app, o.dockerHost)
	if err != nil {
		return seen{}, err
	}
	defer source.Close() //nolint:errcheck // nothing was written
	defer client.Close()
	caller := ctx
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	facts := host.Collect(ctx, source)
	if !facts.Containers.Known() {
		if err := caller.Err(); err != nil {
			return seen{}, fmt.Errorf("find container: %w", err)
		}
		return seen{}, engineFailure(app, "find container "+o.container, facts)
	}
	found := findContainer(facts.Containers.Value, o.container)
	kernel, sources := kernelLog(ctx, facts, createdAt(found.matches))
	c, err := o.find(ctx, client, facts, found, kernel)
	if err != nil {
		return seen{}, err
	}
	before := namesakes(removedContainers(ctx, client, facts, nil), c)
	in := verdict.FromFacts(facts, c)
	in.Kernel = kernel
	in.Healer = verdict.HealerAmong(facts.Containers.Value)
	if c.State == docker.StateRemoved {
		why := "the container is removed"
		in.Parents, in.Health, in.Output = host.Missing[[]host.MemoryGroup](why), host.Missing[[]docker.Probe](why), host.Missing[[]verdict.Line](why)
		in.Journal = engineJournal(ctx, journal.Source{}, facts, c)
		return seen{in, sources, source.Root, before}, nil
	}
	in.Parents = host.ParentGroups(source.FS, facts, c)
	in.Health = healthLog(ctx, client, c)
	in.Output = lastLines(ctx, client, c)
	in.Journal = engineJournal(ctx, journal.Source{}, facts, c)
	return seen{in, sources, source.Root, before}, nil
}

// kernelLog reads all kernel logs of the engine's machine, where that is this one: the ring
// buffer, the journal over the boots, syslog's files. What was logged before since is left out.
func kernelLog(ctx context.Context, facts *host.Facts, since time.Time) (host.Fact[verdict.KernelLog], []oom.Source) {
	ring := verdict.FromFacts(facts, host.Container{}).Kernel
	if facts.EngineHere.Known() && !facts.EngineHere.Value {
		return ring, nil
	}
	ctx, cancel := context.WithTimeout(ctx, whyLogs)
	defer cancel()
	c := oom.Collect(ctx, oom.SourceOptions{Boot: oom.AllBoots, Since: since})
	if i := slices.IndexFunc(c.Sources, func(s oom.Source) bool { return s.Name == oom.SourceFiles }); i >= 0 && c.Foreign > 0 {
		c.Sources[i].Where += " (" + foreignKills(c.Foreign) + ")"
	}
	return verdict.FromCollected(c, ring, facts.VMStat.Value.OOMKill), c.Sources
}

// createdAt is when the first of some containers was made; zero where there is none, or it is not known.
func createdAt(all []host.Container) time.Time {
	var first time.Time
	for i, c := range all {
		if i == 0 || c.CreatedAt.Before(first) {
			first = c.CreatedAt
		}
	}
	return first
}

// engineFailure says that the engine could not be asked.
func engineFailure(app *App, op string, facts *host.Facts) error {
	why := facts.Containers.Why()
	if !facts.Docker.Known() {
		why = facts.Docker.Why()
	}
	hint := dockerHint(facts)
	if facts.DockerFailure == docker.Denied {
		hint = "run: " + asRoot(app.Args)
	}
	return failed(fmt.Errorf("%s: %s", op, why), hint)
}

// find gives the container that was found, or finds it among the removed.
func (o whyOptions) find(
	ctx context.Context, client *docker.Client, facts *host.Facts, there found, kernel host.Fact[verdict.KernelLog],
) (host.Container, error) {
	if len(there.matches) > 0 {
		return there.one("")
	}
	gone := findRemoved(removedContainers(ctx, client, facts, kernel.Value.Kills), o.container)
	if len(gone.matches) > 0 {
		return gone.one("")
	}
	hint := "docker ps -a lists them"
	if isIDPrefix(o.container) && !kernel.Known() {
		hint += "; a removed one may stand in the kernel's log, which was not read: " + kernel.Why()
	}
	return there.one(hint)
}

// findRemoved finds a removed container. A name may have been given to several, one after
// the other: the one that the engine saw last is meant.
func findRemoved(removed []host.Container, name string) found {
	if i := slices.IndexFunc(removed, func(c host.Container) bool { return c.Name != "" && c.Name == name }); i >= 0 {
		return found{name: name, matches: removed[i : i+1]}
	}
	return findContainer(removed, name)
}

// removedContainers gives the containers that the engine no longer has, but of which its
// events or the kernel's kills still tell. Where neither can be read there are none.
func removedContainers(ctx context.Context, client *docker.Client, facts *host.Facts, kills []oom.Kill) []host.Container {
	ctx, cancel := context.WithTimeout(ctx, whyAsking)
	defer cancel()
	var listed []docker.Container
	known := map[string]bool{}
	for _, c := range facts.Containers.Value {
		listed = append(listed, c.Container)
		known[c.ID] = true
	}
	var out []host.Container
	removed, err := client.Removed(ctx, listed)
	for _, c := range removed {
		known[c.ID] = true
		out = append(out, host.Container{Container: c})
	}
	for _, k := range kills {
		for _, id := range oom.ContainerIDs(k.TaskCgroup) {
			if !known[id] {
				known[id] = true
				out = append(out, host.Container{Container: docker.Container{
					ID: id, State: docker.StateRemoved, InspectError: "the container is removed", EventsKnown: err == nil,
				}})
			}
		}
	}
	return out
}

// healthLog asks for all runs of the healthcheck that are on record.
func healthLog(ctx context.Context, client *docker.Client, c host.Container) host.Fact[[]docker.Probe] {
	ctx, cancel := context.WithTimeout(ctx, whyAsking)
	defer cancel()
	runs, err := client.HealthLog(ctx, c.ID)
	switch {
	case err != nil:
		return host.Missing[[]docker.Probe](whyNot(err))
	case len(runs) == 0 && c.Health == nil:
		return host.Missing[[]docker.Probe]("it has no healthcheck")
	case len(runs) == 0:
		return host.Missing[[]docker.Probe]("no run of its healthcheck is on record")
	}
	return host.Known(runs, "docker inspect "+c.Name)
}

// lastLines asks for the last lines that the container printed. Where they are all of the
// present life, those about the end before it are asked for as well.
func lastLines(ctx context.Context, client *docker.Client, c host.Container) host.Fact[[]verdict.Line] {
	ask := func(q docker.LogQuery) ([]docker.LogLine, error) {
		ctx, cancel := context.WithTimeout(ctx, whyAsking)
		defer cancel()
		return client.Logs(ctx, c.ID, q)
	}
	source := "docker logs " + c.Name
	lines, err := ask(docker.LogQuery{Lines: whyLines})
	if err != nil {
		why := whyNot(err)
		if c.Logging.Driver != "" {
			why += " (log driver " + c.Logging.Driver + ")"
		}
		return host.Missing[[]verdict.Line](why)
	}
	end := c.FinishedAt
	if c.Running() && !end.IsZero() && len(lines) >= whyLines && lines[0].At.After(end) {
		older, err := ask(docker.LogQuery{Lines: whyLines * 10, Since: end.Add(-whyWindow), Until: end.Add(whyLate)})
		if err != nil {
			source += ", its newest lines alone: " + whyNot(err)
		}
		lines = slices.Concat(older, lines)
	}
	return host.Known(verdict.LinesOf(lines), source)
}

// whyNot is an engine's error without what was asked and where.
func whyNot(err error) string {
	if e, ok := errors.AsType[*docker.Error](err); ok {
		return e.Why()
	}
	return err.Error()
}

// witnesses says what was asked, and what could not be read.
func (s seen) witnesses() []report.Witness {
	c := s.Container
	inspect := report.Witness{What: "the engine's description", Source: "docker inspect " + strings.TrimSpace(c.Name), Missing: c.InspectError}
	events := report.Witness{What: "the engine's events", Source: "docker events"}
	if !c.EventsKnown {
		events.Missing = "the engine did not give them"
	}
	all := []report.Witness{
		inspect, events,
		witness("the kernel's log", s.Kernel),
	}
	for _, l := range s.logs {
		all = append(all, report.Witness{What: "the kernel's log, " + string(l.Name), Source: l.Where, Missing: l.Missing})
	}
	all = append(all,
		witness("the cgroups above it", s.Parents),
		witness("the healthcheck's log", s.Health),
		witness("what it printed", s.Output),
		witness("the engine's own log", s.Journal),
	)
	for i := range all {
		if all[i].Missing != "" {
			all[i].Source = ""
		}
	}
	return all
}

func witness[T any](what string, f host.Fact[T]) report.Witness {
	return report.Witness{What: what, Source: f.Source, Missing: f.Why()}
}

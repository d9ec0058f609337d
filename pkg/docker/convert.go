package docker

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/docker/docker/api/types/container"
)

// What the engine does where a container does not say (docs: docker run, Dockerfile HEALTHCHECK).
const (
	defaultStopSignal     = "SIGTERM"
	defaultStopTimeout    = 10 * time.Second
	defaultHealthInterval = 30 * time.Second
)

// probeOutputLimit is how much of a healthcheck's output is kept, in bytes.
const probeOutputLimit = 400

// Labels that docker compose puts on its containers.
const (
	labelProject = "com.docker.compose.project"
	labelService = "com.docker.compose.service"
	labelOneOff  = "com.docker.compose.oneoff" // "True" for those of docker compose run
)

// labelTask is what a swarm puts on a container that runs one of its tasks.
const labelTask = "com.docker.swarm.task.id"

// labelPodmanUnit names the systemd unit that starts a container of Podman's anew (podman-auto-update(1)).
const labelPodmanUnit = "PODMAN_SYSTEMD_UNIT"

// managerSwarm stands in ManagedBy of all containers that are a swarm's tasks.
const managerSwarm = "swarm"

// convertListed takes from one line of the engine's list what vmguard uses.
func convertListed(s container.Summary) Container {
	return Container{
		ID:             text(s.ID),
		Name:           listedName(s.Names),
		Image:          text(s.Image),
		ImageID:        text(s.ImageID),
		State:          text(s.State),
		CreatedAt:      unixTime(s.Created),
		NetworkMode:    text(s.HostConfig.NetworkMode),
		Ports:          ports(s.Ports),
		ComposeProject: text(s.Labels[labelProject]),
		ComposeService: text(s.Labels[labelService]),
		SwarmTask:      s.Labels[labelTask] != "",
		ManagedBy:      managedBy(s.Labels),
	}
}

// managedBy names what made a container and replaces it, by the labels that it puts on
// its containers; empty where none is known. Of several the first in this order counts.
func managedBy(labels map[string]string) string {
	has := func(prefix string) bool {
		for name := range labels {
			if strings.HasPrefix(name, prefix) {
				return true
			}
		}
		return false
	}
	switch {
	case labels[labelTask] != "":
		return managerSwarm
	case has("io.kubernetes."):
		return "kubernetes"
	case has("com.amazonaws.ecs."):
		return "ecs"
	case has("com.hashicorp.nomad."):
		return "nomad"
	case strings.EqualFold(labels[labelOneOff], "true"):
		return "compose run"
	case labels[labelPodmanUnit] != "":
		return "podman"
	}
	return ""
}

// convert joins a container's line in the list with the engine's description of it. Any
// part of the description may be missing: engines differ, and not all are Docker.
func convert(s container.Summary, in container.InspectResponse) Container {
	c := convertListed(s)
	c.StopSignal, c.StopTimeout = defaultStopSignal, defaultStopTimeout
	if base := in.ContainerJSONBase; base != nil {
		c.addBase(base)
		c.addState(base.State)
		c.addHost(base.HostConfig)
	}
	c.addConfig(in.Config)
	c.Health = health(in)
	c.addCommand(in)
	return c
}

// addBase adds what stands at the top of a description.
func (c *Container) addBase(base *container.ContainerJSONBase) {
	c.ID = cmp.Or(text(base.ID), c.ID)
	c.Name = cmp.Or(bareName(base.Name), c.Name)
	c.ImageID = cmp.Or(text(base.Image), c.ImageID)
	if t := stamp(base.Created); !t.IsZero() {
		c.CreatedAt = t
	}
	c.RestartCount = max(base.RestartCount, 0)
}

// addState adds what the container is doing. It replaces the list's older word.
func (c *Container) addState(s *container.State) {
	if s == nil {
		return
	}
	c.State = cmp.Or(text(s.Status), c.State)
	c.PID = max(s.Pid, 0)
	c.StartedAt = stamp(s.StartedAt)
	c.FinishedAt = stamp(s.FinishedAt)
	c.ExitCode = s.ExitCode
	c.OOMKilled = s.OOMKilled
	c.Error = text(s.Error)
}

// addHost adds limits and what else belongs to the host's side of a container.
func (c *Container) addHost(h *container.HostConfig) {
	if h == nil {
		return
	}
	c.Restart = Policy{Name: cmp.Or(text(string(h.RestartPolicy.Name)), "no"), MaxRetries: max(h.RestartPolicy.MaximumRetryCount, 0)}
	c.Limits = Limits{
		Memory:            natural(h.Memory),
		MemoryReservation: natural(h.MemoryReservation),
		MemorySwap:        max(h.MemorySwap, -1),
		OOMKillDisable:    h.OomKillDisable != nil && *h.OomKillDisable,
		OOMScoreAdj:       h.OomScoreAdj,
		NanoCPUs:          max(h.NanoCPUs, 0),
	}
	if h.PidsLimit != nil {
		c.Limits.PIDs = max(*h.PidsLimit, 0)
	}
	c.Logging = Logs{
		Driver:  text(h.LogConfig.Type),
		MaxSize: text(h.LogConfig.Config["max-size"]),
		MaxFile: text(h.LogConfig.Config["max-file"]),
	}
	if h.Init != nil {
		on := *h.Init
		c.Init = &on
	}
	c.NetworkMode = cmp.Or(text(string(h.NetworkMode)), c.NetworkMode)
	c.PIDMode = text(string(h.PidMode))
	c.CgroupParent = text(h.CgroupParent)
	c.Privileged = h.Privileged
	c.AutoRemove = h.AutoRemove
}

// addConfig adds what the image and the command line set. Environment and labels are left behind.
func (c *Container) addConfig(cfg *container.Config) {
	if cfg == nil {
		return
	}
	c.Image = cmp.Or(text(cfg.Image), c.Image)
	c.StopSignal = cmp.Or(text(cfg.StopSignal), defaultStopSignal)
	if cfg.StopTimeout != nil {
		c.StopTimeout = seconds(*cfg.StopTimeout)
	}
	c.ComposeProject = cmp.Or(text(cfg.Labels[labelProject]), c.ComposeProject)
	c.ComposeService = cmp.Or(text(cfg.Labels[labelService]), c.ComposeService)
	c.SwarmTask = c.SwarmTask || cfg.Labels[labelTask] != ""
	c.ManagedBy = cmp.Or(c.ManagedBy, managedBy(cfg.Labels))
	if c.SwarmTask {
		c.ManagedBy = managerSwarm
	}
}

// health is the healthcheck's state; nil where none is configured. A check whose first
// word is NONE is one of the image that the container switched off.
func health(in container.InspectResponse) *Health {
	var state *container.Health
	if in.ContainerJSONBase != nil && in.State != nil {
		state = in.State.Health
	}
	h := &Health{Status: container.NoHealthcheck}
	configured := false
	if in.Config != nil && in.Config.Healthcheck != nil {
		check := in.Config.Healthcheck
		if len(check.Test) > 0 {
			if check.Test[0] == "NONE" {
				return nil
			}
			configured = true
		}
		h.Interval = check.Interval
		if h.Interval <= 0 {
			h.Interval = defaultHealthInterval
		}
	}
	if state == nil {
		return nilUnless(configured, h)
	}
	if state.Status != "" && state.Status != container.NoHealthcheck {
		configured = true
		h.Status = text(state.Status)
	}
	h.FailingStreak = max(state.FailingStreak, 0)
	h.Last = lastProbe(state.Log)
	return nilUnless(configured, h)
}

// nilUnless is h if ok, else nil.
func nilUnless(ok bool, h *Health) *Health {
	if !ok {
		return nil
	}
	return h
}

// lastProbe is the newest run in a healthcheck's log, which has the oldest first.
func lastProbe(log []*container.HealthcheckResult) *Probe {
	for _, r := range slices.Backward(log) {
		if r != nil {
			last := probe(r)
			return &last
		}
	}
	return nil
}

// listedName picks a container's own name of those in the list: links add "/other/alias".
func listedName(names []string) string {
	for _, n := range names {
		if bare := bareName(n); !strings.Contains(bare, "/") {
			return bare
		}
	}
	if len(names) > 0 {
		return bareName(names[0])
	}
	return ""
}

// bareName takes the engine's leading slash away, and nothing else.
func bareName(name string) string { return text(strings.TrimPrefix(name, "/")) }

// ports gives the published ports, each once, in order.
func ports(listed []container.Port) []Port {
	var out []Port
	for _, p := range listed {
		if p.PublicPort != 0 {
			out = append(out, Port{HostIP: text(p.IP), Host: p.PublicPort, Container: p.PrivatePort, Protocol: text(p.Type)})
		}
	}
	sort.Slice(out, func(i, j int) bool {
		a, b := out[i], out[j]
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Container, b.Container),
			strings.Compare(a.Protocol, b.Protocol), strings.Compare(a.HostIP, b.HostIP)) < 0
	})
	return slices.Compact(out)
}

// stamp reads one of the engine's times; zero for what is none, and for year 1, which
// is the engine's way to say never.
func stamp(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return utc(t)
}

// utc gives a time in UTC; the plain zero time for any zero.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}

// unixTime is a time from Unix seconds; zero for none.
func unixTime(s int64) time.Time {
	if s <= 0 {
		return time.Time{}
	}
	return time.Unix(s, 0).UTC()
}

// seconds is a duration of whole seconds, at the ends of its range where they do not fit.
// Everything below 0 is -1 s: for ever.
func seconds(n int) time.Duration {
	const most = math.MaxInt64 / int64(time.Second)
	return time.Duration(min(max(int64(n), -1), most)) * time.Second
}

// natural is n, or 0 where n is negative, which engines use for "not set".
func natural(n int64) uint64 {
	if n < 0 {
		return 0
	}
	return uint64(n)
}

// text is s as valid UTF-8.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// cut is at most the first n bytes of s, ending between two characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

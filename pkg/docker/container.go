package docker

import (
	"cmp"
	"time"
)

// Container is what vmguard knows of one container from the engine alone. It holds
// no environment, no arbitrary labels and no command arguments, so that what was
// never read cannot leak into a report.
type Container struct {
	ID      string `json:"id"`
	Name    string `json:"name"` // without the engine's leading slash
	Image   string `json:"image"`
	ImageID string `json:"imageId,omitempty"`
	// ImageSize is the size of the image in bytes; 0 where the engine did not say.
	ImageSize uint64 `json:"imageSizeBytes,omitempty"`

	// InspectError says why nothing more than ID, Name, Image and State is known:
	// the engine listed the container and then failed to describe it.
	InspectError string `json:"inspectError,omitempty"`

	// State is the engine's word: created, running, paused, restarting, removing, exited or
	// dead; or StateRemoved.
	State      string    `json:"state"`
	PID        int       `json:"pid,omitempty"` // of the container's PID 1, as the engine's host counts; 0 when not running
	CreatedAt  time.Time `json:"createdAt"`
	StartedAt  time.Time `json:"startedAt"`  // zero when never started
	FinishedAt time.Time `json:"finishedAt"` // zero when never finished
	ExitCode   int       `json:"exitCode"`
	OOMKilled  bool      `json:"oomKilled"`
	Error      string    `json:"error,omitempty"` // why the engine could not start it

	// AutoRemove tells that the engine removes the container when it ends (docker run --rm).
	AutoRemove   bool   `json:"autoRemove,omitempty"`
	RestartCount int    `json:"restartCount"`
	Restart      Policy `json:"restartPolicy"`

	// Health is nil where no healthcheck is configured.
	Health *Health `json:"health,omitempty"`

	Limits  Limits `json:"limits"`
	Logging Logs   `json:"logging"`

	// Init tells whether the engine puts its own init (docker-init) at PID 1; nil where only the daemon's default decides.
	Init *bool `json:"init,omitempty"`
	// Program is the configured executable's base name, without its arguments.
	Program string `json:"program,omitempty"`
	// ShellForm tells that the configured command is a shell with -c, as Docker makes of a CMD that is no JSON array.
	ShellForm bool `json:"shellForm"`

	// StopSignal is as configured, SIGTERM by default; SignalNumber reads it. Empty where InspectError is set.
	StopSignal string `json:"stopSignal"`
	// StopTimeout is the grace time between the stop signal and SIGKILL, 10 s by
	// default. Negative means that the engine waits for ever (docker run --stop-timeout -1).
	StopTimeout time.Duration `json:"stopTimeoutNanoseconds"`

	NetworkMode string `json:"networkMode,omitempty"`
	PIDMode     string `json:"pidMode,omitempty"`
	// CgroupParent is the cgroup above the container's as configured (docker run
	// --cgroup-parent); empty for the engine's own.
	CgroupParent string `json:"cgroupParent,omitempty"`
	Privileged   bool   `json:"privileged,omitempty"`
	Ports        []Port `json:"ports,omitempty"`

	// SwarmTask tells that a swarm made the container, and replaces it when it dies or is unhealthy.
	SwarmTask bool `json:"swarmTask,omitempty"`

	// ManagedBy names what made the container and replaces it when it dies, by its labels:
	// "swarm", "kubernetes", "ecs", "nomad", "podman", "compose run"; empty for none that is known.
	// What is changed by docker update is lost at the next replacement.
	ManagedBy string `json:"managedBy,omitempty"`

	ComposeProject string `json:"composeProject,omitempty"`
	ComposeService string `json:"composeService,omitempty"`

	// Events are the container's own start, die, kill, oom, stop and restart events
	// of the last day that the engine still holds, oldest first. An engine keeps its
	// newest 256 events of every kind and of all containers, in memory only (moby:
	// daemon/events, eventsLimit): no event is no proof that nothing happened.
	Events []Event `json:"events,omitempty"`
	// EventsKnown tells whether the engine could be asked for its events; where it
	// is false, an empty Events says nothing at all.
	EventsKnown bool `json:"eventsKnown"`
}

// StateRemoved is the state of a container that the engine no longer has.
const StateRemoved = "removed"

// Stop gives the name of the signal that docker stop sends first: StopSignal, or the
// engine's default where a recording does not say.
func (c Container) Stop() string { return cmp.Or(c.StopSignal, defaultStopSignal) }

// Policy is a restart policy: Name is no, always, unless-stopped or on-failure.
type Policy struct {
	Name       string `json:"name"`
	MaxRetries int    `json:"maxRetries,omitempty"`
}

// Health is the state of a container's healthcheck.
type Health struct {
	Status        string `json:"status"` // starting, healthy, unhealthy, or none where it is switched off or never ran
	FailingStreak int    `json:"failingStreak"`
	// Interval is the time between two runs, 30 s by default; 0 where the engine did not say.
	Interval time.Duration `json:"intervalNanoseconds,omitempty"`
	Last     *Probe        `json:"last,omitempty"` // the newest run on record
}

// Probe is one run of a healthcheck.
type Probe struct {
	End      time.Time `json:"end"`
	ExitCode int       `json:"exitCode"`
	// Output is the first 400 bytes that the probe printed. It may hold anything, so recordings leave it out.
	Output string `json:"output,omitempty"`
}

// Limits are a container's configured limits. Bytes; 0 means not set.
type Limits struct {
	Memory            uint64 `json:"memoryBytes"`
	MemoryReservation uint64 `json:"memoryReservationBytes,omitempty"`
	// MemorySwap is memory plus swap, as docker run --memory-swap: 0 not set, -1
	// unlimited. An engine that gets a memory limit alone writes twice that limit
	// here when it creates the container, so 0 seldom stands beside a limit.
	MemorySwap     int64 `json:"memorySwapBytes"`
	OOMKillDisable bool  `json:"oomKillDisable,omitempty"`
	OOMScoreAdj    int   `json:"oomScoreAdj,omitempty"`
	PIDs           int64 `json:"pids,omitempty"`
	NanoCPUs       int64 `json:"nanoCpus,omitempty"`
}

// Logs is where a container's output goes, and how much of it is kept.
type Logs struct {
	Driver  string `json:"driver"`
	MaxSize string `json:"maxSize,omitempty"` // the max-size option, as configured
	MaxFile string `json:"maxFile,omitempty"` // the max-file option, as configured
}

// Port is one published port.
type Port struct {
	HostIP    string `json:"hostIp,omitempty"`
	Host      uint16 `json:"host"`
	Container uint16 `json:"container"`
	Protocol  string `json:"protocol"`
}

// Event is one of the engine's events about a container.
type Event struct {
	Time   time.Time `json:"time"`
	Action string    `json:"action"` // die, kill, oom, stop, restart, start
	// Signal is the number that a kill sent, 0 for other actions.
	Signal int `json:"signal,omitempty"`
	// ExitCode is what a die reported; nil for other actions.
	ExitCode *int `json:"exitCode,omitempty"`
}

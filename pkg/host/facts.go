package host

import (
	"time"

	"vmguard/pkg/docker"
	"vmguard/pkg/oom"
)

// Facts is a snapshot of a host. It serialises, so that a recording can be judged
// elsewhere (doctor --save-facts, doctor --facts).
type Facts struct {
	CollectedAt time.Time `json:"collectedAt"`
	// Image tells that the facts were taken of a file tree that does not run.
	Image bool `json:"image,omitempty"`

	System Fact[System] `json:"system"`
	Cloud  Fact[Cloud]  `json:"cloud"`
	Cgroup Fact[Cgroup] `json:"cgroup"`

	Memory    Fact[Memory]           `json:"memory"`
	VMStat    Fact[VMStat]           `json:"vmstat"`
	Pressure  Pressures              `json:"pressure"`
	Sysctls   map[string]Fact[int64] `json:"sysctls"`
	Swaps     Fact[[]SwapArea]       `json:"swaps"`
	Fstab     Fact[[]FstabSwap]      `json:"fstab"`
	Units     Fact[[]SwapUnit]       `json:"swapUnits"`
	ZramConf  Fact[bool]             `json:"zramConfigured"` // a zram swap device is set up at boot
	OOM       Fact[oom.Log]          `json:"oomKills"`
	Disks     []Fact[Disk]           `json:"disks"`
	Conntrack Fact[Conntrack]        `json:"conntrack"`
	Daemons   Fact[[]Daemon]         `json:"daemons"`

	// DockerInstalled tells whether there is a Docker engine to be expected on this
	// host at all: a socket, a running dockerd, its executable, or an endpoint that the user named.
	DockerInstalled Fact[bool]          `json:"dockerInstalled"`
	Docker          Fact[docker.Engine] `json:"docker"`
	// DockerFailure classes why the engine did not answer; empty where it did, or was not asked.
	DockerFailure docker.Reason `json:"dockerFailure,omitempty"`
	// EngineHere tells whether the engine that answered is this very host's dockerd, so
	// that its configuration, memory and processes are the ones that are looked at here.
	EngineHere   Fact[bool]         `json:"engineHere"`
	DaemonConfig Fact[DaemonConfig] `json:"dockerDaemonConfig"`
	Containers   Fact[[]Container]  `json:"containers"`

	// What is set up for the next boot: an image has this, and of a running host it is read as well.
	SysctlConf Fact[SysctlConf]    `json:"sysctlConf"`
	Modules    Fact[[]BootModule]  `json:"bootModules"`
	Cmdline    Fact[[]KernelParam] `json:"kernelParameters"`
	Kernels    Fact[[]string]      `json:"installedKernels"` // versions, as uname -r gives them, the newest last
	// KernelConfig is how the newest of them was built. It is read of images alone, as SwapFiles is.
	KernelConfig Fact[KernelConfig] `json:"kernelConfig"`
	Services     Fact[[]Service]    `json:"bootServices"`
	Journald     Fact[Journald]     `json:"journald"`
	DaemonFile   Fact[DaemonFile]   `json:"dockerDaemonFile"`
	SwapFiles    Fact[[]BakedSwap]  `json:"swapfiles"`
	CloudInit    Fact[CloudInit]    `json:"cloudInit"`
	Caddyfiles   Fact[[]Caddyfile]  `json:"caddyfiles"`
	// Compose holds the compose files and Dockerfiles that the user named.
	Compose []Fact[ComposeFile] `json:"composeFiles,omitempty"`
	// SwapOff tells whether something keeps swap that is set up from being activated when an
	// image boots; its source says what. It is not collected of a running host.
	SwapOff Fact[bool] `json:"swapOff,omitzero"`
}

// NamedEndpoint is the source of DockerInstalled where the user named the engine's endpoint.
const NamedEndpoint = "the named endpoint"

// Sysctl gives the running value of an integer sysctl by its dotted name.
func (f *Facts) Sysctl(name string) Fact[int64] { return f.Sysctls[name] }

package host

import (
	"testing"

	"vmguard/pkg/docker"
)

func TestEngineHere(t *testing.T) {
	const (
		nobody = "no dockerd runs on this host"
		remote = "it was asked over the network, not through a unix socket"
	)
	for name, c := range map[string]struct {
		change func(*Facts)
		want   Fact[bool]
		config string // why there is none; empty where it is known
	}{
		"here": {func(*Facts) {}, Known(true, "docker info and /proc"), ""},
		"tcp": {func(f *Facts) { f.Docker.Value.Endpoint = "tcp://127.0.0.1:2375" }, Known(false, remote),
			"the engine is not this host's own dockerd: " + remote},
		"in a container": {func(f *Facts) { f.System.Value.Container = "docker" }, Known(false, "vmguard itself runs in a container (docker)"),
			"the engine is not this host's own dockerd: vmguard itself runs in a container (docker)"},
		"rootless": {func(f *Facts) { f.Docker.Value.Rootless = true }, Known(false, "it is a rootless engine"),
			"the engine is not this host's own dockerd: it is a rootless engine"},
		"Docker Desktop": {func(f *Facts) { f.Docker.Value.Name = "docker-desktop" }, Known(false, `it runs on "docker-desktop", and this host is "vm"`),
			`the engine is not this host's own dockerd: it runs on "docker-desktop", and this host is "vm"`},
		"Podman": {func(f *Facts) { f.Daemons.Value = f.Daemons.Value[1:] }, Known(false, nobody), "the engine is not this host's own dockerd: " + nobody},
		"Podman beside Docker": {func(f *Facts) { f.Docker.Value.Endpoint = "unix:///run/podman/podman.sock" }, Known(false, "it was asked through Podman's socket"),
			"the engine is not this host's own dockerd: it was asked through Podman's socket"},
		"no processes at all": {func(f *Facts) { f.Daemons = Known([]Daemon{}, "/proc") }, Known(false, nobody), "the engine is not this host's own dockerd: " + nobody},
		"daemons not known": {func(f *Facts) { f.Daemons = Missing[[]Daemon]("/proc hides") }, Missing[bool]("/proc hides"),
			"cannot tell whether the engine is this host's own dockerd: /proc hides"},
		"daemons not known, remote": {func(f *Facts) {
			f.Daemons, f.System = Missing[[]Daemon]("/proc hides"), Missing[System]("timed out")
			f.Docker.Value.Endpoint = "tcp://10.0.0.1:2376"
		}, Known(false, remote), "the engine is not this host's own dockerd: " + remote},
		"daemons given up": {func(f *Facts) { f.Daemons.Missing = "timed out" }, Missing[bool]("timed out"), "cannot tell whether the engine is this host's own dockerd: timed out"},
		"system not known": {func(f *Facts) { f.System = Missing[System]("timed out") }, Missing[bool]("timed out"),
			"cannot tell whether the engine is this host's own dockerd: timed out"},
		"nameless host": {func(f *Facts) { f.System.Value.Hostname = "" }, Missing[bool]("this host's name could not be read"),
			"cannot tell whether the engine is this host's own dockerd: this host's name could not be read"},
		"nameless engine": {func(f *Facts) { f.Docker.Value.Name = "" }, Missing[bool]("the engine does not give its host's name"),
			"cannot tell whether the engine is this host's own dockerd: the engine does not give its host's name"},
		"no answer":     {func(f *Facts) { f.Docker = Missing[docker.Engine]("connection refused") }, Missing[bool]("connection refused"), ""},
		"nobody asked":  {func(f *Facts) { f.Docker = Fact[docker.Engine]{} }, Missing[bool]("not collected"), ""},
		"no config":     {func(f *Facts) { f.DaemonConfig = Missing[DaemonConfig]("line 1") }, Known(true, "docker info and /proc"), "line 1"},
		"upper case":    {func(f *Facts) { f.System.Value.Hostname = "VM" }, Known(false, `it runs on "vm", and this host is "VM"`), `the engine is not this host's own dockerd: it runs on "vm", and this host is "VM"`},
		"only rootless": {func(f *Facts) { f.Docker.Value.Rootless, f.Daemons.Value = true, nil }, Known(false, "it is a rootless engine"), "the engine is not this host's own dockerd: it is a rootless engine"},
	} {
		t.Run(name, func(t *testing.T) {
			f := &Facts{
				System:       Known(System{Hostname: "vm"}, "/proc"),
				Docker:       Known(docker.Engine{Endpoint: "unix:///var/run/docker.sock", Name: "vm"}, "docker info"),
				Daemons:      Known([]Daemon{{Name: "dockerd", PID: 7}, {Name: "sshd", PID: 9}}, "/proc"),
				DaemonConfig: Known(DaemonConfig{File: defaultDaemonConfig}, defaultDaemonConfig),
			}
			c.change(f)
			f.EngineHere = engineHere(f)
			equal(t, f.EngineHere, c.want)
			equal(t, configOfEngine(f).Why(), c.config)
		})
	}
}

package host

import (
	"fmt"
	"path"
	"strings"
)

// engineHere judges by the other facts whether the engine that answered is this host's
// own dockerd. It is missing where nothing speaks against it and something that would
// have to speak for it is not known.
func engineHere(f *Facts) Fact[bool] {
	if !f.Docker.Known() {
		return Missing[bool](f.Docker.Why())
	}
	if why := elsewhere(f); why != "" {
		return Known(false, why)
	}
	switch {
	case !f.System.Known():
		return Missing[bool](f.System.Why())
	case f.System.Value.Hostname == "":
		return Missing[bool]("this host's name could not be read")
	case f.Docker.Value.Name == "":
		return Missing[bool]("the engine does not give its host's name")
	case !f.Daemons.Known():
		return Missing[bool](f.Daemons.Why())
	}
	return Known(true, "docker info and /proc")
}

// elsewhere says what proves that the engine is not this host's own dockerd; empty
// where nothing does. Facts that are missing prove nothing.
func elsewhere(f *Facts) string {
	engine, system := f.Docker.Value, f.System.Value
	socket, local := strings.CutPrefix(engine.Endpoint, "unix://")
	_, running := firstDockerd(f.Daemons)
	switch {
	case !local:
		return "it was asked over the network, not through a unix socket"
	case f.System.Known() && system.Container != "":
		return fmt.Sprintf("vmguard itself runs in a container (%s)", system.Container)
	case engine.Rootless:
		return "it is a rootless engine"
	case f.System.Known() && engine.Name != "" && system.Hostname != "" && engine.Name != system.Hostname:
		return fmt.Sprintf("it runs on %q, and this host is %q", engine.Name, system.Hostname)
	case path.Base(socket) == "podman.sock":
		return "it was asked through Podman's socket"
	case f.Daemons.Known() && !running:
		return "no dockerd runs on this host"
	}
	return ""
}

// configOfEngine gives the configuration of the engine that answered, where that is
// this host's own. Where none answered it is that of the dockerd that would.
func configOfEngine(f *Facts) Fact[DaemonConfig] {
	switch {
	case !f.Docker.Known():
		return f.DaemonConfig
	case !f.EngineHere.Known():
		return Missing[DaemonConfig]("cannot tell whether the engine is this host's own dockerd: " + f.EngineHere.Why())
	case !f.EngineHere.Value:
		return Missing[DaemonConfig]("the engine is not this host's own dockerd: " + f.EngineHere.Source)
	}
	return f.DaemonConfig
}

package check

import (
	"fmt"
	"strings"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

var dockerEnabled = Check{
	ID: "docker-enabled", Area: finding.Docker, Worst: finding.Critical, Modes: Live | Image,
	Title: "Docker is started at boot",
	Why: "Restart policies are dockerd's to keep. Where nothing starts dockerd, no container comes back after a reboot, whatever its policy; " +
		"with the socket alone enabled they come back when somebody first types a docker command.",
	Rule: "Where Docker is installed and nothing starts its service at boot: critical in an image and where containers have a restart policy, else a warning. A warning where only docker.socket is enabled. " +
		"A service that an enabled unit requires counts as enabled, a masked one does not, nor one that systemd refuses to start, as it requires a masked unit or has more than one ExecStart=: that is critical. Does not apply without Docker. " +
		"Unknown for a dockerd that no known service starts, where a user who lingers has a docker.service of its own (rootless), and where versions of systemd differ over what becomes of it at the first boot. " +
		"In an image that has never booted (machine-id(5)) it is what systemd's presets make of it at the first boot: without a rule they enable it.",
	Fix:   "Enable docker.service.",
	Judge: func(f *host.Facts, _ Policy) []finding.Finding { return one(judgeDockerEnabled(f)) },
}

const dockerService = "docker.service"

func judgeDockerEnabled(f *host.Facts) finding.Finding {
	switch {
	case f.System.Value.Container != "":
		return unknown("vmguard runs in a container, which does not show the VM's services")
	case !f.Services.Known():
		return unknown("cannot tell which services are enabled: " + f.Services.Why())
	}
	unit := dockerUnit(f)
	switch socket := bootService(f, "docker.socket"); {
	case unit.Path == "" && !f.DockerInstalled.Known():
		return unknown("cannot tell whether there is Docker: " + f.DockerInstalled.Why())
	case unit.Path == "" && !f.DockerInstalled.Value:
		return skipped("there is no Docker on this host")
	case unit.Path == "":
		return unknown("no known service starts dockerd here: whether it is started at boot cannot be told", evidence(f.DockerInstalled.Source, "Docker"))
	case lacksSocket(unit, socket):
		return fail(finding.Critical, unit.Name+" is enabled, and systemd refuses to start it: it requires docker.socket, which is masked",
			enableRemedy(f, unit), inFile(socket.Path, 0, "docker.socket is masked", "not masked"), evidence(unit.Path, "Requires=docker.socket"))
	case refused(unit):
		return judgeRefused(f, unit)
	case presetDecides(unit):
		return judgePreset(f, unit)
	case unit.Enabled:
		return pass(unit.Name+" is started at boot", evidence(unit.By, unit.Name))
	case unit.ByUser != "":
		return unknown(unit.Name+" is not enabled, and need not be where a lingering user has a rootless Docker of its own; whether that is the one that is meant cannot be told", evidence(unit.ByUser, "starts a user's Docker"))
	case socket.Enabled && !unit.Masked:
		return fail(finding.Warning, "only docker.socket is enabled: after a reboot no container comes back before somebody first talks to the engine",
			enableRemedy(f, unit), inFile(unit.Path, 0, unit.Name+" is not enabled", "enabled"), evidence(socket.By, socket.Name))
	}
	return dockerOff(f, unit)
}

// lacksSocket tells that the service is enabled, and needs a socket that is masked.
func lacksSocket(unit, socket host.Service) bool {
	return startsAtBoot(unit) && unit.NeedsSocket && socket.Masked
}

// dockerUnit gives the service that is to start dockerd: the snap's where there is no other.
func dockerUnit(f *host.Facts) host.Service {
	unit, snap := bootService(f, dockerService), bootService(f, "snap.docker.dockerd.service")
	if unit.Path == "" && snap.Path != "" {
		return snap
	}
	return unit
}

func dockerOff(f *host.Facts, unit host.Service) finding.Finding {
	state := "not enabled"
	if unit.Masked {
		state = "masked"
	}
	seen := inFile(unit.Path, 0, unit.Name+" is "+state, "enabled")
	var waiting []string
	for _, c := range f.Containers.Value {
		if c.Restart.Name != "" && c.Restart.Name != "no" {
			waiting = append(waiting, c.Name)
		}
	}
	switch {
	case f.Image:
		return fail(finding.Critical, unit.Name+" is "+state+": no container is started at boot", enableRemedy(f, unit), seen)
	case len(waiting) > 0 && engineElsewhere(f) == "":
		return fail(finding.Critical, fmt.Sprintf("%s is %s: after a reboot no container comes back, whatever its restart policy (%d have one)", unit.Name, state, len(waiting)), enableRemedy(f, unit), seen)
	}
	return fail(finding.Warning, unit.Name+" is "+state+": after a reboot there is no Docker", enableRemedy(f, unit), seen)
}

// enableRemedy enables the service in the way of what starts services here.
func enableRemedy(f *host.Facts, unit host.Service) *finding.Remedy {
	sudo := "sudo "
	if f.Image {
		sudo = ""
	}
	switch {
	case strings.HasPrefix(unit.Name, "snap."):
		return remedy("enable it", sudo+"snap start --enable docker")
	case strings.HasPrefix(unit.Path, "/etc/init.d/"):
		return remedy("enable it: with update-rc.d docker defaults, chkconfig docker on, or rc-update add docker, whichever the system has", "")
	}
	if !f.Image && !f.System.Value.Systemd {
		return remedy("have it started at boot by this host's own init, which is not systemd", "")
	}
	var masked, commands []string
	if unit.Masked {
		masked = append(masked, "docker")
	}
	if bootService(f, "docker.socket").Masked && (unit.Masked || unit.NeedsSocket) {
		masked = append(masked, "docker.socket")
	}
	masked = append(masked, unit.NeedsMasked...)
	if len(masked) > 0 {
		commands = append(commands, sudo+"systemctl unmask "+strings.Join(masked, " "))
	}
	if !unit.Enabled {
		commands = append(commands, sudo+"systemctl enable docker")
	}
	text := "enable it"
	if f.Image {
		text = "in the image: enable it"
	}
	return remedy(text, strings.Join(commands, " && "))
}

package check

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"vmguard/pkg/docker"
	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

const daemonJSON = "/etc/docker/daemon.json"

// healthyBoot adds what a healthy VM has to the facts.
func healthyBoot(f *host.Facts) {
	const wants = "/etc/systemd/system/multi-user.target.wants/"
	f.Services = host.Known([]host.Service{
		{Name: "docker.service", Path: "/usr/lib/systemd/system/docker.service", Enabled: true, By: wants + "docker.service"},
		{Name: "docker.socket", Path: "/usr/lib/systemd/system/docker.socket", Enabled: true, By: "/etc/systemd/system/sockets.target.wants/docker.socket"},
		{Name: "earlyoom.service"}, {Name: "nohang.service"}, {Name: "systemd-oomd.service"}, {Name: "rsyslog.service"},
		{Name: "systemd-journald.service", Path: "/usr/lib/systemd/system/systemd-journald.service", Enabled: true, By: "/usr/lib/systemd/system/sysinit.target.wants/systemd-journald.service"},
	}, "systemd's unit directories")
	f.Journald = host.Known(host.Journald{Installed: true, Storage: "auto", LogDir: true}, "journald.conf (the default)")
	f.DaemonFile = host.Known(host.DaemonFile{Path: daemonJSON, Present: true, Size: 40}, daemonJSON)
}

// unitOf gives the service of a name, to be changed.
func unitOf(f *host.Facts, name string) *host.Service {
	i := slices.IndexFunc(f.Services.Value, func(s host.Service) bool { return s.Name == name })
	return &f.Services.Value[i]
}

// disable takes a service's enablement away.
func disable(f *host.Facts, name string) *host.Service {
	s := unitOf(f, name)
	s.Enabled, s.By = false, ""
	return s
}

// enable makes a service be installed and enabled.
func enable(f *host.Facts, name string) {
	s := unitOf(f, name)
	s.Path, s.Enabled, s.By = "/usr/lib/systemd/system/"+name, true, "/etc/systemd/system/multi-user.target.wants/"+name
}

// run makes a program run in a unit.
func run(f *host.Facts, name, unit string) {
	f.Daemons.Value = append(f.Daemons.Value, host.Daemon{Name: name, PID: 900 + len(f.Daemons.Value), Unit: unit})
}

// offline takes away what an image does not show.
func offline(f *host.Facts) {
	f.Image, f.System.Value.Systemd, f.Daemons = true, false, host.Fact[[]host.Daemon]{}
	f.Docker, f.EngineHere = host.Missing[docker.Engine]("an image"), host.Fact[bool]{}
	f.Containers = host.Missing[[]host.Container]("an image")
}

func bootServiceRules() map[string][]ruleCase {
	all := map[string][]ruleCase{}
	for _, family := range []map[string][]ruleCase{journalRules(), dockerBootRules(), daemonFileRules(), imageEngineRules(), userspaceOOMRules()} {
		maps.Copy(all, family)
	}
	return all
}

func journalRules() map[string][]ruleCase {
	volatileJournal := func(f *host.Facts) { f.Journald.Value.LogDir = false }
	inTmpfs := func(f *host.Facts, dir string) {
		f.Journald.Value.Tmpfs = &host.Tmpfs{Dir: dir, File: "/etc/fstab", Line: 2}
	}
	return map[string][]ruleCase{"journal-persistent": {
		{"kept", nil, []outcome{passes("kept in /var/log/journal")}},
		{"kept, by setting", func(f *host.Facts, _ *host.Container) {
			f.Journald.Value = host.Journald{Installed: true, Storage: "persistent", File: "/etc/systemd/journald.conf", Line: 3}
		}, []outcome{passes("kept in")}},
		{"no directory", func(f *host.Facts, _ *host.Container) { volatileJournal(f) }, []outcome{fails(finding.Warning, "dies with the boot (there is no /var/log/journal)")}},
		{"no directory in the image", func(f *host.Facts, _ *host.Container) { offline(f); volatileJournal(f) }, []outcome{fails(finding.Warning, "dies with the boot")}},
		{"set to volatile", func(f *host.Facts, _ *host.Container) { f.Journald.Value.Storage = "volatile" }, []outcome{fails(finding.Warning, "(Storage=volatile)")}},
		{"none at all", func(f *host.Facts, _ *host.Container) { f.Journald.Value.Storage = "none" }, []outcome{fails(finding.Warning, "(Storage=none)")}},
		{"on a tmpfs", func(f *host.Facts, _ *host.Container) { inTmpfs(f, "/var/log/journal") }, []outcome{fails(finding.Warning, "(a tmpfs lies on /var/log/journal)")}},
		{"on a tmpfs in the image", func(f *host.Facts, _ *host.Container) { offline(f); inTmpfs(f, "/var/log") }, []outcome{fails(finding.Warning, "(a tmpfs lies on /var/log)")}},
		{"rsyslog on the tmpfs", func(f *host.Facts, _ *host.Container) { inTmpfs(f, "/var"); enable(f, "rsyslog.service") }, []outcome{fails(finding.Warning, "(a tmpfs lies on /var)")}},
		{"rsyslog beside the tmpfs", func(f *host.Facts, _ *host.Container) { inTmpfs(f, "/var/log/journal"); enable(f, "rsyslog.service") }, []outcome{passes("rsyslog.service keeps")}},
		{"rsyslog beside it", func(f *host.Facts, _ *host.Container) { volatileJournal(f); enable(f, "rsyslog.service") }, []outcome{passes("rsyslog.service keeps the kernel's log")}},
		{"rsyslog, perhaps", func(f *host.Facts, _ *host.Container) {
			offline(f)
			volatileJournal(f)
			unitOf(f, "rsyslog.service").FirstBoot = true
		}, []outcome{isUnknown("left to the first boot")}},
		{"no journald", func(f *host.Facts, _ *host.Container) { f.Journald.Value = host.Journald{Storage: "auto"} }, []outcome{isSkipped("no systemd-journald")}},
		{"masked", func(f *host.Facts, _ *host.Container) { unitOf(f, "systemd-journald.service").Masked = true }, []outcome{isSkipped("no systemd-journald")}},
		{"inside a container", func(f *host.Facts, _ *host.Container) { f.System.Value.Container = "docker" }, []outcome{isUnknown("runs in a container")}},
		{"not readable", func(f *host.Facts, _ *host.Container) { f.Journald = host.Missing[host.Journald]("permission denied") }, []outcome{isUnknown("permission denied")}},
		{"services not readable", func(f *host.Facts, _ *host.Container) { f.Services = host.Missing[[]host.Service]("permission denied") }, []outcome{isUnknown("permission denied")}},
	}}
}

func dockerBootRules() map[string][]ruleCase {
	off := func(f *host.Facts) { disable(f, "docker.service"); disable(f, "docker.socket") }
	none := func(f *host.Facts) {
		off(f)
		unitOf(f, "docker.service").Path, unitOf(f, "docker.socket").Path = "", ""
	}
	return map[string][]ruleCase{"docker-enabled": append(presetCases(), []ruleCase{
		{"enabled", nil, []outcome{passes("docker.service is started at boot")}},
		{"enabled in the image", func(f *host.Facts, _ *host.Container) { offline(f) }, []outcome{passes("is started at boot")}},
		{"off, containers wait", func(f *host.Facts, _ *host.Container) { off(f) }, []outcome{fails(finding.Critical, "no container comes back, whatever its restart policy (1 have one)")}},
		{"off, no policy", func(f *host.Facts, c *host.Container) { off(f); c.Restart.Name = "no" }, []outcome{fails(finding.Warning, "there is no Docker")}},
		{"off, another host's containers", func(f *host.Facts, _ *host.Container) {
			off(f)
			f.EngineHere = host.Known(false, "the engine is another host's")
		}, []outcome{fails(finding.Warning, "there is no Docker")}},
		{"off in the image", func(f *host.Facts, _ *host.Container) { offline(f); off(f) }, []outcome{fails(finding.Critical, "docker.service is not enabled: no container is started")}},
		{"masked in the image", func(f *host.Facts, _ *host.Container) { offline(f); disable(f, "docker.service").Masked = true }, []outcome{fails(finding.Critical, "docker.service is masked")}},
		{"the socket alone", func(f *host.Facts, _ *host.Container) { disable(f, "docker.service") }, []outcome{fails(finding.Warning, "only docker.socket is enabled")}},
		{"its socket is masked", func(f *host.Facts, _ *host.Container) {
			unitOf(f, "docker.service").NeedsSocket = true
			disable(f, "docker.socket").Masked = true
		}, []outcome{fails(finding.Critical, "it requires docker.socket, which is masked")}},
		{"its socket is off", func(f *host.Facts, _ *host.Container) {
			unitOf(f, "docker.service").NeedsSocket = true
			disable(f, "docker.socket")
		}, []outcome{passes("is started at boot")}},
		{"a socket that it does without is masked", func(f *host.Facts, _ *host.Container) { disable(f, "docker.socket").Masked = true }, []outcome{passes("is started at boot")}},
		{"a user's own", func(f *host.Facts, _ *host.Container) {
			offline(f)
			off(f)
			unitOf(f, "docker.service").ByUser = "/home/app/.config/systemd/user/default.target.wants/docker.service"
		}, []outcome{isUnknown("a rootless Docker")}},
		{"never booted", func(f *host.Facts, _ *host.Container) {
			offline(f)
			off(f)
			unitOf(f, "docker.service").FirstBoot = true
		}, []outcome{isUnknown("left to systemd's presets")}},
		{"snap", func(f *host.Facts, _ *host.Container) {
			none(f)
			f.Services.Value = append(f.Services.Value, host.Service{Name: "snap.docker.dockerd.service", Path: "/etc/systemd/system/snap.docker.dockerd.service", Enabled: true, By: "/x"})
		}, []outcome{passes("snap.docker.dockerd.service is started")}},
		{"no unit", func(f *host.Facts, _ *host.Container) { none(f) }, []outcome{isUnknown("no known service starts dockerd")}},
		{"no Docker", func(f *host.Facts, _ *host.Container) {
			none(f)
			f.DockerInstalled = host.Known(false, "/usr/bin/dockerd")
		}, []outcome{isSkipped("no Docker")}},
		{"Docker not known", func(f *host.Facts, _ *host.Container) {
			none(f)
			f.DockerInstalled = host.Missing[bool]("/proc hides")
		}, []outcome{isUnknown("/proc hides")}},
		{"inside a container", func(f *host.Facts, _ *host.Container) { f.System.Value.Container = "docker" }, []outcome{isUnknown("runs in a container")}},
		{"not readable", func(f *host.Facts, _ *host.Container) { f.Services = host.Missing[[]host.Service]("permission denied") }, []outcome{isUnknown("permission denied")}},
	}...)}
}

func daemonFileRules() map[string][]ruleCase {
	wrong := func(p host.DaemonProblem, version string) func(*host.Facts, *host.Container) {
		return func(f *host.Facts, _ *host.Container) {
			f.DaemonFile.Value.Problems = []host.DaemonProblem{p}
			if f.Docker.Value.Version = version; version == "" {
				offline(f)
			}
		}
	}
	unknownKey := host.DaemonProblem{Line: 2, Key: "nonesuch", What: "is no directive of dockerd", Effect: host.NoStart}
	misspelt := host.DaemonProblem{Line: 2, Key: "Debug", What: "is no directive of dockerd", Want: `"debug"`, Effect: host.NoStart}
	empty := host.DaemonProblem{What: "is empty", Want: "{}", Effect: host.NoStart, Before: 23}
	graph := host.DaemonProblem{Line: 2, Key: "graph", What: "is refused from dockerd 23 on", Effect: host.NoStart, Since: 23}
	newer := host.DaemonProblem{Line: 2, Key: "log-format", What: "is not known before dockerd 23", Effect: host.NoStart, Before: 23}
	return map[string][]ruleCase{"daemon-json-valid": {
		{"valid", nil, []outcome{passes("dockerd can read /etc/docker/daemon.json")}},
		{"absent", func(f *host.Facts, _ *host.Container) {
			f.DaemonFile = host.Known(host.DaemonFile{Path: daemonJSON}, daemonJSON+" (absent)")
		}, []outcome{passes("takes its defaults")}},
		{"unknown key", wrong(unknownKey, "27.3.1"), []outcome{fails(finding.Critical, `dockerd does not start the next time: "nonesuch" in /etc/docker/daemon.json is no directive`)}},
		{"unknown key in the image", wrong(unknownKey, ""), []outcome{fails(finding.Warning, `dockerd up to 29 does not start: "nonesuch"`)}},
		{"misspelt key in the image", wrong(misspelt, ""), []outcome{fails(finding.Critical, `dockerd does not start: "Debug"`)}},
		{"unknown key, newer engine", wrong(unknownKey, "31.0.0"), []outcome{isUnknown("does not know the directives of dockerd 31")}},
		{"a version of no number", wrong(unknownKey, "dev"), []outcome{fails(finding.Warning, "nonesuch")}},
		{"no JSON", wrong(host.DaemonProblem{Line: 3, What: "is no valid JSON: a comma stands before the closing bracket", Effect: host.NoStart}, "27.3.1"),
			[]outcome{fails(finding.Critical, "/etc/docker/daemon.json is no valid JSON: a comma")}},
		{"containers", wrong(host.DaemonProblem{Line: 3, Key: "default-ulimits", What: `has "nofile" with Soft 2 above Hard 1`, Effect: host.NoContainers}, ""),
			[]outcome{fails(finding.Critical, "no container that takes the defaults starts")}},
		{"not to be told", wrong(host.DaemonProblem{Line: 3, Key: "log-driver", What: `is "loki": a plugin of that name must be installed`, Effect: host.Untold}, "27.3.1"), []outcome{isUnknown(`"log-driver" in /etc/docker/daemon.json is "loki"`)}},
		{"ignored", wrong(host.DaemonProblem{Line: 3, Key: "host", What: "is a flag's name", Effect: host.NoEffect}, ""), []outcome{fails(finding.Warning, `"host" in`)}},
		{"empty, new", wrong(empty, "27.3.1"), []outcome{passes("can read")}},
		{"empty, old", wrong(empty, "20.10.24+dfsg1"), []outcome{fails(finding.Critical, "is empty")}},
		{"empty, not known", wrong(empty, ""), []outcome{fails(finding.Warning, "dockerd before 23 does not start")}},
		{"removed, new", wrong(graph, "27.3.1"), []outcome{fails(finding.Critical, "graph")}},
		{"removed, old", wrong(graph, "20.10.24"), []outcome{passes("can read")}},
		{"removed, not known", wrong(graph, ""), []outcome{fails(finding.Warning, "dockerd from 23 on does not start")}},
		{"newer, old", wrong(newer, "20.10.24"), []outcome{fails(finding.Critical, "log-format")}},
		{"newer, not known", wrong(newer, ""), []outcome{passes("can read")}},
		{"no Docker, no file", func(f *host.Facts, _ *host.Container) {
			f.DockerInstalled, f.DaemonFile.Value.Present = host.Known(false, "/usr/bin/dockerd"), false
		}, []outcome{isSkipped("no Docker")}},
		{"no Docker, file not readable", func(f *host.Facts, _ *host.Container) {
			f.DockerInstalled, f.DaemonFile = host.Known(false, "/usr/bin/dockerd"), host.Missing[host.DaemonFile]("needs root")
		}, []outcome{isUnknown("needs root")}},
		{"inside a container", func(f *host.Facts, _ *host.Container) { f.System.Value.Container = "docker" }, []outcome{isUnknown("runs in a container")}},
		{"not readable", func(f *host.Facts, _ *host.Container) { f.DaemonFile = host.Missing[host.DaemonFile]("needs root") }, []outcome{isUnknown("needs root")}},
	}}
}

// imageEngineRules are about what an image tells of the engine that will run in it.
func imageEngineRules() map[string][]ruleCase {
	image := func(change func(f *host.Facts)) func(*host.Facts, *host.Container) {
		return func(f *host.Facts, _ *host.Container) {
			offline(f)
			if change != nil {
				change(f)
			}
		}
	}
	flag := func(name string) func(*host.Facts) {
		return func(f *host.Facts) { f.DaemonFile.Value.Flags = []string{name} }
	}
	common := []ruleCase{
		{"image without Docker", image(func(f *host.Facts) { f.DockerInstalled = host.Known(false, "/usr/bin/dockerd") }), []outcome{isSkipped("no Docker in this image")}},
		{"image, broken file", image(func(f *host.Facts) { f.DaemonConfig = host.Missing[host.DaemonConfig]("line 2: invalid") }), []outcome{isUnknown("line 2: invalid")}},
		{"image, start not readable", image(func(f *host.Facts) { f.DaemonFile = host.Missing[host.DaemonFile]("needs root") }), []outcome{isUnknown("needs root")}},
		{"image, another file", image(func(f *host.Facts) { f.DaemonFile.Value.Path = "/x.json" }), []outcome{isUnknown("names another configuration file: /x.json")}},
	}
	return map[string][]ruleCase{
		"docker-live-restore": append(slices.Clone(common),
			ruleCase{"image, off", image(nil), []outcome{fails(finding.Info, "live-restore is off")}},
			ruleCase{"image, on", image(func(f *host.Facts) { f.DaemonConfig.Value.LiveRestore = ptr(true) }), []outcome{passes("outlive")}},
			ruleCase{"image, flag", image(flag("live-restore")), []outcome{isUnknown("docker.service sets live-restore by a flag")}}),
		"docker-log-limits": append(slices.Clone(common),
			ruleCase{"image, bounded", image(nil), []outcome{passes("rotate at 10m")}},
			ruleCase{"image, unbounded", image(func(f *host.Facts) { f.DaemonConfig.Value.LogMaxSize = "" }), []outcome{fails(finding.Warning, "log without bound")}},
			ruleCase{"image, local", image(func(f *host.Facts) { f.DaemonConfig.Value.LogDriver, f.DaemonConfig.Value.LogMaxSize = "local", "" }), []outcome{passes("driver local")}},
			ruleCase{"image, no such driver", image(func(f *host.Facts) { f.DaemonConfig.Value.LogDriver = "jsonfile" }), []outcome{isUnknown("a plugin of that name must be installed")}},
			ruleCase{"image, a plugin", image(func(f *host.Facts) { f.DaemonConfig.Value.LogDriver = "grafana/loki-docker-driver:3" }), []outcome{passes("loki")}},
			ruleCase{"image, flag", image(flag("log-opts")), []outcome{isUnknown("docker.service sets log-opts by a flag")}}),
	}
}

func userspaceOOMRules() map[string][]ruleCase {
	return map[string][]ruleCase{"userspace-oom-killer": {
		{"the kernel alone", nil, []outcome{passes("the kernel alone")}},
		{"earlyoom runs", func(f *host.Facts, _ *host.Container) {
			enable(f, "earlyoom.service")
			run(f, "earlyoom", "earlyoom.service")
		},
			[]outcome{fails(finding.Info, "earlyoom runs: it kills before the kernel does")}},
		{"by hand", func(f *host.Facts, _ *host.Container) { run(f, "nohang", "") }, []outcome{fails(finding.Info, "nohang runs: it kills")}},
		{"earlyoom does not run", func(f *host.Facts, _ *host.Container) { enable(f, "earlyoom.service") },
			[]outcome{fails(finding.Info, "earlyoom does not run, and starts at the next boot: from then on it kills before the kernel does")}},
		{"earlyoom in the image", func(f *host.Facts, _ *host.Container) { offline(f); enable(f, "earlyoom.service") },
			[]outcome{fails(finding.Info, "earlyoom is enabled: it kills before the kernel does")}},
		{"systemd-oomd in the image", func(f *host.Facts, _ *host.Container) { offline(f); enable(f, "systemd-oomd.service") }, []outcome{fails(finding.Info, "in units with ManagedOOM")}},
		{"both run", func(f *host.Facts, _ *host.Container) {
			run(f, "systemd-oomd", "systemd-oomd.service")
			run(f, "nohang", "nohang-desktop.service")
		}, []outcome{fails(finding.Warning, "nohang-desktop and systemd-oomd run: each kills")}},
		{"one runs, one will", func(f *host.Facts, _ *host.Container) {
			run(f, "systemd-oomd", "systemd-oomd.service")
			enable(f, "earlyoom.service")
		}, []outcome{fails(finding.Warning, "systemd-oomd runs, and earlyoom starts at the next boot: each")}},
		{"both will", func(f *host.Facts, _ *host.Container) {
			enable(f, "earlyoom.service")
			enable(f, "systemd-oomd.service")
		}, []outcome{fails(finding.Warning, "earlyoom and systemd-oomd do not run, and start at the next boot")}},
		{"both in the image", func(f *host.Facts, _ *host.Container) {
			offline(f)
			enable(f, "earlyoom.service")
			enable(f, "systemd-oomd.service")
		}, []outcome{fails(finding.Warning, "earlyoom and systemd-oomd are enabled: each")}},
		{"processes hidden", func(f *host.Facts, _ *host.Container) { f.Daemons = host.Missing[[]host.Daemon]("hidepid") }, []outcome{isUnknown("hidepid")}},
		{"installed, off", func(f *host.Facts, _ *host.Container) { unitOf(f, "earlyoom.service").Path = "/x" }, []outcome{passes("the kernel alone")}},
		{"never booted", func(f *host.Facts, _ *host.Container) {
			offline(f)
			unitOf(f, "earlyoom.service").FirstBoot = true
		}, []outcome{isUnknown("left to the image's first boot")}},
		{"inside a container", func(f *host.Facts, _ *host.Container) { f.System.Value.Container = "docker" }, []outcome{isUnknown("runs in a container")}},
		{"not readable", func(f *host.Facts, _ *host.Container) { f.Services = host.Missing[[]host.Service]("permission denied") }, []outcome{isUnknown("permission denied")}},
	}}
}

// TestBootRemedies holds the commands for a host and for an image.
func TestBootRemedies(t *testing.T) {
	volatileJournal := func(f *host.Facts) { f.Journald.Value.LogDir = false }
	later := func(f *host.Facts) {
		f.Journald.Value.Storage, f.Journald.Value.File, f.Journald.Value.Line = "volatile", "/etc/systemd/journald.conf.d/zzz.conf", 3
	}
	for _, tt := range []struct {
		name, id string
		change   func(f *host.Facts)
		command  string
	}{
		{"a directory", "journal-persistent", volatileJournal, "sudo mkdir -p /var/log/journal && sudo systemd-tmpfiles --create --prefix /var/log/journal && sudo journalctl --flush"},
		{"a directory in the image", "journal-persistent", func(f *host.Facts) { offline(f); volatileJournal(f) }, "mkdir -p /var/log/journal"},
		{"a later setting", "journal-persistent", later, `sudo sed -i --follow-symlinks '3s/.*/Storage=persistent/' /etc/systemd/journald.conf.d/zzz.conf && sudo systemctl restart systemd-journald && sudo journalctl --flush`},
		{"a later setting in the image", "journal-persistent", func(f *host.Facts) { offline(f); later(f) }, `sed -i --follow-symlinks '3s/.*/Storage=persistent/' /etc/systemd/journald.conf.d/zzz.conf`},
		{"a tmpfs", "journal-persistent", func(f *host.Facts) {
			f.Journald.Value.Tmpfs = &host.Tmpfs{Dir: "/var/log", File: "/etc/fstab", Line: 2}
		}, ""},
		{"a setting", "journal-persistent", func(f *host.Facts) { f.Journald.Value.Storage = "none" },
			`sudo sh -c "mkdir -p /etc/systemd/journald.conf.d && printf '[Journal]\nStorage=persistent\n' > /etc/systemd/journald.conf.d/zz-vmguard.conf && systemctl restart systemd-journald && journalctl --flush"`},
		{"a setting in the image", "journal-persistent", func(f *host.Facts) { offline(f); f.Journald.Value.Storage = "none" },
			`mkdir -p /etc/systemd/journald.conf.d && printf '[Journal]\nStorage=persistent\n' > /etc/systemd/journald.conf.d/zz-vmguard.conf`},
		{"Docker", "docker-enabled", func(f *host.Facts) { disable(f, "docker.service") }, "sudo systemctl enable docker"},
		{"Docker in the image", "docker-enabled", func(f *host.Facts) { offline(f); disable(f, "docker.service") }, "systemctl enable docker"},
		{"Docker, masked", "docker-enabled", func(f *host.Facts) { offline(f); disable(f, "docker.service").Masked = true }, "systemctl unmask docker && systemctl enable docker"},
		{"Docker, its socket masked", "docker-enabled", func(f *host.Facts) {
			offline(f)
			unitOf(f, "docker.service").NeedsSocket = true
			disable(f, "docker.socket").Masked = true
		}, "systemctl unmask docker.socket"},
		{"Docker, both masked", "docker-enabled", func(f *host.Facts) {
			disable(f, "docker.service").Masked = true
			disable(f, "docker.socket").Masked = true
		}, "sudo systemctl unmask docker docker.socket && sudo systemctl enable docker"},
		{"Docker of System V", "docker-enabled", func(f *host.Facts) { disable(f, "docker.service").Path = "/etc/init.d/docker" }, ""},
		{"an empty file", "daemon-json-valid", func(f *host.Facts) {
			offline(f)
			f.DaemonFile.Value.Problems = []host.DaemonProblem{{What: "is empty", Want: "{}", Effect: host.NoStart, Before: 23}}
		}, "echo '{}' | tee /etc/docker/daemon.json"},
		{"log limits", "docker-log-limits", func(f *host.Facts) {
			offline(f)
			f.DaemonConfig.Value = host.DaemonConfig{File: daemonJSON}
		}, `mkdir -p /etc/docker && printf '%s\n' '{"live-restore": true, "log-driver": "json-file", "log-opts": {"max-size": "10m", "max-file": "3"}}' > /etc/docker/daemon.json`},
		{"log limits of the snap", "docker-log-limits", func(f *host.Facts) {
			offline(f)
			f.DaemonConfig.Value = host.DaemonConfig{File: "/var/snap/docker/current/config/daemon.json", LiveRestore: ptr(true)}
			f.DaemonFile.Value.Path = f.DaemonConfig.Value.File
		}, `mkdir -p /var/snap/docker/current/config && printf '%s\n' '{"log-driver": "json-file", "log-opts": {"max-size": "10m", "max-file": "3"}}' > /var/snap/docker/current/config/daemon.json`},
		{"log limits beside a flag", "docker-log-limits", func(f *host.Facts) {
			offline(f)
			f.DaemonConfig.Value, f.DaemonFile.Value.Flags = host.DaemonConfig{File: daemonJSON}, []string{"live-restore"}
		}, `mkdir -p /etc/docker && printf '%s\n' '{"log-driver": "json-file", "log-opts": {"max-size": "10m", "max-file": "3"}}' > /etc/docker/daemon.json`},
		{"a file that exists", "docker-log-limits", func(f *host.Facts) { offline(f); f.DaemonConfig.Value.LogMaxSize = "" }, ""},
		{"a file that is not there", "daemon-json-valid", func(f *host.Facts) {
			f.DaemonFile.Value.Problems = []host.DaemonProblem{{What: "does not exist, but x names it", Effect: host.NoStart}}
		}, ""},
		{"a directory, without systemd", "journal-persistent", func(f *host.Facts) { volatileJournal(f); f.System.Value.Systemd = false }, "sudo mkdir -p /var/log/journal"},
		{"a setting, without systemd", "journal-persistent", func(f *host.Facts) { f.Journald.Value.Storage, f.System.Value.Systemd = "none", false },
			`sudo sh -c "mkdir -p /etc/systemd/journald.conf.d && printf '[Journal]\nStorage=persistent\n' > /etc/systemd/journald.conf.d/zz-vmguard.conf"`},
		{"Docker, without systemd", "docker-enabled", func(f *host.Facts) { disable(f, "docker.service"); f.System.Value.Systemd = false }, ""},
		{"two killers, without systemd", "userspace-oom-killer", func(f *host.Facts) {
			f.System.Value.Systemd = false
			run(f, "earlyoom", "")
			enable(f, "systemd-oomd.service")
		}, ""},
		{"two killers by hand", "userspace-oom-killer", func(f *host.Facts) { run(f, "earlyoom", ""); run(f, "nohang", "") }, ""},
		{"two killers in the image", "userspace-oom-killer", func(f *host.Facts) {
			offline(f)
			enable(f, "earlyoom.service")
			enable(f, "systemd-oomd.service")
		}, "systemctl disable systemd-oomd"},
		{"two killers", "userspace-oom-killer", func(f *host.Facts) {
			enable(f, "earlyoom.service")
			enable(f, "systemd-oomd.service")
		}, "sudo systemctl disable --now systemd-oomd"},
		{"two killers, one pulled in by its package", "userspace-oom-killer", func(f *host.Facts) {
			offline(f)
			enable(f, "earlyoom.service")
			enable(f, "systemd-oomd.service")
			unitOf(f, "systemd-oomd.service").By = "/usr/lib/systemd/system/multi-user.target.wants/systemd-oomd.service"
		}, "systemctl mask systemd-oomd"},
	} {
		t.Run(tt.id+"/"+tt.name, func(t *testing.T) {
			f := healthy()
			tt.change(f)
			c, err := Find(tt.id)
			if err != nil {
				t.Fatal(err)
			}
			got := Run([]Check{c}, f, DefaultPolicy(checkedAt))[0]
			if got.Status != finding.Fail || got.Remedy == nil || got.Remedy.Command != tt.command {
				t.Errorf("got %+v %+v\nwant %s", got, got.Remedy, tt.command)
			}
		})
	}
}

// TestMissingDaemonFileRemedy holds what is said of a file that --config-file names, and that is not there.
func TestMissingDaemonFileRemedy(t *testing.T) {
	for in, want := range map[string]string{
		"/etc/systemd/system/docker.service.d/x.conf": "make /x.json, or take --config-file out of ExecStart in /etc/systemd/system/docker.service.d/x.conf; vmguard doctor",
		"/usr/lib/systemd/system/docker.service":      "make /x.json, or take --config-file out of ExecStart in /usr/lib/systemd/system/docker.service by a drop-in (systemctl edit docker); vmguard doctor",
	} {
		f := healthy()
		f.DaemonFile.Value = host.DaemonFile{Path: "/x.json", FlagsIn: in, Problems: []host.DaemonProblem{{What: "does not exist, but " + in + " names it by --config-file", Effect: host.NoStart}}}
		if got := judgeDaemonFile(f, Policy{})[0]; got.Status != finding.Fail || !strings.HasPrefix(got.Remedy.Text, want) {
			t.Errorf("got %+v %+v\nwant %s", got, got.Remedy, want)
		}
	}
}

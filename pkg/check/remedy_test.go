package check

import (
	"strings"
	"testing"
	"time"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

// remedyCase changes the healthy VM and says what the first remedy of one check then is.
type remedyCase struct {
	name, id string
	change   func(f *host.Facts, c *host.Container)
	command  string // all of it; empty for none
	text     string // must stand in the sentence
}

// TestRemedies holds the commands that users paste as root: what they say, and where
// there is rather none.
func TestRemedies(t *testing.T) {
	grown := func(c *host.Container) { // has run for a day without a limit
		c.Limits.Memory = 0
		c.Memory.Value.Peak, c.Memory.Value.SwapUsage = ptr(uint64(300*mib)), ptr(uint64(50*mib))
	}
	for _, tt := range append(append(append(swapRemedies(), deathRemedies()...), sysctlRemedies()...), []remedyCase{
		{"right after the start", "container-no-memory-limit", func(_ *host.Facts, c *host.Container) { grown(c); c.StartedAt = now.Add(-time.Hour) }, "", "watch for a day"},
		{"no peak known", "container-no-memory-limit", func(_ *host.Facts, c *host.Container) { grown(c); c.Memory.Value.Peak = nil }, "", "watch for a day"},
		{"after a day", "container-no-memory-limit", func(_ *host.Facts, c *host.Container) { grown(c) }, "docker update --memory 448m --memory-swap 896m web", "peak of the last 25 h"},
		{"after a day, no swap", "container-no-memory-limit", func(f *host.Facts, c *host.Container) { grown(c); f.Swaps.Value = nil },
			"docker update --memory 448m --memory-swap 448m web", "peak"},
		{"of Kubernetes", "container-no-memory-limit", func(_ *host.Facts, c *host.Container) { grown(c); c.ManagedBy = "kubernetes" }, "", "where kubernetes is told"},
		{"of compose", "container-no-restart-policy", func(_ *host.Facts, c *host.Container) { c.Restart.Name, c.ComposeProject = "no", "shop" },
			"docker update --restart unless-stopped web", "compose file"},
		{"near the limit", "container-near-limit", func(_ *host.Facts, c *host.Container) { c.Memory.Value.Unreclaimable = 500 * mib },
			"docker update --memory 768m --memory-swap 768m web", "raise the limit"},
		{"unlimited swap is kept", "container-near-limit", func(_ *host.Facts, c *host.Container) {
			c.Memory.Value.Unreclaimable, c.Limits.MemorySwap = 500*mib, -1
		}, "docker update --memory 768m --memory-swap -1 web", "raise the limit"},
		{"no room for a higher limit", "container-near-limit", func(f *host.Facts, c *host.Container) {
			c.Memory.Value.Unreclaimable, f.Memory.Value.Total = 500*mib, 800*mib
		}, "", "no room for a higher one"},
		{"both settings at once", "docker-live-restore", func(f *host.Facts, _ *host.Container) {
			f.Docker.Value.LiveRestore, f.DaemonConfig.Value = false, host.DaemonConfig{File: "/etc/docker/daemon.json"}
		}, `sudo sh -c 'test ! -e "$1" && mkdir -p "$(dirname "$1")" && printf %s "$0" > "$1" && kill -HUP $(pidof dockerd)' ` +
			`'{"live-restore": true, "log-driver": "json-file", "log-opts": {"max-size": "10m", "max-file": "3"}}' /etc/docker/daemon.json`, "reload the engine"},
		{"a file that exists", "docker-live-restore", func(f *host.Facts, _ *host.Container) { f.Docker.Value.LiveRestore = false }, "", "/etc/docker/daemon.json"},
		{"set as a flag", "docker-live-restore", func(f *host.Facts, _ *host.Container) {
			f.Docker.Value.LiveRestore = false
			f.DaemonConfig.Value = host.DaemonConfig{File: "/etc/docker/daemon.json", LogMaxSize: "1m", Flags: []string{"live-restore"}}
		}, "", "change --live-restore where dockerd is started"},
		{"another host's engine", "docker-live-restore", func(f *host.Facts, _ *host.Container) {
			f.Docker.Value.LiveRestore, f.EngineHere = false, host.Known(false, "tcp://box:2376")
			f.DaemonConfig.Value = host.DaemonConfig{File: "/etc/docker/daemon.json", LogMaxSize: "1m"}
		}, "", "live-restore"},
		{"a daemon of systemd's", "oom-protection", func(f *host.Facts, _ *host.Container) {
			f.Daemons.Value = []host.Daemon{{Name: "dockerd", PID: 7, Unit: "docker.service"}}
		}, `echo -500 | sudo tee /proc/7/oom_score_adj && sudo mkdir -p /etc/systemd/system/docker.service.d && printf '[Service]\nOOMScoreAdjust=-500\n' | sudo tee /etc/systemd/system/docker.service.d/oom.conf && sudo systemctl daemon-reload`, "after its next start"},
		{"a daemon without a unit", "oom-protection", func(f *host.Facts, _ *host.Container) { f.Daemons.Value = []host.Daemon{{Name: "dockerd", PID: 7}} },
			"echo -500 | sudo tee /proc/7/oom_score_adj", "until its next start"},
		{"the host's network", "tcp-keepalive-late", func(_ *host.Facts, c *host.Container) { c.NetworkMode, c.Keepalive.Value.Time = "host", 2*time.Hour },
			"echo 'net.ipv4.tcp_keepalive_time = 120' | sudo tee /etc/sysctl.d/99-vmguard-net-ipv4-tcp_keepalive_time.conf && sudo sysctl -p /etc/sysctl.d/99-vmguard-net-ipv4-tcp_keepalive_time.conf", "heartbeat"},
		{"a name that cannot be typed", "container-unhealthy", func(_ *host.Facts, c *host.Container) { c.Name, c.Health.Status = "a\nb", "unhealthy" },
			"", "(no command is given: a name has characters that cannot be typed)"},
		{"a limit of such a name", "container-near-limit", func(_ *host.Facts, c *host.Container) { c.Memory.Value.Unreclaimable, c.Name = 500*mib, "a\u202eb" },
			"", "(no command is given: a name has characters that cannot be typed)"},
		{"a swapfile of such a name", "swap-baked-in", inImage(baking("/etc\npasswd", asIs)), "", "(no command is given: a name has characters that cannot be typed)"},
		{"a hostile name", "container-unhealthy", func(_ *host.Facts, c *host.Container) { c.Name, c.Health.Status = "a';reboot;'", "unhealthy" },
			`docker restart 'a'\'';reboot;'\'''`, "restart it"},
	}...) {
		t.Run(tt.id+"/"+tt.name, func(t *testing.T) {
			f := healthy()
			tt.change(f, &f.Containers.Value[0])
			c, err := Find(tt.id)
			if err != nil {
				t.Fatal(err)
			}
			got := Run([]Check{c}, f, DefaultPolicy(checkedAt))[0]
			if got.Status != finding.Fail || got.Remedy == nil {
				t.Fatalf("no failure with a remedy: %+v", got)
			}
			if got.Remedy.Command != tt.command || !strings.Contains(got.Remedy.Text, tt.text) {
				t.Errorf("got  %q: %s\nwant %q: %s", got.Remedy.Text, got.Remedy.Command, tt.text, tt.command)
			}
		})
	}
}

package check

import (
	"time"

	"vmguard/pkg/host"
	"vmguard/pkg/oom"
)

// deathRemedies are the cases of what was killed.
func deathRemedies() []remedyCase {
	log := func(f *host.Facts, kills ...oom.Kill) {
		f.OOM.Value.Kills, f.VMStat.Value.OOMKill = kills, ptr(uint64(len(kills)))
	}
	const (
		raise = "docker update --memory 768m --memory-swap 768m web"
		why   = "sudo vmguard why web"
	)
	inner := kill(goneID, time.Hour)
	inner.TaskCgroup = "/docker/" + webID + "/docker/" + goneID
	inner.LimitCgroup = inner.TaskCgroup
	return []remedyCase{
		{"at its own limit", "oom-kills", func(f *host.Facts, _ *host.Container) { log(f, kill(webID, time.Hour)) },
			raise, "see vmguard why web, and raise the limit to 768 MiB"},
		{"at its own limit", "container-oom-killed", func(f *host.Facts, _ *host.Container) { log(f, kill(webID, time.Hour)) },
			raise, "see vmguard why web, and raise the limit to 768 MiB"},
		{"raised since", "oom-kills", func(f *host.Facts, c *host.Container) { log(f, kill(webID, time.Hour)); c.Limits.Memory = gib },
			why, "nothing more, unless"},
		{"a container that is gone", "oom-kills", func(f *host.Facts, _ *host.Container) { log(f, kill(goneID, time.Hour)) },
			"sudo vmguard why dead00000000", "what takes its place"},
		{"the engine could not be asked", "oom-kills", func(f *host.Facts, _ *host.Container) {
			log(f, kill(goneID, time.Hour))
			f.Containers = host.Missing[[]host.Container]("timed out")
		}, "", "what takes its place"},
		{"inside a container", "oom-kills", func(f *host.Facts, _ *host.Container) { log(f, inner) },
			why, "raise the limit of the container inside it"},
		{"a limit that the log does not name", "oom-kills", func(f *host.Facts, _ *host.Container) {
			log(f, oom.Kill{SinceBoot: uptime, Comm: "app", Scope: oom.ScopeCgroup})
		}, "", "look in the journal"},
		{"never killed", "container-near-limit", func(_ *host.Facts, c *host.Container) { c.Memory.Value.Unreclaimable = 500 * mib },
			raise, "raise the limit to 768 MiB: half as much again as the present 512 MiB"},
		{"deaf", "container-killed", func(_ *host.Facts, c *host.Container) {
			ended(c, 137, time.Hour)
			recorded(c, signal(time.Hour+10*time.Second, 15), signal(time.Hour, 9), die(time.Hour, 137))
		}, why, "catch SIGTERM in the program and end in time"},
		{"a hostile name", "container-oom-killed", func(f *host.Facts, c *host.Container) {
			c.Name, c.Limits.Memory, c.OOMKilled = "a';reboot;'", 0, true
			ended(c, 137, time.Hour)
			noLog(f)
		}, `sudo vmguard why 'a'\'';reboot;'\'''`, "see how it came to this"},
	}
}

package check

import (
	"cmp"
	"fmt"
	"strings"

	"vmguard/pkg/compose"
	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
)

// eachService judges the services of all compose files that the user named, and the
// Dockerfiles named by themselves; image is nil for a rule that those say nothing of.
func eachService(f *host.Facts, service func(host.ComposeFile, host.ComposeService) finding.Finding, image func(host.ComposeFile) finding.Finding) []finding.Finding {
	if len(f.Compose) == 0 {
		return one(skipped("no compose file was named (--compose)"))
	}
	var out []finding.Finding
	add := func(found finding.Finding, subject string) {
		found.Subject = subject
		out = append(out, found)
	}
	for _, c := range f.Compose {
		file := c.Value
		if !c.Known() {
			add(unknown("it could not be read: "+c.Why()), file.Path)
			continue
		}
		for _, s := range file.Services {
			add(service(file, s), file.Path+":"+s.Name)
		}
		switch {
		case file.Unseen != "":
			add(unknown("there may be more services than were seen: "+file.Unseen), file.Path)
		case file.Dockerfile != nil && image != nil:
			add(image(file), file.Path)
		case file.Dockerfile != nil:
			add(skipped("a Dockerfile does not say that"), file.Path)
		case len(file.Services) == 0:
			add(skipped("it has no service"), file.Path)
		}
	}
	return out
}

// stands is evidence of a setting.
func stands(s compose.Setting, name, want string) finding.Evidence {
	return inFile(s.File, s.Line, name+": "+s.Text, want)
}

// lacks is evidence of a service in which something does not stand.
func lacks(s host.ComposeService, what, want string) finding.Evidence {
	return inFile(s.File, s.Line, s.Name+" without "+what, want)
}

// addTo is the remedy of a key that is missing.
func addTo(s host.ComposeService, text, key string) *finding.Remedy {
	return remedy(fmt.Sprintf("%s: below %s in %s write %s", text, s.Name, s.File, key), "")
}

// open says why a setting that does not decide cannot be told; empty where it can.
func open(s host.ComposeService, setting compose.Setting, name string) string {
	switch {
	case setting.Variable != "":
		return fmt.Sprintf("its %s depends on the variable %s, whose value is not known (%s:%d)", name, setting.Variable, setting.File, setting.Line)
	case !setting.Set() && s.Unseen != "":
		return s.Unseen
	}
	return ""
}

var composeHealthcheck = Check{
	ID: "compose-healthcheck", Area: finding.Containers, Worst: finding.Warning, Modes: Live | Image,
	Title: "Services have a healthcheck",
	Why: "A process that lives is not a service that works. A healthcheck makes the difference visible; plain Docker does not restart what is unhealthy. " +
		"Where another service waits for this one to be healthy, docker compose up fails without one.",
	Rule: "For each service of the files named with --compose: info where neither it nor the Dockerfile that it builds has a healthcheck, or where it is switched off; a warning " +
		"where another service waits for it with condition: service_healthy. The image that it runs, or builds upon, may bring one: that is not looked at, and the finding says so. " +
		"Unknown where a variable, a file that was not read, or a Dockerfile that cannot be read decides. Does not apply to services that are meant to end.",
	Fix: "Write healthcheck with a test below the service, or HEALTHCHECK into its Dockerfile, and have something act on it.",
	Judge: func(f *host.Facts, _ Policy) []finding.Finding {
		return eachService(f, judgeServiceHealth, judgeImageHealth)
	},
}

const sampleHealthcheck = `a healthcheck with a test of its own; as an example, for a web server whose image has curl: healthcheck: {test: ["CMD", "curl", "-f", "http://localhost:8080/health"], interval: 30s}`

func judgeServiceHealth(_ host.ComposeFile, s host.ComposeService) finding.Finding {
	h := s.Healthcheck
	seen := inFile(h.File, h.Line, "healthcheck", "")
	switch {
	case s.Job:
		return skipped("it is meant to end")
	case h.Variable != "":
		return unknown("whether it has a healthcheck depends on the variable "+h.Variable+", whose value is not known", seen)
	case h.Set() && !h.Off && !h.Partial:
		return pass("it has a healthcheck", seen)
	case h.Off:
		return noHealthcheck(s, "its healthcheck is switched off", ", which then fails", inFile(h.File, h.Line, "switched off", "a test"))
	case s.Unseen != "":
		return unknown("cannot tell whether it has a healthcheck: " + s.Unseen)
	case s.Built == nil:
		return noHealthcheck(s, "no healthcheck here; its image may bring one", ", which fails unless it does", lacks(s, "healthcheck", "one"))
	case !s.Built.Known():
		return unknown("cannot tell whether its Dockerfile has a HEALTHCHECK: " + s.Built.Why())
	}
	built := s.Built.Value
	switch {
	case built.Healthcheck.Set() && !built.Healthcheck.Off:
		return pass("its Dockerfile has a HEALTHCHECK", inFile(built.Healthcheck.File, built.Healthcheck.Line, "HEALTHCHECK", ""))
	case built.Healthcheck.Off || built.Base == "scratch":
		return noHealthcheck(s, "no healthcheck, neither here nor in its Dockerfile", ", which then fails", lacks(s, "healthcheck", "one"))
	}
	return noHealthcheck(s, "no healthcheck, neither here nor in its Dockerfile; "+built.Base+" may bring one", ", which fails unless it does", lacks(s, "healthcheck", "one"))
}

// noHealthcheck is worse where another service waits for it.
func noHealthcheck(s host.ComposeService, text, fails string, seen finding.Evidence) finding.Finding {
	fix := addTo(s, "say how to tell that it works", sampleHealthcheck)
	if len(s.Awaited) > 0 {
		return fail(finding.Warning, text+", and "+human.List(s.Awaited, 3)+" waits for it to be healthy"+fails, fix, seen)
	}
	return fail(finding.Info, text+": a service that is stuck looks the same as one that works", fix, seen)
}

func judgeImageHealth(file host.ComposeFile) finding.Finding {
	image := *file.Dockerfile
	h := image.Healthcheck
	fix := remedy(`add a HEALTHCHECK with a test of its own after the last FROM; as an example, for a web server with curl: HEALTHCHECK --interval=30s CMD ["curl", "-f", "http://localhost:8080/health"]`, "")
	switch {
	case h.Set() && !h.Off:
		return pass("it has a HEALTHCHECK", inFile(h.File, h.Line, "HEALTHCHECK", ""))
	case h.Off:
		return fail(finding.Info, "its healthcheck is switched off", fix, inFile(h.File, h.Line, "HEALTHCHECK NONE", "a test"))
	}
	return fail(finding.Info, "no HEALTHCHECK; "+image.Base+", on which it stands, may bring one", fix, inFile(image.File, image.Line, "no HEALTHCHECK", "one"))
}

var composeRestart = Check{
	ID: "compose-restart", Area: finding.Containers, Worst: finding.Warning, Modes: Live | Image,
	Title: "Services are restarted",
	Why:   "Without a restart policy a container stays dead after its first crash, its first OOM kill, and every reboot of the VM.",
	Rule: "For each service of the files named with --compose: a warning without restart and without deploy.restart_policy, where they say no or nothing, and where a number of attempts stands beside anything but on-failure, " +
		"which the engine refuses; info where a profile must be asked for, and with on-failure, which leaves down what has ended with exit code 0. " +
		"Unknown where a variable with a value neither in .env nor by default, or a file that was not read, decides. Does not apply to services that are meant to end: another one waits for that " +
		"(condition: service_completed_successfully), or deploy.mode is that of a job.",
	Fix:   "Write restart: unless-stopped below the service.",
	Judge: func(f *host.Facts, _ Policy) []finding.Finding { return eachService(f, judgeServiceRestart, nil) },
}

func judgeServiceRestart(_ host.ComposeFile, s host.ComposeService) finding.Finding {
	if s.Job {
		return skipped("it is meant to end")
	}
	if why := open(s, s.Restart, "restart policy"); why != "" {
		return unknown("cannot tell whether it is restarted: " + why)
	}
	name, attempts, _ := strings.Cut(s.Restart.Text, ":")
	limited := strings.Trim(attempts, "0") != ""
	seen, fix := lacks(s, "restart", "unless-stopped or always"), addTo(s, "let the engine restart it", "restart: unless-stopped")
	if s.Restart.Set() {
		said := s.Restart
		said.Text = cmp.Or(said.Text, "nothing, which means no")
		seen = stands(said, "restart", "unless-stopped or always")
		fix = remedy(fmt.Sprintf("let the engine restart it: in line %d of %s write restart: unless-stopped, or in a restart_policy condition: any without max_attempts",
			s.Restart.Line, s.Restart.File), "")
	}
	switch name {
	case "on-failure":
		return fail(finding.Info, "it is restarted after a failure alone: once it ends with exit code 0, as at a clean shutdown, it stays down, after a reboot too", fix, seen)
	case "unless-stopped", "always", "any", "no", "none":
		if limited {
			return fail(finding.Warning, "a number of attempts goes with on-failure alone: with "+name+" the engine refuses to make the container", fix, seen)
		}
		if name[0] != 'n' {
			return pass("it is restarted: "+name, seen)
		}
	case "", "false":
	default:
		return unknown(fmt.Sprintf("its restart policy %q is none that compose knows", s.Restart.Text), seen)
	}
	if len(s.Profiles) > 0 {
		return fail(finding.Info, "no restart policy: once started (profile "+human.List(s.Profiles, 3)+") it stays dead after its first crash", fix, seen)
	}
	return fail(finding.Warning, "no restart policy: it stays dead after its first crash and after every reboot", fix, seen)
}

var composeMemoryLimit = Check{
	ID: "compose-memory-limit", Area: finding.Containers, Worst: finding.Warning, Modes: Live | Image,
	Title: "Services have a memory limit",
	Why: "Without a limit one leak takes the whole VM, and the kernel then picks a victim among all containers and daemons. " +
		"With a limit the leaking container is killed alone.",
	Rule: "For each service of the files named with --compose: a warning without mem_limit and without deploy.resources.limits.memory, or where they are 0; info where it is the file's only service. " +
		"Unknown where a variable with a value neither in .env nor by default, or a file that was not read, decides.",
	Fix:   "Write mem_limit below the service; its peak use over a day, and half as much again, is a good start.",
	Judge: func(f *host.Facts, _ Policy) []finding.Finding { return eachService(f, judgeServiceMemory, nil) },
}

func judgeServiceMemory(file host.ComposeFile, s host.ComposeService) finding.Finding {
	if why := open(s, s.Memory, "memory limit"); why != "" {
		return unknown("cannot tell whether its memory is limited: " + why)
	}
	seen := lacks(s, "mem_limit", "a limit")
	if s.Memory.Set() {
		seen = stands(s.Memory, "memory limit", "a limit")
		limit, err := s.Memory.Bytes()
		switch {
		case err != nil:
			return unknown("cannot tell whether its memory is limited: "+err.Error(), seen)
		case limit > 0:
			return pass("its memory is limited to "+human.Bytes(limit), seen)
		}
	}
	severity := finding.Warning
	if len(file.Services) == 1 && file.Unseen == "" {
		severity = finding.Info
	}
	return fail(severity, "no memory limit: one leak in it takes the whole VM",
		addTo(s, "watch for a day what it uses at its peak (docker stats), then limit it to half as much again", "mem_limit: 512m, with that number"), seen)
}

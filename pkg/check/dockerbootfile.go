package check

import (
	"fmt"
	"strconv"
	"strings"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
)

var daemonJSONValid = Check{
	ID: "daemon-json-valid", Area: finding.Docker, Worst: finding.Critical, Modes: Live | Image,
	Title: "dockerd can read its configuration",
	Why: "dockerd refuses to start with a configuration file that is not just right: one comma too many, a key it does not know, a value of the wrong type, or a setting that its flags make as well. " +
		"A running engine goes on with what it read when it started, so that the mistake shows at the next upgrade or reboot, and then no container comes back.",
	Rule: "Critical for what keeps dockerd from starting, or every container that takes the defaults. A warning for what dockerd ignores, and for what versions of dockerd differ over where the version is not known, " +
		"as of a key that resembles none that is known. " +
		"Flags are those of docker.service. Passes without a file. Does not apply where there is neither Docker nor the file. Unknown where the file cannot be read, a wrapper or script starts dockerd with flags that cannot be told, the log driver is none of dockerd's own, or the engine is newer than the list of directives.",
	Fix:   "Mend the line that is named. vmguard doctor --only daemon-json-valid looks again; from 23.0 on dockerd --validate --config-file FILE does as well.",
	Judge: judgeDaemonFile,
}

// newestDockerd is the last major version whose directives are known to vmguard.
const newestDockerd = 29

func judgeDaemonFile(f *host.Facts, _ Policy) []finding.Finding {
	file := f.DaemonFile.Value
	noDocker := f.DockerInstalled.Known() && !f.DockerInstalled.Value
	switch {
	case f.System.Value.Container != "":
		return one(unknown("vmguard runs in a container, which does not show the VM's files"))
	case noDocker && f.DaemonFile.Known() && !file.Present:
		return one(skipped("there is no Docker on this host"))
	case !f.DaemonFile.Known():
		return one(unknown("cannot tell how dockerd is configured: " + f.DaemonFile.Why()))
	}
	version := dockerMajor(f)
	var out []finding.Finding
	for _, p := range file.Problems {
		out = append(out, judgeDaemonProblem(f, p, version)...)
	}
	switch {
	case len(out) > 0:
		return out
	case !file.Present:
		return one(pass("dockerd has no configuration file, and takes its defaults", evidence(f.DaemonFile.Source, "absent")))
	}
	return one(pass("dockerd can read "+file.Path, inFile(file.Path, 0, human.Count(file.Size, "byte"), "")))
}

// dockerMajor gives the major version of this host's engine; 0 where it is not known.
func dockerMajor(f *host.Facts) int {
	if !f.Docker.Known() || !f.EngineHere.Known() || !f.EngineHere.Value {
		return 0
	}
	major, _, _ := strings.Cut(f.Docker.Value.Version, ".")
	n, err := strconv.Atoi(major)
	if err != nil {
		return 0
	}
	return n
}

// judgeDaemonProblem judges one problem for a version of dockerd. Of a directive that is
// too new for old versions it says nothing where the version is not known: those who
// write it have a new one.
func judgeDaemonProblem(f *host.Facts, p host.DaemonProblem, version int) []finding.Finding {
	path := f.DaemonFile.Value.Path
	about := path + " " + p.What
	if p.Key != "" {
		about = fmt.Sprintf("%q in %s %s", p.Key, path, p.What)
	}
	seen := inFile(path, p.Line, strings.TrimSpace(p.Key+" "+p.What), p.Want)
	mend := mendDaemonFile(f, p)
	if p.Effect == host.NoStart && strings.HasPrefix(p.What, "is no directive") {
		switch {
		case version == 0 && p.Want == "": // it may be one of a newer dockerd
			return one(fail(finding.Warning, fmt.Sprintf("dockerd up to %d does not start: %s", newestDockerd, about), mend, seen))
		case version > newestDockerd:
			return one(unknown(fmt.Sprintf("vmguard does not know the directives of dockerd %d, and so not whether it takes %q in %s", version, p.Key, path), seen))
		}
	}
	if p.Minds(version) {
		return one(judgeMinded(f, p, about, mend, seen))
	}
	switch {
	case version == 0 && p.Since > 0:
		return one(fail(finding.Warning, fmt.Sprintf("dockerd from %d on does not start: %s", p.Since, about), mend, seen))
	case version == 0 && p.Key == "":
		return one(fail(finding.Warning, fmt.Sprintf("dockerd before %d does not start: %s", p.Before, about), mend, seen))
	}
	return nil
}

// judgeMinded judges a problem that this dockerd minds by what comes of it.
func judgeMinded(f *host.Facts, p host.DaemonProblem, about string, mend *finding.Remedy, seen finding.Evidence) finding.Finding {
	switch p.Effect {
	case host.NoStart:
		when := " the next time"
		if f.Image {
			when = ""
		}
		return fail(finding.Critical, "dockerd does not start"+when+": "+about, mend, seen)
	case host.NoContainers:
		return fail(finding.Critical, "no container that takes the defaults starts: "+about, mend, seen)
	case host.Untold:
		return unknown(about, seen)
	}
	return fail(finding.Warning, about, mend, seen)
}

// mendDaemonFile says what to change. The file is its owner's to edit; only an empty one
// and a byte order mark have a command.
func mendDaemonFile(f *host.Facts, p host.DaemonProblem) *finding.Remedy {
	file := f.DaemonFile.Value
	sudo, again := "sudo ", "; vmguard doctor --only daemon-json-valid looks at it again"
	if f.Image {
		sudo, again = "", ""
	}
	where := file.Path
	if p.Line > 0 {
		where = fmt.Sprintf("line %d of %s", p.Line, file.Path)
	}
	word := human.ShellWord(file.Path)
	switch {
	case p.What == "is empty":
		return remedy("put an empty object into it, or remove it", fmt.Sprintf("echo '{}' | %stee %s", sudo, word))
	case p.What == "begins with a byte order mark":
		return remedy("take the mark away", fmt.Sprintf(`%ssed -i '1s/^\xef\xbb\xbf//' %s`, sudo, word))
	case p.Key != "" && strings.HasPrefix(p.What, "is set by a flag") && strings.HasPrefix(file.FlagsIn, "/etc/conf.d/"):
		return remedy(fmt.Sprintf("take %q out of %s, or the flag out of DOCKER_OPTS in %s%s", p.Key, where, file.FlagsIn, again), "")
	case p.Key != "" && strings.HasPrefix(p.What, "is set by a flag"):
		return remedy(fmt.Sprintf("take %q out of %s, or the flag out of ExecStart in %s by a drop-in (systemctl edit docker)%s", p.Key, where, file.FlagsIn, again), "")
	case strings.HasPrefix(p.What, "does not exist"):
		by := ""
		if !strings.HasPrefix(file.FlagsIn, "/etc/") { // a package's file is not to be edited
			by = " by a drop-in (systemctl edit docker)"
		}
		return remedy(fmt.Sprintf("make %s, or take --config-file out of ExecStart in %s%s%s", where, file.FlagsIn, by, again), "")
	case p.Want != "":
		return remedy(fmt.Sprintf("in %s, this is wanted: %s%s", where, p.Want, again), "")
	}
	return remedy("mend or remove it in "+where+again, "")
}

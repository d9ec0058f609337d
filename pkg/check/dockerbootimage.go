package check

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
)

// imageConfig gives the engine's configuration in an image; false, with what to say
// instead, where there is none to judge, or docker.service sets one of the directives.
func imageConfig(f *host.Facts, names ...string) (host.DaemonConfig, finding.Finding, bool) {
	config := f.DaemonConfig.Value
	switch {
	case f.DockerInstalled.Known() && !f.DockerInstalled.Value:
		return config, skipped("there is no Docker in this image"), false
	case !f.DaemonConfig.Known():
		return config, unknown("cannot tell how the engine is configured: " + f.DaemonConfig.Why()), false
	case !f.DaemonFile.Known():
		return config, unknown("cannot tell how the engine is started: " + f.DaemonFile.Why()), false
	case f.DaemonFile.Value.Path != config.File:
		return config, unknown("docker.service names another configuration file: " + f.DaemonFile.Value.Path), false
	}
	for _, name := range names {
		if slices.Contains(f.DaemonFile.Value.Flags, name) {
			return config, unknown("docker.service sets "+name+" by a flag", evidence(f.DaemonFile.Value.FlagsIn, name)), false
		}
	}
	return config, finding.Finding{}, true
}

func judgeImageLiveRestore(f *host.Facts) finding.Finding {
	config, instead, ok := imageConfig(f, "live-restore")
	if !ok {
		return instead
	}
	if config.LiveRestore != nil && *config.LiveRestore {
		return pass("containers outlive a restart of the engine", evidence(f.DaemonConfig.Source, "live-restore true"))
	}
	return fail(finding.Info, "live-restore is off: a restart or upgrade of the engine stops all containers", imageDaemonRemedy(config, f.DaemonFile.Value.Flags),
		inFile(config.File, 0, "live-restore off", "true"))
}

func judgeImageLogLimits(f *host.Facts) finding.Finding {
	config, instead, ok := imageConfig(f, "log-driver", "log-opts")
	driver := cmp.Or(config.LogDriver, "json-file")
	switch {
	case !ok:
		return instead
	case !host.BuiltInLogDriver(driver) && !strings.ContainsAny(driver, "/:"):
		return unknown("the default log driver "+driver+" is none of dockerd's own: a plugin of that name must be installed", evidence(f.DaemonConfig.Source, "log-driver "+driver))
	case driver != "json-file":
		return pass("the default log driver "+driver+" does not fill the disk by itself", evidence(f.DaemonConfig.Source, "log-driver "+driver))
	case bounded(config.LogMaxSize):
		return pass("new containers' logs rotate at "+config.LogMaxSize, evidence(f.DaemonConfig.Source, "max-size "+config.LogMaxSize))
	}
	return fail(finding.Warning, "new containers log without bound: one that is chatty fills the disk", imageDaemonRemedy(config, f.DaemonFile.Value.Flags),
		inFile(config.File, 0, "no max-size for the driver json-file", "max-size 10m"))
}

// imageDaemonRemedy writes all that daemon.json lacks, so that two findings do not
// overwrite each other's file, and nothing that flags set. A file that exists is for its
// owner to edit.
func imageDaemonRemedy(config host.DaemonConfig, flags []string) *finding.Remedy {
	var settings []string
	flagged := func(name string) bool { return slices.Contains(flags, name) }
	if !flagged("live-restore") && (config.LiveRestore == nil || !*config.LiveRestore) {
		settings = append(settings, `"live-restore": true`)
	}
	if !flagged("log-driver") && !flagged("log-opts") && cmp.Or(config.LogDriver, "json-file") == "json-file" && !bounded(config.LogMaxSize) {
		settings = append(settings, `"log-driver": "json-file", "log-opts": {"max-size": "10m", "max-file": "3"}`)
	}
	object := "{" + strings.Join(settings, ", ") + "}"
	text := fmt.Sprintf("in the image: put %s into %s", object, config.File)
	if config.Present {
		return remedy(text+", which is there already", "")
	}
	return remedy(text, fmt.Sprintf("mkdir -p %s && printf '%%s\\n' %s > %s", human.ShellWord(path.Dir(config.File)), human.ShellWord(object), human.ShellWord(config.File)))
}

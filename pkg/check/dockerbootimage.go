package check

import (
	"cmp"
	"slices"
	"strings"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
)

// imageConfig gives the engine's configuration in an image; false, with what to say
// instead, where there is none to judge, or docker.service sets one of the directives.
func imageConfig(f *host.Facts, names ...string) (host.DaemonConfig, finding.Finding, bool) {
	config := f.DaemonConfig.Value
	switch {
	case f.DockerInstalled.Known() && !f.DockerInstalled.Value:
		return config, skipped("there is no Docker in this image"), false
	case !f.DaemonConfig.Known():
		return config, unreadConfig(f, "cannot tell how the engine is configured: "), false
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

// unreadConfig says that dockerd's configuration is not known, and where it is broken, that
// daemon-json-valid comes first.
func unreadConfig(f *host.Facts, text string, seen ...finding.Evidence) finding.Finding {
	it := unknown(text+f.DaemonConfig.Why(), seen...)
	if file := f.DaemonFile.Value; len(file.Problems) > 0 && strings.HasPrefix(f.DaemonConfig.Why(), file.Path) {
		it.Summary += "; daemon-json-valid comes first"
		it.Remedy = remedy("mend what daemon-json-valid finds first", "")
	}
	return it
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
		inFile(config.File, 0, absentOr(config, "live-restore off"), "live-restore true"))
}

// absentOr says of a file that is not there just that.
func absentOr(config host.DaemonConfig, got string) string {
	if !config.Present {
		return "absent"
	}
	return got
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
		inFile(config.File, 0, absentOr(config, "no max-size for the driver json-file"), "max-size 10m"))
}

package check

import (
	"cmp"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
)

// imageDaemonRemedy writes all that daemon.json lacks, so that two findings do not
// overwrite each other's file, and nothing that flags set. A file that holds something
// is written anew with that in it, where it can be printed.
func imageDaemonRemedy(config host.DaemonConfig, flags []string) *finding.Remedy {
	var settings []host.DaemonEntry
	flagged := func(name string) bool { return slices.Contains(flags, name) }
	if !flagged("live-restore") && (config.LiveRestore == nil || !*config.LiveRestore) {
		settings = append(settings, host.DaemonEntry{Name: "live-restore", Value: "true"})
	}
	if !flagged("log-driver") && !flagged("log-opts") && cmp.Or(config.LogDriver, "json-file") == "json-file" && !bounded(config.LogMaxSize) {
		settings = append(settings, host.DaemonEntry{Name: "log-driver", Value: `"json-file"`}, host.DaemonEntry{Name: "log-opts", Value: `{"max-size": "10m", "max-file": "3"}`})
	}
	text := fmt.Sprintf("in the image: put %s into %s", daemonObject(settings), config.File)
	file := human.ShellWord(config.File)
	if config.Present && len(config.Entries) > 0 {
		object := daemonObject(withSettings(config.Entries, settings))
		if human.MaskSecrets(object) != object {
			return remedy(text+", which is there already", "")
		}
		return remedy(text+", with all that is there already", fmt.Sprintf("cp -p %[1]s %[1]s.new && printf '%%s\\n' %[2]s > %[1]s.new && mv %[1]s.new %[1]s", file, human.ShellWord(object)))
	}
	if config.Present && !config.Whole {
		return remedy(text+", which is there already", "")
	}
	return remedy(text, fmt.Sprintf("mkdir -p %s && printf '%%s\\n' %s > %s", human.ShellWord(path.Dir(config.File)), human.ShellWord(daemonObject(settings)), file))
}

// withSettings gives the entries of a file with settings in them: each in the place of the
// one of its name, or at the end. Other log options stay.
func withSettings(entries, settings []host.DaemonEntry) []host.DaemonEntry {
	list := slices.Clone(entries)
	for _, s := range settings {
		i := slices.IndexFunc(list, func(e host.DaemonEntry) bool { return e.Name == s.Name })
		switch {
		case i < 0:
			list = append(list, s)
		case s.Name == "log-opts":
			list[i].Value = withLogLimits(list[i].Value)
		default:
			list[i].Value = s.Value
		}
	}
	return list
}

// withLogLimits gives log options, an object of texts, that bound the log.
func withLogLimits(object string) string {
	options := map[string]string{}
	if err := json.Unmarshal([]byte(object), &options); err != nil || options == nil {
		options = map[string]string{}
	}
	options["max-size"] = "10m"
	if options["max-file"] == "" {
		options["max-file"] = "3"
	}
	text, err := json.Marshal(options)
	if err != nil {
		return object
	}
	return string(text)
}

// daemonObject spells entries as dockerd's file has them, on one line.
func daemonObject(entries []host.DaemonEntry) string {
	var list []string
	for _, e := range entries {
		list = append(list, fmt.Sprintf("%q: %s", e.Name, e.Value))
	}
	return "{" + strings.Join(list, ", ") + "}"
}

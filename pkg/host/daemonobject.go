package host

import (
	"bytes"
	"encoding/json"
	"slices"

	"vmguard/pkg/rootfs"
)

// DaemonEntry is a directive as it stands in dockerd's configuration file.
type DaemonEntry struct {
	Name string `json:"name"`
	// Value is JSON on one line.
	Value string `json:"value"`
}

// maxObject bounds the file, in bytes, that a command is to write anew.
const maxObject = 4096

// withEntries adds what the file holds, so that a command can write all of it anew.
func withEntries(tree *rootfs.FS, config Fact[DaemonConfig]) Fact[DaemonConfig] {
	if !config.Known() || !config.Value.Present {
		return config
	}
	data, err := tree.ReadFile(config.Value.File, maxDaemonFile)
	if err == nil {
		config.Value.Entries, config.Value.Whole = daemonEntries(data)
	}
	return config
}

// daemonEntries gives the entries of dockerd's file in their order. It gives false where they
// are not to be printed or written again: the file is long, wrong, holds one of them twice, or
// what may be a secret.
func daemonEntries(data []byte) ([]DaemonEntry, bool) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, true // dockerd takes it as an empty object
	}
	if len(data) > maxObject || bytes.ContainsRune(data, '@') || fatal(daemonProblems(data, nil, false)) { // a URL's user stands before the @
		return nil, false
	}
	at, problems, ok := firstValue(data)
	if !ok || len(problems) > 0 {
		return nil, false
	}
	settings, err := members(data, at, false)
	if err != nil || len(last(settings)) != len(settings) {
		return nil, false
	}
	var list []DaemonEntry
	for _, s := range settings {
		var line bytes.Buffer
		if !plainDirective(data, s) || json.Compact(&line, s.value) != nil {
			return nil, false
		}
		list = append(list, DaemonEntry{s.name, line.String()})
	}
	return list, true
}

// plainDirective tells that a directive is one that is known, and holds no secret.
func plainDirective(data []byte, s setting) bool {
	_, known := knownDirectives()[s.name]
	switch {
	case !known || slices.Contains([]string{"extension-config", "nri-opts", "cluster-store-opts", "labels"}, s.name):
		return false
	case s.name != "log-opts" || s.value[0] != '{':
		return true
	}
	options, err := members(data, s.at, true)
	for _, o := range options { // those of other drivers hold tokens of the services that they send to
		if !slices.Contains([]string{"max-size", "max-file", "compress", "labels", "labels-regex", "env", "env-regex", "tag", "mode", "max-buffer-size"}, o.name) {
			return false
		}
	}
	return err == nil && len(last(options)) == len(options)
}

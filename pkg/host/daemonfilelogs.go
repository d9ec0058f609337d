package host

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// logOpts judges the options of the default log driver, those of json-file by name.
func (v values) logOpts() []DaemonProblem {
	opts := valueOf[map[string]string](v, "log-opts")
	driver := valueOf[string](v, "log-driver")
	if len(opts) == 0 || driver == "none" || slices.Contains(v.flags, "log-driver") {
		return nil
	}
	out := v.logMode(opts)
	if driver != "" && driver != "json-file" {
		return out
	}
	valid := []string{"max-size", "max-file", "compress", "labels", "labels-regex", "env", "env-regex", "tag", "mode", "max-buffer-size"}
	for _, name := range slices.Sorted(maps.Keys(opts)) {
		if !slices.Contains(valid, name) && !strings.HasPrefix(name, "cache-") {
			out = append(out, v.problem(NoStart, "log-opts", fmt.Sprintf("has %q, which the driver json-file does not know", clipped(name)), ""))
		}
	}
	return append(out, v.jsonFile(opts)...)
}

// logMode judges the options that all drivers have.
func (v values) logMode(opts map[string]string) []DaemonProblem {
	mode := opts["mode"]
	if !slices.Contains([]string{"", "blocking", "non-blocking"}, mode) {
		return []DaemonProblem{v.problem(NoStart, "log-opts", fmt.Sprintf("has mode %q", clipped(mode)), "blocking or non-blocking")}
	}
	if _, set := opts["max-buffer-size"]; set && mode != "non-blocking" {
		return []DaemonProblem{v.problem(NoStart, "log-opts", "has max-buffer-size without mode non-blocking", "both or none")}
	}
	return nil
}

// jsonFile judges the values that the driver json-file reads when a container starts
// (daemon/logger/jsonfilelog in moby).
func (v values) jsonFile(opts map[string]string) []DaemonProblem {
	var out []DaemonProblem
	add := func(what, want string) { out = append(out, v.problem(NoContainers, "log-opts", what, want)) }
	size, sized := opts["max-size"]
	if n, ok := parseCapacity(size); sized && size != "-1" && (!ok || n == 0) {
		add(fmt.Sprintf("has max-size %q", clipped(size)), "a size such as 10m")
	}
	count, counted := opts["max-file"]
	files, err := strconv.Atoi(count)
	if counted && (err != nil || files < 1) {
		add(fmt.Sprintf("has max-file %q", clipped(count)), "1 or more")
	}
	pack, packed := opts["compress"]
	switch on, err := strconv.ParseBool(pack); {
	case packed && err != nil:
		add(fmt.Sprintf("has compress %q", clipped(pack)), "true or false")
	case on && (files < 2 || !sized):
		add("has compress without max-size, or without a max-file of 2 or more", "all three")
	}
	return out
}

package host

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// BuiltInLogDriver tells whether a log driver is part of dockerd (its logdrivers_linux.go
// in moby); any other is a plugin's name.
func BuiltInLogDriver(name string) bool {
	_, ok := logOptions(name)
	return ok || name == "none"
}

// logOptions gives the options that a log driver takes beside those that all have (the
// ValidateLogOpt of each in moby's daemon/logger), without those that begin with its own
// name: these differ between versions.
func logOptions(driver string) (options string, ok bool) {
	switch driver {
	case "json-file":
		return " max-size max-file compress labels labels-regex env env-regex tag ", true
	case "local":
		return " max-size max-file compress ", true
	case "awslogs":
		return " tag ", true
	case "gcplogs":
		return " labels labels-regex env env-regex ", true
	case "journald", "syslog", "gelf", "fluentd", "splunk":
		return " labels labels-regex env env-regex tag ", true
	}
	return "", false
}

// logDriver judges the default log driver and its options. A plugin has options of its
// own, and may be installed under any name.
func (v values) logDriver() []DaemonProblem {
	opts := valueOf[map[string]string](v, "log-opts")
	driver := cmp.Or(valueOf[string](v, "log-driver"), "json-file")
	if slices.Contains(v.flags, "log-driver") {
		return nil
	}
	valid, known := logOptions(driver)
	switch {
	case driver == "none" || known && len(opts) == 0:
		return nil
	case !known && !strings.ContainsAny(driver, "/:"):
		return []DaemonProblem{v.problem(Untold, "log-driver", fmt.Sprintf("is %q: a plugin of that name must be installed", clipped(driver)), "a log driver of dockerd's own, or an installed plugin")}
	}
	out := v.logMode(opts)
	if !known {
		return out
	}
	for _, name := range slices.Sorted(maps.Keys(opts)) {
		own := strings.HasPrefix(name, strings.TrimSuffix(driver, "logs")) && driver != "json-file" || strings.HasPrefix(name, "cache-")
		if !own && name != "mode" && name != "max-buffer-size" && !strings.Contains(valid, " "+name+" ") {
			out = append(out, v.problem(NoStart, "log-opts", fmt.Sprintf("has %q, which the driver %s does not know", clipped(name), driver), ""))
		}
	}
	if driver != "json-file" {
		return out
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

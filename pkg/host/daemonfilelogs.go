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
	case driver == "none":
		return nil
	case !known && !strings.ContainsAny(driver, "/:"):
		return []DaemonProblem{v.problem(Untold, "log-driver", fmt.Sprintf("is %q: a plugin of that name must be installed", clipped(driver)), "a log driver of dockerd's own, or an installed plugin")}
	}
	out := append(v.logMode(opts), v.requiredLogOptions(driver, opts)...)
	if !known {
		return out
	}
	for _, name := range slices.Sorted(maps.Keys(opts)) {
		own := strings.HasPrefix(name, strings.TrimSuffix(driver, "logs")) && driver != "json-file" || strings.HasPrefix(name, "cache-")
		if !own && name != "mode" && name != "max-buffer-size" && !strings.Contains(valid, " "+name+" ") {
			out = append(out, v.problem(NoStart, "log-opts", fmt.Sprintf("has %q, which the driver %s does not know", clipped(name), driver), ""))
		}
	}
	switch driver {
	case "json-file", "local":
		return append(out, v.logFiles(opts, driver == "local")...)
	case "syslog":
		address := opts["syslog-address"]
		if scheme, _, ok := strings.Cut(address, "://"); address != "" && (!ok || !slices.Contains([]string{"tcp", "tcp+tls", "udp", "unix", "unixgram"}, scheme)) {
			out = append(out, v.problem(NoStart, "log-opts", "has a syslog-address that is no such URL", "tcp://, tcp+tls://, udp://, unix:// or unixgram:// before it"))
		}
	}
	return out
}

// requiredLogOptions judges what a driver does not do without (its New in moby's
// daemon/logger). dockerd itself looks at options only where there are some, and those of
// splunk are looked at when a container starts. Flags may set them.
func (v values) requiredLogOptions(driver string, opts map[string]string) []DaemonProblem {
	required := map[string][]string{"gelf": {"gelf-address"}, "awslogs": {"awslogs-group"}, "splunk": {"splunk-url", "splunk-token"}}
	effect := NoStart
	if len(opts) == 0 || driver == "splunk" {
		effect = NoContainers
	}
	for _, name := range required[driver] {
		if opts[name] == "" && !slices.Contains(v.flags, "log-opts") {
			return []DaemonProblem{v.problem(effect, "log-driver", fmt.Sprintf("is %s, and \"log-opts\" does not have %s", driver, name), strings.Join(required[driver], " and ")+` in "log-opts"`)}
		}
	}
	return nil
}

// logMode judges the options that all drivers have.
func (v values) logMode(opts map[string]string) []DaemonProblem {
	mode := opts["mode"]
	if !slices.Contains([]string{"", "blocking", "non-blocking"}, mode) {
		return []DaemonProblem{v.problem(NoStart, "log-opts", fmt.Sprintf("has mode %q", clipped(mode)), "blocking or non-blocking")}
	}
	size, sized := opts["max-buffer-size"]
	if sized && mode != "non-blocking" {
		return []DaemonProblem{v.problem(NoStart, "log-opts", "has max-buffer-size without mode non-blocking", "both or none")}
	}
	if _, ok := parseCapacity(size); sized && !ok {
		return []DaemonProblem{v.problem(NoStart, "log-opts", fmt.Sprintf("has max-buffer-size %q", clipped(size)), "a size such as 4m")}
	}
	return nil
}

// logFiles judges the values that the drivers json-file and local read when a container starts
// (daemon/logger/jsonfilelog and local in moby). The latter compresses what it rotates
// unless it is told not to, and has a size and a number of files of its own.
func (v values) logFiles(opts map[string]string, local bool) []DaemonProblem {
	var out []DaemonProblem
	add := func(what, want string) {
		if what != "" {
			out = append(out, v.problem(NoContainers, "log-opts", what, want))
		}
	}
	least := 1
	if local {
		least = 0
	}
	size, sized := opts["max-size"]
	if n, ok := parseCapacity(size); sized && (!ok || n == 0 && !local) {
		add(fmt.Sprintf("has max-size %q", clipped(size)), "a size such as 10m")
	}
	count, counted := opts["max-file"]
	files, err := strconv.Atoi(count)
	wrong := counted && (err != nil || files < least)
	if wrong {
		add(fmt.Sprintf("has max-file %q", clipped(count)), "1 or more")
	}
	if local && (!counted || wrong) {
		files = 2 // its own default is more
	}
	pack, packed := opts["compress"]
	if !packed {
		pack = strconv.FormatBool(local) // the default
	}
	add(compression(pack, files, sized, local))
	return out
}

// compression judges the option compress beside the number of files.
func compression(pack string, files int, sized, local bool) (what, want string) {
	on, err := strconv.ParseBool(pack)
	switch {
	case err != nil:
		return fmt.Sprintf("has compress %q", clipped(pack)), "true or false"
	case local && on && files < 2:
		return fmt.Sprintf("has max-file \"%d\", and the driver local compresses, which takes 2", files), `2 or more, or "compress": "false" beside it`
	case !local && on && (files < 2 || !sized):
		return "has compress without max-size, or without a max-file of 2 or more", "all three"
	}
	return "", ""
}

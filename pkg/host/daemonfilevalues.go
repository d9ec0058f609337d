package host

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// values are the directives of a file whose types are right.
type values struct {
	settings map[string]setting
	flags    []string
}

func newValues(settings []setting, flags []string) values {
	v := values{settings: map[string]setting{}, flags: flags}
	for _, s := range settings {
		v.settings[s.name] = s
	}
	return v
}

// valueOf gives a directive's value; the zero value where it is not set or of another type.
func valueOf[T any](v values, name string) T {
	var value T
	if s, ok := v.settings[name]; ok && json.Unmarshal(s.value, &value) != nil {
		var none T
		return none
	}
	return value
}

// problem is one about a directive's value.
func (v values) problem(effect DaemonEffect, name, what, want string) DaemonProblem {
	return DaemonProblem{Line: v.settings[name].line, Key: name, Effect: effect, What: what, Want: want}
}

// judgeValues finds values that dockerd, or every container it starts, fails of.
func judgeValues(v values, swarm bool) []DaemonProblem {
	out := v.oneOf("log-level", "panic", "fatal", "error", "warn", "warning", "info", "debug", "trace")
	out = append(out, v.oneOf("log-format", "text", "json")...)
	out = append(out, v.oneOf("default-ipc-mode", "private", "shareable")...)
	out = append(out, v.oneOf("default-cgroupns-mode", "host", "private")...)
	for _, label := range valueOf[[]string](v, "labels") {
		if !strings.Contains(label, "=") {
			out = append(out, v.problem(NoStart, "labels", fmt.Sprintf("has %q, which has no value", clipped(label)), "key=value"))
		}
	}
	for _, name := range []string{"max-concurrent-downloads", "max-concurrent-uploads", "max-download-attempts"} {
		if valueOf[int64](v, name) < 0 {
			out = append(out, v.problem(NoStart, name, "is below zero", "1 or more"))
		}
	}
	out = append(out, v.network()...)
	if v.isFalse("icc") && v.isFalse("iptables") {
		out = append(out, v.problem(NoStart, "icc", "is false, which takes iptables, and that is false as well", "one of them true"))
	}
	if swarm && valueOf[bool](v, "live-restore") {
		out = append(out, v.problem(NoStart, "live-restore", "is true, and the engine belongs to a swarm (/var/lib/docker/swarm)", "false"))
	}
	if _, set := valueOf[map[string]any](v, "runtimes")["runc"]; set {
		out = append(out, v.problem(NoStart, "runtimes", `has "runc", a name that is taken`, "another name"))
	}
	if problem, wrong := v.defaultRuntime(); wrong {
		out = append(out, problem)
	}
	out = append(out, v.logDriver()...)
	return append(out, v.ulimits()...)
}

// network judges the default bridge's address (net.ParseCIDR in daemon/daemon_unix.go) and
// the registries' mirrors (ValidateMirror in daemon/pkg/registry/config.go).
func (v values) network() []DaemonProblem {
	var out []DaemonProblem
	if valueOf[string](v, "bridge") != "" && valueOf[string](v, "bip") != "" {
		out = append(out, v.problem(NoStart, "bip", "and bridge exclude each other", "one of the two"))
	}
	if bip := valueOf[string](v, "bip"); bip != "" {
		if _, err := netip.ParsePrefix(bip); err != nil {
			out = append(out, v.problem(NoStart, "bip", "is no address with the length of its network", "such as 172.17.0.1/16"))
		}
	}
	for _, mirror := range valueOf[[]string](v, "registry-mirrors") {
		if scheme, _, ok := strings.Cut(strings.ToLower(mirror), "://"); !ok || scheme != "http" && scheme != "https" { // it may hold a password
			out = append(out, v.problem(NoStart, "registry-mirrors", "has an entry that is no URL", "https:// or http:// before each"))
			break
		}
	}
	return out
}

func (v values) isFalse(name string) bool {
	on := valueOf[*bool](v, name)
	return on != nil && !*on
}

func (v values) oneOf(name string, valid ...string) []DaemonProblem {
	value := valueOf[string](v, name)
	if value == "" || slices.Contains(valid, value) || name == "log-level" && slices.Contains(valid, strings.ToLower(value)) {
		return nil
	}
	return []DaemonProblem{v.problem(NoStart, name, fmt.Sprintf("is %q", clipped(value)), "one of "+strings.Join(valid, ", "))}
}

// defaultRuntime tells whether the default runtime is not configured. A name with a dot
// in it is one of containerd's shims, which need no configuration.
func (v values) defaultRuntime() (DaemonProblem, bool) {
	name := valueOf[string](v, "default-runtime")
	_, configured := valueOf[map[string]any](v, "runtimes")[name]
	if name == "" || name == "runc" || configured || strings.Contains(name, ".") {
		return DaemonProblem{}, false
	}
	p := v.problem(NoStart, "default-runtime", fmt.Sprintf("is %q, which \"runtimes\" does not have", clipped(name)), "the name of a runtime")
	if slices.Contains(v.flags, "runtimes") {
		p.Before = 23 // which looks at the file before it adds the flags
	}
	return p, true
}

// ulimits judges the containers' default limits: runc fails where the soft limit is
// above the hard one (setrlimit(2)), and where there is no such limit. -1 is no limit.
func (v values) ulimits() []DaemonProblem {
	var out []DaemonProblem
	all := valueOf[map[string]*ulimit](v, "default-ulimits")
	names := []string{"as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio", "rttime", "sigpending", "stack"}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		switch limit := all[key]; {
		case limit == nil:
		case !slices.Contains(names, strings.ToLower(limit.Name)):
			out = append(out, v.problem(NoContainers, "default-ulimits", fmt.Sprintf("has %q with the Name %q, which is no limit", clipped(key), clipped(limit.Name)), "a Name such as nofile"))
		case limit.Hard >= 0 && (limit.Soft < 0 || limit.Soft > limit.Hard):
			out = append(out, v.problem(NoContainers, "default-ulimits", fmt.Sprintf("has %q with Soft %d above Hard %d", clipped(key), limit.Soft, limit.Hard), "Soft at most Hard"))
		}
	}
	return out
}

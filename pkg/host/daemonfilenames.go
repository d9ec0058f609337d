package host

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// judgeKeys finds names that are no directives, and those that stand there twice.
func judgeKeys(data []byte, settings []setting) []DaemonProblem {
	var out []DaemonProblem
	count := map[string]int{}
	for _, s := range settings {
		if count[s.name]++; count[s.name] == 2 {
			out = append(out, DaemonProblem{Line: s.line, Key: clipped(s.name), Effect: NoEffect,
				What: "stands there twice, and dockerd says nothing of it", Want: "one entry"})
		}
	}
	for _, s := range last(settings) {
		if s.value[0] != '{' || flatDirective(s.name) {
			out = append(out, judgeKey(s)...)
			continue
		}
		inner, err := members(data, s.at, true)
		if err != nil {
			continue
		}
		found := len(out)
		for _, m := range last(inner) {
			out = append(out, inObject(s.name, judgeKey(m))...)
		}
		if _, known := knownDirectives()[s.name]; !known && s.name != "proxies" && len(out) == found {
			out = append(out, DaemonProblem{Line: s.line, Key: clipped(s.name), Effect: NoEffect, What: "is no directive of dockerd, which ignores what stands in it", Want: meant(s.name)})
		}
	}
	return out
}

// inObject names the object in which a name stands that is no directive, where that object is none
// either: it is most likely the one that is wrong.
func inObject(object string, problems []DaemonProblem) []DaemonProblem {
	if _, known := knownDirectives()[object]; known || object == "proxies" {
		return problems
	}
	for i, p := range problems {
		if p.What != noDirective {
			continue
		}
		problems[i].What += fmt.Sprintf(", nor is %q, in which it stands", clipped(object))
		want := meant(object)
		if directive := knownIgnored()[object]; directive != "" {
			want = strconv.Quote(directive)
		}
		if want != "" {
			problems[i].Want = fmt.Sprintf("%s in place of %q", want, clipped(object))
		}
	}
	return problems
}

// noDirective is what is said of a name that dockerd refuses.
const noDirective = "is no directive of dockerd"

func judgeKey(s setting) []DaemonProblem {
	key := clipped(s.name)
	d, known := knownDirectives()[s.name]
	directive, ignored := knownIgnored()[s.name]
	switch {
	case ignored:
		want := ""
		if directive != "" {
			want = strconv.Quote(directive)
		}
		return []DaemonProblem{{Line: s.line, Key: key, Effect: NoEffect, What: "is a flag's name, which dockerd does not read in its file", Want: want}}
	case !known:
		return []DaemonProblem{{Line: s.line, Key: key, Effect: NoStart, What: noDirective, Want: meant(s.name)}}
	case d.removed > 0 && string(s.value) != `""`:
		return []DaemonProblem{{Line: s.line, Key: key, Effect: NoStart, Since: d.removed, What: fmt.Sprintf("is refused from dockerd %d on", d.removed), Want: successor(s.name)}}
	case d.since > 0:
		return []DaemonProblem{{Line: s.line, Key: key, Effect: NoStart, Before: d.since, What: fmt.Sprintf("is not known before dockerd %d", d.since)}}
	}
	return nil
}

// successor gives what has taken a removed directive's place; empty for none.
func successor(name string) string {
	switch name {
	case "graph":
		return `"data-root"`
	case "oom-score-adjust":
		return "OOMScoreAdjust= in docker.service"
	default:
		return ""
	}
}

// meant gives the directive that a name was most likely meant to be; empty where none comes near.
func meant(name string) string {
	if name == "max-size" || name == "max-file" {
		return `within "log-opts"`
	}
	low := strings.ReplaceAll(strings.ToLower(name), "_", "-")
	for _, try := range []string{low, low + "s", strings.TrimSuffix(low, "s")} {
		if _, ok := knownDirectives()[try]; ok && try != name {
			return strconv.Quote(try)
		}
	}
	return ""
}

// judgeFlags finds what is set both in the file and by flags, which keeps dockerd from
// starting; of runtimes it takes both.
func judgeFlags(set []setting, flags []string) []DaemonProblem {
	var out []DaemonProblem
	for _, s := range set {
		if s.name != "runtimes" && slices.Contains(flags, s.name) {
			out = append(out, DaemonProblem{Line: s.line, Key: clipped(s.name), Effect: NoStart, What: "is set by a flag of docker.service as well", Want: "one of the two"})
		}
	}
	return out
}

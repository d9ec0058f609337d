package host

import (
	"encoding/json"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// judgeTypes finds the values that are of another type than their directive. dockerd
// looks at each, also at those that stand there twice.
func judgeTypes(data []byte, settings []setting) []DaemonProblem {
	var out []DaemonProblem
	for _, s := range settings {
		if s.name == "proxies" && s.value[0] == '{' {
			out = append(out, judgeMembers(data, s, text)...)
			continue
		}
		d, known := knownDirectives()[s.name]
		if !known {
			continue
		}
		if want := mismatch(d.kind, s.value); want != "" {
			out = append(out, typeProblem(s.name, s.line, s.value, want))
			continue
		}
		switch d.kind {
		case textMap:
			out = append(out, judgeMembers(data, s, text)...)
		case switchMap:
			out = append(out, judgeMembers(data, s, boolean)...)
		case nested:
			out = append(out, judgeMembers(data, s, textMap)...)
		case ulimits:
			out = append(out, judgeMembers(data, s, ulimits+inside)...)
		case runtimes:
			out = append(out, judgeMembers(data, s, runtimes+inside)...)
		}
	}
	return out
}

// inside added to a kind of object gives the kind of what stands in it.
const inside = 100

func typeProblem(key string, line int, value json.RawMessage, want string) DaemonProblem {
	return DaemonProblem{Line: line, Key: key, Effect: NoStart, What: "is " + typeOf(value), Want: want}
}

// judgeMembers finds what is of another kind in an object.
func judgeMembers(data []byte, s setting, k kind) []DaemonProblem {
	var out []DaemonProblem
	if s.value[0] != '{' {
		return nil // null, which is as if it were not there
	}
	list, err := members(data, s.at, true)
	if err != nil {
		return nil
	}
	for _, m := range list {
		if want := mismatch(k, m.value); want != "" {
			out = append(out, typeProblem(s.name+"."+clipped(m.name), m.line, m.value, want))
		}
	}
	return out
}

// mismatch says what a value must be where it is something else; empty where it fits.
// null fits nearly everywhere: dockerd takes it as if it were not there.
func mismatch(k kind, value json.RawMessage) string {
	fits := func(to any) bool { return json.Unmarshal(value, to) == nil }
	switch k {
	case boolean:
		return unless(fits(new(bool)), "true or false, without quotation marks")
	case integer:
		return unless(fits(new(int64)), "a whole number, without quotation marks")
	case text:
		return unless(fits(new(string)), "text in quotation marks")
	case texts:
		return unless(fits(new([]string)), "a list of texts, [\"...\"]")
	case address:
		var s string
		return unless(fits(&s) && (s == "" || net.ParseIP(s) != nil), "an IP address")
	case addresses:
		var list []string
		return unless(fits(&list) && allAddresses(list), "a list of IP addresses, [\"...\"]")
	case capacity:
		var s string
		err := json.Unmarshal(value, &s)
		_, ok := parseCapacity(s)
		return unless(err == nil && ok, "text such as \"64m\"")
	case pools:
		return unless(fitPools(value), `a list such as [{"base": "10.10.0.0/16", "size": 24}]`)
	case ulimits + inside:
		return unless(fits(new(*ulimit)), `an object such as {"Name": "nofile", "Soft": 1024, "Hard": 4096}`)
	case runtimes + inside:
		return unless(fits(new(*ociRuntime)), `an object such as {"path": "/usr/bin/crun", "runtimeArgs": []}`)
	case textMap, switchMap, nested, object, ulimits, runtimes:
		return unless(fits(new(map[string]json.RawMessage)), "an object, { ... }")
	default:
		return ""
	}
}

func unless(ok bool, want string) string {
	if ok {
		return ""
	}
	return want
}

// ulimit and ociRuntime are as dockerd reads them; it does not mind how their keys are cased.
type ulimit struct {
	Name       string
	Hard, Soft int64
}

type ociRuntime struct {
	Path string   `json:"path"`
	Args []string `json:"runtimeArgs"`
	Type string   `json:"runtimeType"`
}

func allAddresses(list []string) bool {
	for _, s := range list {
		if s != "" && net.ParseIP(strings.TrimSpace(s)) == nil {
			return false
		}
	}
	return true
}

func fitPools(value json.RawMessage) bool {
	var list []*struct {
		Base string
		Size int
	}
	if err := json.Unmarshal(value, &list); err != nil {
		return false
	}
	for _, p := range list {
		if p != nil && p.Base != "" {
			if _, err := netip.ParsePrefix(p.Base); err != nil {
				return false
			}
		}
	}
	return true
}

// parseCapacity parses a size as dockerd does (github.com/docker/go-units): a number,
// and k, m, g, t or p, which may end in b or ib. The factors do not matter here.
func parseCapacity(s string) (number float64, ok bool) {
	digits := strings.LastIndexAny(s, "0123456789. ")
	if digits < 0 {
		return 0, false
	}
	amount, unit := s[:digits+1], strings.ToLower(s[digits+1:])
	amount = strings.TrimSuffix(amount, " ")
	number, err := strconv.ParseFloat(amount, 64)
	if err != nil || number < 0 {
		return 0, false
	}
	if unit == "" || unit == "b" {
		return number, true
	}
	rest := unit[1:]
	return number, strings.IndexByte("kmgtp", unit[0]) >= 0 && (rest == "" || rest == "b" || rest == "ib")
}

// typeOf says what a JSON value is.
func typeOf(value json.RawMessage) string {
	switch c := value[0]; c {
	case '"':
		return "text"
	case '{':
		return "an object"
	case '[':
		return "a list"
	case 't', 'f':
		return string(value)
	case 'n':
		return "null"
	default:
		return "a number"
	}
}

// clipped bounds a text of the file that a problem repeats.
func clipped(s string) string {
	const enough = 60
	if len(s) <= enough {
		return s
	}
	return strings.ToValidUTF8(s[:enough], "") + "..."
}

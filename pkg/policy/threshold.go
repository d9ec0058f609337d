package policy

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"vmguard/pkg/check"
	"vmguard/pkg/human"
)

// threshold is a number that a policy may set.
type threshold struct {
	key string
	set func(t *check.Thresholds, text string) error
}

// thresholds are the keys of that section. Each is named for its check; with -critical, it is where a
// failure becomes critical.
func thresholds() []threshold {
	type t = check.Thresholds
	return []threshold{
		{"memory-headroom", setter(parseRoom, func(t *t) *check.Room { return &t.MemoryHeadroom })},
		{"memory-headroom-critical", setter(parseRoom, func(t *t) *check.Room { return &t.MemoryHeadroomCritical })},
		{"memory-pressure", setter(parsePercent, func(t *t) *float64 { return &t.MemoryPressurePercent })},
		{"disk-space", setter(parseRoom, func(t *t) *check.Room { return &t.DiskSpace })},
		{"disk-space-critical", setter(parseRoom, func(t *t) *check.Room { return &t.DiskSpaceCritical })},
		{"disk-space-least", setter(parseSize, func(t *t) *uint64 { return &t.DiskSpaceLeastBytes })},
		{"inode-space", setter(parsePercent, func(t *t) *float64 { return &t.InodeSpacePercent })},
		{"inode-space-critical", setter(parsePercent, func(t *t) *float64 { return &t.InodeSpaceCriticalPercent })},
		{"container-near-limit", setter(parsePercent, func(t *t) *float64 { return &t.NearLimitPercent })},
		{"container-near-limit-critical", setter(parsePercent, func(t *t) *float64 { return &t.NearLimitCriticalPercent })},
		{"conntrack-full", setter(parsePercent, func(t *t) *float64 { return &t.ConntrackPercent })},
		{"conntrack-full-critical", setter(parsePercent, func(t *t) *float64 { return &t.ConntrackCriticalPercent })},
		{"container-restart-loop", setter(parseCount, func(t *t) *int { return &t.RestartLoopCount })},
		{"load-balancer-idle", setter(parseDuration, func(t *t) *time.Duration { return &t.LoadBalancerIdle })},
		{"stop-grace", setter(parseDuration, func(t *t) *time.Duration { return &t.StopGrace })},
	}
}

// setter joins how a value is read with where it goes.
func setter[T any](parse func(string) (T, error), field func(*check.Thresholds) *T) func(*check.Thresholds, string) error {
	return func(t *check.Thresholds, text string) error {
		v, err := parse(text)
		if err == nil {
			*field(t) = v
		}
		return err
	}
}

// thresholds reads the numbers.
func (p *parser) thresholds(n *yaml.Node) {
	sets := map[string]func(*check.Thresholds, string) error{}
	var keys []string
	for _, t := range thresholds() {
		keys = append(keys, t.key)
		sets[t.key] = t.set
	}
	lines := map[string]int{}
	for _, s := range p.mapping(n, "thresholds", keys) {
		text, ok := p.scalar(s.value, s.key, "a number with its unit")
		if !ok {
			continue
		}
		if err := sets[s.key](&p.policy.Thresholds, text); err != nil {
			p.fail(s.value.Line, "%s: %v", s.key, err)
			continue
		}
		lines[s.key] = s.value.Line
	}
	p.ladders(lines)
}

// ladders holds that what is critical is a warning before: who sets one of two numbers may have to
// set the other as well.
func (p *parser) ladders(lines map[string]int) {
	t := p.policy.Thresholds
	for _, l := range []struct {
		key     string
		swapped bool // the critical number comes before that of the warning
		is      string
	}{
		{"memory-headroom", asksMore(t.MemoryHeadroomCritical, t.MemoryHeadroom), "more"},
		{"disk-space", asksMore(t.DiskSpaceCritical, t.DiskSpace), "more"},
		{"inode-space", t.InodeSpaceCriticalPercent > t.InodeSpacePercent, "more"},
		{"container-near-limit", t.NearLimitCriticalPercent < t.NearLimitPercent, "less"},
		{"conntrack-full", t.ConntrackCriticalPercent < t.ConntrackPercent, "less"},
	} {
		critical := l.key + "-critical"
		if line := max(lines[l.key], lines[critical]); line > 0 && l.swapped {
			p.fail(line, "%s is %s than %s: it would be critical before it is a warning; set both", critical, l.is, l.key)
		}
	}
}

// asksMore tells whether one room asks for more than another in a unit that both name.
func asksMore(a, b check.Room) bool {
	return b.Percent > 0 && a.Percent > b.Percent || b.Bytes > 0 && a.Bytes > b.Bytes
}

const (
	percentWords  = "a percentage such as 10%"
	roomWords     = "a percentage, a size or both, such as 10%, 2G or 10% or 4G"
	durationWords = "a duration such as 90s, 10m or 1h30m"
)

// parseRoom reads how much must be left: "10%", "2G", or "10% or 4G".
func parseRoom(s string) (check.Room, error) {
	var r check.Room
	for _, part := range strings.Split(s, " or ") {
		var err error
		part = strings.TrimSpace(part)
		switch isPercent := strings.HasSuffix(part, "%"); {
		case isPercent && r.Percent == 0:
			r.Percent, err = parsePercent(part)
		case !isPercent && r.Bytes == 0:
			r.Bytes, err = parseSize(part)
		default:
			return check.Room{}, fmt.Errorf("%s is not accepted: accepted is %s", quoted(s), roomWords)
		}
		if err != nil {
			return check.Room{}, err
		}
	}
	return r, nil
}

// parsePercent reads a share above 0 and up to 100: "10%", "87.5 %".
func parsePercent(s string) (float64, error) {
	number, ok := strings.CutSuffix(s, "%")
	number = strings.TrimSuffix(number, " ")
	if strings.HasPrefix(number, "-") {
		return 0, fmt.Errorf("%s is negative: accepted is %s", quoted(s), percentWords)
	}
	const longest = 20
	if !ok || len(number) > longest || strings.Trim(number, "0123456789.") != "" {
		return 0, fmt.Errorf("%s is not accepted: accepted is %s", quoted(s), percentWords)
	}
	p, err := strconv.ParseFloat(number, 64)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%s is not accepted: accepted is %s", quoted(s), percentWords)
	case p == 0:
		return 0, nothing(s)
	case p > 100:
		return 0, fmt.Errorf("%s is more than all", quoted(s))
	}
	return p, nil
}

func parseSize(s string) (uint64, error) {
	n, err := human.ParseBytes(s)
	if err == nil && n == 0 {
		err = nothing(s)
	}
	return n, err
}

// parseDuration reads a time in Go's syntax, up to a week.
func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	const week = 7 * 24 * time.Hour
	switch {
	case err != nil:
		return 0, fmt.Errorf("%s is not accepted: accepted is %s", quoted(s), durationWords)
	case d < 0:
		return 0, fmt.Errorf("%s is negative: accepted is %s", quoted(s), durationWords)
	case d == 0:
		return 0, errors.New("0 is not accepted: leave the key out, or accepted is " + durationWords)
	case d > week:
		return 0, fmt.Errorf("%s is longer than a week", quoted(s))
	}
	return d, nil
}

// parseCount reads how often something may happen.
func parseCount(s string) (int, error) {
	const most = 1000
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("%s is not accepted: accepted is a number from 1 to %d", quoted(s), most)
	}
	return n, nil
}

func nothing(s string) error {
	return fmt.Errorf("%s asks for nothing: to leave a check out, turn it off under checks", quoted(s))
}

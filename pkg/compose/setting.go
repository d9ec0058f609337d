package compose

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Setting is what stands at one key, and where.
type Setting struct {
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"` // 0 where it stands nowhere
	Text string `json:"text,omitempty"`
	// Variable is a variable of unknown value that decides it; the Text is then empty.
	Variable string `json:"variable,omitempty"`
}

// Set tells whether it stands anywhere.
func (s Setting) Set() bool { return s.Line > 0 }

// setting keeps nothing that came from .env: there the variable is as good as unknown.
func (v value) setting() Setting {
	if v.private != "" {
		v.text, v.variable = "", bounded(v.private)
	}
	return v.revealed()
}

// revealed is a setting whose text may come from .env, for those that checks go by.
func (v value) revealed() Setting {
	if !v.set() || !v.scalar {
		return Setting{}
	}
	return Setting{File: v.file, Line: v.line, Text: bounded(v.text), Variable: v.variable}
}

// Bool reads what YAML and Compose take for true or false; it errs on any other text.
func (s Setting) Bool() (bool, error) {
	switch strings.ToLower(s.Text) {
	case "true", "yes", "on", "y", "1":
		return true, nil
	case "false", "no", "off", "n", "0":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither true nor false", s.Text)
}

// Duration reads a duration of the Compose Specification: numbers with the units us, ms, s,
// m, h, d and w, such as 1m30s. It errs on any other text and on more than 292 years.
func (s Setting) Duration() (time.Duration, error) {
	units := map[string]time.Duration{
		"us": time.Microsecond, "ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour,
	}
	rest, total := s.Text, 0.0
	if rest == "0" {
		return 0, nil
	}
	for rest != "" {
		digits := leading(rest, func(c byte) bool { return c >= '0' && c <= '9' || c == '.' })
		letters := leading(rest[digits:], func(c byte) bool { return c >= 'a' && c <= 'z' })
		n, err := strconv.ParseFloat(rest[:digits], 64)
		unit, ok := units[rest[digits:digits+letters]]
		if err != nil || !ok {
			return 0, fmt.Errorf("%q is no duration such as 30s or 1m30s", s.Text)
		}
		total += n * float64(unit)
		rest = rest[digits+letters:]
	}
	if s.Text == "" || total >= math.MaxInt64 {
		return 0, fmt.Errorf("%q is no duration such as 30s or 1m30s", s.Text)
	}
	return time.Duration(total), nil
}

// Bytes reads a size as Compose does: a number with or without one of b, k, m, g, t and p,
// which may be followed by b or ib, all of them powers of 1024. It errs on any other text.
func (s Setting) Bytes() (uint64, error) {
	bad := fmt.Errorf("%q is no size such as 512m", s.Text)
	digits := leading(s.Text, func(c byte) bool { return c >= '0' && c <= '9' || c == '.' })
	n, err := strconv.ParseFloat(s.Text[:digits], 64)
	if err != nil {
		return 0, bad
	}
	unit := strings.ToLower(strings.TrimSpace(s.Text[digits:]))
	if short := strings.TrimSuffix(strings.TrimSuffix(unit, "b"), "i"); len(short) == 1 {
		unit = short
	}
	shift := 0
	if unit != "" && unit != "b" {
		if shift = 1 + strings.Index("kmgtp", unit); shift == 0 || len(unit) != 1 {
			return 0, bad
		}
	}
	if n *= math.Pow(1024, float64(shift)); n >= math.MaxInt64 {
		return 0, errors.New("a size that no machine has")
	}
	return uint64(n), nil
}

// leading counts the bytes at the beginning that satisfy ok.
func leading(s string, ok func(byte) bool) int {
	for i := range len(s) {
		if !ok(s[i]) {
			return i
		}
	}
	return len(s)
}

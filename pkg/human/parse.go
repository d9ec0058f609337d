package human

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// ParseBytes reads a size as people type it, and gives it in bytes. The unit must be
// there: K, M, G and T, also written KiB, MiB, GiB and TiB, are powers of 1024, and KB,
// MB, GB and TB are powers of 1000 (IEC 80000-13), in capitals or not. One blank may
// stand before it. The number may have decimals; they count exactly, and what is left
// of a byte is cut off.
//
// It errs on everything else, such as a sign or an exponent, and on 2^64 bytes and
// more. The errors name what was typed, and are made to stand behind "--size: ".
// Whether a size of 0 makes sense is for the caller to say.
func ParseBytes(s string) (uint64, error) {
	if s == "" {
		return 0, errors.New("no size is given: say one such as 2G or 2048M")
	}
	if s[0] == '-' {
		return 0, fmt.Errorf("%s is negative: a size is positive", quoted(s))
	}
	whole, rest := digits(s)
	fraction := ""
	if after, ok := strings.CutPrefix(rest, "."); ok {
		if fraction, rest = digits(after); fraction == "" {
			return 0, noSize(s)
		}
	}
	name := strings.TrimPrefix(rest, " ")
	unit, known := unitOf(name)
	switch {
	case whole == "":
		return 0, noSize(s)
	case name == "":
		return 0, fmt.Errorf("%s has no unit: say the unit, such as 2048M", quoted(s))
	case !known:
		return 0, noSize(s)
	}
	n, err := strconv.ParseUint(whole, 10, 64) // errs on the range alone: these are digits
	high, low := bits.Mul64(n, unit)
	sum, carry := bits.Add64(low, partOf(unit, fraction), 0)
	if err != nil || high != 0 || carry != 0 {
		return 0, fmt.Errorf("%s is too large: a size is below 16 EiB", quoted(s))
	}
	return sum, nil
}

// digits cuts the ASCII digits off the front of a text.
func digits(s string) (found, rest string) {
	end := 0
	for end < len(s) && '0' <= s[end] && s[end] <= '9' {
		end++
	}
	return s[:end], s[end:]
}

// unitOf gives the number of bytes in a unit. Only ASCII letters lose their case: to
// Unicode, the sign of the kelvin is a k as well.
func unitOf(name string) (bytes uint64, known bool) {
	upper := func(r rune) rune {
		if 'a' <= r && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r
	}
	switch strings.Map(upper, name) {
	case "K", "KIB":
		return 1 << 10, true
	case "M", "MIB":
		return 1 << 20, true
	case "G", "GIB":
		return 1 << 30, true
	case "T", "TIB":
		return 1 << 40, true
	case "KB":
		return 1e3, true
	case "MB":
		return 1e6, true
	case "GB":
		return 1e9, true
	case "TB":
		return 1e12, true
	default:
		return 0, false
	}
}

// partOf gives the whole bytes in a decimal fraction of a unit. It goes from the last
// digit to the first, and divides by ten at each: as all that is added is whole, what
// is cut off at each step is never more than what would be cut off at the end.
func partOf(unit uint64, fraction string) uint64 {
	part := uint64(0) // always less than a unit, so that ten units are the most there is
	for i := len(fraction) - 1; i >= 0; i-- {
		part = (uint64(fraction[i]-'0')*unit + part) / 10
	}
	return part
}

func noSize(s string) error {
	return fmt.Errorf("%s is no size: accepted are numbers with K, M, G, T (powers of 1024) or KB, MB, GB, TB (powers of 1000)", quoted(s))
}

// quoted quotes what was typed, and cuts it where it is long.
func quoted(s string) string {
	const enough = 40
	if len(s) > enough {
		s = s[:enough] + "..."
	}
	return strconv.Quote(s)
}

// Package human spells quantities for a reader: sizes, durations, shares and lists.
package human

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Bytes spells a size in powers of 1024 with two or three significant digits: "2.0 GiB", "184 MiB".
func Bytes(n uint64) string {
	const step = 1024
	if n < step {
		return fmt.Sprintf("%d B", n)
	}
	value, unit := float64(n), 0
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	// 999.5 and more would print as 1000 or more of a unit whose next is within reach.
	for value >= 999.5 && unit < len(units)-1 {
		value /= step
		unit++
	}
	if value < 9.95 {
		return fmt.Sprintf("%.1f %s", value, units[unit])
	}
	return fmt.Sprintf("%.0f %s", value, units[unit])
}

// Duration spells a length of time by its largest unit: "850 ms", "21 s", "14 min", "5 h", "12 days".
// Seconds go up to two minutes, minutes to two hours, hours to two days, so that no more than a
// third of the length is lost to rounding.
func Duration(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + Duration(-max(d, -math.MaxInt64))
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int64(d/time.Second))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int64(d/time.Minute))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int64(d/time.Hour))
	default:
		return fmt.Sprintf("%d days", int64(d/(24*time.Hour)))
	}
}

// Ago spells how long before now a moment was. A moment in the future, as a clock
// that was set back gives, reads "just now".
func Ago(d time.Duration) string {
	if d < time.Second {
		return "just now"
	}
	return Duration(d) + " ago"
}

// Percent spells a part of a whole as a rounded percentage; "0 %" where the whole is 0.
func Percent(part, whole uint64) string {
	if whole == 0 {
		return "0 %"
	}
	return fmt.Sprintf("%.0f %%", 100*float64(part)/float64(whole))
}

// Count spells a number with its noun, which takes an s unless the number is 1.
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// List joins names with commas and, past the first most of them, counts the rest.
func List(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

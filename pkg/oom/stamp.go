package oom

import (
	"strconv"
	"strings"
	"time"
)

// Clock is what the stamps of a log as text are read by.
type Clock struct {
	// Location is the time zone of stamps that name none; nil is UTC.
	Location *time.Location
	// Reference is a moment not before the log's last line, such as when the file was
	// last written. The stamps of syslog files name no year: theirs is the last that
	// puts them no more than a day after the reference, so that it holds over New Year
	// and where zones are not what they seem. Without it they are no time.
	Reference time.Time
}

func (c Clock) location() *time.Location {
	if c.Location == nil {
		return time.UTC
	}
	return c.Location
}

// slack is how far behind the reference's clock a stamp's may be.
const slack = 24 * time.Hour

// year gives the time of a stamp without year, or zero where no year of the last
// eight fits: 29 February comes every eight years at the worst.
func (c Clock) year(t time.Time) time.Time {
	if c.Reference.IsZero() {
		return time.Time{}
	}
	last := c.Reference.In(c.location()).Year() + 1
	for year := last; year > last-9; year-- {
		full := time.Date(year, t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), c.location())
		if full.Month() == t.Month() && !full.After(c.Reference.Add(slack)) {
			return full
		}
	}
	return time.Time{}
}

// cutSyslog takes "Nov 25 22:00:00 " or "Nov 25 22:00:00.123456 " from the start.
func (c Clock) cutSyslog(s string) (at time.Time, rest string, ok bool) {
	const stamp = "Jan _2 15:04:05"
	if len(s) <= len(stamp) || s[3] != ' ' || s[6] != ' ' {
		return time.Time{}, "", false
	}
	end := strings.IndexByte(s[len(stamp):], ' ')
	if end < 0 {
		return time.Time{}, "", false
	}
	end += len(stamp)
	t, err := time.Parse(stamp, s[:end]) // takes a fraction too
	if err != nil {
		return time.Time{}, "", false
	}
	return c.year(t), s[end+1:], true
}

// cutISO takes "2026-11-25T22:00:00+0100 " from the start, with a zone or without,
// with a fraction or without. Only dmesg writes the fraction behind a comma.
func (c Clock) cutISO(s string) (at time.Time, rest string, comma, ok bool) {
	const shortest = len("2026-11-25T22:00:00")
	end := strings.IndexByte(s, ' ')
	if end < shortest || s[10] != 'T' {
		return time.Time{}, "", false, false
	}
	for _, layout := range [...]string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05"} {
		if t, err := time.ParseInLocation(layout, s[:end], c.location()); err == nil {
			return t, s[end+1:], s[shortest] == ',', true
		}
	}
	return time.Time{}, "", false, false
}

// cutFull takes "Wed 2026-11-25 22:00:00 CET " from the start. The zone's letters say
// little: only UTC is taken from them, else they are the location's.
func (c Clock) cutFull(s string) (at time.Time, rest string, ok bool) {
	const layout = "2006-01-02 15:04:05"
	words := strings.SplitN(s, " ", 5)
	if len(words) < 5 || len(words[0]) != 3 {
		return time.Time{}, "", false
	}
	location := c.location()
	if words[3] == "UTC" {
		location = time.UTC
	}
	t, err := time.ParseInLocation(layout, words[1]+" "+words[2], location)
	return t, words[4], err == nil
}

// cutC takes "Wed Nov 25 22:00:00 2026" and what follows it from the start.
func (c Clock) cutC(s, after string) (at time.Time, rest string, ok bool) {
	const layout = "Mon Jan _2 15:04:05 2006"
	if len(s) < len(layout)+len(after) || s[len(layout):len(layout)+len(after)] != after {
		return time.Time{}, "", false
	}
	t, err := time.ParseInLocation(layout, s[:len(layout)], c.location())
	return t, s[len(layout)+len(after):], err == nil
}

// cutUnix takes "1764108000.123456 " from the start.
func cutUnix(s string) (at time.Time, rest string, ok bool) {
	word, rest, ok := strings.Cut(s, " ")
	if !ok {
		return time.Time{}, "", false
	}
	d, ok := parseSeconds(word)
	if !ok {
		return time.Time{}, "", false
	}
	return time.Unix(0, 0).Add(d).UTC(), rest, true
}

// cutKernel takes the kernel's own stamp "[  123.456789] " from the start, and the
// thread or CPU that CONFIG_PRINTK_CALLER puts behind it: "[  123.456789][   T12] ".
func cutKernel(s string) (sinceBoot time.Duration, rest string, ok bool) {
	inside, rest, ok := cutBrackets(s)
	if !ok {
		return 0, "", false
	}
	d, ok := parseSeconds(strings.TrimLeft(inside, " "))
	if !ok {
		return 0, "", false
	}
	if caller, after, ok := cutBrackets(rest); ok {
		caller = strings.TrimLeft(caller, " ")
		if caller != "" && (caller[0] == 'T' || caller[0] == 'C') && digits(caller[1:]) {
			rest = after
		}
	}
	return d, strings.TrimPrefix(rest, " "), true
}

// cutBrackets takes "[...]" of at most 40 bytes from the start.
func cutBrackets(s string) (inside, rest string, ok bool) {
	if s == "" || s[0] != '[' {
		return "", "", false
	}
	end := strings.IndexByte(s[:min(len(s), 40)], ']')
	if end < 0 {
		return "", "", false
	}
	return s[1:end], s[end+1:], true
}

// parseSeconds reads "123.456789", exactly.
func parseSeconds(s string) (time.Duration, bool) {
	whole, part, ok := strings.Cut(s, ".")
	if !ok || !digits(whole) || !digits(part) || len(part) > 9 {
		return 0, false
	}
	seconds, err := strconv.ParseUint(whole, 10, 33)
	if err != nil {
		return 0, false
	}
	nanos, err := strconv.ParseUint(part+strings.Repeat("0", 9-len(part)), 10, 64)
	if err != nil {
		return 0, false
	}
	return time.Duration(seconds)*time.Second + time.Duration(nanos), true
}

func digits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}

package oom

import (
	"strconv"
	"strings"
	"time"
)

// facilityUser is what a line of a program gets that is not the kernel, where the
// log does not hold its facility.
const facilityUser = 1

// ParseLine reads one line of a log as text, in any of these forms, which need not be
// the same from line to line:
//
//	[  123.456789] msg                              dmesg; also -T, -H, -e and --time-format delta
//	2026-11-25T22:00:00,123456+01:00 msg            dmesg --time-format iso
//	kern  :info  : [  123.456789] msg               dmesg -x
//	<6>[  123.456789] msg                           dmesg -r
//	6,339,5140900,-;msg                             /dev/kmsg
//	Nov 25 22:00:00 host kernel: msg                journalctl, and syslog files; also short-precise
//	2026-11-25T22:00:00+01:00 host kernel: msg      journalctl -o short-iso, short-iso-precise; syslog files
//	Wed 2026-11-25 22:00:00 CET host kernel: msg    journalctl -o short-full
//	[  123.456789] host kernel: msg                 journalctl -o short-monotonic
//	1764108000.123456 host kernel: msg              journalctl -o short-unix
//	Wed Nov 25 22:00:00 2026 kern.warn kernel: msg  OpenWrt's logread, BusyBox's syslogd
//	<6>Nov 25 22:00:00 host kernel: msg             syslog, RFC 3164
//	<6>1 2026-11-25T22:00:00Z host kernel - - - msg syslog, RFC 5424
//	{"MESSAGE":"msg",...}                           journalctl -o json
//
// In the forms of syslog the kernel's own stamp may stand before the message. Its
// escapes are undone: \xNN of the kernel, #ooo of rsyslog.
//
// A record of another program has another facility than 0. Where the form holds the
// facility or the transport, these decide, and nobody but the kernel has its own: in
// /dev/kmsg, dmesg -x and the journal's JSON. Elsewhere the name of the program
// decides, and whoever may write the log can write "kernel" there (logger -t kernel),
// so that a kill is as trustworthy as the file. Other text of dmesg does not tell what
// root wrote to /dev/kmsg; nor does -r, since util-linux 2.38 puts the facility's number
// into the level instead of beside it. It gives false for a line of no such form.
func ParseLine(text string, c Clock) (Record, bool) {
	l, ok := parseLine(text, c)
	return l.Record, ok
}

// line is a record, and what its form says beside.
type line struct {
	Record
	numbered bool // it has the kernel's sequence number
	stamped  bool // it has the kernel's clock
	yearless bool // its stamp names no year
}

// parseLine tells the form by the first byte.
func parseLine(text string, c Clock) (line, bool) {
	if text == "" {
		return line{}, false
	}
	switch first := text[0]; {
	case first == '{':
		return parseJournal(text)
	case first == '<':
		return parsePriority(text, c)
	case first == '[':
		return parseDmesg(text, c)
	case first >= '0' && first <= '9':
		if r, err := ParseRecord(text); err == nil {
			return line{Record: r, numbered: true, stamped: true}, true
		}
		if at, rest, comma, ok := c.cutISO(text); ok {
			if comma {
				return line{Record: Record{At: at, Message: unescape(rest)}}, true
			}
			return parseProgram(rest, at), true
		}
		if at, rest, ok := cutUnix(text); ok {
			return parseProgram(rest, at), true
		}
		return line{}, false
	}
	if rest, ok := strings.CutPrefix(text, "kernel: "); ok {
		l := parseMessage(Record{}, rest)
		return l, l.stamped // else any program may have printed it
	}
	if facility, rest, ok := cutDecoded(text); ok {
		l, ok := parseDmesgStamp(rest, c)
		l.Facility = facility
		return l, ok
	}
	return parseSyslog(text, c)
}

// parseSyslog reads the forms that begin with a day's or a month's name.
func parseSyslog(text string, c Clock) (line, bool) {
	if at, rest, ok := c.cutSyslog(text); ok {
		l := parseProgram(rest, at)
		l.yearless = !at.IsZero()
		return l, true
	}
	if at, rest, ok := c.cutC(text, " "); ok {
		return parseProgram(rest, at), true
	}
	if at, rest, ok := c.cutFull(text); ok {
		return parseProgram(rest, at), true
	}
	return line{}, false
}

// parsePriority reads what begins with a priority, "<6>".
func parsePriority(text string, c Clock) (line, bool) {
	number, rest, ok := strings.Cut(text[1:], ">")
	if !ok {
		return line{}, false
	}
	n, err := strconv.ParseUint(number, 10, 8)
	if err != nil || n > 23<<3|7 {
		return line{}, false
	}
	var l line
	if fields, found := strings.CutPrefix(rest, "1 "); found {
		l, ok = parse5424(fields, c)
	} else if strings.HasPrefix(rest, "[") {
		l, ok = parseDmesgStamp(rest, c)
	} else {
		l, ok = parseSyslog(rest, c)
	}
	// The facility and the program must both be the kernel's.
	if facility := int(n >> 3); facility != 0 {
		l.Facility = facility
	}
	l.Level = int(n & 7)
	return l, ok
}

// parse5424 reads what follows "<6>1 ": time, host, program, process, message's name,
// structured data, message.
func parse5424(text string, c Clock) (line, bool) {
	at, rest, _, ok := c.cutISO(text)
	if !ok {
		return line{}, false
	}
	fields := strings.SplitN(rest, " ", 5)
	if len(fields) < 5 {
		return line{}, false
	}
	message, ok := cutStructured(fields[4])
	if !ok {
		return line{}, false
	}
	r := Record{At: at, Host: host(fields[0])}
	if fields[1] != "kernel" {
		r.Facility = facilityUser
		r.Message = message
		return line{Record: r}, true
	}
	return parseMessage(r, strings.TrimPrefix(message, "\ufeff")), true
}

// cutStructured takes "-" or "[id key=\"value\"]..." and the space behind it.
func cutStructured(s string) (rest string, ok bool) {
	if rest, ok = strings.CutPrefix(s, "- "); ok {
		return rest, true
	}
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case !quoted && s[i] == ']' && strings.HasPrefix(s[i+1:], " "):
			return s[i+2:], s[0] == '['
		}
	}
	return "", false
}

// parseDmesg reads "[...] msg" and journalctl's short-monotonic "[...] host kernel: msg".
func parseDmesg(text string, c Clock) (line, bool) {
	l, ok := parseDmesgStamp(text, c)
	if !ok {
		return line{}, false
	}
	// No message of the kernel has a second word "kernel:" and could be a kill behind it.
	name, rest, found := strings.Cut(l.Message, " ")
	if message, is := strings.CutPrefix(rest, "kernel: "); found && is && name != "" {
		l.Host, l.Message = host(name), message
	}
	return l, true
}

// parseDmesgStamp reads any stamp that dmesg writes, and what follows as the message.
func parseDmesgStamp(text string, c Clock) (line, bool) {
	if d, rest, ok := cutKernel(text); ok {
		// dmesg -d: "[    0.000000 <    0.000000>]" does not come here
		return line{Record: Record{SinceBoot: d, Message: unescape(rest)}, stamped: true}, true
	}
	if at, rest, comma, ok := c.cutISO(text); ok && comma {
		return line{Record: Record{At: at, Message: unescape(rest)}}, true
	}
	inside, rest, ok := cutBrackets(text)
	if !ok {
		return line{}, false
	}
	r := Record{Message: unescape(strings.TrimPrefix(rest, " "))}
	if at, _, ok := c.cutC(inside, ""); ok {
		r.At = at
		return line{Record: r}, true
	}
	word := strings.TrimLeft(inside, " ")
	if number, tail, ok := strings.Cut(word, " "); ok && strings.HasPrefix(strings.TrimLeft(tail, " "), "<") {
		d, ok := parseSeconds(number)
		r.SinceBoot = d
		return line{Record: r, stamped: ok}, ok
	}
	return line{Record: r}, isRelative(word)
}

// isRelative tells the stamps of dmesg -e, "+0.000123" and "Nov25 22:00", and of
// --time-format delta, "<    0.000123>". They are too coarse, or relative to what may
// not be there, and are not read.
func isRelative(word string) bool {
	if number, ok := strings.CutPrefix(word, "+"); ok {
		_, ok = parseSeconds(number)
		return ok
	}
	if number, ok := strings.CutPrefix(word, "<"); ok {
		_, ok = parseSeconds(strings.TrimLeft(strings.TrimSuffix(number, ">"), " "))
		return ok
	}
	_, err := time.Parse("Jan_2 15:04", word)
	return err == nil
}

// cutDecoded takes "kern  :info  : " from the start.
func cutDecoded(s string) (facility int, rest string, ok bool) {
	name, rest, ok := strings.Cut(s, ":")
	if !ok || len(name) > 10 || !isWord(strings.TrimRight(name, " ")) {
		return 0, "", false
	}
	level, rest, ok := strings.Cut(rest, ":")
	if !ok || len(level) > 10 || !strings.HasPrefix(rest, " ") {
		return 0, "", false
	}
	switch strings.TrimRight(level, " ") {
	case "emerg", "alert", "crit", "err", "warn", "notice", "info", "debug":
	default:
		return 0, "", false
	}
	if strings.TrimRight(name, " ") != "kern" {
		facility = facilityUser
	}
	return facility, rest[1:], true
}

func isWord(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// parseProgram reads "host program: msg", "host kern.warn kernel: msg" and, without
// host, "kernel: msg" and "kern.warn kernel: msg".
func parseProgram(rest string, at time.Time) line {
	r := Record{At: at}
	tail := rest
	for n := range 3 {
		word, after, ok := strings.Cut(tail, " ")
		switch {
		case word == "kernel:":
			return parseMessage(r, after)
		case !ok || strings.HasSuffix(word, ":"):
		case strings.HasPrefix(word, "kern."):
			tail = after
			continue
		case n == 0:
			r.Host = host(word)
			tail = after
			continue
		}
		break
	}
	r.Facility, r.Message = facilityUser, rest
	return line{Record: r}
}

// parseMessage takes the kernel's own stamp from a message in a syslog file, and
// undoes rsyslog's escapes.
func parseMessage(r Record, message string) line {
	l := line{Record: r}
	if d, rest, ok := cutKernel(message); ok {
		l.SinceBoot, l.stamped, message = d, true, rest
	}
	l.Message = unescapeOctal(message)
	return l
}

// host bounds a machine's name: 255 bytes is the most that RFC 5424 allows.
func host(name string) string { return strings.Clone(name[:min(len(name), 255)]) }

// unescapeOctal undoes #ooo, by which rsyslog writes control characters. A name that
// holds such a text by itself cannot be told from it.
func unescapeOctal(s string) string {
	if strings.IndexByte(s, '#') < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '#' && i+3 < len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil && (c < ' ' || c == 0x7f) {
				b.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

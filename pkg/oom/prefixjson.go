package oom

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// parseJournal reads one object of journalctl -o json (systemd.journal-fields(7)). Its
// fields that begin with an underscore are the journal's own. _TRANSPORT "kernel" is
// what came through /dev/kmsg, and the kernel's facility there cannot be forged.
func parseJournal(text string) (line, bool) {
	if !strings.Contains(text, `"_TRANSPORT"`) {
		return line{}, false
	}
	if !strings.Contains(text, `"kernel"`) {
		return line{Record: Record{Facility: facilityUser}}, true
	}
	// Not into a struct, which would match "_transport" too.
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &fields); err != nil {
		return line{}, false
	}
	r := Record{Facility: facilityUser, Boot: bootID(field(fields["_BOOT_ID"])), Host: host(field(fields["_HOSTNAME"]))}
	message, ok := bytesField(fields["MESSAGE"])
	r.Message = message
	if ok && field(fields["_TRANSPORT"]) == "kernel" && field(fields["SYSLOG_FACILITY"]) == "0" {
		r.Facility = 0
	}
	if n, err := strconv.ParseUint(field(fields["PRIORITY"]), 10, 3); err == nil {
		r.Level = int(n)
	}
	l := line{Record: r}
	source, stamped := microseconds(fields["_SOURCE_MONOTONIC_TIMESTAMP"])
	l.SinceBoot, l.stamped = source, stamped
	if since, ok := microseconds(fields["__REALTIME_TIMESTAMP"]); ok {
		l.At = time.Unix(0, 0).Add(since).UTC()
		// That is when the journal got the record: early in a boot, much later.
		if got, ok := microseconds(fields["__MONOTONIC_TIMESTAMP"]); ok && stamped && got > source && got-source < time.Hour {
			l.At = l.At.Add(source - got)
		}
	}
	return l, true
}

// field gives a field that is a text; empty for one that occurs several times, is too
// large (null) or is none.
func field(raw json.RawMessage) string {
	var s string
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// bytesField gives a field that may be a list of bytes, as which the journal writes what
// is no text or has control characters.
func bytesField(raw json.RawMessage) (string, bool) {
	if len(raw) > 0 && raw[0] == '"' {
		return field(raw), true
	}
	var list []uint8Number
	if len(raw) == 0 || raw[0] != '[' || json.Unmarshal(raw, &list) != nil {
		return "", false
	}
	text := make([]byte, len(list))
	for i, c := range list {
		text[i] = byte(c)
	}
	return string(text), true
}

// uint8Number is a byte that JSON holds as a number: a []byte would be read as base64.
type uint8Number uint8

// microseconds reads a time in microseconds, which the journal writes as a text.
func microseconds(raw json.RawMessage) (time.Duration, bool) {
	n, err := strconv.ParseUint(field(raw), 10, 53)
	return time.Duration(n) * time.Microsecond, err == nil
}

// bootID gives a boot's ID where it has its form, 32 hex digits.
func bootID(s string) string {
	if len(s) != 32 || strings.Trim(s, "0123456789abcdef") != "" {
		return ""
	}
	return s
}

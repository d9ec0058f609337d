package oom

import (
	"cmp"
	"sort"
	"strconv"
	"strings"
)

// logDir is where syslog daemons keep their files.
const logDir = "/var/log"

// logName is what the name of a syslog file says.
type logName struct {
	name   string
	family string // the name before rotation
	date   string // digits and dashes of a name rotated by date, else empty
	turn   int    // how often a name rotated by number was rotated; 0 is the current file
	packed string // the ending of a compressed file with its dot, else empty
}

// families are the files that syslog daemons write the kernel's messages to: Debian's
// and Ubuntu's kern.log and syslog, Red Hat's and SUSE's messages.
func families() []string { return []string{"kern.log", "messages", "syslog"} }

// packings are the endings that logrotate(8) and its compresscmd give. Only .gz is read.
func packings() []string {
	return []string{".gz", ".xz", ".bz2", ".zst", ".lz4", ".lzo", ".lzma", ".Z", ".zip"}
}

// parseLogName reads a file's name: NAME, NAME.1, NAME.2.gz, NAME-20261101, NAME-20261101.gz,
// NAME-20261101-1793520000.xz. It gives false for any other file.
func parseLogName(name string) (logName, bool) {
	log := logName{name: name}
	for _, family := range families() {
		if strings.HasPrefix(name, family) {
			log.family = family
		}
	}
	if log.family == "" {
		return logName{}, false
	}
	rest := name[len(log.family):]
	for _, packing := range packings() {
		if bare, ok := strings.CutSuffix(rest, packing); ok {
			rest, log.packed = bare, packing
			break
		}
	}
	switch {
	case rest == "":
		return log, true
	case rest[0] == '.':
		turn, err := strconv.ParseUint(rest[1:], 10, 31)
		log.turn = int(turn)
		return log, err == nil && turn > 0
	case rest[0] == '-':
		log.date = rest[1:]
		// At least a year, month and day.
		return log, len(log.date) >= 8 && log.date[0] != '-' && strings.Trim(log.date, "0123456789-") == ""
	}
	return logName{}, false
}

// logNames picks the syslog files out of a directory's names, by family, in each the oldest first.
func logNames(names []string) []logName {
	var logs []logName
	for _, name := range names {
		if log, ok := parseLogName(name); ok {
			logs = append(logs, log)
		}
	}
	sort.Slice(logs, func(i, j int) bool {
		a, b := logs[i], logs[j]
		return cmp.Or(strings.Compare(a.family, b.family), older(a, b), strings.Compare(a.name, b.name)) < 0
	})
	return logs
}

// older is negative where a is older than b. A folder with both kinds of rotated names was
// switched from one to the other; then the dated ones are taken for the older ones.
func older(a, b logName) int {
	switch {
	case a.date != "" && b.date != "":
		return strings.Compare(a.date, b.date)
	case a.date != "":
		return -1
	case b.date != "":
		return 1
	case a.turn != b.turn:
		return cmp.Compare(b.turn, a.turn)
	}
	return 0
}

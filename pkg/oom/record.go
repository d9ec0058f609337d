package oom

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Record is one record of the kernel's log, as /dev/kmsg gives it
// (Documentation/ABI/testing/dev-kmsg), or as a line of text has it.
type Record struct {
	// Facility is the syslog facility: 0 is the kernel itself. The kernel forces any
	// other number on what user space writes to /dev/kmsg.
	Facility int
	Level    int // syslog severity, 0 (emergency) to 7 (debug)
	Seq      uint64
	// SinceBoot is the kernel's clock at the message: time since boot, not counting suspend.
	SinceBoot time.Duration
	// At, Boot and Host are what a log as text or the journal knows beside: the wall
	// clock's time, the boot's ID and the machine's name. Zero where it does not say.
	At   time.Time
	Boot string
	Host string
	// Fragment tells that the message is the rest of a line which another message
	// had interrupted (flag "c", or "+" before 4.10).
	Fragment bool
	// Message is the text with its escapes undone: it may hold any byte.
	Message string
}

// clock is what two records of one log can be compared by: the kernel's clock, else
// the wall clock's. The zero value where there is neither.
func (r Record) clock() time.Duration {
	if r.SinceBoot != 0 || r.At.IsZero() {
		return r.SinceBoot
	}
	return r.At.Sub(time.Unix(0, 0)) // saturates
}

var errRecord = errors.New("not a kernel log record")

// ParseRecord reads one record: "priority,sequence,microseconds,flags[,more];message",
// then lines of the record's dictionary, which begin with a space and are not kept.
// It errs where that form is not kept.
func ParseRecord(text string) (Record, error) {
	head, body, ok := strings.Cut(text, ";")
	if !ok {
		return Record{}, fmt.Errorf("%w: no ';' after the prefix", errRecord)
	}
	r, err := parsePrefix(head)
	if err != nil {
		return Record{}, err
	}
	message, dictionary, _ := strings.Cut(body, "\n")
	for line := range strings.Lines(dictionary) {
		if line[0] != ' ' {
			return Record{}, fmt.Errorf("%w: a second line that does not belong to it", errRecord)
		}
	}
	r.Message = unescape(message)
	return r, nil
}

func parsePrefix(head string) (Record, error) {
	fields := strings.SplitN(head, ",", 5) // what comes fifth is of later kernels
	if len(fields) < 4 {
		return Record{}, fmt.Errorf("%w: fewer than four fields before ';'", errRecord)
	}
	priority, err := strconv.ParseUint(fields[0], 10, 16)
	if err != nil {
		return Record{}, fmt.Errorf("%w: priority: %w", errRecord, err)
	}
	seq, err := strconv.ParseUint(fields[1], 10, 64)
	if err != nil {
		return Record{}, fmt.Errorf("%w: sequence number: %w", errRecord, err)
	}
	usec, err := strconv.ParseUint(fields[2], 10, 64)
	if err != nil {
		return Record{}, fmt.Errorf("%w: time: %w", errRecord, err)
	}
	if usec > math.MaxInt64/uint64(time.Microsecond) {
		return Record{}, fmt.Errorf("%w: time out of range", errRecord)
	}
	return Record{
		Facility:  int(priority >> 3),
		Level:     int(priority & 7),
		Seq:       seq,
		SinceBoot: time.Duration(usec) * time.Microsecond,
		Fragment:  fields[3] == "c" || fields[3] == "+",
	}, nil
}

// unescape undoes \xNN, by which the kernel writes control characters, bytes above
// 126 and the backslash itself. Any other backslash stays as it is.
func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) && s[i+1] == 'x' {
			if c, err := strconv.ParseUint(s[i+2:i+4], 16, 8); err == nil {
				b.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

package journal

import (
	"encoding/json"
	"strconv"
	"time"
)

// Record is one record of a journal, as far as it says who wrote what and when.
type Record struct {
	// At is when the journal got it, to the microsecond.
	At time.Time
	// Unit and Transport are set by journald itself, and cannot be forged by the writer
	// (systemd.journal-fields(7)). Unit is empty for what no unit wrote.
	Unit, Transport string
	Message         string
}

// ParseRecord reads one object of journalctl -o json. It is not ok for what is none, and
// for a record that lacks its time or whose message is no text: journalctl writes a list
// of bytes for one with control characters, and null for one that is too long.
func ParseRecord(data []byte) (Record, bool) {
	// Not into a struct, which would match "message" too.
	var fields map[string]json.RawMessage
	if json.Unmarshal(data, &fields) != nil {
		return Record{}, false
	}
	var r Record
	micros, err := strconv.ParseUint(text(fields["__REALTIME_TIMESTAMP"]), 10, 53) // to the year 2255
	if err != nil {
		return Record{}, false
	}
	r.At = time.UnixMicro(int64(micros)).UTC()
	r.Unit, r.Transport, r.Message = text(fields["_SYSTEMD_UNIT"]), text(fields["_TRANSPORT"]), text(fields["MESSAGE"])
	return r, r.Message != ""
}

// text gives a field that is a text; empty for one that occurs several times, or is none.
func text(raw json.RawMessage) string {
	var s string
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

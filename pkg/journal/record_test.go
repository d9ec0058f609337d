package journal

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"
	"unicode/utf8"
)

func TestParseRecord(t *testing.T) {
	const at = `"__REALTIME_TIMESTAMP":"1764000000123456"`
	tests := []struct {
		name, text string
		want       Record
		ok         bool
	}{
		{
			"a unit's", `{` + at + `,"_SYSTEMD_UNIT":"docker.service","_TRANSPORT":"stdout","MESSAGE":"a \"b\""}`,
			Record{time.UnixMicro(1764000000123456).UTC(), "docker.service", "stdout", `a "b"`}, true,
		},
		{
			"with spaces, of nobody's unit", `{ ` + at + ` , "_TRANSPORT" : "kernel" , "MESSAGE" : "x" }`,
			Record{time.UnixMicro(1764000000123456).UTC(), "", "kernel", "x"}, true,
		},
		{"other case", `{` + at + `,"message":"x","_systemd_unit":"docker.service"}`, Record{}, false},
		{"a unit twice", `{` + at + `,"MESSAGE":"x","_SYSTEMD_UNIT":["docker.service","b"]}`, Record{time.UnixMicro(1764000000123456).UTC(), "", "", "x"}, true},
		{"a message of bytes", `{` + at + `,"MESSAGE":[27,91]}`, Record{}, false},
		{"too long a message", `{` + at + `,"MESSAGE":null}`, Record{}, false},
		{"no time", `{"MESSAGE":"x"}`, Record{}, false},
		{"a time that no date has", `{"__REALTIME_TIMESTAMP":"9223372036854775807","MESSAGE":"x"}`, Record{}, false},
		{"cut off", `{` + at + `,"MESSAGE":"x"`, Record{}, false},
		{"a list", `[1]`, Record{}, false},
		{"nothing", ``, Record{}, false},
	}
	for _, tt := range tests {
		got, ok := ParseRecord([]byte(tt.text))
		if ok != tt.ok || ok && got != tt.want {
			t.Errorf("%s: %+v, %t", tt.name, got, ok)
		}
	}
}

// FuzzParseRecord holds that a record can be dated in JSON, and reads back from the object
// that journalctl would write for it.
func FuzzParseRecord(f *testing.F) {
	f.Add([]byte(`{"__REALTIME_TIMESTAMP":"1764000000123456","_SYSTEMD_UNIT":"docker.service","_TRANSPORT":"stdout","MESSAGE":"a"}`))
	f.Add([]byte(`{"__REALTIME_TIMESTAMP":"1","MESSAGE":"\ud800"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, ok := ParseRecord(data)
		if !ok {
			return
		}
		if r.Message == "" || !utf8.ValidString(r.Message) {
			t.Fatalf("%q", r.Message)
		}
		if _, err := json.Marshal(r.At); err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(map[string]string{
			"__REALTIME_TIMESTAMP": strconv.FormatInt(r.At.UnixMicro(), 10), "_SYSTEMD_UNIT": r.Unit, "_TRANSPORT": r.Transport, "MESSAGE": r.Message,
		})
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := ParseRecord(again); !ok || got != r {
			t.Fatalf("%+v, and again %+v", r, got)
		}
	})
}

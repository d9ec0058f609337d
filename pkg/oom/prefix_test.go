package oom

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseLine(t *testing.T) {
	zone := time.FixedZone("", 3600)
	clock := Clock{Location: zone, Reference: time.Date(2026, 11, 25, 23, 0, 0, 0, zone)}
	at := time.Date(2026, 11, 25, 22, 0, 0, 0, zone)
	micro := at.Add(123456 * time.Microsecond)
	const boot = 123456789 * time.Microsecond
	const m = "Out of memory: x"
	tests := []struct {
		text string
		want Record
	}{
		{"[  123.456789] " + m, Record{SinceBoot: boot, Message: m}},
		{"[  123.456789][   T12] " + m, Record{SinceBoot: boot, Message: m}},
		{"[  123.456789][    C0] " + m, Record{SinceBoot: boot, Message: m}},
		{"[  123.456789]  <TASK>", Record{SinceBoot: boot, Message: " <TASK>"}},
		{"[  123.456789] [ 7] name", Record{SinceBoot: boot, Message: "[ 7] name"}},
		{`[  123.456789] a\x0ab`, Record{SinceBoot: boot, Message: "a\nb"}},
		{"[Wed Nov 25 22:00:00 2026] " + m, Record{At: at, Message: m}},
		{"[Nov25 22:00] " + m, Record{Message: m}},
		{"[  +0.000123] " + m, Record{Message: m}},
		{"[<    0.000123>] " + m, Record{Message: m}},
		{"[  123.456789 <    0.000123>] " + m, Record{SinceBoot: boot, Message: m}},
		{"2026-11-25T22:00:00,123456+01:00 " + m, Record{At: micro, Message: m}},
		{"kern  :info  : [  123.456789] " + m, Record{SinceBoot: boot, Message: m}},
		{"kern  :err   : 2026-11-25T22:00:00,123456+01:00 " + m, Record{At: micro, Message: m}},
		{"<6>[  123.456789] " + m, Record{Level: 6, SinceBoot: boot, Message: m}},
		{"6,339,123456789,-;" + m, Record{Level: 6, Seq: 339, SinceBoot: boot, Message: m}},
		{"Nov 25 22:00:00 web kernel: " + m, Record{At: at, Host: "web", Message: m}},
		{"Nov 25 22:00:00.123456 web kernel: " + m, Record{At: micro, Host: "web", Message: m}},
		{"Nov 25 22:00:00 web kernel: [  123.456789] a#012b#033c#199#ab", Record{At: at, Host: "web", SinceBoot: boot, Message: "a\nb\x1bc#199#ab"}},
		{"Nov 25 22:00:00 web kern.warn kernel: " + m, Record{At: at, Host: "web", Message: m}},
		{"Wed Nov 25 22:00:00 2026 kern.warn kernel: [  123.456789] " + m, Record{At: at, SinceBoot: boot, Message: m}},
		{"2026-11-25T22:00:00+0100 web kernel: " + m, Record{At: at, Host: "web", Message: m}},
		{"2026-11-25T22:00:00.123456+01:00 web kernel: " + m, Record{At: micro, Host: "web", Message: m}},
		{"2026-11-25T21:00:00Z web kernel: [  123.456789] " + m, Record{At: at, Host: "web", SinceBoot: boot, Message: m}},
		{"Wed 2026-11-25 22:00:00 CET web kernel: " + m, Record{At: at, Host: "web", Message: m}},
		{"Wed 2026-11-25 21:00:00 UTC web kernel: " + m, Record{At: at, Host: "web", Message: m}},
		{"[  123.456789] web kernel: " + m, Record{SinceBoot: boot, Host: "web", Message: m}},
		{"1795640400.123456 web kernel: " + m, Record{At: micro, Host: "web", Message: m}},
		{"kernel: [  123.456789] " + m, Record{SinceBoot: boot, Message: m}},
		{"<4>Nov 25 22:00:00 web kernel: " + m, Record{Level: 4, At: at, Host: "web", Message: m}},
		{"<4>1 2026-11-25T22:00:00+01:00 web kernel - - - [  123.456789] " + m, Record{Level: 4, At: at, Host: "web", SinceBoot: boot, Message: m}},
		{`<4>1 2026-11-25T22:00:00+01:00 web kernel - - [a b="\"] c"][d] ` + "\ufeff" + m, Record{Level: 4, At: at, Host: "web", Message: m}},
		{
			`{"MESSAGE":"` + m + `","_TRANSPORT":"kernel","SYSLOG_FACILITY":"0","PRIORITY":"3","_HOSTNAME":"web","_BOOT_ID":"0123456789abcdef0123456789abcdef",` +
				`"__REALTIME_TIMESTAMP":"1795640400123456","_SOURCE_MONOTONIC_TIMESTAMP":"123456789"}`,
			Record{Level: 3, At: micro, Host: "web", Boot: "0123456789abcdef0123456789abcdef", SinceBoot: boot, Message: m},
		},
		{ // early in a boot: the journal got it two seconds later
			`{"_TRANSPORT" : "kernel", "SYSLOG_FACILITY" : "0", "MESSAGE" : [79,10], "__REALTIME_TIMESTAMP" : "1795640402123456",` +
				` "__MONOTONIC_TIMESTAMP" : "125456789", "_SOURCE_MONOTONIC_TIMESTAMP" : "123456789", "_BOOT_ID" : "../x"}`,
			Record{At: micro, SinceBoot: boot, Message: "O\n"},
		},
	}
	for _, tt := range tests {
		got, ok := ParseLine(tt.text, clock)
		if !ok {
			t.Errorf("%q: no form", tt.text)
			continue
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%q: %s", tt.text, diff)
		}
	}
}

// foreign are lines that other programs wrote, or that are none.
var foreign = []string{
	"Nov 25 22:00:00 web app[7]: %s",
	"Nov 25 22:00:00 web kernel[7]: %s",
	"Nov 25 22:00:00 web app: kernel: %s",
	"Nov 25 22:00:00 web user.notice app: %s",
	"Nov 25 22:00:00 web %s",
	"2026-11-25T22:00:00+01:00 web app: kernel: %s",
	"2026-11-25T22:00:00.123456+01:00 %s",
	"Wed 2026-11-25 22:00:00 CET web app[1]: %s",
	"1795640400.123456 web app: %s",
	"[  123.456789] web app[1]: %s",
	"<30>[  123.456789] %s",
	"<12>Nov 25 22:00:00 web kernel: %s",
	"<4>Nov 25 22:00:00 web app: %s",
	"<12>1 2026-11-25T22:00:00Z web kernel - - - %s",
	"<4>1 2026-11-25T22:00:00Z web app - - - %s",
	"<4>1 2026-11-25T22:00:00Z web app - - [kernel x=\"] y\"] %s",
	"12,339,123456789,-;%s",
	"user  :notice: [  123.456789] %s",
	`{"MESSAGE":"%s","_TRANSPORT":"syslog","SYSLOG_FACILITY":"0","SYSLOG_IDENTIFIER":"kernel"}`,
	`{"MESSAGE":"%s","_TRANSPORT":"kernel","SYSLOG_FACILITY":"1"}`,
	`{"MESSAGE":"%s","_TRANSPORT":"kernel"}`,
	`{"MESSAGE":"%s","_transport":"kernel","_TRANSPORT":"stdout","SYSLOG_FACILITY":"0"}`,
	`{"MESSAGE":"%s","_TRANSPORT":["kernel"],"SYSLOG_FACILITY":"0"}`,
	`{"MESSAGE":["%s"],"_TRANSPORT":"kernel","SYSLOG_FACILITY":"0"}`,
	`{"MESSAGE":"%s","_TRANSPORT":"kernel","SYSLOG_FACILITY":"0"`,
	"%s",
	"        %s",
	"audit: %s",
	"-- Boot 0123456789abcdef0123456789abcdef --%s",
	"<999>[  123.456789] %s",
	"<4>%s",
	"[not a stamp] %s",
}

func TestForeignLinesAreNoKills(t *testing.T) {
	for _, form := range foreign {
		text := fmt.Sprintf(form, kill)
		r, ok := ParseLine(text, Clock{})
		if ok && r.Facility == 0 && strings.HasPrefix(r.Message, "Memory cgroup") {
			t.Errorf("%q reads as the kernel's", text)
		}
		// Behind a line of the kernel's, so that the log has prefixes.
		log, err := Scan(t.Context(), strings.NewReader("[    1.000000] Linux version\n"+text+"\n"), ScanOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if len(log.Kills) != 0 {
			t.Errorf("%q is a kill: %v", text, short(log.Kills))
		}
	}
}

func TestYear(t *testing.T) {
	kiritimati := time.FixedZone("", 14*3600)
	date := func(year int, month time.Month, day, hour int) time.Time {
		return time.Date(year, month, day, hour, 0, 0, 0, time.UTC)
	}
	tests := []struct {
		name, stamp string
		clock       Clock
		want        time.Time
	}{
		{"this year", "Jun  3 04:00:00", Clock{Reference: date(2026, 11, 25, 0)}, date(2026, 6, 3, 4)},
		{"last year", "Dec 31 23:00:00", Clock{Reference: date(2027, 1, 1, 0)}, date(2026, 12, 31, 23)},
		{"the first hour", "Jan  1 00:00:00", Clock{Reference: date(2027, 1, 1, 1)}, date(2027, 1, 1, 0)},
		{"a clock ahead over New Year", "Jan  1 00:00:00", Clock{Reference: date(2026, 12, 31, 23)}, date(2027, 1, 1, 0)},
		{"more than a day ahead", "Jan  3 00:00:00", Clock{Reference: date(2026, 12, 31, 23)}, date(2026, 1, 3, 0)},
		{"a zone far ahead", "Jan  1 12:00:00", Clock{kiritimati, date(2026, 12, 31, 23)}, time.Date(2027, 1, 1, 12, 0, 0, 0, kiritimati)},
		{"a leap day", "Feb 29 12:00:00", Clock{Reference: date(2027, 3, 1, 0)}, date(2024, 2, 29, 12)},
		{"a leap day over a century", "Feb 29 12:00:00", Clock{Reference: date(2103, 3, 1, 0)}, date(2096, 2, 29, 12)},
		{"no reference", "Jun  3 04:00:00", Clock{}, time.Time{}},
	}
	for _, tt := range tests {
		r, ok := ParseLine(tt.stamp+" web kernel: x", tt.clock)
		if !ok || !r.At.Equal(tt.want) {
			t.Errorf("%s: %v, %v; want %v", tt.name, r.At, ok, tt.want)
		}
	}
}

// FuzzParseLine holds that a message behind a foreign prefix is never the kernel's, and
// that one behind the kernel's comes through as it is.
func FuzzParseLine(f *testing.F) {
	f.Add("Out of memory: Killed process 1 (x) total-vm:1kB", uint8(0))
	f.Add("web kernel: [ 1.5] x", uint8(2))
	f.Fuzz(func(t *testing.T, message string, n uint8) {
		if strings.ContainsAny(message, "\n\\#\"") {
			return
		}
		clock := Clock{Reference: time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)}
		form := foreign[int(n)%len(foreign)]
		if r, ok := ParseLine(fmt.Sprintf(form, kill+message), clock); ok && r.Facility == 0 {
			var p Parser
			if p.Add(r); len(p.Log().Kills) > 0 {
				t.Fatalf("%q: %+v", form, r)
			}
		}
		for _, form := range []string{"<4>Nov 25 22:00:00 web kernel: [    1.500000] %s", "kern  :warn  : [    1.500000] %s", "4,1,1500000,-;%s"} {
			r, ok := ParseLine(fmt.Sprintf(form, message), clock)
			if !ok || r.Facility != 0 || r.Message != message || r.SinceBoot != 1500*time.Millisecond {
				t.Fatalf("%q: %v, %+v", form, ok, r)
			}
		}
		if r, ok := ParseLine(message, clock); ok && (r.SinceBoot < 0 || len(r.Host) > 255) {
			t.Fatalf("%+v", r)
		}
	})
}

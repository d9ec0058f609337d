package docker

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/events"
	"github.com/google/go-cmp/cmp"
)

// at makes an event some milliseconds after a fixed time: "kill 15", "die 137", "start".
func at(ms int, what string) Event {
	action, number, _ := strings.Cut(what, " ")
	e := Event{Time: time.UnixMilli(1700000000000 + int64(ms)).UTC(), Action: action}
	n, err := strconv.Atoi(number)
	if err == nil && action == "kill" {
		e.Signal = n
	}
	if err == nil && action == "die" {
		e.ExitCode = &n
	}
	return e
}

func TestLastStop(t *testing.T) {
	// Two real sequences, engine 20.10: docker stop of a program that obeys, and docker
	// stop -t 3, docker restart -t 0, docker kill of one that ignores SIGTERM.
	obeys := []Event{at(0, "start"), at(1036, "kill 15"), at(1069, "die 143"), at(1079, "stop")}
	deaf := []Event{at(0, "start"), at(1319, "kill 15"), at(4337, "kill 9"), at(4369, "die 137"), at(4378, "stop"),
		at(4597, "start"), at(4597, "restart"), at(4627, "kill 9"), at(4654, "die 137")}
	for _, tt := range []struct {
		name   string
		events []Event
		signal string
		grace  time.Duration
		want   StopOutcome
		waited time.Duration
	}{
		{"no events", nil, "SIGTERM", 10 * time.Second, StopNone, 0},
		{"obeys", obeys, "SIGTERM", 10 * time.Second, StopObeyed, 33 * time.Millisecond},
		{"deaf", deaf, "SIGTERM", 3 * time.Second, StopDeaf, 3018 * time.Millisecond},
		{"another stop signal", obeys, "SIGQUIT", 10 * time.Second, StopNone, 0},
		{"a signal that is none", obeys, "SIGNONE", 10 * time.Second, StopNone, 0},
		{"SIGKILL for a stop signal", deaf, "9", 10 * time.Second, StopNone, 0},
		{"docker kill", []Event{at(0, "kill 9"), at(20, "die 137")}, "SIGTERM", 10 * time.Second, StopNone, 0},
		{"ends by itself", []Event{at(0, "die 0")}, "SIGTERM", 10 * time.Second, StopNone, 0},
		{"stop without grace", []Event{at(0, "kill 15"), at(10, "kill 9"), at(30, "die 137")}, "SIGTERM", 0, StopNone, 0},
		{"ends between the signals", []Event{at(0, "kill 15"), at(10000, "kill 9"), at(10001, "die 0")}, "SIGTERM", 10 * time.Second, StopNone, 0},
		{"killed by another", []Event{at(0, "kill 15"), at(500, "die 137")}, "SIGTERM", 10 * time.Second, StopNone, 0},
		{"out of memory while stopping", []Event{at(0, "kill 15"), at(400, "oom"), at(500, "die 143")}, "SIGTERM", 10 * time.Second, StopNone, 0},
		{"dies long after a lone signal", []Event{at(0, "kill 15"), at(3600000, "die 1")}, "SIGTERM", 10 * time.Second, StopNone, 0},
		{"no limit", []Event{at(0, "kill 15"), at(3600000, "die 1")}, "SIGTERM", -1, StopObeyed, time.Hour},
		{"a signal in a former life", []Event{at(0, "kill 15"), at(5, "start"), at(10, "die 1")}, "SIGTERM", 10 * time.Second, StopNone, 0},
		{"the beginning is lost", []Event{at(0, "kill 9"), at(10, "die 137"), at(20, "stop")}, "SIGTERM", 10 * time.Second, StopNone, 0},
		{"no exit code", []Event{at(0, "kill 15"), at(10, "die")}, "SIGTERM", 10 * time.Second, StopNone, 0},
		{"the newest counts", append(append([]Event(nil), deaf...), at(9000, "start"), at(9100, "kill 15"), at(9200, "die 0")), "TERM", 3 * time.Second, StopObeyed, 100 * time.Millisecond},
		{"a stop that tells nothing does not hide one that does", append(append([]Event(nil), obeys...), at(9000, "start"), at(9100, "kill 9"), at(9200, "die 137")), "15", 10 * time.Second, StopObeyed, 33 * time.Millisecond},
		{"impatient: the signal twice", []Event{at(0, "kill 15"), at(2000, "kill 15"), at(10000, "kill 9"), at(10010, "die 137")}, "SIGTERM", 10 * time.Second, StopDeaf, 8 * time.Second},
		{"asked by hand, then a stop without grace", []Event{at(0, "kill 15"), at(5000, "kill 15"), at(5020, "kill 9"), at(5040, "die 137"), at(5050, "stop")}, "SIGTERM", 10 * time.Second, StopNone, 0},
		{"asked by hand, then a stop that is obeyed", []Event{at(0, "kill 15"), at(60000, "kill 15"), at(60100, "die 0")}, "SIGTERM", 10 * time.Second, StopObeyed, 100 * time.Millisecond},
		{"asked again after SIGKILL", []Event{at(0, "kill 15"), at(10000, "kill 9"), at(10005, "kill 15"), at(10010, "die 137")}, "SIGTERM", 10 * time.Second, StopDeaf, 10 * time.Second},
		{"clock set back", []Event{at(5000, "kill 15"), at(0, "die 0")}, "SIGTERM", 10 * time.Second, StopNone, 0},
		{"real-time signal", []Event{at(0, "kill 37"), at(10, "die 0")}, "SIGRTMIN+3", 10 * time.Second, StopObeyed, 10 * time.Millisecond},
	} {
		got := LastStop(tt.events, tt.signal, tt.grace)
		if got.Outcome != tt.want || got.Waited != tt.waited {
			t.Errorf("%s: %+v, want %s after %v", tt.name, got, tt.want, tt.waited)
		}
		if (got.Outcome == StopNone) != got.At.IsZero() {
			t.Errorf("%s: %s at %v", tt.name, got.Outcome, got.At)
		}
	}
}

func TestEventFrom(t *testing.T) {
	code := 137
	when := time.Unix(1700000000, 5).UTC()
	for _, tt := range []struct {
		json string
		want Event
		ok   bool
	}{
		{`{"Action":"kill","Actor":{"ID":"a","Attributes":{"signal":"15"}},"timeNano":1700000000000000005}`, Event{Time: when, Action: "kill", Signal: 15}, true},
		{`{"Action":"kill","Actor":{"ID":"a","Attributes":{"signal":"SIGTERM"}},"timeNano":1700000000000000005}`, Event{Time: when, Action: "kill", Signal: 15}, true},
		{`{"Action":"die","Actor":{"ID":"a","Attributes":{"exitCode":"137"}},"timeNano":1700000000000000005}`, Event{Time: when, Action: "die", ExitCode: &code}, true},
		{`{"Action":"die","Actor":{"ID":"a","Attributes":{"exitCode":"?"}},"time":1700000000}`, Event{Time: time.Unix(1700000000, 0).UTC(), Action: "die"}, true},
		{`{"Action":"oom","Actor":{"ID":"a","Attributes":null},"timeNano":1700000000000000005}`, Event{Time: when, Action: "oom"}, true},
		{`{"Action":"die","Actor":{}}`, Event{}, false},
		{`{"Action":"exec_die","Actor":{"ID":"a"}}`, Event{}, false},
		{`{"Action":"health_status: healthy","Actor":{"ID":"a"}}`, Event{}, false},
	} {
		var m events.Message
		if err := json.Unmarshal([]byte(tt.json), &m); err != nil {
			t.Fatal(err)
		}
		got, ok := eventFrom(m)
		if d := cmp.Diff(tt.want, got); d != "" || ok != tt.ok {
			t.Errorf("%s: %v %s", tt.json, ok, d)
		}
	}
}

func TestSignalNumber(t *testing.T) {
	for s, want := range map[string]int{
		"SIGTERM": 15, "TERM": 15, "sigterm": 15, "SIGTERM\n": 15, "15": 15, "9": 9, "SIGKILL": 9, "SIGQUIT": 3, "HUP": 1, "64": 64,
		"SIGRTMIN": 34, "SIGRTMIN+3": 37, "RTMIN+0": 34, "SIGRTMAX": 64, "SIGRTMAX-14": 50, "SIGWINCH": 28, "SIGSYS": 31,
		"": 0, "0": 0, "65": 0, "-1": 0, "+15": 0, "SIG": 0, "SIG15": 0, "SIGSIGTERM": 0, "TERM+1": 0, "SIGRTMIN-1": 0, "SIGRTMIN+31": 0,
		"SIGRTMAX+1": 0, "RTMIN+": 0, "RTMIN++1": 0, "1.5": 0, "999999999999999999999": 0,
	} {
		if got, ok := SignalNumber(s); got != want || ok != (want != 0) {
			t.Errorf("%q: %d %v, want %d", s, got, ok, want)
		}
	}
}

// FuzzSignalNumber: a number is a signal's or nothing, and does not depend on the case or on SIG.
func FuzzSignalNumber(f *testing.F) {
	for _, s := range []string{"SIGTERM", "term", "15", "SIGRTMIN+3", "RTMAX-1", "0", "ſigterm"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, ok := SignalNumber(s)
		if ok != (n != 0) || n < 0 || n > sigRTMax {
			t.Fatalf("%q: %d %v", s, n, ok)
		}
		if upper, _ := SignalNumber(strings.ToUpper(s)); upper != n {
			t.Errorf("%q: %d, in upper case %d", s, n, upper)
		}
		if again, _ := SignalNumber(strconv.Itoa(n)); again != n {
			t.Errorf("%q: %d does not name itself", s, n)
		}
	})
}

// FuzzEvents: what one line of the engine's events gives is an event as documented, and
// LastStop never calls a container deaf that the engine did not kill.
func FuzzEvents(f *testing.F) {
	f.Add(`{"Action":"kill","Actor":{"ID":"a","Attributes":{"signal":"15"}},"timeNano":5}`)
	f.Add(`{"Action":"kill","Actor":{"ID":"a","Attributes":{"signal":"15"}},"time":5}
{"Action":"kill","Actor":{"ID":"a","Attributes":{"signal":"9"}},"time":15}
{"Action":"die","Actor":{"ID":"a","Attributes":{"exitCode":"137"}},"time":16}`)
	f.Fuzz(func(t *testing.T, lines string) {
		var all []Event
		killed := false
		for line := range strings.Lines(lines) {
			var m events.Message
			if json.Unmarshal([]byte(line), &m) != nil {
				continue
			}
			e, ok := eventFrom(m)
			if !ok {
				continue
			}
			if e.Action == "" || e.Signal != 0 && e.Action != "kill" || e.ExitCode != nil && e.Action != "die" || e.Signal < 0 || e.Signal > sigRTMax {
				t.Errorf("not as documented: %+v", e)
			}
			killed = killed || e.Signal == sigkill
			all = append(all, e)
		}
		s := LastStop(all, "SIGTERM", 10*time.Second)
		if s.Outcome == StopDeaf && (!killed || s.ExitCode != exitKilled || s.Waited < leastGrace) {
			t.Errorf("deaf without proof: %+v", s)
		}
		if s.Outcome == StopObeyed && (s.ExitCode == exitKilled || s.Waited > 12*time.Second) {
			t.Errorf("obeyed without proof: %+v", s)
		}
	})
}

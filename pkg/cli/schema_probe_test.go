package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vmguard/pkg/lab"
	"vmguard/pkg/packet"
	"vmguard/pkg/probe"
	"vmguard/pkg/report"
)

// acceptsStream holds the lines of -o jsonl against their schemas, and gives the last one, the report.
func acceptsStream(t *testing.T, stream []byte) []byte {
	t.Helper()
	all := bytes.Split(bytes.TrimSuffix(stream, []byte("\n")), []byte("\n"))
	last := len(all) - 1
	if last < 1 || !bytes.HasSuffix(stream, []byte("\n")) {
		t.Fatalf("no event, or no end of the last line: %s", stream)
	}
	s := schema(t, "probe-event")
	for _, line := range all[:last] {
		accepts(t, s, line)
	}
	accepts(t, schema(t, "probe-report"), all[last])
	return all[last]
}

// kindsIn gives the verdicts on a report's connections, those of a heartbeat included.
func kindsIn(t *testing.T, doc []byte) map[probe.Kind]bool {
	t.Helper()
	var read struct{ Data probe.Result }
	if err := json.Unmarshal(doc, &read); err != nil {
		t.Fatal(err)
	}
	rungs := slices.Concat(read.Data.Rungs, read.Data.Refined, read.Data.Arms)
	if read.Data.Heartbeat != nil {
		rungs = append(rungs, *read.Data.Heartbeat)
	}
	kinds := map[probe.Kind]bool{}
	for _, r := range rungs {
		kinds[r.Verdict.Kind] = true
	}
	return kinds
}

// What is really measured in the lab follows the schemas, as one document and as a stream. The runs wait
// most of the time, so all are made at once.
func TestProbesOfTheLabFollowTheirSchemas(t *testing.T) {
	t.Parallel()
	type run struct {
		flags  string
		code   int
		want   probe.Kind // among the verdicts
		linux  bool
		got    int
		stdout []byte
		stderr string
	}
	runs := []*run{
		{flags: "none -o json --idle 100ms,200ms --packets=false", want: probe.Alive},
		{flags: "none -o json --idle 100ms --tls --expect-alive 50ms --expect-dead 150ms", code: exitBad, want: probe.Alive},
		{flags: "none -o jsonl --idle none --heartbeat 100ms --for 300ms", want: probe.Alive},
		{flags: "reset-at-expiry -o jsonl --idle 100ms,5s --refine=false --expect-dead 5s", want: probe.ResetAtExpiry},
		{flags: "reset-on-use -o jsonl --idle 100ms,5s --arms=false --connections 2", want: probe.ResetOnUse},
		{flags: "close-notify -o jsonl --idle 100ms,5s --refine=false --arms=false", want: probe.Closed},
		{flags: "bye -o json --idle 100ms,5s --starttls --refine=false --arms=false", want: probe.Bye},
		{flags: "flow-table -o json --idle 100ms,5s", want: probe.ResetOnUse, linux: true},
		{flags: "black-hole -o jsonl --idle 100ms,5s --refine=false --arms=false", want: probe.BlackHole, linux: true},
		{flags: "session-cap -o jsonl --idle 100ms --heartbeat 1s --for 6s", code: exitBad, want: probe.Closed},
		{flags: "push -o jsonl --idle 100ms,5s", want: probe.Dirty},
		{flags: "ghosts -o jsonl --idle 1s,2s,3s", want: probe.Refused},
		{flags: "outage -o json --idle 5s", code: exitFailed, want: probe.Outage},
	}
	runs = slices.DeleteFunc(runs, func(r *run) bool { return r.linux && runtime.GOOS != "linux" })
	var all sync.WaitGroup
	for _, r := range runs {
		all.Go(func() {
			args := append([]string{"probe", "imap", "--scenario"}, strings.Fields(r.flags)...)
			r.got, r.stdout, r.stderr = tryVMGuard(t, args...)
		})
	}
	all.Wait()
	for _, r := range runs {
		t.Run(r.flags, func(t *testing.T) {
			if r.got != r.code {
				t.Fatalf("exit code %d, want %d: %s", r.got, r.code, r.stderr)
			}
			doc := r.stdout
			if strings.Contains(r.flags, "-o jsonl") {
				doc = acceptsStream(t, doc)
			} else {
				accepts(t, schema(t, "probe-report"), doc)
			}
			if kinds := kindsIn(t, doc); !kinds[r.want] {
				t.Errorf("no %s among the verdicts %v", r.want, kinds)
			}
		})
	}
}

func TestHTTPProbeFollowsItsSchema(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.IdleTimeout = 300 * time.Millisecond
	server.Start()
	t.Cleanup(server.Close)
	doc := acceptsStream(t, vmguard(t, "probe", "http", server.URL+"/health", "--idle", "50ms,1s", "-o", "jsonl"))
	if kinds := kindsIn(t, doc); !kinds[probe.Alive] || !kinds[probe.Closed] {
		t.Errorf("got %v\n%s", kinds, doc)
	}
}

// endsRun ends a run as soon as a text has been written through it.
type endsRun struct {
	bytes.Buffer
	text string
	end  context.CancelFunc
}

func (u *endsRun) Write(p []byte) (int, error) {
	n, err := u.Buffer.Write(p)
	if bytes.Contains(u.Bytes(), []byte(u.text)) {
		u.end()
	}
	return n, err
}

// A run that is interrupted says what it has measured until then: before it could measure anything, while some
// connections still wait for their turn, and after the first verdict.
func TestInterruptedProbeFollowsItsSchema(t *testing.T) {
	t.Parallel()
	for moment, flags := range map[string]string{
		"first pass":         "-o json --connections 2 --idle 1h,2h",
		`"kind":"idle"`:      "-o jsonl --connections 2 --idle 1h,2h --heartbeat 1h --for 2h",
		`"kind":"alive"`:     "-o jsonl --connections 3 --idle 100ms,1h --heartbeat 1h --for 2h",
		"100 ms silent: ali": "-o json --connections 2 --idle 100ms,1h",
	} {
		t.Run(flags, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			out, errs := endsRun{text: moment, end: cancel}, endsRun{text: moment, end: cancel}
			args := append([]string{"probe", "imap", "--scenario", "none"}, strings.Fields(flags)...)
			code := Main(ctx, App{Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Getenv: os.Getenv})
			if code != exitInterrupted || !errors.Is(ctx.Err(), context.Canceled) {
				t.Fatalf("exit code %d, %v: %s", code, ctx.Err(), errs.String())
			}
			doc := out.Bytes()
			if strings.Contains(flags, "-o jsonl") {
				doc = acceptsStream(t, doc)
			} else {
				accepts(t, schema(t, "probe-report"), doc)
			}
			if at(t, decode(t, doc), "data")["interrupted"] != true || !kindsIn(t, doc)[probe.Unknown] {
				t.Errorf("nothing says that it was interrupted: %s", doc)
			}
		})
	}
}

func TestScenarioListFollowsItsSchema(t *testing.T) {
	doc := vmguard(t, "lab", "--list", "-o", "json")
	accepts(t, schema(t, "scenario-list"), doc)
	for i, s := range lab.Scenarios() {
		if got := at(t, decode(t, doc), "data", "scenarios", i)["name"]; got != s.Name {
			t.Errorf("%d: got %v, want %s", i, got, s.Name)
		}
	}
}

// filledProbe has every field set.
func filledProbe() report.Probe {
	yes, trip, segments, acked := true, time.Millisecond, uint32(1), uint64(1)
	segment := packet.Segment{TTL: 62, IPID: 1, Flags: "RST", Window: 1, Options: true, Payload: 1}
	addr := netip.MustParseAddrPort("[2001:db8::1]:993")
	rung := probe.Rung{
		Pass: probe.PassLadder, Conn: 1, Verdict: probe.Verdict{Kind: probe.Bye, Why: "x"},
		Trace: probe.Trace{
			Arm: probe.Nudged, Idle: 1, Every: 1, Local: addr, Remote: addr, Phase: probe.PhaseIdle,
			End: probe.End{
				Errno: syscall.ECONNRESET, ErrnoName: "ECONNRESET", EOF: true, CloseNotify: true, Timeout: true,
				Said: &probe.Said{What: probe.SaidBye, Text: "x"}, Canceled: true, Text: "x",
			},
			Quiet: 1, Longest: 1, Took: 1, Sent: true, Beats: 1, Drift: 1, Pushed: 1, PushedText: "x", KeepaliveOff: &yes,
			TCP: &probe.TCPInfo{
				State: "close-wait", Unacked: 1, Retransmits: 1, Backoff: 1, RTT: 1, MinRTT: &trip, DataSegsOut: &segments, TotalRetrans: 1, BytesAcked: &acked,
			},
			Reset:   &packet.Evidence{Origin: packet.FromBox, Words: "x", Why: "x", Reset: segment, Data: &segment, After: 1},
			Control: probe.ControlFailed, Suspended: 1, Ended: time.Unix(1, 0).UTC(),
		},
	}
	rungs := []probe.Rung{rung}
	return report.Probe{
		Version: "x", Lab: "bye", LoggedIn: &yes, Container: "web", Cloud: "google", CloudName: "x", Interval: 1,
		Result: &probe.Result{
			Protocol: "IMAP", Request: "NOOP", Host: "x", Addr: addr, TLS: "TLS 1.3", Begun: time.Unix(1, 0).UTC(), Took: 1,
			Rungs: rungs, Refined: rungs, Arms: rungs, ArmsSay: probe.ArmsSessionCap, Heartbeat: &rung, NoPackets: "x", Watched: true, Interrupted: true,
			Limit: probe.Limit{State: probe.LimitFound, Low: 1, High: 2, Longest: 1, Beyond: 1, Kind: probe.Bye, Why: "x"},
		},
		Candidates: []probe.Candidate{{ID: "x", Name: "x", Seconds: 1, Why: []string{"x"}}}, Settings: []probe.Setting{{Client: "x", Text: "x"}},
		Expectations: []report.Expectation{{Alive: true, Idle: 1, Met: &yes, Why: "x"}}, Notes: []string{"x"},
	}
}

// unset gives the fields of a value that have no value, with their paths.
func unset(v reflect.Value, path string) []string {
	var out []string
	switch {
	case v.IsZero():
		return []string{path}
	case v.Kind() == reflect.Pointer:
		return unset(v.Elem(), path)
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			out = append(out, unset(v.Index(i), path+"."+strconv.Itoa(i))...)
		}
	case v.Kind() == reflect.Struct && strings.HasPrefix(v.Type().PkgPath(), "vmguard/"):
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				out = append(out, unset(v.Field(i), path+"."+f.Name)...)
			}
		}
	}
	return out
}

// probeDocuments gives a document for each of the probe's schemas, with every field that there is.
func probeDocuments(t *testing.T) map[string][]byte {
	t.Helper()
	full := filledProbe()
	if fields := unset(reflect.ValueOf(full), "Probe"); fields != nil {
		t.Fatalf("not set: %v", fields)
	}
	event := probe.Event{At: full.Begun, Kind: probe.EventResult, Pass: probe.PassArms, Conn: 1, Arm: probe.Nudged, Idle: 1, Takes: 1, Beats: 1, Rung: full.Heartbeat}
	var doc, line, scenarios bytes.Buffer
	if err := errors.Join(report.ProbeJSON(&doc, full), report.ProbeEvent(&line, event), report.ScenariosJSON(&scenarios, lab.Scenarios())); err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{"probe-report": doc.Bytes(), "probe-event": line.Bytes(), "scenario-list": scenarios.Bytes()}
}

// The schemas know every field that there is, and no other.
func TestProbeSchemasKnowEveryFieldAndNoOther(t *testing.T) {
	for name, raw := range probeDocuments(t) {
		s, doc := schema(t, name), decode(t, raw)
		accepts(t, s, raw)
		for _, object := range objects(doc) {
			object["surprise"] = "x"
			if s.Validate(doc) == nil {
				t.Errorf("%s: accepted an unknown field in %.200v", name, object)
			}
			delete(object, "surprise")
		}
	}
}

// What has no value is left out where that says more, and lists are never null.
func TestProbeReportOfNothing(t *testing.T) {
	var got bytes.Buffer
	empty := report.Probe{Version: "dev", Result: &probe.Result{Protocol: "HTTP", Request: "GET /", Host: "x", Addr: netip.MustParseAddrPort("192.0.2.1:80")}}
	if err := report.ProbeLine(&got, empty); err != nil {
		t.Fatal(err)
	}
	accepts(t, schema(t, "probe-report"), got.Bytes())
	want := `{"schemaVersion":1,"kind":"ProbeReport","data":{"vmguardVersion":"dev","protocol":"HTTP","request":"GET /","host":"x","address":"192.0.2.1:80",` +
		`"begun":"0001-01-01T00:00:00Z","tookNanoseconds":0,"rungs":[],"refined":[],"arms":[],"candidates":[],"settings":[],"expectations":[],"notes":[]}}` + "\n"
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Error(diff)
	}
}

func TestProbeSchemasRefuseWrongValues(t *testing.T) {
	data := []any{"data"}
	rung := []any{"data", "rungs", 0}
	trace := []any{"data", "rungs", 0, "trace"}
	documents := probeDocuments(t)
	for _, test := range []struct {
		schema string
		path   []any
		field  string
		value  any // nil takes the field away
	}{
		{"probe-report", nil, "kind", "ProbeEvent"},
		{"probe-report", data, "protocol", "SMTP"},
		{"probe-report", data, "begun", "yesterday"},
		{"probe-report", data, "rungs", nil},
		{"probe-report", data, "address", ""},
		{"probe-report", data, "armsSay", ""},
		{"probe-report", data, "cloud", "gcp"},
		{"probe-report", data, "interrupted", false},
		{"probe-report", data, "recommendedIntervalNanoseconds", json.Number("0")},
		{"probe-report", []any{"data", "limit"}, "state", ""},
		{"probe-report", []any{"data", "limit"}, "state", "none"}, // with a bracket
		{"probe-report", []any{"data", "limit"}, "kind", nil},     // of one that was found
		{"probe-report", []any{"data", "limit"}, "lowNanoseconds", json.Number("-1")},
		{"probe-report", []any{"data", "limit"}, "highNanoseconds", json.Number("1.5")},
		{"probe-report", []any{"data", "expectations", 0}, "met", nil},
		{"probe-report", []any{"data", "expectations", 0}, "met", "yes"},
		{"probe-report", []any{"data", "candidates", 0}, "seconds", json.Number("0")},
		{"probe-report", rung, "pass", "third"},
		{"probe-report", rung, "verdict", "alive"},
		{"probe-report", append(rung[:3:3], "verdict"), "kind", "dead"},
		{"probe-report", append(rung[:3:3], "verdict"), "why", ""},
		{"probe-report", trace, "arm", "noop"},
		{"probe-report", trace, "phase", "done"}, // and an end
		{"probe-report", trace, "local", ""},
		{"probe-report", trace, "control", ""},
		{"probe-report", trace, "sent", nil},
		{"probe-report", trace, "quietNanoseconds", json.Number("-1")},
		{"probe-report", append(trace[:4:4], "tcp"), "state", "ESTABLISHED"},
		{"probe-report", append(trace[:4:4], "reset"), "origin", "router"},
		{"probe-report", append(trace[:4:4], "reset", "data"), "ttl", json.Number("256")},
		{"probe-report", append(trace[:4:4], "end", "said"), "what", "hello"},
		{"probe-event", nil, "kind", "ProbeReport"},
		{"probe-event", data, "kind", "pass"}, // of a connection
		{"probe-event", data, "kind", "beat"}, // with a rung
		{"probe-event", data, "rung", nil},    // of a result
		{"probe-event", data, "connection", nil},
		{"probe-event", data, "at", json.Number("1")},
		{"scenario-list", []any{"data", "scenarios", 0}, "verdict", "dead"},
		{"scenario-list", []any{"data", "scenarios", 0}, "name", "No Limit"},
		{"scenario-list", []any{"data", "scenarios", 0}, "needsTLS", nil},
	} {
		s, doc := schema(t, test.schema), decode(t, documents[test.schema])
		object := at(t, doc, test.path...)
		if test.value == nil {
			delete(object, test.field)
		} else {
			object[test.field] = test.value
		}
		if s.Validate(doc) == nil {
			t.Errorf("%s: accepted %v %s = %v", test.schema, test.path, test.field, test.value)
		}
	}
}

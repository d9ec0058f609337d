package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseProbe(t *testing.T) {
	t.Parallel()
	const (
		alive   = `{"verdict":{"kind":"alive"},"trace":{"idleNanoseconds":1000000000}}`
		closed  = `{"verdict":{"kind":"closed"},"trace":{"idleNanoseconds":5000000000}}`
		unknown = `{"verdict":{"kind":"unknown"},"trace":{"idleNanoseconds":4000000000}}`
		ended   = `{"verdict":{"kind":"closed"},"trace":{"phase":"idle","idleNanoseconds":6000000000,"quietNanoseconds":4000000000}}`
		nudged  = `{"verdict":{"kind":"closed"},"trace":{"arm":"heartbeat","phase":"idle","idleNanoseconds":5000000000,"quietNanoseconds":1000000000}}`
		beat    = `{"verdict":{"kind":"alive"},"trace":{"idleNanoseconds":6000000000,"everyNanoseconds":200000000,"driftNanoseconds":1000000}}`
		found   = `{"state":"found","lowNanoseconds":1000000000,"highNanoseconds":5000000000}`
		unclear = `{"state":"unclear","lowNanoseconds":7000000000,"highNanoseconds":5000000000}`
	)
	const took = 11 * time.Second
	for data, want := range map[string]measured{
		`"rungs":[` + alive + `]`:                                {passes: 1, overhead: 10 * time.Second, rungs: 1, verdicts: 1},
		`"rungs":[` + alive + `,` + unknown + `,` + closed + `]`: {passes: 1, overhead: 6 * time.Second, rungs: 3, verdicts: 2},
		`"rungs":[` + closed + `],"refined":[` + alive + `],"arms":[` + unknown + `],"limit":` + found: {
			passes: 2, overhead: time.Second, rungs: 1, verdicts: 1, low: time.Second, high: 5 * time.Second,
		},
		`"rungs":[` + ended + `,` + alive + `]`:         {passes: 1, overhead: 7 * time.Second, rungs: 2, verdicts: 2},
		`"arms":[` + nudged + `]`:                       {passes: 1, overhead: 6 * time.Second},
		`"rungs":[` + closed + `],"limit":` + unclear:   {passes: 1, overhead: 6 * time.Second, rungs: 1, verdicts: 1},
		`"rungs":[],"heartbeat":` + beat:                {passes: 1, overhead: 5 * time.Second, drift: 0.005},
		`"rungs":[` + closed + `],"heartbeat":` + beat:  {passes: 1, overhead: 5 * time.Second, rungs: 1, verdicts: 1, drift: 0.005},
		`"rungs":[` + unknown + `],"heartbeat":` + beat: {passes: 1, overhead: 5 * time.Second, rungs: 1, drift: 0.005},
	} {
		got, err := parseProbe([]byte(`{"kind":"ProbeReport","data":{`+data+`}}`), took)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(measured{})); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", data, err, diff)
		}
	}
}

func TestParseProbeRejects(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                     "there is none",
		`{"kind":"ProbeEvent","data":{}}`:      "there is none",
		`{"kind":"ProbeEvent","data":1}`:       "cannot unmarshal",
		`{"kind":"DoctorReport","data":{}}`:    `"DoctorReport"`,
		`{"kind":"ProbeReport","data":{}}`:     "no connection",
		`{"kind":"ProbeReport","data":{"ru`:    "unexpected EOF",
		`{"kind":"ProbeReport","data":"none"}`: "cannot unmarshal",
	} {
		if m, err := parseProbe([]byte(text), time.Second); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %+v, error %v, want %q in it", text, m, err, want)
		}
	}
}

func TestParseProbeWithEvents(t *testing.T) {
	t.Parallel()
	const (
		report  = `{"kind":"ProbeReport","data":{"heartbeat":{"trace":{"everyNanoseconds":200000000}}}}`
		opened  = `{"kind":"ProbeEvent","data":{"kind":"idle","at":"2026-11-22T10:00:00+01:00"}}`
		late4   = `{"kind":"ProbeEvent","data":{"kind":"beat","at":"2026-11-22T10:00:00.204+01:00"}}`
		late20  = `{"kind":"ProbeEvent","data":{"kind":"beat","at":"2026-11-22T10:00:00.42+01:00"}}`
		late2   = `{"kind":"ProbeEvent","data":{"kind":"beat","at":"2026-11-22T10:00:00.602+01:00"}}`
		skipped = `{"kind":"ProbeEvent","data":{"kind":"beat","at":"2026-11-22T10:00:05.040+01:00"}}`
		early   = `{"kind":"ProbeEvent","data":{"kind":"beat","at":"2026-11-22T10:00:00.180+01:00"}}`
		another = `{"kind":"ProbeEvent","data":{"kind":"result","at":"2026-11-22T10:00:01+01:00"}}`
	)
	for want, events := range map[float64]string{
		0:    opened + another,
		0.02: opened + late4,
		0.1:  opened + late4 + late20,
		0.01: opened + late2,
		0.2:  opened + skipped,
		0.9:  opened + early,
	} {
		if m, err := parseProbe([]byte(events+"\n"+report), time.Second); err != nil || m.late != want {
			t.Errorf("%s: got %v, %v, want %v", events, m.late, err, want)
		}
	}
	if m, err := parseProbe([]byte(opened+late4+late20+late2+another+report), time.Second); err != nil || m.late != 0.02 {
		t.Errorf("got %v, %v, want the median, 0.02", m.late, err)
	}
}

func FuzzParseProbe(f *testing.F) {
	f.Add(`{"kind":"ProbeReport","data":{"rungs":[{"verdict":{"kind":"alive"}}],"limit":{"state":"found","highNanoseconds":1}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		m, err := parseProbe([]byte(text), time.Second)
		if err != nil {
			return
		}
		if m.passes < 1 || m.verdicts < 0 || m.verdicts > m.rungs {
			t.Errorf("%q: %+v", text, m)
		}
		// An event that is of no interest changes nothing.
		again, err := parseProbe([]byte(`{"kind":"ProbeEvent","data":{"kind":"pass"}}`+text), time.Second)
		if err != nil || again != m {
			t.Errorf("%q: %+v with an event before it, %+v without; %v", text, again, m, err)
		}
	})
}

func TestReportHoldsProbeLimits(t *testing.T) {
	t.Parallel()
	good := measured{passes: 2, overhead: 2 * time.Second, rungs: 8, verdicts: 8, low: 3 * time.Second, high: 4 * time.Second, drift: 0.01, late: 0.01}
	for name, test := range map[string]struct {
		change func(*measured)
		broken string
	}{
		"good":                    {func(*measured) {}, ""},
		"slow":                    {func(m *measured) { m.overhead++ }, "overhead"},
		"late heartbeat":          {func(m *measured) { m.drift = 0.0101 }, "latest"},
		"late heartbeats":         {func(m *measured) { m.late = 0.0101 }, "median"},
		"one verdict missing":     {func(m *measured) { m.verdicts = 7 }, "verdicts"},
		"limit below its bracket": {func(m *measured) { m.low += time.Second }, "limits"},
		"limit above its bracket": {func(m *measured) { m.high -= time.Second }, "limits"},
		"no bracket":              {func(m *measured) { m.low, m.high = 0, 0 }, "limits"},
	} {
		p, err := parse(strings.NewReader("probe a true\noverhead a 2\ndrift a 1\nlate a 1\noverhead a inf\nverdicts a 8\nbracket a 3.5s"))
		if err != nil {
			t.Fatal(err)
		}
		other := good
		test.change(&other)
		p.programs[0].runs = []cost{{took: 1, probed: good}, {took: 1, probed: other}, {took: 1, probed: good}}
		var out strings.Builder
		ok := p.report(&out)
		var broken []string
		for line := range strings.Lines(out.String()) {
			if strings.HasSuffix(line, "BROKEN\n") {
				broken = append(broken, line)
			}
		}
		if ok != (test.broken == "") || len(broken) > 1 || len(broken) == 1 && !strings.Contains(broken[0], test.broken) {
			t.Errorf("%s: report gives %v\n%s", name, ok, out.String())
		}
	}
}

package main

import (
	"strings"
	"testing"
	"time"
)

func TestParseRejects(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                  "runs nothing",
		"run a":                             "line 1: not understood",
		"run a true\njump a 3":              "line 2: not understood",
		"run a true\ntime a b 3":            "line 2: not understood",
		"run a true\ntime b a 3":            `no program "b"`,
		"run a true\nrss a much":            "invalid syntax",
		"run a true\nms a 3 4":              "line 2: not understood",
		"run a true\nafter b true":          "line 2: not understood",
		"run a true\n\nrun b true\nrss c 1": `line 4: no program "c"`,
		"run a true\noverhead a 2":          `"a" is not a probe`,
		"probe a true\noverhead b 2":        `no program "b"`,
		"probe a true\ndrift a much":        "invalid syntax",
		"probe a true\nverdicts a":          "line 2: not understood",
		"probe a true\nbracket a 3":         "missing unit",
	} {
		if _, err := parse(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("parse(%q) gives error %v, want %q in it", text, err, want)
		}
	}
}

func TestReportHoldsLimits(t *testing.T) {
	t.Parallel()
	p, err := parse(strings.NewReader("run a true\nrun b 0,1 false now\ntime b a 2\nrss b 30\nms b 0.000020"))
	if err != nil {
		t.Fatal(err)
	}
	a, b := p.programs[0], p.programs[1]
	if len(b.codes) != 2 || len(b.command) != 2 {
		t.Fatalf("codes %v, command %q", b.codes, b.command)
	}
	for _, test := range []struct {
		took time.Duration
		rss  int64
		ok   bool
	}{
		{20, 30 << 20, true},
		{21, 30 << 20, false},
		{20, 30<<20 + 1, false},
	} {
		a.runs = []cost{{took: 1}, {took: 1000}, {took: 10}} // the median is 10
		b.runs = []cost{{took: test.took, rss: test.rss}}
		var out strings.Builder
		if ok := p.report(&out); ok != test.ok {
			t.Errorf("%v, %d bytes: report gives %v\n%s", test.took, test.rss, ok, out.String())
		}
	}
}

func TestMeasureMindsExitCodes(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		"run a false":               false,
		"run a 1 false":             true,
		"run a 0,1 true":            true,
		"run a /no/such/thing":      false,
		"run a true\nafter a true":  true,
		"run a true\nafter a false": false,
		"probe a true":              false, // it says nothing
		"probe a echo {}":           false,
		`probe a echo {"kind":"ProbeReport","data":{"rungs":[{}]}}`: true,
	} {
		p, err := parse(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := p.measure(t.Context(), 2); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
		if ok && len(p.programs[0].runs) != 2 {
			t.Errorf("%q: %d runs, want 2", text, len(p.programs[0].runs))
		}
	}
}

package host

import (
	"strings"
	"testing"
	"time"
)

const psiIO = "some avg10=0.50 avg60=0.52 avg300=1.31 total=79619317\nfull avg10=0.00 avg60=0.05 avg300=0.21 total=44543654\n"

func TestParsePressure(t *testing.T) {
	full := Stall{Avg60: 0.05, Avg300: 0.21, Total: 44543654 * time.Microsecond}
	some := Stall{Avg10: 0.5, Avg60: 0.52, Avg300: 1.31, Total: 79619317 * time.Microsecond}
	for name, c := range map[string]struct {
		text string
		want Pressure
		err  string
	}{
		"a real host":     {text: psiIO, want: Pressure{Some: some, Full: &full}},
		"CPU before 5.13": {text: psiIO[:strings.Index(psiIO, "full")], want: Pressure{Some: some}},
		"unknown parts":   {text: "irq avg10=x\nsome avg10=0.50 avg60=0.52 avg300=1.31 total=79619317 avg900=y\n", want: Pressure{Some: some}},
		"full load":       {text: "some avg10=100.00 avg60=0 avg300=0 total=0\n", want: Pressure{Some: Stall{Avg10: 100}}},
		"empty":           {text: "", err: "empty"},
		"cut off":         {text: psiIO[:len(psiIO)-3], err: "cut off"},
		"no some":         {text: psiIO[strings.Index(psiIO, "full"):], err: `no "some"`},
		"no total":        {text: "some avg10=0.50 avg60=0.52 avg300=1.31\n", err: "no total"},
		"over 100":        {text: "some avg10=100.01 avg60=0 avg300=0 total=0\n", err: "avg10"},
		"negative":        {text: "some avg10=-1 avg60=0 avg300=0 total=0\n", err: "avg10"},
		"not a number":    {text: "some avg10=NaN avg60=0 avg300=0 total=0\n", err: "avg10"},
		"infinite":        {text: "some avg10=0 avg60=0 avg300=+Inf total=0\n", err: "avg300"},
		"garbage":         {text: "some avg10 avg60=0 avg300=0 total=0\n", err: "avg10"},
		"huge total":      {text: "some avg10=0 avg60=0 avg300=0 total=9223372036854776\n", err: "total"},
		"broken full":     {text: "some avg10=0 avg60=0 avg300=0 total=0\nfull avg10=0\n", err: "full: no avg60"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parsePressure([]byte(c.text))
			if !refused(t, err, c.err) {
				equal(t, got, c.want)
			}
		})
	}
}

func TestReadPressure(t *testing.T) {
	host := tree(t, files{"proc/pressure/io": psiIO, "proc/pressure/cpu": "x"})
	if f := readPressure(host, "io"); !f.Known() || f.Source != "/proc/pressure/io" {
		t.Errorf("io: %+v", f)
	}
	missing(t, readPressure(host, "memory"), "no /proc/pressure: built without PSI")
	missing(t, readPressure(host, "cpu"), "/proc/pressure/cpu: the last line is cut off")
}

// FuzzParsePressure holds that every share that was accepted is one, and that no time runs backwards.
func FuzzParsePressure(f *testing.F) {
	f.Add([]byte(psiIO))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := parsePressure(data)
		if err != nil {
			return
		}
		stalls := []Stall{p.Some}
		if p.Full != nil {
			stalls = append(stalls, *p.Full)
		}
		for _, s := range stalls {
			for _, share := range []float64{s.Avg10, s.Avg60, s.Avg300} {
				if !(share >= 0 && share <= 100) {
					t.Fatalf("share %v", share)
				}
			}
			if s.Total < 0 || s.Total%time.Microsecond != 0 {
				t.Fatalf("total %v", s.Total)
			}
		}
	})
}

package probe

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func secondsOf(rungs []time.Duration) []float64 {
	var all []float64
	for _, rung := range rungs {
		all = append(all, rung.Seconds())
	}
	return all
}

func TestRungs(t *testing.T) {
	few := Timeouts{{ID: "a", Seconds: 60}, {ID: "b", Seconds: 240}, {ID: "c", Seconds: 350}, {ID: "d", Seconds: 600}}
	for name, c := range map[string]struct {
		table Timeouts
		most  time.Duration
		want  []float64
	}{
		"both sides of each":         {few, 15 * time.Minute, []float64{55, 65, 230, 250, 340, 360, 590, 610, 900}},
		"near ones share a rung":     {append(slices.Clone(few), Timeout{ID: "e", Seconds: 610}, Timeout{ID: "f", Seconds: 65}), 15 * time.Minute, []float64{55, 70, 230, 250, 340, 360, 590, 620, 900}},
		"a range is no point":        {append(slices.Clone(few), Timeout{ID: "e", MinSeconds: 100}), 15 * time.Minute, []float64{55, 65, 230, 250, 340, 360, 590, 610, 900}},
		"no client meets a pool":     {append(slices.Clone(few), Timeout{ID: "e", Seconds: 120, Pool: true}), 15 * time.Minute, []float64{55, 65, 230, 250, 340, 360, 590, 610, 900}},
		"up to a known timeout":      {few, 10 * time.Minute, []float64{55, 65, 230, 250, 340, 360, 590, 600}},
		"gaps are filled":            {few, 100 * time.Second, []float64{12, 25, 40, 55, 65, 80, 90, 100}},
		"nothing known in the lab":   {few, 8 * time.Second, []float64{1, 2, 3, 4, 5, 6, 7, 8}},
		"nothing known at all":       {nil, 16 * time.Minute, []float64{120, 240, 360, 480, 600, 720, 840, 960}},
		"shorter than its own parts": {nil, 3, []float64{3e-9}},
		"nothing":                    {few, 0, nil},
		"less than nothing":          {few, -time.Second, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, secondsOf(Rungs(c.table, c.most, 8))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestRungsKeepTheirTime simulates the ladder: eight connections, the longest rung first, each next one as soon as a connection is free. It takes no longer than its longest rung.
func TestRungsKeepTheirTime(t *testing.T) {
	tables := map[string]Timeouts{"built-in": builtinTable(t), "imap": builtinTable(t).For("imap", true), "none": nil}
	for seconds := range 400 { // more known timeouts than rungs
		tables["crowded"] = append(tables["crowded"], Timeout{ID: "x", Seconds: 10*seconds + 10})
	}
	for name, table := range tables {
		for most := time.Minute; most <= time.Hour; most += 7 * time.Second {
			rungs := Rungs(table, most, 8)
			if n := len(rungs); n < fewestRungs || n > mostRungs || rungs[n-1] != most || rungs[0] <= 0 {
				t.Fatalf("%s, up to %v: %d rungs %v", name, most, n, rungs)
			}
			for i := range rungs[1:] {
				if rungs[i] >= rungs[i+1] {
					t.Fatalf("%s, up to %v: not rising: %v", name, most, rungs)
				}
			}
			var end [8]time.Duration
			var took time.Duration
			for _, rung := range slices.Backward(rungs) {
				free := 0
				for i := range end {
					if end[i] < end[free] {
						free = i
					}
				}
				end[free] += rung
				took = max(took, end[free])
			}
			if took > most {
				t.Fatalf("%s, up to %v: takes %v: %v", name, most, took, rungs)
			}
		}
	}
}

// TestRungsTellTimeoutsApart holds that between two known timeouts that are not near each other there is a rung, and that none but the last lies at one.
func TestRungsTellTimeoutsApart(t *testing.T) {
	table := builtinTable(t).For("imap", true)
	rungs := Rungs(table, 15*time.Minute, 8)
	known := defaults(table, 15*time.Minute)
	for i := range known[1:] {
		if ratio(known[i], known[i+1]) > 1.1 && !slices.ContainsFunc(rungs, func(r time.Duration) bool { return known[i] < r && r < known[i+1] }) {
			t.Errorf("no rung between %v and %v: %v", known[i], known[i+1], rungs)
		}
	}
	for _, rung := range rungs[:len(rungs)-1] {
		if near(rung, known) {
			t.Errorf("%v is at a known timeout: %v", rung, known)
		}
	}
}

func TestRefine(t *testing.T) {
	for name, c := range map[string]struct {
		low, high, precision time.Duration
		n                    int
		want                 []float64
	}{
		"even":           {590 * time.Second, 620 * time.Second, 5 * time.Second, 5, []float64{595, 600, 605, 610, 615}},
		"enough":         {590 * time.Second, 600 * time.Second, 5 * time.Second, 8, []float64{593, 596}},
		"few":            {590 * time.Second, 620 * time.Second, time.Second, 2, []float64{600, 610}},
		"uneven ends":    {589800 * time.Millisecond, 620 * time.Second, 5 * time.Second, 5, []float64{594, 599, 604, 609, 614}},
		"tenths":         {2 * time.Second, 3 * time.Second, 400 * time.Millisecond, 4, []float64{2.2, 2.5, 2.7}},
		"from nothing":   {0, 8 * time.Second, time.Second, 3, []float64{2, 4, 6}},
		"narrow enough":  {590 * time.Second, 591 * time.Second, time.Second, 8, nil},
		"none wanted":    {590 * time.Second, 620 * time.Second, time.Second, 0, nil},
		"less than none": {590 * time.Second, 620 * time.Second, time.Second, -1, nil},
		"empty":          {620 * time.Second, 620 * time.Second, time.Second, 8, nil},
		"upside down":    {620 * time.Second, 590 * time.Second, time.Second, 8, nil},
		"negative":       {-time.Second, time.Second, time.Second, 8, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, secondsOf(Refine(c.low, c.high, c.precision, c.n))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// FuzzRefine holds that the rungs rise inside the bracket, as many as were wanted at most, and that all are near enough to their neighbours unless
// there are not enough of them.
func FuzzRefine(f *testing.F) {
	f.Add(int64(590*time.Second), int64(620*time.Second), int64(time.Second), 8)
	f.Add(int64(0), int64(7), int64(0), 100)
	f.Fuzz(func(t *testing.T, low, high, precision int64, n int) {
		if n > 1000 || high > int64(1000*time.Hour) {
			return
		}
		at := time.Duration(low)
		rungs := Refine(at, time.Duration(high), time.Duration(precision), n)
		if len(rungs) > max(n, 0) {
			t.Fatalf("%d rungs, at most %d wanted", len(rungs), n)
		}
		if len(rungs) == 0 {
			return
		}
		for _, rung := range append(rungs, time.Duration(high)) {
			if rung <= at {
				t.Fatalf("%v comes after %v: %v", rung, at, rungs)
			}
			if len(rungs) < n && rung-at > max(time.Duration(precision), time.Millisecond) {
				t.Fatalf("%v is too far from %v: %v", rung, at, rungs)
			}
			at = rung
		}
	})
}

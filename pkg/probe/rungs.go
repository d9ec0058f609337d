package probe

import (
	"slices"
	"time"
)

const (
	fewestRungs = 8
	mostRungs   = 16
)

// Rungs gives the idle times that a ladder up to most tries, strictly rising, the last one most itself: one just below and one just above each known
// timeout, and one for both sides where two timeouts are near each other. No rung lies at a known timeout, where it would tell nothing, but most.
// With so many connections at a time, the longest first, all take no longer than most. It gives none unless most is above 0.
func Rungs(t Timeouts, most time.Duration, connections int) []time.Duration {
	if most <= 0 {
		return nil
	}
	connections = max(connections, 1)
	known := defaults(t, most)
	rungs, fewest := beside(known, most), min(fewestRungs, connections)
	if len(rungs) == 1 {
		rungs, fewest = evenly(most), 0
	}
	for len(rungs) > mostRungs || len(rungs) > 1 && makespan(rungs, connections) > most {
		rungs = thin(rungs, known)
	}
	for len(rungs) < fewest {
		more := halve(rungs, known)
		if len(more) == len(rungs) {
			break
		}
		rungs = more
	}
	return rungs
}

// defaults gives the known timeouts up to most that a probe can meet, rising.
func defaults(t Timeouts, most time.Duration) []time.Duration {
	var known []time.Duration
	for _, entry := range t {
		if d := entry.Default(); d > 0 && d <= most && !entry.Pool {
			known = append(known, d)
		}
	}
	slices.Sort(known)
	return slices.Compact(known)
}

// margin is how far from a timeout a rung must stay: clocks and timers are not exact, and a round number is easier to read.
func margin(d time.Duration) time.Duration {
	switch {
	case d < time.Minute:
		return d / 10
	case d < 2*time.Minute:
		return 5 * time.Second
	case d < 15*time.Minute:
		return 10 * time.Second
	case d < 30*time.Minute:
		return 20 * time.Second
	default:
		return d / 60
	}
}

// beside gives the rungs on both sides of each known timeout, and most.
func beside(known []time.Duration, most time.Duration) []time.Duration {
	rungs := []time.Duration{most}
	for _, d := range known {
		step := roundness(d)
		below, above := (d - margin(d)).Truncate(step), (d + margin(d) + step - 1).Truncate(step)
		for _, rung := range []time.Duration{below, above} {
			if rung > 0 && rung < most && !near(rung, known) {
				rungs = append(rungs, rung)
			}
		}
	}
	slices.Sort(rungs)
	return slices.Compact(rungs)
}

// roundness is the step of round numbers of that size.
func roundness(d time.Duration) time.Duration {
	switch {
	case d < 10*time.Second:
		return 100 * time.Millisecond
	case d < 30*time.Second:
		return time.Second
	case d < 2*time.Minute:
		return 5 * time.Second
	default:
		return 10 * time.Second
	}
}

// near tells whether a rung is so near to a known timeout that either could come first.
func near(rung time.Duration, known []time.Duration) bool {
	return slices.ContainsFunc(known, func(d time.Duration) bool { return (rung - d).Abs() < margin(d) })
}

// between tells whether a known timeout lies between two rungs.
func between(known []time.Duration, low, high time.Duration) bool {
	return slices.ContainsFunc(known, func(d time.Duration) bool { return low < d && d <= high })
}

// thin takes one rung away: of the pairs that no known timeout parts, the nearest becomes one, else that rung goes whose neighbours are nearest
// to each other. The last one stays.
func thin(rungs, known []time.Duration) []time.Duration {
	last := len(rungs) - 1
	pair, gone := -1, 0
	for i := range last {
		if !between(known, rungs[i], rungs[i+1]) && (pair < 0 || ratio(rungs[i], rungs[i+1]) < ratio(rungs[pair], rungs[pair+1])) {
			pair = i
		}
		if i > 0 && (gone == 0 || ratio(rungs[i-1], rungs[i+1]) < ratio(rungs[gone-1], rungs[gone+1])) {
			gone = i
		}
	}
	if pair < 0 {
		return slices.Delete(slices.Clone(rungs), gone, gone+1)
	}
	thinner := slices.Delete(slices.Clone(rungs), pair, pair+1)
	if pair+1 < last {
		thinner[pair] = middle(rungs[pair], rungs[pair+1])
	}
	return thinner
}

func ratio(low, high time.Duration) float64 { return float64(high) / float64(low) }

// halve adds a rung in the middle of the widest gap, where that is not at a known timeout.
func halve(rungs, known []time.Duration) []time.Duration {
	best, at, low := time.Duration(0), time.Duration(0), time.Duration(0)
	for _, high := range rungs {
		if m := middle(low, high); high-low > best && m > low && m < high && !near(m, known) {
			best, at = high-low, m
		}
		low = high
	}
	if best == 0 {
		return rungs
	}
	more := append(slices.Clone(rungs), at)
	slices.Sort(more)
	return more
}

// middle is a round number in the middle of two, or the middle where none is between them.
func middle(low, high time.Duration) time.Duration {
	exact := low + (high-low)/2
	step := roundness(high)
	if round := exact.Truncate(step); round > low && round < high {
		return round
	}
	return exact
}

// evenly gives rungs where no known timeout helps.
func evenly(most time.Duration) []time.Duration {
	part := most / fewestRungs
	if part == 0 {
		return []time.Duration{most}
	}
	var rungs []time.Duration
	for rung := part; len(rungs) < fewestRungs-1; rung += part {
		rungs = append(rungs, rung)
	}
	return append(rungs, most)
}

// makespan is how long all rungs take with so many at a time, when the longest that is left starts as soon as one ends.
func makespan(rungs []time.Duration, atATime int) time.Duration {
	free := make([]time.Duration, atATime) // when each connection is free
	for _, rung := range slices.Backward(rungs) {
		slices.Sort(free)
		free[0] += rung
	}
	return slices.Max(free)
}

// Refine gives idle times evenly inside the open bracket, so many that no two neighbours, nor one and an end, are further apart than precision; but no more
// than n, and none where the bracket is narrow enough.
func Refine(low, high, precision time.Duration, n int) []time.Duration {
	precision = max(precision, time.Millisecond)
	width := high - low
	if low < 0 || width <= precision || n <= 0 {
		return nil
	}
	unit := roundTo(precision)
	step := precision - unit // which cutting off to the unit may add again
	parts := min((int64(width)-1)/int64(step), int64(n)) + 1
	var rungs []time.Duration
	for i := int64(1); i < parts; i++ {
		rungs = append(rungs, (low + width/time.Duration(parts)*time.Duration(i)).Truncate(unit))
	}
	return rungs
}

// roundTo is the largest unit that is small beside a precision.
func roundTo(precision time.Duration) time.Duration {
	for _, unit := range []time.Duration{time.Second, 100 * time.Millisecond, 10 * time.Millisecond, time.Millisecond} {
		if unit*4 <= precision {
			return unit
		}
	}
	return 100 * time.Microsecond
}

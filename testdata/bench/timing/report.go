package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"time"
)

// report prints all numbers, the times also as multiples of the first program's, and tells whether the limits hold.
func (p *plan) report(out io.Writer) bool {
	fmt.Fprintf(out, "%-24s %12s %12s %10s %10s %8s\n", "", "median", "fastest", "max RSS", "CPU", "times")
	for _, prog := range p.programs {
		took := prog.sorted(func(c cost) time.Duration { return c.took })
		cpu := prog.sorted(func(c cost) time.Duration { return c.cpu })
		fmt.Fprintf(out, "%-24s %12s %12s %6.1f MiB %10s %8.2f\n", prog.name,
			median(took).Round(10*time.Microsecond), took[0].Round(10*time.Microsecond),
			mebibytes(prog.maxRSS()), median(cpu).Round(100*time.Microsecond), times(prog, p.programs[0]))
	}
	all := true
	for _, l := range p.limits {
		what, is := l.figure(p)
		word, bound := "ok", "most"
		if l.least() {
			bound = "least"
		}
		if is > l.bound && !l.least() || is < l.bound && l.least() {
			word, all = "BROKEN", false
		}
		if math.IsInf(l.bound, 1) {
			fmt.Fprintf(out, "%-44s %8.2f\n", what, is)
			continue
		}
		fmt.Fprintf(out, "%-44s %8.2f of at %-5s %6.2f  %s\n", what, is, bound, l.bound, word)
	}
	return all
}

// figure gives what is held to the limit, the worst of all runs of a probe, and its name for a reader.
func (l limit) figure(p *plan) (what string, is float64) {
	prog := p.program(l.name)
	switch l.kind {
	case limitTime:
		return l.name + " : " + l.other, times(prog, p.program(l.other))
	case limitMillis:
		took := prog.sorted(func(c cost) time.Duration { return c.took })
		return "median of " + l.name + ", ms", float64(median(took)) / float64(time.Millisecond)
	case limitRSS:
		return "RSS of " + l.name + ", MiB", mebibytes(prog.maxRSS())
	case limitOverhead:
		return "overhead of " + l.name + ", s a pass", prog.worst(func(m measured) float64 { return m.overhead.Seconds() })
	case limitDrift:
		return "latest beat of " + l.name + ", % of interval", 100 * prog.worst(func(m measured) float64 { return m.drift })
	case limitLate:
		return "median beat of " + l.name + ", % of interval", 100 * prog.worst(func(m measured) float64 { return m.late })
	case limitVerdicts:
		return "verdicts of " + l.name, -prog.worst(func(m measured) float64 { return -float64(m.verdicts) })
	default: // limitBracket
		return fmt.Sprintf("%s : limits of %v found", l.name, l.within), float64(prog.brackets(l.within)) / float64(len(prog.runs))
	}
}

// worst gives the largest of a figure of the runs.
func (prog *program) worst(figure func(measured) float64) float64 {
	most := figure(prog.runs[0].probed)
	for _, c := range prog.runs {
		most = max(most, figure(c.probed))
	}
	return most
}

// brackets counts the runs that found a bracket with the limit in it.
func (prog *program) brackets(within time.Duration) int {
	found := 0
	for _, c := range prog.runs {
		if m := c.probed; m.high > 0 && m.low <= within && within <= m.high {
			found++
		}
	}
	return found
}

// maxRSS is in bytes.
func (prog *program) maxRSS() int64 {
	var most int64
	for _, c := range prog.runs {
		most = max(most, c.rss)
	}
	return most
}

// sorted gives a cost of each run, the least first.
func (prog *program) sorted(of func(cost) time.Duration) []time.Duration {
	var all []time.Duration
	for _, c := range prog.runs {
		all = append(all, of(c))
	}
	slices.Sort(all)
	return all
}

func median(sorted []time.Duration) time.Duration { return sorted[len(sorted)/2] }

func times(prog, other *program) float64 {
	took := func(c cost) time.Duration { return c.took }
	return float64(median(prog.sorted(took))) / float64(median(other.sorted(took)))
}

func mebibytes(n int64) float64 { return float64(n) / (1 << 20) }

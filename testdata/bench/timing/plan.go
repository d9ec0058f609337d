package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// plan is what to run and what to hold it to.
type plan struct {
	programs []*program
	limits   []limit
}

// limit is on a program's time relative to another's, or, without another, on its memory in MiB.
type limit struct {
	name, other string
	most        float64
}

func parse(in io.Reader) (*plan, error) {
	p := new(plan)
	lines := bufio.NewScanner(in)
	for n := 1; lines.Scan(); n++ {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 {
			continue
		}
		if err := p.add(fields); err != nil {
			return nil, fmt.Errorf("plan, line %d: %w", n, err)
		}
	}
	if len(p.programs) == 0 && lines.Err() == nil {
		return nil, errors.New("the plan runs nothing")
	}
	return p, lines.Err()
}

func (p *plan) add(fields []string) error {
	switch {
	case fields[0] == "run" && len(fields) > 2:
		prog := &program{name: fields[1], codes: []int{0}, command: fields[2:]}
		if codes, ok := exitCodes(fields[2]); ok && len(fields) > 3 {
			prog.codes, prog.command = codes, fields[3:]
		}
		p.programs = append(p.programs, prog)
		return nil
	case fields[0] == "after" && len(fields) > 2 && p.program(fields[1]) != nil:
		p.program(fields[1]).after = fields[2:]
		return nil
	case fields[0] == "time" && len(fields) == 4 && p.program(fields[2]) != nil:
		return p.limit(fields[1], fields[2], fields[3])
	case fields[0] == "rss" && len(fields) == 3:
		return p.limit(fields[1], "", fields[2])
	}
	return fmt.Errorf("not understood: %q", fields)
}

func (p *plan) limit(name, other, number string) error {
	most, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return err
	}
	if p.program(name) == nil {
		return fmt.Errorf("no program %q before this line", name)
	}
	p.limits = append(p.limits, limit{name, other, most})
	return nil
}

func (p *plan) program(name string) *program {
	i := slices.IndexFunc(p.programs, func(prog *program) bool { return prog.name == name })
	if i < 0 {
		return nil
	}
	return p.programs[i]
}

// exitCodes reads "0,1".
func exitCodes(text string) ([]int, bool) {
	var codes []int
	for part := range strings.SplitSeq(text, ",") {
		code, err := strconv.Atoi(part)
		if err != nil {
			return nil, false
		}
		codes = append(codes, code)
	}
	return codes, true
}

// report prints all numbers, the times also as multiples of the first program's, and tells whether the limits hold.
func (p *plan) report(out io.Writer) bool {
	fmt.Fprintf(out, "%-24s %12s %12s %10s %8s\n", "", "median", "fastest", "max RSS", "times")
	for _, prog := range p.programs {
		fmt.Fprintf(out, "%-24s %12s %12s %6.1f MiB %8.2f\n", prog.name,
			prog.median().Round(10*time.Microsecond), slices.Min(prog.times).Round(10*time.Microsecond),
			mebibytes(prog.maxRSS), times(prog, p.programs[0]))
	}
	all := true
	for _, l := range p.limits {
		prog := p.program(l.name)
		what, is := "RSS of "+l.name+", MiB", mebibytes(prog.maxRSS)
		if l.other != "" {
			what, is = l.name+" : "+l.other, times(prog, p.program(l.other))
		}
		word := "ok"
		if is > l.most {
			word, all = "OVER", false
		}
		fmt.Fprintf(out, "%-37s %8.2f of at most %6.2f  %s\n", what, is, l.most, word)
	}
	return all
}

func times(prog, other *program) float64 {
	return float64(prog.median()) / float64(other.median())
}

func mebibytes(n int64) float64 { return float64(n) / (1 << 20) }

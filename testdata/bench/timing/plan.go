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

// limitKind is what a limit is on, by the word that asks for it.
type limitKind string

const (
	limitTime     limitKind = "time"
	limitMillis   limitKind = "ms"
	limitRSS      limitKind = "rss"
	limitOverhead limitKind = "overhead"
	limitDrift    limitKind = "drift"
	limitLate     limitKind = "late"
	limitVerdicts limitKind = "verdicts"
	limitBracket  limitKind = "bracket"
)

// limit holds a figure of a program to a number.
type limit struct {
	kind   limitKind
	name   string
	other  string        // of limitTime: whose time is the unit
	within time.Duration // of limitBracket
	bound  float64
}

// least tells that the figure must be as large as the number, rather than no larger.
func (l limit) least() bool { return l.kind == limitVerdicts || l.kind == limitBracket }

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
	switch word := limitKind(fields[0]); {
	case (word == "run" || word == "probe") && len(fields) > 2:
		prog := &program{name: fields[1], probe: word == "probe", codes: []int{0}, command: fields[2:]}
		if codes, ok := exitCodes(fields[2]); ok && len(fields) > 3 {
			prog.codes, prog.command = codes, fields[3:]
		}
		p.programs = append(p.programs, prog)
		return nil
	case word == "after" && len(fields) > 2 && p.program(fields[1]) != nil:
		p.program(fields[1]).after = fields[2:]
		return nil
	case word == limitTime && len(fields) == 4 && p.program(fields[2]) != nil:
		return p.limit(limit{kind: word, name: fields[1], other: fields[2]}, fields[3])
	case (word == limitRSS || word == limitMillis) && len(fields) == 3:
		return p.limit(limit{kind: word, name: fields[1]}, fields[2])
	case slices.Contains([]limitKind{limitOverhead, limitDrift, limitLate, limitVerdicts, limitBracket}, word) && len(fields) == 3:
		return p.probeLimit(limit{kind: word, name: fields[1]}, fields[2])
	}
	return fmt.Errorf("not understood: %q", fields)
}

func (p *plan) limit(l limit, number string) (err error) {
	if l.bound, err = strconv.ParseFloat(number, 64); err != nil {
		return err
	}
	if p.program(l.name) == nil {
		return fmt.Errorf("no program %q before this line", l.name)
	}
	p.limits = append(p.limits, l)
	return nil
}

// probeLimit takes a limit on what only a probe has.
func (p *plan) probeLimit(l limit, number string) (err error) {
	if prog := p.program(l.name); prog != nil && !prog.probe {
		return fmt.Errorf("%q is not a probe", l.name)
	}
	if l.kind == limitBracket {
		if l.within, err = time.ParseDuration(number); err != nil {
			return err
		}
		number = "1" // all of them
	}
	return p.limit(l, number)
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

// Command timing runs programs in turns and compares what they cost.
//
// Usage: timing [-runs N] < PLAN
//
// A plan has one instruction a line:
//
//	run NAME [CODE,...] COMMAND [ARGUMENT...]     a program to measure, and the exit codes that are right (0)
//	probe NAME [CODE,...] COMMAND [ARGUMENT...]   the same for a vmguard probe that prints JSON
//	after NAME COMMAND [ARGUMENT...]              what runs after each run of it, and is not measured
//	time NAME OTHER MAX                           its median time may be at most MAX times the other's
//	ms NAME MAX                                   its median time may be at most MAX milliseconds
//	rss NAME MAX                                  its largest resident memory may be at most MAX MiB
//
// and for probes, each of whose runs must hold the limit:
//
//	overhead NAME MAX                             a pass may take at most MAX seconds longer than its longest wait
//	drift NAME MAX                                a heartbeat may be late by at most MAX per cent of its interval
//	late NAME MAX                                 the median of its heartbeats may be; it is for -o jsonl
//	verdicts NAME LEAST                           at least LEAST connections of the first pass must be found alive or dead
//	bracket NAME DURATION                         a limit must be found, and its bracket must hold DURATION
//
// A MAX of inf only prints the figure. The programs run one after the other, N rounds of that after one that does not count (none if N is 1),
// so that whatever else the machine does meets them all alike. Their output goes nowhere else. A program's
// resident memory is as wait4(2) reports it, and so never less than that of this one, which
// it was forked from; its CPU time, of which the median is shown, is user's and system's together. timing exits
// with 1 if a limit is broken, and with 2 if a program could not be run.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"time"
)

func main() {
	runs := flag.Int("runs", 21, "how many times each program runs")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, *runs, os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, runs int, stdin io.Reader, stdout, stderr io.Writer) int {
	plan, err := parse(stdin)
	if err == nil {
		err = plan.measure(ctx, runs)
	}
	if err != nil {
		fmt.Fprintf(stderr, "timing: %v\n", err)
		return 2
	}
	if !plan.report(stdout) {
		return 1
	}
	return 0
}

// program is what is measured, and what came of it.
type program struct {
	name    string
	probe   bool // what it prints is read
	codes   []int
	command []string
	after   []string // empty for nothing

	runs []cost // those that count
}

// cost is what one run came to.
type cost struct {
	took, cpu time.Duration
	rss       int64    // bytes
	probed    measured // of a probe
}

// measure runs every program once without counting it, and then as often as asked; to run once is to run just once.
func (p *plan) measure(ctx context.Context, runs int) error {
	first := 0
	if runs <= 1 {
		first, runs = 1, 1
	}
	for round := first; round <= runs; round++ {
		for _, prog := range p.programs {
			c, err := prog.runOnce(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", prog.name, err)
			}
			if round > 0 {
				prog.runs = append(prog.runs, c)
			}
		}
	}
	return nil
}

func (prog *program) runOnce(ctx context.Context) (cost, error) {
	cmd := exec.CommandContext(ctx, prog.command[0], prog.command[1:]...)
	var printed bytes.Buffer
	if prog.probe {
		cmd.Stdout = &printed
	}
	start := time.Now()
	err := cmd.Run()
	took := time.Since(start)
	state := cmd.ProcessState
	if state == nil {
		return cost{}, err
	}
	if !slices.Contains(prog.codes, state.ExitCode()) {
		return cost{}, fmt.Errorf("%q ended with %v", prog.command, state)
	}
	c := cost{took: took, cpu: state.UserTime() + state.SystemTime(), rss: maxRSS(state)}
	if prog.probe {
		if c.probed, err = parseProbe(printed.Bytes(), took); err != nil {
			return cost{}, err
		}
	}
	if len(prog.after) > 0 {
		if out, err := exec.CommandContext(ctx, prog.after[0], prog.after[1:]...).CombinedOutput(); err != nil {
			return cost{}, fmt.Errorf("%q: %w\n%s", prog.after, err, out)
		}
	}
	return c, nil
}

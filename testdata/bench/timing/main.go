// Command timing runs programs in turns and compares what they cost.
//
// Usage: timing [-runs N] < PLAN
//
// A plan has one instruction a line:
//
//	run NAME [CODE,...] COMMAND [ARGUMENT...]   a program to measure, and the exit codes that are right (0)
//	after NAME COMMAND [ARGUMENT...]            what runs after each run of it, and is not measured
//	time NAME OTHER MAX                         its median time may be at most MAX times the other's
//	rss NAME MAX                                its largest resident memory may be at most MAX MiB
//
// The programs run one after the other, N rounds of that after one that does not count (none if N is 1),
// so that whatever else the machine does meets them all alike. Their output goes nowhere. A program's
// resident memory is as wait4(2) reports it, and so never less than that of this one, which
// it was forked from. timing exits with 1 if a limit is broken, and with 2 if a program could not be run.
package main

import (
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
	codes   []int
	command []string
	after   []string // empty for nothing

	times  []time.Duration
	maxRSS int64 // bytes
}

// measure runs every program once without counting it, and then as often as asked; to run once is to run just once.
func (p *plan) measure(ctx context.Context, runs int) error {
	first := 0
	if runs <= 1 {
		first, runs = 1, 1
	}
	for round := first; round <= runs; round++ {
		for _, prog := range p.programs {
			took, rss, err := prog.runOnce(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", prog.name, err)
			}
			if round > 0 {
				prog.times = append(prog.times, took)
				prog.maxRSS = max(prog.maxRSS, rss)
			}
		}
	}
	return nil
}

func (prog *program) runOnce(ctx context.Context) (time.Duration, int64, error) {
	cmd := exec.CommandContext(ctx, prog.command[0], prog.command[1:]...)
	start := time.Now()
	err := cmd.Run()
	took := time.Since(start)
	if cmd.ProcessState == nil {
		return 0, 0, err
	}
	if code := cmd.ProcessState.ExitCode(); !slices.Contains(prog.codes, code) {
		return 0, 0, fmt.Errorf("%q ended with %v", prog.command, cmd.ProcessState)
	}
	if len(prog.after) > 0 {
		if out, err := exec.CommandContext(ctx, prog.after[0], prog.after[1:]...).CombinedOutput(); err != nil {
			return 0, 0, fmt.Errorf("%q: %w\n%s", prog.after, err, out)
		}
	}
	return took, maxRSS(cmd.ProcessState), nil
}

func (prog *program) median() time.Duration {
	sorted := slices.Sorted(slices.Values(prog.times))
	return sorted[len(sorted)/2]
}

// Command oom measures the reading of a kernel log that is nearly all noise, against cAdvisor's parser and against
// grep on the same text. It is a module of its own, so that nothing of cAdvisor comes into vmguard's.
//
// Usage:
//
//	oom write FORM MIB FILE    writes a log of FORM syslog, dmesg or json, and prints how many kills it holds
//	oom storm KILLS FILE       writes a log of kill lines, every second one with its summary
//	oom ours FILE              reads a log with vmguard's Scan
//	oom cadvisor FILE          reads a log of FORM syslog or dmesg with cAdvisor's parser
//
// The last two print what they found, how long it took and how much memory the process had at most. FILE should be in
// the page cache: read it once before.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"vmguard/pkg/oom"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "oom: %v\n", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("usage: oom write FORM MIB FILE | storm KILLS FILE | ours FILE | cadvisor FILE")

func run(ctx context.Context, args []string, out io.Writer) error {
	switch {
	case len(args) == 4 && args[0] == "write":
		mib, err := strconv.Atoi(args[2])
		if err != nil {
			return fmt.Errorf("size: %w", err)
		}
		return create(args[3], func(w io.Writer) error {
			kills, err := writeLog(w, args[1], int64(mib)<<20)
			fmt.Fprintf(out, "kills %d\n", kills)
			return err
		})
	case len(args) == 3 && args[0] == "storm":
		kills, err := strconv.Atoi(args[1])
		if err != nil {
			return fmt.Errorf("kills: %w", err)
		}
		return create(args[2], func(w io.Writer) error { return writeStorm(w, kills) })
	case len(args) == 2 && args[0] == "ours":
		return measure(args[1], out, func(r io.Reader) (int, error) {
			log, err := oom.Scan(ctx, r, oom.ScanOptions{Reference: time.Now()})
			return len(log.Kills), err
		})
	case len(args) == 2 && args[0] == "cadvisor":
		return measure(args[1], out, readByCadvisor)
	}
	return errUsage
}

func create(path string, write func(io.Writer) error) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(file), file.Close())
}

func measure(path string, out io.Writer, read func(io.Reader) (int, error)) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	start := time.Now()
	kills, err := read(file)
	took := time.Since(start)
	if err != nil {
		return err
	}
	rss, err := maxRSS()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "kills %d, %d ms, %.2f GiB/s, %.1f MiB at most\n", kills, took.Milliseconds(),
		float64(info.Size())/(1<<30)/took.Seconds(), float64(rss)/(1<<20))
	return nil
}

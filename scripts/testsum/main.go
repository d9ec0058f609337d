// Command testsum reads what "go test -json" prints, shows what a person wants to
// see of it, and counts.
//
// Usage: go test -json ./... | testsum [-skips FILE]
//
// It prints one line for each package and everything that a failed test or a
// package that did not build had to say. Each skipped test goes to FILE, one a
// line, with its reason. The last line is "N passed, N failed", with ", N skipped"
// after it if any were; tests and subtests count alike. It exits with 1 if anything failed,
// and with 2 if its input held no test at all.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("testsum", flag.ContinueOnError)
	flags.SetOutput(stderr)
	skips := flags.String("skips", "", "write the skipped tests and their reasons to this file")
	if err := flags.Parse(args); err != nil {
		return 2
	}

	sum, err := summarise(stdin, stdout)
	if err == nil && *skips != "" {
		err = writeLines(*skips, sum.skips)
	}
	if err != nil {
		fmt.Fprintf(stderr, "testsum: %v\n", err)
		return 2
	}
	fmt.Fprintln(stdout, sum)
	switch {
	case sum.failed > 0 || sum.broken > 0:
		return 1
	case sum.passed == 0:
		fmt.Fprintln(stderr, "testsum: no test ran")
		return 2
	}
	return 0
}

// summary is what is left of a test run.
type summary struct {
	passed, failed int
	broken         int      // packages that failed without a failed test: did not build, or died
	skips          []string // "package TestName: reason"
}

// String gives the closing line.
func (s *summary) String() string {
	line := fmt.Sprintf("%d passed, %d failed", s.passed, s.failed+s.broken)
	if len(s.skips) > 0 {
		line += fmt.Sprintf(", %d skipped", len(s.skips))
	}
	return line
}

// event is one line of go test -json; see "go doc test2json".
type event struct {
	Action     string
	Package    string
	ImportPath string // in place of Package on build output
	Test       string
	Elapsed    float64
	Output     string
}

// summarise reads a whole test run and prints packages and failures on the way.
func summarise(in io.Reader, out io.Writer) (*summary, error) {
	sum := new(summary)
	output := map[string][]string{} // by package and test, until the test ends
	failed := map[string]int{}      // failed tests by package

	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			sum.add(line, output, failed, out)
		}
		if errors.Is(err, io.EOF) {
			return sum, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read events: %w", err)
		}
	}
}

func (s *summary) add(line string, output map[string][]string, failed map[string]int, out io.Writer) {
	var ev event
	if json.Unmarshal([]byte(line), &ev) != nil {
		fmt.Fprint(out, line) // not test2json's: the go command itself complaining
		return
	}
	key := ev.Package + " " + ev.Test
	switch ev.Action {
	case "output":
		output[key] = append(output[key], ev.Output)
		return
	case "build-output":
		fmt.Fprint(out, ev.Output)
		return
	case "pass", "fail", "skip":
	default:
		return
	}
	if ev.Test == "" {
		s.endPackage(ev, output[key], failed[ev.Package], out)
	} else {
		s.endTest(ev, output[key], failed, out)
	}
	delete(output, key)
}

func (s *summary) endTest(ev event, said []string, failed map[string]int, out io.Writer) {
	switch ev.Action {
	case "pass":
		s.passed++
	case "skip":
		s.skips = append(s.skips, fmt.Sprintf("%s %s: %s", ev.Package, ev.Test, reason(said)))
	case "fail":
		s.failed++
		failed[ev.Package]++
		show(out, said, "=== ")
	}
}

func (s *summary) endPackage(ev event, said []string, failedTests int, out io.Writer) {
	switch ev.Action {
	case "pass":
		fmt.Fprintf(out, "ok    %s  %.1f s\n", ev.Package, ev.Elapsed)
	case "fail":
		if failedTests == 0 {
			s.broken++
		}
		show(out, said, "FAIL") // said below, in the same form for all
		fmt.Fprintf(out, "FAIL  %s  %.1f s\n", ev.Package, ev.Elapsed)
	}
}

// show prints lines but those that say nothing new.
func show(out io.Writer, lines []string, except string) {
	for _, line := range lines {
		if !strings.HasPrefix(line, except) {
			fmt.Fprint(out, line)
		}
	}
}

// reason is what a skipped test said last, without the place in the source and go test's own lines.
func reason(said []string) string {
	var text []string
	for _, line := range said {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "=== ") || strings.HasPrefix(line, "--- ") {
			continue
		}
		if place, rest, ok := strings.Cut(line, ": "); ok && strings.Contains(place, ".go:") {
			text = text[:0] // each t.Log or t.Skip starts anew; a message of several lines goes on
			line = rest
		}
		text = append(text, line)
	}
	if len(text) == 0 {
		return "no reason given"
	}
	return strings.Join(text, " ")
}

func writeLines(name string, lines []string) error {
	text := strings.Join(lines, "\n")
	if text != "" {
		text += "\n"
	}
	return os.WriteFile(name, []byte(text), 0o600)
}

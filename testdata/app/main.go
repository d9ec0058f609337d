// Command app is what runs inside test containers. It behaves well or badly, as its
// first argument says, and announces on stdout when it has got there ("ready").
//
// It is built static and small; testdata/app/build-image makes images of it.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const usage = `usage: app MODE [ARGUMENT...]

  hold                  live on as a Go program does by default: SIGTERM ends it at once with exit code 2
  polite                catch SIGTERM and exit 0
  deaf                  ignore SIGTERM
  eat MIB               take MIB MiB of memory, 1 MiB at a time, then hold
  spawn-eat MIB         let a child eat MIB MiB; outlive it, then hold
  eat-later MIB         as eat, but only once it gets SIGUSR1
  exit CODE [AFTER] [TEXT]
                        say TEXT and end with CODE, after a Go duration (0s)
  sleep DURATION        end with 0 after a Go duration
  logs LINES [LENGTH]   print LINES lines of LENGTH characters (80), then hold
  serve ADDRESS         answer HTTP at ADDRESS: 200 or 503 on /health, hold
  health                exit 0 or 1, as health was set; for a HEALTHCHECK
  set-health ok|bad     set it; unset means ok (the environment's HEALTH=bad: bad)
`

// modes by name. Each ends with an error or nil, and so the program.
func mode(name string) (func(args []string) error, bool) {
	run, ok := map[string]func([]string) error{
		"hold":       hold,
		"polite":     polite,
		"deaf":       deaf,
		"eat":        eat,
		"eat-later":  eatLater,
		"spawn-eat":  spawnEat,
		"exit":       exit,
		"sleep":      sleep,
		"logs":       logs,
		"serve":      serve,
		"health":     health,
		"set-health": setHealth,
	}[name]
	return run, ok
}

// exitCode is an error that ends the program with its own code and no message.
type exitCode int

func (e exitCode) Error() string { return "exit code " + strconv.Itoa(int(e)) }

func main() {
	os.Exit(run(os.Args[1:], os.Stderr))
}

func run(args []string, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return 64
	}
	todo, ok := mode(args[0])
	if !ok {
		fmt.Fprintf(stderr, "app: unknown mode %q\n%s", args[0], usage)
		return 64
	}
	var code exitCode
	switch err := todo(args[1:]); {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	default:
		fmt.Fprintf(stderr, "app: %s: %v\n", args[0], err)
		return 65
	}
}

func say(format string, args ...any) {
	fmt.Fprintf(os.Stdout, format+"\n", args...)
}

// forever waits as long as it is let, in a way that the runtime does not take for a deadlock.
func forever() error {
	for {
		time.Sleep(time.Hour)
	}
}

func hold([]string) error {
	say("ready")
	return forever()
}

func polite([]string) error {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	say("ready")
	say("stopping on %v", <-stop)
	return nil
}

func deaf([]string) error {
	signal.Ignore(syscall.SIGTERM)
	say("ready")
	return forever()
}

func exit(args []string) error {
	code, err := strconv.Atoi(argument(args, 0, "1"))
	if err != nil {
		return err
	}
	if err := sleep([]string{argument(args, 1, "0s")}); err != nil {
		return err
	}
	if text := argument(args, 2, ""); text != "" {
		say("%s", text)
	}
	return exitCode(code)
}

func sleep(args []string) error {
	wait, err := time.ParseDuration(argument(args, 0, "1h"))
	if err != nil {
		return err
	}
	time.Sleep(wait)
	return nil
}

func logs(args []string) error {
	lines, err := strconv.Atoi(argument(args, 0, "1000"))
	if err != nil {
		return err
	}
	length, err := strconv.Atoi(argument(args, 1, "80"))
	if err != nil {
		return err
	}
	line := strings.Repeat("x", length)
	for range lines {
		say("%s", line)
	}
	return hold(nil)
}

// argument is the n-th argument, or what stands in for it.
func argument(args []string, n int, otherwise string) string {
	if n < len(args) {
		return args[n]
	}
	return otherwise
}

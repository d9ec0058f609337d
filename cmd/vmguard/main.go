// Vmguard says what on a VM will kill its containers, and the command that mends it.
package main

import (
	"context"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"

	"vmguard/pkg/cli"
)

// Set by the release build (see .goreleaser.yaml).
var version, commit, date string

func main() {
	os.Exit(run())
}

func run() int {
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as nohup(1) has it
		ends = append(ends, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), ends...)
	defer stop()
	log.SetOutput(io.Discard) // net/http logs what a foreign peer said; vmguard prints errors itself, cleaned
	return cli.Main(ctx, cli.App{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv,
		Build: cli.Build{Version: version, Commit: commit, Date: date},
	})
}

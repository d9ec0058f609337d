// Command engine stands in for a Docker engine with very many containers: it answers on
// unix sockets with what a real one (20.10) said, varied by container.
//
// Usage: engine SOCKET=CONTAINERS...
//
// It prints "ready" once it listens on all of them, and serves until it is interrupted.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "engine: %v\n", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called: nothing deferred is lost
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return errors.New("name at least one SOCKET=CONTAINERS")
	}
	var servers []*http.Server
	defer func() {
		for _, server := range servers {
			server.Close()
		}
	}()
	failed := make(chan error, len(args))
	for _, arg := range args {
		socket, number, _ := strings.Cut(arg, "=")
		containers, err := strconv.Atoi(number)
		if err != nil {
			return fmt.Errorf("number of containers in %q: %w", arg, err)
		}
		answers, err := newAnswers(containers)
		if err != nil {
			return err
		}
		listener, err := net.Listen("unix", socket)
		if err != nil {
			return err
		}
		server := &http.Server{Handler: answers.handler(), ReadHeaderTimeout: 10 * time.Second}
		servers = append(servers, server)
		go func() { failed <- server.Serve(listener) }()
	}
	fmt.Fprintln(out, "ready")
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return err
	}
}

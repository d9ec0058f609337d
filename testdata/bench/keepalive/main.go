// Command keepalive serves HTTP with keep-alive on a free port of the loopback interface, and closes connections
// that were idle for too long.
//
// Usage: keepalive [-idle DURATION]
//
// It prints "ready ADDRESS" once it listens, and serves until it is interrupted.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	idle := flag.Duration("idle", time.Minute, "how long a connection may be idle")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx, *idle, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "keepalive: %v\n", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called: nothing deferred is lost
	}
}

func run(ctx context.Context, idle time.Duration, out io.Writer) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "hello, world") }),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       idle,
	}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	fmt.Fprintln(out, "ready", listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

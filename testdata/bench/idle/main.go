// Command idle is what a probe is measured against: it opens a connection for each idle time, sends a request of
// HTTP, is idle, sends it again, and tells how many were answered. It looks at nothing else and judges nothing.
//
// Usage: idle ADDRESS DURATION[,DURATION...]
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "idle: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	if len(args) != 2 {
		return errors.New("name an address, and the idle times with commas between")
	}
	var times []time.Duration
	for text := range strings.SplitSeq(args[1], ",") {
		d, err := time.ParseDuration(text)
		if err != nil {
			return err
		}
		times = append(times, d)
	}
	failed := make([]error, len(times))
	var answered atomic.Int64
	var all sync.WaitGroup
	for i, d := range times {
		all.Go(func() {
			var alive bool
			if alive, failed[i] = survives(args[0], d); alive {
				answered.Add(1)
			}
		})
	}
	all.Wait()
	fmt.Fprintf(out, "%d connections, %d answered\n", len(times), answered.Load())
	return errors.Join(failed...)
}

// survives tells whether a connection answers after it was idle. It errs on one that never answered.
func survives(addr string, idle time.Duration) (bool, error) {
	// Go's own keepalive is switched off, as a probe's must be.
	dialer := net.Dialer{KeepAlive: -1}
	conn, err := dialer.DialContext(context.Background(), "tcp", addr)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	reader := bufio.NewReader(conn)
	if err := ask(conn, reader, addr); err != nil {
		return false, err
	}
	time.Sleep(idle)
	return ask(conn, reader, addr) == nil, nil
}

func ask(conn net.Conn, reader *bufio.Reader, host string) error {
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: "+host+"\r\n\r\n"); err != nil {
		return err
	}
	resp, err := http.ReadResponse(reader, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// Command inspect is what vmguard is measured against where there are containers: it
// lists them all and inspects each, several at a time, over the engine's socket, with
// the standard library alone. It judges nothing.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
)

func main() {
	socket := flag.String("socket", "/var/run/docker.sock", "the engine's socket")
	parallel := flag.Int("parallel", 8, "how many inspections run at a time")
	flag.Parse()
	if err := run(*socket, *parallel, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "inspect: %v\n", err)
		os.Exit(1)
	}
}

// container is some of what an inspection tells, so that the answers are decoded as any user of them has to.
type container struct {
	Name         string
	RestartCount int
	State        struct {
		Status    string
		Pid       int
		ExitCode  int
		OOMKilled bool
	}
	HostConfig struct{ Memory, MemorySwap int64 }
}

func run(socket string, parallel int, out io.Writer) error {
	client := &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: parallel,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}
	defer client.CloseIdleConnections()

	var listed []struct {
		ID string `json:"Id"`
	}
	if err := get(client, "/containers/json?all=1", &listed); err != nil {
		return err
	}
	inspected := make([]container, len(listed))
	failed := make([]error, len(listed))
	slots := make(chan struct{}, parallel)
	var all sync.WaitGroup
	for i := range listed {
		slots <- struct{}{}
		all.Go(func() {
			failed[i] = get(client, "/containers/"+listed[i].ID+"/json", &inspected[i])
			<-slots
		})
	}
	all.Wait()

	running, vanished := 0, 0
	for i, c := range inspected {
		if failed[i] != nil {
			vanished++
		}
		if c.State.Status == "running" {
			running++
		}
	}
	fmt.Fprintf(out, "%d containers, %d running, %d not inspected\n", len(listed), running, vanished)
	return nil
}

func get(client *http.Client, path string, into any) error {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://engine"+path, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

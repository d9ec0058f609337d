package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"vmguard/pkg/docker"
)

// containerLimit is how long the engine may take to say which process is a container's.
const containerLimit = 10 * time.Second

// containerPID gives the process whose network namespace is a running container's. The container is named
// by its name, its ID, or the beginning of that.
func containerPID(ctx context.Context, app *App, dockerHost, name string) (int, error) {
	facts, err := collect(ctx, app, dockerHost, nil, containerLimit)
	if err != nil {
		return 0, err
	}
	if !facts.Containers.Known() {
		return 0, failed(fmt.Errorf("find container %s: %s", name, facts.Containers.Why()), "is the engine running? try: docker ps")
	}
	c, err := findContainer(facts.Containers.Value, name).one("docker ps lists the running ones")
	switch {
	case err != nil:
		return 0, err
	case !c.Running() || c.PID == 0:
		return 0, failed(fmt.Errorf("enter container %s: it is not running (%s)", name, c.State), "start it first: docker start "+name)
	case c.NetworkMode == "none":
		return 0, failed(fmt.Errorf("enter container %s: it has no network (--network none)", name), "")
	case !c.Keepalive.Known():
		// What is read inside its network namespace is only read where the process is surely the container's.
		return 0, failed(fmt.Errorf("enter container %s: %s", name, c.Keepalive.Why()), "run: "+asRoot(app.Args))
	}
	return c.PID, nil
}

// completeRunning completes the names of the running containers.
func completeRunning(c *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	running := func(one docker.Container) bool { return one.State == "running" }
	return completeContainers(func(string) string { return "" }, running)(c, args, word)
}
